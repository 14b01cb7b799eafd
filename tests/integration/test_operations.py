"""Operations of a whole program: who begins and ends them, and calls that are operations.

tests/firmware/operations.cpp says which calls of spend() lie in which operation; spend(n) is
2 n + 1 instructions.
"""

from __future__ import annotations

from typing import Any

import pytest

import simcore
from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from tests.integration.programs import FIRMWARE

ELF = FIRMWARE / "operations.elf"
#: Turns of spend() in each invocation of an operation.
SPENT = {
    "helped": [100, 100],
    "tailed": [9],
    "outside": [1, 20, 3],
    "inside": [20],
    "guarded": [50],
    "CONV": [10, 10],
    "ADD": [20],
    "jumped": [6, 8],
    "twice": [40, 2],
    "endless": [4],
    "interpret[0] conv": [30] * 4,
    "interpret[1] pool": [10] * 4,
    "interpret[2] conv": [12] * 4,
}
INVOCATIONS = {"helped": 2, "CONV": 2} | {name: 4 for name in SPENT if name.startswith("interpret")}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return simcore.profile(ELF, op_calls="interpret", timeline=True)


@pytest.fixture(scope="module")
def plain() -> Profile:
    return simcore.profile(ELF)


def spent(profile: Profile) -> dict[str, int]:
    """Instructions of spend() inside each operation, by the call tree."""
    inside: list[frozenset[int]] = []
    found: dict[str, int] = {}
    for node in profile.call_tree:
        above = frozenset[int]() if node.parent is None else inside[node.parent]
        inside.append(above if node.op is None else above | {node.op})
        if node.function is not None and profile.functions[node.function].name == "spend":
            for op in inside[-1]:
                name = profile.ops[op].name
                found[name] = found.get(name, 0) + node.instructions
    return found


def test_an_operation_has_what_runs_from_its_begin_to_its_end(profile: Profile) -> None:
    assert spent(profile) == {name: sum(2 * n + 1 for n in turns) for name, turns in SPENT.items()}
    told = {op.name: op.invocations for op in profile.ops}
    assert told == {name: INVOCATIONS.get(name, 1) for name in SPENT}


def test_invocations_sum_to_the_operation_and_each_lies_between_least_and_most(
    profile: Profile,
) -> None:
    for op in profile.ops:
        assert op.minimum_cycles is not None
        assert op.maximum_cycles is not None
        assert op.minimum_cycles <= op.cycles / op.invocations <= op.maximum_cycles
        if op.invocations == 1:
            assert op.minimum_cycles == op.cycles == op.maximum_cycles, op.name
        elif op.invocations == 2:
            assert op.minimum_cycles + op.maximum_cycles == op.cycles, op.name
        assert op.cycles_by_cause is not None
        assert sum(op.cycles_by_cause.values()) == op.cycles


def test_begins_and_ends_that_do_not_pair_are_told_at_their_operation(plain: Profile) -> None:
    assert plain.warnings[-2:] == (
        "operation endless: 1 of its 1 begins has no mcusim_op_end, so that what ran behind counts"
        " for it",
        "mcusim_op_end has nothing to end once, first in ends_too_often()",
    )


def test_operations_change_no_function(profile: Profile, plain: Profile) -> None:
    asked = simcore.profile(ELF, ops=("spend", "conv*", "main"))
    for other in (profile, asked):
        assert other.functions == plain.functions
        assert other.totals == plain.totals
        assert sum(node.cycles for node in other.call_tree) == plain.totals.cycles


def test_a_timeline_has_operations_from_begin_to_end(profile: Profile) -> None:
    assert profile.timeline is not None
    spans: dict[str, list[tuple[int, int]]] = {}
    for span in profile.timeline.spans:
        op = profile.call_tree[span.node].op
        if op is not None:
            spans.setdefault(profile.ops[op].name, []).append((span.start, span.end))
    assert {name: len(found) for name, found in spans.items()} == {
        op.name: op.invocations for op in profile.ops
    }
    for row in profile.ops:
        assert sum(end - start for start, end in spans[row.name]) == row.cycles, row.name
    (outside,), (inside,) = spans["outside"], spans["inside"]
    assert outside[0] < inside[0] < inside[1] < outside[1]


def test_each_call_of_a_function_is_a_row_and_the_rest_is_one() -> None:
    every = simcore.profile(ELF, ops="spend")
    calls = [op for op in every.ops if op.caller == "spend"]
    assert [op.name for op in calls] == [f"spend[{k}]" for k in range(len(calls))]
    assert calls[0].instructions == 201
    few = simcore.profile(ELF, ops="spend", op_rows=3)
    *first, rest = (op for op in few.ops if op.caller == "spend")
    assert [op.cycles for op in first] == [op.cycles for op in calls[:3]]
    assert (rest.name, rest.invocations) == ("spend[3..]", len(calls) - 3)
    cycles = [op.cycles for op in calls[3:]]
    assert (rest.cycles, rest.minimum_cycles, rest.maximum_cycles) == (
        sum(cycles), min(cycles), max(cycles),
    )  # fmt: skip


def test_the_busiest_call_through_a_pointer_is_found_or_told_by_its_place(profile: Profile) -> None:
    site = next(
        node.call_site
        for node in profile.call_tree
        if node.op is not None and profile.ops[node.op].name == "interpret[0] conv"
    )
    again = simcore.profile(ELF, op_calls=f"interpret@{site:#x}")
    assert again.ops == profile.ops


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"op_calls": "interpet"}, "--op-calls 'interpet' is no function of .*interpret"),
        ({"op_calls": "spend"}, "--op-calls 'spend': spend makes no call through a pointer"),
        ({"op_calls": "spend@"}, "--op-calls 'spend@': nothing stands behind '@'; give an address"),
        ({"op_calls": "spend@0x8000000"}, "that address is not in spend"),
    ],
)
def test_calls_that_nothing_makes_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simcore.profile(ELF, **options)
