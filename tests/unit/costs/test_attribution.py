"""Attribution: counts by function, operation, region and call-tree node.

Expected numbers are read off tests/unit/handmade.py; random trees are checked against a slow twin
that asks for each node whether an ancestor belongs to the same function.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from simcore.core.counters import CountedCall, Counters, DataObject, Trace, TraceSample
from simcore.core.operations import LostEnds, OpRow, OpsFound, OpState, OpUse
from simcore.costs.attribution import Attribution
from simcore.costs.nodes import UNKNOWN_FUNCTION, joules
from simcore.costs.op_tables import OpCosts, Traffic
from simcore.costs.tables import FunctionCosts
from simcore.costs.timeline import timeline
from simcore.run.asked import CallsAt, OpDescriptor
from tests.unit.handmade import (
    CLOCK_HZ,
    FUNCTIONS,
    KERNEL,
    HandEnergy,
    HandFunction,
    counters,
    node,
    vector,
)

CONV_TWICE = OpDescriptor("conv", "conv2d", 1, 2, 0, 0)


def attribute(run: Counters = KERNEL, *globs: str) -> Attribution:
    return Attribution(run, FUNCTIONS, HandEnergy(), CLOCK_HZ, globs)


def by_name(run: Counters = KERNEL) -> dict[str, FunctionCosts]:
    return {row.name: row for row in attribute(run).function_costs()}


def spend(cycles: int) -> tuple[int, ...]:
    return vector(cycles__issue=cycles)


def femtojoules(energy_j: float) -> int:
    return round(energy_j * 1e15)


def test_exclusive_cycles_of_the_functions_sum_to_the_total() -> None:
    totals = attribute().totals()
    assert totals.cycles == 40 + 60 + 5 + 15 + 2 + 200 + 600
    assert sum(row.cycles_self for row in by_name().values()) == totals.cycles
    assert sum(totals.cycles_by_cause.values()) == totals.cycles


def test_inclusive_cycles_of_the_root_are_the_total() -> None:
    assert by_name()["main"].cycles_total == attribute().totals().cycles


def test_inclusive_cycles_hold_the_callees() -> None:
    conv = by_name()["conv"]
    assert (conv.cycles_self, conv.cycles_total) == (200, 200 + 600)


def test_recursion_is_counted_once() -> None:
    fib = by_name()["fib"]
    assert (fib.calls, fib.cycles_self, fib.cycles_total) == (1 + 2 + 1, 22, 22)
    assert femtojoules(fib.energy_j_total) == 3 * 5 + (3 * 10 + 5) + 3 * 2


def test_mutual_recursion_is_counted_once_for_each_function() -> None:
    # fib -> conv -> fib -> conv, ten cycles each
    run = counters(
        [
            node(-1, 2, spend(10)),
            node(0, 1, spend(10)),
            node(1, 2, spend(10)),
            node(2, 1, spend(10)),
        ]
    )
    assert by_name(run)["fib"].cycles_total == 40
    assert by_name(run)["conv"].cycles_total == 30


def test_a_function_called_from_two_places_sums_both() -> None:
    run = counters([node(-1, 0, spend(1)), node(0, 1, spend(10)), node(0, 1, spend(20), calls=3)])
    conv = by_name(run)["conv"]
    assert (conv.calls, conv.cycles_self, conv.cycles_total) == (4, 30, 30)


def test_an_operation_is_no_call_of_the_function_it_was_opened_in() -> None:
    assert by_name()["main"].calls == 1
    assert by_name()["main"].cycles_self == 100


def test_energy_of_the_functions_sums_to_the_total_to_the_femtojoule() -> None:
    totals = attribute().totals()
    # 3 fJ a cycle of issue, 1 fJ each other cycle, 7 fJ a byte of the 240 read from flash
    expected = 3 * 627 + 295 + 7 * 240
    assert femtojoules(totals.energy_j) == expected
    assert sum(femtojoules(row.energy_j_self) for row in by_name().values()) == expected
    assert sum(map(femtojoules, totals.energy_by_component.values())) == expected


def test_average_power_is_energy_over_time() -> None:
    totals = attribute().totals()
    assert totals.power_w is not None
    assert abs(totals.power_w - totals.energy_j / totals.time_s) < 1e-12


def test_functions_come_by_exclusive_cycles_then_name_then_address() -> None:
    functions = (
        HandFunction("b", 0x100),
        HandFunction("a", 0x300),
        HandFunction("a", 0x200),
        HandFunction("z", 0x400),
    )
    run = counters([node(-1, 0, spend(5))] + [node(0, f, spend(5 + f // 3)) for f in (1, 2, 3)])
    rows = Attribution(run, functions, HandEnergy(), CLOCK_HZ).function_costs()
    assert [(row.name, row.address) for row in rows] == [
        ("z", 0x400),
        ("a", 0x200),
        ("a", 0x300),
        ("b", 0x100),
    ]


def test_code_of_no_function_is_kept_under_a_name_of_its_own() -> None:
    run = counters([node(-1, -1, spend(5)), node(0, 1, spend(2))])
    row = by_name(run)[UNKNOWN_FUNCTION]
    assert (row.address, row.cycles_self, row.cycles_total) == (None, 5, 7)


def test_a_root_that_only_holds_the_tree_is_no_function() -> None:
    run = counters([node(-1, -1, vector(), calls=0), node(0, 0, spend(5))])
    costs = attribute(run)
    assert [row.name for row in costs.function_costs()] == ["main"]
    assert [n.function for n in costs.call_tree()] == [None, 0]


def test_functions_know_their_source_line() -> None:
    rows = attribute().function_costs(
        lambda address: ("conv.c", 7) if address == 0x0800_0300 else None
    )
    lines = {row.name: (row.file, row.line) for row in rows}
    assert lines["conv"] == ("conv.c", 7)
    assert lines["dot"] == (None, None)


def test_an_operation_holds_its_callees() -> None:
    (op,) = attribute().op_costs()
    assert (op.name, op.kind, op.invocations) == ("conv1", "conv2d", 2)
    assert (op.macs, op.ops, op.macs_counted) == (2 * 1000, 2 * 2000, 80 + 1920)
    assert (op.cycles, op.instructions) == (800, 1100)
    assert (op.param_bytes, op.activation_bytes) == (300, 400)
    assert op.time_s == 800 / CLOCK_HZ
    assert op.cycles_per_mac == 0.4
    assert op.ops_per_s == 4000 / (800 / CLOCK_HZ)
    assert femtojoules(op.energy_j) == 3 * 570 + 230 + 7 * 240


def test_traffic_of_an_operation_is_told_by_region() -> None:
    (op,) = attribute().op_costs()
    assert op.traffic == {"itcm": Traffic(12, 0, 2000), "flash": Traffic(240, 0, 300)}


def op_run(descriptor: OpDescriptor) -> OpCosts:
    run = counters(
        [node(-1, 0, spend(1)), node(0, 0, vector(cycles__issue=10, macs=6), op=0)],
        ops=[descriptor],
        op_invocations=[3],
    )
    (op,) = attribute(run).op_costs()
    return op


def test_an_operation_that_declares_nothing_takes_the_counted_macs() -> None:
    op = op_run(OpDescriptor("x", "", 0, 0, 0, 0))
    assert (op.macs, op.ops) == (6, 12)


def test_an_operation_that_declares_operations_only_has_no_macs() -> None:
    op = op_run(OpDescriptor("pool", "max_pool", 0, 50, 0, 0))
    assert (op.macs, op.ops, op.cycles_per_mac) == (0, 150, None)


def test_an_operation_opened_inside_itself_is_counted_once() -> None:
    run = counters(
        [node(-1, 0, spend(1)), node(0, 0, spend(10), op=0), node(1, 0, spend(5), op=0)],
        ops=[CONV_TWICE],
        op_invocations=[2],
    )
    (op,) = attribute(run).op_costs()
    assert op.cycles == 15


def test_an_operation_inside_another_counts_for_both_in_order_of_execution() -> None:
    inner, outer = replace(CONV_TWICE, name="inner"), replace(CONV_TWICE, name="outer")
    run = counters(
        [node(-1, 0, spend(1)), node(0, 0, spend(10), op=1), node(1, 0, spend(5), op=0)],
        ops=[inner, outer],
        op_invocations=[1, 1],
    )
    assert [(op.name, op.cycles) for op in attribute(run).op_costs()] == [
        ("outer", 15),
        ("inner", 5),
    ]


def asked_run(*rows: OpRow, asked: tuple[CallsAt, ...] = ()) -> list[OpCosts]:
    """The operations of a run of main in which operation n takes 10 (n + 1) cycles."""
    nodes = [node(-1, 0, spend(1))]
    nodes += [node(0, 1, spend(10 * (n + 1)), op=n) for n in range(len(rows))]
    run = replace(counters(nodes), operations=OpsFound(rows, asked=asked))
    return list(attribute(run).op_costs())


def test_calls_of_a_function_are_numbered_and_the_rest_is_one_row() -> None:
    timed = {"timed": 4, "least_cycles": 3, "most_cycles": 9}
    first, rest = asked_run(
        OpRow(1, 1, call=0, invocations=1, timed=1, least_cycles=10, most_cycles=10),
        OpRow(1, 1, call=1, is_rest=1, invocations=4, **timed),
    )
    assert (first.name, first.kind, first.caller, first.call) == ("conv[0]", "function", "conv", 0)
    assert (rest.name, rest.invocations, rest.cycles) == ("conv[1..]", 4, 20)
    assert (rest.minimum_cycles, rest.mean_cycles, rest.maximum_cycles) == (3, 5.0, 9)


def test_calls_at_a_place_are_named_by_what_is_called_or_by_what_is_told_of_them() -> None:
    told = (
        OpDescriptor("layer0", "conv2d", 50, 100, 7, 8),
        OpDescriptor("layer1", "add", 0, 3, 0, 0),
    )
    asked = (CallsAt("main", 0x100, 2), CallsAt("main", 0x200, 2, operators=told))
    plain, layer0, layer1 = asked_run(
        OpRow(2, 0, call=4, callee=3, invocations=1),
        OpRow(2, 1, call=0, callee=1, invocations=2),
        OpRow(2, 1, call=3, callee=2, invocations=1),
        asked=asked,
    )
    assert (plain.name, plain.kind, plain.caller) == ("main[4] dot", "call", "main")
    assert (layer0.name, layer0.kind, layer0.macs, layer0.param_bytes) == (
        "layer0",
        "conv2d",
        100,
        7,
    )
    assert (layer1.name, layer1.ops, layer1.call) == ("layer1", 3, 3)


def test_macs_of_an_operation_that_ran_in_part_are_the_counted_ones() -> None:
    """Those declared are of all of it, unless the one call that is counted is its kernel."""
    told = (OpDescriptor("layer0", "conv2d", 50, 100, 7, 8),)
    row = OpRow(2, 0, call=0, callee=1, invocations=1, partial=1)
    (op,) = asked_run(row, asked=(CallsAt("main", 0x200, 2, operators=told),))
    assert (op.is_part, op.macs, op.ops) == (True, op.macs_counted, 2 * op.macs_counted)
    (op,) = asked_run(replace(row, partial=0), asked=(CallsAt("main", 0x200, 2, operators=told),))
    assert (op.is_part, op.macs, op.ops) == (None, 50, 100)
    run = counters([node(-1, 0, spend(1)), node(0, 0, spend(9), op=0), node(1, 1, spend(5))])
    found = OpsFound((replace(row, source=0),))  # by its mark, which main sets
    for function, is_part, macs in ((1, None, 50), (2, True, 0)):
        call = CountedCall(1, 1, 0, 0, 0, 5, 1, 5, 5, 1, 1, 6, function, 1)
        (op,) = attribute(replace(run, ops=told, call=call, operations=found)).op_costs()
        assert (op.is_part, op.macs) == (is_part, macs)


def test_an_operation_has_its_causes_and_misses_and_its_dearest_objects() -> None:
    run = counters(
        [node(-1, 0, spend(1)), node(0, 1, KERNEL.nodes[5].vector, op=0)], [CONV_TWICE], [1]
    )
    objects = tuple(DataObject(name, "symbol") for name in "abcdef")
    uses = (*(OpUse(1, n, 8, 4, n, 0) for n in range(5)), OpUse(2, 5, 1, 0, 0, 9))
    found = OpsFound(
        (OpRow(0, 0, invocations=1), OpRow(0, 0)), (OpState(0, 0), OpState(1, 1)), uses
    )
    (op,) = attribute(replace(run, objects=objects, operations=found)).op_costs()
    assert op.cycles_by_cause is not None
    assert (op.cycles_by_cause["load"], op.icache_misses, op.dcache_read_misses) == (130, 2, 6)
    assert [(o.name, o.read_bytes, o.misses) for o in op.objects] == [
        ("f", 1, 0), ("a", 8, 0), ("b", 8, 1), ("c", 8, 2)
    ]  # fmt: skip


def test_begins_and_ends_that_do_not_pair_are_told_at_their_operation() -> None:
    run = counters([node(-1, 0, spend(1)), node(0, 0, spend(5), op=0)], [CONV_TWICE])
    row = OpRow(0, 0, invocations=1, again=2, unended=1, too_deep=1)
    found = OpsFound((row,), lost_ends=LostEnds(2, 1, 0))
    assert [*attribute(replace(run, operations=found)).operations.warnings()] == [
        "operation conv: 1 of its 3 begins has no mcusim_op_end, so that what ran behind counts"
        " for it",
        "operation conv: 1 of its 3 begins lie inside of more operations than are told apart, and"
        " count for those",
        "mcusim_op_end has nothing to end 2 times, first in conv while operation conv is open in"
        " another task: it ends where it began",
    ]


def test_a_pattern_that_matches_nothing_that_ran_is_named() -> None:
    assert attribute(KERNEL, "fib", "softmax*").unmatched_globs() == ["softmax*"]


def test_regions_without_traffic_are_left_out_and_energy_is_of_the_region_alone() -> None:
    run = counters([node(-1, 0, vector(cycles__issue=9, flash__reads=2, flash__read_bytes=8))])
    (flash,) = attribute(run).memory_costs()
    assert (flash.region, flash.reads, flash.read_bytes) == ("flash", 2, 8)
    assert femtojoules(flash.energy_j) == 7 * 8


def test_cache_rates_are_misses_over_accesses() -> None:
    caches = attribute().caches()
    assert caches.icache.miss_rate == 2 / 40
    assert (caches.dcache.accesses, caches.dcache.misses, caches.dcache.miss_rate) == (60, 6, 0.1)


STREAMING = vector(
    cycles__issue=9, dcache_reads=10, dcache_read_misses=1, dcache_writes=50,
    dcache_write_misses=1, dcache_streamed_writes=40,
)  # fmt: skip


def test_streamed_stores_are_accesses_but_in_no_rate() -> None:
    dcache = attribute(counters([node(-1, 0, STREAMING)])).caches().dcache
    assert (dcache.accesses, dcache.misses, dcache.streamed_writes) == (60, 2, 40)
    assert dcache.miss_rate == 2 / 20


def test_streamed_stores_are_in_no_rate_of_the_timeline() -> None:
    trace = Trace(1, 0, 1, 512, (), (TraceSample(9, STREAMING),))
    run = replace(counters([node(-1, 0, STREAMING)]), trace=trace)
    (sample,) = timeline(run, HandEnergy()).samples
    assert (sample.dcache_accesses, sample.dcache_misses) == (20, 2)


def test_a_cache_that_stayed_off_has_no_miss_rate() -> None:
    caches = attribute(counters([node(-1, 0, spend(1))])).caches()
    assert caches.icache.miss_rate is None


def test_a_run_that_never_started_gives_zeros() -> None:
    totals = attribute(counters([node(-1, -1, vector())])).totals()
    assert (totals.cycles, totals.ipc, totals.power_w, totals.energy_j) == (0, None, None, 0.0)


def test_the_call_tree_points_into_functions_and_operations() -> None:
    costs = attribute()
    rows, ops, tree = costs.function_costs(), costs.op_costs(), costs.call_tree()
    assert [None if n.function is None else rows[n.function].name for n in tree] == [
        "main", "fib", "fib", "fib", "main", "conv", "dot",
    ]  # fmt: skip
    assert [n.parent for n in tree] == [None, 0, 1, 2, 0, 4, 5]
    assert [ops[n.op].name if n.op is not None else None for n in tree][4] == "conv1"
    assert sum(n.cycles for n in tree) == costs.totals().cycles


@st.composite
def random_runs(draw: st.DrawFn) -> Counters:
    size = draw(st.integers(1, 25))
    nodes = [node(-1, 0, spend(draw(st.integers(0, 99))))]
    for index in range(1, size):
        op = draw(st.sampled_from([-1, -1, -1, 0, 1]))
        counts = vector(
            cycles__issue=draw(st.integers(0, 99)), flash__read_bytes=draw(st.integers(0, 9))
        )
        function = draw(st.integers(-1, 3))
        nodes.append(
            node(draw(st.integers(0, index - 1)), function, counts, draw(st.integers(1, 5)), op)
        )
    return counters(nodes, ops=[CONV_TWICE, CONV_TWICE], op_invocations=[1, 1])


@given(random_runs())
def test_inclusive_costs_equal_the_slow_twin(run: Counters) -> None:
    nodes = run.nodes

    def above(index: int) -> list[int]:
        chain = []
        while nodes[index].parent >= 0:
            index = nodes[index].parent
            chain.append(index)
        return chain

    # A node belongs to the inclusive cost of every function and operation on its way to the root.
    cycles, energy, op_cycles = (
        dict.fromkeys(range(-1, 4), 0),
        dict.fromkeys(range(-1, 4), 0),
        [0, 0],
    )
    for index, each in enumerate(nodes):
        spent = dict(zip(run.columns, each.vector, strict=True))
        path = [index, *above(index)]
        for function in {nodes[i].function for i in path}:
            cycles[function] += spent["cycles.issue"]
            energy[function] += sum(HandEnergy().femtojoules(spent).values())
        for op in {nodes[i].op for i in path} - {-1}:
            op_cycles[op] += spent["cycles.issue"]

    costs = attribute(run)
    names = {function.name: index for index, function in enumerate(FUNCTIONS)}
    for row in costs.function_costs():
        function = names.get(row.name, -1)
        assert row.cycles_total == cycles[function]
        assert row.energy_j_total == joules(energy[function])
    ran = sorted(op.cycles for op in costs.op_costs())
    assert ran == sorted(op_cycles[op] for op in {n.op for n in nodes} - {-1})


def test_intervals_and_components_go_with_every_energy() -> None:
    # HandEnergy: a tenth of the whole, rounded down, to both sides.
    totals, main = attribute().totals(), by_name()["main"]
    (op,) = attribute().op_costs()
    for whole, costs in ((totals.energy_j, totals), (main.energy_j_self, main), (op.energy_j, op)):
        half = femtojoules(whole) // 10
        assert femtojoules(costs.energy_low_j) == femtojoules(whole) - half
        assert femtojoules(costs.energy_high_j) == femtojoules(whole) + half
        assert sum(map(femtojoules, costs.energy_by_component.values())) == femtojoules(whole)


def test_energy_per_mac_and_the_energy_delay_product_follow_from_energy_and_time() -> None:
    totals = attribute().totals()
    (op,) = attribute().op_costs()
    assert totals.energy_delay_js == totals.energy_j * totals.time_s
    assert totals.j_per_mac == totals.energy_j / totals.macs
    assert op.energy_delay_js == op.energy_j * op.time_s
    assert op.j_per_mac == op.energy_j / op.macs
    assert op.power_w is not None
    assert abs(op.power_w - op.energy_j / op.time_s) < 1e-12
