"""Where the command `mcusim` begins: Ctrl-C before and behind `main` is one line, too."""

from __future__ import annotations

import gc
import signal
import sys

from simcore import interrupts


def run() -> None:
    """Run the command and exit with its status."""
    # Who ignores Ctrl-C (a shell's background job) has it ignored.
    heeds = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeds:
        signal.signal(signal.SIGINT, interrupts.leave_at_once)
        sys.unraisablehook = interrupts.hear_again
    from simcore.parallel import collect_seldom

    collect_seldom()
    from simcore.cli.main import main  # takes a tenth of a second

    try:
        if heeds:
            signal.signal(signal.SIGINT, interrupts.hear)
        status = main()
        if heeds and status == interrupts.INTERRUPTED:
            interrupts.end()
        elif heeds:
            signal.signal(signal.SIGINT, interrupts.leave_at_once)
    except KeyboardInterrupt:  # just in front of main's own try, or just behind it
        interrupts.leave_at_once(signal.SIGINT, None)
    # The last look for cycles takes a tenth of a short run and finds what ends with the process.
    gc.freeze()
    sys.exit(status)
