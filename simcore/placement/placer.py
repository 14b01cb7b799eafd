"""Requests to moves: a free place for each piece in the region that it is asked into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from simcore.costs.tables import PlacedItem
from simcore.cpu_model import CpuModel, Region
from simcore.cpu_model.schema import TCM_KINDS
from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.placement.pieces import Piece, ProgramMemory, select
from simcore.placement.request import PlaceRequest, parse_request
from simcore.placement.space import Gap, Space, fit, merged
from simcore.run.setup import Move, placed

if TYPE_CHECKING:
    from simcore.core.end import EndedRun
    from simcore.simulation.simulation import Simulation

#: Kept for the stack if the linker script does not say how much; newlib's printf needs 1 to 2 KiB.
DEFAULT_STACK_BYTES = 4096
_STACK_SIZE_SYMBOLS = (
    "__stack_size", "__stack_size__", "_Min_Stack_Size", "__STACK_SIZE", "_stack_size",
    "__StackSize", "Stack_Size", "STACK_SIZE", "_STACK_SIZE",
)  # fmt: skip
_NOT_MEMORY = ("peripheral", "system")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where things were put. ``items`` are those that moved, by address; ``stays`` those named that
    lie in their region already.

    ``copied_bytes`` is what a relinked program would copy into RAM at its start, which the cycles
    do not hold.
    """

    requests: tuple[PlaceRequest, ...] = ()
    items: tuple[PlacedItem, ...] = ()
    stays: tuple[str, ...] = ()
    copied_bytes: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def moves(self) -> tuple[Move, ...]:
        """The moves of the timing side, sorted."""
        return tuple(Move(item.address, item.size, item.to) for item in self.items)

    def check_run(self, image: Image, run: Simulation) -> None:
        """Refuse what the run shows to be impossible. Raises ConfigError.

        The stack grew beyond what was moved, or the program wrote what lies in read-only memory.
        """
        used = run.result.counters.stack_high_water_bytes
        for item in self.items:
            if item.kind == "stack" and used is not None and used > item.size:
                raise ConfigError(
                    f"--place 'stack={item.region}' moves {item.size:,} bytes, but the program used"
                    f" {used:,}; say 'stack[:{-(-used // 8) * 8}]={item.region}'"
                )
        for item in self.items:
            if not run.model.region(item.region).writable:
                _check_writes(image, run.result, item)


def program_memory(image: Image, model: CpuModel) -> ProgramMemory:
    """Where the program's stack and heap lie. Raises ConfigError when the image does not fit."""
    from simcore.machine.loader import LoadedMemory  # brings the engine, which a run needs anyway

    memory = LoadedMemory(model, image)
    memory.load(image)
    top = memory.boot(image).sp
    floor, limit_symbol = memory.stack_floor(image, top), image.stack_limit()
    size = next(
        (s.address for name in _STACK_SIZE_SYMBOLS if (s := image.symbol(name)) and not s.section),
        DEFAULT_STACK_BYTES,
    )
    if limit_symbol is not None and limit_symbol.address == floor:
        size = top - floor
    heap = image.heap_start() or 0
    heap_end = memory.heap_limit(heap, top)
    if heap and heap < floor < heap_end:
        heap_end = floor
    if heap and heap <= top - size < heap_end:
        heap_end = top - size
    return ProgramMemory((floor, top), min(size, top - floor), (heap, max(heap, heap_end)))


def place(
    image: Image,
    model: CpuModel,
    requests: Sequence[PlaceRequest | str],
    memory: ProgramMemory | None = None,
) -> Placement:
    """Find a place for everything that the requests name.

    ``memory`` is what :func:`program_memory` says, when it is known. Raises ConfigError: an unknown
    name or region, something that is named twice, does not fit, or cannot lie there.
    """
    asked = [parse_request(r) if isinstance(r, str) else r for r in requests]
    if not asked:
        return Placement()
    if memory is None:
        memory = program_memory(image, model)
    wanted: list[tuple[PlaceRequest, Region, Piece]] = []
    for request in asked:
        region = _region(model, request)
        wanted += [(request, region, piece) for piece in select(image, memory, request)]
    return place_pieces(image, model, wanted, memory)


def place_pieces(
    image: Image,
    model: CpuModel,
    wanted: Sequence[tuple[PlaceRequest, Region, Piece]],
    memory: ProgramMemory,
) -> Placement:
    """Find a place for pieces in their regions; each request names its piece in a refusal.

    Raises ConfigError as :func:`place` does.
    """
    asked = tuple(dict.fromkeys(request for request, _, _ in wanted))
    for request, region, piece in wanted:
        _check_kind(image, model, request, region, piece)
    wanted = _apart(wanted)
    stays = [entry for entry in wanted if _is_in(model, entry[2], entry[1])]
    moving = [entry for entry in wanted if entry not in stays]
    space = _occupied(image, model, memory, [piece for _, _, piece in moving])
    heap = memory.heap[0] if memory.heap[0] < memory.heap[1] else None
    if any(piece.kind == "heap" for _, _, piece in moving):
        heap = None
    items: list[PlacedItem] = []
    warnings: list[str] = []
    for region in dict.fromkeys(region for _, region, _ in moving):
        group = [(request, piece) for request, to, piece in moving if to is region]
        items += _place_group(model, space, region, group, heap, warnings)
    items.sort(key=lambda item: item.address)
    return Placement(
        requests=asked,
        items=tuple(items),
        stays=tuple(piece.name for _, _, piece in stays),
        copied_bytes=_copied(model, items),
        warnings=tuple(warnings),
    )


def _region(model: CpuModel, request: PlaceRequest) -> Region:
    try:
        region = model.region(request.region)
    except ConfigError as error:
        raise ConfigError(f"--place '{request}': {error}") from None
    if region.kind in _NOT_MEMORY:
        raise ConfigError(f"--place '{request}': {region.name} of {model.name} is no memory")
    return region


def _check_kind(
    image: Image, model: CpuModel, request: PlaceRequest, region: Region, piece: Piece
) -> None:
    """Refuse what cannot lie in a region whatever its size."""
    if piece.is_code and not region.executable:
        raise ConfigError(
            f"--place '{request}': {piece.name} is code, and {region.name} of {model.name} does not"
            " execute any"
        )
    if not region.writable and not piece.is_rom:
        section = image.section_at(piece.address)
        where = "" if section is None or piece.kind == "section" else f" of {section.name}"
        raise ConfigError(
            f"--place '{request}': the program writes {piece.name}{where}, so it cannot lie in"
            f" {region.name} of {model.name}; declare it const, or choose a RAM"
        )


def _apart(
    wanted: Sequence[tuple[PlaceRequest, Region, Piece]],
) -> list[tuple[PlaceRequest, Region, Piece]]:
    """By address; what is asked for twice into one region counts once, and is refused for two."""
    ordered = sorted(wanted, key=lambda entry: (entry[2].address, -entry[2].size))
    kept: list[tuple[PlaceRequest, Region, Piece]] = []
    for entry in ordered:
        request, region, piece = entry
        if kept and piece.address < kept[-1][2].end:
            other, other_region, before = kept[-1]
            if region is not other_region or piece.end > before.end:
                raise ConfigError(
                    f"--place '{request}' overlaps '{other}': both name {piece.name} at"
                    f" {piece.address:#010x}; name it once"
                )
            continue
        kept.append(entry)
    return kept


def _is_in(model: CpuModel, piece: Piece, region: Region) -> bool:
    return region.base <= piece.address and piece.end <= region.end


def _occupied(
    image: Image, model: CpuModel, memory: ProgramMemory, moving: Sequence[Piece]
) -> Space:
    """What the program takes besides what moves away. In ROM the bytes of that stay, to be copied
    from; the heap takes nothing that is known before the run."""
    space = Space(model)
    for segment in image.segments:
        space.take(segment.run_address, segment.memory_size)
    first, top = memory.stack
    space.take(max(first, top - memory.stack_bytes), min(memory.stack_bytes, top - first))
    for piece in moving:
        region = model.region_at(piece.address)
        if region is not None and region.writable:
            space.free(piece.address, piece.size)
    for segment in image.segments:
        if segment.data and segment.address != segment.run_address:
            space.take(segment.address, len(segment.data))
    return space


def _place_group(
    model: CpuModel,
    space: Space,
    region: Region,
    group: Sequence[tuple[PlaceRequest, Piece]],
    heap: int | None,
    warnings: list[str],
) -> list[PlacedItem]:
    """Places for what goes into one region: fixed sizes in order of address, then the heap."""
    aliases = [(r, p) for r, p in group if _alias(model, p, region) is not None]
    fixed = [(r, p) for r, p in group if (r, p) not in aliases and p.least is None]
    flexible = [(r, p) for r, p in group if p.least is not None and (r, p) not in aliases]
    items = [_item(model, p, region, _alias(model, p, region) or 0) for _, p in aliases]
    gaps = space.gaps(region, heap)
    places = fit([(p.address, p.size, p.alignment) for _, p in fixed], gaps)
    if places is None:
        raise ConfigError(_too_large(model, space, region, fixed, gaps))
    for (_, piece), at in zip(fixed, places, strict=True):
        space.take(at, piece.size)
        items.append(_item(model, piece, region, at))
    for request, piece in flexible:
        gaps = space.gaps(region)
        gap = max(gaps, key=lambda gap: gap.size, default=Gap(region.base, region.base))
        at = -(-gap.start // 32) * 32
        size = min(piece.size, (gap.end - at) // 32 * 32)
        if size < (piece.least or 0):
            raise ConfigError(_too_large(model, space, region, [(request, piece)], gaps))
        if size < piece.size:
            warnings.append(
                f"the heap has {size:,} of its {piece.size:,} bytes in {region.name}; what lies"
                " behind them is timed where it is linked"
            )
        space.take(at, size)
        items.append(_item(model, replace(piece, size=size), region, at))
    return items


def _alias(model: CpuModel, piece: Piece, region: Region) -> int | None:
    """Where a region shows the bytes of a piece, which lies in its device; None if it does not."""
    here = model.region_at(piece.address)
    if here is None or here.device != region.device or piece.end > here.end:
        return None
    at = piece.address - here.base + here.device_offset - region.device_offset + region.base
    return at if region.base <= at and at + piece.size <= region.end else None


def _item(model: CpuModel, piece: Piece, region: Region, at: int) -> PlacedItem:
    here = model.region_at(piece.address)
    return PlacedItem(
        name=piece.name,
        kind=piece.kind,
        from_region=None if here is None else here.name,
        region=region.name,
        address=piece.address,
        to=at,
        size=piece.size,
        symbol=piece.symbol,
    )


def _too_large(
    model: CpuModel,
    space: Space,
    region: Region,
    group: Sequence[tuple[PlaceRequest, Piece]],
    gaps: Sequence[Gap],
) -> str:
    """Why a group does not fit: what it needs and what there is."""
    requests = list(dict.fromkeys(str(request) for request, _ in group))
    names = f"'{requests[0]}'"
    if len(requests) > 1:
        names += f" and {len(requests) - 1} more"
    need = sum(piece.size for _, piece in group)
    largest = max((gap.size for gap in gaps), default=0)
    return (
        f"--place {names}: {need:,} bytes do not fit into {region.name} of {model.name}: of"
        f" {region.size:,} bytes {space.taken_bytes(region):,} are taken, the largest gap has"
        f" {largest:,}"
    )


def free_bytes(
    image: Image, model: CpuModel, memory: ProgramMemory, region: Region, away: Sequence[Piece] = ()
) -> int:
    """The bytes of a region's largest gap when some pieces have moved away."""
    heap = memory.heap[0] if memory.heap[0] < memory.heap[1] else None
    gaps = _occupied(image, model, memory, away).gaps(region, heap)
    return max((gap.size for gap in gaps), default=0)


def _copied(model: CpuModel, items: Sequence[PlacedItem]) -> int:
    """Bytes that move from ROM to RAM, which a relinked program copies at its start."""
    copied = 0
    for item in items:
        here, there = model.region_at(item.address), model.region(item.region)
        if here is not None and not here.writable and there.writable:
            copied += item.size
    return copied


def _check_writes(image: Image, result: EndedRun, item: PlacedItem) -> None:
    """Refuse an item in read-only memory that the program wrote, start-up code apart."""
    counters = result.counters
    for use in counters.uses:
        block, touched = result.blocks[use.block], counters.objects[use.object]
        access = block.accesses[use.access]
        is_inside = item.address <= touched.address < item.address + item.size
        if not (access.is_write and use.executions and touched.kind == "symbol" and is_inside):
            continue
        section = image.section_at(touched.address)
        if section is None or section.load_address == section.address:
            raise ConfigError(
                f"--place '{item.name}={item.region}': the program writes {touched.name}"
                f" ({use.executions:,} times at"
                f" {block.instructions[access.instruction].address:#010x}), so it cannot lie there"
            )


def tcm_bytes(
    image: Image, model: CpuModel, moves: Sequence[Move], stack: tuple[int, int] | None = None
) -> dict[str, int]:
    """Bytes that the program takes of each TCM of the part under some moves, by region.

    ``stack`` is (lowest address used, top). The sections of the image count, and what moved in.
    """
    ranges = [
        (section.address, section.address + section.size)
        for section in image.sections
        if section.allocated and section.size
    ] or [(s.run_address, s.run_address + s.memory_size) for s in image.segments]
    # What moves is in use, too, if only as a heap. Of the stack counts what it grew to.
    ranges += [(move.start, move.end) for move in moves if stack is None or move.end != stack[1]]
    if stack is not None:
        ranges.append(stack)
    ends = [(move.start, move.end) for move in moves]
    ends += [(region.base, region.end) for region in model.regions]
    edges = sorted({edge for pair in ends for edge in pair})
    used = {region.name: 0 for region in model.regions if region.kind in TCM_KINDS}
    for start, end in merged(ranges):
        cuts = [start, *(edge for edge in edges if start < edge < end), end]
        for low, high in pairwise(cuts):
            region = model.region_at(placed(moves, low))
            if region is not None and region.name in used:
                used[region.name] += high - low
    return used
