"""Documents and folders that appear whole or not at all, on stdout or renamed at the end; files
that are read, and end."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from simcore.errors import ConfigError

Document = str | bytes
#: Of a part, a baseline, a linker script and their like.
SMALL_BYTES = 16 << 20
#: Of any other input, as simcore.elf has it.
MOST_BYTES = 1 << 28
#: How the names of files begin that are not whole yet.
UNFINISHED = ".unfinished-"
_MOST_NAME = 180  # bytes of the file's own name in it; 255 are all that a name may have


def without_links(path: str | os.PathLike[str]) -> Path:
    """The absolute path behind all links. A loop of links stays in it: to open it is an OSError.

    Raises ValueError for a NUL. Path.resolve() raises RuntimeError for a loop, up to Python 3.12.
    """
    return Path(os.path.realpath(path))


def kind_of(path: str | os.PathLike[str]) -> int:
    """The mode of what a name leads to; 0 where that is nothing, as the name is no file's."""
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):  # ValueError: NUL
        return 0


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether it is a plain file, or a link to one. `Path.is_file` raises on names too long."""
    return stat.S_ISREG(kind_of(path))


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether it is a folder, or a link to one."""
    return stat.S_ISDIR(kind_of(path))


def read_regular(path: str | os.PathLike[str], most: int = SMALL_BYTES) -> bytes:
    """The bytes of a regular file, which ends, as a device or a pipe need not.

    Raises OSError, for more than ``most`` bytes too.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # who opens a pipe waits for its writer
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        # None of one that would have to be waited for, such as the kernel's log.
        data = b"" if found.st_size > most else file.read(most + 1) or b""
    if max(found.st_size, len(data)) > most:
        raise OSError(errno.EFBIG, f"more than {most} bytes")
    return data


def head_of(path: str | os.PathLike[str], size: int) -> bytes:
    """The first bytes of a regular file; none of a pipe, which would have to be waited for, or
    anything else. Raises OSError, or ValueError for a NUL in the path.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(handle, size) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)


class InputAsOutputError(ConfigError):
    """A document would take the place of a file that it is made from."""


def refuse_inputs(path: str | None, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Raise InputAsOutputError when ``path`` is one of the regular files ``inputs``, by any name.

    A path that is None, ``-`` or not there is none of them.
    """
    target = None if path in (None, "-") else _identity(path)
    for each in inputs if target is not None else ():
        if _identity(each) == target:
            same = "" if os.fspath(each) == path else f" ({os.fspath(each)})"
            raise InputAsOutputError(
                f"{path}: cannot write the output: it is an input of this command{same};"
                " name another file"
            )


def _identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Device and inode of a regular file."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):  # ValueError: a path with NUL
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


@contextmanager
def destination(
    path: str | None, inputs: Iterable[str | os.PathLike[str]] = ()
) -> Iterator[Callable[[Document], None]]:
    """Give a function that writes the document, to stdout when ``path`` is None or ``-``.

    An unwritable path, or one of the files ``inputs``, is refused on entry, before the work is
    done. A file is written beside its
    name and renamed, so that an error on the way leaves what was there. Raises ConfigError.
    """
    if path is None or path == "-":
        yield write_stdout
        return
    refuse_inputs(path, inputs)
    target = Path(path)
    if _is_device(target, path):
        yield lambda document: _write(
            target, path, document
        )  # a device or a pipe cannot be renamed over
        return
    target = Path(os.path.realpath(target))  # a link keeps pointing where it points
    with _beside(target, path) as (_, temporary):

        def write(document: Document) -> None:
            _write(temporary, path, document)
            temporary.replace(target)

        yield write


@contextmanager
def binary_destination(
    path: str, inputs: Iterable[str | os.PathLike[str]] = ()
) -> Iterator[BinaryIO]:
    """Give a file to write to as it comes, stdout when ``path`` is ``-``.

    As `destination`, what is there is replaced when everything is written, and not before.
    Raises ConfigError.
    """
    if path == "-":
        with _whole_stdout() as file:
            yield file
        return
    refuse_inputs(path, inputs)
    target = Path(os.path.realpath(path))
    if _is_device(target, path):
        with _opened(target, path) as file:  # a device or a pipe cannot be renamed over
            yield file
        return
    with _beside(target, path) as (_, temporary):
        with _opened(temporary, path) as file:
            yield file
        temporary.replace(target)


def write_folder(path: str, files: Mapping[str, str], *, force: bool = False) -> None:
    """Write a folder of text files, which appears whole: made beside its name and renamed.

    One that is there must be empty; with ``force`` files of these names in it are replaced, each
    whole, and others stay. Raises ConfigError.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_dir():
            raise ConfigError(f"{path}: cannot write the output: it is no folder")
        kept = target.is_dir() and any(target.iterdir())
        if kept and not force:
            raise ConfigError(
                f"{path}: the folder is not empty; name another, or --force replaces files of the"
                " same names in it"
            )
        with unfinished(target, folder=True) as (_, made):
            whole = made / "folder"
            for name, text in files.items():
                file = whole / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            if not kept:
                whole.replace(target)
                return
            for name in files:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (whole / name).replace(target / name)
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def _opened(target: Path, path: str) -> Iterator[BinaryIO]:
    try:
        file = target.open("wb")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield file
    finally:
        try:
            file.close()
        except OSError as error:  # what was buffered does not fit the disk
            raise _unwritable(path, error) from None


def _unwritable(path: str, error: OSError) -> ConfigError:
    return ConfigError(f"{path}: cannot write the output: {error.strerror}")


def sha256_of(path: str) -> str:
    """Hash of what a file holds; ~ is the home. Raises OSError or ValueError, as read_regular."""
    content = read_regular(os.path.expanduser(path), MOST_BYTES)  # noqa: PTH111  a text
    return hashlib.sha256(content).hexdigest()


def replace_file(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file beside its name and rename it; ``mode`` as a plain open() has it when None.

    Raises OSError, with nothing left behind.
    """
    with unfinished(path, clean=mode is None) as (handle, temporary):
        os.fchmod(handle, _usual_mode() if mode is None else mode)
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(data)
        temporary.replace(path)


@contextmanager
def unfinished(
    path: Path, *, folder: bool = False, clean: bool = True
) -> Iterator[tuple[int, Path]]:
    """A file or folder beside ``path``, with a handle, until the body has renamed it or ends.

    Who makes one holds its lock, which ends with the process: what a killed one left behind of the
    same name is removed, unless ``clean`` is False. Raises OSError.
    """
    import tempfile  # 10 ms, and most runs write no file

    prefix = f"{UNFINISHED}{os.fsdecode(os.fsencode(path.name)[:_MOST_NAME])}."
    if clean:
        remove_abandoned(path.parent, prefix)
    while True:
        if folder:
            made = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
            handle = os.open(made, os.O_RDONLY)
        else:
            handle, name = tempfile.mkstemp(prefix=prefix, dir=path.parent)
            made = Path(name)
        with suppress(OSError):  # a disk without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if made.exists():  # nobody took it for abandoned before it was locked
            break
        os.close(handle)
    try:
        yield handle, made
    finally:
        if folder:
            import shutil

            shutil.rmtree(made, ignore_errors=True)
        else:
            made.unlink(missing_ok=True)
        os.close(handle)


def remove_abandoned(folder: Path, prefix: str = UNFINISHED) -> None:
    """Remove what killed processes left unfinished: nobody holds its lock. Raises OSError."""
    for name in os.listdir(folder):  # noqa: PTH208  names are compared
        if not name.startswith(prefix):
            continue
        with suppress(OSError):
            made = folder / name
            handle = os.open(made, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if made.is_dir():
                    import shutil

                    shutil.rmtree(made, ignore_errors=True)
                else:
                    made.unlink()
            finally:
                os.close(handle)


def _usual_mode() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _is_device(target: Path, path: str) -> bool:
    """Whether it is there, and neither file nor folder. Raises ConfigError."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from None
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def _beside(target: Path, path: str) -> Iterator[tuple[int, Path]]:
    """What becomes ``target``, which is named ``path``. Raises ConfigError."""
    if target.is_dir():
        raise ConfigError(f"{path}: cannot write the output: it is a folder")
    if target.exists() and not os.access(target, os.W_OK):
        raise ConfigError(f"{path}: cannot write the output: the file is write-protected")
    with ExitStack() as held:
        try:
            handle, made = held.enter_context(unfinished(target))
        except OSError as error:
            raise _unwritable(path, error) from None
        os.fchmod(handle, _usual_mode())  # as a plain open() would have made it
        yield handle, made


def _write(file: Path, path: str, document: Document) -> None:
    try:
        file.write_bytes(_encode(document))
    except OSError as error:
        raise _unwritable(path, error) from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder: whoever asks for it waits. It leaves no file behind. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_stdout(document: Document) -> None:
    """Write a document to stdout, text as UTF-8 whatever the locale."""
    try:
        sys.stdout.flush()
        with _whole_stdout() as file:
            file.write(_encode(document))
            file.flush()
    except BrokenPipeError:  # the reader has seen enough, which is no error
        give_up_stdout()
    except OSError as error:
        give_up_stdout()
        raise _unwritable("stdout", error) from None


@contextmanager
def _whole_stdout() -> Iterator[BinaryIO]:
    """Stdout that takes all that is written, or says why not.

    With PYTHONUNBUFFERED it is the bare file, which may take a part and tell so as a number.
    """
    bare: Any = sys.stdout.buffer
    if not isinstance(bare, io.RawIOBase):
        yield sys.stdout.buffer
        return
    file = io.BufferedWriter(bare)
    try:
        yield file
    finally:
        try:
            file.flush()
        except OSError:
            give_up_stdout()  # what is left of it goes nowhere
            raise
        finally:
            file.detach()


def give_up_stdout() -> None:
    """What Python still holds for a stdout that takes nothing goes nowhere when it flushes."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _encode(document: Document) -> bytes:
    if isinstance(document, bytes):
        return document
    # Symbol names come from the ELF and may hold anything.
    return document.encode("utf-8", "backslashreplace")
