"""Bytes of the debug sections of an ELF, inflated when they are first asked for, or why not.

A section is compressed as the gABI says (SHF_COMPRESSED: zlib or zstd), or as GNU tools did before
it (.zdebug_*: "ZLIB", the size as eight bytes, big end first, zlib).
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

from simcore.elf.tables import NamedHeaders, is_in_file

MAX_INFLATED_BYTES: Final = 1 << 26  # 64 MiB; what is not compressed is bounded by the file
_SHF_COMPRESSED: Final = 0x800
_ZLIB, _ZSTD = 1, 2  # ELFCOMPRESS_*
_OBJCOPY: Final = "arm-none-eabi-objcopy --decompress-debug-sections"


class _UnreadableError(Exception):
    """Why a section cannot be read, and what to do."""


class DebugSections:
    """The sections of `data` whose name begins with .debug_ or .zdebug_.

    `lost` is why those cannot be read that were asked for in vain, by name.
    """

    def __init__(self, data: bytes, headers: NamedHeaders) -> None:
        self._data = data
        self._headers: dict[str, Any] = dict(reversed(headers))
        self._read: dict[str, memoryview] = {}
        self.lost: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        """Whether there is a section .debug_`name`, readable or not."""
        return self._found(name) is not None

    def get(self, name: str) -> memoryview:
        """The bytes of .debug_`name`; none where it is not there or cannot be read."""
        if name not in self._read:
            self._read[name] = memoryview(b"")
            found = self._found(name)
            if found is not None:
                try:
                    self._read[name] = self._bytes(*found)
                except _UnreadableError as error:
                    self.lost[name] = f"{found[0]} {error}"
        return self._read[name]

    def _found(self, name: str) -> tuple[str, Any] | None:
        for section in (f".debug_{name}", f".zdebug_{name}"):
            if section in self._headers:
                return section, self._headers[section]
        return None

    def _bytes(self, name: str, header: Any) -> memoryview:
        if header["sh_type"] == "SHT_NOBITS" or not header["sh_size"]:
            return memoryview(
                b""
            )  # as in a program whose debug information was moved to a file of its own
        if not is_in_file(header, len(self._data)):
            raise _UnreadableError("ends beyond the file: copy or link it again")
        start = header["sh_offset"]
        held = memoryview(self._data)[start : start + header["sh_size"]]
        if header["sh_flags"] & _SHF_COMPRESSED:
            if len(held) < 12:
                raise _UnreadableError("is cut off: link the program again")
            method, size, _ = struct.unpack_from("<III", held)
            return _inflated(method, held[12:], size)
        if name.startswith(".z"):
            if bytes(held[:4]) != b"ZLIB" or len(held) < 12:
                return held  # too small to be worth it: GNU tools leave it as it is
            return _inflated(_ZLIB, held[12:], int.from_bytes(held[4:12], "big"))
        return held


def _inflated(method: int, packed: memoryview, size: int) -> memoryview:
    if method not in (_ZLIB, _ZSTD):
        raise _UnreadableError(f"is compressed by an unknown method ({method}); {_OBJCOPY}")
    if size > MAX_INFLATED_BYTES:
        raise _UnreadableError(
            f"inflates to {size} bytes (limit {MAX_INFLATED_BYTES}); {_OBJCOPY}, or link it with"
            " less debug information"
        )
    try:
        data = _zstd(packed, size) if method == _ZSTD else zlib.decompressobj().decompress(
            packed, size
        )  # fmt: skip
    except (zlib.error, MemoryError, ValueError):
        data = b""
    if len(data) != size:
        raise _UnreadableError("does not inflate: link the program again")
    return memoryview(data)


def _zstd(packed: memoryview, size: int) -> bytes:
    """`size` bytes at most. Raises _UnreadableError without a package that reads it."""
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        try:
            from backports import zstd  # the extra zstd
        except ImportError:
            raise _UnreadableError(
                f"is compressed by zstd: pip install 'mcusim[zstd]', or {_OBJCOPY}"
            ) from None
    try:
        data: bytes = zstd.ZstdDecompressor().decompress(packed, max_length=size)
    except zstd.ZstdError:
        return b""
    return data
