"""Notes and build attributes of an ELF: unknown when they are broken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from simcore.elf.image import MAX_NAME_BYTES, printable
from simcore.elf.stream import attempt
from simcore.elf.tables import TABLE_READS, NamedHeaders, is_in_file
from simcore.errors import ElfError

MAX_DEBUG_SECTION_BYTES: Final = 1 << 26  # 64 MiB, inflated
_NOTE_READS: Final = 1 << 14
_PROFILES: Final = {ord("A"): "A-profile", ord("R"): "R-profile", ord("S"): "A- or R-profile"}
_ARCH_V8M: Final = {16: "Armv8-M Baseline", 17: "Armv8-M Mainline", 21: "Armv8.1-M Mainline"}


def section_data(elf: Any, header: Any, file_size: int) -> bytes:
    """Return the bytes of a section, inflated if compressed; none if the file lacks them."""
    from elftools.elf.sections import Section as ElfSection

    if not is_in_file(header, file_size) or header["sh_size"] > MAX_DEBUG_SECTION_BYTES:
        return b""
    elf.stream.budget.left = TABLE_READS
    section = ElfSection(header, "", elf)
    if section.data_size > MAX_DEBUG_SECTION_BYTES:  # a zlib bomb: pyelftools inflates to this size
        return b""
    data: bytes = section.data()
    return data


def read_build_id(elf: Any, headers: NamedHeaders) -> str | None:
    """Return the hexadecimal NT_GNU_BUILD_ID, None when there is none."""
    from elftools.elf.sections import NoteSection

    def search() -> str | None:
        for _, header in headers:
            if header["sh_type"] == "SHT_NOTE":
                for note in NoteSection(header, "", elf).iter_notes():
                    if (note["n_type"], note["n_name"]) == ("NT_GNU_BUILD_ID", "GNU"):
                        # A size that reaches beyond the section would make all of the file an id.
                        return note["n_desc"] or None if note["n_descsz"] <= 64 else None
        return None

    elf.stream.budget.left = _NOTE_READS
    return attempt(search, None)


def read_compiler(elf: Any, headers: NamedHeaders, file_size: int) -> str | None:
    """Return the distinct strings of .comment in order, joined by "; "."""
    header = next((h for name, h in headers if name == ".comment"), None)
    if header is None:
        return None
    data = attempt(lambda: section_data(elf, header, file_size), b"")
    parts = data[:MAX_NAME_BYTES].split(b"\0")
    return (
        "; ".join(dict.fromkeys(printable(p.decode("utf-8", "replace")) for p in parts if p))
        or None
    )


def read_attributes(elf: Any, headers: NamedHeaders) -> dict[str, Any]:
    """Return the file-scope build attributes, tag -> value; what is read before a break holds.

    Only its budget makes pyelftools leave a section whose parts point back at themselves.
    """
    from elftools.elf.sections import ARMAttributesSection

    found: dict[str, Any] = {}

    def collect() -> None:
        header = next(h for _, h in headers if h["sh_type"] == "SHT_ARM_ATTRIBUTES")
        for part in ARMAttributesSection(header, "", elf).iter_subsections("aeabi"):
            for scope in part.iter_subsubsections("TAG_FILE"):
                for attribute in scope.iter_attributes():
                    found.setdefault(attribute.tag, attribute.value)

    elf.stream.budget.left = _NOTE_READS
    attempt(collect, None)
    return found


def refuse_other_profiles(attributes: Mapping[str, Any], warnings: list[str]) -> None:
    profile = attributes.get("TAG_CPU_ARCH_PROFILE", 0)
    if profile in _PROFILES:
        raise ElfError(
            f"{_PROFILES[profile]} code by its build attributes; build with -mcpu=cortex-m7 -mthumb"
        )
    architecture = _ARCH_V8M.get(attributes.get("TAG_CPU_ARCH", 0))
    if architecture:
        warnings.append(f"built for {architecture}: instructions that a Cortex-M7 lacks will fault")
