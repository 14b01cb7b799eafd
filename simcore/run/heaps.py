"""Heaps of a program: how much an allocator took at most, as its own variables say when a run ends.

newlib asks `_sbrk` for memory, which keeps the break in a static variable: ``heap_end`` in newlib's
libnosys and librdimon, ``__sbrk_heap_end`` in STM32CubeIDE's sysmem.c, ``brk`` in picolibc,
``curbrk`` elsewhere. FreeRTOS names the variables in portable/MemMang: heap_4.c keeps the least
that was ever free, heap_1.c the bytes given out, which never come back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from simcore.elf import Image, Symbol
from simcore.plain import Count
from simcore.records import dataclass

Read = Callable[[int, int], bytes | None]

WORD: Final = 4
_BREAK: Final = re.compile(r"(_*(sbrk_)?heap_end|_*cur_?brk|_*brk|_*program_break)(\.\d+)?")
#: What linker scripts call the end of the heap's memory.
_LIMITS: Final = (
    "__HeapLimit",
    "__heap_limit",
    "__heap_end",
    "__heap_end__",
    "_heap_end",
    "_eheap",
)


@dataclass(frozen=True, slots=True)
class HeapUse:
    """What one allocator took."""

    allocator: str
    used_bytes: Count
    """The most at any time; of newlib how far the break had moved when the run ended."""
    given_bytes: Count | None = None
    """Its memory, null where nobody says it."""


def heaps_used(image: Image, read: Read, limit: int) -> tuple[HeapUse, ...]:
    """The heaps that a program has and whose use its memory tells; empty without any.

    ``read`` gives bytes of its memory, None where there is none; ``limit`` is where newlib's heap
    would meet the stack or the end of its memory.
    """
    return tuple(heap for heap in (_freertos(image, read), _newlib(image, read, limit)) if heap)


def _freertos(image: Image, read: Read) -> HeapUse | None:
    memory = image.symbol("ucHeap")
    if memory is None or not memory.size:
        return None
    size, used = memory.size, None
    if (begun := image.symbol("pxEnd")) and (
        free := image.symbol("xMinimumEverFreeBytesRemaining")
    ):
        least = _word(read, free)
        used = None if least is None else size - least if _word(read, begun) else 0
    elif next_free := image.symbol("xNextFreeByte"):
        used = _word(read, next_free)
    return HeapUse("FreeRTOS", used, size) if used is not None and 0 <= used <= size else None


def _newlib(image: Image, read: Read, limit: int) -> HeapUse | None:
    if image.symbol("_sbrk") is None and image.symbol("sbrk") is None:
        return None
    for symbol in _breaks(image):
        linked, now = _linked(image, symbol), _word(read, symbol)
        start = linked or image.heap_start()
        if start is None or now is None or (now and not start <= now <= limit):
            continue
        end = next((one.address for name in _LIMITS if (one := image.symbol(name))), None)
        given = end - start if end is not None and end > start else None
        return HeapUse("newlib", now - start if now else 0, given)
    return None


def _breaks(image: Image) -> Iterator[Symbol]:
    for symbol in image.symbols:
        if symbol.kind == "object" and symbol.size == WORD and _BREAK.fullmatch(symbol.name):
            yield symbol


def _linked(image: Image, symbol: Symbol) -> int:
    """What it holds before the program runs: the start of the heap, or 0."""
    return int.from_bytes(image.read(symbol.address, WORD) or b"", "little")


def _word(read: Read, symbol: Symbol) -> int | None:
    data = read(symbol.address, WORD)
    return None if data is None else int.from_bytes(data, "little")
