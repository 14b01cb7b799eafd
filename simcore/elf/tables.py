"""What the readers of an ELF's tables share: headers by name, and whether they fit the file."""

from __future__ import annotations

from typing import Any, Final

NamedHeaders = list[tuple[str, Any]]  # section name, section header of pyelftools

# Reads that the tables of headers, and each thing that is read beside them, may take: several times
# what the limits above need.
TABLE_READS: Final = 1 << 20


def is_in_file(header: Any, file_size: int) -> bool:
    """Whether a section has its bytes; pyelftools makes up zeros, up to 4 GiB, for SHT_NOBITS."""
    inside: bool = header["sh_offset"] + header["sh_size"] <= file_size
    return inside and header["sh_type"] != "SHT_NOBITS"


def is_strings(header: Any, file_size: int) -> bool:
    return header["sh_type"] == "SHT_STRTAB" and is_in_file(header, file_size)
