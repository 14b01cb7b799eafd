"""Slow, obvious twin of the rules of cache.c: which lines a cache holds, and nothing about time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Replacement(IntEnum):
    """Who goes when a set is full (enum replacement)."""

    RANDOM = 0
    ROUND_ROBIN = 1
    LRU = 2


@dataclass(frozen=True)
class CacheShape:
    """struct cache_config; a size of 0 is no cache."""

    size: int
    ways: int
    line_bytes: int = 32
    replacement: Replacement = Replacement.RANDOM

    @property
    def sets(self) -> int:
        return self.size // (self.ways * self.line_bytes) if self.size else 0


@dataclass(eq=False)
class Line:
    address: int
    dirty: bool


class Cache:
    """A set is a list of lines by way, None where nothing is held."""

    def __init__(self, shape: CacheShape) -> None:
        self.shape = shape
        self.set: list[list[Line | None]] = [[None] * shape.ways for _ in range(shape.sets)]
        self.touched: list[Line] = []  # least recently used first
        self.round_robin = dict.fromkeys(range(shape.sets), 0)
        self.shift_register = 0xACE1

    def set_of(self, address: int) -> int:
        return address // self.shape.line_bytes % self.shape.sets

    def find(self, address: int) -> Line | None:
        """The line that holds an address; a hit counts as a use of it."""
        if not self.shape.size:
            return None
        start = address // self.shape.line_bytes * self.shape.line_bytes
        for line in self.set[self.set_of(address)]:
            if line and line.address == start:
                self.touched.remove(line)
                self.touched.append(line)
                return line
        return None

    def insert(self, address: int, dirty: bool) -> Line | None:
        """Puts a line into the first free way, or throws one out and returns it."""
        number = self.set_of(address)
        ways = self.set[number]
        way = ways.index(None) if None in ways else self.victim(number)
        old = ways[way]
        if old:
            self.touched.remove(old)
        new = Line(address // self.shape.line_bytes * self.shape.line_bytes, dirty)
        ways[way] = new
        self.touched.append(new)
        return old

    def victim(self, number: int) -> int:
        """The way to replace in a full set."""
        if self.shape.replacement == Replacement.ROUND_ROBIN:
            way = self.round_robin[number]
            self.round_robin[number] = (way + 1) % self.shape.ways
            return way
        if self.shape.replacement == Replacement.LRU:
            oldest = next(line for line in self.touched if line in self.set[number])
            return self.set[number].index(oldest)
        # A 16-bit Galois register with taps 16, 14, 13, 11: x^16 + x^14 + x^13 + x^11 + 1.
        bit = self.shift_register % 2
        self.shift_register //= 2
        if bit:
            self.shift_register ^= sum(1 << (tap - 1) for tap in (16, 14, 13, 11))
        return self.shift_register % self.shape.ways

    # --- maintenance ---

    def at_set_way(self, operand: int) -> Line | None:
        """The line that the operand of DCISW, DCCSW or DCCISW names: its way is in the top bits."""
        if not self.shape.size:
            return None
        way_bits = (self.shape.ways - 1).bit_length()
        way = operand >> (32 - way_bits) if way_bits else 0
        return self.set[self.set_of(operand)][way] if way < self.shape.ways else None

    def maintain(self, line: Line | None, clean: bool = False, invalidate: bool = False) -> bool:
        """Returns whether a dirty line was cleaned, which means written back."""
        if line is None:
            return False
        cleaned = clean and line.dirty
        if clean:
            line.dirty = False
        if invalidate:
            ways = self.set[self.set_of(line.address)]
            ways[ways.index(line)] = None
            self.touched.remove(line)
        return cleaned

    def invalidate_all(self) -> None:
        for ways in self.set:
            ways[:] = [None] * self.shape.ways
        self.touched.clear()
