"""Programs in Intel HEX, S-records and UF2: what they hold, and what is damaged."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress

import pytest

from simcore.elf import ProgramFiles, image_of_files
from simcore.elf.binary import read_binary
from simcore.errors import ElfError

#: Two ranges, a gap apart; the second crosses 64 KiB.
RANGES = ((0x0800_0000, bytes(range(40))), (0x0800_FFF8, b"over the border!"))
ENTRY = 0x0800_0101


def ihex_record(kind: int, address: int, data: bytes) -> str:
    body = bytes([len(data), address >> 8 & 0xFF, address & 0xFF, kind, *data])
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}"


def ihex(ranges: Iterable[tuple[int, bytes]] = RANGES, entry: int = ENTRY) -> str:
    lines, upper = [], 0
    for start, data in ranges:
        for at in range(start, start + len(data), 8):
            if at >> 16 != upper:
                upper = at >> 16
                lines.append(ihex_record(4, 0, upper.to_bytes(2, "big")))
            lines.append(ihex_record(0, at & 0xFFFF, data[at - start : at - start + 8]))
    lines.append(ihex_record(5, 0, entry.to_bytes(4, "big")))
    return "\n".join([*lines, ihex_record(1, 0, b"")]) + "\n"


def srec_record(kind: int, address: int, data: bytes) -> str:
    width = {0: 2, 3: 4, 5: 2, 7: 4}[kind]
    body = bytes([width + len(data) + 1]) + address.to_bytes(width, "big") + data
    return f"S{kind}{body.hex().upper()}{~sum(body) & 0xFF:02X}"


def srec(ranges: Iterable[tuple[int, bytes]] = RANGES, entry: int = ENTRY) -> str:
    rows = [
        srec_record(3, at, data[at - start : at - start + 8])
        for start, data in ranges
        for at in range(start, start + len(data), 8)
    ]
    lines = [srec_record(0, 0, b"demo"), *rows, srec_record(5, len(rows), b"")]
    return "\r\n".join([*lines, srec_record(7, entry, b"")]) + "\r\n"


def uf2_block(
    address: int, data: bytes, own: int, count: int, flags: int = 0x2000, family: int = 1
) -> bytes:
    head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, flags, address, len(data), own, count, family)
    return head + data.ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30)


def uf2(ranges: Sequence[tuple[int, bytes]] = RANGES) -> bytes:
    return b"".join(
        uf2_block(at, data, number, len(ranges)) for number, (at, data) in enumerate(ranges)
    )


@pytest.mark.parametrize(
    ("data", "entry"),
    [(ihex().encode(), ENTRY), (srec().encode(), ENTRY), (uf2(), 0)],
    ids=["ihex", "srec", "uf2"],
)
def test_every_format_holds_the_same(data: bytes, entry: int) -> None:
    found = read_binary(data)
    assert found is not None
    assert found.ranges == RANGES
    assert found.entry == entry


def test_records_in_any_order_are_joined() -> None:
    lines = ihex(((0x0800_0000, bytes(range(64))),)).splitlines()
    base, rows, end = lines[0], lines[1:-1], lines[-1]
    random.Random(1).shuffle(rows)
    found = read_binary("\n".join([base, *rows, end]).encode())
    assert found is not None
    assert found.ranges == ((0x0800_0000, bytes(range(64))),)


def test_a_segment_record_of_a_small_address_space_counts_sixteen() -> None:
    text = [ihex_record(2, 0, b"\x10\x00"), ihex_record(0, 2, b"ab"), ihex_record(1, 0, b"")]
    found = read_binary("\n".join(text).encode())
    assert found is not None
    assert found.ranges == ((0x1_0002, b"ab"),)


def test_blocks_of_uf2_that_are_not_for_flash_are_passed_over() -> None:
    notes = uf2_block(0, b"notes", 0, 2, flags=1) + uf2_block(0x0800_0000, b"code", 0, 1)
    found = read_binary(notes)
    assert found is not None
    assert found.ranges == ((0x0800_0000, b"code"),)


def damaged(text: str, line: int, column: int, character: str) -> bytes:
    lines = text.splitlines()
    lines[line] = lines[line][:column] + character + lines[line][column + 1 :]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (damaged(ihex(), 2, 12, "F"), "line 3 is damaged"),  # the checksum tells
        (damaged(ihex(), 2, 0, "x"), "line 3 is damaged"),
        (damaged(ihex(), 2, 9, "?"), "line 3 is damaged"),
        (damaged(ihex(), 1, 2, "F"), "line 2 is damaged"),  # a length
        (damaged(ihex(), 1, 9, "\xe9"), "line 2 is damaged"),
        (ihex().rstrip()[:-2].encode(), "is damaged"),
        ("\n".join(ihex().splitlines()[:-1]).encode(), "truncated: no last record behind line"),
        (b":", "line 1 is damaged"),
        ((ihex() + ihex()).encode(), "something follows the last record"),
        ((ihex_record(4, 0, b"\0") + "\n").encode(), "line 1 is damaged"),
        ((ihex_record(9, 0, b"") + "\n").encode(), "line 1 is damaged"),
        (ihex(()).encode(), "holds no bytes"),
        (ihex((RANGES[0], (0x0800_0004, b"again"))).encode(), "0x08000004 is there twice"),
        (ihex(((0xFFFF_FFFC, b"four"),)).encode()[:-1], "entry point"),  # up to the very end
        (damaged(srec(), 2, 12, "F"), "line 3 is damaged"),
        (damaged(srec(), 1, 1, "4"), "line 2 is damaged"),
        ("\n".join(srec().splitlines()[:-1]).encode(), "truncated: no last record"),
        # A record is missing: the count tells.
        ("\n".join(srec().splitlines()[:2] + srec().splitlines()[3:]).encode(), "is damaged"),
        (uf2()[:-1], "truncated: 1023 bytes are no whole UF2 blocks"),
        (uf2()[:512], "truncated: 2 UF2 blocks are said"),
        (uf2()[:512] + bytes(512), "UF2 block 1 is damaged"),
        (uf2_block(0, b"x", 1, 1), "UF2 block 0 is damaged"),
        (
            uf2_block(0, b"x", 0, 1) + uf2_block(0, b"x", 0, 1, family=2),
            "for several families of parts",
        ),
        (uf2_block(0, b"x", 0, 1, flags=1), "holds no bytes"),
    ],
)
def test_a_damaged_file_is_one_line(data: bytes, message: str) -> None:
    try:
        image = image_of_files(ProgramFiles("demo.hex", data))
    except ElfError as error:
        text = str(error)
    else:
        text = f"demo.hex: {image.no_start}"
    assert text.startswith("demo.hex: ")
    assert message in text
    assert "\n" not in text


def test_any_change_of_a_byte_is_refused_or_read() -> None:
    """Nothing but ElfError leaves, whatever one byte of each format becomes."""
    lots = random.Random(7)
    for whole in (ihex().encode(), srec().encode(), uf2()):
        for _ in range(300):
            data = bytearray(whole)
            data[lots.randrange(len(data))] = lots.randrange(256)
            with suppress(ElfError):
                image_of_files(
                    ProgramFiles("demo", bytes(data[: lots.choice([len(data), len(data) // 2])]))
                )
