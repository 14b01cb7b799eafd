"""Guesses: what registers are told to read, so that a loop that waits for one ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from simcore.core.core import Core
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.machine.fault_report import frame_at
from simcore.machine.inputs import input_bits, received_bits
from simcore.machine.loader import LoadedMemory
from simcore.machine.peripherals import RegisterNames
from simcore.machine.polling import Loop, Registers, Wait
from simcore.machine.trial import STATE, WORD, TrialEngine
from simcore.run.stubs import Guess

MOST_IN_VAIN = 8  # looks at one loop that find nothing, after which it is left alone
MOST_OF_A_LOOP = 1000  # guesses for one loop: more often, it does not wait, it works


class Guessing:
    """Answers the loops of one run. `described` are the bits of words that are not guessed."""

    def __init__(
        self,
        image: Image,
        model: CpuModel,
        memory: LoadedMemory,
        core: Core,
        names: RegisterNames,
        described: Mapping[int, int],
    ) -> None:
        self._image = image
        self._model = model
        self._memory = memory
        self._core = core
        self._names = names
        self._inputs = input_bits(model)
        self._described = described
        self._trial: TrialEngine | None = None
        self._asked: dict[tuple[int, int], int] = {}  # by place: how often nothing was found
        self.awaited: set[int] = set()  # words that loops wait for that nobody answers: input
        self._counts: dict[tuple[int, int, int, int], int] = {}  # of each guess

    def close(self) -> None:
        """Free the second engine."""
        if self._trial is not None:
            self._trial.close()

    def look(self, read_register: Callable[[str], int]) -> Wait | None:
        """Look at the loop in front of whose block the program stands, and let it end.

        What it waits for is returned when that is input that nothing gives.
        """
        pc, polled = read_register("pc"), self._core.polled() or 0
        place = (pc, polled)
        if self._asked.get(place, 0) >= MOST_IN_VAIN:
            return None
        if self._trial is None:
            self._trial = TrialEngine(
                self._memory,
                [(r.base, r.size) for r in self._model.regions if r.kind == "peripheral"],
                self._core.register,
                self._core.system_register,
            )
        state = {name: read_register(name) for name in STATE}
        loop = Loop(
            partial(self._trial.turn, pc, state),
            lambda address: self._memory.read(address, WORD) or b"",
            self._function,
            self._is_entry,
            Registers(
                self._core.register,
                lambda address: self._described.get(address, 0),
                self._input_bits,
                self._core.is_written,
            ),
        )
        wait = loop.wait(self._core.polling_turns(), self._word)
        if wait is not None and wait.is_input:
            self.awaited.add(wait.address)
        if wait is None or (wait.is_input and not wait.is_endless):
            self._asked[place] = self._asked.get(place, 0) + 1
            return None
        if wait.is_input:
            return wait
        key = (wait.address, wait.pc, wait.value, wait.mask)
        self._counts[key] = self._counts.get(key, 0) + 1
        if sum(n for (address, at, _, _), n in self._counts.items() if (address, at) == key[:2]) > (
            MOST_OF_A_LOOP
        ):
            self._asked[place] = MOST_IN_VAIN
        self._core.tell_register(wait.address, wait.value, wait.mask)
        return None

    def guesses(self) -> tuple[Guess, ...]:
        """What was guessed, in the order in which it was first."""
        return tuple(
            Guess(
                address,
                self._names.bits(address, mask),
                value,
                mask,
                count,
                frame_at(self._image, pc),
            )
            for (address, pc, value, mask), count in self._counts.items()
        )

    def _input_bits(self, address: int) -> int:
        described = self._names.described
        found = 0 if described is None else described.input_bits(address)
        found |= received_bits(address, self._core.register, self._model)
        return self._inputs.get(address, 0) | found

    def _function(self, address: int) -> int:
        function = self._image.function_at(address)
        return -1 if function is None else function.index

    def _is_entry(self, address: int) -> bool:
        function = self._image.function_at(address)
        return function is not None and function.start == address

    def _word(self, address: int) -> int | None:
        data = self._memory.read(address, WORD)
        return None if data is None else int.from_bytes(data, "little")
