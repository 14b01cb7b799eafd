"""Arm semihosting: what a program asks of its host with BKPT 0xAB, on plain memory and streams.

Operations and their parameters follow "Semihosting for AArch32 and AArch64" (Arm, ABI release).
Time is the modelled time of the program, so two runs give the same answers; SYS_TIME counts from
0, the start of 1970. Nothing of the host is reachable but the two streams and, when one is given,
one folder. A call with a bad pointer, handle or length fails with an error number, it never raises.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from simcore.files import without_links
from simcore.log_text import shortened
from simcore.machine.semihosting_files import (
    Console,
    File,
    FixedFile,
    FolderFullError,
    FolderRoom,
    HostFile,
    Input,
    Output,
)
from simcore.records import dataclass

FAILED = 0xFFFF_FFFF  # -1 in R0

_PAGE = 4096  # bytes moved at a time; regions are multiples of it
_LONGEST_PATH = 4096
_LONGEST_STRING = 1 << 20
_MOST_FILES = 64
_MOST_NEW_FILES = 1024  # that it may make in the open folder
_MOST_WRITTEN = 1 << 30  # bytes that it may write there, and of a file
_MOST_WARNINGS = 20
_MOST_NAME = 200  # characters of a file's name in one
_FEATURES = b"SHFB\x03"  # SYS_EXIT_EXTENDED is there, :tt opened to append is stderr
_APPLICATION_EXIT = 0x2_0026
# ADP_Stopped reasons of SYS_EXIT, "Semihosting for AArch32 and AArch64", table of SYS_EXIT (0x18).
_STOP_REASONS = {
    0x2_0000: "branch through zero",
    0x2_0001: "undefined instruction",
    0x2_0002: "software interrupt",
    0x2_0003: "prefetch abort",
    0x2_0004: "data abort",
    0x2_0005: "address exception",
    0x2_0006: "IRQ",
    0x2_0007: "FIQ",
    0x2_0020: "breakpoint",
    0x2_0021: "watchpoint",
    0x2_0022: "step complete",
    0x2_0023: "run-time error, such as abort() or a failed assertion",
    0x2_0024: "internal error",
    0x2_0025: "user interruption",
    0x2_0027: "stack overflow",
    0x2_0028: "division by zero",
    0x2_0029: "a reason of its operating system",
}


class TargetMemory(Protocol):
    """The memory of the simulated machine."""

    def read(self, address: int, size: int) -> bytes | None:
        """`size` bytes, or None when one of them is not memory."""

    def write(self, address: int, data: bytes) -> bool:
        """Store the bytes; False, with nothing stored, when one of them is not writable memory."""


@dataclass(frozen=True, slots=True)
class HeapInfo:
    """What SYS_HEAPINFO answers. Addresses; 0 leaves the program's own choice."""

    heap_base: int = 0
    heap_limit: int = 0
    stack_base: int = 0
    stack_limit: int = 0


@dataclass(frozen=True, slots=True)
class ProgramExit:
    """The program asked to end. `stop` names an abnormal reason, "" for a normal end."""

    code: int
    stop: str = ""


class Semihosting:
    """The host side of one run.

    `cycles` gives the modelled core cycles so far and `clock_hz` their rate. `command_line` answers
    SYS_GET_CMDLINE. `stdin` and `stdout` serve `:tt`: empty and discarded when None. `folder`
    opens one host folder to the program. `warnings` gathers what was refused, once each.
    """

    def __init__(
        self,
        memory: TargetMemory,
        cycles: Callable[[], int],
        clock_hz: int,
        *,
        command_line: str = "",
        heap: HeapInfo | None = None,
        stdin: Input | None = None,
        stdout: Output | None = None,
        folder: Path | None = None,
    ) -> None:
        self._memory = memory
        self._cycles = cycles
        self._clock_hz = clock_hz
        self._command_line = command_line.encode("utf-8", "surrogateescape") + b"\0"
        self._heap = heap or HeapInfo()
        self._stdin = stdin
        self._stdout = stdout
        self.folder = None if folder is None else without_links(folder)
        self._files: dict[int, File] = {}
        self._room = FolderRoom(_MOST_NEW_FILES, _MOST_WRITTEN)
        self._errno = 0
        self.pieces = 0  # calls and pages that were moved: what the host has to do
        self.warnings: dict[str, None] = {}
        self._operations: dict[int, Callable[[int], int | ProgramExit]] = {
            0x01: self._open,
            0x02: self._close,
            0x03: self._writec,
            0x04: self._write0,
            0x05: self._write,
            0x06: self._read,
            0x07: self._readc,
            0x08: self._iserror,
            0x09: self._istty,
            0x0A: self._seek,
            0x0C: self._flen,
            0x0D: self._refuse("SYS_TMPNAM"),
            0x0E: self._refuse("SYS_REMOVE"),
            0x0F: self._refuse("SYS_RENAME"),
            0x10: self._clock,
            0x11: self._time,
            0x12: self._refuse("SYS_SYSTEM"),
            0x13: lambda _: self._errno,
            0x15: self._get_cmdline,
            0x16: self._heapinfo,
            0x18: self._exit,
            0x20: self._exit_extended,
            0x30: self._elapsed,
            0x31: lambda _: self._clock_hz,
        }

    def call(self, operation: int, parameter: int) -> int | ProgramExit:
        """Serve one BKPT 0xAB with R0 = operation and R1 = parameter.

        Returns the value for R0 (0 to 2**32 - 1), or ProgramExit when the program ends.
        """
        self.pieces += 1
        serve = self._operations.get(operation)
        if serve is None:
            self._warn(f"semihosting operation {operation:#x} is not known; it failed")
            return self._fail(errno.ENOSYS)
        try:
            result = serve(parameter)
        except _BadPointerError:
            return self._fail(errno.EFAULT)
        except FolderFullError as error:
            self._warn(f"--semihost-dir: {error.strerror}; the program was told that it failed")
            return self._fail(errno.ENOSPC)
        except OSError as error:
            return self._fail(error.errno or errno.EIO)
        except ValueError:  # a host stream that somebody closed, a path with a NUL
            return self._fail(errno.EINVAL)
        return result if isinstance(result, ProgramExit) else result & 0xFFFF_FFFF

    def close(self) -> None:
        """Close every file the program left open and flush its output."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        if self._stdout is not None:
            try:
                self._stdout.flush()
            except (OSError, ValueError):
                self._warn("the program's output could not be written")

    # --- files ---

    def _open(self, block: int) -> int:
        name_address, mode, length = self._words(block, 3)
        if length > _LONGEST_PATH or mode > 11:
            return self._fail(errno.ENAMETOOLONG if length > _LONGEST_PATH else errno.EINVAL)
        if len(self._files) == _MOST_FILES:
            return self._fail(errno.EMFILE)
        name = os.fsdecode(self._bytes(name_address, length))
        file: File
        if name == ":tt":
            file = Console(self._stdin if mode < 4 else None, self._stdout if mode >= 4 else None)
        elif name == ":semihosting-features":
            if mode > 1:
                return self._fail(errno.EACCES)
            file = FixedFile(_FEATURES)
        else:
            file = self._host_file(name, mode)
        handle = next(
            number for number in range(1, len(self._files) + 2) if number not in self._files
        )
        self._files[handle] = file
        return handle

    def _host_file(self, name: str, mode: int) -> File:
        if self.folder is None:
            self._warn(
                f"the program asked for host file {_shown(name)}; --semihost-dir opens its folder"
            )
            raise PermissionError(errno.EACCES, "no folder is open")
        try:
            return HostFile(self.folder, name, mode, self._room)
        except PermissionError as error:
            self._warn(f"host file {_shown(name)} was refused: {error.strerror}")
            raise

    def _close(self, block: int) -> int:
        (handle,) = self._words(block, 1)
        self._file(handle).close()
        del self._files[handle]
        return 0

    def _write(self, block: int) -> int:
        handle, address, left = self._words(block, 3)
        file = self._file(handle)
        for data in self._chunks(address, left):
            file.write(data)
            left -= len(data)
        if left:
            self._errno = errno.EFAULT
        return left

    def _read(self, block: int) -> int:
        handle, address, left = self._words(block, 3)
        file = self._file(handle)
        while left:
            self.pieces += 1
            size = min(left, _PAGE - address % _PAGE)
            if self._memory.read(address, size) is None:
                self._errno = errno.EFAULT
                break
            data = file.read(size)
            if data and not self._memory.write(address, data):
                self._errno = errno.EFAULT
                break
            left -= len(data)
            address += len(data)
            if len(data) < size:
                break
        return left

    def _istty(self, block: int) -> int:
        return int(isinstance(self._file(*self._words(block, 1)), Console))

    def _seek(self, block: int) -> int:
        handle, position = self._words(block, 2)
        self._file(handle).seek(position)
        return 0

    def _flen(self, block: int) -> int:
        return self._file(*self._words(block, 1)).length()

    def _file(self, handle: int) -> File:
        if handle not in self._files:
            raise OSError(errno.EBADF, "no such handle")
        return self._files[handle]

    # --- console ---

    def _writec(self, address: int) -> int:
        self._print(self._bytes(address, 1))
        return 0

    def _write0(self, address: int) -> int:
        for data in self._chunks(address, _LONGEST_STRING):
            text, end, _ = data.partition(b"\0")
            self._print(text)
            if end:
                break
        return 0

    def _readc(self, _: int) -> int:
        data = self._stdin.read(1) if self._stdin is not None else b""
        return data[0] if data else FAILED

    def _print(self, data: bytes) -> None:
        if self._stdout is not None:
            self._stdout.write(data)

    # --- time ---

    def _clock(self, _: int) -> int:
        return self._cycles() * 100 // self._clock_hz

    def _time(self, _: int) -> int:
        return self._cycles() // self._clock_hz

    def _elapsed(self, block: int) -> int:
        self._store(block, self._cycles().to_bytes(8, "little"))
        return 0

    # --- the program and its environment ---

    def _get_cmdline(self, block: int) -> int:
        address, room = self._words(block, 2)
        if len(self._command_line) > room:
            return self._fail(errno.E2BIG)
        self._store(address, self._command_line)
        self._store(block + 4, (len(self._command_line) - 1).to_bytes(4, "little"))
        return 0

    def _heapinfo(self, block: int) -> int:
        (address,) = self._words(block, 1)
        heap = self._heap
        words = (heap.heap_base, heap.heap_limit, heap.stack_base, heap.stack_limit)
        self._store(address, b"".join(word.to_bytes(4, "little") for word in words))
        return 0

    def _exit(self, reason: int) -> ProgramExit:
        return self._ended(reason, 0)

    def _exit_extended(self, block: int) -> ProgramExit:
        return self._ended(*self._words(block, 2))

    def _ended(self, reason: int, code: int) -> ProgramExit:
        if reason == _APPLICATION_EXIT:
            return ProgramExit(code - (1 << 32) if code >> 31 else code)
        return ProgramExit(1, _STOP_REASONS.get(reason, f"reason {reason:#x}"))

    def _iserror(self, block: int) -> int:
        return self._words(block, 1)[0] >> 31

    def _refuse(self, name: str) -> Callable[[int], int]:
        def refused(_: int) -> int:
            self._warn(f"semihosting call {name} is refused")
            return self._fail(errno.EACCES)

        return refused

    def _warn(self, text: str) -> None:
        if len(self.warnings) < _MOST_WARNINGS:
            self.warnings[text] = None

    def _fail(self, number: int) -> int:
        self._errno = number
        return FAILED

    # --- memory ---

    def _bytes(self, address: int, size: int) -> bytes:
        data = self._memory.read(address, size) if size else b""
        if data is None:
            raise _BadPointerError
        return data

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        data = self._bytes(address, 4 * count)
        return tuple(int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4))

    def _store(self, address: int, data: bytes) -> None:
        if not self._memory.write(address, data):
            raise _BadPointerError

    def _chunks(self, address: int, size: int) -> Iterator[bytes]:
        """The bytes page by page, as far as there is memory."""
        while size:
            self.pieces += 1
            step = min(size, _PAGE - address % _PAGE)
            data = self._memory.read(address, step)
            if data is None:
                return
            yield data
            address += step
            size -= step


def _shown(name: str) -> str:
    """A name that the program chose, as a message has it."""
    return shortened(repr(name), _MOST_NAME)


class _BadPointerError(Exception):
    """An address from the program that is not memory."""
