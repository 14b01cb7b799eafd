"""Source lines of runs before: the same answers, without debug information being read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simcore.cache import Room
from simcore.elf.image import Image
from simcore.elf.kept_lines import KIND, MOST_ADDRESSES, KeptLines, with_kept_lines

KEY = "5" * 64
LINES = {0x100: ("src/a.c", 3), 0x102: ("src/a.c", 2**31 - 1), 0x200: ("src/b.c", 7), 0x300: None}


class Decoded:
    """Debug information that counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def line_at(self, address: int) -> tuple[str, int] | None:
        self.asked.append(address)
        return LINES[address]

    def lacking(self, addresses: Iterable[int]) -> tuple[str, ...]:
        self.asked.append(tuple(addresses))
        return tuple(f"nothing at {address}" for address in addresses if not LINES[address])


def line_of(file: str, address: int) -> tuple[str, int]:
    return file, address


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path / "cache", 1 << 26)


def opened(room: Room, decoded: Decoded) -> KeptLines:
    return KeptLines(decoded.line_at, decoded.lacking, room, KEY)


def answers(lines: KeptLines) -> list[Any]:
    return [*map(lines.line_at, LINES), lines.lacking([0x300, 0x100]), lines.lacking([0x100])]


def test_what_was_asked_once_is_not_decoded_again(room: Room) -> None:
    first, second = Decoded(), Decoded()
    lines = opened(room, first)
    expected = [*LINES.values(), ("nothing at 768",), ()]
    assert answers(lines) == answers(lines) == expected
    assert first.asked == [*LINES, (0x300, 0x100), (0x100,)]
    lines.keep()
    again = opened(room, second)
    assert answers(again) == expected
    assert second.asked == []


def test_what_is_not_kept_is_decoded_and_kept_with_the_rest(room: Room) -> None:
    lines = opened(room, Decoded())
    lines.line_at(0x100)
    lines.keep()
    second = Decoded()
    more = opened(room, second)
    assert [more.line_at(0x100), more.line_at(0x200)] == [LINES[0x100], LINES[0x200]]
    assert second.asked == [0x200]
    more.keep()
    third = Decoded()
    assert opened(room, third).line_at(0x200) == LINES[0x200]
    assert third.asked == []


def test_what_is_said_of_functions_hangs_on_their_order(room: Room) -> None:
    decoded = Decoded()
    lines = opened(room, decoded)
    lines.lacking([0x100, 0x300])
    lines.lacking([0x300, 0x100])
    assert decoded.asked == [(0x100, 0x300), (0x300, 0x100)]


@pytest.mark.parametrize(
    "damaged",
    [
        {"rows": "zz"},
        {"rows": "00"},
        {"rows": "000100000300000001000000"},
        {"files": ["a\x1b[2J.c"]},
        {"lacks": {"x": ["said\nand more"]}},
        {"files": 1},
        {"more": 1},
    ],
)
def test_an_entry_that_mcusim_did_not_write_is_decoded_again(
    room: Room, damaged: dict[str, Any]
) -> None:
    lines = opened(room, Decoded())
    expected = answers(lines)
    lines.keep()
    data = room.get(KIND, KEY)
    assert data is not None
    room.put(KIND, KEY, json.dumps(json.loads(data) | damaged).encode())
    decoded = Decoded()
    assert answers(opened(room, decoded)) == expected
    assert decoded.asked[:4] == [*LINES]


def test_more_addresses_than_an_entry_holds_are_not_kept(room: Room) -> None:
    lines = KeptLines(partial(line_of, "a.c"), lambda _: (), room, KEY)
    for address in range(MOST_ADDRESSES):
        lines.line_at(address)
    lines.keep()
    assert room.get(KIND, KEY) is not None
    lines.line_at(MOST_ADDRESSES)
    lines.keep()
    assert room.get(KIND, KEY) is None


def test_files_that_differ_have_entries_of_their_own(room: Room) -> None:
    for number, (sha256, others) in enumerate((("1", []), ("2", []), ("1", [b"debug file"]))):
        file = f"{number}.c"
        image = Image("a.elf", sha256, None, None, 0, (), lines=partial(line_of, file))
        found, lines = with_kept_lines(image, others, room)
        assert found.line_at(0x100) == (file, 0x100)
        lines.keep()


def test_a_cache_that_is_off_keeps_nothing() -> None:
    room, decoded = Room(None, 0), Decoded()
    lines = opened(room, decoded)
    lines.line_at(0x100)
    lines.keep()
    assert opened(room, decoded).line_at(0x100) == LINES[0x100]
    assert decoded.asked == [0x100, 0x100]
