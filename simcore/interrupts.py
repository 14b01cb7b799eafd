"""Ctrl-C of the command: the first one interrupts it, a second waits for what that ends, a third
kills."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
#: What is left behind the last line takes a moment; what hangs is killed then.
SHUTDOWN_S = 5
_KILLS = 3
#: So much later one is heard again that Python dropped.
AGAIN_S = 0.01

_heard = 0
_told = False


def hear(_number: int, _frame: FrameType | None) -> None:
    """The handler of a command that runs. To raise into what already cleans up would leave a part
    of it behind, and a traceback of whatever it was about."""
    global _heard
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
    threading.Timer(AGAIN_S, os.kill, (os.getpid(), signal.SIGINT)).start()


def _is_cleaning_up() -> bool:
    """Whether what runs is the end of something that was interrupted."""
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return _told or error is not None


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
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.alarm(SHUTDOWN_S)


def leave_at_once(_number: int, _frame: FrameType | None) -> NoReturn:
    """The handler where nothing is open yet, or all is written."""
    if not _told:
        os.write(2, b"mcusim: error: interrupted\n")
    os._exit(INTERRUPTED)
