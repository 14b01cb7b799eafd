"""`mcusim profile` of what was run before: the same bytes without a run; when it runs after all.

Each command is called twice in this process, with the run itself counted.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore import profiler
from simcore.cache import Entry, Room, open_room
from simcore.cli.main import main
from simcore.kept import profiles, reports
from simcore.kept.profiles import KIND, profile_key
from simcore.run.spec import RunSpec
from simcore.simulation import capture, live
from tests.integration.programs import FIRMWARE, KERNELS

CALLS = str(FIRMWARE / "calls.elf")
HELLO = str(FIRMWARE / "hello_printf.elf")
FAULTS = str(FIRMWARE / "faults.elf")


@dataclass(frozen=True)
class Ran:
    """What a command gave; ``runs`` are how often a program ran for it."""

    status: int
    out: str
    err: str
    file: bytes
    runs: int


Command = Callable[..., Ran]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "cache"))
    return open_room()


@pytest.fixture
def profile(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """The command, its report in a file: profile(arguments) -> Ran."""
    runs: list[RunSpec] = []
    run = profiler.profile

    def counted(spec: RunSpec, **options: Any) -> Any:
        runs.append(spec)
        return run(spec, **options)

    monkeypatch.setattr(profiler, "profile", counted)

    def call(*arguments: str) -> Ran:
        before, target = len(runs), tmp_path / "report"
        target.unlink(missing_ok=True)
        own, program = list(arguments), list[str]()
        if "--" in own:
            own, program = own[: own.index("--")], own[own.index("--") :]
        status = main(["profile", *own, "-o", str(target), *program])
        out, err = capfd.readouterr()
        file = target.read_bytes() if target.exists() else b""
        return Ran(status, out, err, file, len(runs) - before)

    return call


def kept_in(room: Room, kind: str = KIND) -> list[Entry]:
    """The profiles that are kept, or what else is."""
    return [entry for entry in room.entries() if entry.kind == kind]


def document_in(room: Room, kind: str) -> tuple[str, Any]:
    """Key and content of the only entry of a kind."""
    (entry,) = kept_in(room, kind)
    key = entry.path.name.removeprefix(f"{kind}-")
    return key, json.loads(room.get(kind, key) or b"")


def without_reports(room: Room) -> None:
    """Reports are read back before profiles are."""
    for entry in kept_in(room, reports.KIND):
        entry.path.unlink()


def twice(profile: Command, *arguments: str) -> list[int]:
    """How often the program ran in each of two equal commands, whose results are the same."""
    first, second = profile(*arguments), profile(*arguments)
    assert replace(first, runs=0) == replace(second, runs=0)
    return [first.runs, second.runs]


@pytest.mark.parametrize(
    "how",
    [
        ["text"], ["json", "--instructions", "--lines"], ["csv", "--section", "lines"],
        ["callgrind"], ["pprof"], ["speedscope"], ["collapsed"], ["trace"], ["lcov"],
    ],
    ids=lambda how: how[0],
)  # fmt: skip
def test_every_format_is_the_same_byte_for_byte(profile: Command, how: list[str]) -> None:
    assert twice(profile, CALLS, "--format", *how) == [1, 0]


@pytest.mark.parametrize(
    "command",
    [
        [HELLO, "--", "3", "a b"],
        [FAULTS],
        [FAULTS, "--set", "devices.family=none", "--", "odd-peripherals"],
        [CALLS, "--max-instructions", "1000"],
        [CALLS, "--cpu", "stm32f746,stm32f767"],
        [CALLS, "--place", "stack=dtcm", "--layout-sweep", "--uncertainty"],
        [str(KERNELS / "conv2d_s8_small.elf"), "--no-demangle", "--op", "conv*"],
    ],
    ids=lambda command: Path(command[0]).stem + "".join(command[1:3]),
)
def test_what_the_program_printed_its_warnings_and_its_end_are_told_again(
    profile: Command, command: list[str]
) -> None:
    runs = 2 if "stm32f746,stm32f767" in command else 1
    assert twice(profile, *command) == [runs, 0]


def test_verbose_says_so_and_no_cache_runs_again(profile: Command, room: Room) -> None:
    said = "mcusim: read from the cache (--no-cache runs it again)\n"
    first, second = profile(CALLS, "--verbose"), profile(CALLS, "--verbose")
    assert said not in first.err
    assert second.err == said
    third = profile(CALLS, "--verbose", "--no-cache")
    assert said not in third.err
    assert third.runs == 1
    assert third.file == first.file
    room.clear()
    assert profile(CALLS, "--no-cache").runs == 1
    assert kept_in(room) == []


def test_longer_warnings_of_verbose_are_not_those_without_it(profile: Command) -> None:
    unknown = [FAULTS, "--set", "devices.family=none"]
    assert twice(profile, *unknown, "--", "odd-peripherals") == [1, 0]
    assert profile(*unknown, "--verbose", "--", "odd-peripherals").runs == 1
    assert profile(CALLS).runs == 1
    assert profile(CALLS, "--verbose").runs == 0  # whose warnings are the same


def test_it_is_off_where_the_variable_says_so(
    profile: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", "off")
    assert twice(profile, CALLS) == [1, 1]


def test_a_page_runs_as_it_shows_more_than_a_profile_holds(profile: Command, room: Room) -> None:
    assert twice(profile, CALLS, "--format", "html") == [1, 1]
    assert kept_in(room) == []


def test_a_run_that_asks_the_host_for_anything_runs(
    profile: Command, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder, or standard input, of which the end is an answer as well."""
    assert twice(profile, CALLS, "--semihost-dir", str(tmp_path)) == [1, 1]
    for typed in (b"typed\n", b""):
        for _ in range(2):
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
            assert profile(str(FIRMWARE / "semihost_calls.elf")).runs == 1
    assert kept_in(room) == []


def test_serial_input_counts_by_its_bytes_and_standard_input_runs(
    profile: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo, typed = str(FIRMWARE / "echo_f7.elf"), tmp_path / "typed"
    typed.write_bytes(b"ab\n")
    assert twice(profile, echo, "--uart", f"USART1={typed}") == [1, 0]
    typed.write_bytes(b"abc\n")
    assert twice(profile, echo, "--uart", f"USART1={typed}") == [1, 0]
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ab\n")))
        assert profile(echo, "--uart", "USART1=-").runs == 1


def test_a_run_that_the_host_s_time_ended_runs_again(profile: Command) -> None:
    endless = [str(FIRMWARE / "long_run.elf"), "--timeout", "0.05"]
    assert [profile(*endless, "--", "millions=4000").runs for _ in range(2)] == [1, 1]


def test_a_program_that_changed_runs_again(profile: Command, tmp_path: Path) -> None:
    program = tmp_path / "program.elf"
    shutil.copy(CALLS, program)
    assert twice(profile, str(program)) == [1, 0]
    program.write_bytes(program.read_bytes() + b"\0")
    assert profile(str(program)).runs == 1
    shutil.copy(CALLS, program)
    assert profile(str(program)).runs == 0


def test_a_part_that_another_file_completes_counts_with_it(
    profile: Command, tmp_path: Path
) -> None:
    base, part = tmp_path / "base.toml", tmp_path / "part.toml"
    base.write_text('extends = "stm32f746"\nname = "base"\ntitle = "base"\n')
    part.write_text('extends = "base.toml"\nname = "mine"\ntitle = "mine"\n')
    assert twice(profile, CALLS, "--cpu", str(part)) == [1, 0]
    base.write_text(base.read_text() + "undecided.divide.absent = true\n")
    assert twice(profile, CALLS, "--cpu", str(part)) == [1, 0]


def test_debug_information_that_comes_or_goes_counts(
    profile: Command, tmp_path: Path, arm_gcc: object
) -> None:
    import subprocess

    program, debug = tmp_path / "program.elf", tmp_path / "program.debug"
    copy = ["arm-none-eabi-objcopy"]
    subprocess.run([*copy, "--only-keep-debug", CALLS, str(debug)], check=True)
    link = f"--add-gnu-debuglink={debug}"
    subprocess.run([*copy, "--strip-debug", link, CALLS, str(program)], check=True)
    with_lines = profile(str(program), "--lines", "--format", "json")
    assert twice(profile, str(program), "--lines", "--format", "json") == [0, 0]
    debug.rename(tmp_path / "elsewhere")
    without = profile(str(program), "--lines", "--format", "json")
    assert without.runs == 1
    assert without.file != with_lines.file
    (tmp_path / ".debug").mkdir()
    (tmp_path / "elsewhere").rename(tmp_path / ".debug" / "program.debug")
    assert profile(str(program), "--lines", "--format", "json").file == with_lines.file


def test_a_program_that_changes_while_it_runs_is_not_kept(
    profile: Command, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.elf"
    shutil.copy(CALLS, program)
    run = profiler.profile

    def relinked(*arguments: Any, **options: Any) -> Any:
        result = run(*arguments, **options)
        program.write_bytes(program.read_bytes() + b"\0")
        return result

    monkeypatch.setattr(profiler, "profile", relinked)
    profile(str(program))
    assert kept_in(room) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("run"),
        lambda document: document["profile"].pop("totals"),
        lambda document: document["profile"]["totals"].update(cycles=-1),
        lambda document: document["profile"].update(schema="mcusim.check/1"),
        lambda document: document["run"].update(schema="mcusim.kept-profile/0"),
        lambda document: document["run"].update(found="x"),
        lambda document: document["run"].update(printed="\u20ac"),
        lambda document: document.clear(),
    ],
)
def test_an_entry_that_is_no_profile_runs_and_is_replaced(
    profile: Command, room: Room, spoil: Callable[[Any], object]
) -> None:
    first = profile(CALLS)
    key, document = document_in(room, KIND)
    spoil(document)
    room.put(KIND, key, json.dumps(document).encode())
    without_reports(room)
    second = profile(CALLS)
    assert second == first
    assert profile(CALLS).runs == 0


def test_a_name_in_an_entry_moves_no_cursor(profile: Command, room: Room) -> None:
    profile(CALLS)
    key, document = document_in(room, KIND)
    document["profile"]["functions"][0]["name"] = "\x1b[2Jmain"
    room.put(KIND, key, json.dumps(document).encode())
    without_reports(room)
    shown = profile(CALLS, "--color", "never")
    assert shown.runs == 1
    assert b"\x1b" not in shown.file


def test_a_report_is_read_back_without_its_profile(profile: Command, room: Room) -> None:
    """And written anew from the profile when it is to look otherwise."""
    how = [[], ["--top", "3"], ["--format", "csv"], ["--format", "json"], ["--color", "always"]]
    first = [profile(CALLS, *more) for more in how]
    assert [ran.runs for ran in first] == [1, 0, 0, 1, 0]  # JSON has tables of its own
    assert len(kept_in(room, reports.KIND)) == len(how)
    for entry in kept_in(room):
        entry.path.unlink()
    again = [profile(CALLS, *more) for more in how]
    assert again == [replace(ran, runs=0) for ran in first]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("document"),
        lambda document: document.update(schema="mcusim.kept-report/0"),
        lambda document: document.update(printed="\u20ac"),
        lambda document: document.update(document="\x1b[2J" + document["document"]),
        lambda document: document.update(warnings=["\x1b]0;title\x07"]),
    ],
)
def test_an_entry_that_is_no_report_is_written_anew(
    profile: Command, room: Room, spoil: Callable[[Any], object]
) -> None:
    first = profile(CALLS)
    key, document = document_in(room, reports.KIND)
    whole = room.get(reports.KIND, key)
    spoil(document)
    room.put(reports.KIND, key, json.dumps(document).encode())
    assert profile(CALLS) == replace(first, runs=0)
    assert room.get(reports.KIND, key) == whole


def test_the_report_of_a_run_that_failed_is_not_kept(profile: Command, room: Room) -> None:
    assert profile(FAULTS).status != 0
    assert len(kept_in(room)) == 1
    assert not kept_in(room, reports.KIND)


def test_every_option_of_a_run_is_in_the_key(tmp_path: Path) -> None:
    """Whatever is added to a RunSpec, too; --verbose is told apart when an entry is read."""
    file = tmp_path / "file"
    file.write_bytes(b"content")
    plain = RunSpec(elf=CALLS)
    known = {profile_key(plain)}
    others: dict[str, Any] = {"uart": (f"USART1={file}",), "linked_for": "stm32h743"}
    for field in fields(RunSpec):
        before = getattr(plain, field.name)
        is_file = field.name in ("elf", "symbols", "debug_file", "svd", "memory_from", "runner")
        if field.name in others:
            value = others[field.name]
        elif isinstance(before, bool):
            value = not before
        elif isinstance(before, tuple):
            value = (str(file) if is_file else "x",)
        else:
            value = str(file) if is_file else "x"
        key = profile_key(replace(plain, **{field.name: value}))
        assert key is not None
        assert (key in known) is (field.name == "verbose"), field.name
        known.add(key)
    assert profile_key(replace(plain, uart=("USART1=-",))) is None
    assert profile_key(replace(plain, svd=str(tmp_path / "gone"))) is None


def test_the_command_tells_what_is_kept_and_removes_it(
    profile: Command, room: Room, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache"]) == 0
    assert capfd.readouterr().out.splitlines()[2] == "nothing is kept"
    profile(CALLS)
    lines, ours, shown, scheduled, *tools = sorted(room.entries(), key=lambda entry: entry.kind)
    tool_bytes = sum(entry.size for entry in tools)
    kept = (lines.size, ours.size, shown.size, scheduled.size, tool_bytes)
    every, sizes = sum(kept), [f"{size:,} B" for size in kept]
    wide = max(map(len, sizes))
    assert main(["cache"]) == 0
    assert capfd.readouterr().out == (
        f"{room.folder}\n"
        "at most 1,073,741,824 B (MCUSIM_CACHE, MCUSIM_CACHE_SIZE)\n"
        f"kind       entries  {'on disk':>{wide}}\n"
        f"lines            1  {sizes[0]:>{wide}}\n"
        f"profiles         1  {sizes[1]:>{wide}}\n"
        f"reports          1  {sizes[2]:>{wide}}\n"
        f"schedules        1  {sizes[3]:>{wide}}\n"
        f"tool             2  {sizes[4]:>{wide}}\n"
    )
    assert main(["cache", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told == {
        "folder": str(room.folder),
        "limit_bytes": 1 << 30,
        "entries": 6,
        "bytes": every,
        "kinds": [
            {"kind": "lines", "entries": 1, "bytes": lines.size},
            {"kind": "profiles", "entries": 1, "bytes": ours.size},
            {"kind": "reports", "entries": 1, "bytes": shown.size},
            {"kind": "schedules", "entries": 1, "bytes": scheduled.size},
            {"kind": "tool", "entries": 2, "bytes": tool_bytes},
        ],
    }
    assert main(["cache", "--clear"]) == 0
    removed = f"removed 6 entries, {every:,} B"
    assert capfd.readouterr().out.splitlines()[2] == removed
    assert profile(CALLS).runs == 1


def test_a_folder_that_takes_nothing_is_told_with_verbose_once(
    profile: Command, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file")
    assert twice(profile, CALLS) == [1, 1]
    assert profile(CALLS).err == ""
    told = [line for line in profile(CALLS, "--verbose").err.splitlines() if "cache" in line]
    assert told == [f"mcusim: cache {tmp_path}/cache/v1: cannot be written: File exists"]


def test_what_a_program_prints_without_end_is_not_kept(
    profile: Command, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "MOST_PRINTED", 10)
    assert twice(profile, HELLO) == [1, 1]
    monkeypatch.setattr(profiles, "MOST_PRINTED", 1000)
    monkeypatch.setattr(profiles, "MOST_JSON", 1000)
    assert twice(profile, HELLO) == [1, 1]
    assert kept_in(room) == []


def of_advice(*arguments: str) -> list[str]:
    return ["advise", str(KERNELS / "conv2d_s8_small.elf"), "--candidates", "1", *arguments]


def of_what_if(*arguments: str) -> list[str]:
    return ["whatif", HELLO, "--try", "stack=dtcm", *arguments, "--", "0", "a b"]


@pytest.mark.parametrize("command", [of_advice, of_what_if])
def test_advice_and_comparisons_are_read_back(
    command: Callable[..., list[str]],
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    runs: list[object] = []
    run = live.simulate_once

    def counted(*arguments: Any, **options: Any) -> Any:
        runs.append(arguments)
        return run(*arguments, **options)

    for module in (live, capture):
        monkeypatch.setattr(module, "simulate_once", counted)
    said = []
    for more in ([], [], ["--no-cache"], ["--caches", "off"]):
        before = len(runs)
        assert main(command(*more)) == 0
        said.append((*capfd.readouterr(), len(runs) - before))
    first, second, third, other = said
    assert first[:2] == second[:2] == third[:2]
    assert (second[2], third[2]) == (0, first[2])
    assert other[0] != first[0]


def test_a_comparison_of_programs_that_read_is_made_again(
    room: Room, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = str(FIRMWARE / "semihost_calls.elf")
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"typed\n")))
        main(["whatif", program, "--try", "stack=dtcm"])
        capfd.readouterr()
    assert not kept_in(room, reports.KIND)


def test_python_reads_back_what_it_ran(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """With standard input, or a look at the run, it runs."""
    first = simcore.profile(CALLS, instructions=True)
    run = profiler.profile
    runs: list[object] = []

    def counted(*arguments: Any, **options: Any) -> Any:
        runs.append(arguments)
        return run(*arguments, **options)

    monkeypatch.setattr(profiler, "profile", counted)
    printed = io.BytesIO()
    assert simcore.profile(CALLS, instructions=True, stdout=printed) == first
    assert not runs
    assert simcore.profile(CALLS, instructions=True, cache=False) == first
    simcore.profile(CALLS, instructions=True, stdin=io.BytesIO())
    simcore.profile(CALLS, instructions=True, inspect=lambda _: None)
    assert len(runs) == 3
    assert first.instructions is not None
    assert any(row.femtojoules for row in first.instructions)
