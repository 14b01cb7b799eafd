"""The exit codes of the command and the one exception family that carries them.

A message is one line: what is wrong, where (file, symbol, address), what to do. Whoever raises an
error writes the whole line; the command line only prints it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from itertools import islice


class ExitCode(IntEnum):
    """Status of the `mcusim` process."""

    OK = 0
    PROGRAM_FAILED = 1  # the program under test failed
    USAGE = 2  # usage, configuration or input error
    REGRESSION = 3  # a regression against a baseline or a broken limit
    FAULT = 4  # a fault in the simulated program or an instruction the model does not know
    LIMIT = 5  # an instruction or time limit reached without the program ending
    INTERRUPTED = 130  # Ctrl-C: 128 + SIGINT, as shells report it


class McusimError(Exception):
    """Base of all errors that mcusim raises on purpose."""

    exit_code: ExitCode = ExitCode.USAGE


class ElfError(McusimError):
    """An ELF file that cannot be read or cannot run on a Cortex-M."""


class ModelError(McusimError):
    """An unknown, broken or incomplete CPU model."""


class ConfigError(McusimError):
    """An option, a path or a combination of settings that cannot work."""


class NetworkError(McusimError):
    """A file of a network that cannot be read, or a network that cannot be run."""


class UnknownInstructionError(McusimError):
    """An instruction that the model does not know."""

    exit_code = ExitCode.FAULT


class CaptureError(McusimError):
    """A file that is no capture, or a damaged or newer one."""


class CoreError(McusimError):
    """A failure inside the C core or of the engine under it."""

    exit_code = ExitCode.FAULT


#: Names of a foreign file are compared up to so many characters, and so many of them: to compare
#: takes the product of both lengths.
_LONGEST_NAME, _MOST_NAMES = 200, 20_000


def nearest(name: str, known: Iterable[str], most: int = 1) -> str:
    """Return "; did you mean 'x'?" for the known name closest to `name`, "" when none is close.

    With `most` above 1 it names up to so many: "; did you mean 'x', 'y' or 'z'?".
    """
    import difflib  # 5 ms that only an error pays

    if len(name) > _LONGEST_NAME:
        return ""
    short = islice((each for each in known if len(each) <= _LONGEST_NAME), _MOST_NAMES)
    by_folded = {candidate.casefold(): candidate for candidate in short}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=most)
    names = [f"'{by_folded[folded]}'" for folded in close]
    if not names:
        return ""
    return f"; did you mean {' or '.join([', '.join(names[:-1]), names[-1]][len(names) < 2 :])}?"
