"""What commands that keep results in a store share: the option, and the open store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from simcore.extras import require

if TYPE_CHECKING:
    from simcore.store.database import ResultStore

store_option = click.option(
    "--store",
    metavar="FILE|URL",
    help="Keep results in a file of SQLite or another database, and run nothing whose result is"
    " there: see 'mcusim results'. Needs the extra mcusim[store].",
)


@contextmanager
def opened_store(
    text: str | None, command: str, *, create: bool = True
) -> Iterator[ResultStore | None]:
    """The store that a command was told of, None when it was told none. Raises ConfigError.

    What there is to say of where it lies goes to stderr.
    """
    if text is None:
        yield None
        return
    with needed_store(text, command, create=create) as store:
        yield store


@contextmanager
def needed_store(text: str, command: str, *, create: bool = True) -> Iterator[ResultStore]:
    """As :func:`opened_store`, of one that has to be."""
    require("store", command)
    from simcore.cache import open_room
    from simcore.cli.running import tell_line
    from simcore.store.database import open_store

    store = open_store(text, create=create, room=open_room())
    try:
        for warning in store.warnings:
            tell_line(f"warning: {warning}")
        yield store
    finally:
        store.close()
