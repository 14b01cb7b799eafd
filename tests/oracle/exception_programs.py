"""Random programs whose exceptions come from the program itself, for a comparison with QEMU.

Each handler logs what it sees (its number, EXC_RETURN, where it came from, ICSR, the fault status
registers, a running mix of registers) and does some random operations: it pends others, changes
priorities and masks, calls SVC, faults. Every pend is followed by DSB and ISB, so that where it is
taken is the architecture's. An operation that leads to a handler costs fuel, so a program ends.
"""

from __future__ import annotations

import random
from collections.abc import Callable

INTERRUPTS = 6
FUEL = 60
HANDLERS = {
    2: "nmi", 3: "hard", 4: "mem", 5: "bus", 6: "usage", 11: "svc", 14: "pendsv", 15: "systick",
    **{16 + n: f"irq{n}" for n in range(INTERRUPTS)},
}  # fmt: skip
FAULTS = (3, 4, 5, 6)

_PROLOGUE = """
    .syntax unified
    .thumb
    .section .isr_vector, "a"
    .global __isr_vector
__isr_vector:
{vectors}
    .bss
    .balign 8
fuel: .space 4
at: .space 4
words: .space 16384
    .space 1024
process_stack:
    .space 1024
scratch: .space 64
    .balign 32
guarded: .space 32
read_only: .space 32
text: .space 16
    .text
    .macro barrier
    dsb
    isb
    .endm
    .macro mix value
    eor r11, r11, \\value
    ror r11, r11, #5
    add r11, r11, #0x55
    .endm
    .macro burn skip
    ldr r1, =fuel
    ldr r0, [r1]
    cmp r0, #0
    beq \\skip
    subs r0, #1
    str r0, [r1]
    .endm
    .macro log value
    ldr r2, =at
    ldr r3, [r2]
    str \\value, [r3], #4
    str r3, [r2]
    .endm
"""

_START = """
    .global reset
    .type reset, %function
reset:
    ldr r0, =fuel
    movs r1, #{fuel}
    str r1, [r0]
    ldr r0, =at
    ldr r1, =words
    str r1, [r0]
    ldr r0, =0xe000ed88
    mov r1, #0xf00000
    str r1, [r0]
    dsb
    isb
    movs r4, #1
    movs r5, #2
    movs r6, #3
    movs r7, #4
    mov r8, #5
    mov r9, #6
    mov r10, #7
    mov r11, #8
"""

#: Prints the words from r4 up to r5, a line each, and exits.
PRINTS_WORDS = """
    ldr r6, =text
1:  cmp r4, r5
    bhs 4f
    ldr r0, [r4], #4
    movs r1, #8
    mov r2, r6
2:  ror r0, r0, #28
    and r3, r0, #15
    cmp r3, #10
    ite lo
    addlo r3, #48
    addhs r3, #87
    strb r3, [r2], #1
    subs r1, #1
    bne 2b
    movs r3, #10
    strb r3, [r2], #1
    movs r3, #0
    strb r3, [r2]
    movs r0, #4
    mov r1, r6
    bkpt 0xab
    b 1b
4:  movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    b .
    .ltorg
"""

_END = """
    cpsid i
    isb
    ldr r2, =at
    ldr r3, [r2]
    stmia r3!, {r4-r11}
    mrs r0, apsr
    mrs r1, control
    mrs r2, basepri
    stmia r3!, {r0-r2}
    ldr r4, =words
    mov r5, r3
"""

# r0: the frame. A fault's handler steps over the instruction, or behind the call that led nowhere.
_STEP_OVER = """
    ldr r2, =0xe000ed88
    mov r3, #0xf00000
    str r3, [r2]
    barrier
    ldr r1, [r0, #24]
    ldr r2, =0xe000ed28
    ldr r3, [r2]
    mix r3
    mov r12, r3
    log r12
    ldr r2, =0xe000ed28
    ldr r3, [r2, #4]
    mix r3
    ldr r3, [r2]
    tst r3, #0x8000
    itt ne
    ldrne r3, [r2, #16]
    eorne r11, r11, r3
    ldr r3, [r2]
    str r3, [r2]
    cmp r3, #0
    beq 9f
    mvn r3, #0
    str r3, [r2, #4]
    lsrs r3, r1, #24
    cmp r3, #0x2f
    bne 7f
    ldr r1, [r0, #20]
    bic r1, #1
    b 8f
7:  ldrh r3, [r1]
    lsrs r3, #11
    cmp r3, #0x1d
    ite hs
    addhs r1, #4
    addlo r1, #2
8:  str r1, [r0, #24]
    ldr r1, [r0, #28]
    ldr r3, =0x0600fc00
    bic r1, r3
    str r1, [r0, #28]
9:
"""


class Program:
    """One random program, by its seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._labels = 0
        self.text = self._write()

    def _label(self) -> str:
        self._labels += 1
        return f".Lskip{self._labels}"

    # --- operations ---

    def _alu(self) -> str:
        pick, r = self._random.choice, range(4, 11)
        a, b, c = pick(r), pick(r), pick(r)
        return pick((
            f"adds r{a}, r{b}, r{c}", f"eor r{a}, r{b}, r{c}, ror #{pick(range(1, 31))}",
            f"mul r{a}, r{b}, r{c}", f"subs r{a}, r{b}, #{pick(range(200))}",
            f"ldr r3, =scratch\n str r{a}, [r3, #{4 * pick(range(16))}]",
            f"ldr r3, =scratch\n ldr r{a}, [r3, #{4 * pick(range(16))}]",
            f"vmov s{pick(range(32))}, r{a}", f"vmov r{a}, s{pick(range(32))}",
            f"cmp r{a}, r{b}\n itet lo\n addlo r{a}, #1\n eorhs r{b}, r{b}, r{c}\n movlo r{c}, #9",
        ))  # fmt: skip

    def _store(self, address: int, value: int, kind: str = "str") -> str:
        return f"ldr r0, ={address:#x}\n ldr r1, ={value:#x}\n {kind} r1, [r0]\n barrier"

    def _fuelled(self, text: str) -> str:
        skip = self._label()
        return f"burn {skip}\n {text}\n{skip}:"

    def _pend(self) -> str:
        pick = self._random.choice
        number = pick(range(INTERRUPTS))
        several = self._random.getrandbits(INTERRUPTS)
        return self._fuelled(pick((
            self._store(0xE000_E200, 1 << number), self._store(0xE000_E200, several),
            self._store(0xE000_EF00, number), self._store(0xE000_ED04, 1 << 28),
            self._store(0xE000_ED04, 1 << 26), self._store(0xE000_ED04, 0x1400_0000),
            self._store(0xE000_ED04, 1 << 31),
        )))  # fmt: skip

    def _clear(self) -> str:
        several = self._random.getrandbits(INTERRUPTS)
        return self._random.choice((
            self._store(0xE000_E280, several), self._store(0xE000_ED04, 1 << 27),
            self._store(0xE000_ED04, 1 << 25),
        ))  # fmt: skip

    def _enable(self) -> str:
        several = self._random.getrandbits(INTERRUPTS)
        return self._store(self._random.choice((0xE000_E100, 0xE000_E100, 0xE000_E180)), several)

    def _priority(self) -> str:
        pick = self._random.choice
        value = pick(range(0, 256, 16))
        configurable = (
            0xE000_ED1F,
            0xE000_ED22,
            0xE000_ED23,
            0xE000_ED18,
            0xE000_ED19,
            0xE000_ED1A,
        )
        address = pick((pick(configurable), 0xE000_E400 + pick(range(INTERRUPTS))))
        return self._store(address, value, "strb")

    def _mask(self) -> str:
        pick = self._random.choice
        base = pick((0, 0, *range(16, 256, 16)))
        return pick((
            f"movs r0, #{base}\n msr basepri, r0\n isb",
            f"movs r0, #{base}\n msr basepri_max, r0\n isb",
            "cpsid i\n isb", "cpsie i\n isb", "cpsie i\n isb",
        ))  # fmt: skip

    def _critical(self, mask: str) -> str:
        return f"cpsid {mask}\n isb\n {self._pend()}\n {self._alu()}\n cpsie {mask}\n isb"

    def _svc(self) -> str:
        return self._fuelled(f"svc #{self._random.randrange(256)}")

    def _fault(self) -> str:
        return self._fuelled(self._random.choice((
            "udf #1", "udf.w #1", "ldr r0, =0x2f000000\n ldr r1, [r0]",
            "ldr r0, =0x2f000000\n mov r1, #7\n str r1, [r0]",
            "ldr r0, =0x2f000001\n blx r0",
            # QEMU forgets flags that were set in the block of a divide: ISB ends the block
            "movs r0, #0\n isb\n udiv r1, r4, r0\n mix r1",
            "ldr r0, =scratch\n ldr r1, [r0, #1]\n mix r1",
            "ldr r0, =scratch\n str r4, [r0, #2]",
            "ldr r0, =guarded\n ldr r1, [r0, #4]\n mix r1",
            "ldr r0, =guarded\n str r4, [r0, #4]",
            "ldr r0, =read_only\n strb r4, [r0, #3]\n ldr r1, [r0]\n mix r1",
            "cmp r4, r4\n ldr r0, =guarded - 4\n ittee eq\n streq r5, [r0]\n ldreq r4, [r0, #4]\n"
            " addne r5, #3\n addne r6, #1",
            "cmp r4, r4\n ldr r0, =scratch\n ittet eq\n streq r5, [r0]\n streq r4, [r0, #5]\n"
            " addne r5, #3\n addeq r6, #1",
            "cmp r4, r4\n mov r0, #0\n isb\n ittet eq\n addeq r7, #2\n udiveq r1, r5, r0\n"
            " addne r5, #3\n addeq r6, #1\n mix r1",
            "ldr r0, =guarded - 8\n stmia r0!, {r4-r7}\n mix r0",
            f"{self._store(0xE000_ED88, 0)}\n vmov s3, r4\n {self._store(0xE000_ED88, 0xF0_0000)}",
            "cmp r4, r4\n ldr r0, =0x2f000000\n itett eq\n addeq r4, #1\n addne r4, #2\n"
            " ldreq r1, [r0]\n addeq r5, #4",
            "cmp r4, r4\n ittet eq\n addeq r4, #1\n udfeq #3\n addne r4, #2\n addeq r5, #4",
        )))  # fmt: skip

    def _operations(self, count: int, kinds: list[Callable[[], str]]) -> str:
        return "\n".join(f" {self._random.choice(kinds)()}" for _ in range(count))

    # --- the program ---

    def _handler(self, number: int) -> str:
        calm = number in (2, 3)
        kinds = [self._alu, self._alu, self._pend, self._clear, self._priority]
        if not calm:
            kinds += [self._enable, self._mask, self._svc, self._fault]
        # A handler goes back with nothing masked that would keep the program from its end.
        return f"""
    .type {HANDLERS[number]}, %function
    .thumb_func
{HANDLERS[number]}:
    tst lr, #4
    ite eq
    mrseq r0, msp
    mrsne r0, psp
    mov r12, lr
    push {{r0, lr}}
    mrs r1, ipsr
    log r1
    log r12
    ldr r1, [r0, #24]
    log r1
    ldr r1, [r0, #28]
    bic r1, #0x200
    mix r1
    ldr r1, =0xe000ed04
    ldr r1, [r1]
    log r1
    mrs r1, basepri
    mix r1
    log r11
    {_STEP_OVER if number in FAULTS else ""}
{self._operations(self._random.randrange(5), kinds)}
    pop {{r0, pc}}
    .ltorg
"""

    def _write(self) -> str:
        pick = self._random.choice
        vectors = ["0x20010000", "reset"]
        vectors += [HANDLERS.get(number, "0") for number in range(2, 16 + INTERRUPTS)]
        start = _START.format(fuel=FUEL)
        start += self._store(0xE000_ED0C, 0x05FA_0000 | pick(range(8)) << 8) + "\n"
        start += self._store(0xE000_ED24, pick(range(8)) << 16) + "\n"
        start += self._store(0xE000_ED14, 0x200 | pick((0, 0x10)) | pick((0, 8))) + "\n"
        start += self._store(0xE000_E100, self._random.getrandbits(INTERRUPTS)) + "\n"
        # No access to the 32 bytes of guarded, no writes to those behind; all else as without MPU.
        guard = ((0, "guarded", 0x1000_0009), (1, "read_only", 0x0600_0009))
        for number, name, rasr in guard:
            start += f"ldr r0, =0xe000ed98\n movs r1, #{number}\n str r1, [r0]\n"
            start += f"ldr r1, ={name}\n str r1, [r0, #4]\n ldr r1, ={rasr}\n str r1, [r0, #8]\n"
        start += self._store(0xE000_ED94, pick((0, 5, 5, 7))) + "\n"
        start += "\n".join(self._priority() for _ in range(8)) + "\n"
        if pick((False, True)):
            start += "ldr r0, =process_stack\n msr psp, r0\n movs r0, #2\n msr control, r0\n isb\n"
        kinds = [
            self._alu, self._alu, self._pend, self._pend, self._clear, self._enable,
            self._priority, self._mask, self._svc, self._fault,
            lambda: self._critical("i"), lambda: self._critical("f"),
        ]  # fmt: skip
        body = "\n".join(
            self._operations(12, kinds) + f"\n b 5{part}f\n .ltorg\n5{part}:" for part in range(5)
        )
        return (
            _PROLOGUE.format(vectors="\n".join(f"    .word {v}" for v in vectors))
            + start
            + " b 1f\n .ltorg\n1:\n"
            + body
            + _END
            + PRINTS_WORDS
            + "\n".join(self._handler(number) for number in HANDLERS)
        )
