"""A capture gives what the live run gave, from the file alone, and no file does harm."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.cli.main import main
from simcore.errors import CaptureError, ConfigError, ExitCode
from simcore.run.setup import Move, load_setup
from simcore.simulation.capture import Capture, record_run
from simcore.simulation.capture_file import (
    ELF,
    END,
    EVENTS,
    HEAD,
    MAGIC,
    PRINTED,
    TAIL,
    VERSION,
    CaptureReader,
    CaptureWriter,
)
from simcore.simulation.live import simulate_many
from simcore.simulation.program import open_program
from tests.integration.programs import FIRMWARE, KERNELS, STDIN, Program, each_program
from tests.shared import Asked, captured

SMALL = FIRMWARE / "calls.elf"  # 8,433 instructions
LIMIT = 1_500_000  # instructions


def record(elf: Path, file: Path, cpu: str = "stm32f746", **run: object) -> None:
    with file.open("wb") as writer:
        record_run(elf, writer, cpu, max_instructions=LIMIT, **run)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small() -> Path:
    """A capture of a small program."""
    return captured(Asked(SMALL, max_instructions=LIMIT))


@each_program()
def test_a_capture_and_the_live_run_give_the_same(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "run.mcu"
    record(program.elf, file, program.cpu, args=program.args, stdin=io.BytesIO(STDIN))
    again = open_program(
        program.elf, program.cpu, args=program.args, max_instructions=LIMIT, per="none"
    )
    live = again.run(stdin=io.BytesIO(STDIN))
    capture = Capture(file)
    (replayed,) = capture.simulate([capture.setup()])
    assert replayed.result.counters == live.result.counters
    assert replayed.result.schedules == live.result.schedules
    was, now = live.profile(instructions=True), replayed.profile(instructions=True)
    told = [warning for warning in now.warnings if "repeats its path" in warning]
    assert [w for w in now.warnings if w not in told] == list(was.warnings)
    assert bool(told) == live.result.clock_dependent
    assert (now.exit, now.totals, now.functions) == (was.exit, was.totals, was.functions)
    assert (now.elf, now.cpu, now.args) == (was.elf, was.cpu, was.args)
    assert (now.objects, now.instructions) == (was.objects, was.instructions)


def test_one_capture_is_timed_under_many_configurations() -> None:
    options: list[dict[str, object]] = [
        {"clock_hz": 100_000_000},
        {"caches": "off", "moves": [Move(0x0800_0000, 0x4000, 0)]},
        {"cpu": "stm32f767"},
    ]
    capture = Capture(captured(Asked(KERNELS / "conv2d_s8_small.elf")))
    setups = [capture.setup(**option) for option in options]  # type: ignore[arg-type]
    for replayed, setup in zip(capture.simulate(setups), setups, strict=True):
        (live, other) = simulate_many(capture.image, [load_setup("stm32f746"), setup])
        assert live.result.exit_code == 0
        assert replayed.result.counters == other.result.counters


def test_a_replay_needs_neither_engine_nor_elf(tmp_path: Path) -> None:
    elf, file = tmp_path / SMALL.name, tmp_path / "run.mcu"
    elf.write_bytes(SMALL.read_bytes())
    record(elf, file)
    elf.unlink()
    probe = (
        "import sys; sys.modules['unicorn'] = None\n"
        "from simcore.cli.main import main\n"
        f"sys.exit(main(['replay', {str(file)!r}, '--format', 'json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    live = open_program(SMALL).run().profile()
    totals = json.loads(done.stdout)["totals"]
    assert (totals["instructions"], totals["cycles"]) == (
        live.totals.instructions,
        live.totals.cycles,
    )


def test_captures_of_one_program_are_the_same_bytes(small: Path, tmp_path: Path) -> None:
    record(SMALL, tmp_path / "again.mcu")
    assert (tmp_path / "again.mcu").read_bytes() == small.read_bytes()


def test_a_program_that_reads_the_clock_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "timing.mcu"
    record(FIRMWARE / "self_timing.elf", file)
    capture = Capture(file)
    (replayed,) = capture.simulate([capture.setup(clock_hz=50_000_000)])
    assert replayed.result.clock_dependent
    assert (
        "the program reads the clock, which is that of the recorded run; this repeats its path"
        in replayed.result.warnings
    )


# -- what is as it was recorded --------------------------------------------------------------------


def test_what_is_not_given_is_as_it_was_recorded(tmp_path: Path) -> None:
    file = tmp_path / "run.mcu"
    record(SMALL, file, clock_hz=100_000_000, caches="off", overrides=["core.dcache.size=2K"])
    capture = Capture(file)
    setup = capture.setup()
    assert (setup.core_clock_hz, setup.caches) == (100_000_000, "off")
    assert setup.model.core.dcache.size == 2048
    other = capture.setup("stm32h743", caches="on")
    assert (other.core_clock_hz, other.caches) == (other.model.max_clock_hz, "on")
    assert other.model.core.dcache.size == 16384
    added = capture.setup(overrides=["core.icache.size=2K"])
    assert (added.model.core.icache.size, added.model.core.dcache.size) == (2048, 2048)


def test_memories_of_a_linker_script_have_to_be_given_again(tmp_path: Path) -> None:
    script = tmp_path / "part.ld"
    script.write_text(
        "MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1M\n"
        " DTCM (rw) : ORIGIN = 0x20000000, LENGTH = 64K\n"
        " SRAM1 (rw) : ORIGIN = 0x20010000, LENGTH = 240K }\n"
    )
    file = tmp_path / "run.mcu"
    record(SMALL, file, memory_from=script)
    with pytest.raises(ConfigError, match=r"--memory-from part\.ld; give that again"):
        Capture(file).setup()
    Capture(file).setup(memory_from=script)


# -- the command -----------------------------------------------------------------------------------


def test_the_commands_report_what_profile_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "run.mcu")
    assert main(["record", str(SMALL), "-o", file]) == ExitCode.OK
    assert capsys.readouterr().out == ""
    for form in ("json", "text", "csv", "callgrind"):
        assert main(["replay", file, "--format", form, "-o", str(tmp_path / "r")]) == ExitCode.OK
        assert main(["profile", str(SMALL), "--format", form, "-o", str(tmp_path / "p")]) == 0
        assert (tmp_path / "r").read_text() == (tmp_path / "p").read_text()


def test_a_page_shows_what_the_recorded_program_printed(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    elf, file = str(FIRMWARE / "hello_printf.elf"), str(tmp_path / "run.mcu")
    status = main(["record", elf, "-o", file, "--", "3"])
    assert b"hello from the simulated" in capfdbinary.readouterr().out
    pages = [str(tmp_path / "replayed.html"), str(tmp_path / "live.html")]
    assert main(["replay", file, "--format", "html", "-o", pages[0]]) == status
    assert main(["profile", elf, "--format", "html", "-o", pages[1], "--", "3"]) == status
    assert Path(pages[0]).read_bytes() == Path(pages[1]).read_bytes()
    assert "hello from the simulated" in Path(pages[0]).read_text()


def test_the_end_of_the_program_is_the_end_of_record_and_replay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "run.mcu")
    status = main(["record", str(FIRMWARE / "faults.elf"), "-o", file, "--", "divide"])
    assert status in (ExitCode.FAULT, ExitCode.PROGRAM_FAILED)
    recorded = capsys.readouterr().err
    assert main(["replay", file, "-o", str(tmp_path / "report.txt")]) == status
    assert capsys.readouterr().err.splitlines()[-1] == recorded.splitlines()[-1]
    status = main(["record", str(SMALL), "-o", file, "--max-instructions", "1000"])
    assert status == main(["replay", file]) == ExitCode.LIMIT


def test_a_capture_that_fails_leaves_what_was_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.mcu"
    file.write_text("precious")
    assert main(["record", str(tmp_path / "none.elf"), "-o", str(file)]) == ExitCode.USAGE
    assert file.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.mcu"]
    assert main(["record", str(SMALL), "-o", str(tmp_path / "no" / "run.mcu")]) == ExitCode.USAGE
    assert capsys.readouterr().err.count("\n") == 2


# -- files that are wrong --------------------------------------------------------------------------


def refused(file: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> str:
    """What `mcusim replay` says of a file."""
    file.write_bytes(content)
    assert main(["replay", str(file)]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"mcusim: error: {file}: ")
    return captured.err


def test_a_foreign_or_newer_file_is_refused(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, good = tmp_path / "x.mcu", small.read_bytes()
    for content in (b"", b"\x7fELF", SMALL.read_bytes(), b"\x89MCUSIM\r" + good[8:]):
        assert "is no capture" in refused(file, content, capsys)
    newer = MAGIC + struct.pack("<I", VERSION + 1) + good[12:]
    assert f"has capture format {VERSION + 1}, and this mcusim reads format {VERSION};" in refused(
        file, newer, capsys
    )
    assert main(["replay", str(tmp_path)]) == ExitCode.USAGE
    assert "is no file" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "none.mcu")]) == ExitCode.USAGE
    assert "no such file" in capsys.readouterr().err


def test_a_truncated_file_is_refused_wherever_it_ends(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = small.read_bytes()
    for size in (*range(8, 30), len(good) // 2, *range(len(good) - 30, len(good))):
        text = refused(tmp_path / "x.mcu", good[:size], capsys)
        assert "is truncated: it ends at byte" in text


def test_every_flipped_bit_is_found(small: Path, tmp_path: Path) -> None:
    good, draw, file = small.read_bytes(), random.Random(7), tmp_path / "x.mcu"
    for at in (*range(40), *(draw.randrange(len(good)) for _ in range(200)), len(good) - 1):
        bad = bytearray(good)
        bad[at] ^= 1 << draw.randrange(8)
        file.write_bytes(bad)
        with pytest.raises(CaptureError):
            Capture(file)
    file.write_bytes(good + b"\0")
    with pytest.raises(CaptureError, match="something follows its end"):
        Capture(file)


def rebuilt(good: Path, change: Callable[[bytes, bytes], bytes]) -> bytes:
    """The capture with other contents and checksums that fit."""
    reader, file = CaptureReader(good), io.BytesIO()
    writer = CaptureWriter(file)
    for kind in (HEAD, ELF, EVENTS, TAIL, PRINTED, END):
        for content in reader.chunks(kind):
            writer.add(kind, change(kind, content))
    return file.getvalue()


@pytest.mark.parametrize("wanted", [HEAD, ELF, EVENTS, TAIL])
def test_damage_behind_a_checksum_that_fits_is_one_clear_line(
    wanted: bytes, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuilt(small, lambda _, content: content) == small.read_bytes()
    draw, seen = random.Random(wanted), set()
    for _ in range(40):

        def change(kind: bytes, content: bytes) -> bytes:
            if kind != wanted:
                return content
            bad = bytearray(content)
            for _ in range(draw.choice((1, 3, 20))):
                bad[draw.randrange(min(len(bad), draw.choice((200, len(bad)))))] = draw.randrange(
                    256
                )
            return bytes(bad[: draw.choice((len(bad), len(bad), draw.randrange(len(bad))))])

        file = tmp_path / "x.mcu"
        file.write_bytes(rebuilt(small, change))
        status = main(["replay", str(file), "--format", "json"])
        error = capsys.readouterr().err
        assert "internal error" not in error
        assert "Traceback" not in error
        assert status in (ExitCode.OK, ExitCode.PROGRAM_FAILED, ExitCode.USAGE, ExitCode.FAULT)
        if status == ExitCode.USAGE:
            assert error.count("\n") == 1
        seen.add(status)
    assert ExitCode.USAGE in seen


def test_a_chunk_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    payload = zlib.compress(bytes(64 << 20))
    checksum = zlib.crc32(payload, zlib.crc32(HEAD, 0))
    head = MAGIC + struct.pack("<I", VERSION) + struct.pack("<4sII", HEAD, len(payload), checksum)
    end = zlib.compress(b"")
    tail = struct.pack("<4sII", END, len(end), zlib.crc32(end, zlib.crc32(END, 1))) + end
    text = refused(tmp_path / "x.mcu", head + payload + tail, capsys)
    assert "cannot be decompressed" in text
