"""Programs of DMA that tests assemble: transfers, and what waits for them."""

from __future__ import annotations

from dataclasses import dataclass

from simcore.machine import EndedRun


def code(result: EndedRun) -> int:
    """What the program ended with; it did end."""
    assert result.exit_reason == "exit", (result.exit_reason, result.fault)
    return (result.exit_code or 0) & 0xFFFF_FFFF


def stores(*words: tuple[int, int | str]) -> str:
    """Stores of words, each (address, value or label)."""
    return "".join(f"ldr r0, ={at:#x}\n ldr r1, ={value}\n str r1, [r0]\n" for at, value in words)


def flags(address: int, mask: int) -> str:
    """Waits until a bit of a register's mask is set."""
    return f"ldr r0, ={address:#x}\n 1: ldr r1, [r0]\n tst r1, #{mask:#x}\n beq 1b\n"


END = " bl exit_r0\n .ltorg\n .balign 4\n"
BYTES = " .byte " + ", ".join(str(n) for n in range(1, 65)) + "\n"
TABLE = END + "table:" + BYTES

DMA1, DMA2, H7_DMA1 = 0x4002_6000, 0x4002_6400, 0x4002_0000
COPY = 0x2002_0000
IN_MEMORY, PINC, MINC, EN = 2 << 6, 1 << 9, 1 << 10, 1
BYTE, HALF, WORD = 0, 1, 2
TCIF, HTIF, TEIF = 1 << 5, 1 << 4, 1 << 3


@dataclass(frozen=True)
class Copy:
    """A transfer in memory by stream 0 of a controller."""

    items: int
    read: int = WORD
    write: int = WORD
    control: int = PINC | MINC
    source: int | str = "table"
    target: int = COPY
    base: int = DMA2
    wait: str = ""

    @property
    def text(self) -> str:
        sizes = self.read << 11 | self.write << 13
        return stores(
            (self.base + 0x14, self.items),
            (self.base + 0x18, self.source),
            (self.base + 0x1C, self.target),
            (self.base + 0x24, 0x27),
            (self.base + 0x10, IN_MEMORY | sizes | self.control | EN),
        ) + (self.wait or flags(self.base, TCIF | TEIF))


def word(address: int) -> str:
    return f"ldr r0, ={address:#x}\n ldr r0, [r0]\n"


def bytes_from(first: int, *steps: int) -> int:
    return sum((first + step) << 8 * n for n, step in enumerate(steps))


PLAIN = bytes_from(1, 0, 1, 2, 3)
#: A while.
SETTLE = "mov r0, #4000\n1: subs r0, #1\n bne 1b\n"

COUNT_CYCLES = stores((0xE000_EDFC, 1 << 24), (0xE000_1000, 1))
CYCLES = "ldr r2, =0xe0001004\n ldr r2, [r2]\n"


def interrupting(number: int, handler: str, text: str) -> str:
    """Text with an interrupt enabled; r7 counts the times that its handler ran."""
    return f"""
        {stores((0xE000_ED08, "vectors"), (0xE000_E100 + number // 32 * 4, 1 << number % 32))}
        movs r7, #0
        {text}
        bl exit_r0
        .ltorg
        .type ended, %function
    ended:
        adds r7, #1
        {handler}
        bx lr
        .ltorg
        .balign 512
    vectors:
        .rept 112
        .word ended + 1
        .endr
    table:{BYTES}
    """
