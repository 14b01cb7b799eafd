"""Guesses: what registers are told to read, so that a loop that waits for one ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial

from simcore.core.core import Core
from simcore.cpu_model import CpuModel
from simcore.devices import known_bits
from simcore.elf import Image
from simcore.machine.fault_report import frame_at
from simcore.machine.inputs import input_bits, received_bits
from simcore.machine.loader import LoadedMemory
from simcore.machine.peripherals import RegisterNames
from simcore.machine.polling import Registers, RegisterWait, WaitingLoop
from simcore.machine.trial import STATE, WORD, TrialEngine
from simcore.run.stubs import Guess, find_stubs, is_peripheral

MOST_IN_VAIN = 8  # looks at one loop that find nothing, after which it is left alone
MOST_OF_A_LOOP = 1000  # guesses for one loop: more often, it does not wait, it works


class Guessing:
    """Tells a core what registers read, and answers the loops of its run.

    `stubs` are those of --stub, which are not guessed. Raises ConfigError when one cannot be.
    """

    def __init__(
        self,
        image: Image,
        model: CpuModel,
        memory: LoadedMemory,
        core: Core,
        names: RegisterNames,
        stubs: Sequence[str],
    ) -> None:
        self._image = image
        self._model = model
        self._memory = memory
        self._core = core
        self._names = names
        described = names.described
        told = find_stubs(stubs, image, model, described)
        for address, value in () if described is None else described.resets():
            if is_peripheral(model, address) and address not in self._described:
                core.reset_register(address, value)
        self._stubbed: dict[int, int] = {}
        for stub in told:
            self._stubbed[stub.address] = self._stubbed.get(stub.address, 0) | stub.mask
            core.tell_register(stub.address, stub.value, stub.mask)
        self._trial: TrialEngine | None = None
        self._asked: dict[tuple[int, int], int] = {}  # by place: how often nothing was found
        self._found: dict[tuple[int, int], RegisterWait] = {}  # the last one by place
        self.awaited: set[int] = set()  # words that loops wait for that nobody answers: input
        self._counts: dict[tuple[int, int, int, int], int] = {}  # of each guess

    @cached_property
    def _described(self) -> dict[int, int]:
        """The bits of words that devices tell."""
        return known_bits(self._model.devices.devices)

    @cached_property
    def _inputs(self) -> dict[int, int]:
        return input_bits(self._model)

    def close(self) -> None:
        """Free the second engine."""
        if self._trial is not None:
            self._trial.close()

    def look(self, read_register: Callable[[str], int]) -> RegisterWait | None:
        """Look at the loop in front of whose block the program stands, and let it end.

        What it waits for is returned when that is input that nothing gives.
        """
        pc, polled = read_register("pc"), self._core.polled() or 0
        place = (pc, polled)
        if self._asked.get(place, 0) >= MOST_IN_VAIN:
            return None
        state = {name: read_register(name) for name in STATE}
        loop = WaitingLoop(
            partial(self._engine().turn, pc, state),
            lambda address: self._memory.read(address, WORD) or b"",
            self._function,
            self._is_entry,
            Registers(
                self._core.register,
                lambda address: self._described.get(address, 0) | self._stubbed.get(address, 0),
                self._input_bits,
                self._core.is_written,
            ),
        )
        known = self._found.get(place)
        wait = None if known is None else loop.again(known, self._word)
        if wait is None:
            wait = loop.wait(self._core.polling_turns(), self._word)
        if wait is not None and wait.is_input:
            self.awaited.add(wait.address)
        if wait is None:
            self._asked[place] = self._asked.get(place, 0) + 1
            return None
        self._found[place] = wait
        if wait.is_input:
            return wait if wait.is_endless else None
        key = (wait.address, wait.pc, wait.value, wait.mask)
        self._counts[key] = self._counts.get(key, 0) + 1
        if sum(n for (address, at, _, _), n in self._counts.items() if (address, at) == key[:2]) > (
            MOST_OF_A_LOOP
        ):
            self._asked[place] = MOST_IN_VAIN
        self._core.tell_register(wait.address, wait.value, wait.mask)
        return None

    def stands(self, read_register: Callable[[str], int]) -> bool:
        """Whether the program goes round in a loop that changes nothing and asks nobody."""
        state = {name: read_register(name) for name in STATE}
        turn = self._engine().turn(read_register("pc"), state, without_reads=True)
        asks = turn.reads or turn.reads_clock or turn.stores
        return turn.returned and turn.is_same and not asks

    def _engine(self) -> TrialEngine:
        if self._trial is None:
            self._trial = TrialEngine(
                self._memory,
                [(r.base, r.size) for r in self._model.regions if r.kind == "peripheral"],
                self._core.register,
                self._core.system_register,
            )
        return self._trial

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
