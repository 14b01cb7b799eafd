"""What is told of exceptions when a run ends: storms, and handlers that never return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from simcore.core.core import Core
from simcore.core.registers import FIRST_INTERRUPT
from simcore.cpu_model.around import DeviceSet
from simcore.elf import Image
from simcore.machine.fault_report import frame_at
from simcore.run.interrupts import EXCEPTION_NAMES, TimedInterrupt

#: Ends by a limit.
LIMITS = ("no-end", "max-instructions", "timeout", "max-memory")

VTOR = 0xE000_ED08
INTERRUPTS = 240
STORM_TOLD = 1000  # exceptions in a row that a run which met a limit is told of
UNHEARD_TOLD = 3  # interrupts that a run which stands still is told of
LONG_HANDLER = 1_000_000  # instructions of a handler that such a run is told of
#: Ends at which the program can go on no more.
OVER = ("loop", "sleep", "input")


class Handlers:
    """The exceptions of a run by name. `read` reads the program's memory."""

    def __init__(
        self,
        image: Image,
        core: Core,
        read: Callable[[int, int], bytes | None],
        devices: DeviceSet,
        timed: Sequence[TimedInterrupt],
    ) -> None:
        self._image = image
        self._core = core
        self._read = read
        self._devices = devices
        self._timed = {one.number: one for one in timed}

    def warnings(self, reason: str) -> Iterator[str]:
        """What a run that ended for `reason` is told of its exceptions."""
        if reason in ("loop", "sleep"):
            yield from self._unheard()
        storm = self._core.storm()
        is_limit = reason in (*LIMITS, "for")
        if reason == "storm" or (is_limit and storm.taken >= STORM_TOLD):
            yield self._storm_text()
        for handler in self._core.handlers()[:1]:
            where = self._place(handler.interrupted)
            if reason in OVER:
                name = self._name(handler.number)
                yield f"that is in {name}, which came in {where} and never returns"
            elif is_limit and handler.instructions >= LONG_HANDLER:
                yield (
                    f"{self._name(handler.number)} came in {where} and has not returned for"
                    f" {handler.instructions:,} instructions"
                )

    def _unheard(self) -> Iterator[str]:
        """Interrupts that the program enabled and that never came."""
        numbers = range(FIRST_INTERRUPT, FIRST_INTERRUPT + INTERRUPTS)
        enabled = [number for number in numbers if self._core.waits_for(number)]
        if enabled:
            names = [self._name(number) for number in enabled[:UNHEARD_TOLD]]
            rest = len(enabled) - len(names)
            more = f" and {rest} more" if rest else ""
            yield (
                f"the program has enabled {', '.join(names)}{more}, which nothing here raised;"
                " --irq NAME=PERIOD pends one"
            )

    def _storm_text(self) -> str:
        storm = self._core.storm()
        where = self._place(storm.interrupted)
        if storm.same < STORM_TOLD:
            return (
                f"{storm.taken:,} exceptions, the last of them {self._name(storm.number)}, came one"
                f" behind the other while {where} ran no instruction"
            )
        return (
            f"{self._name(storm.number)} came {storm.same:,} times, one behind the other, while"
            f" {where} ran no instruction: {self._why(storm.number)}"
        )

    def _why(self, number: int) -> str:
        timed = self._timed.get(number)
        if timed is not None:
            return (
                f"--irq pends it every {timed.period:,} cycles, before its handler has returned;"
                " give a longer period"
            )
        device = self._asking(number - FIRST_INTERRUPT)
        if device is not None:
            return f"its handler leaves a flag of {device} set; clear it, or its enable bit, there"
        if number == 15:
            return "it comes again before its handler has returned; give SysTick a longer period"
        return "the program pends it again before its handler has returned"

    def _asking(self, number: int) -> str | None:
        """The device that asks for an interrupt now."""
        for device in self._devices.devices:
            for register in device.registers:
                for rule in device.rules(register):
                    if rule.kind == "line" and rule.shift == number:
                        enabled = self._core.register(device.base + register.offset)
                        if enabled & self._core.register(rule.other) & rule.mask:
                            return device.name
        return None

    def _name(self, number: int) -> str:
        """An exception with its handler's function and line."""
        name = EXCEPTION_NAMES.get(number, f"interrupt {number - FIRST_INTERRUPT}")
        table = self._core.system_register(VTOR)
        word = self._read(table + 4 * number, 4)
        if word is None or not any(word):
            return name
        return f"{name} ({self._place(int.from_bytes(word, 'little') & ~1)})"

    def _place(self, address: int) -> str:
        return frame_at(self._image, address).text
