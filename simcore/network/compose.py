"""A network and the prebuilt runner to one ELF, which is profiled as any other program is.

Calls, descriptors, constants and weights follow the runner's code in its flash; tensors lie in RAM
behind the runner's data. Everything has a symbol, so that tables and --place speak of layers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.elf.extend import NewSection, NewSymbol, extended
from simcore.errors import NetworkError
from simcore.network.activations import ALIGN, ArenaPlan
from simcore.network.layout import Layout, Rooms, check_room
from simcore.network.lowering import Variable
from simcore.network.operands import (
    ComputedTensor,
    ConstantBytes,
    ScratchAt,
    constant_bytes,
    operands,
)
from simcore.network.steps import Key, Lowered, Step, output_of

NETWORK: Final = "runner_network"
_MAGIC, _OP_MAGIC, _OP_VERSION = 0x4E52434D, 0x4D43504F, 1  # runner.h, mcusim.h
_NAME_BYTES: Final = 95  # of an operation's name that the core keeps
_DTCM_END: Final = "__dtcm_end"
_CALL_BYTES: Final = 16  # struct runner_call
MAX_INPUTS: Final = 8  # different inputs that lie in flash for further inferences

Inputs = Sequence[bytes]  # of one inference, in the order of the network's inputs


@dataclass(frozen=True, slots=True)
class Composed:
    """The ELF, names of the operations of first and further inferences, and where outputs lie."""

    elf: bytes
    first: tuple[str, ...]
    further: tuple[str, ...]  # none of one inference
    outputs: tuple[tuple[int, int], ...]  # address and bytes
    param_bytes: tuple[int, ...]  # of each step: constants that it reads
    weight_bytes: int  # constants in flash
    flash_bytes: int  # all that stands behind the runner there


def op_name(step: Step, network: Lowered, note: str = "") -> str:
    """``#k OPERATOR tensor``, cut to what an operation's name may have."""
    at = output_of(step)
    tensor = "" if at < 0 else network.tensor(step.key(at)).name
    before = f"#{step.number} {step.operator.kind} "
    room = _NAME_BYTES - len(before) - len(note)
    if len(tensor.encode()) > room:
        tensor = "..." + tensor.encode()[-(room - 3) :].decode("utf-8", "ignore")
    return before + tensor + note


def compose(
    network: Lowered,
    plan: ArenaPlan,
    runner: tuple[Image, bytes],
    model: CpuModel,
    rooms: Rooms,
    inputs: Sequence[Inputs],
    inferences: int = 1,
) -> Composed:
    """The ELF of a network; ``rooms`` say where in ``model`` its parts may lie.

    ``inputs`` are those of the inferences, used again from the first when there are fewer. Raises
    NetworkError when the part has no room, with the numbers.
    """
    return _Composer(network, plan, runner, rooms, inputs, inferences).composed(model)


@dataclass(frozen=True, slots=True)
class Apart:
    """A network that is called among others: its plan, names of its calls, and its inputs."""

    network: Lowered
    plan: ArenaPlan
    names: Sequence[str]
    inputs: Inputs


def compose_apart(
    groups: Sequence[Apart],
    runner: tuple[Image, bytes],
    rooms: Rooms,
    align: int,
) -> tuple[bytes, int, int]:
    """The ELF that calls the steps of many networks behind each other, under these names.

    Each has its constants and tables in flash, and its tensors in RAM, from a multiple of ``align``
    on, so that its addresses are those that it would have alone, but for multiples of ``align``.
    Nothing has a symbol. With the bytes of flash and of RAM from the start of their rooms; whether
    they fit is not looked at.
    """
    flash, rows = bytearray(), b""
    home = rooms.memories[0]
    start, ram_start = (-(-room.start // align) * align for room in (rooms.flash, home))
    ram_end, sections = ram_start, []
    for group in groups:
        at = start + -(-len(flash) // align) * align
        ram_at = -(-ram_end // align) * align
        room = replace(
            rooms,
            flash=replace(rooms.flash, start=at),
            memories=(replace(home, start=ram_at),),
        )
        one = _Composer(group.network, group.plan, runner, room, (group.inputs,), 1)
        rows += one.rows(group.names)
        data = one.constants_and_tables
        flash += bytes(at - start - len(flash)) + data
        ram_end = ram_at + one.ram_bytes
        sections += one.inputs()
    symbol, calls = runner[0].symbol(NETWORK), runner[0].symbol(_DTCM_END)
    assert symbol is not None
    assert calls is not None
    # In no cache, whose sets would tell how many go before.
    at = -(-calls.address // ALIGN) * ALIGN
    head = struct.pack("<9I", _MAGIC, 1, at, len(rows) // _CALL_BYTES, 0, 0, 0, 0, 0)
    sections += [
        NewSection(".network", start, len(flash), bytes(flash)),
        NewSection(".arena", ram_start, ram_end - ram_start, writable=True),
        NewSection(".calls", at, len(rows), rows, writable=True),
    ]
    elf = extended(runner[1], sections, {symbol.address: head})
    return elf, start + len(flash) - rooms.flash.start, ram_end - home.start


class _Flash:
    """Bytes behind each other from an address, with their symbols."""

    def __init__(self, start: int) -> None:
        self.start = -(-start // ALIGN) * ALIGN
        self.data = bytearray()
        self.symbols: list[NewSymbol] = []

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    def add(self, data: bytes, align: int = 4, name: str | None = None) -> int:
        """Put bytes in; their address."""
        self.data += bytes(-self.end % align)
        address = self.end
        self.data += data
        if name is not None:
            self.symbols.append(NewSymbol(name, address, len(data)))
        return address

    def section(self, name: str) -> NewSection:
        data = bytes(self.data)
        return NewSection(name, self.start, len(data), data, symbols=tuple(self.symbols))


class _Composer:
    def __init__(
        self,
        network: Lowered,
        plan: ArenaPlan,
        runner: tuple[Image, bytes],
        rooms: Rooms,
        inputs: Sequence[Inputs],
        inferences: int,
    ) -> None:
        self._network, self._plan, self._rooms = network, plan, rooms
        self._runner, self._elf = runner
        self._inputs, self._inferences = inputs, inferences
        self._layout = Layout(network, plan, rooms)
        self._weights = _Flash(rooms.flash.start)
        self._at_constant: dict[bytes, int] = {}
        self._param_bytes = [constant_bytes(network, step) for step in network.steps]
        self._pointers = [self._buffers(step) for step in network.steps]
        self._tables = _Flash(self._weights.end)

    def composed(self, model: CpuModel) -> Composed:
        weights_end = self._weights.end
        first = [op_name(step, self._network) for step in self._network.steps]
        calls = self._calls(self._network.steps, first)
        further: list[str] = []
        next_calls, copies = (0, 0), (0, 0, 0)
        if self._inferences > 1:
            steps = [step for step in self._network.steps if not step.is_setup]
            names = [op_name(step, self._network, " (further)") for step in steps]
            next_calls, copies = self._calls(steps, names), self._copies()
            further = names
        head = struct.pack("<9I", _MAGIC, self._inferences, *calls, *next_calls, *copies)
        symbol = self._runner.symbol(NETWORK)
        assert symbol is not None
        assert symbol.size == len(head), "runner.h is that of compose.py"
        check_room(self._network, self._rooms, self._layout, weights_end, self._tables.end, model)
        self._tables.symbols.append(
            NewSymbol("network.calls", self._tables.start, len(self._tables.data))
        )
        sections = [
            self._weights.section(".weights"),
            self._tables.section(".network"),
            *self._layout.sections(self._inputs[0]),
        ]
        elf = extended(self._elf, [s for s in sections if s.size], {symbol.address: head})
        outputs = [
            (self._layout.address((0, index)), self._network.tensor((0, index)).size_bytes)
            for index in self._network.model.main.outputs
        ]
        return Composed(
            elf, tuple(first), tuple(further), tuple(outputs), tuple(self._param_bytes),
            weights_end - self._weights.start, self._tables.end - self._rooms.flash.start,
        )  # fmt: skip

    def rows(self, names: Sequence[str]) -> bytes:
        """The calls of all steps, whose tables are put into flash."""
        steps = self._network.steps
        return b"".join(self._call(step, name) for step, name in zip(steps, names, strict=True))

    @property
    def constants_and_tables(self) -> bytes:
        """What stands in flash from the start of its room on."""
        between = self._tables.start - self._weights.end
        return bytes(self._weights.data) + bytes(between) + bytes(self._tables.data)

    def inputs(self) -> list[NewSection]:
        """What lies in RAM before anything runs."""
        return [one for one in self._layout.sections(self._inputs[0]) if one.data]

    @property
    def ram_bytes(self) -> int:
        """What tensors, state and scratch take of the first memory."""
        return self._layout.used[self._rooms.memories[0].name]

    def _buffers(self, step: Step) -> list[int]:
        """The pointers of a step's call; constants are put into flash."""
        addresses = []
        for operand in operands(self._network, step):
            match operand:
                case None:
                    addresses.append(0)
                case ScratchAt(offset):
                    addresses.append(self._layout.scratch + offset)
                case ConstantBytes():
                    addresses.append(self._constant(step, operand))
                case Variable():
                    addresses.append(self._layout.address_in(step, operand))
                case ComputedTensor(key):
                    addresses.append(self._layout.address(key))
        return addresses

    def _constant(self, step: Step, constant: ConstantBytes) -> int:
        data, align, name = constant
        known = self._at_constant.get(data)
        if known is not None and known % align == 0:
            return known
        self._at_constant[data] = self._weights.add(data, max(align, 4), f"{step.layer}.{name}")
        return self._at_constant[data]

    def _calls(self, steps: Sequence[Step], names: Sequence[str]) -> tuple[int, int]:
        """Address and number of the calls of an inference."""
        rows = b"".join(self._call(step, name) for step, name in zip(steps, names, strict=True))
        return self._tables.add(rows), len(steps)

    def _call(self, step: Step, name: str) -> bytes:
        call, tables = step.call, self._tables
        kernel = self._runner.symbol(call.kernel)
        if kernel is None:
            raise NetworkError(
                f"operator {step.operator.index} {step.operator.kind}: {self._runner.path} has no"
                f" kernel {call.kernel}; scripts/build-kernels builds it anew"
            )
        number = step.number
        descriptor = struct.pack(
            "<4I2Q2I", _OP_MAGIC, tables.add(name.encode() + b"\0"),
            tables.add(step.operator.kind.lower().encode() + b"\0"), _OP_VERSION,
            call.macs, call.ops, self._param_bytes[number], self._plan.alive[number],
        )  # fmt: skip
        pointers, params = self._pointers[number], call.params
        return struct.pack(
            "<4I",
            kernel.address | 1,
            tables.add(descriptor, 8),
            tables.add(struct.pack(f"<{len(pointers)}I", *pointers)),
            tables.add(struct.pack(f"<{len(params)}I", *(value & 0xFFFFFFFF for value in params))),
        )

    def _copies(self) -> tuple[int, int, int]:
        """What brings the inputs of further inferences into place: address, number, for each."""
        main = self._network.model.main
        order = [*range(1, len(self._inputs)), 0][: self._inferences - 1]
        rows = b""
        for at in order:
            for index, data in zip(main.inputs, self._inputs[at], strict=True):
                whole = data + bytes(-len(data) % 4)
                source = self._tables.add(whole)
                rows += struct.pack(
                    "<3I", self._layout.address((0, index)), source, len(whole) // 4
                )
        return self._tables.add(rows), len(order) * len(main.inputs), len(main.inputs)


def objects_of(plan: ArenaPlan, memory: str) -> list[tuple[int, int, list[Key]]]:
    """Offset, bytes and tensors of what shares no byte with another in a memory."""
    spans = sorted(
        (place.offset, place.offset + place.life.size, key)
        for key, place in plan.places.items()
        if place.memory == memory and place.shares is None
    )
    found: list[tuple[int, int, list[Key]]] = []
    for start, end, key in spans:
        if found and start < found[-1][0] + found[-1][1]:
            before, size, keys = found[-1]
            found[-1] = before, max(size, end - before), [*keys, key]
        else:
            found.append((start, end - start, [key]))
    return found
