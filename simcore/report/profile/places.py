"""What each function of a profile costs by place: instructions, and what belongs to none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simcore.costs.nodes import UNKNOWN_FUNCTION
from simcore.costs.profile import Profile
from simcore.costs.tables import FunctionCosts, InstructionCosts
from simcore.errors import ConfigError
from simcore.plain import filled
from simcore.report.stacks import femtojoules


@dataclass(frozen=True, slots=True)
class Place:
    """Costs of one instruction of a function; energy in femtojoules.

    What belongs to no instruction, such as sleep, stands at the function's entry; so does all
    energy of a profile that was read from a document, which has none by instruction.
    """

    address: int
    file: str | None
    line: int | None
    executions: int = 0
    reads: int = 0
    writes: int = 0
    icache_misses: int = 0
    read_misses: int = 0
    write_misses: int = 0
    mispredicts: int = 0
    cycles: int = 0
    femtojoules: int = 0


def places(profile: Profile) -> list[list[Place]]:
    """The places of each function in the order of ``profile.functions``, by address.

    The first one of a function is its entry. Raises ConfigError when the profile holds no
    instructions, or some of a function that it does not hold.
    """
    if profile.instructions is None:
        raise ConfigError("the profile holds no instructions: run it again with --instructions")
    rows: list[list[InstructionCosts]] = [[] for _ in profile.functions]
    function_of = _finder(profile.functions)
    for row in profile.instructions:
        rows[function_of(row)].append(row)
    return [
        [_entry(function, own), *map(_place, own)]
        for function, own in zip(profile.functions, rows, strict=True)
    ]


def _finder(functions: Sequence[FunctionCosts]) -> Callable[[InstructionCosts], int]:
    """Finds the function of an instruction: of its name, the last that starts before it."""
    starts: dict[str, list[tuple[int, int]]] = {}
    for index, function in enumerate(functions):
        starts.setdefault(function.name, []).append((function.address or 0, index))
    for found in starts.values():
        found.sort()

    def find(row: InstructionCosts) -> int:
        found = starts.get(row.function or UNKNOWN_FUNCTION, [])
        if not found:
            raise ConfigError(
                f"corrupt profile: the instruction at 0x{row.address:08x} belongs to function"
                f" '{row.function}', which is none of its functions"
            )
        before = [index for start, index in found if start <= row.address]
        return before[-1] if before else found[0][1]

    return find


def _place(row: InstructionCosts) -> Place:
    return filled(Place, row)


def _entry(function: FunctionCosts, rows: Sequence[InstructionCosts]) -> Place:
    """The function's entry with what none of its instructions has."""
    address = function.address
    if address is None:
        address = rows[0].address if rows else 0
    return Place(
        address=address,
        file=function.file,
        line=function.line,
        executions=function.instructions - sum(row.executions for row in rows),
        cycles=function.cycles_self - sum(row.cycles for row in rows),
        femtojoules=femtojoules(function.energy_j_self) - sum(row.femtojoules for row in rows),
    )
