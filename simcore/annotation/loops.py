"""Natural loops of the code that ran: back edges to a head through which alone the loop is entered.

Method: control-flow graph of the executed instructions, dominators by iteration to the fixed point
(Aho, Lam, Sethi, Ullman: Compilers, 9.6). Code that is entered in several places is no loop here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simcore.isa import Instruction
from simcore.isa.kinds import BranchKind
from simcore.isa.operands import constant, split_operands

_CALLS = frozenset({BranchKind.CALL, BranchKind.CALL_INDIRECT})
_JUMPS = frozenset({BranchKind.CONDITIONAL, BranchKind.DIRECT})
_UNKNOWN = frozenset({BranchKind.INDIRECT, BranchKind.TABLE})


@dataclass(frozen=True, slots=True)
class LoopShape:
    """A loop's code; ``outside`` are the instructions that lead into it and nowhere else."""

    head: int
    addresses: tuple[int, ...]  # of its instructions, sorted
    outside: tuple[int, ...] | None  # None when one of them also leads elsewhere
    calls: bool


@dataclass(slots=True)
class _Node:
    """A run of instructions without a jump in or out but at its ends."""

    instructions: list[Instruction]
    next: list[int]  # nodes
    before: list[int]


def find_loops(code: Mapping[int, Instruction], entries: Iterable[int]) -> list[LoopShape]:
    """The loops in the executed instructions of a function, by address of their heads.

    ``entries`` are addresses at which a translation block began: targets of jumps that cannot be
    read off the code are among them.
    """
    nodes = _nodes(code, set(entries))
    dominators = _dominators(nodes)
    bodies: dict[int, set[int]] = {}
    for number, node in enumerate(nodes):
        for head in node.next:
            if dominators[number] >> head & 1:
                bodies.setdefault(head, {head}).update(_body(nodes, number, head))
    return [_shape(nodes, head, body) for head, body in sorted(bodies.items())]


def _shape(nodes: list[_Node], head: int, body: set[int]) -> LoopShape:
    outside = [nodes[b] for b in nodes[head].before if b not in body]
    only_here = all(len(node.next) == 1 for node in outside)
    instructions = [i for number in body for i in nodes[number].instructions]
    return LoopShape(
        head=nodes[head].instructions[0].address,
        addresses=tuple(sorted(i.address for i in instructions)),
        outside=tuple(n.instructions[-1].address for n in outside) if only_here else None,
        calls=any(i.facts.branch in _CALLS for i in instructions),
    )


def _successors(instruction: Instruction, entries: set[int]) -> list[int]:
    facts, end = instruction.facts, instruction.address + instruction.size
    branch = facts.branch
    if branch is BranchKind.NONE or branch in _CALLS:
        return [end]
    onward = [end] if branch is BranchKind.CONDITIONAL or instruction.predicated else []
    if branch in _JUMPS:
        return [*onward, constant(split_operands(instruction.operands)[-1])]
    return [*onward, *sorted(entries)] if branch in _UNKNOWN else onward


def _nodes(code: Mapping[int, Instruction], entries: set[int]) -> list[_Node]:
    addresses = sorted(code)
    straight = {  # what fall-through or a jump in the code reaches needs no guess
        target for i in code.values() for target in _successors(i, set()) if target in code
    }
    # Calls enter at the lowest address; jumps inside do not go there unseen.
    unexplained = entries - straight - set(addresses[:1])
    leads = {a: [t for t in _successors(code[a], unexplained) if t in code] for a in addresses}
    leaders = {addresses[0]} if addresses else set()
    for address, targets in leads.items():
        end = address + code[address].size
        if targets != [end]:
            leaders.update(targets, [end])
    nodes: list[_Node] = []
    at: dict[int, int] = {}
    for address in addresses:
        starts = address in leaders or not nodes
        if not starts:
            last = nodes[-1].instructions[-1]
            starts = last.address + last.size != address
        if starts:
            at[address] = len(nodes)
            nodes.append(_Node([], [], []))
        nodes[-1].instructions.append(code[address])
    for number, node in enumerate(nodes):
        node.next = [at[t] for t in dict.fromkeys(leads[node.instructions[-1].address])]
        for target in node.next:
            nodes[target].before.append(number)
    return nodes


def _dominators(nodes: list[_Node]) -> list[int]:
    """For each node the nodes that every way to it passes, as bits."""
    everything = (1 << len(nodes)) - 1
    roots = {0} | {number for number, node in enumerate(nodes) if not node.before}
    found = [1 << n if n in roots else everything for n in range(len(nodes))]
    changed = True
    while changed:
        changed = False
        for number, node in enumerate(nodes):
            if number in roots:
                continue
            common = everything
            for before in node.before:
                common &= found[before]
            common |= 1 << number
            if common != found[number]:
                found[number], changed = common, True
    return found


def _body(nodes: list[_Node], source: int, head: int) -> set[int]:
    """Nodes from which `source` is reached without passing `head`."""
    body, stack = {head}, [source]
    while stack:
        number = stack.pop()
        if number not in body:
            body.add(number)
            stack.extend(nodes[number].before)
    return body
