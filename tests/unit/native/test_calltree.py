"""calltree.c: calls, returns and everything that only looks like one.

Functions are letters. A test says how control reached each block, as timing.c does, and looks at
the stack of functions and at the tree: "a(b c)" is a node a with children b and c, "a.0" is a while
operation 0 is open, which opens or goes on there.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests import native

NO_FUNCTION = 0xFFFF_FFFF
WIDTH = 3


class Tree:
    """A call tree; `run` starts a block, the other methods name what programs do."""

    def __init__(self) -> None:
        self.ffi, self.lib = native.load()
        self.t = self.ffi.new("struct calltree *")
        assert self.lib.calltree_init(self.t, WIDTH) == self.lib.CORE_OK
        self.t = self.ffi.gc(self.t, self.lib.calltree_free)
        self.kinds = native.constants("branch_kind", "BRANCH_")

    def run(
        self, function: str, how: str, address: int = 0, site: int = 0, returns_to: int = 0
    ) -> None:
        """A block of a function starts at an address (default: the function's entry)."""
        entry = self.entry(function)
        address = address or entry
        status = self.lib.calltree_enter(
            self.t, ord(function), address == entry, address, self.kinds[how], site, returns_to
        )
        assert status == self.lib.CORE_OK

    @staticmethod
    def entry(function: str) -> int:
        return ord(function) << 12

    def start(self, function: str = "a") -> Tree:
        self.run(function, "call")
        return self

    def call(self, function: str, site: int, how: str = "call") -> int:
        """A 4-byte call at an address. Returns where it returns to."""
        self.run(function, how, site=site, returns_to=site + 4)
        return site + 4

    def returns(self, function: str, address: int, how: str = "return") -> None:
        self.run(function, how, address=address, site=0xDEAD)

    def op_begin(self, op: int, site: int = 0x10) -> None:
        assert self.lib.calltree_op_begin(self.t, op, site) == self.lib.CORE_OK

    def op_end(self) -> bool:
        return bool(self.lib.calltree_op_end(self.t))

    def ask(self, *calls: dict[str, int]) -> None:
        """Calls that are operations: fields of struct op_calls."""
        asked = self.ffi.new("struct op_calls[]", [{"rows": 1000, **one} for one in calls])
        assert self.lib.operations_ask(self.ops, asked, len(calls)) == self.lib.CORE_OK

    @property
    def ops(self) -> Any:
        return self.ffi.addressof(self.t, "ops")

    @property
    def open(self) -> list[int]:
        """Rows that are open, outermost first."""
        return [self.t.ops.open[i].row for i in range(self.t.ops.base, self.t.ops.opens)]

    def row(self, number: int) -> Any:
        return self.t.ops.row[number]

    # --- what came of it ---

    def name(self, node: int) -> str:
        info = self.t.node[node].info
        function = "" if info.function == NO_FUNCTION else chr(info.function)
        return function + (f".{info.op}" if info.op >= 0 else "")

    @property
    def stack(self) -> str:
        """Outermost first, without the root."""
        return " ".join(self.name(self.t.frame[i].node) for i in range(1, self.t.frames))

    @property
    def shape(self) -> str:
        """The tree below the root, children in the order in which they came."""
        children: dict[int, list[int]] = {}
        for node in range(1, self.t.nodes):
            children.setdefault(self.t.node[node].info.parent, []).append(node)

        def text(node: int) -> str:
            inside = " ".join(text(child) for child in children.get(node, []))
            return self.name(node) + (f"({inside})" if inside else "")

        return " ".join(text(node) for node in children.get(0, []))

    def calls(self, function: str) -> list[int]:
        """How often each node of a function was called."""
        return [
            self.t.node[node].info.calls
            for node in range(1, self.t.nodes)
            if self.name(node) == function
        ]


@pytest.fixture
def tree() -> Tree:
    return Tree().start()


def test_calls_nest_and_returns_unnest(tree: Tree) -> None:
    in_a = tree.call("b", 0x100)
    in_b = tree.call("c", 0x200, how="call_indirect")
    assert tree.stack == "a b c"
    tree.returns("b", in_b)
    assert tree.stack == "a b"
    tree.returns("a", in_a)
    assert tree.stack == "a"
    assert tree.shape == "a(b(c))"


def test_a_call_from_the_same_place_shares_its_node(tree: Tree) -> None:
    for _ in range(3):
        tree.returns("a", tree.call("b", 0x100))
    tree.returns("a", tree.call("b", 0x180))
    assert tree.shape == "a(b b)"
    assert tree.calls("b") == [3, 1]


def test_blocks_inside_a_function_change_nothing(tree: Tree) -> None:
    tree.call("b", 0x100)
    for how in ("none", "conditional", "direct", "table", "indirect"):
        tree.run("b", how, address=tree.entry("b") + 0x20)
    assert tree.stack == "a b"
    assert tree.calls("b") == [1]


@pytest.mark.parametrize("how", ["direct", "conditional", "indirect"])
def test_a_tail_call_takes_the_place_of_its_caller(tree: Tree, how: str) -> None:
    in_a = tree.call("b", 0x100)
    tree.run("c", how, site=0x200)
    assert tree.stack == "a c"
    tree.returns("a", in_a)
    assert tree.stack == "a"
    assert tree.shape == "a(b c)"
    assert tree.calls("c") == [1]


def test_code_that_runs_on_into_the_next_function_stays_in_the_call(tree: Tree) -> None:
    in_a = tree.call("b", 0x100)
    tree.run("c", "none")
    assert tree.stack == "a b c"  # b was called, so what c costs is in it
    assert tree.calls("c") == [0]
    tree.returns("a", in_a)
    assert tree.stack == "a"


def test_a_loop_to_a_label_that_was_run_through_is_no_call(tree: Tree) -> None:
    tree.call("b", 0x100)
    for _ in range(3):
        tree.run("c", "none")
        tree.run("d", "none")
        tree.run("c", "conditional")
    tree.run("b", "direct")
    assert tree.stack == "a b"
    assert tree.shape == "a(b(c d))"
    assert [tree.calls(name) for name in "bcd"] == [[1], [0], [0]]


@pytest.mark.parametrize("function", ["c", "g"])
def test_a_jump_out_of_what_was_run_through_is_a_tail_call(tree: Tree, function: str) -> None:
    in_a = tree.call("d", 0x100)
    tree.run("e", "none")
    tree.run("f", "none")
    tree.run(function, "direct")
    assert tree.calls(function) == [1]
    assert tree.shape == f"a(d(e f) {function})"
    tree.returns("a", in_a)
    assert tree.stack == "a"


@pytest.mark.parametrize("how", ["direct", "conditional", "table"])
def test_a_cold_part_and_back_are_no_calls(tree: Tree, how: str) -> None:
    in_a = tree.call("b", 0x100)
    for site in (0x200, 0x200, 0x300):
        tree.run("c", how, address=tree.entry("c") + 8, site=site)  # its start is no entry
        tree.returns("c", tree.call("d", 0x400))
        tree.run("b", how, address=tree.entry("b") + 8)
    assert tree.stack == "a b"
    assert tree.shape == "a(b(c(d) c(d)))"
    assert [sum(tree.calls(name)) for name in "bcd"] == [1, 0, 3]
    tree.returns("a", in_a)
    assert tree.stack == "a"


def test_a_cold_part_that_goes_on_at_the_start_of_its_function_calls_nothing(tree: Tree) -> None:
    tree.call("b", 0x100)
    tree.run("c", "direct", address=tree.entry("c") + 8)
    tree.run("b", "direct")
    assert (tree.stack, tree.calls("b")) == ("a b", [1])


def test_a_longjmp_out_of_a_cold_part_goes_on_in_its_function(tree: Tree) -> None:
    tree.call("b", 0x100)
    tree.run("c", "direct", address=tree.entry("c") + 8)
    tree.call("d", 0x400)
    tree.returns("b", tree.entry("b") + 0x20, how="indirect")
    assert (tree.stack, tree.calls("b")) == ("a b", [1])


def test_a_tail_call_that_returns_to_its_own_function_is_one_call(tree: Tree) -> None:
    # LR was set by hand: b jumps to c, and c returns into b. The b below is not returned to.
    tree.call("b", 0x100)
    in_b = tree.call("b", 0x200)
    tree.run("c", "indirect", site=0x300)
    tree.returns("b", tree.entry("b") + 0x30)
    assert tree.stack == "a b b"
    assert (tree.calls("b"), tree.calls("c")) == ([2], [1])
    tree.returns("b", in_b)
    assert tree.stack == "a b"


def test_a_way_to_a_cold_part_and_back_through_registers_calls_nothing(tree: Tree) -> None:
    in_a = tree.call("b", 0x100)
    tree.run("v", "direct", site=0x200)  # a veneer, which is called
    tree.run("c", "indirect", address=tree.entry("c") + 8)
    tree.run("b", "indirect", address=tree.entry("b") + 8)
    assert tree.stack == "a b"
    assert [tree.calls(name) for name in "bvc"] == [[1], [1], [0]]
    tree.returns("a", in_a)
    assert tree.stack == "a"


def test_functions_that_share_an_end_are_called_once_each(tree: Tree) -> None:
    in_a = tree.call("b", 0x100)
    tree.run("c", "direct", address=tree.entry("c") + 0x10)
    tree.returns("a", in_a)
    assert tree.stack == "a"
    assert (tree.shape, tree.calls("c")) == ("a(b(c))", [0])


def test_a_handler_that_ends_in_a_tail_call_has_one_node_wherever_it_interrupts(tree: Tree) -> None:
    for at in (0x500, 0x600):
        tree.run("h", "call")
        tree.t.frame[tree.t.frames - 1].call_site = at  # as timing notes it
        tree.run("c", "direct", site=0x700)
        tree.t.frames -= 1
    assert tree.shape == "a(h c)"


@pytest.mark.parametrize("how", ["return", "indirect"])
def test_pop_pc_and_bx_to_a_return_address_are_returns(tree: Tree, how: str) -> None:
    in_a = tree.call("b", 0x100)
    tree.returns("a", in_a, how=how)
    assert tree.stack == "a"


def test_a_pop_pc_that_leaves_two_functions_at_once_is_both_returns(tree: Tree) -> None:
    # b saved the return address of a for c to pop: c returns straight to a.
    in_a = tree.call("b", 0x100)
    tree.call("c", 0x200)
    tree.returns("a", in_a)
    assert tree.stack == "a"


def test_recursion_shares_the_node_of_the_call_it_repeats(tree: Tree) -> None:
    in_a = tree.call("b", 0x100)
    depth = 50
    inside = [tree.call("b", 0x200) for _ in range(depth)]
    assert tree.t.frames == 1 + 2 + depth
    assert tree.shape == "a(b)"
    assert tree.calls("b") == [1 + depth]
    for address in inside:
        tree.returns("b", address)
    assert tree.stack == "a b"
    tree.returns("a", in_a)
    assert tree.stack == "a"


def test_mutual_recursion_does_not_grow_the_tree(tree: Tree) -> None:
    returns = [tree.call("b", 0x100)]
    for _ in range(20):
        returns.append(tree.call("c", 0x200))
        returns.append(tree.call("b", 0x300))
    assert tree.shape == "a(b(c))"
    assert tree.calls("b") == [21]
    assert tree.calls("c") == [20]
    for address, caller in zip(reversed(returns), "cb" * 20 + "a", strict=True):
        tree.returns(caller, address)
    assert tree.stack == "a"


def test_a_longjmp_unwinds_to_the_function_that_set_it(tree: Tree) -> None:
    tree.call("b", 0x100)
    setjmp_returned = tree.call("s", 0x200)
    tree.returns("b", setjmp_returned)
    tree.call("c", 0x300)
    tree.call("d", 0x400)
    tree.call("l", 0x500)
    tree.returns("b", setjmp_returned, how="indirect")  # longjmp: bx to where setjmp returned
    assert tree.stack == "a b"
    assert tree.calls("b") == [1]
    tree.returns("a", 0x104)
    assert tree.stack == "a"


def test_a_longjmp_into_no_active_function_replaces_the_running_one(tree: Tree) -> None:
    tree.call("b", 0x100)
    tree.returns("x", tree.entry("x") + 0x40)
    assert tree.stack == "a x"


def test_a_jump_to_the_entry_of_an_active_function_is_a_tail_call(tree: Tree) -> None:
    # Code of a that is entered at its first instruction begins anew; it does not go on.
    tree.call("b", 0x100)
    tree.call("c", 0x200)
    tree.run("b", "indirect", site=0x300)
    assert tree.stack == "a b b"


def test_exception_entry_is_a_call_that_returns_to_the_interrupted_instruction(
    tree: Tree,
) -> None:
    tree.call("b", 0x100)
    interrupted = tree.entry("b") + 0x24
    tree.run("h", "call", site=interrupted - 2, returns_to=interrupted)
    assert tree.stack == "a b h"
    tree.returns("b", interrupted)
    assert tree.stack == "a b"
    tree.returns("a", 0x104)
    assert tree.stack == "a"


def test_a_program_that_returns_from_where_it_began_stays_on_the_tree(tree: Tree) -> None:
    tree.returns("x", 0x5000)
    assert tree.stack == "x"
    tree.call("b", 0x100)
    assert tree.stack == "x b"
    assert tree.calls("x") == [0]  # it went on, nobody called it


# --- operations ---


def test_an_operation_is_a_node_of_the_function_that_opened_it(tree: Tree) -> None:
    tree.op_begin(0)
    assert tree.stack == "a.0"
    in_a = tree.call("b", 0x100)
    tree.returns("a", in_a)
    assert tree.stack == "a.0"
    assert tree.op_end()
    assert tree.stack == "a"
    tree.op_begin(1, site=0x20)
    tree.op_end()
    assert tree.shape == "a(a.0(b) a.1)"
    assert tree.calls("a.0") == tree.calls("a.1") == [1]


def test_operations_nest(tree: Tree) -> None:
    tree.op_begin(0)
    tree.op_begin(1)
    assert (tree.stack, tree.open) == ("a.1", [0, 1])
    tree.op_end()
    assert tree.stack == "a.0"
    tree.op_end()
    assert (tree.stack, tree.shape) == ("a", "a(a.0(a.1))")


def test_an_operation_that_helpers_begin_and_end_lasts_between_them(tree: Tree) -> None:
    for _ in range(2):
        in_a = tree.call("b", 0x100)
        tree.op_begin(0)
        assert tree.stack == "a b.0"
        tree.returns("a", in_a)
        assert tree.stack == "a.0"
        tree.returns("a", tree.call("w", 0x180))
        in_a = tree.call("e", 0x200)
        assert tree.stack == "a.0 e"
        tree.op_end()
        assert tree.stack == "a.0 e"  # a is looked at when it runs again
        assert tree.shape.endswith("e)")
        tree.returns("a", in_a)
        assert tree.stack == "a"
    assert tree.shape == "a(b(b.0) a.0(w e) e)"
    assert [sum(tree.calls(name)) for name in ("b", "b.0", "a.0", "w", "e")] == [2, 2, 0, 2, 2]
    assert tree.row(0).invocations == 2


def test_an_operation_that_functions_below_begin_is_open_in_all_above(tree: Tree) -> None:
    in_a, in_b = tree.call("b", 0x100), tree.call("c", 0x200)
    tree.op_begin(0)
    tree.returns("b", in_b)
    tree.returns("a", in_a)
    assert tree.stack == "a.0"
    tree.call("d", 0x300)
    tree.call("e", 0x400)
    tree.op_end()
    tree.call("f", 0x500)
    assert tree.shape == "a(b(c(c.0) b.0) a.0(d(e)) d(e(f)))"


def test_operations_end_the_last_one_first_whoever_ends_them(tree: Tree) -> None:
    tree.op_begin(0)
    in_a = tree.call("b", 0x100)
    tree.op_begin(1)
    tree.returns("a", in_a)
    assert (tree.stack, tree.open) == ("a.1", [0, 1])
    tree.op_end()
    assert (tree.stack, tree.open) == ("a.0", [0])


def test_a_tail_call_inside_an_operation_stays_inside_it(tree: Tree) -> None:
    in_a = tree.call("b", 0x100)
    tree.op_begin(0)
    tree.run("c", "direct", site=0x200)
    assert tree.stack == "a c.0"
    tree.returns("a", in_a)
    assert tree.stack == "a.0"
    tree.op_end()
    assert tree.shape == "a(b(b.0) c(c.0) a.0)"


def test_a_cold_part_inside_an_operation_goes_back_into_it(tree: Tree) -> None:
    tree.call("b", 0x100)
    tree.op_begin(0)
    tree.run("c", "direct", address=tree.entry("c") + 8)
    assert tree.stack == "a b.0 c"
    tree.run("b", "direct", address=tree.entry("b") + 8)
    assert tree.stack == "a b.0"
    assert (tree.calls("b"), tree.calls("c")) == ([1], [0])
    tree.op_end()
    assert tree.stack == "a b"


def test_recursion_through_an_operation_makes_new_nodes(tree: Tree) -> None:
    tree.call("b", 0x100)
    tree.op_begin(0)
    tree.call("b", 0x200)
    assert tree.shape == "a(b(b.0(b)))"


def test_an_operation_that_opens_again_inside_itself_counts_once(tree: Tree) -> None:
    tree.op_begin(0)
    tree.op_begin(1)
    tree.op_begin(0)
    assert (tree.stack, tree.open) == ("a.1", [0, 1, 0])
    row = tree.row(0)
    assert (row.invocations, row.again) == (1, 1)
    tree.op_end()
    assert tree.stack == "a.1"
    tree.op_end()
    tree.op_end()
    assert tree.stack == "a"


def test_an_operation_end_without_a_begin_is_counted(tree: Tree) -> None:
    assert not tree.op_end()
    assert tree.stack == "a"
    assert (tree.t.ops.lost.count, tree.t.ops.lost.function) == (1, ord("a"))


@pytest.mark.parametrize("how", ["return", "longjmp"])
def test_neither_returns_nor_longjmp_end_an_operation(tree: Tree, how: str) -> None:
    in_a = tree.call("b", 0x100)
    tree.op_begin(0)
    tree.call("c", 0x200)
    if how == "longjmp":
        tree.returns("a", tree.entry("a") + 0x30, how="indirect")
    else:
        tree.returns("b", 0x204)
        tree.returns("a", in_a)
    assert tree.stack == "a.0"
    out = tree.ffi.new("struct op_row_info[1]")
    out[0] = tree.row(0)
    tree.lib.operations_add_open(out, tree.t.ops.open, tree.t.ops.opens, 0, 1)
    assert (out[0].invocations, out[0].unended, out[0].partial) == (1, 1, 0)
    tree.lib.operations_add_open(out, tree.t.ops.open, tree.t.ops.opens, 0, 0)  # it goes on
    assert (out[0].unended, out[0].partial) == (1, 1)
    tree.lib.operations_forget(tree.ffi.addressof(tree.t.ops))
    assert tree.row(0).partial == 0
    tree.lib.operations_forget_open(
        tree.ffi.addressof(tree.t.ops), tree.t.ops.open, tree.t.ops.opens, 0
    )
    assert (tree.row(0).invocations, tree.row(0).partial) == (1, 1)  # it had begun before


def test_a_handler_has_operations_of_its_own(tree: Tree) -> None:
    tree.op_begin(0)
    level = tree.ffi.new("struct calls_level *")
    assert tree.lib.calltree_level(tree.t, level) == tree.lib.CORE_OK
    tree.run("h", "call")
    assert (tree.open, tree.stack.split()[-1]) == ([], "h")
    assert not tree.op_end()  # that of what it interrupts is not its own
    tree.op_begin(1)
    tree.lib.calltree_end_level(tree.t, level)
    assert (tree.stack, tree.open) == ("a.0", [0])
    assert tree.row(1).unended == 1


def test_what_waits_keeps_its_operations(tree: Tree) -> None:
    kept = tree.ffi.new("struct kept_calls *")
    tree.call("b", 0x100)
    tree.op_begin(0)
    assert tree.lib.calltree_keep(tree.t, kept) == tree.lib.CORE_OK
    assert (tree.stack, tree.open) == ("", [])
    tree.start("x")
    assert tree.stack == "x"
    tree.t.frames = 1
    assert tree.lib.calltree_restore(tree.t, kept) == tree.lib.CORE_OK
    assert (tree.stack, tree.open) == ("a b.0", [0])
    tree.returns("a", 0x104)
    assert tree.stack == "a.0"


def test_more_operations_inside_one_another_than_are_told_apart_change_nothing(tree: Tree) -> None:
    most = tree.lib.STATE_DEPTH_MAX
    for op in range(most + 2):
        tree.op_begin(op)
    assert tree.stack == f"a.{most - 1}"
    assert [tree.row(op).too_deep for op in range(most + 2)] == [0] * most + [1, 1]
    for _ in range(most + 2):
        assert tree.op_end()
    assert tree.stack == "a"


def test_past_its_limit_what_is_open_inside_others_changes_nothing(tree: Tree) -> None:
    tree.t.ops.most_states = 2
    for op in (0, 1, 2):
        tree.op_begin(op)
    assert tree.stack == "a.1"
    assert [tree.row(op).too_deep for op in range(3)] == [0, 0, 1]
    for _ in range(3):
        assert tree.op_end()
    assert tree.stack == "a"
    tree.op_begin(0)
    assert tree.stack == "a.0"  # that is known
    tree.op_begin(2)
    assert tree.stack == "a.0"
    assert [tree.row(op).invocations for op in range(3)] == [2, 1, 2]


# --- calls that are operations ---


def calls_of(function: str, **more: int) -> dict[str, int]:
    return {"source": 1, "number": ord(function), **more}


def calls_at(site: int, **more: int) -> dict[str, int]:
    return {"source": 2, "number": 0, "first": site, "size": 2, **more}


def test_each_call_of_a_function_is_an_operation(tree: Tree) -> None:
    tree.ask(calls_of("b"))
    for _ in range(2):
        in_a = tree.call("b", 0x100)
        tree.returns("b", tree.call("c", 0x200))
        tree.returns("a", in_a)
        assert tree.stack == "a"
    assert tree.shape == "a(a.0(b(c)) a.1(b(c)))"
    assert [(row.call, row.invocations) for row in map(tree.row, range(2))] == [(0, 1), (1, 1)]


def test_an_asked_call_that_nothing_makes_opens_inside_of_its_function() -> None:
    tree = Tree()
    tree.ask(calls_of("a"))
    tree.start()
    assert (tree.stack, tree.shape) == ("a.0", "a(a.0)")
    tree.call("b", 0x100)
    assert tree.shape == "a(a.0(b))"


def test_an_asked_call_lasts_until_what_it_became_returns(tree: Tree) -> None:
    tree.ask(calls_of("b"), calls_of("d"))
    in_a = tree.call("b", 0x100)
    tree.run("c", "direct", site=0x200)
    assert tree.open == [0]
    tree.run("d", "direct", site=0x300)  # one that is an operation, too
    assert tree.open == [0, 1]
    tree.returns("a", in_a)
    assert (tree.stack, tree.open) == ("a", [])
    assert tree.shape == "a(a.0(b c d(d.1)))"


def test_a_longjmp_out_of_an_asked_call_ends_it(tree: Tree) -> None:
    tree.ask(calls_of("b"))
    tree.call("b", 0x100)
    tree.call("c", 0x200)
    tree.returns("a", tree.entry("a") + 0x30, how="indirect")
    assert (tree.stack, tree.open) == ("a", [])


def test_a_recursive_asked_call_is_one_operation(tree: Tree) -> None:
    tree.ask(calls_of("b"))
    tree.call("b", 0x100)
    tree.call("b", 0x200)
    assert tree.open == [0]
    tree.returns("b", 0x204)
    assert tree.open == [0]
    tree.returns("a", 0x104)
    assert tree.open == []


def test_a_marker_that_an_asked_call_leaves_open_goes_on(tree: Tree) -> None:
    tree.ask(calls_of("b"))
    in_a = tree.call("b", 0x100)
    tree.op_begin(7)
    assert tree.stack == "a b.1"
    tree.returns("a", in_a)
    assert (tree.stack, tree.open) == ("a.1", [1])
    tree.op_end()
    assert tree.stack == "a"


def test_calls_behind_the_last_row_are_one_operation(tree: Tree) -> None:
    tree.ask(calls_of("b", rows=2))
    for _ in range(5):
        tree.returns("a", tree.call("b", 0x100))
    rest = tree.row(2)
    assert (tree.t.ops.rows.keys, rest.is_rest, rest.call, rest.invocations) == (3, 1, 2, 3)


def test_calls_at_a_place_are_counted_in_each_call_of_the_function(tree: Tree) -> None:
    tree.ask(calls_at(0x200))
    for _ in range(2):
        in_a = tree.call("b", 0x100)
        for callee in "cdc":
            tree.returns("b", tree.call(callee, 0x200, how="call_indirect"))
        tree.returns("b", tree.call("c", 0x280))  # from another place
        tree.returns("a", in_a)
    assert tree.shape == "a(b(b.0(c) b.1(d) b.2(c) c))"
    rows = [tree.row(i) for i in range(3)]
    assert [(row.call, chr(row.callee), row.invocations) for row in rows] == [
        (0, "c", 2), (1, "d", 2), (2, "c", 2)
    ]  # fmt: skip


def test_calls_at_a_place_with_a_period_are_counted_over_all_calls(tree: Tree) -> None:
    tree.ask(calls_at(0x200, period=2))
    for callee in "cdcdc":
        tree.returns("a", tree.call(callee, 0x200, how="call_indirect"))
    assert [tree.row(i).invocations for i in range(tree.t.ops.rows.keys)] == [3, 2]


# --- limits ---


def test_a_stack_deeper_than_the_limit_keeps_the_newest_frames(tree: Tree) -> None:
    limit = tree.lib.FRAMES_MAX
    depth = limit + 100
    returns = [tree.call("b", 0x100 + 8 * i) for i in range(depth)]
    assert tree.t.frames == limit
    assert tree.t.lost_frames == depth + 2 - limit
    for address in reversed(returns[-1000:]):
        tree.returns("b", address)
    assert tree.t.frames == limit - 1000


def test_every_node_has_counters_of_its_own(tree: Tree) -> None:
    for i, function in enumerate("bcdefgh" * 20):
        tree.returns("a", tree.call(function, 0x100 + 8 * i))
    assert tree.t.nodes == 1 + 1 + 140
    for node in range(tree.t.nodes):
        assert list(tree.t.node[node].counters[0:WIDTH]) == [0] * WIDTH
        tree.t.node[node].counters[WIDTH - 1] = node
    assert [tree.t.node[node].counters[WIDTH - 1] for node in range(142)] == list(range(142))
