"""What a profile says of the one call that it is of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from simcore.plain import Count, Json
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.core.counters import CountedCall
    from simcore.elf import Image
    from simcore.run.asked import OneCall

INFERENCE = "inference"
RUNNER_INFERENCE = "runner_inference"  # the function of mcusim's own runner of networks
ONE_INFERENCE = "one inference"


@dataclass(frozen=True, slots=True)
class OneCallCosts:
    """The call that all costs are of, from its entry to its return, with all that it calls and
    what interrupts it.

    It is the second of those that do not lie inside of each other, the first that begins when one
    has come back, or the only one. Cycles of calls are from entry to return.
    """

    asked: str
    """A function, or inference."""
    function: str
    """That was called."""
    call: Annotated[int, Json(minimum=1)]
    """Which of its calls."""
    calls: Annotated[int, Json(minimum=1)]
    """That began in the run, recursion left out."""
    returned: bool
    """Whether it came back; else its costs are those until the run ended."""
    first_cycles: Count | None
    """Of the first call; null when that did not come back."""
    minimum_cycles: Count | None
    """Of all calls that came back; null when none did."""
    maximum_cycles: Count | None
    setup_cycles: Count
    """Before the first call."""
    setup_instructions: Count

    @property
    def is_steady(self) -> bool:
        """Whether calls ran before it."""
        return self.call > 1

    @property
    def identity(self) -> str:
        """What of the run is counted."""
        what = INFERENCE if self.asked == INFERENCE else f"call of {self.function}"
        return f"{'a steady' if self.is_steady else 'the first'} {what}"

    @property
    def scope(self) -> str:
        """The same where runs are compared: inferences are, the first and a steady one."""
        return ONE_INFERENCE if self.asked == INFERENCE else self.identity

    @property
    def note(self) -> str:
        """It in a line beside figures of several runs."""
        return f"costs are those of {self.identity}; --per none counts the whole run"

    @property
    def lines(self) -> tuple[str, ...]:
        """It in a line, and what ran before the first call, if anything did, in another."""
        what = f"call of {self.function}"
        if self.asked == INFERENCE:
            what = f"inference ({self.function})"
        which = f", number {self.call:,} of {self.calls:,}" if self.calls > 1 else ", the only one"
        told = f"Costs of one {what}{which}"
        if not self.returned:
            told += ", which had not come back when the run ended"
        if self.is_steady and self.first_cycles is not None:
            told += f"; the first took {self.first_cycles:,} cycles"
        if self.minimum_cycles is not None and self.calls > 1:
            told += f", all {self.minimum_cycles:,} to {self.maximum_cycles:,}"
        if not self.setup_instructions:
            return (f"{told}.",)
        return f"{told}.", (
            f"Set-up: {self.setup_cycles:,} cycles, {self.setup_instructions:,} instructions,"
            " before the first call."
        )


def counted_call(image: Image, asked: OneCall, call: CountedCall | None) -> OneCallCosts | None:
    """The call that was counted; None where none began."""
    if call is None:
        return None
    return OneCallCosts(
        asked=asked.asked,
        function=image.functions[call.function].name,
        call=call.counted,
        calls=call.calls,
        returned=call.counted_to > 0,
        first_cycles=call.first_cycles if call.first_ended else None,
        minimum_cycles=call.least_cycles if call.ended else None,
        maximum_cycles=call.most_cycles if call.ended else None,
        setup_cycles=call.setup_cycles,
        setup_instructions=call.setup_instructions,
    )


def call_warnings(asked: OneCall, call: CountedCall | None) -> Iterator[str]:
    """What of calls may surprise, one line each."""
    if call is None and not asked.is_default:
        yield (
            f"--per '{asked.asked}': the run ended before it was called; all costs are those of the"
            " whole run"
        )
    if call is not None and call.overlapping:
        yield (
            f"{call.overlapping:,} of {call.calls:,} calls began while another task or what it"
            " interrupts was in one: that of a report has what ran in between"
        )
