"""Where a linker puts what stays, by the map: addresses reckoned by hand as GNU ld would."""

from __future__ import annotations

from dataclasses import replace

from simcore.cpu_model import load_cpu_model
from simcore.elf import Function, Image, Section
from simcore.linking.mapfile import Contribution, LinkMap
from simcore.linking.relayout import relaid
from simcore.run.setup import Move

ROM = 0x08000000


def program(*, vectors: bool) -> tuple[Image, LinkMap]:
    """.text of a (32 bytes), b (20), c (64, at a multiple of 16), tables of d; with a vector table
    of 64 bytes in front in the same section or in one of its own."""
    table = Contribution(ROM, 64, ".isr_vector", "a.o", None, ".text" if vectors else ".vectors")
    rest = (
        Contribution(ROM + 64, 32, ".text.a", "a.o", None, ".text"),
        Contribution(ROM + 96, 20, ".text.b", "a.o", None, ".text"),
        Contribution(ROM + 128, 64, ".text.c", "c.o", None, ".text"),
        Contribution(ROM + 192, 8, ".rodata.d", "d.o", None, ".rodata"),
    )
    start = ROM if vectors else ROM + 64
    sections = (
        Section(".vectors", ROM, 64, ROM, True, False, False),
        Section(".text", start, ROM + 192 - start, start, True, True, False, alignment=16),
        Section(".rodata", ROM + 192, 8, ROM + 192, True, False, False),
    )[1 if vectors else 0 :]
    functions = tuple(
        Function(i, one.section[-1], one.address, one.end) for i, one in enumerate(rest)
    )
    image = Image(
        "a.elf", "", None, None, 1, (), sections, functions=functions[:3], vector_table=ROM
    )
    return image, LinkMap("a.map", (table, *rest), {})


def places(moves: tuple[Move, ...] | None) -> list[tuple[int, int]]:
    assert moves is not None
    return [(move.start - ROM, move.to - ROM) for move in moves if move.to >= ROM]


def test_what_stays_lies_behind_what_is_loaded_and_closes_the_gap() -> None:
    model = load_cpu_model("stm32f746")
    gone = Move(ROM + 96, 20, 8)  # b to ITCM
    for vectors in (False, True):
        image, found = program(vectors=vectors)
        # 8 bytes at address 0 and b are 28, loaded as 32; a row of the table 12: 64 + 44, to 16.
        # c stays at a multiple of 16 and closes the gap: 112 + 32 is one. The table follows.
        expected = [(64, 112), (128, 144), (192, 208)]
        assert places(relaid(image, model, found, [gone])) == expected
        shifted = [(64, 120), (128, 160), (192, 224)]  # c at a multiple of 16 again
        assert places(relaid(image, model, found, [gone], 8)) == shifted


def test_what_is_loaded_stands_right_behind_what_is_in_front() -> None:
    model = load_cpu_model("stm32f746")
    image, found = program(vectors=False)
    shorter = tuple(replace(s, size=36) if s.name == ".vectors" else s for s in image.sections)
    gone = Move(ROM + 96, 20, 8)
    # The vectors end at 36, and 32 bytes with a row of 12 follow: 36 + 48 is 84, to 16 it is 96.
    moves = relaid(replace(image, sections=shorter), model, found, [gone])
    assert places(moves)[0] == (64, 96)


def test_what_stays_in_ram_closes_the_gap_and_shifts() -> None:
    model = load_cpu_model("stm32f746")
    image, found = program(vectors=False)
    ram = 0x20010000
    rows = [
        Contribution(ram + at, size, ".bss", f"{at}.o", None, ".bss")
        for at, size in ((0, 8), (8, 24), (32, 4), (64, 32))
    ]
    bss = Section(".bss", ram, 96, ram, True, False, True, has_data=False)
    image = replace(image, sections=(*image.sections, bss))
    known = LinkMap("a.map", (*found.contributions, *rows), {})
    gone = [Move(ROM + 96, 20, 8), Move(ram + 8, 24, 0x20000000)]

    def in_ram(shift: int) -> list[tuple[int, int]]:
        moves = relaid(image, model, known, gone, 0, shift) or ()
        return [(move.start - ram, move.to - ram) for move in moves if move.to >= ram]

    # The third follows the first, at 8; the last lay at a multiple of 32, and does again.
    assert in_ram(0) == [(32, 8), (64, 32)]
    assert in_ram(32) == [(0, 32), (32, 40)]  # and the last is at 64, where it was


def test_nothing_is_known_where_nothing_of_rom_moves() -> None:
    model = load_cpu_model("stm32f746")
    image, found = program(vectors=False)
    assert relaid(image, model, found, [Move(0x20010000, 64, 0x20000000)]) is None
    assert relaid(image, model, LinkMap("a.map", (), {}), [Move(ROM + 96, 20, 8)]) is None
