"""The same program with a tick: SysTick is switched on in front of its start-up code.

A stub in flash behind the program sets SysTick, with a handler that comes back at once, and goes on
to the program's reset handler; the vector table names stub and handler. Nothing else is changed.
"""

from __future__ import annotations

from dataclasses import replace

from simcore.elf import Image
from simcore.elf.image import Segment

WORD = 4
RESET, SYSTICK = 1, 15  # words of the vector table
# ldr r0, =SYST_CSR; ldr r1, =reload; str r1, [r0, #4]; movs r1, #7; str r1, [r0]; ldr r0, =reset;
# bx r0; the handler: bx lr; then the three words
CODE = bytes.fromhex("0348 0449 4160 0721 0160 0348 0047 7047")
HANDLER = 14  # bytes into it
SYST_CSR = 0xE000_E010


def with_tick(image: Image, period: int) -> Image:
    """The image, interrupted every `period` core cycles."""
    table = image.vector_table
    assert table is not None
    assert image.reset is not None
    flash = [s for s in image.segments if s.address >> 24 == table >> 24]
    stub = (max(s.address + len(s.data) for s in flash) + 31) & ~31
    words = (SYST_CSR, period - 1, image.reset)
    code = CODE + b"".join(word.to_bytes(WORD, "little") for word in words)
    vectors = {table + RESET * WORD: stub | 1, table + SYSTICK * WORD: (stub + HANDLER) | 1}
    segments = [replace(s, data=_patched(s, vectors)) for s in image.segments]
    segments.append(Segment(stub, stub, code, len(code), executable=True, writable=False))
    return replace(image, segments=tuple(sorted(segments, key=lambda s: s.address)), reset=stub | 1)


def _patched(segment: Segment, words: dict[int, int]) -> bytes:
    data = bytearray(segment.data)
    for address, word in words.items():
        at = address - segment.address
        if 0 <= at < len(data):
            data[at : at + WORD] = word.to_bytes(WORD, "little")
    return bytes(data)
