"""Bad input through the whole command: one line, the right status, nothing left behind."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simcore.cli.main import main
from tests.examples import examples
from tests.integration.programs import CHECKOUT, FIRMWARE, KERNELS
from tests.tools import GUARD_S

KERNEL = KERNELS / "fully_connected_s8.elf"  # vector table, several segments, DWARF
ENTRY = FIRMWARE / "hello_entry.elf"  # starts at its entry point
FAULTS = FIRMWARE / "faults.elf"

# Offsets in an ELF32 header and in a program header, System V ABI.
CLASS, DATA, TYPE, MACHINE, START, PHOFF, SHOFF = 4, 5, 16, 18, 24, 28, 32
PHENTSIZE, PHNUM, SHENTSIZE, SHNUM, SHSTRNDX = 42, 44, 46, 48, 50
P_TYPE, P_OFFSET, P_VADDR, P_PADDR, P_FILESZ, P_MEMSZ = 0, 4, 8, 12, 16, 20
PT_LOAD, PT_NULL, SHT_SYMTAB = 1, 0, 2


class Elf:
    """The bytes of an ELF to be spoilt."""

    def __init__(self, path: Path) -> None:
        self.data = bytearray(path.read_bytes())

    def half(self, at: int, value: int | None = None) -> int:
        if value is not None:
            struct.pack_into("<H", self.data, at, value)
        return int(struct.unpack_from("<H", self.data, at)[0])

    def word(self, at: int, value: int | None = None) -> int:
        if value is not None:
            struct.pack_into("<I", self.data, at, value)
        return int(struct.unpack_from("<I", self.data, at)[0])

    def program_headers(self, wanted: int = PT_LOAD) -> list[int]:
        headers = range(self.half(PHNUM))
        offsets = [self.word(PHOFF) + number * self.half(PHENTSIZE) for number in headers]
        return [at for at in offsets if self.word(at + P_TYPE) == wanted]

    def section_headers(self, wanted: int) -> list[int]:
        headers = range(self.half(SHNUM))
        offsets = [self.word(SHOFF) + number * self.half(SHENTSIZE) for number in headers]
        return [at for at in offsets if self.word(at + 4) == wanted]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: what a command leaves behind shows here."""
    monkeypatch.delenv("MCUSIM_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `mcusim profile` on what has to be refused; returns the message."""

    def run(*arguments: str | Path, status: int = 2) -> str:
        before = sorted(folder.iterdir())
        assert main(["profile", *map(str, arguments), "-o", "report.json"]) == status
        captured = capfd.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("mcusim: error: ")
        assert captured.err.count("\n") == 1
        assert "internal error" not in captured.err
        assert sorted(folder.iterdir()) == before
        return captured.err

    return run


# --- files that are no program for this machine --------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x7f", "ELF"),
        (b"#!/bin/sh\necho no\n", "not an ELF"),
        (b"\x7fELF", "truncated"),
        (bytes(4096), "not an ELF"),
        (b":10010000214601360121470136007EFE09D2190140\n", "truncated: no last record"),
    ],
    ids=["empty", "one-byte", "script", "magic-only", "zeros", "intel-hex"],
)
def test_a_file_that_is_no_elf_is_refused(
    refused: Callable[..., str], folder: Path, content: bytes, words: str
) -> None:
    (folder / "a.elf").write_bytes(content)
    assert words in refused("a.elf")


@pytest.mark.parametrize("keep", [5, 20, 51, 52, 60, 0.3, 0.9, 0.999])
def test_a_truncated_elf_is_refused(refused: Callable[..., str], folder: Path, keep: float) -> None:
    data = KERNEL.read_bytes()
    (folder / "a.elf").write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    message = refused("a.elf")
    assert "a.elf" in message
    assert "truncated" in message


def _move_out(elf: Elf) -> None:
    for header in elf.program_headers():
        for field in (P_VADDR, P_PADDR):
            elf.word(header + field, elf.word(header + field) ^ 0x1000_0000)
    elf.word(START, elf.word(START) ^ 0x1000_0000)


def _overlap(elf: Elf) -> None:
    first, second = [p for p in elf.program_headers() if elf.word(p + P_FILESZ)][:2]
    for field in (P_VADDR, P_PADDR):
        elf.word(second + field, elf.word(first + field) + 4)


def _reset_in_arm_state(elf: Elf) -> None:
    at = elf.word(elf.program_headers()[0] + P_OFFSET) + 4
    assert elf.word(at) & 1  # the vector table stands first
    elf.word(at, elf.word(at) & ~1)


def _a_profile(elf: Elf) -> None:
    at = elf.data.index(b"\x07M", elf.data.rindex(b"aeabi\0"))
    elf.data[at + 1 : at + 2] = b"A"  # Tag_CPU_arch_profile of the build attributes


def _all_of(fields: list[tuple[int, int]]) -> Callable[[Elf], None]:
    def spoil(elf: Elf) -> None:
        for header in elf.program_headers():
            for field, value in fields:
                elf.word(header + field, value)

    return spoil


SPOILT: dict[str, tuple[Path, Callable[[Elf], object], str]] = {
    "64-bit": (KERNEL, lambda e: e.data.__setitem__(CLASS, 2), "32-bit"),
    "big-endian": (KERNEL, lambda e: e.data.__setitem__(DATA, 2), "endian"),
    "x86": (KERNEL, lambda e: e.half(MACHINE, 3), "Arm"),
    "relocatable": (KERNEL, lambda e: e.half(TYPE, 1), "relocatable"),
    "shared-library": (KERNEL, lambda e: e.half(TYPE, 3), "a.elf"),
    "core-dump": (KERNEL, lambda e: e.half(TYPE, 4), "a.elf"),
    "a-profile": (ENTRY, _a_profile, "profile"),
    "arm-state-entry": (ENTRY, lambda e: e.word(START, e.word(START) & ~1), "Arm state"),
    "arm-state-reset": (KERNEL, _reset_in_arm_state, "Arm state"),
    "entry-nowhere": (ENTRY, lambda e: e.word(START, 0x7000_0001), "0x70000001"),
    "no-segment": (KERNEL, _all_of([(P_TYPE, PT_NULL)]), "no loadable segment"),
    "outside": (ENTRY, _move_out, "outside the memory of stm32f746"),
    "too-large": (ENTRY, lambda e: e.word(e.program_headers()[-1] + P_MEMSZ, 1 << 24), "too large"),
    "wraps-around": (KERNEL, _all_of([(P_MEMSZ, 0xFFFF_FFF0)]), "a.elf"),
    "overlap": (FAULTS, _overlap, "overlap"),
    "file-size-larger": (KERNEL, _all_of([(P_FILESZ, 0xFFFF_0000)]), "a.elf"),
    "offset-beyond-end": (KERNEL, _all_of([(P_OFFSET, 0xFFFF_FF00)]), "a.elf"),
    "program-headers-outside": (KERNEL, lambda e: e.word(PHOFF, 0xFFFF_FFF0), "a.elf"),
    "program-header-size-0": (KERNEL, lambda e: e.half(PHENTSIZE, 0), "a.elf"),
    "sections-outside": (KERNEL, lambda e: e.word(SHOFF, 0x7FFF_FFF0), "a.elf"),
}


@pytest.mark.parametrize(
    "name",
    list(SPOILT),
)
def test_an_elf_that_cannot_run_is_refused(
    refused: Callable[..., str], folder: Path, name: str
) -> None:
    source, spoil, words = SPOILT[name]
    elf = Elf(source)
    spoil(elf)
    (folder / "a.elf").write_bytes(elf.data)
    message = refused("a.elf")
    assert "a.elf" in message
    assert words in message


# --- paths and options ----------------------------------------------------------------------


def test_paths_that_cannot_be_read_are_refused(refused: Callable[..., str], folder: Path) -> None:
    assert "nothing.elf" in refused("nothing.elf")
    assert "directory" in refused(folder)
    assert "name" in refused("a" * 300)
    assert refused("/dev/null")
    os.mkfifo("pipe")
    assert "not a regular file" in refused("pipe")
    (folder / "loop.elf").symlink_to("loop.elf")
    assert "loop.elf" in refused("loop.elf")


@pytest.mark.parametrize("command", ["compare", "report", "replay", "annotate", "whatif", "export"])
def test_no_command_waits_for_a_pipe(
    folder: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    os.mkfifo("pipe")
    assert main([command, "pipe", *(["pipe"] if command == "compare" else [])]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_an_unknown_part_is_answered_with_the_nearest(refused: Callable[..., str]) -> None:
    assert "did you mean 'stm32f746'?" in refused(KERNEL, "--cpu", "stm32f74")
    assert "stm32h743" in refused(KERNEL, "--cpu", "STM32H743ZI")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "part.toml"),
        ("[core\n", "part.toml:1"),
        ("a = 1\na = 2\n", "part.toml:2"),
        ("\xff\xfe", "part.toml"),
        ("x" * 100_000, "part.toml"),
        ("[" * 5000 + "]" * 5000, "part.toml"),
        ("nonsense = true\n", "part.toml"),
        ('extends = "part.toml"\n', "part.toml"),
        ('extends = "' + "../" * 20 + 'etc/passwd"\n', "passwd:1"),
    ],
    ids=["empty", "open", "twice", "binary", "long", "deep", "unknown", "itself", "outside"],
)
def test_a_broken_cpu_model_is_refused(
    refused: Callable[..., str], folder: Path, text: str, words: str
) -> None:
    (folder / "part.toml").write_bytes(text.encode("latin-1"))
    assert words in refused(KERNEL, "--cpu", "part.toml")


def test_a_part_with_one_wrong_number_is_refused_by_its_line(
    refused: Callable[..., str], folder: Path
) -> None:
    for name in ("stm32f746", "stm32f7", "cortex-m7"):
        source = CHECKOUT / "cpu_models" / f"{name}.toml"
        (folder / f"{name}.toml").write_text(source.read_text())
    good = (folder / "stm32f746.toml").read_text()
    first = good.index("value = ")
    (folder / "stm32f746.toml").write_text(good[:first] + 'value = "many", ' + good[first + 10 :])
    assert "stm32f746.toml" in refused(KERNEL, "--cpu", "./stm32f746.toml")


@pytest.mark.parametrize(
    "options",
    [
        ["--clock", "217MHz"],
        ["--clock", "9" * 400],
        ["--clock", "-1"],
        ["--op", "no_such_function*"],
        ["--semihost-dir", "missing"],
        ["--max-instructions", "0"],
        ["--timeout", "-1"],
        ["--top", "x"],
        ["--section", "nothing"],
    ],
    ids=" ".join,
)
def test_an_option_that_makes_no_sense_is_refused(
    refused: Callable[..., str], options: list[str]
) -> None:
    refused(KERNEL, *options)


# --- programs that misbehave ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "status", "words"),
    [
        ("endless", 5, "instruction limit"),
        ("nowhere", 4, "undefined instruction at 0x080f0000"),
        ("fetch", 4, "jump to unmapped memory"),
        ("arm-state", 4, "Arm state"),
        ("stack", 4, "stack overflow"),
        ("odd-self-modifying", 0, ""),
    ],
)
def test_a_program_that_misbehaves_ends_with_its_report_and_one_line(
    folder: Path, capfd: pytest.CaptureFixture[str], word: str, status: int, words: str
) -> None:
    command = ["profile", str(FAULTS), "--max-instructions", "200k", "-o", "report.txt"]
    assert main([*command, "--", word]) == status
    captured = capfd.readouterr()
    # Its own handler of faults runs: that of kernels/startup says so.
    assert captured.out in ("", "unexpected exception\n" if status == 4 else "")
    verdict = [line for line in captured.err.splitlines() if "warning" not in line]
    assert len(verdict) == (status != 0)
    assert words in "".join(verdict)
    assert [file.name for file in folder.iterdir()] == ["report.txt"]


# --- fuzz -----------------------------------------------------------------------------------


def mutants(source: Path, count: int) -> Iterator[bytes]:
    """Copies with some bytes changed: anywhere, in the headers, in a table, or cut off.

    The same ones each time, from a generator seeded with the file's name.
    """
    chance = random.Random(source.name)
    original = source.read_bytes()
    elf = Elf(source)
    tables = [0, elf.word(PHOFF), elf.word(SHOFF)]
    tables += [elf.word(at + 16) for at in elf.section_headers(SHT_SYMTAB)]
    loaded = [elf.word(at + P_OFFSET) for at in elf.program_headers()]
    for _ in range(count):
        data = bytearray(original)
        start, length = chance.choice(
            [(0, len(data)), *((at, 400) for at in tables), *((at, 2000) for at in loaded)]
        )
        for _ in range(chance.choice([1, 1, 2, 8, 64])):
            at = min(start + chance.randrange(length), len(data) - 1)
            value = chance.choice([0, 0x7F, 0x80, 0xFF, chance.randrange(256)])
            data[at] = chance.choice([value, data[at] ^ 1 << chance.randrange(8)])
        if chance.random() < 0.1:
            del data[chance.randrange(len(data)) :]
        yield bytes(data)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        pytest.param(KERNEL, 5, id="kernel-few"),
        pytest.param(FAULTS, 5, id="faults-few"),
        pytest.param(KERNEL, 40, id="kernel", marks=pytest.mark.exhaustive),
        pytest.param(ENTRY, 12, id="entry", marks=pytest.mark.exhaustive),
        pytest.param(FAULTS, 40, id="faults", marks=pytest.mark.exhaustive),
    ],
)
def test_a_spoilt_elf_runs_or_is_refused_but_never_breaks_the_tool(
    folder: Path, capfd: pytest.CaptureFixture[str], source: Path, count: int
) -> None:
    limits = ["--max-instructions", "20k", "--timeout", "5", "--instructions", "--lines"]
    for number, data in enumerate(mutants(source, count)):
        (folder / "a.elf").write_bytes(data)
        status = main(["profile", "a.elf", *limits, "--format", "json", "-o", "report.json"])
        captured = capfd.readouterr()
        told = f"mutant {number}: {captured.err}"
        assert status in (0, 1, 2, 4, 5), told
        assert "internal error" not in captured.err, told
        assert "Traceback" not in captured.err, told
        assert (folder / "report.json").exists() == (status != 2 and "error:" not in told), told
        (folder / "report.json").unlink(missing_ok=True)
        assert [file.name for file in folder.iterdir()] == ["a.elf"], told


VALUES = {
    "--clock": st.one_of(st.text(max_size=8), st.sampled_from(["1", "16MHz", "216M", "0x10"])),
    "--caches": st.one_of(st.text(max_size=4), st.sampled_from(["on", "off", "auto", "ON"])),
    "--cpu": st.one_of(st.text(max_size=8), st.sampled_from(["stm32f767", ".", "/", "cortex-m7"])),
    "--op": st.one_of(st.text(max_size=6), st.sampled_from(["*", "[", "[]", "main", "[!a]*"])),
    "--top": st.one_of(st.text(max_size=4), st.integers().map(str)),
    "--format": st.sampled_from(["text", "json", "csv", "pdf", ""]),
    "--section": st.one_of(st.text(max_size=4), st.sampled_from(["functions", "lines", "memory"])),
    "--timeout": st.sampled_from(["1", "1e-300", "1e300", "nan", "-0", "inf", "0.5"]),
    "--color": st.sampled_from(["always", "never", "", "1"]),
    "--semihost-dir": st.one_of(st.text(max_size=6), st.sampled_from([".", "/dev/null"])),
}
options = st.fixed_dictionaries({}, optional=VALUES)


@settings(
    examples(60),
    # A machine that is busy is slow to make examples.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(options)
def test_any_option_values_give_a_report_or_one_line(
    folder: Path, capfd: pytest.CaptureFixture[str], options: dict[str, str]
) -> None:
    given_options = [f"{name}={value}" for name, value in options.items()]
    status = main(["profile", str(KERNEL), "--max-instructions=3000", *given_options])
    captured = capfd.readouterr()
    assert status in (2, 5)
    assert "internal error" not in captured.err
    if status == 2:
        assert captured.out == ""
        assert captured.err.startswith("mcusim: error: ")
        assert captured.err.count("\n") == 1
    else:
        assert captured.out


# --- numbers and disks without an end ------------------------------------------------------------


@pytest.mark.parametrize(
    "limit",
    [["--max-instructions", "9" * 30], ["--for", "1e30s"], ["--for", "1e300s"]],
    ids=" ".join,
)
def test_a_limit_that_no_run_reaches_is_no_limit(
    capfd: pytest.CaptureFixture[str], limit: list[str]
) -> None:
    assert main(["profile", str(KERNEL), *limit]) == 0
    assert capfd.readouterr().err == ""


def test_a_capture_for_which_the_disk_has_no_room_is_one_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["record", str(KERNEL), "-o", "/dev/full"]) == 2
    error = capfd.readouterr().err
    assert error.startswith("mcusim: error: /dev/full: cannot write the ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("profile", str(ENTRY), "-o", "{}"),
        ("profile", str(ENTRY), "-o", "{}/x"),
        ("profile", str(ENTRY), "--debug-dir", "{}"),
        ("profile", str(ENTRY), "--semihost-dir", "{}"),
        ("profile", str(ENTRY), "--store", "{}"),
        ("record", str(ENTRY), "-o", "{}"),
        ("study", "ops", "-o", "{}"),
        ("export", "{}", "-o", "out"),
        ("check", "{}*"),
    ],
)
def test_a_name_that_no_file_can_have_is_one_line(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([word.format("x" * 300) for word in words])
    said = capsys.readouterr()
    assert status == 2, said.err
    assert "internal error" not in said.err
    assert not list(folder.iterdir())


NINES = "9" * 5000


@pytest.mark.parametrize(
    "words",
    [
        ("profile", ""),
        ("profile", str(ENTRY), "--semihost-dir", ""),
        ("profile", str(ENTRY), "--runner="),
        ("profile", str(ENTRY), "--clock", NINES),
        ("profile", str(ENTRY), "--max-instructions", NINES),
        ("profile", str(ENTRY), "--max-memory", NINES),
        ("profile", str(ENTRY), "--place", f"main[:{NINES}]=itcm"),
        ("whatif", str(ENTRY), "--sweep", f"clock={NINES}"),
    ],
)
def test_an_argument_that_says_nothing_or_too_much_is_one_line(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("mcusim: error: ")
    assert "internal error" not in said
    assert len(said) < 1_400
    assert said.count("\n") == 1


def mcusim(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simcore.cli.main", *words],
        text=True, timeout=GUARD_S, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("profile", str(ENTRY)), 0),
        (("profile", "nope.elf"), 2),
        (("check", str(ENTRY), "--no-baseline", "--limit", "cycles=1"), 3),
    ],
)
def test_a_full_disk_below_stderr_changes_no_status(words: tuple[str, ...], status: int) -> None:
    with Path("/dev/full").open("w") as full:
        assert mcusim(*words, stderr=full, stdout=subprocess.DEVNULL).returncode == status


def test_a_stderr_that_is_no_file_is_written_to(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    said = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setattr(sys, "argv", ["mcusim", "profile", "nope.elf"])
    assert main() == 2
    said.seek(0)
    assert said.read() == "mcusim: error: nope.elf: no such file; check the path\n"


def test_a_full_disk_below_the_version_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        ended = mcusim("--version", stdout=full, stderr=subprocess.PIPE)
    assert ended.returncode == 2
    assert ended.stderr == "mcusim: error: stdout: No space left on device\n"


@pytest.mark.parametrize("words", [("check",), ("profile", str(ENTRY), "-o", "out.txt")])
def test_a_working_folder_that_is_gone_is_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = (
        f"cd {gone}; rmdir {gone}; exec {sys.executable} -m simcore.cli.main {' '.join(words)}"
    )
    ended = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=GUARD_S,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith("mcusim: error: the working folder is not there any more")
    assert ended.stderr.count("\n") == 1
