"""Programs without an ELF header: Intel HEX, S-records and UF2 -> bytes at addresses, and an entry.

Such a file holds what is written into memory and no names. Records are read by bincopy; here they
are put together, and a file that is damaged or cut off is refused with the line or block.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from simcore.elf.image import Segment
from simcore.elf.segments import ADDRESS_SPACE
from simcore.errors import ElfError

MAX_RANGES: Final = 1 << 12  # a program has a few, a file that lies has one per record
_UF2: Final = struct.Struct("<8I")
_UF2_BLOCK: Final = 512
_UF2_PAYLOAD: Final = 476  # bytes at most
_UF2_MAGIC: Final = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_UF2_NOT_FLASH, _UF2_CONTAINER, _UF2_FAMILY = 0x1, 0x1000, 0x2000
_IHEX_DATA, _IHEX_END, _IHEX_SEGMENT, _IHEX_UPPER, _IHEX_ENTRY = 0, 1, 2, 4, 5
_SREC_LAST: Final = "789"
# Where bytes are writable after reset, for a stack that nothing else names.
_RAM: Final = ((0x2000_0000, 0x4000_0000), (0xC000_0000, 0xE000_0000))

#: Takes a record's text and what earlier ones said; gives the bytes that it holds.
_Take = Callable[[str, dict[str, int]], "tuple[int, bytes] | None"]


class Binary(NamedTuple):
    """Ranges of bytes by address, none of which touch, and where the file says to start."""

    ranges: tuple[tuple[int, bytes], ...]
    entry: int

    def segments(self) -> list[Segment]:
        """The ranges as segments. Nothing says which is code, so that all can be."""
        return [
            Segment(
                at, at, data, len(data), executable=True,
                writable=any(low <= at < high for low, high in _RAM),
            )
            for at, data in self.ranges
        ]  # fmt: skip


def read_binary(data: bytes) -> Binary | None:
    """What a file of one of these formats holds, None for any other. Raises ElfError."""
    if data[:4] == b"UF2\n":
        return Binary(_joined(_uf2_blocks(data)), 0)
    if data[:1] == b":":
        return _records(data, _ihex)
    if data[:1] == b"S" and data[1:2] in (b"0", b"1", b"2", b"3"):
        return _records(data, _srec)
    return None


def _records(data: bytes, take: _Take) -> Binary:
    """The bytes of a text of records, a line each. Raises ElfError with the line."""
    pieces: list[tuple[int, bytes]] = []
    state = {"base": 0, "entry": 0, "end": 0, "count": 0}  # of records with bytes
    number = 0
    for number, line in enumerate(data.splitlines(), 1):
        text = line.strip()
        if not text:
            continue
        if state["end"]:
            raise ElfError(f"line {number}: something follows the last record; copy the file again")
        try:
            piece = take(text.decode("ascii"), state)
        except (ValueError, IndexError):
            raise ElfError(
                f"line {number} is damaged: length, checksum or digits do not fit; copy the file"
                " again"
            ) from None
        if piece is not None:
            pieces.append(piece)
    if not state["end"]:
        raise ElfError(f"truncated: no last record behind line {number}; copy the file again")
    return Binary(_joined(pieces), state["entry"])


class _DamagedError(ValueError):
    """A record that cannot be."""


def _ihex(text: str, state: dict[str, int]) -> tuple[int, bytes] | None:
    """The bytes of an Intel HEX record. Raises ValueError or IndexError."""
    from bincopy import Error, unpack_ihex

    try:
        kind, address, size, content = unpack_ihex(text)
    except Error:
        raise _DamagedError from None
    value = int.from_bytes(content, "big")
    if kind == _IHEX_DATA:
        return (state["base"] + address, bytes(content)) if size else None
    if kind == _IHEX_END:
        state["end"] = 1
    elif kind in (_IHEX_SEGMENT, _IHEX_UPPER):
        if size != 2:
            raise _DamagedError
        state["base"] = value << (4 if kind == _IHEX_SEGMENT else 16)
    elif kind == _IHEX_ENTRY:
        state["entry"] = value & (ADDRESS_SPACE - 1)
    elif kind > _IHEX_ENTRY:
        raise _DamagedError
    return None


def _srec(text: str, state: dict[str, int]) -> tuple[int, bytes] | None:
    """The bytes of an S-record. Raises ValueError or IndexError."""
    from bincopy import Error, unpack_srec

    try:
        kind, address, size, content = unpack_srec(text)
    except Error:
        raise _DamagedError from None
    if kind in "123":
        state["count"] += 1
        return (address, bytes(content)) if size else None
    if kind in "56" and address != state["count"] & (0xFFFF if kind == "5" else 0xFFFFFF):
        raise _DamagedError  # a record before it is missing
    if kind in _SREC_LAST:
        state["end"], state["entry"] = 1, address
    return None


def _uf2_blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The payloads of a UF2 file. Raises ElfError with the block."""
    total = len(data) // _UF2_BLOCK
    if len(data) % _UF2_BLOCK:
        raise ElfError(f"truncated: {len(data)} bytes are no whole UF2 blocks; copy the file again")
    seen: set[int] = set()
    families: set[int] = set()
    for number in range(total):
        block = data[number * _UF2_BLOCK : (number + 1) * _UF2_BLOCK]
        first, second, flags, address, size, own, count, family = _UF2.unpack_from(block)
        last = int.from_bytes(block[-4:], "little")
        if (first, second, last) != _UF2_MAGIC or size > _UF2_PAYLOAD or own >= count:
            raise ElfError(f"UF2 block {number} is damaged; copy the file again")
        if flags & (_UF2_NOT_FLASH | _UF2_CONTAINER):
            continue
        if flags & _UF2_FAMILY:
            families.add(family)
        if len(families) > 1:
            raise ElfError("holds programs for several families of parts; give a file for one")
        seen.add(own)
        if count > total or (number == total - 1 and len(seen) < count):
            raise ElfError(f"truncated: {count} UF2 blocks are said, {len(seen)} are there")
        yield address, block[_UF2.size : _UF2.size + size]


def _joined(pieces: Iterable[tuple[int, bytes]]) -> tuple[tuple[int, bytes], ...]:
    """Pieces by address, those that touch as one. Raises ElfError for what is there twice."""
    ranges: list[tuple[int, list[bytes]]] = []
    end = -1
    for address, data in sorted(pieces, key=lambda piece: piece[0]):
        if address < end:
            raise ElfError(f"{address:#010x} is there twice; make the file again")
        if address + len(data) > ADDRESS_SPACE:
            raise ElfError(f"{address:#010x}: ends beyond the 32-bit address space")
        if address != end:
            ranges.append((address, []))
            if len(ranges) > MAX_RANGES:
                raise ElfError(f"more than {MAX_RANGES} ranges of bytes are no program")
        ranges[-1][1].append(data)
        end = address + len(data)
    if not ranges:
        raise ElfError("holds no bytes; make the file again")
    return tuple((address, b"".join(parts)) for address, parts in ranges)
