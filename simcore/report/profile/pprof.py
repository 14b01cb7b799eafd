"""pprof's profile.proto, gzipped: samples with call stacks, for `go tool pprof` and its like.

A sample is an instruction in one context of calls. What a function costs in one context is shared
out over its instructions as its costs in all contexts are: exact for a function with one context.
Operations are labels: ``-tagfocus op=NAME``. Fields: github.com/google/pprof/proto/profile.proto.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simcore.costs.profile import Profile
from simcore.costs.sharing import rounded, shared
from simcore.log_text import one_line
from simcore.report import RenderOptions
from simcore.report.inlined import MARK, FrameAt, check_inlines
from simcore.report.profile.places import Place, places
from simcore.report.profile.protobuf import message, number, numbers, text
from simcore.report.stacks import FEMTOJOULES_PER_NANOJOULE, NANOSECONDS, CallTree

#: Type and unit of each value of a sample; the default is the one that a reader shows first.
SAMPLE_TYPES = (
    ("instructions", "count"),
    ("cycles", "count"),
    ("time", "nanoseconds"),
    ("energy", "nanojoules"),
)
DEFAULT_SAMPLE_TYPE = "cycles"
ADDRESS_SPACE = 1 << 32

# Numbers of the fields of message Profile
_SAMPLE_TYPE, _SAMPLE, _MAPPING, _LOCATION, _FUNCTION, _STRING = 1, 2, 3, 4, 5, 6
_DURATION_NS, _PERIOD_TYPE, _PERIOD, _COMMENT, _DEFAULT_SAMPLE_TYPE = 10, 11, 12, 13, 14


def render(profile: Profile, options: RenderOptions) -> bytes:
    """The gzipped message. Raises ConfigError when the profile holds no instructions."""
    # No time and no name in the header: the same profile gives the same bytes.
    return gzip.compress(_Writer(profile).message(), mtime=0)


@dataclass(frozen=True, slots=True)
class _Sample:
    stack: list[int]  # ids of locations, innermost first
    op: str  # operation that it runs in, "" for none
    task: str  # "" where there is but one
    instructions: int
    cycles: int
    femtojoules: int


class _Writer:
    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        check_inlines(profile)
        self._frame_at = FrameAt(profile.inlines)
        self._tree = CallTree(profile)
        self._places = places(profile)
        self._lines = {place.address: place for own in self._places for place in own[1:]}
        self._strings: dict[str, int] = {"": 0}
        # Function or name of an inlined one, file -> id
        self._functions: dict[tuple[int | None, str | None, str | None], int] = {}
        self._locations: dict[tuple[int, int], int] = {}  # function, address -> id
        self._located: list[bytes] = []

    def message(self) -> bytes:
        """The message Profile."""
        profile = self._profile
        samples = list(self._samples())
        cycles = [sample.cycles for sample in samples]
        times = rounded(cycles, NANOSECONDS, profile.cpu.clock_hz)
        energies = rounded([sample.femtojoules for sample in samples], 1, FEMTOJOULES_PER_NANOJOULE)
        string = self._string
        fields = [message(_SAMPLE_TYPE, self._value_type(*each)) for each in SAMPLE_TYPES]
        for sample, time, energy in zip(samples, times, energies, strict=True):
            content = numbers(1, sample.stack)
            content += numbers(2, (sample.instructions, sample.cycles, time, energy))
            for label, value in (("op", sample.op), ("task", sample.task)):
                if value:
                    content += message(3, number(1, string(label)) + number(2, string(value)))
            fields.append(message(_SAMPLE, content))
        fields.append(message(_MAPPING, self._mapping()))
        fields += [message(_LOCATION, location) for location in self._located]
        fields += [
            message(_FUNCTION, self._function(identifier, *key))
            for key, identifier in self._functions.items()
        ]
        time_ns = sum(rounded([profile.totals.cycles], NANOSECONDS, profile.cpu.clock_hz))
        fields += [
            number(_DURATION_NS, time_ns),
            message(_PERIOD_TYPE, self._value_type("cycles", "count")),
            number(_PERIOD, 1),
            *(numbers(_COMMENT, [string(comment)]) for comment in self._comments()),
            number(_DEFAULT_SAMPLE_TYPE, string(DEFAULT_SAMPLE_TYPE)),
        ]
        return b"".join([*fields, *(text(_STRING, each) for each in self._strings)])

    def _samples(self) -> Iterator[_Sample]:
        energy = self._tree.femtojoules()
        for index in self._tree.order:
            node = self._tree.nodes[index]
            if node.function is None:
                continue
            own = self._places[node.function]
            shares = zip(
                own,
                shared(node.instructions, [place.executions for place in own]),
                shared(node.cycles, [place.cycles for place in own]),
                shared(energy[index], [place.femtojoules for place in own]),
                strict=True,
            )
            callers = self._callers(index)
            op = self._operation(index)
            for place, instructions, cycles, femtojoules in shares:
                if instructions or cycles or femtojoules:
                    stack = [self._location(node.function, place), *callers]
                    task = "".join(self._tree.tasks[index : index + 1])
                    yield _Sample(stack, op, task, instructions, cycles, femtojoules)

    def _callers(self, index: int) -> list[int]:
        """Locations of the calls that lead to a node, innermost first."""
        nodes = self._tree.nodes
        found = []
        for at in reversed(self._tree.stacks[index]):
            node = nodes[at]
            caller = None if node.parent is None else nodes[node.parent].function
            # An operation runs in the function that opened it.
            if node.op is not None or caller is None:
                continue
            place = self._places[caller][0]
            if node.call_site is not None:
                known = self._lines.get(node.call_site)
                place = known or Place(node.call_site, place.file, place.line)
            found.append(self._location(caller, place))
        return found

    def _operation(self, index: int) -> str:
        """Name of the innermost operation that a node runs in."""
        ops = [self._tree.nodes[at].op for at in self._tree.stacks[index]]
        inside = [op for op in ops if op is not None]
        return self._profile.ops[inside[-1]].name if inside else ""

    def _location(self, function: int, place: Place) -> int:
        key = (function, place.address)
        if key not in self._locations:
            self._locations[key] = len(self._locations) + 1
            lines = b"".join(message(4, line) for line in self._lines_of(function, place))
            self._located.append(
                number(1, self._locations[key]) + number(2, 1) + number(3, place.address) + lines
            )
        return self._locations[key]

    def _lines_of(self, function: int, place: Place) -> Iterator[bytes]:
        """Messages Line of a location: the innermost inlined function first."""
        # A line of another file than the function's: an inlined function of a header.
        file, line = place.file or self._profile.functions[function].file, place.line
        found = self._frame_at(place.address)
        frames = self._frame_at.frames
        if found is not None and frames[found].function == function:
            for frame in reversed(self._frame_at.around(found)):
                yield self._line(self._identifier(function, frames[frame].name, file), line)
                file, line = self._profile.functions[function].file, frames[frame].line
        yield self._line(self._identifier(function, None, file), line)

    def _line(self, identifier: int, line: int | None) -> bytes:
        return number(1, identifier) + number(2, line or 0)

    def _identifier(self, function: int, inlined: str | None, file: str | None) -> int:
        key = (None, inlined, file) if inlined else (function, None, file)
        return self._functions.setdefault(key, len(self._functions) + 1)

    def _function(
        self, identifier: int, index: int | None, inlined: str | None, file: str | None
    ) -> bytes:
        if index is None:
            string = self._string(f"{inlined}{MARK}")
            inside = number(2, string) + number(3, string) + number(4, self._string(file or ""))
            return number(1, identifier) + inside
        function = self._profile.functions[index]
        names = number(2, self._string(function.name))
        names += number(3, self._string(function.symbol or function.name))
        where = number(4, self._string(file or ""))
        start = number(5, function.line or 0) if file == function.file else b""
        return number(1, identifier) + names + where + start

    def _mapping(self) -> bytes:
        elf = self._profile.elf
        named = number(5, self._string(elf.name)) + number(6, self._string(elf.build_id or ""))
        has_lines = any(place.line for own in self._places for place in own)
        return (
            number(1, 1)
            + number(3, ADDRESS_SPACE)
            + named
            + number(7, 1)
            + number(8, has_lines)
            + number(9, has_lines)
            + number(10, self._profile.inlines is not None)
        )

    def _comments(self) -> Sequence[str]:
        profile = self._profile
        return (
            f"{profile.tool.name} {profile.tool.version}: {profile.elf.name} on {profile.cpu.name}",
            f"counts {profile.accuracy.counts}, cycles {profile.accuracy.cycles},"
            f" energy {profile.accuracy.energy}",
        )

    def _value_type(self, kind: str, unit: str) -> bytes:
        return number(1, self._string(kind)) + number(2, self._string(unit))

    def _string(self, value: str) -> int:
        return self._strings.setdefault(one_line(value), len(self._strings))
