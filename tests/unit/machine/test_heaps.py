"""Heaps: how much allocators took, of the variables in which they keep it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import simcore
from simcore.checking.limits import parse_limits
from simcore.checking.verdicts import judge
from simcore.comparison.comparison import compare
from simcore.comparison.summary import summarize
from simcore.elf import Image, Symbol
from simcore.report.profile import render
from simcore.run.heaps import HeapUse, heaps_used
from tests.unit.handmade import kernel_profile

START, LIMIT = 0x2000_1000, 0x2000_8000


def found(memory: dict[str, int], *, linked: int = 0, **labels: int) -> tuple[HeapUse, ...]:
    """Of a program with these words; of ``ucHeap`` it is the size."""
    symbols = [
        Symbol(name, 0x2000_0000 + 4 * at, 4, "object", ".bss") for at, name in enumerate(memory)
    ]
    at = {symbol.address: memory[symbol.name] for symbol in symbols}
    symbols = [replace(s, size=memory["ucHeap"]) if s.name == "ucHeap" else s for s in symbols]
    symbols += [Symbol(name, address, 0, "label", "") for name, address in labels.items()]
    names = {symbol.name: symbol for symbol in symbols}
    image = SimpleNamespace(
        symbols=symbols,
        symbol=names.get,
        heap_start=lambda: START,
        read=lambda address, size: linked.to_bytes(size, "little"),
    )
    return heaps_used(
        cast(Image, cast(Any, image)),
        lambda address, size: at[address].to_bytes(size, "little") if address in at else None,
        LIMIT,
    )


@pytest.mark.parametrize("name", ["heap_end", "heap_end.0", "__sbrk_heap_end", "curbrk", "brk"])
def test_newlib_took_what_lies_below_the_break(name: str) -> None:
    assert found({name: START + 500}, _sbrk=8) == (HeapUse("newlib", 500),)
    assert found({name: 0}, _sbrk=8) == (HeapUse("newlib", 0),)
    assert found({name: START + 500}, _sbrk=8, __HeapLimit=START + 2048) == (
        HeapUse("newlib", 500, 2048),
    )
    # One that is linked with another start than the end of .bss.
    assert found({name: START + 500}, linked=START + 100, _sbrk=8) == (HeapUse("newlib", 400),)


@pytest.mark.parametrize("value", [START - 4, LIMIT + 4, 7])
def test_what_is_no_break_is_not_told(value: int) -> None:
    assert found({"heap_end": value}, _sbrk=8) == ()
    assert found({"heap_end": START + 8}) == ()  # of no _sbrk


def test_freertos_keeps_the_least_that_was_free() -> None:
    least = {"ucHeap": 4096, "pxEnd": START, "xMinimumEverFreeBytesRemaining": 1000}
    assert found(least) == (HeapUse("FreeRTOS", 3096, 4096),)
    # Before the first pvPortMalloc() its variables are 0.
    unused = {**least, "pxEnd": 0, "xMinimumEverFreeBytesRemaining": 0}
    assert found(unused) == (HeapUse("FreeRTOS", 0, 4096),)
    assert found({"ucHeap": 4096, "xNextFreeByte": 24}) == (HeapUse("FreeRTOS", 24, 4096),)
    assert found({"ucHeap": 4096, "xNextFreeByte": 5000}) == ()
    assert found({"ucHeap": 4096, "xFreeBytesRemaining": 24}) == ()  # heap_2.c keeps no least


def test_a_program_that_prints_takes_heap_of_newlib_and_a_limit_holds_it(prebuilt: Path) -> None:
    profile = simcore.profile(
        prebuilt.parents[1] / "tests/firmware/prebuilt/hello_entry.elf", stdout=BytesIO()
    )
    (heap,) = profile.heaps or ()
    # newlib-nano's printf() to stdout takes a buffer of 1,024 bytes and the file objects.
    assert heap.allocator == "newlib"
    assert 1024 < heap.used_bytes < 2048
    assert "heap high water" in render(profile, "text")
    used = heap.used_bytes
    limits = parse_limits(f"heap={used}|{used - 1}", "--limit")
    (value,) = [one for one in judge(summarize(profile), None, limits) if one.metric == "heap"]
    assert [limit.holds for limit in value.limits] == [True, False]


def test_a_comparison_has_the_heap_where_a_run_has_one() -> None:
    plain = kernel_profile()
    taken = replace(plain, heaps=(HeapUse("newlib", 100), HeapUse("FreeRTOS", 50, 400)))
    rows = {row.metric: row for row in compare(plain, taken).metrics}
    assert (rows["heap"].before, rows["heap"].after) == (None, 150)
    assert "heap" not in {row.metric for row in compare(plain, plain).metrics}
