"""A confined thread is refused what a run of a program has no use for; other threads are free.

Each call is made by its number, with arguments that would not do harm without a sandbox.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from simcore.cli.main import main
from simcore.core import sandbox
from simcore.errors import ConfigError

CHECKOUT = Path(__file__).parents[3]
MARKERS = CHECKOUT / "tests/firmware/prebuilt/markers.elf"
Answer = TypeVar("Answer")

#: asm/unistd_64.h of x86, asm-generic/unistd.h (aarch64): numbers by name of the call.
NUMBERS = {
    "x86_64": {
        "socket": 41, "socketpair": 53, "connect": 42, "bind": 49, "listen": 50, "accept": 43,
        "accept4": 288,
        "sendto": 44, "sendmsg": 46, "sendmmsg": 307, "execve": 59, "execveat": 322, "fork": 57,
        "vfork": 58, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "mount": 165,
        "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308, "bpf": 321,
        "perf_event_open": 298, "tkill": 200, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
        "keyctl": 250, "iopl": 172,
    },
    "aarch64": {
        "socket": 198, "socketpair": 199, "connect": 203, "bind": 200, "listen": 201, "accept": 202,
        "accept4": 242,
        "sendto": 206, "sendmsg": 211, "sendmmsg": 269, "execve": 221, "execveat": 281,
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "mount": 40,
        "umount2": 39,
        "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268, "bpf": 280,
        "perf_event_open": 241, "tkill": 130, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
        "keyctl": 219,
    },
}  # fmt: skip
#: The same on both, of Linux 5.1 and later.
NEW = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "pidfd_open": 434, "pidfd_getfd": 438, "mount_setattr": 442,
}  # fmt: skip
CLONE3 = 435
CLONE = {"x86_64": 56, "aarch64": 220}
IOCTL = {"x86_64": 16, "aarch64": 29}
GETPID, X32 = 39, 0x4000_0000
TIOCSTI = 0x5412

MACHINE = platform.machine()
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or MACHINE not in NUMBERS, reason="the sandbox is Linux's"
)


def on_a_thread(work: Callable[[], Answer]) -> Answer:
    """What it answers, or raises, on a thread of its own, which ends then."""
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]


def call(number: int, *arguments: int) -> int:
    """The error number of a system call, 0 for none."""
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    done = libc.syscall(*(ctypes.c_long(value) for value in (number, *arguments)))
    return ctypes.get_errno() if done == -1 else 0


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sandbox.VARIABLE, "require")


def test_calls_are_refused_with_eperm_on_the_thread_and_on_no_other(required: None) -> None:
    # Bad pointers and descriptors (-1): what is not refused fails with EFAULT, EBADF or EINVAL.
    bad = (-1, -1, -1, 0, 0)

    def refused() -> dict[str, int]:
        assert sandbox.confine(None) & sandbox.CALLS
        found = {name: call(number, *bad) for name, number in (NUMBERS[MACHINE] | NEW).items()}
        found["kill of another"] = call({"x86_64": 62, "aarch64": 129}[MACHINE], os.getppid(), 0)
        found["clone of a process"] = call(CLONE[MACHINE], signal.SIGCHLD, 0, 0, 0, 0)
        found["typing into a terminal"] = call(IOCTL[MACHINE], -1, TIOCSTI, 0)
        if MACHINE == "x86_64":
            found["another ABI"] = call(X32 | GETPID)
        return found

    assert {name: number for name, number in on_a_thread(refused).items() if number != 1} == {}
    assert errno.EPERM == 1
    socket.socket().close()  # this thread is free
    os.kill(os.getppid(), 0)


def test_threads_signals_to_itself_and_open_files_go_on(required: None, tmp_path: Path) -> None:
    with (tmp_path / "report").open("w") as report:

        def work() -> int:
            sandbox.confine(None)
            os.kill(os.getpid(), 0)
            assert call(CLONE3, 0, 0) == errno.ENOSYS  # the C library takes clone() then
            report.write(f"{on_a_thread(lambda: 42)}")
            return call(CLONE3, 0, 0)

        on_a_thread(work)
    assert (tmp_path / "report").read_text() == "42"


def test_what_a_confined_thread_starts_is_confined(required: None) -> None:
    def work() -> int:
        sandbox.confine(None)
        return on_a_thread(lambda: call(NUMBERS[MACHINE]["socket"], 2, 1, 0))

    assert on_a_thread(work) == errno.EPERM


def test_what_lies_above_the_package_is_not_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    above = [str(folder) for folder in CHECKOUT.parents]
    monkeypatch.setattr(sys, "path", [*sys.path, str(CHECKOUT), *above])
    readable = set(sandbox._readable())
    assert readable.isdisjoint(above)
    assert {str(CHECKOUT), str(CHECKOUT / "simcore"), sys.base_prefix} <= readable


def test_paths_are_those_of_python_and_the_folder(required: None, tmp_path: Path) -> None:
    folder, secret = tmp_path / "open", tmp_path / "secret"
    folder.mkdir()
    secret.write_text("kept")

    def work() -> bool:
        if not sandbox.confine(folder) & sandbox.PATHS:
            return False
        (folder / "out").write_text("written")
        assert (folder / "out").read_text() == "written"
        assert Path(os.__file__).read_bytes()
        for refused in (secret.read_text, lambda: secret.write_text(""), secret.unlink):
            with pytest.raises(PermissionError):
                refused()
        with pytest.raises(PermissionError):
            (tmp_path / "new").write_text("")
        return True

    if not on_a_thread(work):
        assert ctypes.CDLL(None).syscall(444, 0, 0, 1) < 1, "Landlock is there and was not used"
    assert secret.read_text() == "kept"
    assert (tmp_path / "new").write_text("x") == 1


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that has no filters."""
    monkeypatch.setattr(sandbox, "_enter", lambda folder: (0, "function not implemented"))
    monkeypatch.setattr(sandbox, "_told", False)


def test_where_nothing_can_be_denied_require_ends_in_a_line_and_auto_says_one(
    without: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    why = "this system does not let a thread deny itself system calls (function not implemented)"
    monkeypatch.setenv(sandbox.VARIABLE, "auto")
    assert [sandbox.confine(None), sandbox.confine(None)] == [0, 0]
    assert capsys.readouterr().err == f"mcusim: the program runs without a sandbox: {why}\n"
    monkeypatch.delenv(sandbox.VARIABLE)
    assert sandbox.confine(None) == 0
    assert capsys.readouterr().err == ""
    assert main(["profile", str(MARKERS), "--no-cache", "--sandbox", "require"]) == 2
    text = f"--sandbox require: {why}; --sandbox auto runs the program all the same"
    assert capsys.readouterr().err == f"mcusim: error: {text}\n"
    assert sandbox.VARIABLE not in os.environ  # the option ends with its command


def test_another_choice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sandbox.VARIABLE, "yes")
    with pytest.raises(ConfigError, match=r"^MCUSIM_SANDBOX=yes: it is auto, require or off$"):
        sandbox.asked()


def test_a_run_is_the_same_with_and_without(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    def run(choice: str) -> tuple[bytes, bytes]:
        command = ["profile", str(MARKERS), "--no-cache", "--format", "json", "--sandbox", choice]
        assert main(command) == 0
        out, err = capsysbinary.readouterr()
        return out, err

    assert run("require") == run("off")


def test_bytecode_that_a_confined_thread_cannot_write_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import importlib.util

    source = tmp_path / "made_up.py"
    source.write_text("VALUE = 1\n")
    name = "simcore.made_up"
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None
    assert spec.cached is not None
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setitem(sys.modules, name, importlib.util.module_from_spec(spec))
    sandbox.keep_bytecode({name})
    assert not Path(spec.cached).exists()
    sandbox.keep_bytecode(set())
    assert Path(spec.cached).exists()
