"""Where a program's debug information is when it was moved into a file of its own.

By its .gnu_debuglink beside the program and in .debug/ there, and by its build id below a debug
directory that the user names and below /usr/lib/debug. A program names no other file of the host:
a link is the name of a file without any folder. A file that is found is taken when its CRC is that
of the link, or its build id the program's.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from simcore.elf.image import Image, printable
from simcore.elf.tables import NamedHeaders, is_in_file
from simcore.files import without_links
from simcore.log_text import shell_word

SYSTEM_DIRECTORY: Final = "/usr/lib/debug"
_MAX_LINK_BYTES: Final = 512
_BUILD_ID: Final = re.compile(r"[0-9a-f]{4,128}")
_EXECUTABLE: Final = 4  # SHF_EXECINSTR

DebugLink = tuple[str, int]  # the name of a file, and its CRC-32
Found = tuple[str, bytes]


def read_debug_link(data: bytes, headers: NamedHeaders) -> DebugLink | None:
    """What .gnu_debuglink says: a name, padded to whole words, and a CRC-32."""
    header = next((h for name, h in headers if name == ".gnu_debuglink"), None)
    if header is None or not is_in_file(header, len(data)):
        return None
    start, size = header["sh_offset"], header["sh_size"]
    if not 8 <= size <= _MAX_LINK_BYTES:
        return None
    held = data[start : start + size]
    name = held[:-4].split(b"\0", 1)[0]
    return (name.decode("utf-8", "replace"), int.from_bytes(held[-4:], "little")) if name else None


def is_debug_only(headers: NamedHeaders) -> bool:
    """Whether a file has the names of a program but not its code (objcopy --only-keep-debug)."""
    code = [
        header["sh_type"] == "SHT_NOBITS"
        for _, header in headers
        if header["sh_flags"] & _EXECUTABLE and header["sh_size"]
    ]
    named = any(name.startswith((".debug_", ".zdebug_", ".symtab")) for name, _ in headers)
    return named and bool(code) and all(code)


def debug_file(
    image: Image, directory: str | None, read: Callable[[Path], bytes], build_id: Callable[..., Any]
) -> tuple[Found | None, tuple[str, ...]]:
    """The file with the debug information of an image, and what is to be said of the search.

    `directory` is a debug directory; `read` gives the bytes of a file and raises ElfError,
    `build_id` that of an ELF's bytes, None if it has none.
    """
    said: list[str] = []
    name = image.debug_link[0] if image.debug_link else ""
    if not _is_plain(name):
        return None, (
            f"its .gnu_debuglink '{printable(name)}' is no plain file name and is not looked for:"
            " --debug-file FILE names the file",
        )
    for path in candidates(image, directory):
        try:
            if not path.is_file() or without_links(path) == without_links(image.path):
                continue
            data = read(path)
        except (OSError, ValueError) as error:
            said.append(f"{printable(path.name)}, which has its debug information: {error}")
            continue
        wrong = _mismatch(image, path, data, build_id)
        if wrong is None:
            return (str(path), data), ()
        said.append(
            f"{printable(path.name)} is of another build ({wrong}) and is not used: --debug-file"
            f" {shell_word(printable(path.name))} takes it all the same"
        )
    if name and not said:
        said.append(
            f"its source lines are in {printable(name)}, which is neither beside it nor in .debug"
            " there: --debug-file FILE or --debug-dir FOLDER says where it is"
        )
    return None, tuple(said)


def _is_plain(name: str) -> bool:
    """Whether a link names a file without any folder; none does as well."""
    plain = Path(name).name == name and name != ".." and "\\" not in name
    return not name or (plain and name.isprintable())


def candidates(image: Image, directory: str | None) -> Iterator[Path]:
    """Where the debug information of an image may be, in the order in which it is looked for."""
    name = image.debug_link[0] if image.debug_link else ""
    beside = Path(image.path).parent
    if not _is_plain(name):
        return
    if directory is not None:
        yield from _by_id(image, Path(directory))
    if name:
        yield beside / name
        yield beside / ".debug" / name
        if directory is not None:
            yield Path(directory) / name
    yield from _by_id(image, Path(SYSTEM_DIRECTORY))


def _by_id(image: Image, directory: Path) -> Iterator[Path]:
    """As GDB looks for it: .build-id/ab/cdef0123.debug."""
    if image.build_id and _BUILD_ID.fullmatch(image.build_id):
        yield directory / ".build-id" / image.build_id[:2] / f"{image.build_id[2:]}.debug"


def _mismatch(
    image: Image, path: Path, data: bytes, build_id: Callable[[bytes], str | None]
) -> str | None:
    """Why a file is not that of the image, None when it is."""
    if image.debug_link and path.name == image.debug_link[0]:
        crc = zlib.crc32(data)
        if crc == image.debug_link[1]:
            return None
        return f"CRC {crc:08x}, .gnu_debuglink says {image.debug_link[1]:08x}"
    found = build_id(data)
    return None if found == image.build_id else f"build id {found or 'missing'}"
