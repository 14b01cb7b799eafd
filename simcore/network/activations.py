"""Where computed tensors of an inference lie: lifetimes, memories, and what is alive when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simcore.errors import NetworkError
from simcore.network.arena import Lifetime, best_plan, lowest
from simcore.network.lowering import KernelCall, Scratch
from simcore.network.steps import Key, Lowered, Step

ALIGN: Final = 16  # bytes, as TensorFlow Lite Micro aligns tensors


@dataclass(frozen=True, slots=True)
class ArenaRoom:
    """Room for tensors: ``size`` bytes from ``start``, in a region of the part."""

    name: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where a tensor lies, and from which step to which it is alive; ``shares``: whose place."""

    memory: str
    offset: int
    life: Lifetime
    shares: Key | None = None


@dataclass(frozen=True, slots=True)
class ArenaPlan:
    """Places of all computed tensors; bytes used of each memory, and how its plan was found."""

    places: Mapping[Key, TensorPlace]
    used: Mapping[str, int]
    how: Mapping[str, str]
    alive: tuple[int, ...]  # bytes at each step, scratch left out
    scratch: int  # bytes of the step that needs most

    def alive_in(self, memory: str, step: int) -> list[Key]:
        """Tensors in a memory at a step, the largest first; sharing a place is being in another."""
        found = [
            key
            for key, place in self.places.items()
            if place.memory == memory and place.shares is None
            and place.life.first <= step <= place.life.last
        ]  # fmt: skip
        return sorted(found, key=lambda key: (-self.places[key].life.size, key))


def scratch_offsets(call: KernelCall) -> tuple[dict[int, int], int]:
    """Offsets of the scratch buffers of a call by their place among its buffers, and the bytes."""
    offsets, end = {}, 0
    for place, item in enumerate(call.buffers):
        if isinstance(item, Scratch):
            align = max(item.align, ALIGN)
            offsets[place] = -(-end // align) * align
            end = offsets[place] + item.size_bytes
    return offsets, end


def up(size: int) -> int:
    """A size with what makes the next tensor begin where tensors may."""
    return -(-size // ALIGN) * ALIGN


def beside(network: Lowered) -> int:
    """Bytes that the first memory holds beside tensors: variables, and scratch."""
    scratch = max(scratch_offsets(step.call)[1] for step in network.steps)
    return up(scratch) + sum(up(one.size_bytes) for one in network.variables().values())


def plan_arena(network: Lowered, memories: Sequence[ArenaRoom]) -> ArenaPlan:
    """A plan of all computed tensors over memories, those first that are named first.

    With one memory its size is not looked at: what does not fit is told by who knows the part.
    Where several are given, the first takes what is read most for each byte.
    """
    lives = lifetimes(network)
    if len(memories) > 1:
        first, *others = memories
        room = max(first.size - beside(network), 0)
        memories = [ArenaRoom(first.name, first.start, room), *others]
    plain = _Planned({key: key for key in lives}, lives, network, memories)
    shared = _Planned(_in_place(network, lives), lives, network, memories)
    # Sharing a place lengthens a life, which may cost more than it saves.
    best = shared if shared.total <= plain.total else plain
    return best.plan()


def lifetimes(network: Lowered) -> dict[Key, Lifetime]:
    """From the step that writes a tensor to the last that reads it.

    Inputs are there before the first step, outputs behind the last. Raises NetworkError for an
    output that is a constant, or that nothing computes.
    """
    steps, main = network.steps, network.model.main
    first = {(0, index): 0 for index in main.inputs}
    last: dict[Key, int] = {}
    for step in steps:
        for item in step.call.buffers:
            if isinstance(item, int) and _is_computed(network, key := step.key(item)):
                first.setdefault(key, step.number)
                last[key] = step.number
    for index in main.outputs:
        if (0, index) not in first or not _is_computed(network, (0, index)):
            raise NetworkError(f"its output, tensor {index}, is computed by no operator")
        last[0, index] = len(steps) - 1
    return {
        key: Lifetime(network.tensor(key).size_bytes, start, last.get(key, start))
        for key, start in sorted(first.items())
        if _is_computed(network, key)
    }


def _is_computed(network: Lowered, key: Key) -> bool:
    tensor = network.tensor(key)
    return tensor.data is None and not tensor.is_variable


def _in_place(network: Lowered, lives: Mapping[Key, Lifetime]) -> dict[Key, Key]:
    """The tensor whose place each has: its own, or of an input that its step may destroy."""
    roots = {key: key for key in lives}
    ends = {(0, index) for index in network.model.main.outputs}
    taken: set[tuple[Key, int]] = set()  # one output alone may have the place of an input
    for step in network.steps:
        for output, source in step.call.in_place.items():
            made, read = step.call.buffers[output], step.call.buffers[source]
            if not isinstance(made, int) or not isinstance(read, int):
                continue
            new, old = step.key(made), step.key(read)
            if (
                new in lives and old in lives and roots[new] == new
                and (roots[old], step.number) not in taken
                and lives[old].last == step.number and old not in ends
                and lives[new].first == step.number
                and lives[new].size <= lives[roots[old]].size
            ):  # fmt: skip
                roots[new] = roots[old]
                taken.add((roots[old], step.number))
    return roots


class _Planned:
    """A plan in which some tensors share places."""

    def __init__(
        self,
        roots: Mapping[Key, Key],
        lives: Mapping[Key, Lifetime],
        network: Lowered,
        memories: Sequence[ArenaRoom],
    ) -> None:
        self._roots, self._lives, self._network = roots, lives, network
        blocks: dict[Key, Lifetime] = {}
        for key, root in roots.items():
            one, before = lives[key], blocks.get(root)
            blocks[root] = one if before is None else Lifetime(
                max(before.size, one.size), min(before.first, one.first), max(before.last, one.last)
            )  # fmt: skip
        self._blocks = blocks
        placed, self._in = self._distributed(memories)
        self._offsets: dict[Key, int] = {}
        self._used: dict[str, int] = {}
        self._how: dict[str, str] = {}
        for memory in memories:
            mine = {key: blocks[key] for key, name in self._in.items() if name == memory.name}
            offsets, size, how = best_plan(mine, ALIGN)
            if size > memory.size and (known := placed.get(memory.name)):
                offsets, how = known, "greedy by use"
                size = max(offsets[key] + blocks[key].size for key in offsets)
            self._offsets |= offsets
            if mine:
                self._used[memory.name], self._how[memory.name] = size, how

    @property
    def total(self) -> int:
        return sum(self._used.values())

    def plan(self) -> ArenaPlan:
        places = {
            key: TensorPlace(self._in[root], self._offsets[root],
                       self._blocks[key] if root == key else self._lives[key],
                       None if root == key else root)
            for key, root in self._roots.items()
        }  # fmt: skip
        steps = range(len(self._network.steps))
        alive = tuple(
            sum(one.size for one in self._blocks.values() if one.first <= step <= one.last)
            for step in steps
        )
        scratch = max(scratch_offsets(step.call)[1] for step in self._network.steps)
        return ArenaPlan(places, self._used, self._how, alive, scratch)

    def _distributed(
        self, memories: Sequence[ArenaRoom]
    ) -> tuple[dict[str, dict[Key, int]], dict[Key, str]]:
        """The memory of each block: the first with room, for what is used most before the rest.

        With a plan of each memory in which they have room.
        """
        if len(memories) == 1:
            return {}, dict.fromkeys(self._blocks, memories[0].name)
        use = _uses(self._network, self._roots)
        order = sorted(
            self._blocks, key=lambda key: (-use.get(key, 0) / self._blocks[key].size, key)
        )
        placed: dict[str, dict[Key, int]] = {memory.name: {} for memory in memories}
        found: dict[Key, str] = {}
        for key in order:
            block = self._blocks[key]
            for memory in memories:
                offset = lowest(block, placed[memory.name], self._blocks, ALIGN)
                if offset + block.size <= memory.size or memory is memories[-1]:
                    placed[memory.name][key], found[key] = offset, memory.name
                    break
        return placed, found


def _uses(network: Lowered, roots: Mapping[Key, Key]) -> dict[Key, int]:
    """How often the bytes of a tensor are used, about: the steps of arithmetic that read it."""
    uses: dict[Key, int] = {}
    for step in network.steps:
        for item in step.call.buffers:
            if isinstance(item, int) and (root := roots.get(step.key(item))) is not None:
                uses[root] = uses.get(root, 0) + max(step.call.ops, 2 * step.call.macs, 1)
    return uses


def busiest(plan: ArenaPlan, memory: str, steps: Sequence[Step]) -> tuple[int, int, int]:
    """The step with most bytes alive in a memory, those bytes, and the most at any other step."""
    bytes_at = [
        sum(plan.places[key].life.size for key in plan.alive_in(memory, step.number))
        for step in steps
    ]
    most = max(bytes_at)
    at = bytes_at.index(most)
    return at, most, max((size for i, size in enumerate(bytes_at) if i != at), default=0)
