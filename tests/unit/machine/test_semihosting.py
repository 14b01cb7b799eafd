"""Semihosting on plain memory: what each operation answers, and that no argument breaks the host.

Operation numbers, parameter blocks and results are those of Arm's semihosting specification.
"""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.machine import semihosting
from simcore.machine.semihosting import FAILED, HeapInfo, ProgramExit, Semihosting

BASE, SIZE = 0x2000_0000, 0x3000
BLOCK, TEXT, BUFFER = BASE + 0x100, BASE + 0x200, BASE + 0x800
OPEN, CLOSE, WRITEC, WRITE0, WRITE, READ, READC, ISERROR = range(1, 9)
ISTTY, SEEK, FLEN, TMPNAM, REMOVE, RENAME = 9, 0x0A, 0x0C, 0x0D, 0x0E, 0x0F
CLOCK, TIME, SYSTEM, ERRNO, GET_CMDLINE, HEAPINFO = 0x10, 0x11, 0x12, 0x13, 0x15, 0x16
EXIT, EXIT_EXTENDED, ELAPSED, TICKFREQ = 0x18, 0x20, 0x30, 0x31
READ_MODE, READ_PLUS, WRITE_MODE, APPEND_MODE = 0, 2, 4, 8
EACCES, EBADF, EFAULT = 13, 9, 14
CLOCK_HZ = 200_000_000


class Ram:
    """One writable region."""

    def __init__(self) -> None:
        self.data = bytearray(SIZE)

    def read(self, address: int, size: int) -> bytes | None:
        start = address - BASE
        return bytes(self.data[start : start + size]) if 0 <= start <= SIZE - size else None

    def write(self, address: int, data: bytes) -> bool:
        start = address - BASE
        if not 0 <= start <= SIZE - len(data):
            return False
        self.data[start : start + len(data)] = data
        return True


class Host:
    """A Semihosting with its RAM and streams, and calls that fill the parameter block."""

    def __init__(self, folder: Path | None = None, stdin: bytes = b"", cycles: int = 0) -> None:
        self.ram = Ram()
        self.out = io.BytesIO()
        self.service = Semihosting(
            self.ram,
            lambda: cycles,
            CLOCK_HZ,
            command_line="demo.elf -v 3",
            heap=HeapInfo(1, 2, 3, 4),
            stdin=io.BytesIO(stdin),
            stdout=self.out,
            folder=folder,
        )

    def call(self, operation: int, *words: int) -> int | ProgramExit:
        self.ram.write(BLOCK, b"".join(word.to_bytes(4, "little") for word in words))
        return self.service.call(operation, BLOCK)

    def open(self, name: bytes, mode: int) -> int | ProgramExit:
        self.ram.write(TEXT, name + b"\0")
        return self.call(OPEN, TEXT, mode, len(name))

    def words(self, address: int, count: int) -> list[int]:
        data = self.ram.read(address, 4 * count)
        assert data is not None
        return [int.from_bytes(data[4 * i : 4 * i + 4], "little") for i in range(count)]

    @property
    def errno(self) -> int | ProgramExit:
        return self.call(ERRNO)


def handle_of(result: int | ProgramExit) -> int:
    assert isinstance(result, int)
    assert result != FAILED
    return result


def test_write0_prints_up_to_the_nul() -> None:
    host = Host()
    host.ram.write(TEXT, b"hello\nworld\0behind")
    host.service.call(WRITE0, TEXT)
    assert host.out.getvalue() == b"hello\nworld"


def test_write0_without_a_nul_ends_where_memory_ends() -> None:
    host = Host()
    host.ram.write(BASE, b"x" * SIZE)
    host.service.call(WRITE0, BASE + SIZE - 10)
    assert host.out.getvalue() == b"x" * 10


def test_writec_prints_one_byte() -> None:
    host = Host()
    host.ram.write(TEXT, b"AB")
    host.service.call(WRITEC, TEXT)
    assert host.out.getvalue() == b"A"


def test_tt_opened_to_write_is_the_console() -> None:
    host = Host()
    handle = handle_of(host.open(b":tt", WRITE_MODE))
    host.ram.write(BUFFER, b"out\n")
    assert host.call(WRITE, handle, BUFFER, 4) == 0
    assert host.out.getvalue() == b"out\n"
    assert host.call(ISTTY, handle) == 1
    assert host.call(FLEN, handle) == 0
    assert host.call(CLOSE, handle) == 0
    assert host.call(CLOSE, handle) == FAILED
    assert host.errno == EBADF


def test_tt_opened_to_read_gives_one_line_at_a_time() -> None:
    host = Host(stdin=b"one\ntwo\n")
    handle = handle_of(host.open(b":tt", READ_MODE))
    assert host.call(READ, handle, BUFFER, 100) == 96  # bytes not read
    assert host.ram.read(BUFFER, 4) == b"one\n"
    assert host.call(READ, handle, BUFFER, 2) == 0
    assert host.ram.read(BUFFER, 2) == b"tw"
    assert host.call(READ, handle, BUFFER, 100) == 98
    assert host.call(READ, handle, BUFFER, 100) == 100  # the end


def test_readc_gives_bytes_and_then_minus_one() -> None:
    host = Host(stdin=b"Z")
    assert host.service.call(READC, 0) == ord("Z")
    assert host.service.call(READC, 0) == FAILED


def test_the_features_file_offers_exit_extended_and_stderr() -> None:
    host = Host()
    handle = handle_of(host.open(b":semihosting-features", READ_MODE))
    assert host.call(FLEN, handle) == 5
    assert host.call(READ, handle, BUFFER, 5) == 0
    assert host.ram.read(BUFFER, 5) == b"SHFB\x03"
    assert host.call(SEEK, handle, 4) == 0
    assert host.call(READ, handle, BUFFER, 2) == 1
    assert host.call(ISTTY, handle) == 0


def test_times_are_modelled_and_start_at_zero() -> None:
    host = Host(cycles=3 * CLOCK_HZ + CLOCK_HZ // 2)
    assert host.service.call(CLOCK, 0) == 350  # centiseconds
    assert host.service.call(TIME, 0) == 3  # seconds
    assert host.service.call(TICKFREQ, 0) == CLOCK_HZ
    assert host.service.call(ELAPSED, BLOCK) == 0
    assert host.words(BLOCK, 2) == [700_000_000, 0]


def test_elapsed_is_64_bits_wide() -> None:
    host = Host(cycles=(7 << 32) + 5)
    host.service.call(ELAPSED, BLOCK)
    assert host.words(BLOCK, 2) == [5, 7]


def test_the_command_line_comes_with_its_length() -> None:
    host = Host()
    assert host.call(GET_CMDLINE, BUFFER, 80) == 0
    assert host.ram.read(BUFFER, 14) == b"demo.elf -v 3\0"
    assert host.words(BLOCK + 4, 1) == [13]


def test_a_command_line_longer_than_the_buffer_is_not_written() -> None:
    host = Host()
    assert host.call(GET_CMDLINE, BUFFER, 13) == FAILED
    assert host.ram.read(BUFFER, 1) == b"\0"


def test_heapinfo_stores_four_words_at_the_address_in_the_block() -> None:
    host = Host()
    assert host.call(HEAPINFO, BUFFER) == 0
    assert host.words(BUFFER, 4) == [1, 2, 3, 4]


def test_exit_is_told_by_its_reason() -> None:
    host = Host()
    assert host.service.call(EXIT, 0x20026) == ProgramExit(0)
    assert host.service.call(EXIT, 0x20024) == ProgramExit(1, "internal error")
    assert host.service.call(EXIT, 5) == ProgramExit(1, "reason 0x5")


def test_exit_extended_carries_the_code() -> None:
    host = Host()
    assert host.call(EXIT_EXTENDED, 0x20026, 42) == ProgramExit(42)
    assert host.call(EXIT_EXTENDED, 0x20026, 0xFFFF_FFFF) == ProgramExit(-1)
    stop = "run-time error, such as abort() or a failed assertion"
    assert host.call(EXIT_EXTENDED, 0x20023, 0) == ProgramExit(1, stop)


def test_iserror_looks_at_the_sign() -> None:
    host = Host()
    assert host.call(ISERROR, FAILED) == 1
    assert host.call(ISERROR, 7) == 0


def test_host_files_are_refused_when_no_folder_is_open() -> None:
    host = Host()
    assert host.open(b"/etc/passwd", READ_MODE) == FAILED
    assert host.errno == EACCES
    assert any("/etc/passwd" in warning for warning in host.service.warnings)


@pytest.mark.parametrize("operation", [REMOVE, RENAME, TMPNAM, SYSTEM])
def test_calls_that_change_the_host_are_refused(operation: int, tmp_path: Path) -> None:
    host = Host(folder=tmp_path)
    (tmp_path / "kept").write_bytes(b"")
    host.ram.write(TEXT, b"kept\0")
    assert host.call(operation, TEXT, 4, TEXT, 4) == FAILED
    assert (tmp_path / "kept").exists()


def test_a_file_of_the_open_folder_is_written_and_read_back(tmp_path: Path) -> None:
    host = Host(folder=tmp_path)
    handle = handle_of(host.open(b"log.txt", WRITE_MODE))
    host.ram.write(BUFFER, b"0123456789")
    assert host.call(WRITE, handle, BUFFER, 10) == 0
    host.call(CLOSE, handle)
    assert (tmp_path / "log.txt").read_bytes() == b"0123456789"
    handle = handle_of(host.open(b"log.txt", READ_PLUS))
    assert host.call(FLEN, handle) == 10
    assert host.call(SEEK, handle, 7) == 0
    assert host.call(READ, handle, BUFFER, 8) == 5
    assert host.ram.read(BUFFER, 3) == b"789"
    assert host.call(ISTTY, handle) == 0


def test_a_file_opened_to_append_keeps_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"a")
    host = Host(folder=tmp_path)
    handle = handle_of(host.open(b"log", APPEND_MODE))
    host.ram.write(BUFFER, b"b")
    host.call(WRITE, handle, BUFFER, 1)
    assert (tmp_path / "log").read_bytes() == b"ab"


def test_a_write_to_a_file_opened_to_read_fails(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"a")
    host = Host(folder=tmp_path)
    handle = handle_of(host.open(b"log", READ_MODE))
    assert host.call(WRITE, handle, BUFFER, 1) == FAILED
    assert (tmp_path / "log").read_bytes() == b"a"


@pytest.mark.parametrize("name", [b"../secret", b"link", b"sub/../../secret", b"inside/secret"])
def test_no_path_leads_out_of_the_open_folder(name: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    opened = tmp_path / "opened"
    (opened / "sub").mkdir(parents=True)
    (opened / "link").symlink_to(tmp_path / "secret")
    (opened / "inside").symlink_to(tmp_path)
    host = Host(folder=opened)
    assert host.open(name, READ_MODE) == FAILED
    assert host.errno == EACCES
    assert host.open(os.fsencode(tmp_path / "secret"), WRITE_MODE) == FAILED
    assert (tmp_path / "secret").read_bytes() == b"s"


def test_a_loop_of_links_in_the_folder_is_an_error_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    host = Host(folder=tmp_path)
    assert host.open(b"loop", READ_MODE) == FAILED
    assert host.errno == errno.ELOOP


def test_a_pipe_in_the_folder_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    host = Host(folder=tmp_path)
    assert host.open(b"pipe", READ_MODE) == FAILED


def test_a_length_of_four_gigabytes_moves_what_there_is() -> None:
    host = Host()
    handle = handle_of(host.open(b":tt", WRITE_MODE))
    start = BASE + SIZE - 16
    assert host.call(WRITE, handle, start, 0xFFFF_FFFF) == 0xFFFF_FFFF - 16
    assert len(host.out.getvalue()) == 16
    assert host.errno == EFAULT
    assert host.open(b"x", READ_MODE) == FAILED
    assert host.call(OPEN, TEXT, READ_MODE, 0xFFFF_FFFF) == FAILED


def test_a_parameter_block_outside_memory_fails() -> None:
    host = Host()
    assert host.service.call(WRITE, 0xFFFF_FFFC) == FAILED
    assert host.errno == EFAULT


def test_handles_run_out_instead_of_the_host() -> None:
    host = Host()
    results = [host.open(b":tt", WRITE_MODE) for _ in range(100)]
    assert results[63:] == [64] + [FAILED] * 36


def test_a_closed_host_stream_is_an_error_of_the_call() -> None:
    host = Host()
    host.out.close()
    assert host.service.call(WRITE0, TEXT) in (0, FAILED)
    host.ram.write(TEXT, b"x\0")
    assert host.service.call(WRITE0, TEXT) == FAILED
    host.service.close()


words = st.one_of(
    st.integers(0, 0xFFFF_FFFF),
    st.sampled_from([0, 1, 2, BLOCK, TEXT, BUFFER, BASE + SIZE - 1, 0xFFFF_FFFF, 0x8000_0000]),
)


@given(
    calls=st.lists(st.tuples(st.integers(0, 0x40), words, st.lists(words, max_size=4)), max_size=8)
)
def test_no_call_with_any_arguments_raises(calls: list[tuple[int, int, list[int]]]) -> None:
    host = Host(stdin=b"some input\n")
    for operation, parameter, block in calls:
        host.ram.write(BLOCK, b"".join(word.to_bytes(4, "little") for word in block))
        result = host.service.call(operation, parameter)
        assert isinstance(result, ProgramExit) or 0 <= result <= 0xFFFF_FFFF
    host.service.close()


def test_what_a_program_puts_into_the_open_folder_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semihosting, "_MOST_NEW_FILES", 2)
    monkeypatch.setattr(semihosting, "_MOST_WRITTEN", 100)
    (tmp_path / "old").write_bytes(b"x")
    host = Host(folder=tmp_path)
    handle = handle_of(host.open(b"a", WRITE_MODE))
    handle_of(host.open(b"b", WRITE_MODE))
    handle_of(host.open(b"old", WRITE_MODE))  # is there already
    assert host.open(b"c", WRITE_MODE) == FAILED
    assert host.errno == errno.ENOSPC
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "old"]
    assert host.call(SEEK, handle, 101) == FAILED
    assert host.call(SEEK, handle, 0) == 0
    assert host.call(WRITE, handle, TEXT, 90) == 0
    assert host.call(WRITE, handle, TEXT, 20) == FAILED
    assert (tmp_path / "a").stat().st_size == 90
    assert [text.partition(";")[0] for text in host.service.warnings] == [
        "--semihost-dir: a program makes no more files there",
        "--semihost-dir: a program writes no more than 0 MiB there",
    ]
