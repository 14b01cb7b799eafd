"""pprof's profile.proto, read by protobuf with a schema of its own and by `go tool pprof`."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet

from simcore.costs.profile import Profile
from simcore.report.profile import document
from simcore.report.profile.protobuf import numbers, varint
from tests.integration.profiled import each_program, named, recursive
from tests.integration.programs import Program
from tests.tools import run_tool

#: github.com/google/pprof/proto/profile.proto: message -> (field, number, type, repeated).
MESSAGES = {
    "ValueType": [("type", 1, "int64", False), ("unit", 2, "int64", False)],
    "Sample": [
        ("location_id", 1, "uint64", True), ("value", 2, "int64", True),
        ("label", 3, "Label", True),
    ],
    "Label": [
        ("key", 1, "int64", False), ("str", 2, "int64", False), ("num", 3, "int64", False),
        ("num_unit", 4, "int64", False),
    ],
    "Mapping": [
        ("id", 1, "uint64", False), ("memory_start", 2, "uint64", False),
        ("memory_limit", 3, "uint64", False), ("file_offset", 4, "uint64", False),
        ("filename", 5, "int64", False), ("build_id", 6, "int64", False),
        ("has_functions", 7, "bool", False), ("has_filenames", 8, "bool", False),
        ("has_line_numbers", 9, "bool", False), ("has_inline_frames", 10, "bool", False),
    ],
    "Location": [
        ("id", 1, "uint64", False), ("mapping_id", 2, "uint64", False),
        ("address", 3, "uint64", False), ("line", 4, "Line", True),
        ("is_folded", 5, "bool", False),
    ],
    "Line": [("function_id", 1, "uint64", False), ("line", 2, "int64", False)],
    "Function": [
        ("id", 1, "uint64", False), ("name", 2, "int64", False),
        ("system_name", 3, "int64", False), ("filename", 4, "int64", False),
        ("start_line", 5, "int64", False),
    ],
    "Profile": [
        ("sample_type", 1, "ValueType", True), ("sample", 2, "Sample", True),
        ("mapping", 3, "Mapping", True), ("location", 4, "Location", True),
        ("function", 5, "Function", True), ("string_table", 6, "string", True),
        ("drop_frames", 7, "int64", False), ("keep_frames", 8, "int64", False),
        ("time_nanos", 9, "int64", False), ("duration_nanos", 10, "int64", False),
        ("period_type", 11, "ValueType", False), ("period", 12, "int64", False),
        ("comment", 13, "int64", True), ("default_sample_type", 14, "int64", False),
    ],
}  # fmt: skip


@cache
def profile_class() -> Any:
    """The message class Profile, from MESSAGES."""
    proto = descriptor_pb2.FileDescriptorProto(name="p.proto", package="perftools", syntax="proto3")
    field = descriptor_pb2.FieldDescriptorProto
    for name, fields in MESSAGES.items():
        message = proto.message_type.add(name=name)
        for field_name, number, kind, repeated in fields:
            label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            added = message.field.add(name=field_name, number=number, label=label)
            if kind in MESSAGES:
                added.type, added.type_name = field.TYPE_MESSAGE, f".perftools.{kind}"
            else:
                added.type = getattr(field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("perftools.Profile"))


def pprof(profile: Profile) -> bytes:
    made = document(profile, "pprof")
    assert isinstance(made, bytes)
    return made


class Read:
    """A file as protobuf reads it, with the checks of pprof's own Profile.CheckValid."""

    def __init__(self, profile: Profile) -> None:
        data = gzip.decompress(pprof(profile))
        self.message = profile_class()()
        assert self.message.ParseFromString(data) == len(data)
        assert len(UnknownFieldSet(self.message)) == 0
        self.strings = list(self.message.string_table)
        assert self.strings[0] == ""
        assert len(set(self.strings)) == len(self.strings)
        self.functions = {f.id: f for f in self.message.function}
        self.locations = {each.id: each for each in self.message.location}
        (self.mapping,) = self.message.mapping
        assert 0 not in self.functions
        assert 0 not in self.locations
        assert len(self.functions) == len(self.message.function)
        assert len(self.locations) == len(self.message.location)
        for location in self.message.location:
            assert location.mapping_id == self.mapping.id
            assert self.mapping.memory_start <= location.address < self.mapping.memory_limit
            assert all(line.function_id in self.functions for line in location.line)
        for sample in self.message.sample:
            assert len(sample.value) == len(self.message.sample_type)
            assert sample.location_id
            assert min(sample.value) >= 0

    def name(self, location_id: int) -> str:
        (line,) = self.locations[location_id].line
        return str(self.strings[self.functions[line.function_id].name])

    def stacks(self) -> Iterator[tuple[list[str], Any]]:
        """Names, innermost first, and values of each sample."""
        for sample in self.message.sample:
            yield [self.name(location) for location in sample.location_id], sample.value


@each_program
def test_sample_types_sum_to_the_totals(program: Program) -> None:
    profile = program.profile()
    read, totals = Read(profile), profile.totals
    kinds = [(read.strings[t.type], read.strings[t.unit]) for t in read.message.sample_type]
    assert kinds == [
        ("instructions", "count"), ("cycles", "count"), ("time", "nanoseconds"),
        ("energy", "nanojoules"),
    ]  # fmt: skip
    sums = [sum(sample.value[i] for sample in read.message.sample) for i in range(4)]
    time_ns = round(totals.time_s * 1e9)
    assert sums == [totals.instructions, totals.cycles, time_ns, round(totals.energy_j * 1e9)]
    assert read.message.duration_nanos == time_ns
    assert read.strings[read.message.default_sample_type] == "cycles"


@each_program
def test_stacks_give_each_function_its_own_and_its_inclusive_cycles(program: Program) -> None:
    profile = program.profile()
    own: Counter[str] = Counter()
    inclusive: Counter[str] = Counter()
    for stack, values in Read(profile).stacks():
        own[stack[0]] += values[1]
        for name in set(stack):
            inclusive[name] += values[1]
    expected: Counter[str] = Counter()
    for function in profile.functions:
        expected[function.name] += function.cycles_self
        if function.name not in recursive(profile):
            assert inclusive[function.name] == function.cycles_total
    assert +own == +expected


@each_program
def test_instructions_keep_their_executions_cycles_and_lines(program: Program) -> None:
    profile = program.profile()
    read = Read(profile)
    assert profile.instructions is not None
    contexts = Counter(node.function for node in profile.call_tree)
    single = {
        function.name for i, function in enumerate(profile.functions) if contexts[i] == 1
    } - recursive(profile)
    got: dict[tuple[str, int], tuple[int, int]] = {}
    for sample in read.message.sample:
        place = read.locations[sample.location_id[0]]
        key = read.name(place.id), place.address
        if key[0] in single:
            before = got.get(key, (0, 0))
            got[key] = before[0] + sample.value[0], before[1] + sample.value[1]
    entries = {function.address for function in profile.functions}
    compared = 0
    for row in profile.instructions:
        # A function's entry also has what belongs to none of its instructions.
        if row.function in single and row.address not in entries:
            counts = got.pop((row.function or "", row.address), (0, 0))
            assert counts == (row.executions, row.cycles)
            compared += 1
    assert compared or program.elf.stem == "markers"  # one function, and operations in it
    lines = {row.address: (row.file, row.line) for row in profile.instructions}
    for location in read.message.location:
        if location.address in lines and location.address not in entries:
            (line,) = location.line
            file = read.strings[read.functions[line.function_id].filename]
            assert (file or None, line.line or None) == lines[location.address]


def test_operations_are_labels() -> None:
    profile = named("mixed")
    read = Read(profile)
    cycles: Counter[str] = Counter()
    for sample in read.message.sample:
        for label in sample.label:
            assert read.strings[label.key] == "op"
            cycles[read.strings[label.str]] += sample.value[1]
    assert cycles == {op.name: op.cycles for op in profile.ops}


def test_the_mapping_names_the_elf_and_its_build() -> None:
    profile = named("mixed")
    read = Read(profile)
    assert read.strings[read.mapping.filename] == "mixed.elf"
    assert read.strings[read.mapping.build_id] == profile.elf.build_id
    assert read.mapping.has_line_numbers


def test_the_same_profile_gives_the_same_bytes() -> None:
    data = pprof(named("calls"))
    assert data == pprof(named("calls"))
    assert data[4:8] == bytes(4)  # no time in gzip's header


def test_negative_numbers_are_ten_bytes_as_protobuf_wants_them() -> None:
    assert varint(-1) == b"\xff" * 9 + b"\x01"
    assert varint(300) == b"\xac\x02"
    assert numbers(2, [1, 300]) == b"\x12\x03\x01\xac\x02"


@each_program
def test_go_tool_pprof_shows_the_cycles_of_each_function(program: Program, tmp_path: Path) -> None:
    profile = program.profile()
    path = tmp_path / "profile.pb.gz"
    path.write_bytes(pprof(profile))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PPROF_TMPDIR": str(tmp_path)}
    options = ["-top", "-symbolize=none", "-nodefraction=0", "-nodecount=1000000"]
    text = run_tool(["go", "tool", "pprof", *options, path], "golang-go", env=environment)
    assert f"Total samples = {profile.totals.cycles} " in text
    shown = {
        row[3]: (int(row[1]), int(row[2]))
        for row in re.finditer(
            r"^ +(\d+) +[\d.]+% +[\d.]+% +(\d+) +[\d.]+% +(\S.*)$", text, flags=re.MULTILINE
        )
    }
    for function in profile.functions:
        if function.name not in recursive(profile) and function.cycles_total:
            assert shown[function.name] == (function.cycles_self, function.cycles_total)
