"""`mcusim cache`: what is kept between runs, where, and how to get rid of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from simcore.cache import OFF, SIZE_VARIABLE, VARIABLE, Entry, Room, open_room
from simcore.cli.options import text_or_json_option
from simcore.errors import ConfigError
from simcore.files import write_stdout
from simcore.plain import json_text
from simcore.units import count, size


@dataclass(frozen=True, slots=True)
class KindUse:
    """Entries of a kind, and their bytes on disk."""

    kind: str
    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What is kept; ``folder`` is None when the cache is off."""

    folder: str | None
    limit_bytes: int
    entries: int
    bytes: int
    kinds: tuple[KindUse, ...]


@click.command(short_help="Tell what is kept between runs, or remove it.")
@click.option("--clear", is_flag=True, help="Remove all that is kept.")
@text_or_json_option
@click.option("--json", "format_name", flag_value="json", help="The same as --format json.")
def cache(clear: bool, format_name: str) -> None:
    """Tell where mcusim keeps what it found, and how much there is of each kind.

    \b
    mcusim cache
    mcusim cache --clear
    MCUSIM_CACHE=/ci/cache mcusim check
    MCUSIM_CACHE=off mcusim profile kernel.elf

    A profile is read back when its program, files, options and part and mcusim itself are what they
    were; so are reports of profile, whatif and advise, and what --uncertainty found for a check.
    Other runs of a program, by any command, and of its next build find the schedules of code that
    is as it was; so does the replay of its capture. Runs of the same file find its source lines.
    Nothing is kept of a run that was given a folder of the host, asked for standard input, or was
    ended by the host's time. --no-cache of a command goes without.

    MCUSIM_CACHE is the folder, as an absolute path, or off; else it is the user's cache folder.
    MCUSIM_CACHE_SIZE bounds it, such as 256M, 1G if not given; the least recently used goes first.
    """
    room = open_room()
    said = _clear(room) if clear else None
    use = _use(room, list(room.entries()))
    write_stdout(json_text(use) if format_name == "json" else _text(room, use, said))


def _clear(room: Room) -> str:
    try:
        entries, on_disk = room.clear()
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be removed: {error.strerror}") from None
    return f"removed {count(entries)} entries, {size(on_disk)}"


def _use(room: Room, found: Sequence[Entry]) -> CacheUse:
    sizes: dict[str, list[int]] = {}
    for entry in found:
        sizes.setdefault(entry.kind, []).append(entry.size)
    return CacheUse(
        folder=None if room.folder is None else str(room.folder),
        limit_bytes=room.limit_bytes,
        entries=len(found),
        bytes=sum(entry.size for entry in found),
        kinds=tuple(KindUse(kind, len(sizes[kind]), sum(sizes[kind])) for kind in sorted(sizes)),
    )


def _text(room: Room, use: CacheUse, said: str | None) -> str:
    """The folder and its limit, then a row for each kind, or what there is to say instead."""
    if use.folder is None:
        return f"the cache is off ({VARIABLE}={OFF})\n"
    lines = [use.folder, f"at most {size(use.limit_bytes)} ({VARIABLE}, {SIZE_VARIABLE})"]
    if room.trouble is not None:
        lines.append(room.trouble)
    elif said is not None:
        lines.append(said)
    elif not use.entries:
        lines.append("nothing is kept")
    else:
        rows = [("kind", "entries", "on disk")]
        rows += [(one.kind, count(one.entries), size(one.bytes)) for one in use.kinds]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines += [
            f"{kind:<{widths[0]}}  {entries:>{widths[1]}}  {on_disk:>{widths[2]}}"
            for kind, entries, on_disk in rows
        ]
    return "\n".join(lines) + "\n"
