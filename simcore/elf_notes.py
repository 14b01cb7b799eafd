"""What a build says about itself in an ELF file: build id, compiler, Arm build attributes.

None of it is needed to run; what is broken or absent reads as unknown.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from simcore.dwarf_forms import read_uleb128
from simcore.elf_tables import MAX_NAME_BYTES, RawSection, printable, section_data

_SHT_NOTE: Final = 7
_SHT_ARM_ATTRIBUTES: Final = 0x70000003


def read_build_id(data: bytes, sections: list[RawSection]) -> str | None:
    """Return the hexadecimal NT_GNU_BUILD_ID, None when there is none."""
    for section in sections:
        if section.type != _SHT_NOTE:
            continue
        notes = section_data(data, section)
        position = 0
        while notes is not None and position + 12 <= len(notes):
            name_size, size, kind = struct.unpack_from("<III", notes, position)
            name_end = position + 12 + name_size
            start = (name_end + 3) & ~3
            if kind == 3 and bytes(notes[position + 12 : name_end]) == b"GNU\0" and size <= 64:
                return bytes(notes[start : start + size]).hex() or None
            position = (start + size + 3) & ~3
    return None


def read_compiler(data: bytes, sections: list[RawSection]) -> str | None:
    """Return the distinct strings of .comment in order, joined by "; "."""
    for section in sections:
        if section.name == ".comment" and (comment := section_data(data, section)) is not None:
            parts = bytes(comment[:MAX_NAME_BYTES]).split(b"\0")
            texts = dict.fromkeys(printable(p.decode("utf-8", "replace")) for p in parts if p)
            return "; ".join(texts) or None
    return None


def read_attributes(data: bytes, sections: list[RawSection]) -> dict[int, int]:
    """Return the numeric file-scope build attributes, tag -> value.

    Layout: "Addenda to, and Errata in, the ABI for the Arm Architecture" (Arm IHI 0045), section 2.
    """
    section = next((s for s in sections if s.type == _SHT_ARM_ATTRIBUTES), None)
    view = section_data(data, section) if section else None
    if not view or view[0] != ord("A"):
        return {}
    found: dict[int, int] = {}
    position = 1
    while position + 4 <= len(view):
        size = int.from_bytes(view[position : position + 4], "little")
        if size < 5:
            break
        part = bytes(view[position + 4 : position + size])
        position += size
        vendor, _, body = part.partition(b"\0")
        if vendor == b"aeabi":
            with suppress(IndexError, ValueError):  # what was read before the break holds
                for tag, value in _file_attributes(body):
                    found.setdefault(tag, value)
    return found


def _file_attributes(body: bytes) -> Iterator[tuple[int, int]]:
    position = 0
    while position + 5 <= len(body):
        scope = body[position]
        size = int.from_bytes(body[position + 1 : position + 5], "little")
        if size < 5:
            return
        end = min(position + size, len(body))
        at = position + 5
        position += size
        while scope == 1 and at < end:  # Tag_File
            tag, at = read_uleb128(body, at)
            value = 0
            # Tag_CPU_raw_name, Tag_CPU_name, and all odd tags above 32 are strings;
            # Tag_compatibility (32) is a number and a string.
            text = tag in (4, 5) or (tag > 32 and tag % 2 == 1)
            if not text:
                value, at = read_uleb128(body, at)
                yield tag, value
            if text or tag == 32:
                nul = body.find(b"\0", at, end)
                at = end if nul < 0 else nul + 1
