"""Costs of instructions and source lines, from blocks whose every count is made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from simcore.core.counters import BlockCounts, Counters, EntryCounts, SiteCounts
from simcore.costs.instructions import instruction_costs, line_costs
from simcore.costs.tables import InstructionCosts
from simcore.pipeline.schedule import Cycles, InstructionCost, Schedule


def block(
    address: int, *texts: str, accesses: Any = (), notes: Any = (), barriers: Any = ()
) -> Any:
    """Instructions of four bytes; accesses are (instruction, is_write), the rest instructions."""
    return SimpleNamespace(
        address=address,
        instructions=[
            SimpleNamespace(address=address + 4 * i, text=text) for i, text in enumerate(texts)
        ],
        accesses=[SimpleNamespace(instruction=i, is_write=w, size=4) for i, w in accesses],
        notes=[SimpleNamespace(instruction=i) for i in notes],
        barriers=[SimpleNamespace(instruction=i) for i in barriers],
    )


def schedule(*cycles: dict[str, int], first: int = 0) -> Schedule:
    """Cycles by cause of each instruction, from the block's instruction `first` on."""
    costs = tuple(InstructionCost(Cycles(**each), 0, "") for each in cycles)
    return Schedule(Cycles(), 0, (), (), 0, 0, 0, 0, costs, first)


def counts(executions: int, skipped: tuple[int, ...], *sites: SiteCounts, **stalls: int) -> Any:
    waits = [f"{cause}_stall_cycles" for cause in ("fetch", "branch", "execute", "barrier")]
    zeros = dict.fromkeys([*waits, "icache_misses"], 0)
    return BlockCounts(
        address=0, size=0, executions=executions, mispredicts=0, sites=sites, skipped=skipped,
        **{**zeros, **stalls},
    )  # fmt: skip


def costs(
    blocks: list[Any], block_counts: list[Any], entries: list[EntryCounts], schedules: list[Any]
) -> dict[int, InstructionCosts]:
    counters = Counters(
        columns=(), nodes=(), blocks=tuple(block_counts), entries=tuple(entries)
    )  # fmt: skip
    rows = instruction_costs(
        counters, blocks, schedules, lambda a: "f", lambda a: ("f.c", a // 8) if a < 0x200 else None
    )
    assert [row.address for row in rows] == sorted(row.address for row in rows)
    return {row.address: row for row in rows}


def test_scheduled_cycles_are_multiplied_by_the_executions_of_their_entry() -> None:
    rows = costs(
        [block(0x100, "ldr r0, [r1]", "adds r0, #1")],
        [counts(10, (0, 0))],
        [EntryCounts(0, 1, 0, 7), EntryCounts(0, 2, 0, 3)],
        [
            schedule({"issue": 1}, {"issue": 1, "load_use": 2}),
            schedule({"issue": 1}, {"issue": 1}),
        ],
    )
    assert rows[0x100].cycles_by_cause["issue"] == 10
    assert rows[0x104].cycles_by_cause["load_use"] == 14
    assert (rows[0x104].cycles, rows[0x104].executions) == (24, 10)
    assert rows[0x104].text == "adds r0, #1"


def test_a_stretch_costs_what_is_scheduled_of_its_own_instructions() -> None:
    rows = costs(
        [block(0x100, "ldr r0, [r1]", "adds r0, #1", "nop")],
        [counts(5, (0, 0, 0))],
        [EntryCounts(0, 1, 0, 5), EntryCounts(0, 2, 0, 5, 1)],
        [
            schedule({"issue": 1}),
            schedule({"issue": 1, "load_use": 2}, {"issue": 1, "fetch": 1}, first=1),
        ],
    )
    assert [row.cycles for row in rows.values()] == [5, 15, 10]
    assert [row.executions for row in rows.values()] == [5, 5, 5]


def test_an_address_in_two_blocks_is_one_instruction() -> None:
    rows = costs(
        [block(0x100, "nop", "nop"), block(0x104, "nop")],
        [counts(2, (0, 0)), counts(5, (3,))],
        [EntryCounts(0, 0, 0, 2), EntryCounts(1, 0, 0, 5)],
        [schedule({"issue": 1}, {"issue": 1}), schedule({"issue": 1})],
    )
    assert (rows[0x104].executions, rows[0x104].skipped, rows[0x104].cycles) == (7, 3, 7)
    assert rows[0x100].executions == 2


def test_run_time_stalls_go_to_the_instruction_that_waited() -> None:
    rows = costs(
        [block(0x100, "ldr", "str", "sdiv", "b", accesses=[(0, False), (1, True)], notes=[2])],
        [
            counts(
                4, (0, 0, 0, 0), SiteCounts(4, 2, 60), SiteCounts(4, 1, 5),
                fetch_stall_cycles=9, branch_stall_cycles=16, execute_stall_cycles=30,
            )
        ],
        [],
        [],
    )  # fmt: skip
    spent = {
        address: {cause: n for cause, n in row.cycles_by_cause.items() if n}
        for address, row in rows.items()
    }
    assert spent == {
        0x100: {"fetch": 9, "load": 60},
        0x104: {"store": 5},
        0x108: {"execute": 30},
        0x10C: {"branch": 16},
    }
    assert [row.misses for row in rows.values()] == [2, 1, 0, 0]
    assert [(row.reads, row.writes) for row in rows.values()] == [(4, 0), (0, 4), (0, 0), (0, 0)]
    assert [(row.read_misses, row.write_misses) for row in rows.values()][:2] == [(2, 0), (0, 1)]


def test_misses_of_instructions_and_predictions_stand_at_the_ends_of_their_block() -> None:
    rows = costs([block(0x100, "a", "b")], [counts(4, (0, 0), icache_misses=3)], [], [])
    assert [row.icache_misses for row in rows.values()] == [3, 0]


def test_code_that_runs_on_into_the_next_function_counts_for_the_one_it_came_from() -> None:
    counters = Counters(
        columns=(), nodes=(), blocks=(counts(2, (0, 0)), counts(5, (0,))), entries=()
    )
    rows = instruction_costs(
        counters,
        [block(0x100, "a", "b"), block(0x104, "b")],
        [],
        lambda a: "f" if a < 0x104 else "g",
        lambda a: ("f.c", a),
    )
    assert [(row.address, row.function, row.executions) for row in rows] == [
        (0x100, "f", 2),
        (0x104, "f", 2),
        (0x104, "g", 5),
    ]
    assert [line.executions for line in line_costs(rows)] == [2, 7]


def test_operand_cycles_of_several_divides_are_shared_without_loss() -> None:
    rows = costs(
        [block(0x100, "sdiv", "nop", "udiv", "udiv", notes=[0, 2, 3])],
        [counts(1, (0, 0, 0, 0), execute_stall_cycles=11)],
        [],
        [],
    )
    assert [row.cycles for row in rows.values()] == [4, 0, 4, 3]


def test_what_a_dsb_waits_is_its_own() -> None:
    rows = costs(
        [block(0x100, "str", "dsb", accesses=[(0, True)], barriers=[1])],
        [counts(2, (0, 0), SiteCounts(2, 0, 0), barrier_stall_cycles=18)],
        [],
        [],
    )
    assert [row.cycles_by_cause["store"] for row in rows.values()] == [0, 18]


def test_blocks_that_never_finished_are_left_out() -> None:
    assert (
        costs([block(0x100, "nop")], [counts(0, (0,))], [EntryCounts(0, 0, 0, 0)], [schedule({})])
        == {}
    )


def test_lines_sum_their_instructions_and_code_without_a_line_is_left_out() -> None:
    rows = costs(
        [block(0x100, "a", "b", "c"), block(0x200, "d")],
        [counts(3, (0, 0, 0)), counts(9, (0,))],
        [EntryCounts(0, 0, 0, 3)],
        [schedule({"issue": 1}, {"issue": 1, "load_use": 1}, {"issue": 1})],
    )
    first, second = line_costs(rows.values())
    assert (first.file, first.line, first.executions, first.instructions) == ("f.c", 32, 3, 6)
    assert (first.cycles, first.cycles_by_cause["load_use"]) == (9, 3)
    assert (second.line, second.cycles) == (33, 3)
