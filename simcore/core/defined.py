"""Blocks and schedules as C asked for them, made when a report asks for more than C was told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from simcore.core.facts import BlockFacts
from simcore.errors import UnknownInstructionError

if TYPE_CHECKING:
    from simcore.core.schedules import CutBlock, Decoder, Scheduler
    from simcore.isa import Access, Block
    from simcore.pipeline import Schedule


class StateNumbers(dict[int, int]):
    """C's numbers of a scheduler's states, by first sight, whoever shares it; and back."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[int] = []

    def __missing__(self, state: int) -> int:
        number = self[state] = len(self.states)
        self.states.append(state)
        return number


class DefinedBlock:
    """A block of a program that C was told of: all that a Block has, decoded when it is needed."""

    __slots__ = (
        "_code", "_cut", "_decoded", "_decoder", "_it_state", "_place", "_scheduler", "address",
        "facts",
    )  # fmt: skip

    facts: BlockFacts

    def __init__(
        self,
        address: int,
        place: int,
        code: bytes,
        it_state: int,
        decoder: Decoder,
        scheduler: Scheduler,
    ) -> None:
        self.address = address
        self._place, self._code, self._it_state = place, code, it_state
        self._decoder, self._scheduler = decoder, scheduler
        self._decoded: Block | None = None
        self._cut: CutBlock | None = None

    @property
    def decoded(self) -> Block:
        """Raises UnknownInstructionError."""
        if (found := self._decoded) is None:
            made = self._decoder.decode(self.address, self._code, self._it_state)
            if isinstance(made, UnknownInstructionError):
                raise made
            found = self._decoded = made
        return found

    @decoded.setter
    def decoded(self, block: Block) -> None:
        """What stands for code that cannot be decoded."""
        self._decoded = block

    @property
    def cut(self) -> CutBlock:
        """It in stretches, where it is timed. Raises UnknownInstructionError."""
        if self._cut is None:
            self._cut = self._made_cut()
        return self._cut

    def _made_cut(self) -> CutBlock:
        placed = self.decoded
        if (self._place - self.address) % self._scheduler.pipeline.alignment:
            found = self._decoder.decode(self._place, self._code, self._it_state)
            placed = placed if isinstance(found, UnknownInstructionError) else found
        return self._scheduler.cut(placed, self._code, self._it_state)

    def cut_now(self) -> CutBlock:
        """The same, for who asks later."""
        return self.cut

    @property
    def accesses(self) -> tuple[Access, ...]:
        return self.facts.all_accesses

    def address_of(self, instruction: int) -> int:
        """The address of an instruction."""
        return self.address + self.facts.offset_of(instruction)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.decoded, name)

    def __eq__(self, other: object) -> bool:
        return bool(self.decoded == (other.decoded if isinstance(other, DefinedBlock) else other))

    def __hash__(self) -> int:
        return hash(self.address)


class Schedules(Sequence["Schedule"]):
    """Schedules in the order in which C asked for them; states have the numbers that C has."""

    def __init__(self, scheduler: Scheduler, numbers: StateNumbers) -> None:
        self._scheduler, self._numbers = scheduler, numbers
        self._asked: list[tuple[DefinedBlock, int, int, int]] = []
        #: Take another one: block, stretch, the scheduler's state, variant.
        self.add = self._asked.append

    def first(self, count: int) -> Schedules:
        """The first ones."""
        found = Schedules(self._scheduler, self._numbers)
        found._asked += self._asked[:count]
        return found

    def __len__(self) -> int:
        return len(self._asked)

    def __iter__(self) -> Iterator[Schedule]:
        return (self._made(*asked) for asked in self._asked)

    @overload
    def __getitem__(self, index: int) -> Schedule: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Schedule]: ...

    def __getitem__(self, index: int | slice) -> Schedule | Sequence[Schedule]:
        if isinstance(index, slice):
            return tuple(self._made(*asked) for asked in self._asked[index])
        return self._made(*self._asked[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(len(self._asked))

    def _made(self, block: DefinedBlock, stretch: int, state: int, variant: int) -> Schedule:
        shared = self._scheduler.schedule(block.cut, stretch, state, variant)
        return shared._replace(
            after_next=self._numbers[shared.after_next],
            after_taken=self._numbers[shared.after_taken],
            after_mispredict=self._numbers[shared.after_mispredict],
        )
