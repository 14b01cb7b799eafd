"""How each kind of measurement turns run times of programs into the number that a row states.

A runner gives the total cycles of a program for a number of loop iterations. Every result is a
difference of two such totals, as in the sources: what comes before and after the loop cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.oracle.cases import Case
from tests.oracle.program import (
    Program,
    between_barriers,
    in_template,
    own_loop,
    repeated,
    sweep_pair,
    with_mispredict,
)

Runner = Callable[[Program, int], int]

ITERATIONS = (8, 40)  # of template loops; their steady state is reached after two or three
LOOP_ITERATIONS = (64, 64 + 4096)  # DW0 and DW1 run their loops 4096 times
DISTANCES = 9  # cycles; the longest latency of the tables is 6


class NotMeasurableError(Exception):
    """The case cannot be run in the way asked for; the text says why."""


def per_iteration(run: Runner, program: Program, counts: tuple[int, int] = ITERATIONS) -> float:
    """Steady cycles of one iteration of a loop."""
    few, many = counts
    return (run(program, many) - run(program, few)) / (many - few)


def measure(case: Case, run: Runner) -> float:
    """The case's result in cycles, or 1/0 for `pair`. Raises NotMeasurableError."""
    if case.skip:
        raise NotMeasurableError(case.skip)
    return _METHODS[case.method](case, run)


def programs(case: Case) -> Iterator[Program]:
    """Every program that measuring the case needs; used to assemble and check their bytes."""
    if case.skip:
        return
    seen: list[Program] = []

    def record(program: Program, iterations: int) -> int:
        seen.append(program)
        return 0

    measure(case, record)
    yield from seen


def _template(case: Case, run: Runner) -> float:
    cycles = per_iteration(run, in_template(case, "run", case.run, case.at))
    if case.unpaired:
        split = per_iteration(run, in_template(case, "unpaired", case.unpaired, case.at))
        return split - cycles
    against = case.against or ("nop.w",) * len(case.run)
    control = per_iteration(run, in_template(case, "control", against, case.at))
    extra = cycles - control
    return 1 - extra if case.metric == "pair" else extra / case.per


def _repetition(case: Case, run: Runner) -> float:
    build = between_barriers if case.method == "isb" else repeated
    few, many = case.copies

    def of(name: str, sequence: tuple[str, ...]) -> float:
        times = [
            per_iteration(run, build(case, f"{name}-{copies}", sequence, copies))
            for copies in (few, many)
        ]
        return (times[1] - times[0]) / (many - few)

    cycles = of("run", case.run)
    if case.against:
        cycles -= of("control", case.against)
    # Two single-cycle instructions that pair take one cycle a repetition, two when they do not.
    return 2 - cycles if case.metric == "pair" else cycles / case.per


def _loop(case: Case, run: Runner) -> float:
    cycles = per_iteration(run, own_loop(case, case.run), LOOP_ITERATIONS)
    if case.metric == "pair":
        # The control has one instruction more, which fills the cycle the branch would share.
        control = per_iteration(run, own_loop(case, case.against), LOOP_ITERATIONS)
        return 2 * (control - cycles)
    if case.against:
        cycles -= per_iteration(run, own_loop(case, case.against), LOOP_ITERATIONS)
    return cycles / case.per


def _sweep(case: Case, run: Runner) -> float:
    """Smallest distance from which on the consumer never waits longer than its control does.

    Distance 0 counts only if the two can share a cycle when they do not depend on each other.
    """
    smallest = DISTANCES + 1
    nearest = 0.0
    for distance in range(DISTANCES, -1, -1):
        pair = sweep_pair(case, distance)
        if pair is None:
            continue
        cycles, control = (per_iteration(run, program) for program in pair)
        if distance == 1:
            nearest = control
        if cycles > control or (distance == 0 and control > nearest):
            break
        smallest = distance
    if smallest > DISTANCES:
        raise NotMeasurableError(f"still stalls at a distance of {DISTANCES} cycles")
    return smallest


def _mispredict(case: Case, run: Runner) -> float:
    program = in_template(case, "run", case.run, case.at)
    branch = case.at - 1 + len(case.run) - 1
    predicted = per_iteration(run, program)
    return per_iteration(run, with_mispredict(program, branch)) - predicted


_METHODS: dict[str, Callable[[Case, Runner], float]] = {
    "template": _template,
    "repeat": _repetition,
    "isb": _repetition,
    "loop": _loop,
    "sweep": _sweep,
    "mispredict": _mispredict,
}
