"""Natural loops, on control flow drawn by hand: each instruction is two bytes long."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from simcore.annotation.loops import LoopShape, find_loops
from simcore.isa.kinds import BranchKind

NEXT, IF, GO = BranchKind.NONE, BranchKind.CONDITIONAL, BranchKind.DIRECT


def code(*steps: BranchKind | tuple[BranchKind, int], start: int = 0) -> Any:
    """Instructions from `start` on: a kind, or a kind and the address it jumps to."""
    made = {}
    for number, step in enumerate(steps):
        kind, target = step if isinstance(step, tuple) else (step, 0)
        address = start + 2 * number
        made[address] = SimpleNamespace(
            address=address,
            size=2,
            operands=f"#0x{target:x}",
            predicated=False,
            facts=SimpleNamespace(branch=kind),
        )
    return made


def loops(made: Any, *entries: int) -> list[LoopShape]:
    return find_loops(made, [0, *entries])


def test_a_loop_reaches_from_its_head_to_the_branch_back() -> None:
    """0; head 2, 4, back to 2; 8 behind it."""
    (loop,) = loops(code(NEXT, NEXT, NEXT, (IF, 2), NEXT))
    assert (loop.head, loop.addresses) == (2, (2, 4, 6))
    assert loop.outside == (0,)
    assert not loop.calls


def test_straight_code_and_branches_forwards_are_no_loop() -> None:
    assert loops(code(NEXT, (IF, 6), NEXT, NEXT, BranchKind.RETURN)) == []


def test_a_branch_back_into_what_was_not_passed_is_no_loop() -> None:
    """Cold code behind the end that jumps back to the common exit at 4."""
    assert loops(code((IF, 8), NEXT, NEXT, BranchKind.RETURN, NEXT, (GO, 4))) == []


def test_loops_inside_each_other_are_told_apart() -> None:
    """2 .. 10 around 4 .. 6."""
    outer, inner = loops(code(NEXT, NEXT, NEXT, (IF, 4), NEXT, (IF, 2), NEXT))
    assert (outer.head, outer.addresses) == (2, (2, 4, 6, 8, 10))
    assert (inner.head, inner.addresses, inner.outside) == (4, (4, 6), (2,))


def test_two_branches_back_to_one_head_are_one_loop() -> None:
    (loop,) = loops(code(NEXT, NEXT, (IF, 2), NEXT, (IF, 2), NEXT))
    assert loop.addresses == (2, 4, 6, 8)


def test_a_loop_that_is_entered_at_its_test_has_the_test_as_head() -> None:
    """0 jumps to the test at 6, the body 2 .. 4 is in front of it."""
    (loop,) = loops(code((GO, 6), NEXT, NEXT, NEXT, (IF, 2), NEXT))
    assert (loop.head, loop.addresses[0], loop.addresses[-1]) == (6, 2, 8)


def test_entries_are_unknown_where_the_way_in_also_leads_elsewhere() -> None:
    (loop,) = loops(code((IF, 6), NEXT, (IF, 2), NEXT))
    assert loop.outside is None


def test_a_loop_with_a_call_says_so() -> None:
    (loop,) = loops(code(NEXT, (BranchKind.CALL, 0x100), (IF, 2), NEXT), 4)
    assert loop.calls


def test_a_jump_table_leads_to_every_entry_that_nothing_else_explains() -> None:
    """The table at 2 leads to 4 and 8, from where 10 closes the loop."""
    (loop,) = loops(code(NEXT, BranchKind.TABLE, NEXT, (GO, 10), NEXT, (GO, 2)), 4, 8)
    assert loop.addresses == (2, 4, 6, 8, 10)


def test_a_jump_table_does_not_lead_to_the_start_of_the_function() -> None:
    assert loops(code(NEXT, BranchKind.TABLE, NEXT, BranchKind.RETURN), 4) == []


def test_code_that_did_not_run_is_no_part_of_a_loop() -> None:
    made = code(NEXT, NEXT, (IF, 8), NEXT, NEXT, (IF, 2), NEXT)
    del made[6]
    (loop,) = loops(made, 8)
    assert loop.addresses == (2, 4, 8, 10)


def test_a_function_that_is_one_loop_has_no_way_in_from_inside() -> None:
    (loop,) = loops(code(NEXT, (GO, 0)))
    assert (loop.addresses, loop.outside) == ((0, 2), ())


def test_nothing_ran() -> None:
    assert find_loops({}, []) == []
