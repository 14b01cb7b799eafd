"""The repository that a command works in, and files as they are named from its root.

Whoever reads a report of a CI sees the checkout from its root, wherever in it the command ran and
on whichever machine the ELF was built: ``C:\\proj\\src\\k.c`` is ``src/k.c`` when that is there.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from simcore.errors import ConfigError
from simcore.files import without_links

#: Where GitHub Actions and GitLab CI say that the checkout is.
VARIABLES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
#: Of a file's name, with all folders: of one with more no tail is looked for.
MOST_PARTS = 100
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def is_windows(path: str) -> bool:
    """Whether a path is an absolute one of Windows."""
    return _WINDOWS.match(path) is not None


def slashes(path: str) -> str:
    """A path with ``/``, one of Windows too."""
    return path.replace("\\", "/") if is_windows(path) else path


def is_own(file: str | None) -> bool:
    """Whether a name that :meth:`Checkout.name` gave is one of the repository's files."""
    return (
        file is not None
        and not file.startswith(("/", "<", "../"))
        and file != ".."
        and not is_windows(file)
    )


def root_of(folder: Path) -> Path:
    """The root of the repository around a folder: what the CI says, else the nearest ``.git``.

    What a variable says counts only for folders in it. The folder itself when there is none.
    """
    here = without_links(folder)
    for variable in VARIABLES:
        said = os.environ.get(variable)
        if said and here.is_relative_to(root := without_links(said)):
            return root
    return next((above for above in (here, *here.parents) if (above / ".git").exists()), here)


def working_folder() -> str | None:
    """The working folder from the root of its repository, None for the root itself."""
    here = Path.cwd().resolve()
    path = here.relative_to(root_of(here)).as_posix()
    return None if path == "." else path


def from_root(file: str, folder: str | None) -> str:
    """A path as seen from the root that is given from ``folder``, None for the root.

    An absolute one outside of the working folder's repository stays as it is.
    """
    if file.startswith("/"):
        path, root = Path(posixpath.normpath(file)), root_of(Path.cwd())
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else file
    if folder is None or is_windows(file):
        return slashes(file)
    return posixpath.normpath(posixpath.join(folder, file))


class Checkout:
    """Names files from the root of the repository around the working folder.

    Files of other machines are found by the tail of their path, the longest first: from the root,
    the working folder, and the folders between the root and ``elf``.
    """

    def __init__(self, elf: str | Path | None = None) -> None:
        here = Path.cwd().resolve()
        self.root = root_of(here)
        beside = [] if elf is None else [without_links(here / elf).parent]
        above = [up for folder in beside for up in (folder, *folder.parents)]
        inside = [folder for folder in above if folder.is_relative_to(self.root)]
        self._folders = list(dict.fromkeys((self.root, here, *beside, *inside)))
        self._found: dict[str, Path | None] = {}

    def name(self, file: str) -> str:
        """A file's path from the root; of one elsewhere the path as recorded, with ``/``."""
        found = self.find(file)
        recorded = slashes(file)
        for path in (found, Path(posixpath.normpath(recorded))):
            if path is not None and path.is_absolute() and path.is_relative_to(self.root):
                return path.relative_to(self.root).as_posix()
        return recorded

    def find(self, file: str) -> Path | None:
        """Where a file lies on this machine, None when it does not."""
        if file not in self._found:
            self._found[file] = next(filter(_is_file, self._places(file)), None)
        return self._found[file]

    def _places(self, file: str) -> Iterator[Path]:
        """Where a file may be, without ``..``; its path here first, then tails of it."""
        recorded = posixpath.normpath(slashes(file))
        if recorded.startswith("<"):  # <built-in> and the like
            return
        path = PurePosixPath(recorded)
        is_absolute = path.is_absolute() or is_windows(file)
        if path.is_absolute() and "\0" not in recorded:
            yield without_links(path)
            yield Path(path)
        if not is_absolute:
            for folder in self._folders:
                yield Path(posixpath.normpath(folder / path))
        parts = [part for part in path.parts[is_absolute:] if part != ".."]
        if len(parts) > MOST_PARTS:
            return
        for start in range(len(parts)):
            for folder in self._folders:
                yield folder.joinpath(*parts[start:])


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long; NUL in it
        return False


# -- commits ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Commit:
    """What is checked out; without a repository all is null."""

    id: str | None
    time: str | None
    """When it was committed, ISO 8601."""
    subject: str | None
    changed: bool = False
    """Whether files differ from it."""


GIT_S = 30  # a repository on a slow disk


def git(*arguments: str, folder: Path | None = None) -> str:
    """What a git command prints. Raises ConfigError with what git says when it fails."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=GIT_S,
            stdin=subprocess.DEVNULL, errors="replace", env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"git {arguments[0]}: {error}") from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise ConfigError(f"git {arguments[0]}: {said}")
    return done.stdout


def commit_here() -> Commit:
    """The commit of the working folder, by git, else by what a CI says."""
    try:
        told = git("log", "-1", "--format=%H%n%cI%n%s").split("\n")
        changed = bool(git("status", "--porcelain", "--untracked-files=no").strip())
        return Commit(told[0], told[1], told[2], changed)
    except ConfigError:  # no git, no repository, or one of another user
        pass
    found = os.environ.get
    return Commit(
        found("GITHUB_SHA") or found("CI_COMMIT_SHA"),
        found("CI_COMMIT_TIMESTAMP"),
        found("CI_COMMIT_TITLE"),
    )
