"""Every limit counts everything that executes: no program of its own will outruns one."""

from __future__ import annotations

from typing import Any

import pytest

from simcore.cpu_model import CpuModel
from simcore.machine import EndedRun
from simcore.run import options as run_options
from tests.integration.assembled import TICK, Build, go

#: Ends of every marker; one claims all code, as a hostile symbol table may.
MARKERS = """
    .global mcusim_op_begin
    .type mcusim_op_begin, %function
mcusim_op_begin: b mcusim_op_begin
    .size mcusim_op_begin, 0x7fffffff
"""
SKIP = "ldr r0, [sp, #24]\n adds r0, #2\n str r0, [sp, #24]\n bx lr\n"
#: Each runs for ever by other means.
ENDLESS = {
    "a loop that counts": "1: adds r0, #1\n nop\n b 1b",
    "a loop in a marker": "bl mcusim_op_begin\n" + MARKERS,
    "a loop in the end of a marker": (
        "bl mcusim_op_end\n" + MARKERS.replace("mcusim_op_begin", "mcusim_op_end")
    ),
    "markers that call each other": (
        "bl mcusim_op_begin\n .global mcusim_op_begin, mcusim_op_end\n"
        " .type mcusim_op_begin, %function\nmcusim_op_begin: nop\n b mcusim_op_end\n"
        " .size mcusim_op_begin, 0xffffffff\n"
        " .type mcusim_op_end, %function\nmcusim_op_end: nop\n b mcusim_op_begin\n"
        " .size mcusim_op_end, 0xffffffff\n"
    ),
    "a handler inside of a marker": (
        TICK + "1: b 1b\n .ltorg\n .type systick, %function\n"
        "systick: bl mcusim_op_begin\n" + MARKERS
    ),
    "a handler that never returns": (
        TICK + "1: adds r1, #1\n b 1b\n .ltorg\n .type systick, %function\n"
        "systick: adds r0, #1\n nop\n b systick"
    ),
    "sleep with a tick": (
        TICK + "1: wfi\n b 1b\n .ltorg\n .type systick, %function\nsystick: bx lr"
    ),
    "WFE with events": "1: sev\n wfe\n wfe\n b 1b",
    "faults that are passed over": (
        "1: udf #0\n b 1b\n .type hard_fault, %function\nhard_fault: " + SKIP
    ),
    "SVC": "1: svc #0\n b 1b\n .type svc, %function\nsvc: bx lr",
    "PendSV that pends itself now and then": (
        "ldr r1, =0xe000ed04\n mov r0, #0x10000000\n1: str r0, [r1]\n dsb\n isb\n nop\n b 1b\n"
        " .ltorg\n .type pendsv, %function\npendsv: bx lr"
    ),
    "semihosting": "1: movs r0, #0x13\n bkpt 0xab\n b 1b",
    "code that rewrites itself": (
        "ldr r4, =0x20002000\n movw r5, #0x4770\n movs r6, #0\n1: uxtb r0, r6\n"
        " add r0, #0x2000\n strh r0, [r4]\n strh r5, [r4, #2]\n dsb\n isb\n orr r0, r4, #1\n"
        " blx r0\n adds r6, #1\n b 1b\n .ltorg"
    ),
    "a register that is polled": (
        "ldr r1, =0x40004400\n1: ldr r0, [r1]\n eor r0, r2\n adds r2, #1\n b 1b\n .ltorg"
    ),
    "one block that branches to itself": "movs r0, #1\n1: cmp r0, #0\n bne 1b\n b 1b",
}
LIMITS: dict[str, tuple[dict[str, Any], str]] = {
    "max-instructions": ({"max_instructions": 10_000}, "max-instructions"),
    "for": ({"for_s": 0.0001, "max_instructions": None}, "for"),
    "default": ({"max_instructions": None}, "no-end"),
    "timeout": ({"timeout_s": 0.05, "max_instructions": None}, "timeout"),
}
#: What ends a program that cannot get on, before any limit; a limit inside the handler of a fault
#: is told as that fault.
BY_ITSELF = ("loop", "storm", "sleep", "fault")


@pytest.mark.parametrize("name", ENDLESS)
def test_no_program_outruns_a_limit(
    build: Build, model: CpuModel, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(run_options, "DEFAULT_INSTRUCTIONS", 10_000)
    monkeypatch.setattr(run_options, "DEFAULT_FOR_S", 0.0001)
    image = build(ENDLESS[name])
    for limit, (told, reason) in LIMITS.items():
        ended: EndedRun = go(image, model, **told)
        assert ended.exit_reason in (reason, *BY_ITSELF), (limit, ended.fault)
        if limit != "timeout":  # 20,000 cycles at 200 MHz are the most that the others give
            assert ended.counters.total()["instructions"] <= 50_000, limit


@pytest.mark.parametrize(
    "call", ["movs r0, #0x13", "movs r0, #4\n ldr r1, =0x20000000"], ids=["calls", "pages"]
)
def test_what_the_host_does_for_a_program_counts_too(
    build: Build, model: CpuModel, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A call takes the program one instruction, whatever it takes the host: a text without an end
    is read page by page."""
    monkeypatch.setattr(run_options, "DEFAULT_PIECES", 200)
    fill = "ldr r2, =0x20000000\n mov r3, #0x4000\n mov r4, #-1\n2: str r4, [r2], #4\n"
    fill += " subs r3, #4\n bne 2b\n"
    image = build(f"{fill}1: {call}\n bkpt 0xab\n b 1b\n .ltorg")
    ended = go(image, model, max_instructions=None)
    assert ended.exit_reason == "no-end"
    assert ended.counters.total()["instructions"] < 20_000
    assert go(image, model, max_instructions=20_000).exit_reason == "max-instructions"
