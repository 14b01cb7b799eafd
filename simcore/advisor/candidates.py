"""What is worth trying elsewhere: the functions and data whose memory made the core wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simcore.costs.profile import Profile
from simcore.cpu_model import CpuModel, Region
from simcore.cpu_model.schema import TCM_KINDS
from simcore.elf import Image
from simcore.placement.pieces import LINE, Piece, ProgramMemory, all_pieces
from simcore.placement.placer import free_bytes
from simcore.run.setup import TimingSetup

#: Data in a TCM below this many bytes is not moved out to make room.
SMALLEST_RESIDENT = 256
#: What a reset handler calls when memory is ready.
_AFTER_BOOT = ("main", "_start", "__main", "_mainCRTStartup", "__libc_init_array", "entry")
#: Share of the run's cycles below which a wait is not worth a try.
LEAST_SHARE = 1e-5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece with the regions that it may go to.

    ``stall_cycles`` is what it waits now, ``copy_cycles`` the least that filling it at the start
    costs if it moves from ROM to RAM.
    """

    piece: Piece
    home: str | None  # region in which it lies
    regions: tuple[Region, ...]
    stall_cycles: int
    copy_cycles: int = 0

    @property
    def pays(self) -> bool:
        """Whether it waits longer than its copy takes. Of code only the wait for lines is known,
        and its copy is short."""
        return self.piece.is_code or self.stall_cycles > self.copy_cycles or not self.copy_cycles

    @property
    def size(self) -> int:
        """Bytes that it takes of a region, the gap in front of it with them."""
        return -(-self.piece.size // self.piece.alignment) * self.piece.alignment


def find_candidates(
    image: Image, setup: TimingSetup, memory: ProgramMemory, profile: Profile, most: int
) -> list[Candidate]:
    """At most ``most`` candidates, those that wait most first, then data that could make room."""
    model = setup.model
    fetch = {row.address: row.cycles_by_cause["fetch"] for row in profile.functions}
    stalls = {row.address: row.stall_cycles for row in profile.objects if row.kind == "symbol"}
    least = max(1, round(LEAST_SHARE * profile.totals.cycles))
    found: list[Candidate] = []
    residents: list[Candidate] = []
    boot = _boot_code(image, profile)
    room = {region.name: free_bytes(image, model, memory, region) for region in model.regions}
    for piece in _pieces(image, memory, profile):
        if piece.is_code and piece.address in boot:
            continue
        home = model.region_at(piece.address)
        name = None if home is None else home.name
        if piece.kind == "stack":
            waited = sum(row.stall_cycles for row in profile.objects if row.kind == "stack")
        else:
            waited = (fetch if piece.is_code else stalls).get(piece.address, 0)
        regions = _targets(model, room, piece, home)
        if not regions:
            continue
        if home is not None and home.kind in TCM_KINDS:
            if not piece.is_code and piece.kind != "stack" and piece.size >= SMALLEST_RESIDENT:
                residents.append(Candidate(piece, name, regions, waited))
        elif waited >= least:
            found.append(Candidate(piece, name, regions, waited, _copy_cycles(setup, piece, home)))
    found.sort(key=lambda one: (-one.stall_cycles, one.piece.address))
    residents.sort(key=lambda one: (-one.size, one.piece.address))
    room_is_scarce = any(
        sum(one.size for one in found[:most]) > room[region.name]
        for region in model.regions
        if region.kind in TCM_KINDS
    )
    return found[:most] + (residents[: max(1, most // 4)] if room_is_scarce else [])


def _boot_code(image: Image, profile: Profile) -> set[int]:
    """Where the functions begin that run before RAM is filled, which cannot lie in it: the reset
    handler and what it calls, but for the C library's start and main()."""
    if image.reset is None:
        return set()
    handler = image.function_at(image.reset & ~1)
    if handler is None:
        return set()
    boot = {handler.start}
    for node in profile.call_tree:
        caller = None if node.parent is None else profile.call_tree[node.parent].function
        if caller is None or node.function is None or node.op is not None:
            continue
        called = profile.functions[node.function]
        if profile.functions[caller].address == handler.start and called.name not in _AFTER_BOOT:
            boot.add(called.address or 0)
    return boot


def _pieces(image: Image, memory: ProgramMemory, profile: Profile) -> list[Piece]:
    """Functions, data objects and the stack as far as it grew; of aliases the first."""
    pieces: dict[tuple[int, bool], Piece] = {}
    for piece in all_pieces(image):
        known = pieces.get((piece.address, piece.is_code))
        if known is None or piece.size > known.size:
            pieces[piece.address, piece.is_code] = piece
    used, top = profile.totals.stack_high_water_bytes, memory.stack[1]
    result = list(pieces.values())
    if used:
        size = -(-used // 32) * 32
        result.append(Piece("stack", "stack", top - size, size, 8))
    return result


def _copy_cycles(setup: TimingSetup, piece: Piece, home: Region | None) -> int:
    """The least that start-up code takes to copy a piece out of ROM: a load and a store of each
    word, and a line refill from an open row of the memory for each line."""
    if home is None or home.writable:
        return 0
    model = setup.model
    _, regions = model.timing(setup.core_clock_hz, setup.caches, setup.voltage_scale)
    timing = regions[model.regions.index(home)]
    beats = LINE // 8
    refill = timing["read_cycles"] + (beats - 1) * timing["beat_cycles"]
    return 2 * -(-piece.size // 4) + refill * -(-piece.size // LINE)


def _targets(
    model: CpuModel, room: dict[str, int], piece: Piece, home: Region | None
) -> tuple[Region, ...]:
    """Regions that might serve a piece better: code into ITCM; data into a TCM or another SRAM.

    Of SRAM banks of one speed the one with most room stands for all.
    """
    if home is None:
        return ()
    banks: dict[tuple[str, str], Region] = {}
    for region in model.regions:
        if region.device == home.device or region.kind not in (*TCM_KINDS, "sram"):
            continue
        if piece.is_code and (region.kind != "itcm" or not region.executable):
            continue
        if piece.kind == "stack" and region.kind == "itcm":
            continue
        if not region.writable or room[region.name] < piece.size:
            continue
        key = (region.kind, region.memory)
        best = banks.get(key)
        if best is None or room[region.name] > room[best.name]:
            banks[key] = region
    return tuple(banks.values())


def names(candidates: Sequence[Candidate], image: Image) -> list[str]:
    """A name for each, with its file where two have the same."""
    plain = [candidate.piece.name for candidate in candidates]
    return [
        f"{name} ({image.file_at(one.piece.address)})" if plain.count(name) > 1 else name
        for name, one in zip(plain, candidates, strict=True)
    ]
