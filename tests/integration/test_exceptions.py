"""Exceptions in whole runs: which handler runs when, what a fault tells, where a run then ends.

What a handler sees is compared with QEMU by tests/oracle/test_exceptions_qemu.py.
"""

from __future__ import annotations

import pytest

from simcore.cpu_model import CpuModel
from tests.integration.assembled import TICK, Build, go

NVIC = """
    .macro store address, value
    ldr r0, =\\address
    ldr r1, =\\value
    str r1, [r0]
    dsb
    isb
    .endm
"""
#: Adds one decimal digit to r4.
DIGIT = """
    .macro digit value
    mov r2, #10
    mul r4, r4, r2
    adds r4, #\\value
    .endm
"""
ISER, ISPR, IPR, STIR = 0xE000_E100, 0xE000_E200, 0xE000_E400, 0xE000_EF00
ICSR, SHPR3, SHCSR, AIRCR, SCR = 0xE000_ED04, 0xE000_ED20, 0xE000_ED24, 0xE000_ED0C, 0xE000_ED10


def handler(name: str, text: str) -> str:
    return f"\n .ltorg\n .type {name}, %function\n{name}:\n{text}\n bx lr\n"


def irqs(*texts: str) -> str:
    """Handlers of interrupts 0, 1, ... with LR kept."""
    return "".join(
        handler(f"irq{n}", f" push {{r4, lr}}\n pop {{r4}}\n {text}\n pop {{lr}}")
        for n, text in enumerate(texts)
    )


@pytest.mark.parametrize(
    ("program", "handlers", "order"),
    [
        # pended by ISPR and STIR, in the order of their priorities
        (f"store {IPR} 0x00102030\n store {ISPR} 7", ("digit 1", "digit 2", "digit 3"), 321),
        (f"store {STIR} 1\n store {STIR} 0", ("digit 1", "digit 2"), 21),
        # a more urgent one interrupts, one of the same priority waits
        (f"store {IPR} 0x00001020\n store {ISPR} 1",
         (f"digit 1\n store {ISPR} 2\n digit 3", "digit 2"), 123),
        (f"store {ISPR} 1", (f"digit 1\n store {ISPR} 2\n digit 3", "digit 2"), 132),
        # PRIGROUP 7: no bits decide on preemption
        (f"store {AIRCR} 0x05fa0700\n store {IPR} 0x00001020\n store {ISPR} 1",
         (f"digit 1\n store {ISPR} 2\n digit 3", "digit 2"), 132),
        # BASEPRI, PRIMASK and FAULTMASK hold back
        (f"store {IPR} 0x00001020\n movs r0, #0x20\n msr basepri, r0\n store {ISPR} 3\n digit 5\n"
         " movs r0, #0\n msr basepri, r0\n isb", ("digit 1", "digit 2"), 251),
        (f"cpsid i\n store {ISPR} 1\n digit 5\n cpsie i\n isb", ("digit 1",), 51),
        (f"cpsid f\n store {ISPR} 1\n store {ICSR} 0x80000000\n digit 5\n cpsie f\n isb",
         ("digit 1",), 951),
        # PendSV behind an interrupt, NMI before all
        (f"store {SHPR3} 0x00f00000\n store {ISPR} 1", (f"store {ICSR} 0x10000000\n digit 1",), 18),
        (f"cpsid i\n store {ISPR} 1\n store {ICSR} 0x80000000\n cpsie i\n isb", ("digit 1",), 91),
        # one that is not enabled stays pending
        (f"store {ISPR} 8\n digit 5\n store {ISER} 8", ("", "", "", "digit 4"), 54),
    ],
)  # fmt: skip
def test_handlers_run_in_the_order_of_priorities_and_masks(
    build: Build, model: CpuModel, program: str, handlers: tuple[str, ...], order: int
) -> None:
    ends = f"movs r4, #0\n store {ISER} 7\n {program}\n mov r0, r4\n b exit_r0\n"
    others = handler("nmi", "digit 9") + handler("pendsv", "digit 8")
    result = go(build(NVIC + DIGIT + ends + irqs(*handlers) + others), model)
    assert (result.exit_reason, result.exit_code) == ("exit", order)


# --- faults -----------------------------------------------------------------------------

BAD = "bad: ldr r1, [r0]\n"  # r0 is no memory
FAULTING = "ldr r0, =0x2f000000\n movs r3, #3\n" + BAD + "mov r0, r3\n b exit_r0\n"


@pytest.mark.parametrize(
    "does",
    [
        "b .",
        "wfi\n b .",
        "bkpt 0",
        "movs r0, #0\n b exit_r0",
        "1: adds r0, #1\n b 1b",
        "push {lr}\n bl deeper\n pop {pc}\ndeeper: b .",
        "udf #0",
    ],
)
def test_a_fault_keeps_its_report_whatever_its_handler_does(
    build: Build, model: CpuModel, does: str
) -> None:
    image = build(FAULTING + handler("hard_fault", does))
    result = go(image, model, max_instructions=10_000)
    assert result.exit_reason == "fault"
    assert result.fault is not None
    bad = image.symbol("bad")
    assert (result.fault.kind, result.fault.address) == ("read of unmapped memory", 0x2F00_0000)
    assert bad is not None
    assert result.fault.pc == bad.address
    assert result.fault.symbol == "reset"
    assert result.exit_place is not None
    assert result.exit_place.address == bad.address


def test_a_handler_that_mends_a_fault_goes_on(build: Build, model: CpuModel) -> None:
    mend = "ldr r1, [sp, #24]\n adds r1, #2\n str r1, [sp, #24]\n movs r1, #7\n str r1, [sp, #12]"
    result = go(build(FAULTING + handler("hard_fault", mend)), model)
    assert (result.exit_reason, result.exit_code) == ("exit", 7)


@pytest.mark.parametrize(
    ("name", "bits", "text", "cfsr", "far"),
    [
        ("bus_fault", 0x20000, "ldr r0, =0x2f000004\n ldr r1, [r0]", 0x8200, 0x2F00_0004),
        ("bus_fault", 0x20000, "ldr r0, =0x2f000004\n strb r1, [r0]", 0x8200, 0x2F00_0004),
        ("bus_fault", 0x20000, "ldr r0, =0x08000000\n str r1, [r0]", 0x8200, 0x0800_0000),
        ("bus_fault", 0x20000, "ldr r0, =0x2f000001\n blx r0", 0x100, 0),
        ("mem_manage", 0x10000, "ldr r0, =0x40000001\n blx r0", 0x1, 0),
        ("usage_fault", 0x40000, "udf #0", 0x10000, 0),
        ("usage_fault", 0x40000, "ldr r0, =reset\n bic r0, #1\n blx r0", 0x20000, 0),
        ("usage_fault", 0x40000, "vmov s0, r0", 0x80000, 0),
        ("usage_fault", 0x40000, "nop\n nop\n vmov s0, r0", 0x80000, 0),
        ("hard_fault", 0, "nop\n vadd.f32 s0, s0, s0", 0x80000, 0),
        ("hard_fault", 0x40000, "cpsid i\n udf #0", 0x10000, 0),
        ("hard_fault", 0, "cpsid i\n svc #0", 0, 0),
    ],
)
def test_a_fault_runs_its_handler_with_the_status_registers_set(
    build: Build, model: CpuModel, name: str, bits: int, text: str, cfsr: int, far: int
) -> None:
    # the handler ends the run with 0 for the right CFSR, fault address and HFSR.FORCED
    forced = 1 << 30 if name == "hard_fault" else 0
    check = f"""
        ldr r2, =0xe000ed28
        ldr r3, [r2]
        ldr r1, ={cfsr}
        subs r4, r3, r1
        ldr r1, ={far}
        ldr r3, [r2, #{12 if name == "mem_manage" else 16}]
        cmp r1, #0
        itt ne
        subne r3, r1
        orrne r4, r3
        ldr r3, [r2, #4]
        ldr r1, ={forced}
        subs r3, r1
        orr r4, r3
        ldr r1, =tell
        bic r1, #1
        str r1, [sp, #24]
        ldr r1, =0x01000000
        str r1, [sp, #28]
    """
    program = f"{NVIC} store {SHCSR} {bits}\n {text}\n b .\n .ltorg\n"
    tell = " .type tell, %function\ntell: cpsie i\n mov r0, r4\n b exit_r0\n"
    result = go(build(program + tell + handler(name, check)), model)
    assert (result.exit_reason, result.exit_code) == ("exit", 0)


def test_an_fpu_that_was_never_switched_on_is_a_fault(build: Build, model: CpuModel) -> None:
    result = go(build("movs r0, #1\n vmov s0, r0\n b exit_r0"), model)
    assert result.fault is not None
    assert "FPU is off (NOCP)" in result.fault.kind


# --- sleep and events ---------------------------------------------------------------------


def test_sleep_on_exit_sleeps_between_handlers(build: Build, model: CpuModel) -> None:
    # three ticks, then the third handler clears SLEEPONEXIT and thread mode goes on
    tick = """
        adds r4, #1
        cmp r4, #3
        ittt eq
        ldreq r0, =0xe000ed10
        moveq r1, #0
        streq r1, [r0]
    """
    text = NVIC + f"movs r4, #0\n store {SCR} 2\n" + TICK + "1: adds r5, #1\n b 1b\n"
    ends = text.replace("b 1b", "cmp r4, #3\n bne 1b\n mov r0, r4\n b exit_r0")
    result = go(build(ends + handler("systick", tick)), model)
    assert (result.exit_reason, result.exit_code) == ("exit", 3)
    assert 19_000 < result.counters.total()["cycles.sleep"] < 20_000


@pytest.mark.parametrize(("before", "sleeps"), [("sev\n", False), ("", True)])
def test_sev_lets_the_next_wfe_pass(
    build: Build, model: CpuModel, before: str, sleeps: bool
) -> None:
    text = TICK + before + "wfe\n movs r0, #0\n b exit_r0\n" + handler("systick", "")
    assert (go(build(text), model).counters.total()["cycles.sleep"] > 0) is sleeps


def test_the_block_that_switches_the_mpu_on_goes_on_as_privileged(
    build: Build, model: CpuModel
) -> None:
    # As CubeMX sets it up: nothing may be reached at 0x60000000 to 0xDFFFFFFF, the rest as it is by
    # default; a literal is loaded behind the store that switches it on.
    image = build(
        "ldr r1, =0xe000ed90\n ldr r0, =0x1004873f\n str r0, [r1, #0x10]\n movs r0, #5\n"
        " str r0, [r1, #4]\n ldr r0, =0x12345\n bl exit_r0\n .ltorg"
    )
    result = go(image, model)
    assert (result.exit_reason, result.exit_code) == ("exit", 0x12345)
