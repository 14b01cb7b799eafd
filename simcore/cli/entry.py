"""Where the command `mcusim` begins: Ctrl-C before and behind `main` is one line, too."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: nothing is open yet, or all is written."""
    os.write(2, b"mcusim: error: interrupted\n")
    os._exit(INTERRUPTED)


def run() -> None:
    """Run the command and exit with its status."""
    # Who ignores Ctrl-C (a shell's background job) has it ignored.
    heeds = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeds:
        signal.signal(signal.SIGINT, _leave)
    from simcore.parallel import collect_seldom

    collect_seldom()
    from simcore.cli.main import main  # takes a tenth of a second

    try:
        if heeds:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = main()
        if heeds:
            signal.signal(signal.SIGINT, _leave)
    except KeyboardInterrupt:  # just in front of main's own try, or just behind it
        _leave(signal.SIGINT, None)
    sys.exit(status)
