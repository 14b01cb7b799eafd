"""Runs the calls of a network's kernels on a bare Unicorn engine: the runner's code as it is.

Every buffer has memory and canaries of its own, so nothing depends on a plan of memory. Nothing
that mcusim counts with takes part.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import unicorn
from unicorn import arm_const as arm

from simcore.elf import load_image
from simcore.network.graph import Model, Operator, Tensor
from simcore.network.lowering import Buffer, Constant, KernelCall, Scratch, Variable, initial_byte
from simcore.network.prepare import prepare

Array = npt.NDArray[Any]
ELF = (
    Path(__file__).resolve().parents[2]
    / "kernels"
    / "runner"
    / "prebuilt"
    / "runner_generic-m7.elf"
)
ROOM, ROOM_BYTES = 0x6000_0000, 32 << 20  # for buffers
STACK_TOP = ROOM + ROOM_BYTES
STACK_BYTES = 64 << 10
RETURN = 0x9000_0000
CANARY = b"\xa5" * 16
PAGE = 0x1000
WITHOUT_KERNEL = ("VAR_HANDLE", "CALL_ONCE")

Place = tuple[int, int]  # a subgraph and the index of a tensor


class Target:
    """The kernels of a runner, called one at a time."""

    def __init__(self, elf: Path = ELF) -> None:
        self._image = load_image(elf)
        self._uc = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB, unicorn.arm_const.UC_CPU_ARM_CORTEX_M7
        )
        self._uc.mem_map(ROOM, ROOM_BYTES)
        self._uc.mem_map(RETURN, PAGE)
        pages: set[int] = set()
        for segment in self._image.segments:
            for start in (segment.address, segment.run_address):
                size = max(segment.memory_size, len(segment.data))
                pages.update(range(start // PAGE, -(-(start + size) // PAGE)))
        for page in sorted(pages):
            self._uc.mem_map(page * PAGE, PAGE)
        for segment in self._image.segments:
            self._uc.mem_write(segment.address, segment.data)
            self._uc.mem_write(segment.run_address, segment.data)
        self._at = ROOM
        self._guards: list[int] = []

    def reset(self) -> None:
        """Forget all buffers."""
        self._at, self._guards = ROOM, []

    def place(self, data: bytes, align: int = 16) -> int:
        """Put bytes into memory, between canaries."""
        start = -(-(self._at + len(CANARY)) // align) * align
        self._at = start + len(data) + len(CANARY)
        assert self._at < STACK_TOP - STACK_BYTES, "the buffers of a model do not fit"
        self._uc.mem_write(start - len(CANARY), CANARY + data + CANARY)
        self._guards += [start - len(CANARY), start + len(data)]
        return start

    def write(self, address: int, data: bytes) -> None:
        """Write bytes over others."""
        self._uc.mem_write(address, data)

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory."""
        return bytes(self._uc.mem_read(address, size))

    def call(self, kernel: str, buffers: Sequence[int], params: int) -> None:
        """Call a kernel; fails when it wrote beside a buffer, missed memory or lost the stack."""
        symbol = self._image.symbol(kernel)
        assert symbol is not None, f"{self._image.path} has no {kernel}"
        pointers = self.place(struct.pack(f"<{len(buffers)}I", *buffers))
        top = STACK_TOP - 16
        for register, value in (
            (arm.UC_ARM_REG_R0, pointers),
            (arm.UC_ARM_REG_R1, params),
            (arm.UC_ARM_REG_SP, top),
            (arm.UC_ARM_REG_LR, RETURN | 1),
        ):
            self._uc.reg_write(register, value)
        try:
            self._uc.emu_start(symbol.address | 1, RETURN)
        except unicorn.UcError as error:
            at = self._uc.reg_read(arm.UC_ARM_REG_PC)
            raise AssertionError(f"{kernel}: {error} at {at:#x}") from error
        assert self._uc.reg_read(arm.UC_ARM_REG_SP) == top, f"{kernel} loses the stack"
        for guard in self._guards:
            assert self.read(guard, 16) == CANARY, f"{kernel} wrote beside a buffer, at {guard:#x}"


def calls(model: Model) -> tuple[list[tuple[int, KernelCall]], list[tuple[int, KernelCall]]]:
    """The calls that run once and those of an inference, each with its subgraph."""
    once: list[tuple[int, KernelCall]] = []

    def of(index: int) -> Iterator[tuple[int, KernelCall]]:
        subgraph = model.subgraphs[index]
        for operator in subgraph.operators:
            if operator.kind == "CALL_ONCE":
                once.extend(of(_called(operator)))
            elif operator.kind not in WITHOUT_KERNEL:
                yield index, prepare(operator, subgraph)

    each = list(of(0))
    return once, each


def _called(operator: Operator) -> int:
    value = operator.options["init_subgraph_index"]
    assert isinstance(value, int)
    return value


class Network:
    """A model in a target's memory."""

    def __init__(self, target: Target, model: Model, in_place: bool = False) -> None:
        target.reset()
        self._target, self._model, self._in_place = target, model, in_place
        self._tensors: dict[Place, int] = {}
        self._variables: dict[str, int] = {}
        self.once, self.each = calls(model)
        self._params = {
            id(call): target.place(struct.pack(f"<{len(call.params)}i", *call.params))
            for _, call in (*self.once, *self.each)
        }
        self._constants: dict[int, int] = {}

    def run(self, inferences: Sequence[Sequence[Array]]) -> list[list[Array]]:
        """The outputs of each inference."""
        main = self._model.main
        found = []
        for number, values in enumerate(inferences):
            for index, value in zip(main.inputs, values, strict=True):
                self._target.write(self._tensor((0, index)), np.ascontiguousarray(value).tobytes())
            for subgraph, call in (*(self.once if number == 0 else ()), *self.each):
                addresses = [self._address(subgraph, buffer) for buffer in call.buffers]
                if self._in_place:
                    for output, source in call.in_place.items():
                        held = self._tensor_of(subgraph, call.buffers[output])
                        self._target.write(
                            addresses[output], self._target.read(addresses[source], held.size_bytes)
                        )
                        addresses[source] = addresses[output]
                self._target.call(call.kernel, addresses, self._params[id(call)])
            found.append([self._value(index) for index in main.outputs])
        return found

    def _tensor_of(self, subgraph: int, buffer: Buffer) -> Tensor:
        assert isinstance(buffer, int)
        return self._model.subgraphs[subgraph].tensors[buffer]

    def _tensor(self, place: Place) -> int:
        if place not in self._tensors:
            tensor = self._model.subgraphs[place[0]].tensors[place[1]]
            fill = initial_byte(tensor) if tensor.is_variable else 0x5A
            data = tensor.data if tensor.data is not None else bytes([fill]) * tensor.size_bytes
            self._tensors[place] = self._target.place(data)
        return self._tensors[place]

    def _address(self, subgraph: int, buffer: Buffer) -> int:
        match buffer:
            case None:
                return 0
            case Scratch():
                return self._target.place(b"\x5a" * buffer.size_bytes, buffer.align)
            case Variable():
                if buffer.name not in self._variables:
                    data = bytes([buffer.fill]) * buffer.size_bytes
                    self._variables[buffer.name] = self._target.place(data, buffer.align)
                return self._variables[buffer.name]
            case Constant():
                if id(buffer) not in self._constants:
                    self._constants[id(buffer)] = self._target.place(buffer.data, buffer.align)
                return self._constants[id(buffer)]
            case _:
                return self._tensor((subgraph, buffer))

    def _value(self, index: int) -> Array:
        tensor = self._model.main.tensors[index]
        data = self._target.read(self._tensor((0, index)), tensor.size_bytes)
        return np.frombuffer(data, tensor.type).reshape(tensor.shape)
