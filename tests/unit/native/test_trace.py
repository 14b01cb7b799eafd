"""trace.c: spans and samples of a call tree that random programs walk, against the slow twin."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests import native
from tests.reference_trace import DEPTH_MAX, FIRST_PERIOD, Span, Trace
from tests.unit.native.test_calltree import WIDTH, Tree


class Both:
    """A call tree whose time and counters a test moves on, with trace.c and its twin beside it."""

    def __init__(self, spans: int, samples: int) -> None:
        self.ffi, self.lib = native.load()
        self.tree = Tree()
        self.now = 0
        self.twin = Trace(spans, samples)
        self.c = self.ffi.new("struct trace *")
        root = self.tree.t.node[0].counters
        assert self.lib.trace_init(self.c, spans, samples, WIDTH, root) == self.lib.CORE_OK
        self.c = self.ffi.gc(self.c, self.lib.trace_free)
        self.tree.start()
        self.follow()

    @property
    def operations(self) -> list[tuple[int, int]]:
        """(Serial, node) of what is open and changes the state, outermost first."""
        ops = self.tree.t.ops
        every = [ops.open[i] for i in range(ops.opens)]
        return [(op.serial, op.node) for op in every if not op.again]

    def follow(self) -> None:
        self.lib.trace_follow(self.c, self.tree.t, self.now)
        frames = [self.tree.t.frame[i] for i in range(1, self.tree.t.frames)]
        self.twin.follow([frame.span for frame in frames], self.now, self.operations)

    def spend(self, cycles: int) -> None:
        """The running node costs cycles; a sample is taken when one is due."""
        self.now += cycles
        running = self.tree.t.frame[self.tree.t.frames - 1].node
        counters = self.tree.t.node[running].counters
        for column in range(WIDTH):
            counters[column] += cycles * (column + 1) % 7
        if self.now >= self.twin.next_sample:
            self.sample()

    def sample(self, is_last: bool = False) -> None:
        self.lib.trace_sample(self.c, self.now, is_last)
        nodes = {
            node: tuple(self.tree.t.node[node].counters[i] for i in range(WIDTH))
            for node in range(self.tree.t.nodes)
        }
        self.twin.sample(self.now, nodes, is_last)

    def spans(self) -> list[Span]:
        found = [
            self.lib.trace_span(self.c, index, self.now)
            for index in range(self.lib.trace_spans(self.c))
        ]
        return sorted(
            (Span(s.number, s.node, s.start, s.end) for s in found), key=lambda span: span.number
        )

    def of_kind(self, *, is_operation: bool) -> list[Span]:
        node = self.tree.t.node
        return [span for span in self.spans() if (node[span.node].info.op >= 0) == is_operation]

    def samples(self) -> list[tuple[int, tuple[int, ...]]]:
        rows = [
            self.c.sample[i * (1 + WIDTH) : (i + 1) * (1 + WIDTH)] for i in range(self.c.samples)
        ]
        return [(row[0], tuple(row[i] for i in range(1, 1 + WIDTH))) for row in rows]

    def compare(self) -> None:
        assert self.spans() == self.twin.all_spans(self.now)
        assert self.samples() == self.twin.samples
        for name in ("resolution", "deepest", "period", "next_sample", "begun"):
            assert getattr(self.c, name) == getattr(self.twin, name), name
        # What is neither kept nor open was dropped.
        assert self.c.dropped == self.c.begun - len(self.spans())


class Walk:
    """A random program: calls, returns over several frames, tail calls, operations, time."""

    def __init__(self, both: Both, seed: int) -> None:
        self.both, self.random = both, random.Random(seed)
        self.returns: list[tuple[str, int]] = []  # function and address behind each open call
        self.function = "a"

    def step(self) -> None:
        both, tree, pick = self.both, self.both.tree, self.random
        kind = pick.choice(("call", "call", "return", "return", "tail", "begin", "end", "spend"))
        if kind == "call" and len(self.returns) < 40:
            site = tree.entry(self.function) + 8 * pick.randint(1, 3) + 0x100 * len(self.returns)
            behind = self.function, site + 4
            self.function = pick.choice("abcdef")
            tree.call(self.function, site)
            self.returns.append(behind)
        elif kind == "return" and self.returns:
            keep = max(0, len(self.returns) - pick.choice((1, 1, 1, 2, 5)))
            self.function, address = self.returns[keep]
            tree.returns(self.function, address)
            del self.returns[keep:]
        elif kind == "tail" and self.returns:
            self.function = pick.choice("abcdef")
            tree.run(self.function, "direct", site=0x50)
        elif kind == "begin":
            tree.op_begin(pick.randint(0, 3))
        elif kind == "end":
            tree.op_end()
        else:
            both.spend(pick.choice((0, 1, 3, 20, 300, 5000)))
            return
        both.follow()
        if pick.random() < 0.7:
            both.spend(pick.choice((0, 1, 2, 10, 100)))


@pytest.mark.parametrize("seed", range(30))
def test_c_and_its_twin_keep_the_same_spans_and_samples(seed: int) -> None:
    both = Both(spans=random.Random(seed).choice((2, 3, 16, 1000)), samples=2 + seed % 9)
    walk = Walk(both, seed)
    for _ in range(600):
        walk.step()
        if walk.random.random() < 0.05:
            both.compare()
    both.sample(is_last=True)
    both.compare()
    assert len(both.twin.samples) <= both.twin.samples_room
    assert len(both.twin.spans) <= both.twin.spans_room


def nested(spans: list[Span]) -> bool:
    """Every two spans lie apart or one in the other, the outer one begun first."""
    open_ones: list[Span] = []
    for span in spans:
        while open_ones and open_ones[-1].end <= span.start and open_ones[-1].end < span.end:
            open_ones.pop()
        if open_ones and not (open_ones[-1].start <= span.start and span.end <= open_ones[-1].end):
            return False
        open_ones.append(span)
    return True


@pytest.mark.parametrize("seed", range(10))
def test_spans_nest_at_every_resolution(seed: int) -> None:
    both = Both(spans=8, samples=2)
    walk = Walk(both, 1000 + seed)
    for _ in range(400):
        walk.step()
        assert nested(both.of_kind(is_operation=False))
        assert nested(both.of_kind(is_operation=True))
    assert both.c.resolution > 0


def test_short_activations_go_first_and_are_counted() -> None:
    both = Both(spans=4, samples=2)
    for cycles in (100, 1, 50, 2, 70):
        site = 0x2000
        behind = both.tree.call("b", site)
        both.follow()
        both.spend(cycles)
        both.tree.returns("a", behind)
        both.follow()
    # Half of four has to be free for the fifth: at 4 cycles two are too short.
    assert [span.cycles for span in both.spans()] == [223, 100, 50, 70]
    assert (both.c.resolution, both.c.dropped) == (4, 2)


def test_a_sample_of_the_same_time_takes_the_place_of_the_last_one() -> None:
    both = Both(spans=4, samples=4)
    both.spend(FIRST_PERIOD)
    both.sample()
    both.sample()
    assert [time for time, _ in both.samples()] == [FIRST_PERIOD]
    assert both.samples() == both.twin.samples


def test_samples_thin_out_evenly() -> None:
    both = Both(spans=4, samples=8)
    for _ in range(40 * FIRST_PERIOD // 16):
        both.spend(16)
    times = [time for time, _ in both.samples()]
    assert times == [8 * FIRST_PERIOD * (i + 1) for i in range(len(times))]
    assert len(times) >= 4


def test_calls_beyond_the_limit_have_no_spans_and_are_told() -> None:
    both = Both(spans=4000, samples=2)
    functions = "abcdefghijklmnopqrstuvwxyz"
    returns: list[tuple[str, int]] = []
    here = "a"
    for depth in range(DEPTH_MAX + 20):
        site = 0x100000 + 8 * depth
        there = functions[depth % 2]
        returns.append((here, both.tree.call(there, site)))
        here = there
        both.follow()
        both.spend(1)
    assert both.c.deepest == DEPTH_MAX + 21
    assert len(both.spans()) == DEPTH_MAX
    for here, behind in reversed(returns):
        both.tree.returns(here, behind)
        both.follow()
        both.spend(1)
    both.compare()
    assert len(both.spans()) == DEPTH_MAX


def test_every_cycle_of_a_run_is_in_the_last_sample() -> None:
    both = Both(spans=4, samples=2)
    walk = Walk(both, 7)
    for _ in range(300):
        walk.step()
    both.sample(is_last=True)
    last: Any = both.samples()[-1]
    nodes = [both.tree.t.node[i].counters for i in range(both.tree.t.nodes)]
    assert last[1] == tuple(sum(counters[i] for counters in nodes) for i in range(WIDTH))
