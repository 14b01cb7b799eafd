"""Addresses of source lines where their repository can be read, from a template of the user."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

from simcore.errors import ConfigError, nearest
from simcore.log_text import one_line
from simcore.repository import Checkout, commit_here, is_own

PLACEHOLDERS = ("commit", "path", "line")
EXAMPLE = "https://HOST/REPO/blob/{commit}/{path}#L{line}"
_SHOWN = 60  # characters of a template in a message
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

#: The address of a line of a file as debug information names it; empty when it has none.
Links = Callable[[str | None, int | None], str]


def unlinked(file: str | None, line: int | None) -> str:
    """No line has an address."""
    return ""


def checked_template(template: str) -> str:
    """The template, if it is one. Raises ConfigError, in one line, for any other text."""
    shown = one_line(template)[:_SHOWN]
    if any(c.isspace() or not c.isprintable() or c in "\"'<>\\`" for c in template):
        raise ConfigError(f"'{shown}' holds a character that no address has; such as {EXAMPLE}")
    try:
        place = urlsplit(template)
    except ValueError as error:
        raise ConfigError(f"'{shown}' is no address: {error}; such as {EXAMPLE}") from None
    if place.scheme not in ("http", "https") or not place.hostname or "{" in place.netloc:
        raise ConfigError(f"'{shown}' does not begin with https:// and a host; such as {EXAMPLE}")
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            close = nearest(name, PLACEHOLDERS) or f"; there are {_named(PLACEHOLDERS)}"
            raise ConfigError(f"'{shown}' has the unknown placeholder {{{one_line(name)}}}{close}")
    if set("{}") & set(_PLACEHOLDER.sub("", template)):
        raise ConfigError(f"'{shown}' has a single brace; placeholders are {_named(PLACEHOLDERS)}")
    if "{path}" not in template:
        raise ConfigError(f"'{shown}' lacks {{path}}, the file; such as {EXAMPLE}")
    return template


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


class SourceLinks:
    """Addresses of the lines of files in the repository around the working folder.

    ``commit`` stands for what is checked out there when None; ``program`` helps to find files that
    were named on another machine. Raises ConfigError when the template asks for a commit and there
    is none.
    """

    def __init__(
        self, template: str, commit: str | None = None, program: str | Path | None = None
    ) -> None:
        self._template = checked_template(template)
        self.differs = False  # files of the repository from its commit
        if commit is None and "{commit}" in template:
            here = commit_here()
            commit, self.differs = here.id, here.changed
            if commit is None:
                raise ConfigError(
                    "--source-url has {commit}, and the working folder is in no repository with"
                    " one: say it with --source-commit"
                )
        self._commit = quote(commit or "", safe="/")
        self._checkout = Checkout(program)
        self._paths: dict[str, str | None] = {}

    def __call__(self, file: str | None, line: int | None) -> str:
        if not file:
            return ""
        if file not in self._paths:
            self._paths[file] = self._path(file)
        path = self._paths[file]
        if path is None:
            return ""
        values = {"commit": self._commit, "path": quote(path, safe="/"), "line": str(line or 1)}
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self._template)

    def _path(self, file: str) -> str | None:
        """A file's path from the root; None of one that is not in the repository."""
        name = self._checkout.name(file)
        return name if is_own(name) and self._checkout.find(file) is not None else None
