"""The command line: options, exit status, one-line errors, and where output goes.

The run itself is replaced by a hand-made profile; tests/integration runs real programs.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore.cli import output, values
from simcore.cli.main import COMMANDS, main
from simcore.cli.progress import ProgramOutput, Progress
from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.errors import ConfigError, ElfError
from simcore.report.profile import BINARY_FORMATS, FORMATS, NEEDS, SEVERAL_PARTS, document
from simcore.run.reached import Reached
from simcore.run.spec import PERIPHERALS, RunSpec
from simcore.units import parse_quantity
from tests.tools import needs
from tests.unit.handmade import FAULT, kernel_profile

Run = Callable[..., Profile]
ROOT = Path(__file__).parents[3]


class FakeRun:
    """Stands for simcore.profiler.profile; remembers its arguments, prints as the program would."""

    def __init__(self) -> None:
        self.result: Profile | Exception | type[BaseException] = kernel_profile()
        self.said = b"hello from the program\n"
        self.options: dict[str, Any] = {}

    def __call__(self, spec: RunSpec, **options: Any) -> Profile:
        self.options = {field.name: getattr(spec, field.name) for field in fields(spec)} | options
        options["stdout"].write(self.said)
        options["stdout"].flush()
        if isinstance(self.result, Profile):
            return self.result
        raise self.result


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    fake = FakeRun()
    monkeypatch.setattr("simcore.profiler.profile", fake)
    monkeypatch.setattr("simcore.profiler.part_linked_for", lambda spec, parts: None)
    return fake


def error_of(capfd: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr, with nothing on stdout."""
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("\n")
    assert captured.err.count("\n") == 1
    return captured.err


def mcusim(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A process of its own."""
    command = [sys.executable, "-m", "simcore.cli.main", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, text=True, capture_output=True, env=environment, **options)


# -- what a run prints and returns -----------------------------------------------------------------


def test_the_report_goes_to_stdout_and_the_program_to_stderr(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "kernel.elf"]) == 0
    captured = capfd.readouterr()
    assert captured.out.startswith("kernel.elf on handmade")
    assert captured.err == "hello from the program\n"


def test_json_on_stdout_is_nothing_but_json(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "kernel.elf", "--format", "json"]) == 0
    captured = capfd.readouterr()
    assert Profile.from_json(captured.out) == kernel_profile()
    assert "mcusim: warning: reads of 0x40023800 returned 0\n" in captured.err


def test_with_an_output_file_the_program_has_stdout(
    run: FakeRun, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "kernel.txt"
    assert main(["profile", "kernel.elf", "-o", str(target)]) == 0
    assert capfd.readouterr().out == "hello from the program\n"
    assert target.read_text().startswith("kernel.elf on handmade")
    assert [file.name for file in tmp_path.iterdir()] == ["kernel.txt"]


def test_options_reach_the_run(run: FakeRun) -> None:
    command = (
        "profile a.elf --cpu x --clock 100MHz --caches on --op f* --op g --max-instructions 5M "
        "--timeout 1.5 --strict --lines --semihost-dir d -- --first second"
    )
    main(command.split())
    options = run.options
    assert (options["elf"], options["cpu"], options["clock_hz"]) == ("a.elf", "x", 100_000_000)
    assert (options["caches"], options["ops"]) == ("on", ("f*", "g"))
    assert (options["max_instructions"], options["timeout_s"]) == (5_000_000, 1.5)
    assert (options["lines"], options["instructions"]) == (True, False)
    assert options["peripherals"] == "strict"
    assert (options["semihost_dir"], options["args"]) == ("d", ("--first", "second"))


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ("", None),
        ("--strict", "strict"),
        *((f"--peripherals {mode}", mode) for mode in PERIPHERALS),
    ],
)
def test_what_becomes_of_peripherals_reaches_the_run(
    run: FakeRun, given: str, mode: str | None
) -> None:
    main(["profile", "a.elf", *given.split()])
    assert run.options["peripherals"] == mode


def test_what_if_options_reach_the_run(run: FakeRun) -> None:
    command = "profile a.elf --set core.dcache.size=16K --set a.b=1 --memory-from f.ld"
    main([*command.split(), "--voltage-scale", "vos1"])
    options = run.options
    assert options["overrides"] == ("core.dcache.size=16K", "a.b=1")
    assert (options["memory_from"], options["voltage_scale"]) == ("f.ld", "vos1")


def test_several_parts_are_compared_in_one_table(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "a.elf", "--cpu", "one,two, three"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("kernel.elf on 3 parts")
    assert out.count("\nhandmade ") == 3


def test_several_parts_are_a_list_of_profiles_in_json_and_rows_in_csv(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "a.elf", "--cpu", "one,two", "--format", "json"]) == 0
    both = json.loads(capfd.readouterr().out)
    assert [profile["cpu"]["name"] for profile in both] == ["handmade", "handmade"]
    assert Profile.from_json(json.dumps(both[1])) == run.result
    assert main(["profile", "a.elf", "--cpu", "one,two", "--format", "csv"]) == 0
    header, *rows = capfd.readouterr().out.splitlines()
    assert header.startswith("cpu,clock_hz,")
    assert len(rows) == 2


def test_the_worst_end_of_several_parts_is_the_exit_status(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    run.result = replace(kernel_profile(), exit=Exit("max-instructions", None, None))
    assert main(["profile", "a.elf", "--cpu", "one,two"]) == 5
    assert capfd.readouterr().err.count("instruction limit was reached") == 2


def test_a_csv_table_on_request_is_asked_of_the_run(run: FakeRun) -> None:
    main(["profile", "a.elf", "--format", "csv", "--section", "lines"])
    assert run.options["lines"] is True


@pytest.mark.parametrize("options", [["--format", "tflm"], ["--format", "csv", "--cpu", "one,two"]])
def test_a_section_that_nothing_would_show_is_refused(
    run: FakeRun, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert main(["profile", "a.elf", *options, "--section", "layers"]) == 2
    assert "--section " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("end", "status", "verdict"),
    [
        (Exit("exit", 3, None), 1, "mcusim: the program exited with code 3"),
        (Exit("fault", None, FAULT), 4, "mcusim: the program stopped with a fault: read of"),
        (Exit("max-instructions", None, None), 5, "mcusim: the instruction limit was reached"),
        (Exit("timeout", None, None), 5, "mcusim: the time limit was reached"),
        (Exit("interrupted", None, None), 130, "mcusim: interrupted"),
    ],
)
def test_a_run_that_ends_badly_still_reports_and_says_so(
    run: FakeRun, capfd: pytest.CaptureFixture[str], end: Exit, status: int, verdict: str
) -> None:
    run.result = kernel_profile(end=end)
    assert main(["profile", "kernel.elf", "--format", "json"]) == status
    captured = capfd.readouterr()
    assert json.loads(captured.out)["exit"]["reason"] == end.reason
    assert captured.err.splitlines()[-1].startswith(verdict)


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ElfError("a.elf: not an ELF"), 2, "mcusim: error: a.elf: not an ELF\n"),
        (ConfigError("two\nlines"), 2, "mcusim: error: two lines\n"),
        (KeyboardInterrupt, 130, "mcusim: error: interrupted\n"),
        (ZeroDivisionError("x"), 4, "mcusim: error: internal error: ZeroDivisionError: x"),
    ],
)
def test_an_error_is_one_line_and_its_exit_status(
    run: FakeRun, capfd: pytest.CaptureFixture[str], error: Any, status: int, line: str
) -> None:
    run.result, run.said = error, b""
    assert main(["profile", "a.elf"]) == status
    message = error_of(capfd)
    assert message.startswith(line)
    assert status != 4 or "MCUSIM_DEBUG=1" in message


def test_debug_mode_lets_an_internal_error_through(
    run: FakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCUSIM_DEBUG", "1")
    run.result = ZeroDivisionError("x")
    with pytest.raises(ZeroDivisionError):
        main(["profile", "a.elf"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0.5", 0.5), ("2s", 2.0), ("20ms", 0.02), ("300 us", 3e-4), ("7ns", 7e-9), ("1e-6", 1e-6)],
)
def test_a_time_may_carry_its_unit(text: str, seconds: float) -> None:
    assert values.seconds(text) == seconds


@pytest.mark.parametrize(
    "arguments",
    [
        ["profile"],
        ["profile", "a.elf", "--clock", "fast"],
        ["profile", "a.elf", "--clock", "0"],
        ["profile", "a.elf", "--clock", "1.5Hz"],
        ["profile", "a.elf", "--max-instructions", "-1"],
        ["profile", "a.elf", "--timeout", "0"],
        ["profile", "a.elf", "--timeout", "nan"],
        ["profile", "a.elf", "--timeout", "inf"],
        ["profile", "a.elf", "--timeout", "-1ms"],
        ["profile", "a.elf", "--timeout", "ms"],
        ["profile", "a.elf", "--timeout", "5 minutes"],
        ["profile", "a.elf", "--format", "pdf"],
        ["profile", "a.elf", "--caches", "maybe"],
        ["profile", "a.elf", "--top", "-3"],
        ["profile", "a.elf", "--no-such-option"],
        ["prfile", "a.elf"],
        ["--nonsense"],
        ["cpus", "stm32f764"],
        ["cpus", "a", "b"],
        ["kernels", "x"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 2
    assert error_of(capfd).startswith("mcusim: error: ")


def test_a_mistyped_command_is_answered_with_the_nearest(
    capfd: pytest.CaptureFixture[str],
) -> None:
    main(["prfile"])
    assert "did you mean 'profile'?" in error_of(capfd)


def test_no_command_prints_the_help_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Usage: mcusim")


# -- output files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["no/such/folder/x.json", "."])
def test_an_unwritable_path_is_refused_before_the_run(
    run: FakeRun, capfd: pytest.CaptureFixture[str], tmp_path: Path, path: str
) -> None:
    assert main(["profile", "a.elf", "-o", str(tmp_path / path)]) == 2
    assert "cannot write the output" in error_of(capfd)
    assert run.options == {}


def test_a_failed_run_leaves_the_old_file_and_nothing_else(run: FakeRun, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")
    run.result = ElfError("broken")
    assert main(["profile", "a.elf", "-o", str(target)]) == 2
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["out.json"]


def test_a_new_file_has_the_usual_rights_and_a_link_stays_a_link(
    run: FakeRun, tmp_path: Path
) -> None:
    real, link, usual = tmp_path / "real.txt", tmp_path / "link.txt", tmp_path / "usual.txt"
    usual.write_text("")
    real.write_text("old")
    link.symlink_to(real)
    main(["profile", "a.elf", "-o", str(link)])
    assert link.is_symlink()
    assert real.read_text().startswith("kernel.elf")
    assert real.stat().st_mode == usual.stat().st_mode


def test_a_device_is_written_and_not_replaced(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "a.elf", "-o", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()


def test_a_dash_is_stdout(run: FakeRun, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "a.elf", "-o", "-"]) == 0
    assert capfd.readouterr().out.startswith("kernel.elf")


def test_odd_characters_of_symbol_names_reach_any_stdout(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    profile, name = kernel_profile(), "f\udcff\u20ac"
    assert profile.instructions is not None
    first, *rest = profile.functions
    run.result = replace(
        profile,
        functions=(replace(first, name=name), *rest),
        instructions=tuple(replace(row, function=name) for row in profile.instructions),
    )
    for name in FORMATS:
        assert main(["profile", "a.elf", "--format", name]) == 0


@pytest.mark.parametrize("options", [[], ["-o", "-"]])
def test_a_binary_format_or_a_page_is_refused_on_a_terminal_before_anything_runs(
    run: FakeRun,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda stream: stream is not None)
    monkeypatch.setattr("simcore.cli.profiles.is_terminal", lambda stream: stream is not None)
    for name in (*BINARY_FORMATS, "html"):
        assert main(["profile", "a.elf", "--format", name, *options]) == 2
        assert "write it to a file with -o" in capfd.readouterr().err
    assert run.options == {}


def test_a_binary_format_goes_through_a_pipe_and_into_a_file_as_it_is(
    run: FakeRun, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    expected = document(kernel_profile(), "pprof")
    assert main(["profile", "a.elf", "--format", "pprof"]) == 0
    assert capfdbinary.readouterr().out == expected
    assert main(["profile", "a.elf", "--format", "pprof", "-o", str(tmp_path / "p")]) == 0
    assert (tmp_path / "p").read_bytes() == expected


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in SEVERAL_PARTS])
def test_a_format_of_one_part_is_refused_for_several_before_anything_runs(
    run: FakeRun, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["profile", "a.elf", "--cpu", "one,two", "--format", name]) == 2
    assert f"--format {name} shows one part" in error_of(capfd)
    assert run.options == {}


@pytest.mark.parametrize(("name", "tables"), NEEDS.items())
def test_tables_that_a_format_needs_are_asked_for(
    run: FakeRun, name: str, tables: tuple[str, ...]
) -> None:
    assert main(["profile", "a.elf", "--format", name, "-o", os.devnull]) == 0
    assert [table for table in tables if not run.options.get(table)] == []


@pytest.mark.parametrize(("table", "format_name"), [("coverage", "lcov"), ("timeline", "trace")])
def test_json_keeps_tables_that_only_another_format_shows(
    run: FakeRun, table: str, format_name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for shown in ("json", format_name):
        assert main(["profile", "a.elf", f"--{table}", "--format", shown, "-o", os.devnull]) == 0
        assert run.options[table] is True
    capfd.readouterr()
    assert main(["profile", "a.elf", f"--{table}"]) == 2
    assert f"--{table} goes with --format json" in capfd.readouterr().err


def test_collapsed_stacks_are_weighed_by_what_is_asked_for(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "a.elf", "--format", "collapsed", "--weight", "instructions"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "main;op:conv1;conv;dot 1000" in lines
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == 1184
    assert main(["profile", "a.elf", "--weight", "energy"]) == 2
    assert "--weight goes with --format collapsed" in capfd.readouterr().err


# -- terminal --------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "no_color", "expected"),
    [
        ("auto", None, True),
        ("auto", "", True),
        ("auto", "1", False),
        ("always", "1", True),
        ("never", None, False),
    ],
)
def test_colour_follows_option_then_no_color_then_terminal(
    monkeypatch: pytest.MonkeyPatch,
    choice: output.ColorChoice,
    no_color: str | None,
    expected: bool,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert output.use_color(choice, Terminal()) is expected
    assert output.use_color(choice, io.StringIO()) is (choice == "always")


def test_width_is_the_terminals_or_one_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    assert output.text_width(Terminal()) == 44
    assert output.text_width(io.StringIO()) == output.text_width(None) == 100


def test_a_pipe_gets_ascii_and_a_utf8_terminal_does_not() -> None:
    assert output.needs_ascii(None)
    assert output.needs_ascii(io.StringIO())
    assert not output.needs_ascii(Terminal())


def test_a_short_run_shows_no_progress_and_a_long_one_takes_it_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("simcore.cli.progress.time.monotonic", lambda: now)
    terminal = Terminal()
    progress = Progress(terminal, 100_000_000, 100)
    now = 0.9
    progress(Reached(10_000_000, 0.05))
    progress.clear()
    assert terminal.getvalue() == ""
    now = 2.0
    progress(Reached(25_000_000, 0.116))
    shown = " 25%  25.0 M instructions, 12.5 M a second, 0.116 s modelled, up to 6 s left"
    assert shown in terminal.getvalue()
    now = 4.0
    progress.width = 80
    # 99 million more at a quarter of a million a second
    Progress.__call__(progress, Reached(1_000_000, 0.005))
    assert "  1%  1.0 M instructions, 0.005 s modelled, up to 6 min 36 s" in terminal.getvalue()
    now = 5.0
    progress(Reached(0, 1234.5, 0.25))  # a capture: instructions are not counted again
    assert " 25%  1,234.500 s modelled, 15 s left" in terminal.getvalue()
    program = io.BytesIO()
    ProgramOutput(program, progress).write(b"text")
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert program.getvalue() == b"text"


def test_ctrl_c_while_progress_is_drawn_leaves_no_line() -> None:
    class Interrupted(Terminal):
        def flush(self) -> None:
            if not self.getvalue().endswith("\r\x1b[K"):
                raise KeyboardInterrupt

    terminal = Interrupted()
    progress = Progress(terminal, None, 80)
    progress.started -= 2
    progress.drawn -= 2
    with pytest.raises(KeyboardInterrupt):
        progress(Reached(1000, 0.0))
    progress.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("216MHz", 216_000_000),
        ("216 mhz", 216_000_000),
        ("216M", 216_000_000),
        ("216000000", 216_000_000),
        ("32.768kHz", 32_768),
        (".5G", 500_000_000),
        ("400Hz", 400),
        ("", None),
        ("Hz", None),
        ("-5", None),
        ("1e6", 1_000_000),
        ("0", None),
        ("0.5", None),
        ("1_000", None),
        ("\u0663", None),
        ("216MHzHz", None),
    ],
)
def test_clocks_are_read_as_people_write_them(text: str, expected: int | None) -> None:
    assert parse_quantity(text, "Hz") == expected


@pytest.mark.parametrize("text", ["96K", "96KB", "96 KiB", "96kb", "98304", "98304B"])
def test_sizes_are_those_of_memories(text: str) -> None:
    assert parse_quantity(text, "B") == 98_304


# -- the other commands ----------------------------------------------------------------------------


def test_cpus_lists_every_part(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["cpus"]) == 0
    listed = [line.split()[0] for line in capfd.readouterr().out.splitlines()]
    assert listed == simcore.cpu_model_names()
    assert main(["cpus", "--format", "json"]) == 0
    assert [row["name"] for row in json.loads(capfd.readouterr().out)] == listed


def test_cpus_name_prints_every_number_with_its_source(capfd: pytest.CaptureFixture[str]) -> None:
    model = simcore.load_cpu_model("stm32f746")
    assert main(["cpus", "stm32f746"]) == 0
    text = capfd.readouterr().out
    for key, fact in model.provenance.items():
        assert key.rpartition(".")[2] in text
        assert fact.source in text
    assert main(["cpus", "stm32f746", "--format", "json"]) == 0
    values = json.loads(capfd.readouterr().out)["values"]
    assert values.keys() == model.provenance.keys()
    assert all(value["source"] and value["unit"] for value in values.values())


def test_kernels_lists_files_that_exist(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["kernels", "--format", "json"]) == 0
    rows = json.loads(capfd.readouterr().out)
    assert {"conv2d_s8", "fully_connected_s8"} <= {row["name"] for row in rows}
    assert main(["kernels"]) == 0
    lines = capfd.readouterr().out.splitlines()
    for line, row in zip(lines, rows, strict=True):
        assert line.startswith(row["path"])
        assert row["description"] in line
        assert Path(row["path"]).is_file()


# -- the process -----------------------------------------------------------------------------------


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    probe = (
        "import sys; from simcore.cli.main import main; main(['--help'])\n"
        "heavy = {'rich', 'unicorn', 'capstone', 'elftools', 'jinja2', 'jsonschema', 'cffi'}\n"
        "heavy |= {'numpy', 'scipy', 'matplotlib'}\n"
        "sys.exit(sorted(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        assert f"  {command} " in done.stdout


def test_a_piped_profile_imports_nothing_that_it_does_not_use() -> None:
    """A third of a short run was to compile methods of dataclasses, a seventh was rich."""
    probe = (
        "import sys; from simcore.cli.main import main\n"
        "import dataclasses; made = []; create = dataclasses.dataclass\n"
        "def counted(cls=None, /, **options):\n"
        "    if options.get('init', True): made.append(1)\n"
        "    return create(cls, **options)\n"
        "dataclasses.dataclass = counted\n"
        f"main(['profile', {str(ROOT / 'kernels/prebuilt/conv2d_s8_small.elf')!r}])\n"
        "heavy = {'rich', 'numpy', 'scipy', 'matplotlib', 'jinja2', 'concurrent.futures'}\n"
        "heavy |= {'multiprocessing', 'bincopy', 'pycxxfilt', 'simcore.devices.registers'}\n"
        "heavy.add('capstone')\n"
        "heavy |= {'simcore.report.html', 'simcore.whatif', 'simcore.checking'}\n"
        "print(len(made), file=sys.stderr)\n"
        "sys.exit(sorted(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "MCUSIM_CACHE": "off"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stderr) <= 30  # of 226 classes before simcore.records


def test_a_program_that_uses_no_device_waits_for_no_description_of_one() -> None:
    probe = (
        "import sys; from simcore.cli.main import main\n"
        f"main(['profile', {str(ROOT / 'kernels/prebuilt/conv2d_s8_small.elf')!r}])\n"
        "sys.exit('simcore.devices.registers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_simcore_imports_no_other_module_of_it() -> None:
    probe = (
        "import sys; import simcore; "
        "print([n for n in sys.modules if n.startswith('simcore.')], 'dataclasses' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", probe], cwd=ROOT, text=True, capture_output=True, check=True
    )
    assert done.stdout == "[] False\n"


def test_the_public_names_are_there() -> None:
    for name in simcore.__all__:
        assert getattr(simcore, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = simcore.nonsense  # type: ignore[attr-defined]


def test_the_version_is_printed() -> None:
    assert mcusim("--version").stdout == f"mcusim, version {simcore.__version__}\n"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    needs("bash", "bash")
    command = '"$0" -m simcore.cli.main cpus stm32f746 | true'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command, sys.executable],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_source_dir_is_refused_where_it_would_be_ignored(
    run: FakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "a.elf", "--source-dir", "src"]) == 2
    assert "--source-dir and --source-map go with --format html" in capfd.readouterr().err
    assert run.options == {}


@pytest.mark.parametrize("command", [[], ["profile"]])
def test_the_short_option_of_the_help_works_everywhere(
    capfd: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main([*command, "-h"]) == 0
    short = capfd.readouterr().out
    assert main([*command, "--help"]) == 0
    assert capfd.readouterr().out == short
    assert "INTEGER RANGE" not in short
