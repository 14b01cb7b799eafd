"""What is worth trying elsewhere: the functions and data whose memory made the core wait."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from simcore.advisor.reach import DmaReach
from simcore.advisor.repeats import read_at_start, startup_functions
from simcore.advisor.slices import WaitingPart, hottest, is_slice, waits_of
from simcore.costs.profile import Profile
from simcore.cpu_model import CpuModel, Region
from simcore.cpu_model.schema import TCM_KINDS
from simcore.elf import Image
from simcore.linking import Build, as_linked
from simcore.linking.inputs import Stays, by_itself
from simcore.linking.room import room_for_sections, section_bytes
from simcore.linking.startup import linefill_cycles
from simcore.linking.units import is_joined
from simcore.placement.pieces import LINE, Piece, ProgramMemory, all_pieces, is_composed
from simcore.run.setup import TimingSetup

#: Data in a TCM below this many bytes is not moved out to make room.
SMALLEST_RESIDENT = 256
#: Share of the cycles awake below which a wait is not worth a try.
LEAST_SHARE = 1e-4
#: A hot part of an object that fits whole is tried when it has so much of its waits in so many
#: of its bytes.
HOT_WAITS, HOT_BYTES = 0.8, 0.5
#: Why start-up code stays.
BEFORE_FILLED = "runs before start-up code has filled RAM"
READ_BEFORE_FILLED = "start-up code reads it, before RAM is filled"
#: A program of which no map and no script are known.
NO_BUILD = Build()
#: Shares of a region's room that parts of an object that does not fit may take. What is left of
#: the second one is for tables of a few words.
ROOMS = (1.0, 0.9375, 0.75, 0.5)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece with the regions that it may go to.

    ``stall_cycles`` is what it waits now, ``copy_cycles`` the least that filling it at the start
    costs if it moves from ROM to RAM. Of those with one ``whole``, parts of one object, one moves.
    """

    piece: Piece
    home: str | None  # region in which it lies
    regions: tuple[Region, ...]  # the best first
    stall_cycles: int
    copy_cycles: int = 0
    whole: int = 0  # address of the object that it is or is a part of
    is_resident: bool = False  # may leave a TCM to make room
    stays: str | None = None  # why no linker script moves it, so that it is for hands
    section_size: int = 0  # bytes of its input section, where that is known

    @property
    def size(self) -> int:
        """Bytes that it takes of a region, the gap in front of it with them."""
        aligned = -(-self.piece.size // self.piece.alignment) * self.piece.alignment
        return max(aligned, section_bytes(self.section_size))

    @property
    def is_part(self) -> bool:
        """Whether it is a part of an object."""
        return is_slice(self.piece)


@dataclass(frozen=True, slots=True)
class Left:
    """What waits but is no candidate, and why: ``room`` is what the best region has left."""

    piece: Piece
    stall_cycles: int
    region: str | None
    room: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates, those that wait most first, and what is none of them."""

    candidates: list[Candidate]
    left: list[Left]


def find_candidates(
    image: Image,
    setup: TimingSetup,
    memory: ProgramMemory,
    profile: Profile,
    parts: Sequence[WaitingPart],
    fetch: Mapping[int | None, int],
    reach: DmaReach,
    most: int,
    *,
    count_copies: bool,
    once: bool | None,
    is_part: bool = False,
    build: Build = NO_BUILD,
) -> Found:
    """At most ``most`` candidates, those that wait most first, then data that could make room.

    ``parts`` and ``fetch`` are what :meth:`Passes.waits` gives.

    ``once``: code may move that runs so seldom that its copy takes longer, unless it is False.
    ``is_part``: not all of the run is in the profile. By the linker's map what shares an input
    section is one candidate.
    """
    model = setup.model
    least = max(1, round(LEAST_SHARE * profile.totals.active_cycles))
    found: list[Candidate] = []
    residents: list[Candidate] = []
    left: list[Left] = []
    room = {
        region.name: room_for_sections(image, model, memory, build, region)
        for region in model.regions
    }
    startup = startup_functions(image, profile, is_part=is_part)
    early = read_at_start(image, startup, parts, is_part=is_part)
    code = sorted(at for at in fetch if at is not None)
    inside: list[int] = []
    for piece in as_linked(build.map, _pieces(image, memory, profile)):
        home = model.region_at(piece.address)
        if home is None or _is_vector_table(image, piece):
            continue
        if piece.kind == "stack":
            waited = sum(row.stall_cycles for row in profile.objects if row.kind == "stack")
        elif piece.is_code:
            inside = code[bisect_left(code, piece.address) : bisect_left(code, piece.end)]
            waited = sum(fetch[at] for at in inside)
        else:
            waited = waits_of(parts, piece.address, piece.end)
        in_tcm = home.kind in TCM_KINDS
        large = not piece.is_code and piece.kind != "stack" and piece.size >= SMALLEST_RESIDENT
        if (in_tcm and not large) or (not in_tcm and waited < least):
            continue
        copy = _copy_cycles(setup, piece, home)
        one = Candidate(piece, home.name, (), waited, copy, piece.address, in_tcm)
        if in_tcm:
            targets = _targets(model, room, piece, home, reach)
            told = _as_linked_alone(image, build, replace(one, regions=targets))
            if targets and told.stays is None:
                residents.append(told)
            continue
        if piece.is_code and not startup.only.union(startup.also).isdisjoint(inside):
            # Whatever is asked for: start-up code fills RAM, and runs in front of that.
            left.append(Left(piece, waited, None, None, BEFORE_FILLED))
        elif not home.writable and piece.kind == "object" and early.touch(piece.address, piece.end):
            left.append(Left(piece, waited, None, None, READ_BEFORE_FILLED))
        elif piece.is_code and once is False and waited <= 2 * copy:
            left.append(Left(piece, waited, None, None, "runs too seldom to pay for its copy"))
        elif not piece.is_code and count_copies and waited <= copy:
            left.append(Left(piece, waited, None, None, "read too seldom to pay for its copy"))
        else:
            wanted, reason = _with_parts(one, model, room, parts, reach)
            found += wanted
            if reason is not None:
                left.append(_with_flag(reason, build))
    found.sort(key=lambda one: (-one.stall_cycles, one.piece.address, one.piece.size))
    found, others = _those_that_wait_most(image, build, found, most)
    for one in others:
        if not any(x.piece.address == one.whole for x in left):
            left.append(
                Left(one.piece, one.stall_cycles, None, None, "waits less than --candidates")
            )
    scarce = any(
        sum(one.size for one in found if not one.is_part) > room[region.name]
        for region in model.regions
        if region.kind in TCM_KINDS
    )
    residents.sort(key=lambda one: (-one.size, one.piece.address))
    if not scarce:
        found = [one for one in found if not one.is_part or not _has_whole(one, found)]
        residents = []
    left.sort(key=lambda one: (-one.stall_cycles, one.piece.address))
    return Found(found + residents[: max(1, most // 8)], left)


def _those_that_wait_most(
    image: Image, build: Build, found: Sequence[Candidate], most: int
) -> tuple[list[Candidate], list[Candidate]]:
    """The first candidates, ``most`` of those that a script moves and as many of those that it does
    not, each with what a linker makes of it; and the rest."""
    wholes: dict[bool, dict[int, None]] = {True: {}, False: {}}  # of what a script moves, or not
    kept: list[Candidate] = []
    others: list[Candidate] = []
    for one in found:
        if len(wholes[True]) >= most and one.whole not in wholes[True]:
            others.append(one)
            continue
        told = _as_linked_alone(image, build, one)
        group = wholes[told.stays is None]
        if one.whole in group or len(group) < most:
            group[one.whole] = None
            kept.append(told)
        else:
            others.append(one)
    return kept, others


def _as_linked_alone(image: Image, build: Build, one: Candidate) -> Candidate:
    """A candidate with what a linker script makes of it."""
    if one.piece.kind == "stack":
        if build.script is None:
            return one
        return replace(one, stays="its top is the first word of the vector table: set it there")
    if is_composed(image):
        return one
    found = by_itself(image, build.map, one.piece)
    if isinstance(found, Stays):
        return replace(one, stays=found.reason)
    return replace(one, section_size=found.size)


def _has_whole(part: Candidate, found: Sequence[Candidate]) -> bool:
    return any(one.whole == part.whole and not one.is_part for one in found)


def _with_flag(left: Left, build: Build) -> Left:
    """What does not fit with the flag that takes its input section apart, unless it is a library's:
    a part of it may fit."""
    holder = None if build.map is None else build.map.at(left.piece.address)
    if left.room is None or not is_joined(left.piece) or holder is None or holder.archive:
        return left
    flag = "-ffunction-sections" if left.piece.is_code else "-fdata-sections"
    return replace(left, reason=f"{left.reason} as one (compile with {flag})")


def _with_parts(
    one: Candidate,
    model: CpuModel,
    room: dict[str, int],
    parts: Sequence[WaitingPart],
    reach: DmaReach,
) -> tuple[list[Candidate], Left | None]:
    """A candidate, parts of it that are hot, and why it is not there whole where it waits least."""
    home = model.region(one.home or "")
    wanted = _targets(model, {}, one.piece, home, reach)  # as if there were room
    if not wanted:
        reason = "nowhere waits less"
        if not reach.reaches_tcm(one.piece):
            reason = "DMA moves it, and reaches no TCM of the part"
        return [], Left(one.piece, one.stall_cycles, None, None, reason)
    targets = _targets(model, room, one.piece, home, reach)
    found = [replace(one, regions=targets)] if targets else []
    left = None
    tcm = next((r for r in wanted if r.kind in TCM_KINDS), None)
    if tcm is not None and not any(region.kind in TCM_KINDS for region in targets):
        left = Left(one.piece, one.stall_cycles, tcm.name, max(0, room[tcm.name]), "does not fit")
    is_one = one.piece.kind == "object" and not is_joined(one.piece)
    if not is_one or one.piece.size < 2 * LINE or tcm is None:
        return found, left
    sizes = [round(share * room[tcm.name]) // LINE * LINE for share in ROOMS]
    if left is None:
        sizes = [round(HOT_BYTES * one.piece.size) // LINE * LINE]
    for size in sizes:
        hot = hottest(one.piece, parts, size) if size >= LINE else None
        if hot is None or any(hot == other.piece for other in found):
            continue
        waited = waits_of(parts, hot.address, hot.end)
        if left is None and waited < HOT_WAITS * one.stall_cycles:
            continue
        regions = tuple(r for r in _targets(model, room, hot, home, reach) if r.kind in TCM_KINDS)
        copy = one.copy_cycles * hot.size // one.piece.size
        if regions:
            found.append(replace(one, piece=hot, regions=regions, stall_cycles=waited,
                                 copy_cycles=copy))  # fmt: skip
    return found, left


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


def _is_vector_table(image: Image, piece: Piece) -> bool:
    """Whether the core reads a piece at reset, before anything could be copied."""
    table = image.vector_table
    return table is not None and not piece.is_code and piece.address <= table < piece.end


def _copy_cycles(setup: TimingSetup, piece: Piece, home: Region) -> int:
    """The least that start-up code takes to copy a piece out of ROM: a load and a store of each
    word, and a line refill from an open row of the memory for each line."""
    if home.writable:
        return 0
    return 2 * -(-piece.size // 4) + linefill_cycles(setup, home, piece.size)


#: Where a person would put data first.
_ORDER = {"dtcm": 0, "sram": 1, "itcm": 2}


def _targets(
    model: CpuModel, room: dict[str, int], piece: Piece, home: Region, reach: DmaReach
) -> tuple[Region, ...]:
    """Regions that might serve a piece better: code into ITCM; data into a TCM or another SRAM.

    Of SRAM banks of one speed the one with most room stands for all. ``room`` is the free bytes of
    each, empty: as much as is asked for.
    """
    banks: dict[tuple[str, str], Region] = {}
    for region in model.regions:
        if region.device == home.device or region.kind not in (*TCM_KINDS, "sram"):
            continue
        if piece.is_code and (region.kind != "itcm" or not region.executable):
            continue
        if piece.kind == "stack" and region.kind == "itcm":
            continue
        size = room.get(region.name, region.size)
        if not region.writable or (room and size < piece.size):
            continue
        if not piece.is_code and not reach.allows(piece, region):
            continue
        key = (region.kind, region.memory)
        best = banks.get(key)
        if best is None or size > room.get(best.name, best.size):
            banks[key] = region
    return tuple(sorted(banks.values(), key=lambda region: _ORDER[region.kind]))


def shown_names(image: Image) -> Callable[[Piece], str]:
    """Names pieces, with the file that one is of where another piece is called so."""
    known: dict[str, set[int]] = {}
    for one in all_pieces(image):
        if one.size:
            known.setdefault(one.name, set()).add(one.address)

    def shown(piece: Piece) -> str:
        others = known.get(piece.name, set()) - {piece.address}
        file = image.file_at(piece.address) if others else None
        return piece.name if file is None else f"{piece.name} ({file})"

    return shown
