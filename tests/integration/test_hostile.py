"""Programs that do what none should with exceptions: each ends soon and rightly, and says why."""

from __future__ import annotations

import pytest

from simcore.costs.origin import Exit
from simcore.cpu_model import CpuModel
from simcore.errors import ExitCode
from tests.integration.assembled import TICK, Build, go

ENABLE = "ldr r0, =0xe000e100\n mov r1, #-1\n str r1, [r0]\n"
#: Pends interrupt 3, which comes at once.
PEND = ENABLE + "ldr r0, =0xe000ef00\n movs r1, #3\n str r1, [r0]\n dsb\n isb\n"
EXIT = "movs r0, #0\n bl exit_r0\n .ltorg\n"
TABLE = "ldr r0, =0xe000ed08\n ldr r1, =0x20001000\n str r1, [r0]\n"
BUSY = "mov r3, #0xe000e000\n1: cmp r4, #0\n beq 1b\n"
FAULT, OK, LIMIT = ExitCode.FAULT, ExitCode.OK, ExitCode.LIMIT


def handler(name: str, text: str) -> str:
    return f".type {name}, %function\n{name}: {text}\n .ltorg\n"


#: The program, its handlers, the status, and what is told: the end and the warnings.
PROGRAMS = {
    "a handler faults, and that one's handler hangs": (
        PEND + EXIT,
        handler("irq3", "ldr r0, =0x70000000\n ldr r0, [r0]\n bx lr")
        + handler("hard_fault", "b ."),
        FAULT, "read of unmapped memory (address 0x70000000) at",
    ),
    "a float inside of an IT block while the FPU is off": (
        "cmp r0, r0\n itt eq\n addeq r1, #1\n vmoveq.f32 s0, s1\n"
        " it ne\n addne r2, #1\n" + EXIT, "",
        FAULT, "while the FPU is off",
    ),
    "HardFault faults": ("udf #0\n" + EXIT, handler("hard_fault", "udf #1"), FAULT, "undefined"),
    "a fault's handler comes back to it for ever": (
        "udf #0\n" + EXIT, handler("hard_fault", "bx lr"), FAULT, "undefined instruction",
    ),
    "NMI faults": (
        "ldr r0, =0xe000ed04\n mov r1, #0x80000000\n str r1, [r0]\n dsb\n" + EXIT,
        handler("nmi", "udf #0") + handler("hard_fault", "b ."), FAULT, "undefined instruction",
    ),
    "NMI pends itself": (
        "ldr r0, =0xe000ed04\n mov r1, #0x80000000\n str r1, [r0]\n dsb\n" + EXIT,
        handler("nmi", "ldr r0, =0xe000ed04\n mov r1, #0x80000000\n str r1, [r0]\n bx lr"),
        LIMIT, "NMI (nmi",
    ),
    "SVC in its own handler": ("svc #0\n" + EXIT, handler("svc", "svc #1\n bx lr"), FAULT, "SVC"),
    "SVC while masked": ("cpsid i\n svc #0\n" + EXIT, handler("svc", "bx lr"), FAULT, "SVC"),
    "a handler loses the stack": (
        PEND + EXIT, handler("irq3", "ldr r0, =0x70000000\n msr msp, r0\n bx lr"),
        FAULT, "unstacking",
    ),
    "there is no stack": (
        "movs r0, #0\n msr msp, r0\n" + PEND + EXIT, handler("irq3", "bx lr"), FAULT, "stacking",
    ),
    "a handler that pushes for ever": (
        PEND + EXIT, handler("irq3", "push {r0-r7}\n b irq3"), FAULT, "stack overflow",
    ),
    "an EXC_RETURN that is none": (
        PEND + EXIT, handler("irq3", "ldr lr, =0xfffffff3\n bx lr"), FAULT, "invalid exception",
    ),
    "EXC_RETURN in thread mode": ("ldr lr, =0xfffffff9\n bx lr\n" + EXIT, "", FAULT, "jump to"),
    "a frame with another exception's number": (
        PEND + EXIT, handler("irq3", "ldr r0, =0x01000013\n str r0, [sp, #28]\n bx lr"),
        FAULT, "invalid exception return",
    ),
    "a frame without the Thumb bit": (
        PEND + EXIT, handler("irq3", "movs r0, #0\n str r0, [sp, #28]\n bx lr"),
        FAULT, "Arm state",
    ),
    "a frame that goes nowhere": (
        PEND + EXIT, handler("irq3", "ldr r0, =0xf0000000\n str r0, [sp, #24]\n bx lr"),
        FAULT, "jump to",
    ),
    "a vector table of zeros": (TABLE + "svc #0\n" + EXIT, "", FAULT, "not Thumb code"),
    "a vector table that is nowhere": (
        TABLE.replace("0x20001000", "0x70000000") + "svc #0\n" + EXIT, "", FAULT, "not Thumb code",
    ),
    "a vector that is an EXC_RETURN value": (
        TABLE + "ldr r2, =0xfffffff9\n str r2, [r1, #44]\n svc #0\n" + EXIT, "",
        FAULT, "not Thumb code",
    ),
    "a vector that is a peripheral": (
        TABLE + "ldr r2, =0x40020001\n str r2, [r1, #44]\n svc #0\n" + EXIT, "",
        FAULT, "not executable",
    ),
    "a handler that overwrites its vector": (
        TABLE + "ldr r2, =irq3\n orr r2, #1\n str r2, [r1, #44]\n svc #0\n" + EXIT,
        handler("irq3", "ldr r1, =0x20001000\n movs r0, #0\n str r0, [r1, #44]\n bx lr"),
        OK, "exited with code 0",
    ),
    "a handler that clears what is active": (
        "svc #0\n" + EXIT,
        handler("svc", "ldr r0, =0xe000ed24\n movs r1, #0\n str r1, [r0]\n bx lr"),
        FAULT, "invalid exception return",
    ),
    "an urgent handler waits for one that is not": (
        "movs r4, #0\n" + PEND + EXIT,
        handler(
            "irq3",
            "ldr r1, =0xe000ed04\n mov r0, #0x10000000\n str r0, [r1]\n" + BUSY + "bx lr",
        ) + handler("pendsv", "movs r4, #1\n bx lr"),
        OK, "in interrupt 3 (irq3",
    ),
    "a storm inside a handler": (
        "ldr r0, =0xe000e400\n movs r1, #0x80\n strb r1, [r0, #1]\n" + ENABLE
        + "ldr r0, =0xe000ef00\n movs r1, #1\n str r1, [r0]\n dsb\n" + EXIT,
        handler("irq1", "ldr r0, =0xe000ef00\n movs r1, #0\n str r1, [r0]\n dsb\n b .")
        + handler("irq0", "ldr r0, =0xe000ef00\n movs r1, #0\n str r1, [r0]\n bx lr"),
        LIMIT, "interrupt 0 (irq0",
    ),
    "a wait for what no interrupt will change": (
        "movs r4, #0\n" + BUSY + EXIT, "", OK, "endless loop at reset",
    ),
    "a wait for a tick that is masked": (
        "cpsid i\n movs r4, #0\n" + TICK + BUSY + EXIT, handler("systick", "movs r4, #1\n bx lr"),
        OK, "endless loop at reset",
    ),
    "a sleeper in a handler": (
        PEND + EXIT, handler("irq3", "wfi\n b irq3"), OK, "in interrupt 3 (irq3",
    ),
    "WFE for ever": ("1: wfe\n b 1b\n", "", OK, "sleeps at reset"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_means_harm_ends_as_it_would(
    build: Build, model: CpuModel, name: str
) -> None:
    text, handlers, status, words = PROGRAMS[name]
    result = go(build(text + handlers), model)
    end = Exit(result.exit_reason, result.exit_code, result.fault, result.exit_place)
    assert end.status is status
    assert words in "\n".join((end.text, *result.warnings))
    assert result.counters.total()["instructions"] < 10_000_000


def test_a_loop_that_gets_on_is_none_that_waits(build: Build, model: CpuModel) -> None:
    count = "ldr r4, =2000000\n1: subs r4, #1\n nop\n nop\n bne 1b\n" + EXIT
    assert go(build(count), model).exit_reason == "exit"


@pytest.mark.parametrize("fault", ["udf #0", "svc #0"])
def test_faults_that_are_passed_over_leave_no_call_behind(
    build: Build, model: CpuModel, fault: str
) -> None:
    """Each begins a block: its handler comes back to the function that goes on."""
    passing = "ldr r0, [sp, #24]\n adds r0, #2\n str r0, [sp, #24]\n bx lr"
    handlers = handler("hard_fault", passing) + handler("svc", "bx lr")
    result = go(
        build(f"movs r4, #50\n1: {fault}\n subs r4, #1\n bne 1b\n" + EXIT + handlers), model
    )
    assert result.exit_code == 0
    assert len(result.counters.nodes) == 4  # the root, reset, the handler, exit_r0
