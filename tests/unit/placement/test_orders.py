"""Where a linker might have put code: drawn orders, and gaps that close, reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.elf import Function, Image, Section, Symbol
from simcore.placement.orders import closed, reordered
from simcore.run.setup import Move

MODEL = load_cpu_model("stm32f746")
TEXT = 0x0800_0100
SIZES = (0x40, 0x20, 0x32, 0x10, 0x5E)  # of a to e; d and e begin in the middle of a word


def program(names: str = "abcde", base: int = TEXT) -> Image:
    """Functions side by side in the order of their names, each as large as it always is."""
    functions, at = [], base
    for index, name in enumerate(names):
        size = SIZES["abcde".index(name)]
        functions.append(Function(index, name, at, at + size))
        at += size
    text = Section(".text", base, at - base, base, True, True, False)
    return Image("p.elf", "", None, None, 1, (), functions=tuple(functions), sections=(text,))


def places(image: Image, moves: tuple[Move, ...] | None) -> dict[str, int]:
    """Where each function is timed."""
    assert moves is not None
    found = {}
    for function in image.functions:
        own = [move for move in moves if move.start <= function.start < move.end]
        found[function.name] = function.start + (own[0].to - own[0].start if own else 0)
    return found


@pytest.mark.parametrize("number", range(4))
def test_functions_in_another_order_neither_overlap_nor_leave_their_words(number: int) -> None:
    image = program()
    found = places(image, reordered(image, MODEL, (), number, 8))
    ends = {f.name: found[f.name] + f.end - f.start for f in image.functions}
    ordered = sorted(found, key=lambda name: found[name])
    assert found[ordered[0]] >= TEXT + 8
    assert all(ends[one] <= found[other] <= ends[one] + 3 for one, other in pairwise(ordered))
    assert all(found[f.name] % 4 == f.start % 4 for f in image.functions)


def test_the_order_hangs_on_names_and_not_on_where_they_are_linked() -> None:
    orders = []
    for image in (program("abcde"), program("ecabd", TEXT + 0x44)):
        found = places(image, reordered(image, MODEL, (), 3, 0))
        orders.append(sorted(found, key=lambda name: found[name]))
    assert orders[0] == orders[1]
    others = {
        tuple(sorted(found, key=lambda name: found[name]))
        for number in range(8)
        for found in [places(program(), reordered(program(), MODEL, (), number, 0))]
    }
    assert len(others) > 4


def test_what_is_placed_elsewhere_shifts_there() -> None:
    image = program()
    b = Move(TEXT + 0x40, 0x20, 0x10)
    found = places(image, reordered(image, MODEL, (b,), 0, 4))
    assert found["b"] == 0x14


def with_data(order: str, base: int) -> Image:
    """Code, behind it three tables of ROM, and three of RAM, in that order."""
    image = program(base=base)
    sizes = {"p": 64, "q": 8, "r": 40}
    sections, symbols = list(image.sections), []
    rom = base + sum(SIZES)
    for start, writable in ((rom, False), (0x2001_0000, True)):
        at = start
        for name in order:
            symbols.append(Symbol(f"{name}{writable}", at, sizes[name], "object", ".x"))
            at += sizes[name]
        sections.append(Section(".x", start, at - start, start, True, False, writable))
    return replace(image, sections=tuple(sections), symbols=tuple(symbols))


def data_places(image: Image, number: int, *, data: bool = True) -> dict[str, int]:
    moves = reordered(image, MODEL, (), number, 0, data=data) or ()
    found = {}
    for symbol in image.symbols:
        own = [move for move in moves if move.start <= symbol.address < move.end]
        shift = own[0].to - own[0].start if own else 0
        found[symbol.name] = symbol.address + shift
    return found


def test_data_lies_alike_wherever_it_is_linked_and_ram_keeps_its_bytes() -> None:
    images = [with_data("pqr", TEXT), with_data("rqp", TEXT + 0x44)]
    for number in range(4):
        one, other = (data_places(image, number) for image in images)
        assert one == other
        ram = sorted(at for name, at in one.items() if name.endswith("True"))
        assert ram[0] == 0x2001_0000
        assert ram[-1] < 0x2001_0000 + 64 + 8 + 40
    assert len({tuple(data_places(images[0], number).items()) for number in range(8)}) > 2
    still = data_places(images[0], 1, data=False)
    assert still == {symbol.name: symbol.address for symbol in images[0].symbols}


def test_a_gap_closes_and_what_moved_stays_where_it_was_placed() -> None:
    image = program()
    moves = closed(image, MODEL, (Move(TEXT + 0x40, 0x20, 0x10),), 4)
    assert places(image, moves) == {
        "a": TEXT + 4, "b": 0x10, "c": TEXT + 0x44, "d": TEXT + 0x76, "e": TEXT + 0x86,
    }  # fmt: skip
    # data is no code: it is neither shifted nor packed
    data = Move(0x2001_0000, 0x40, 0x2000_0000)
    assert data in (closed(image, MODEL, (data,), 0) or ())


def test_a_layout_that_leaves_the_memory_is_none() -> None:
    end = MODEL.region("flash").end
    full = program(base=end - sum(SIZES))
    assert reordered(full, MODEL, (), 0, 32) is None
    assert closed(replace(full, sections=()), MODEL, (), 0) == ()
