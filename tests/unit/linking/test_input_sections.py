"""Which pattern moves a piece and nothing else, and what is said where there is none."""

from __future__ import annotations

import pytest

from simcore.elf import Function, Image, Section, Symbol
from simcore.linking.inputs import MovedSection, Stays, by_map, by_symbols
from simcore.linking.mapfile import Contribution, LinkMap
from simcore.linking.units import as_linked
from simcore.linking.veneers import DirectCall, count_veneers, is_veneer, through_veneers
from simcore.placement.pieces import Piece, all_pieces
from simcore.run.setup import Move

ROM = 0x08000000
#: Objects with their input sections, and of each the functions that lie in it, 64 bytes each.
OBJECTS: dict[tuple[str | None, str, str], tuple[str, ...]] = {
    (None, "build/src/conv.o", ".text.Prepare"): ("Prepare",),
    (None, "build/src/pool.o", ".text.Prepare"): ("Prepare [pool.c]",),
    (None, "build/lib/conv.o", ".text.Prepare"): ("Prepare [lib]",),
    (None, "build/src/conv.o", ".text.Eval"): ("Eval",),
    (None, "build/my conv[1].o", ".text.odd"): ("odd",),
    (None, "/tmp/ccAb12Cd.o", ".text.once"): ("once",),
    (None, "/tmp/ccAb12Cd.ltrans0.ltrans.o", ".text.both"): ("lto",),
    (None, "/tmp/ccAb12Ce.ltrans1.ltrans.o", ".text.both"): ("lto2",),
    ("/lib/libm.a", "sinf.o", ".text"): ("sinf", "cosf"),
    ("a/libx.a", "same.o", ".text.f"): ("f",),
    ("b/libx.a", "same.o", ".text.f"): ("f [b]",),
    (None, "big.o", ".text"): ("one", "two", "three", "four", "five", "six", "seven"),
}


def built(objects: dict[tuple[str | None, str, str], tuple[str, ...]]) -> tuple[Image, LinkMap]:
    functions: list[Function] = []
    contributions: list[Contribution] = []
    at = ROM
    for (archive, name, section), inside in objects.items():
        contributions.append(Contribution(at, 64 * len(inside), section, name, archive, ".text"))
        for one in inside:
            functions.append(Function(len(functions), one, at, at + 64))
            at += 64
    symbols = [Symbol(f.name.split(" ")[0], f.start, 64, "function", ".text") for f in functions]
    sections = (Section(".text", ROM, at - ROM, ROM, True, True, False),)
    image = Image(
        "a.elf", "", None, None, 1, (), sections, tuple(symbols), tuple(functions),
        origins=((ROM, "conv.c"),),
    )  # fmt: skip
    return image, LinkMap("a.map", tuple(contributions), {".text": (ROM, at - ROM)})


def moved(*names: str, region: str = "itcm") -> list[tuple[Piece, str]]:
    pieces = {piece.name: piece for piece in all_pieces(built(OBJECTS)[0])}
    return [(pieces[name], region) for name in names]


def pattern(*names: str) -> str:
    """The pattern of the first, or why it stays."""
    image, found = built(OBJECTS)
    one = by_map(image, found, moved(*names))[0]
    return one.pattern if isinstance(one, MovedSection) else one.reason


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Eval", "*conv.o(.text.Eval)"),
        ("Prepare [pool.c]", "*pool.o(.text.Prepare)"),
        ("Prepare", "*src/conv.o(.text.Prepare)"),  # *conv.o would take that of lib, too
        ("odd", "*my?conv?1?.o(.text.odd)"),
        ("once", "*(.text.once)"),  # the object has another name next time
        ("f", "*a/libx.a:same.o(.text.f)"),
    ],
)
def test_a_pattern_names_the_object_that_holds_it(name: str, expected: str) -> None:
    assert pattern(name) == expected


def test_an_input_section_of_a_library_moves_whole_and_says_so() -> None:
    image, found = built(OBJECTS)
    assert by_map(image, found, moved("sinf")) == [
        MovedSection("*libm.a:sinf.o(.text)", 128, ("cosf",))
    ]
    both = by_map(image, found, moved("sinf", "cosf"))
    assert both == [MovedSection("*libm.a:sinf.o(.text)", 128)] * 2


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("one",), "holds 6 more, 384 bytes that would move along: compile it with -ffunction-sec"),
        (("lto",), "made by LTO under a name of the moment: compile its source with -fno-lto"),
    ],
)
def test_what_no_pattern_moves_says_which_flag_would(names: tuple[str, ...], said: str) -> None:
    assert said in pattern(*names)


def test_what_goes_two_ways_is_never_one_pattern() -> None:
    image, found = built(OBJECTS)
    pieces = [*moved("sinf"), *moved("cosf", region="dtcm")]
    assert all(
        isinstance(one, Stays) and "things that go to dtcm and itcm" in one.reason
        for one in by_map(image, found, pieces)
    )


def test_an_object_that_two_archives_of_one_path_hold_is_said() -> None:
    twice: dict[tuple[str | None, str, str], tuple[str, ...]] = {
        ("x.a", "same.o", ".text"): ("f",),
        ("x.a", "same.o", ".text "): ("g",),
    }
    image, found = built(twice)
    rows = tuple(
        Contribution(c.address, c.size, ".text", c.object, c.archive, c.output)
        for c in found.contributions
    )
    pieces = [(piece, "itcm") for piece in all_pieces(image) if piece.name == "f"]
    (one,) = by_map(image, LinkMap("a.map", rows, {}), pieces)
    assert isinstance(one, Stays)
    assert (
        "x.a(same.o) has several input sections .text, which no pattern tells apart" in one.reason
    )


def test_a_part_of_an_array_moves_with_no_linker() -> None:
    section = Section(".bss", 0x20010000, 4096, 0x20010000, True, False, True, has_data=False)
    symbol = Symbol("arena", 0x20010000, 4096, "object", ".bss")
    image = Image("a.elf", "", None, None, 1, (), (section,), (symbol,))
    head = Piece("arena", "object", 0x20010000, 1024, 32)
    (one,) = by_symbols(image, [(head, "dtcm")])
    assert isinstance(one, Stays)
    assert "1,024 of the 4,096 bytes of arena, which a linker moves whole" in one.reason


def test_without_a_map_only_what_a_name_proves_moves() -> None:
    image, _ = built(OBJECTS)
    found = by_symbols(image, [*moved("Eval"), *moved("Prepare")])
    assert found[0] == MovedSection("*(.text.Eval)", 64)
    assert isinstance(found[1], Stays)
    assert "3 have this name; -Wl,-Map=FILE.map tells their objects" in found[1].reason


def test_what_a_linker_moves_as_one_is_one_piece() -> None:
    image, found = built(OBJECTS)
    pieces = all_pieces(image)
    assert as_linked(None, pieces) == pieces
    (whole,) = (piece for piece in as_linked(found, pieces) if piece.name == "sinf and 1 more")
    assert (whole.size, whole.is_code) == (128, True)
    assert by_map(image, found, [(whole, "itcm")]) == [MovedSection("*libm.a:sinf.o(.text)", 128)]


def test_a_veneer_is_known_by_its_name_also_where_two_have_it() -> None:
    assert all(
        map(is_veneer, ("__core_veneer", "__core_veneer [0x080003f8]", "__Thumbv7ABSLongThunk_f"))
    )
    assert not is_veneer("core [filter.c]")


def test_calls_that_reach_no_more_are_counted_as_veneers() -> None:
    """BL and B.W of main at ROM to 64 bytes further, encoded by hand (Arm DDI 0403E, A7.7.18)."""
    from simcore.elf import Segment

    # bl +64-4: S 0, J1 J2 1, imm11 30; b.w back: +128-68 from offset 4
    code = bytes.fromhex("00f01ef800f03cb8").ljust(192, b"\0")
    functions = tuple(Function(i, n, ROM + 64 * i, ROM + 64 * (i + 1)) for i, n in enumerate("abc"))
    segment = Segment(ROM, ROM, code, 192, True, False)
    image = Image("a.elf", "", None, None, 1, (segment,), functions=functions)
    assert count_veneers(image, [Move(ROM + 64, 64, 8)]) == (1, 0)
    assert count_veneers(image, [Move(ROM, 64, 8)]) == (0, 2)
    assert count_veneers(image, [Move(ROM, 192, 8)]) == (0, 0)
    calls = [DirectCall(ROM, ROM + 64, 7), DirectCall(ROM + 4, ROM + 128, 100)]
    assert through_veneers(calls, [Move(ROM + 64, 64, 8)]) == 7
