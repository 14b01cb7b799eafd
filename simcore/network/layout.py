"""Where a network's parts lie in a part's memories, and what is said when they do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from simcore.cpu_model import CpuModel, Region
from simcore.elf import Image
from simcore.elf.extend import NewSection, NewSymbol
from simcore.errors import ConfigError, NetworkError
from simcore.network.activations import ArenaPlan, ArenaRoom, up
from simcore.network.lowering import Variable
from simcore.network.steps import Key, Lowered, Step, tensor_name
from simcore.units import size as size_text

_LARGEST = 3  # tensors that a refusal names
#: Symbols of the runner behind which a memory is free, by its kind, and what it keeps of its end.
_FREE_BEHIND = {"dtcm": "__dtcm_end", "itcm": "__itcm_end", "sram": "__bss_end"}
_STACK_BYTES = 8 << 10  # at the end of the DTCM: __stack_size of kernels/startup/sections.ld


class NoRoomError(NetworkError):
    """A memory is too small: ``needs`` has the numbers, ``instead`` what fits better."""

    def __init__(self, needs: str, instead: str, memory: str) -> None:
        super().__init__(f"{needs}; {instead}, or --anyway times it with more {memory}")
        self.needs, self.instead, self.memory = needs, instead, memory

    def of(self, path: str) -> NoRoomError:
        """The same with the network's file in front."""
        return NoRoomError(f"{path}: {self.needs}", self.instead, self.memory)


@dataclass(frozen=True, slots=True)
class Rooms:
    """What is free beside the runner: flash for constants, and memories for tensors, in order.

    ``code_bytes`` is what the runner has in flash, which are ``flash_regions``; ``named``: the user
    chose the memories.
    """

    flash: ArenaRoom
    memories: tuple[ArenaRoom, ...]
    code_bytes: int
    flash_regions: tuple[str, ...]
    named: bool = False


def rooms_of(model: CpuModel, runner: Image, arena: Sequence[str] = ()) -> Rooms:
    """The room beside the runner on a part; ``arena`` names regions for tensors, best first.

    Without any it is the memory of the runner's data. Raises ConfigError for a region that a
    program cannot store to.
    """
    code = _region(model, runner.segments[0].address)
    code_end = max(
        segment.address + len(segment.data)
        for segment in runner.segments
        if _region(model, segment.address).kind == code.kind and segment.data
    )
    flash = ArenaRoom(code.name, code_end, _run_end(model, code) - code_end)
    code_bytes = code_end - runner.segments[0].address
    end = flash.start + flash.size
    regions = tuple(r.name for r in model.regions if code.base <= r.base < end)
    if not arena:
        start = _symbol(runner, "__bss_end")
        data = _region(model, start)
        return Rooms(flash, (_memory(data, start, _run_end(model, data)),), code_bytes, regions)
    names = list(dict.fromkeys(arena))
    memories = tuple(_named(model, runner, name) for name in names)
    return Rooms(flash, memories, code_bytes, regions, named=True)


def _named(model: CpuModel, runner: Image, name: str) -> ArenaRoom:
    region = model.region(name)
    if not region.writable or region.kind in ("peripheral", "system", "flash"):
        raise ConfigError(f"--arena {name}: tensors need memory that a program can store to")
    start, end = region.base, region.end
    symbol = _FREE_BEHIND.get(region.kind)
    if symbol is not None and region.base <= (taken := _symbol(runner, symbol)) <= region.end:
        start = taken
    stack = runner.initial_sp or 0
    if region.base < stack <= region.end:
        end = stack - _STACK_BYTES
    for segment in runner.segments:
        if region.base <= segment.run_address < region.end and segment.run_address < end:
            start = max(start, segment.run_address + segment.memory_size)
    return _memory(region, start, end)


def _memory(region: Region, start: int, end: int) -> ArenaRoom:
    start = -(-start // 32) * 32
    return ArenaRoom(region.name, start, max(end - start, 0))


def _region(model: CpuModel, address: int) -> Region:
    region = model.region_at(address)
    assert region is not None, f"{address:#x}: runner_for() chose a runner that fits"
    return region


def _run_end(model: CpuModel, region: Region) -> int:
    """The end of the regions of one kind that lie side by side."""
    while (behind := model.region_at(region.end)) is not None and behind.kind == region.kind:
        region = behind
    return region.end


def _symbol(runner: Image, name: str) -> int:
    symbol = runner.symbol(name)
    assert symbol is not None, f"the runner's linker script defines {name}"
    return symbol.address


class Layout:
    """Addresses of computed tensors, variables and scratch."""

    def __init__(self, network: Lowered, plan: ArenaPlan, rooms: Rooms) -> None:
        self._network, self._plan = network, plan
        self._memories = {memory.name: memory for memory in rooms.memories}
        home = rooms.memories[0]
        at = home.start
        self._variables: dict[str, tuple[int, Variable]] = {}  # by name, with the address
        for name, variable in network.variables().items():
            self._variables[name] = at, variable
            at += up(variable.size_bytes)
        self.variable_bytes = at - home.start
        self._base = {name: memory.start for name, memory in self._memories.items()}
        self._base[home.name] = at
        self.scratch = at + up(plan.used.get(home.name, 0))
        #: Bytes of each memory that are used: variables, tensors, scratch.
        self.used = {
            name: self._base[name] - memory.start + up(plan.used.get(name, 0))
            for name, memory in self._memories.items()
        }
        self.used[home.name] += plan.scratch
        self._home = home.name

    def address(self, key: Key) -> int:
        """Where a computed tensor lies."""
        place = self._plan.places[key]
        return self._base[place.memory] + place.offset

    def address_in(self, step: Step, item: int | Variable) -> int:
        """Where a buffer of a step lies that is no constant."""
        variable = self._network.variable(step, item)
        if variable is not None:
            return self._variables[variable.name][0]
        assert isinstance(item, int)
        return self.address(step.key(item))

    def name_of(self, key: Key) -> str:
        """What a computed tensor is called in symbols."""
        return tensor_name(self._network, key)

    def sections(self, inputs: Sequence[bytes]) -> Iterator[NewSection]:
        """RAM: the arena of each memory, state, and what a first inference finds as its input."""
        for name, memory in self._memories.items():
            several = len(self._memories) > 1
            symbols = [*self._arena_symbols(name, f"arena.{name}" if several else "arena")]
            if name == self._home:
                symbols += [
                    NewSymbol(f"state.{one.name.replace('/', '.')}", at, one.size_bytes)
                    for at, one in self._variables.values()
                ]
                if self._plan.scratch:
                    symbols.append(NewSymbol("scratch", self.scratch, self._plan.scratch))
            if self.used[name]:
                yield NewSection(
                    f".arena.{name}", memory.start, self.used[name], writable=True,
                    symbols=tuple(symbols),
                )  # fmt: skip
        for at, one in self._variables.values():
            if one.fill:
                yield NewSection(".state", at, one.size_bytes, bytes([one.fill]) * one.size_bytes)
        given = dict(zip(self._network.model.main.inputs, inputs, strict=True))  # each once
        for index, data in given.items():
            yield NewSection(".input", self.address((0, index)), len(data), data)

    def _arena_symbols(self, memory: str, shared: str) -> Iterator[NewSymbol]:
        from simcore.network.compose import objects_of

        found = objects_of(self._plan, memory)
        many = sum(len(keys) > 1 for *_, keys in found) > 1
        number = 0
        for offset, size, keys in found:
            name = self.name_of(keys[0])
            if len(keys) > 1:
                number += 1
                name = f"{shared}.{number}" if many else shared
            yield NewSymbol(name, self._base[memory] + offset, size)


def check_room(
    network: Lowered,
    rooms: Rooms,
    layout: Layout,
    weights_end: int,
    flash_end: int,
    model: CpuModel,
) -> None:
    """Raise NoRoomError, with the numbers, when flash or a memory of the part is too small."""
    flash = rooms.flash
    if flash_end > flash.start + flash.size:
        needs, has = flash_end - flash.start + rooms.code_bytes, flash.size + rooms.code_bytes
        raise NoRoomError(
            f"needs {size_text(needs)} of flash, {flash.name} of {model.name} has"
            f" {size_text(has)}: {size_text(weights_end - flash.start)} of weights"
            f" ({_largest(network, constants=True)}), {size_text(rooms.code_bytes)} of code",
            "choose another --cpu",
            "flash",
        )
    for memory in rooms.memories:
        used = layout.used[memory.name]
        if used > memory.size:
            others = [r.name for r in model.regions if r.writable and r.kind in ("dtcm", "sram")]
            spread = f"--arena {','.join(others)} spreads it, " if not rooms.named else ""
            raise NoRoomError(
                f"needs {size_text(used)} of RAM for tensors, {memory.name} of {model.name} has"
                f" {size_text(memory.size)} free ({_largest(network, constants=False)})",
                f"{spread}choose another --cpu",
                "RAM",
            )


def _largest(network: Lowered, *, constants: bool) -> str:
    """The largest constants or computed tensors, by the names of their symbols."""
    sizes: dict[str, int] = {}
    for step in network.steps:
        for place, item in enumerate(step.call.buffers):
            if not isinstance(item, int):
                continue
            tensor = network.tensor(step.key(item))
            if (tensor.data is not None) is constants and not tensor.is_variable:
                name = (
                    f"{step.layer}.{network.constant_name(step, place)}"
                    if constants
                    else tensor_name(network, step.key(item))
                )
                sizes.setdefault(name, tensor.size_bytes)
    found = sorted(sizes.items(), key=lambda row: -row[1])[:_LARGEST]
    named = [f"{name} {size_text(size)}" for name, size in found]
    return f"largest: {', '.join(named)}" if named else "none of the network's own"


def enlarged(rooms: Rooms, needs_flash: int, needs_ram: int, model: CpuModel) -> tuple[str, ...]:
    """Settings of the part that make the memories large enough. Raises NetworkError.

    The last region of each run of memory grows, as far as nothing else lies there.
    """
    told = []
    for memory, needs in ((rooms.flash, needs_flash), (rooms.memories[-1], needs_ram)):
        if needs <= memory.size:
            continue
        end = memory.start + memory.size
        region = next(r for r in model.regions if r.base < end <= r.end)
        if end != region.end:
            raise NetworkError(
                f"--anyway: {region.name} of {model.name} cannot grow below the stack; give another"
                " memory to --arena"
            )
        size = -(-(memory.start + needs - region.base) // 4096) * 4096
        above = min((r.base for r in model.regions if r.base >= region.end), default=1 << 32)
        if region.base + size > above:
            raise NetworkError(
                f"--anyway: {region.name} of {model.name} cannot grow to {size_text(size)}, as"
                " other memory lies behind it; choose another --cpu"
            )
        told.append(f"region.{region.name}.size={size}")
    return tuple(told)


def with_sizes(rooms: Rooms, needs_flash: int, needs_ram: int) -> Rooms:
    """Rooms that are as large as that."""
    *others, last = rooms.memories
    return replace(
        rooms,
        flash=replace(rooms.flash, size=max(rooms.flash.size, needs_flash)),
        memories=(*others, replace(last, size=max(last.size, needs_ram))),
    )
