"""Loader of the timing cases in tests/cases/*.toml: measured rows as data, ready to be run.

A file holds `[sources]` (tag -> citation), `[[row]]` tables and `[code]` (instruction -> bytes).
A row is one row of a table in docs/sources and gives `id`, `status`, `source`, `metric`, `expected`
and `method`; `reading` says how a generic or wordy row was made concrete. Its concrete cases stand
in `cases` (strings or tables whose keys override the row's), or are the product of `older` and
`younger`. Keys of a row or case:

    run, against          the sequence and its control, instructions separated by ";"
    unpaired              a control that is known not to pair (pair rows of multi-cycle operations)
    from, to              producer and consumer of a sweep; their register is r0, s0 or d0
    free, free_from       what stands for consumer or producer in the control of a sweep; without
                          them the consumer reads r8, s16 or d8 in place of r0, s0 or d0
    younger_slot          the consumer of a sweep always stands in the younger slot
    registers, words, doubles   set-up: register = value, address = 32-bit value, dN = value
    at, copies, per       position in the template, repetition counts, divisor
    counter               register that counts the iterations of a `loop`
    placement             part, code (address), caches, btac, clock_hz (0: the part's maximum)
    needs                 "pipeline" (default) or "machine": what is enough to run the case
    at_least              `expected` is a lower bound
    because               why this case expects another value than its row
    skip                  why it cannot be run at all
    deviation             why the model is known not to give this row (see docs/model/pipeline.md)

`expected` and results are cycles, save for `pair`: 1 when the two issue in one cycle, 0 otherwise.
The bytes in `[code]` come from arm-none-eabi-as; tests/oracle/assemble.py writes and checks them,
so running a case needs no assembler.
"""

from __future__ import annotations

import difflib
import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent.parent / "cases"
METHODS = ("template", "repeat", "isb", "loop", "sweep", "mispredict")
METRICS = ("rep", "pair", "lat", "pen")
STATUSES = ("measured", "measured-rule", "model", "secondhand")


class CaseError(ValueError):
    """A case file breaks the format; the message names file, row and key."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a case runs. `code` is the byte address of the loop head."""

    part: str = "STM32H743"
    code: int = 0x400
    caches: bool = True
    btac: bool = True
    clock_hz: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One concrete timing case; the fields are the keys that the module's docstring explains."""

    id: str
    row: str
    status: str
    source: str
    metric: str
    method: str
    expected: float | None
    code: Mapping[str, str] = field(repr=False)
    at_least: bool = False
    reading: str = ""
    because: str = ""
    skip: str = ""
    deviation: str = ""
    needs: str = "pipeline"
    run: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    unpaired: tuple[str, ...] = ()
    producer: tuple[str, ...] = ()
    consumer: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    free_from: tuple[str, ...] = ()
    younger_slot: bool = False
    registers: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[int, int] = field(default_factory=dict)
    doubles: Mapping[str, float] = field(default_factory=dict)
    at: int = 17
    copies: tuple[int, int] = (4, 14)
    per: int = 1
    counter: str = "r9"
    placement: Placement = Placement()

    @property
    def text(self) -> str:
        """The sequence as one line for tables."""
        if self.producer:
            return f"{_shown(self.producer)} -> {_shown(self.consumer)}"
        return _shown(self.run)

    @property
    def tolerance(self) -> float:
        """Relative tolerance: 2 % for measurements, none for rules."""
        return 0.0 if self.status == "measured-rule" else 0.02

    @property
    def binding(self) -> bool:
        """Whether a wrong result is a failure: models and second-hand rows are only reported."""
        return self.status in ("measured", "measured-rule")

    def agrees(self, cycles: float) -> bool:
        """Whether a result in cycles fits what the source says."""
        if self.expected is None:
            return False
        slack = abs(self.expected) * self.tolerance + 1e-9
        if self.at_least:
            return cycles >= self.expected - slack
        return abs(cycles - self.expected) <= slack


def _shown(texts: tuple[str, ...]) -> str:
    """Instructions as `instructions` reads them, runs of equal ones written once."""
    runs = [(text, len(list(group))) for text, group in itertools.groupby(texts)]
    return " ; ".join(text if count == 1 else f"{count}x {text}" for text, count in runs)


def instructions(text: str) -> tuple[str, ...]:
    """Split "a ; b" into instruction texts; "3x nop.w" repeats one, "2x( a ; b )" a group."""
    result: list[str] = []
    rest = text.strip()
    while rest:
        times = 1
        head, cross, tail = rest.partition("x")
        if cross and head.isdigit():
            times, rest = int(head), tail.strip()
        if rest.startswith("("):
            group, _, rest = rest[1:].partition(")")
            rest = rest.strip().removeprefix(";")
        else:
            group, _, rest = rest.partition(";")
        result += [part.strip() for part in group.split(";")] * times
        rest = rest.strip()
    return tuple(result)


_SEQUENCES = {
    "run": "run",
    "against": "against",
    "unpaired": "unpaired",
    "from": "producer",
    "to": "consumer",
    "free": "free",
    "free_from": "free_from",
}
_PLAIN = (
    "younger_slot",
    "at",
    "per",
    "counter",
    "needs",
    "at_least",
    "because",
    "skip",
    "deviation",
)
_ROW = ("id", "status", "source", "metric", "method", "expected", "reading")
_GRID = ("cases", "older", "younger")
_KEYS = {*_SEQUENCES, *_PLAIN, *_ROW, "registers", "words", "doubles", "copies", "placement"}


def load_cases(folder: Path = CASES) -> tuple[Case, ...]:
    """All cases of a folder in file and row order. Raises CaseError."""
    return tuple(case for path in sorted(folder.glob("*.toml")) for case in load_file(path))


def load_file(path: Path) -> tuple[Case, ...]:
    """The cases of one file. Raises CaseError."""
    try:
        with path.open("rb") as stream:
            document = tomllib.load(stream)
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"{path.name}: {error}") from error
    code = document.get("code", {})
    sources = document.get("sources", {})
    cases: list[Case] = []
    for row in document.get("row", []):
        where = f"{path.name}: row {row.get('id', '?')}"
        if row.get("source") not in sources:
            raise CaseError(f"{where}: source {row.get('source')!r} is not in [sources]")
        for number, table in enumerate(_concrete(row, where), start=1):
            cases.append(_case(table, f"{row['id']}#{number}", code, sources, where))
    return tuple(cases)


def _concrete(row: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """The row's cases as tables that contain the row's own keys."""
    common = {key: value for key, value in row.items() if key not in _GRID}
    for key in ("registers", "words", "doubles", "placement"):
        common.setdefault(key, {})
    found = False
    for case in row.get("cases", []):
        table: dict[str, Any] = {"run": case} if isinstance(case, str) else dict(case)
        for key in ("registers", "words", "doubles", "placement"):
            table[key] = {**common[key], **table.get(key, {})}
        found = True
        yield {**common, **table}
    for older, younger in itertools.product(row.get("older", []), row.get("younger", [])):
        found = True
        yield {**common, "run": f"{older} ; {younger}"}
    if not found:
        if not row.keys() & {"run", "from", "skip"}:
            raise CaseError(f"{where}: no cases; give run, from/to, cases or older/younger")
        yield common


def _case(
    table: Mapping[str, Any],
    identifier: str,
    code: Mapping[str, str],
    sources: Mapping[str, str],
    where: str,
) -> Case:
    for key in table:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, 1)
            hint = f", did you mean {near[0]!r}" if near else ""
            raise CaseError(f"{where}: unknown key {key!r}{hint}")
    for key, known in (("metric", METRICS), ("method", METHODS), ("status", STATUSES)):
        if table.get(key) not in known:
            raise CaseError(f"{where}: {key} must be one of {', '.join(known)}")
    if "expected" not in table and "skip" not in table:
        raise CaseError(f"{where}: no expected value")
    values: dict[str, Any] = {key: table[key] for key in _PLAIN if key in table}
    for key, name in _SEQUENCES.items():
        if key in table:
            values[name] = instructions(table[key])
    if "copies" in table:
        values["copies"] = tuple(table["copies"])
    return Case(
        id=identifier,
        row=table["id"],
        status=table["status"],
        source=sources[table["source"]],
        metric=table["metric"],
        method=table["method"],
        expected=table.get("expected"),
        reading=table.get("reading", ""),
        code=code,
        registers=table["registers"],
        words={int(address, 0): value for address, value in table["words"].items()},
        doubles=table["doubles"],
        placement=Placement(**table["placement"]),
        **values,
    )
