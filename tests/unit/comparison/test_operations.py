"""Operations of two runs beside each other: those that are not called as often are told once."""

from __future__ import annotations

from simcore.comparison.operations import calls_changed, op_changes
from simcore.comparison.summary import OpSummary


def op(name: str, calls: int, caller: str | None = None, number: int | None = None) -> OpSummary:
    return OpSummary(name, "conv", calls, 10 * calls, 10 * calls, 0.0, None, caller, number)


def test_other_numbers_of_calls_are_told_once_for_each_operation() -> None:
    before = [op("conv", 10), op("add", 3), *(op(f"F[{at}]", 1, "F", at) for at in range(3))]
    after = [op("conv", 12), op("add", 3), *(op(f"F[{at}]", 1, "F", at) for at in range(5))]
    said = [*calls_changed(op_changes(before, after), "before")]
    assert sorted(said) == ["F: 5 calls, 3 before, compared together", "conv: 12 calls, 10 before"]
    assert not [*calls_changed(op_changes(before, before), "before")]


def test_of_very_many_a_few_are_told() -> None:
    before, after = ([op(f"op{at}", calls) for at in range(9)] for calls in (1, 2))
    said = [*calls_changed(op_changes(before, after), "by the baseline")]
    assert said[-1] == "5 other operations are not called as often as by the baseline"
    assert len(said) == 5


def test_what_only_one_run_has_is_no_other_number_of_calls() -> None:
    assert not [*calls_changed(op_changes([op("gone", 1)], [op("new", 2)]), "before")]
