"""Slow, obvious twin of placement.c: where the addresses of a program are timed."""

from __future__ import annotations

from itertools import pairwise


class Placement:
    """Moves as (start, bytes, to). ValueError for moves that no program can have."""

    def __init__(self, moves: list[tuple[int, int, int]], sites: int = 1) -> None:
        for start, size, to in moves:
            if size < 1 or start + size > 1 << 32 or to + size > 1 << 32 or (to - start) % 4:
                raise ValueError
        for (one, size, _), (other, _, _) in pairwise(moves):
            if other < one + size:
                raise ValueError
        self.moves = moves

    def at(self, address: int, site: int = 0) -> int:
        return self.of(address)

    def of(self, address: int) -> int:
        for start, size, to in self.moves:
            if start <= address < start + size:
                return to + address - start
        return address
