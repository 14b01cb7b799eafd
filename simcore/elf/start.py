"""Where a program starts: its vector table, or its entry point when it has none."""

from __future__ import annotations

import struct
from typing import Final

from simcore.elf.image import Image, Segment
from simcore.errors import ElfError

# Names that start-up code in use gives the vector table: CMSIS, ST, Zephyr, Rust, Teensy, mbed ...
_VECTOR_SYMBOLS: Final = (
    "__isr_vector", "g_pfnVectors", "__Vectors", "__vectors", "_vectors", "__vector_table",
    "_vector_table", "vector_table", "__VECTOR_TABLE", "__isr_vectors", "isr_vector", "vectors",
    "_VectorsFlash", "__RESET",
)  # fmt: skip
_VECTOR_SECTIONS: Final = (
    ".isr_vector", ".vectors", ".vector_table", ".isr_vectors", ".intvec", ".intvecs",
    ".interrupts", ".vector", ".vtable", "RESET", "rom_start",
)  # fmt: skip
_IVT_TAG: Final = 0x0020_00D1  # tag, and the length in bytes, most significant byte first
# Where a stack can be in the Armv7-M address map: SRAM with the TCMs, external RAM, but not the
# code region's lowest 256 MiB (flash aliases), peripherals or the system region.
_RAM: Final = ((0x1000_0000, 0x4000_0000), (0x6000_0000, 0xA000_0000), (0xC000_0000, 0xE000_0000))


def thumb_entry(image: Image, entry: int, thumb: set[int]) -> int:
    """Return the entry with its Thumb bit; refuse one that is Arm state or outside the program."""
    if entry % 2 == 0 and entry in thumb:
        entry |= 1  # an assembly label without .thumb_func: the linker does not know it is code
    if not _is_executable(image, entry & ~1):
        raise ElfError(
            f"no vector table, and the entry point 0x{entry:08x} lies in no executable segment; "
            "link a vector table or set the entry with -e"
        )
    if entry % 2 == 0:
        raise ElfError(
            f"no vector table, and the entry point 0x{entry:08x} is Arm state (bit 0 clear); "
            "a Cortex-M runs Thumb only, use -mthumb"
        )
    return entry


def boot_image_entry(image: Image) -> int | None:
    """The code that the boot ROM of an i.MX RT starts, with its Thumb bit, None when there is none.

    The entry of an image vector table is a vector table's address or, as Teensy has it, the
    start-up code's own (i.MX RT1060 Reference Manual, 9.7.1.1).
    """
    entries = (entry for entry in _boot_image_entries(image) if entry % 2)
    return next((entry for entry in entries if _is_executable(image, entry & ~1)), None)


def vector_table_at(image: Image, address: int) -> int | None:
    """The load address of what looks like a vector table at an address, None when nothing does."""
    words = _table_words(image, address)
    return _load_address(image, address) if words and _looks_right(*words) else None


def find_vector_table(image: Image) -> tuple[int, int, int] | None:
    """Return (load address, initial SP, reset vector), None when there is no table.

    By the image vector table of an i.MX RT's boot ROM, by the symbol or section that start-up code
    names, else the lowest loaded words when they look like one: a stack pointer into RAM and a
    Thumb address inside an executable segment. None too for an image vector table that names code.
    Raises ElfError for a named table whose reset vector is Arm state.
    """
    candidates = _boot_image_entries(image)
    if boot_image_entry(image) is not None:
        return None
    candidates += [symbol.address for name in _VECTOR_SYMBOLS if (symbol := image.symbol(name))]
    by_name = {section.name: section for section in reversed(image.sections)}
    candidates += [by_name[name].address for name in _VECTOR_SECTIONS if name in by_name]
    for address in candidates:
        words = _table_words(image, address)
        if words and words[1] % 2 == 0:
            raise ElfError(
                f"the vector table at 0x{address:08x} has an Arm state reset vector"
                f" 0x{words[1]:08x} (bit 0 clear); a Cortex-M runs Thumb only, use -mthumb"
            )
        if words:
            return _load_address(image, address), *words
    lowest = next((segment for segment in image.segments if segment.data), None)
    if lowest is None:
        return None
    words = _table_words(image, lowest.run_address)
    return (lowest.address, *words) if words and _looks_right(*words) else None


def _looks_right(stack: int, reset: int) -> bool:
    """Whether two words can be a stack pointer into RAM and a Thumb address."""
    return bool(reset % 2) and any(low <= stack - 4 < high for low, high in _RAM)


def _boot_image_entries(image: Image) -> list[int]:
    """What image vector tables (i.MX RT1060 Reference Manual, 9.7.1) name as their entry.

    One stands 0x400 or 0x1000 bytes behind the start of a boot device, and says where itself is.
    """
    found = []
    for segment in image.segments:
        start = segment.address
        for address in (start, *((start & ~0xFFF) + offset for offset in (0x400, 0x1000))):
            data = image.read(address, 24)
            if data is not None:
                header, entry, *_, own = struct.unpack("<6I", data)
                if header & 0x00FF_FFFF == _IVT_TAG and own == address:
                    found.append(entry)
    return found


def _table_words(image: Image, address: int) -> tuple[int, int] | None:
    data = image.read(address, 8)
    if data is None or address % 4:
        return None
    stack, reset = struct.unpack("<II", data)
    if stack == 0 or not _is_executable(image, reset & ~1):
        return None
    return stack, reset


def _segment_at(image: Image, address: int, *, load: bool) -> Segment | None:
    for segment in image.segments:
        start = segment.address if load else segment.run_address
        if start <= address < start + len(segment.data):
            return segment
    return None


def _is_executable(image: Image, address: int) -> bool:
    segments = (_segment_at(image, address, load=load) for load in (False, True))
    return any(segment is not None and segment.executable for segment in segments)


def _load_address(image: Image, run_address: int) -> int:
    segment = _segment_at(image, run_address, load=False)
    return run_address - segment.run_address + segment.address if segment else run_address
