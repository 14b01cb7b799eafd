"""Cuts a block into stretches, each scheduled from the state in which the one before ends.

Straight-line code asks many probes, and all of it would be scheduled anew for each combination of
their answers. A stretch asks few, so the work grows with the code and not with the combinations.
Cuts change no cycle: what matters of the past is in the state, and none is made where more does:
between loads in a row, whose banks are compared, in an IT block and in front of it, and close
before a branch that a register decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from simcore.isa.blocks import BANK_NONE
from simcore.isa.kinds import Kind

if TYPE_CHECKING:
    from simcore.isa import Block, Facts, Instruction, ProbeBits

LONGEST = 32  # instructions of a stretch, where a cut may be
MOST_PROBES = 2  # of a stretch, likewise


@dataclass(frozen=True, slots=True)
class Stretch:
    """Instructions of a block that are scheduled as one."""

    address: int
    size: int  # bytes
    instructions: tuple[Instruction, ...]
    placements: tuple[ProbeBits, ...]
    first: int  # index of its first instruction in the block
    probes: int  # bit i: it asks the block's probe i
    before: Facts | None  # the instruction in front of it, None where the block begins


def whole(block: Block) -> Stretch:
    """A block in one stretch."""
    probes = (1 << len(block.probes)) - 1
    return Stretch(block.address, block.size, block.instructions, block.placements, 0, probes, None)


def cut(
    block: Block, uncut: int, longest: int = LONGEST, most_probes: int = MOST_PROBES
) -> tuple[Stretch, ...]:
    """The stretches of a block.

    `uncut`: how many instructions stay together where the last is a branch that a register decides.
    """
    if len(block.instructions) <= longest and len(block.probes) <= most_probes:
        return (whole(block),)
    edges = _edges(block, uncut, longest, most_probes)
    return tuple(_stretch(block, first, end) for first, end in pairwise(edges))


def _edges(block: Block, uncut: int, longest: int, most_probes: int) -> Iterator[int]:
    count = len(block.instructions)
    by_register = count and block.instructions[-1].facts.branch_register >= 0
    last = count - (uncut if by_register else 1)
    begin = probes = 0
    yield begin
    for index, placement in enumerate(block.placements):
        asked = probes | placement.probes
        full = index - begin >= longest or asked.bit_count() > most_probes
        if full and begin < index <= last and _may_begin(block.instructions[index], placement):
            begin, asked = index, placement.probes
            yield begin
        probes = asked
    yield count


def _may_begin(instruction: Instruction, placement: ProbeBits) -> bool:
    in_it_block = instruction.predicated or instruction.facts.kind is Kind.IT
    return not in_it_block and placement.bank == BANK_NONE


def _stretch(block: Block, first: int, end: int) -> Stretch:
    instructions, placements = block.instructions[first:end], block.placements[first:end]
    probes = 0
    for placement in placements:
        probes |= placement.probes
    address = instructions[0].address if first else block.address
    ends = end == len(block.instructions)
    until = block.address + block.size if ends else block.instructions[end].address
    before = block.instructions[first - 1].facts if first else None
    return Stretch(address, until - address, instructions, placements, first, probes, before)
