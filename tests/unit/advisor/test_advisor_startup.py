"""What never moves: the reset handler, and what it calls in front of main(), by a call tree."""

from __future__ import annotations

from types import SimpleNamespace as Made
from typing import Any

from simcore.advisor.repeats import StartUp, read_at_start, startup_functions
from simcore.advisor.slices import WaitingPart

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


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "little") for value in values)


#: Of a function at 0: MOVW r3, #0x2400; MOVT r3, #0x0800; BX lr; NOP; a literal pool of one word.
#: Assembled by GNU as 2.40.
CODE = bytes.fromhex("42f20043 c0f60003 7047 00bf") + words(0x08003000)


def test_constants_that_start_up_code_reads_are_known_by_the_run_or_by_its_code() -> None:
    image: Any = Made(
        function_at=lambda address: Made(end=address + len(CODE)), read=lambda at, size: CODE
    )
    parts = [
        WaitingPart(0x08001000, 0x08001100, 9, False, frozenset({0, 48})),
        WaitingPart(0x08001100, 0x08001200, 9, False, frozenset({48})),
    ]
    read = read_at_start(image, StartUp(frozenset({0}), frozenset()), parts, is_part=False)
    assert read.touch(0x08001000, 0x08001200)
    assert not read.touch(0x08001100, 0x08001200)
    assert not read.touch(0x08002400, 0x08002404)  # held, and not read by this run
    for startup, is_part in ((StartUp(frozenset({0}), frozenset()), True),
                             (StartUp(frozenset(), frozenset({0})), False)):  # fmt: skip
        read = read_at_start(image, startup, (), is_part=is_part)
        assert read.touch(0x08002400, 0x08002404)
        assert read.touch(0x08002FF0, 0x08003010)
        assert not read.touch(0x08002404, 0x08003000)
