"""What a document says of where its figures come from: tool, program, part, end, accuracy."""

from __future__ import annotations

from typing import Annotated

from simcore.costs.uncertainty import CLASSES
from simcore.errors import ExitCode
from simcore.plain import Amount, Count, Json, Sha256, one_of
from simcore.records import dataclass
from simcore.run.faults import Fault, Frame


@dataclass(frozen=True, slots=True)
class Tool:
    """The program that wrote this document."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Elf:
    """The program that ran."""

    name: str
    """Name of the file without its folder."""
    sha256: Sha256
    """Of the whole file."""
    build_id: str | None
    """GNU build id in hexadecimal."""
    compiler: str | None
    """From the .comment section."""
    load_bytes: Count | None = None
    """Bytes that programming the part with it writes."""
    ram_bytes: Count | None = None
    """Bytes of its writable data, heap and stack sections included."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """The part and the operating point."""

    name: str
    """As in 'mcusim cpus'."""
    title: str
    model_sha256: Sha256
    """Of the resolved CPU model; equal models give comparable profiles."""
    clock_hz: Count
    """Core clock, Hz."""
    voltage_scale: str
    """Operating point of the part that the clock asks for."""
    voltage_v: Amount
    """Volts at the supply pin, where the energy is counted."""
    caches: Annotated[str, one_of("auto", "on", "off")]
    """auto: the firmware decides."""
    overrides: tuple[str, ...] = ()
    """What the run changed of the part's model."""
    division: str | None = None
    """How the program divides memory of the part that can be divided, if not as reset does."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How the run ended, and where the program stood."""

    reason: Annotated[
        str,
        one_of(
            "exit", "loop", "sleep", "input", "fault",  # by itself
            "until", "for", "idle",  # as it was told
            "max-instructions", "timeout", "max-memory", "no-end", "storm", "missed", "interrupted",
        ),
    ]  # fmt: skip
    """By itself: exit, loop (an endless one that nothing can leave), sleep (with nothing to wake
    it), input (it waits for what nobody gives it) or fault; as told: until, for or idle; by a
    limit: max-instructions, timeout, max-memory (of the host), no-end (the default one), storm (of
    exceptions that let nothing else run) or missed (by itself, before the place that it was told);
    or interrupted."""
    code: int | None
    """Of the program; null when it did not exit."""
    fault: Fault | None
    place: Frame | None = None
    """Where the program stood; not of one that exited."""

    @property
    def is_by_host(self) -> bool:
        """Whether the host ended the run, so that another of the same need not end so."""
        return self.reason in ("timeout", "max-memory", "interrupted")

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this end."""
        if self.reason == "exit":
            return ExitCode.PROGRAM_FAILED if self.code else ExitCode.OK
        return _STATUS.get(self.reason, ExitCode.FAULT)

    @property
    def text(self) -> str:
        """This end in one line."""
        if self.fault is not None:
            return f"the program stopped with a fault: {self.fault}"
        if self.reason == "exit":
            return f"the program exited with code {self.code}"
        at = "" if self.place is None else f" at {self.place.text}"
        return _TEXT.get(self.reason, "the run ended: {reason}").format(at=at, reason=self.reason)


_STATUS = {
    "loop": ExitCode.OK,
    "sleep": ExitCode.OK,
    "input": ExitCode.OK,
    "until": ExitCode.OK,
    "for": ExitCode.OK,
    "idle": ExitCode.OK,
    "fault": ExitCode.FAULT,
    "max-instructions": ExitCode.LIMIT,
    "timeout": ExitCode.LIMIT,
    "max-memory": ExitCode.LIMIT,
    "no-end": ExitCode.LIMIT,
    "storm": ExitCode.LIMIT,
    "missed": ExitCode.LIMIT,
    "interrupted": ExitCode.INTERRUPTED,
}
_TEXT = {
    "loop": "the program ended in an endless loop{at}",
    "sleep": "the program sleeps{at} with nothing to wake it",
    "input": "the program waits for input{at}",
    "until": "the run ended where it was told to{at}",
    "for": "the run ended after the time that it was given{at}",
    "idle": "the run ended as the program went to sleep{at}",
    "max-instructions": "the instruction limit was reached{at} before the program ended",
    "timeout": "the time limit was reached{at} before the program ended",
    "max-memory": "the limit of host memory was reached{at} before the program ended",
    "no-end": "the program did not end within the default limit and was stopped{at}; say with"
    " --until, --for or --until-idle where it ends",
    "storm": "the program was stopped{at}: an exception comes again and again and lets nothing else"
    " run",
    "missed": "the program ended{at} before it reached what --from or --until names",
    "interrupted": "interrupted; the figures are those up to here",
}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How far each kind of number can be trusted."""

    counts: Annotated[str, Json(const="exact")]
    cycles: Annotated[str, Json(const="modelled")]
    energy: Annotated[str, Json(const="estimated")]
    cycles_class: Annotated[str, one_of(*CLASSES)] | None = None
    """What the cycles of this run lean on: hits, branches (branchy), waiting for memory (uncached)
    or for external memory (external)."""
