"""Ctrl-C of the command: the first one interrupts it, a second waits for what that ends, a third
kills. SIGTERM and SIGHUP are heard as Ctrl-C is, with exit statuses of their own."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
#: What a CI sends to a job that it stops, and a terminal that is closed to what runs in it.
ENDING = (signal.SIGTERM, signal.SIGHUP)
#: What is left behind the last line takes a moment; what hangs is killed then.
SHUTDOWN_S = 5
_KILLS = 3
#: So much later one is heard again that Python dropped.
AGAIN_S = 0.01

_heard = 0
_told = False
_number: int = signal.SIGINT  # of the first that was heard


def hear_ending() -> None:
    """Hear what else ends a command, unless whoever started it has it ignored, as nohup."""
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, hear)


def status() -> int:
    """The exit status of a command that was interrupted: 130, 143 by SIGTERM, 129 by SIGHUP."""
    return 128 + _number


def hear(number: int, _frame: FrameType | None) -> None:
    """The handler of a command that runs. To raise into what already cleans up would leave a part
    of it behind, and a traceback of whatever it was about."""
    global _heard, _number
    if _heard == 0:
        _number = number
    _heard += 1
    if _heard >= _KILLS:
        leave_at_once(_number, _frame)
    if _heard == 1 or not _is_cleaning_up():
        raise KeyboardInterrupt


def hear_again(dropped: UnraisableHookArgs) -> None:
    """The hook for what Python drops: an exception out of a callback of its own, of which each
    import has one. An interrupt that came in one would be lost."""
    if dropped.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(dropped)
        return
    import threading

    global _heard
    _heard -= 1
    threading.Timer(AGAIN_S, os.kill, (os.getpid(), _number)).start()


def _is_cleaning_up() -> bool:
    """Whether what runs is the end of something that was interrupted."""
    return _told or is_of_interrupt(sys.exception())


def is_of_interrupt(error: BaseException | None) -> bool:
    """Whether an error is an interrupt, or came up while one was on its way: one that comes in the
    middle of the locks of `threading` ends as a RuntimeError of theirs."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def resume() -> None:
    """What was interrupted goes on, to a result of what there is: the next one interrupts that."""
    global _heard
    _heard = 0


def tell() -> None:
    """The command ends and says so now: others are not heard any more."""
    global _heard, _told
    _heard, _told = max(_heard, 1), True


def end() -> None:
    """All is written; the process is about to end, soon."""
    # Python gives signals that it has handlers for back to the system, where they kill.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in ENDING:
        if signal.getsignal(number) is hear:
            signal.signal(number, signal.SIG_DFL)
    signal.alarm(SHUTDOWN_S)


def leave_at_once(number: int, _frame: FrameType | None) -> NoReturn:
    """The handler where nothing is open yet, or all is written."""
    if not _told:
        with suppress(OSError):  # nobody reads it
            os.write(2, b"mcusim: error: interrupted\n")
    os._exit(128 + number)
