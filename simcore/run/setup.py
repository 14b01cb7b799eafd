"""What one execution is timed under: a part at a clock, its caches, and memory that is moved.

The program runs where it was linked; a move only changes where its accesses and fetches are timed,
so that banks, cache sets and capacity behave as after a relink.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING

from simcore.cpu_model import CACHE_CONTROLS, CpuModel, load_cpu_model
from simcore.errors import ConfigError
from simcore.run.asked import AskedCalls, OneCall
from simcore.run.flexram import divided

if TYPE_CHECKING:
    from simcore.elf import Image

DEFAULT_CPU = "stm32f746"
WORD = 4  # bytes: literal pools and the stack need moves by whole words


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """The program's [start, start + size) is timed as if it stood at `to`; bytes.

    A function moves with its literal pool. `to` is a multiple of four away from `start`.
    """

    start: int
    size: int
    to: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class TimingSetup:
    """One configuration to time a run under.

    `clock_hz` is the core clock, the part's highest at that voltage scale when None;
    `voltage_scale` the lowest that allows the clock when None; `caches` is auto (the firmware
    decides), on or off. `moves` are sorted and do not overlap. `changed` says in words what of the
    part's model was changed, for reports. `counted` are the contexts that count, None for all;
    `sums_only` keeps the sums of the run and nothing by what they hang on,
    `timeline` keeps spans and samples over time, `inlines` what each block did in each node of the
    call tree, `operations` are calls that are operations of their own, `one_call` is of which alone
    costs are counted, None: of the whole run. `apart`: each so many marked operations cost what
    they would alone behind a reset, 0: what they cost in the run.
    """

    model: CpuModel
    clock_hz: int | None = None
    caches: str = "auto"
    voltage_scale: str | None = None
    moves: tuple[Move, ...] = ()
    changed: tuple[str, ...] = ()
    sums_only: bool = False
    timeline: bool = False
    counted: tuple[int, ...] | None = None
    inlines: bool = False
    operations: tuple[AskedCalls, ...] = ()
    one_call: OneCall | None = None
    apart: int = 0

    @property
    def core_clock_hz(self) -> int:
        """The core clock in Hz."""
        if self.clock_hz is None:
            return self.model.highest_clock(self.voltage_scale)
        return self.clock_hz

    def place_of(self, address: int) -> int:
        """Where an address of the program is timed."""
        return placed(self.moves, address)

    def check(self) -> None:
        """Raise ConfigError when the part does not have this clock, or a move cannot be."""
        if self.caches not in CACHE_CONTROLS:
            known = ", ".join(CACHE_CONTROLS)
            raise ConfigError(f"caches is {self.caches!r}: it is one of {known}")
        self.model.operating_point(self.core_clock_hz, self.voltage_scale)
        for move in self.moves:
            self._check_move(move)
        for one, other in pairwise(self.moves):
            if other.start < one.end:
                raise ConfigError(
                    f"the move of {other.start:#010x} overlaps the one before it, of"
                    f" {one.start:#010x} with {one.size} bytes; moves are sorted and apart"
                )

    def _check_move(self, move: Move) -> None:
        name = f"the move of {move.size} bytes at {move.start:#010x} to {move.to:#010x}"
        if move.size <= 0 or not 0 <= move.start < move.end <= 1 << 32:
            raise ConfigError(f"{name} is of no range of addresses")
        if (move.to - move.start) % WORD:
            raise ConfigError(
                f"{name} is by no whole number of words; literal pools and the stack need one"
            )
        region = self.model.region_at(move.to)
        if region is None or region.kind == "peripheral" or move.to + move.size > region.end:
            raise ConfigError(f"{name} leaves the memories of {self.model.name}")

    def check_program(self, image: Image) -> None:
        """Raise ConfigError when some of the program is timed where the part has no memory."""
        edges = sorted({edge for move in self.moves for edge in (move.start, move.end)})
        for segment in image.segments:
            address, end = segment.run_address, segment.run_address + segment.memory_size
            while address < end:
                place = self.place_of(address)
                region = self.model.region_at(place)
                if region is None:
                    raise ConfigError(
                        f"{image.path}: {address:#010x} is outside the memory of"
                        f" {self.model.name}; move it there (--place), or choose another --cpu"
                    )
                behind = bisect_right(edges, address)  # where a move begins or ends next
                next_edge = edges[behind] if behind < len(edges) else 1 << 32
                address = min(next_edge, address + region.end - place)


def placed(moves: Sequence[Move], address: int) -> int:
    """Where an address is timed under sorted moves."""
    index = bisect_right(moves, address, key=lambda move: move.start)
    if index and address < moves[index - 1].end:
        return address - moves[index - 1].start + moves[index - 1].to
    return address


def load_setup(
    cpu: str | os.PathLike[str] = DEFAULT_CPU,
    *,
    clock_hz: int | None = None,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    memory_from: str | os.PathLike[str] | None = None,
    moves: Sequence[Move] = (),
    image: Image | None = None,
) -> TimingSetup:
    """A checked configuration on a part by name or file; arguments as in :func:`simcore.profile`.

    ``moves`` may come in any order. The memory of the part is divided as ``image`` has it, unless
    ``overrides`` or ``memory_from`` say how. Raises ModelError or ConfigError.
    """
    script = None if memory_from is None else os.fspath(memory_from)
    model = load_cpu_model(os.fspath(cpu), tuple(overrides), script)
    told = script is not None or any(text.startswith("region.") for text in overrides)
    if image is not None and not told:
        model = divided(model, image)
    changed = (*overrides, *(() if script is None else (f"memory from {PurePath(script).name}",)))
    setup = TimingSetup(model, clock_hz, caches, voltage_scale, tuple(sorted(moves)), changed)
    setup.check()
    return setup
