"""Programs that timed interrupts interrupt, for the twin in stepped.py.

What a program does between its interrupts is the same whenever they come: it works on registers and
memory of its own. A handler counts its calls, mixes what it sees of the other handlers' counts into
a word of its own, and switches itself off when it was called often enough; so a run's results hang
on the order of handlers, and not on the cycle in which one came.

Due times of --irq keep some distance, whatever their multiple, so that the order does not hang on a
few cycles.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

CYCLE_NS = 5  # at 200 MHz
IRQS = 4
FEWEST_BYTES = 300  # of results
SYSTICK = 15
NUMBERS = {SYSTICK: "systick", **{16 + n: f"irq{n}" for n in range(IRQS)}}

_PROLOGUE = """
    .syntax unified
    .thumb
    .section .isr_vector, "a"
    .global __isr_vector
__isr_vector:
    .word 0x20010000, reset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, systick, irq0, irq1, irq2, irq3
    .bss
    .balign 32
results:
counts: .space 32
seen: .space 32
area: .space 256
kept: .space 64
results_end:
    .balign 4
block: .space 16
    .text
    .type function, %function
function:
    adds r6, #1
    bx lr
    .global reset
    .type reset, %function
reset:
"""
_KEEP = " ldr r0, =kept\n stm r0, {r1-r11}\n"
_END = """
    ldr r1, =block
    ldr r0, =name
    str r0, [r1]
    movs r0, #4
    str r0, [r1, #4]
    movs r0, #3
    str r0, [r1, #8]
    movs r0, #1
    bkpt 0xab
    str r0, [r1]
    ldr r0, =results
    str r0, [r1, #4]
    ldr r0, =results_end - results
    str r0, [r1, #8]
    movs r0, #5
    bkpt 0xab
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    b .
    .ltorg
name: .asciz ":tt"
    .balign 4
"""


@dataclass(frozen=True, slots=True)
class Handler:
    """How a handler is called: every so many cycles, from the first on, at most so often."""

    period: int
    first: int
    most: int
    priority: int = 0
    work: str = ""  # what it does beside counting, on r0 to r3 and r12

    def option(self, number: int) -> str:
        """The --irq of it."""
        return f"{number}={self.period * CYCLE_NS}ns,{self.first * CYCLE_NS}ns"


@dataclass(frozen=True, slots=True)
class Program:
    """A loop around `body`, and what interrupts it: a handler by the number of its interrupt."""

    body: str
    turns: int
    irqs: dict[int, Handler]
    tick: Handler | None = None  # `first` does not count: it begins with its period

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(handler.option(n) for n, handler in self.irqs.items())

    @property
    def text(self) -> str:
        handlers = {16 + number: handler for number, handler in self.irqs.items()}
        if self.tick is not None:
            handlers[SYSTICK] = self.tick
        return (
            _PROLOGUE
            + "".join(_priority(number, handler) for number, handler in handlers.items())
            + f" ldr r0, =0xe000e100\n movs r1, #{sum(1 << n for n in self.irqs)}\n str r1, [r0]\n"
            + (_tick_on(self.tick.period) if self.tick is not None else "")
            + "".join(f" mov r{n}, #{3 * n}\n" for n in range(4, 10))
            + f" mov r11, #0\n ldr r10, ={self.turns}\n b 1f\n .ltorg\n 1:\n"
            + self.body
            + "\n subs r10, #1\n beq 2f\n b 1b\n .ltorg\n 2:\n"
            + _KEEP
            + "".join(_wait(number, handler) for number, handler in handlers.items())
            + _END
            + "".join(_handler(number, handlers.get(number)) for number in NUMBERS)
        )


def _priority(number: int, handler: Handler) -> str:
    register = 0xE000_E3F0 + number if number >= 16 else 0xE000_ED14 + number
    return f" ldr r0, ={register:#x}\n movs r1, #{handler.priority << 4}\n strb r1, [r0]\n"


def _tick_on(period: int) -> str:
    return f" ldr r1, ={period - 1}\n ldr r0, =0xe000e010\n str r1, [r0, #4]\n" + (
        " movs r1, #7\n str r1, [r0]\n"
    )


def _wait(number: int, handler: Handler) -> str:
    """Until the handler has been called as often as it wants."""
    at = 4 * (number - SYSTICK)
    return f" ldr r0, =counts\n 7: ldr r1, [r0, #{at}]\n cmp r1, #{handler.most}\n blo 7b\n"


def _handler(number: int, handler: Handler | None) -> str:
    name, at = NUMBERS[number], 4 * (number - SYSTICK)
    head = f" .type {name}, %function\n .thumb_func\n{name}:\n"
    if handler is None:
        return head + " bkpt 0\n"
    off = (
        "ldr r2, =0xe000e180\n"
        + f" movs r3, #{1 << number - 16 if number > 15 else 0}\n str r3, [r2]\n"
    )
    if number == SYSTICK:
        off = "ldr r2, =0xe000e010\n movs r3, #0\n str r3, [r2]\n"
    others = [4 * (other - SYSTICK) for other in NUMBERS if other not in (number, SYSTICK)]
    sees = "".join(f" ldr r1, [r0, #{o}]\n add r2, r1, r2, ror #7\n" for o in others)
    return f"""{head}
    ldr r0, =counts
    ldr r1, [r0, #{at}]
    adds r1, #1
    str r1, [r0, #{at}]
    cmp r1, #{handler.most}
    blt 3f
    {off}
3:  ldr r2, [r0, #{32 + at}]
    {sees if number != SYSTICK else ""}
    str r2, [r0, #{32 + at}]
    {handler.work}
    bx lr
    .ltorg
"""


# --- what programs are made of ---------------------------------------------------------------


def straight(count: int, one: str = "r5", other: str = "r6") -> str:
    return f"adds {one}, #1\n eor {other}, {one}, {other}, ror #3\n" * (count // 2)


#: What a handler does: on registers that its frame holds.
LONG, SHORT = straight(300, "r1", "r2"), straight(40, "r1", "r2")


LOOP = "movs r2, #9\n 4: add r5, r5, r2\n subs r2, #1\n bne 4b\n bl function\n"
DIVIDES = "mvn r3, #0\n movs r2, #3\n udiv r5, r3, r2\n sdiv r6, r5, r2\n udiv r3, r2, r5\n"
LOADS = (
    "ldr r0, =area\n ldr r5, [r0]\n adds r5, #1\n str r5, [r0]\n"
    " ldr r6, [r0, #64]\n strb r5, [r0, #9]\n"
)
MULTIPLES = (
    "ldr r0, =area\n ldm r0, {r1-r3, r5-r9}\n adds r5, r1\n stm r0, {r1-r3, r5-r9}\n"
    " push {r1-r9}\n pop {r1-r9}\n ldrd r2, r3, [r0, #16]\n strd r3, r2, [r0, #24]\n"
)
IT_BLOCKS = (
    "cmp r5, r6\n ittt lo\n addlo r5, #1\n addlo r6, #2\n addlo r7, #3\n"
    " tst r7, #1\n itete eq\n addeq r5, #5\n subne r6, #1\n addeq r7, #1\n addne r7, #3\n"
)
#: Four instructions of an IT block that take their time each.
SLOW_IT_BLOCKS = (
    "mvn r3, #0\n movs r2, #3\n cmp r2, r2\n itttt eq\n udiveq r5, r3, r2\n udiveq r6, r3, r2\n"
    " udiveq r7, r3, r2\n udiveq r8, r3, r2\n ldr r0, =area\n cmp r2, r2\n ittte eq\n"
    " ldmeq r0, {r1-r3, r5-r9}\n stmeq r0, {r1-r3, r5-r9}\n ldmeq r0, {r1-r3, r5-r9}\n"
    " addne r5, #1\n"
)
EXCLUSIVE = (
    straight(60) + "ldr r0, =area + 128\n 5: ldrex r1, [r0]\n adds r1, #1\n"
    " strex r2, r1, [r0]\n cmp r2, #0\n bne 5b\n"
)
#: A counter that is read and a register that is written, in the middle of straight code.
DEVICES = (
    straight(100) + "ldr r0, =0xe0001000\n ldr r1, [r0, #4]\n movs r1, #1\n str r1, [r0]\n"
    " movs r1, #0\n movs r0, #0\n" + straight(100)
)
MASKED = "cpsid i\n" + straight(30) + "cpsie i\n"
OPERATIONS: dict[str, str] = {
    "loops": LOOP, "divides": DIVIDES, "loads": LOADS, "LDM and STM": MULTIPLES,
    "IT blocks": IT_BLOCKS, "slow IT blocks": SLOW_IT_BLOCKS, "exclusive": EXCLUSIVE,
    "devices": DEVICES,
}  # fmt: skip


def drawn(seed: int) -> Program:
    """A random program: what it does, how often each handler comes and how long it works."""
    pick = random.Random(seed)
    base = pick.randrange(2500, 4000)

    def operation() -> str:
        kinds: list[Callable[[], str]] = [
            lambda: straight(2 * pick.randrange(1, 40)),
            *(lambda text=text: text for text in OPERATIONS.values()),
        ]
        return pick.choice(kinds)()

    body = "".join(
        operation() + ("b 6f\n .ltorg\n 6:\n" if pick.random() < 0.3 else "")
        for _ in range(pick.randrange(8, 20))
    )
    count = pick.randrange(1, IRQS + 1)
    irqs = {
        n: Handler(
            period=base * pick.randrange(1, 3),
            first=base + n * (base // IRQS) + pick.randrange(30),
            most=pick.randrange(2, 6),
            priority=pick.randrange(4),
            work=pick.choice(("", "", SHORT, LONG)),
        )
        for n in range(count)
    }
    tick = Handler(base + pick.randrange(100), 0, pick.randrange(3, 7), pick.randrange(4))
    return Program(body, pick.randrange(3, 9), irqs, tick if pick.random() < 0.5 else None)
