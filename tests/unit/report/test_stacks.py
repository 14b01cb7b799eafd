"""Stacks and places of a hand-made call tree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from simcore.report.profile import document, render
from simcore.report.profile.places import places
from simcore.report.stacks import CallTree, femtojoules
from tests.unit.handmade import kernel_profile


def test_stacks_run_from_the_outermost_to_the_innermost_with_operations_between() -> None:
    tree = CallTree(kernel_profile())
    names = [" ".join(tree.labels[i] for i in stack) for stack in tree.stacks]
    assert names == [
        "main", "main fib", "main fib fib", "main fib fib fib",
        "main op:conv1", "main op:conv1 conv", "main op:conv1 conv dot",
    ]  # fmt: skip
    assert tree.inclusive(tree.weights("cycles"))[0] == kernel_profile().totals.cycles


def test_the_places_of_a_function_have_all_it_cost_and_its_entry_what_no_instruction_has() -> None:
    profile = kernel_profile()
    assert profile.instructions is not None
    (row,) = profile.instructions
    profile = replace(profile, instructions=(replace(row, femtojoules=1500),))
    assert [place.femtojoules for place in places(profile)[0]] == [100, 1500]
    for function, own in zip(profile.functions, places(profile), strict=True):
        assert sum(place.femtojoules for place in own) == femtojoules(function.energy_j_self)
        assert sum(place.cycles for place in own) == function.cycles_self
        assert sum(place.executions for place in own) == function.instructions


@pytest.mark.parametrize("format_name", ["callgrind", "pprof"])
def test_a_profile_without_instructions_is_refused(format_name: str) -> None:
    with pytest.raises(ConfigError, match="holds no instructions: run it again with"):
        document(replace(kernel_profile(), instructions=None), format_name)


def test_a_profile_without_coverage_is_refused() -> None:
    with pytest.raises(ConfigError, match="holds no coverage"):
        render(replace(kernel_profile(), coverage=None), "lcov")


def test_an_instruction_of_a_function_that_is_not_there_is_refused() -> None:
    profile = kernel_profile()
    assert profile.instructions is not None
    odd = replace(profile, instructions=(replace(profile.instructions[0], function="dto"),))
    with pytest.raises(ConfigError, match="0x00000100 belongs to function 'dto'"):
        render(odd, "callgrind")


def renamed(name: str) -> Profile:
    profile = kernel_profile()
    assert profile.instructions is not None
    first, *rest = profile.functions
    return replace(
        profile,
        functions=(replace(first, name=name), *rest),
        instructions=tuple(replace(row, function=name) for row in profile.instructions),
    )


def test_a_name_cannot_break_a_collapsed_stack() -> None:
    line = render(renamed("operator\n;x  y"), "collapsed").splitlines()[-1]
    assert line == "main;op:conv1;conv;operator :x y 600"


def test_two_functions_of_one_name_and_file_keep_their_costs_apart() -> None:
    profile = kernel_profile()
    first, second, *rest = profile.functions
    twins = (first, replace(second, name=first.name, file=first.file), *rest)
    text = render(replace(profile, functions=twins), "callgrind")
    assert text.count(f"{first.name}@0x") == 2
