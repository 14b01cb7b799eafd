"""Runs timing cases through isa.py and pipeline.py alone: no engine, no caches, no C core.

The program's bytes are cut into blocks as the engine would cut them; each is scheduled from the
state the one before left, with the probe bits of the addresses it would touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simcore.cpu_model import load_cpu_model
from simcore.isa import Block, BranchKind, decode_block
from simcore.pipeline import Schedule, make_pipeline
from tests.oracle.addresses import Registers, touches_memory
from tests.oracle.measure import NotMeasurableError
from tests.oracle.program import Program

MODEL = "stm32h743"  # JNK's part: the pipelines of others differ in unaligned loads only


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block of a program and where its instructions stand in the body."""

    block: Block
    texts: tuple[str, ...]
    first: int
    memory: tuple[tuple[int, str], ...]  # what touches it: number in the block, text


class PipelineRunner:
    """Total cycles of programs by the pipeline model; keeps the last one's blocks and schedules."""

    def __init__(self, overrides: Sequence[str] = ()) -> None:
        """`overrides` are those of a CPU model."""
        self.pipeline = make_pipeline(load_cpu_model(MODEL, overrides).core.pipeline)
        self._program: Program | None = None
        self._pieces: list[_Piece] = []
        self._schedules: dict[tuple[int, int, int], Schedule] = {}

    def __call__(self, program: Program, iterations: int) -> int:
        """Cycles of `iterations` passes through the body from the reset state."""
        if program.case.needs != "pipeline":
            raise NotMeasurableError("needs the memory system")
        if program is not self._program:
            self._program, self._pieces, self._schedules = program, _blocks(program), {}
        pieces, schedules = self._pieces, self._schedules
        registers = Registers(program.case.registers)
        state = self.pipeline.reset_state
        cycles = 0
        for _ in range(iterations if program.loops else 1):
            for number, piece in enumerate(pieces):
                variant = _variant(piece, registers)
                key = (number, state, variant)
                if key not in schedules:
                    schedules[key] = self.pipeline.schedule(piece.block, state, variant)
                schedule = schedules[key]
                cycles += sum(schedule.cycles_by_cause)
                last = piece.first + len(piece.texts) - 1
                if last == program.mispredicted:
                    cycles += schedule.mispredict_cycles
                    state = schedule.after_mispredict
                elif program.loops and piece is pieces[-1]:
                    state = schedule.after_taken
                else:
                    state = schedule.after_next
        return cycles


def _blocks(program: Program) -> list[_Piece]:
    """Cut the body after each branch and after each ISB."""
    texts, codes = program.texts(program.case.code), program.pieces()
    result: list[_Piece] = []
    address, start = program.placement.code, 0
    for index, text in enumerate(texts):
        size = sum(map(len, codes[start : index + 1]))
        ends = text == "isb" or index == len(texts) - 1
        if not ends and text.startswith("b"):
            here = address + size - len(codes[index])
            ends = decode_block(here, codes[index]).branch is not BranchKind.NONE
        if ends:
            block = decode_block(address, b"".join(codes[start : index + 1]))
            own = texts[start : index + 1]
            memory = tuple((i, text) for i, text in enumerate(own) if touches_memory(text))
            result.append(_Piece(block, own, start, memory))
            address, start = address + size, index + 1
    return result


def _variant(piece: _Piece, registers: Registers) -> int:
    """The probe bits of one execution of a block."""
    touched = [(index, address) for index, text in piece.memory
               for address in registers.accesses(text)]  # fmt: skip
    expected = [access.instruction for access in piece.block.accesses]
    if [index for index, _ in touched] != expected:
        raise AssertionError(f"{piece.texts}: isa.py has other accesses than the text says")
    addresses = [address for _, address in touched]
    bits = 0
    for number, probe in enumerate(piece.block.probes):
        if _probe(probe.kind, addresses, probe.a, probe.b, piece.block):
            bits |= 1 << number
    return bits


def _probe(kind: int, addresses: Sequence[int], a: int, b: int, block: Block) -> bool:
    """One bit as core.h's enum probe_kind defines it."""
    if kind == 0:
        return not (addresses[a] ^ addresses[b]) & 4
    if kind == 1:
        return bool(addresses[a] & 4)
    if kind == 2:
        return addresses[a] % block.accesses[a].size != 0
    return addresses[a] >> 2 == addresses[b] >> 2
