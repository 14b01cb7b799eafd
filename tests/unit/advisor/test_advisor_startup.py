"""What never moves: the reset handler, and what it calls in front of main(), by a call tree."""

from __future__ import annotations

from types import SimpleNamespace as Made
from typing import Any

from simcore.advisor.repeats import startup_functions

NAMES = ("Reset_Handler", "SystemInit", "copy", "main", "work")


def program(*nodes: tuple[int | None, int]) -> tuple[Any, Any]:
    """A call tree of (parent node, function), functions at 0, 16, 32 ... of equal cycles."""
    functions = [Made(name=name, address=16 * i, cycles_total=10) for i, name in enumerate(NAMES)]
    tree = [Made(parent=parent, function=function) for parent, function in nodes]
    profile = Made(call_tree=tree, functions=functions, totals=Made(active_cycles=1000))
    return Made(reset_handler=Made(start=0)), profile


def test_what_runs_in_front_of_main_never_moves_though_it_runs_later_too() -> None:
    # Reset_Handler calls SystemInit, which calls copy, then main, which calls copy and work.
    found = startup_functions(*program((None, 0), (0, 1), (1, 2), (0, 3), (3, 2), (3, 4)))
    assert found.only == {0, 16}
    assert found.also == {32}


def test_the_handler_is_known_where_the_run_counts_a_part_without_it() -> None:
    assert startup_functions(*program((None, 4))).only == {0}
    image, profile = program((None, 4))
    image.reset_handler = None
    assert not startup_functions(image, profile).only
