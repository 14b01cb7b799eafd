"""What ``--uart`` says of serial ports: which one prints, and what others receive.

``NAME`` is the port whose text is printed, ``off`` is none; ``NAME=FILE`` gives a port the bytes of
a file, ``NAME=-`` those of standard input.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Sequence

from simcore.errors import ConfigError
from simcore.files import read_regular
from simcore.records import dataclass

STANDARD_INPUT = "-"
MAX_BYTES = 16 << 20  # that a port is given: 20 minutes at 115,200 baud are 14 MB


@dataclass(frozen=True, slots=True)
class Uarts:
    """The port that prints, all when None, and (name, source) of those that receive."""

    heard: str | None
    fed: tuple[tuple[str, str], ...]


def parse_uarts(texts: Sequence[str]) -> Uarts:
    """What the texts say. Raises ConfigError for a port that is told twice."""
    heard: str | None = None
    fed: dict[str, tuple[str, str]] = {}
    for text in texts:
        name, equals, source = text.partition("=")
        name = name.strip()
        if not name or (equals and not source):
            raise ConfigError(f"--uart '{text}': not NAME, off, NAME=FILE or NAME=-")
        if equals:
            if name.upper() in fed:
                raise ConfigError(f"--uart {text}: {name.upper()} is given its input twice")
            fed[name.upper()] = name, source
        elif heard is not None:
            raise ConfigError(f"--uart {name}: {heard} is to print already; give one of them")
        else:
            heard = name
    if sum(source == STANDARD_INPUT for _, source in fed.values()) > 1:
        raise ConfigError("--uart: two ports are to receive standard input; give one of them")
    return Uarts(heard, tuple(fed.values()))


_REFUSED = {
    errno.EISDIR: "it is a folder; name a file",
    errno.EINVAL: "it is no regular file; name a file",
    errno.ENXIO: "it is no regular file; name a file",  # a socket
    errno.EFBIG: f"more than {MAX_BYTES >> 20} MiB; give a shorter one",
}


def read_source(name: str, source: str, standard_input: Callable[[int], bytes] | None) -> bytes:
    """The bytes that a port receives. ``standard_input`` reads so many. Raises ConfigError."""
    where = f"--uart {name}={source}"
    try:
        if source == STANDARD_INPUT:
            if standard_input is None:
                raise ConfigError(f"{where}: there is no standard input here; name a file")
            data = standard_input(MAX_BYTES + 1)
        else:
            data = read_regular(source, MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        reason = getattr(error, "strerror", None) or "it is no path"
        otherwise = f"cannot be read: {reason}"
        raise ConfigError(
            f"{where}: {_REFUSED.get(getattr(error, 'errno', 0), otherwise)}"
        ) from None
    if len(data) > MAX_BYTES:  # of standard input
        raise ConfigError(f"{where}: {_REFUSED[errno.EFBIG]}")
    return data


def input_key(texts: Sequence[str]) -> list[list[str | None]]:
    """What the texts say, files by a hash of what they hold. Raises ConfigError."""
    uarts = parse_uarts(texts)
    fed: list[list[str | None]] = [
        [name.upper(), hashlib.sha256(read_source(name, source, None)).hexdigest()]
        for name, source in uarts.fed
    ]
    return [[uarts.heard], *sorted(fed)]
