"""The table of interrupts against latencies found by hand, on code in ITCM with its data in DTCM.

An addition that needs the one before takes a cycle. Interrupts come each 2,003 cycles, or 601,
primes, so that over hundreds of them they fall due at every place of a loop. Entry takes 12 cycles
and tail-chaining 6 (cpu_models/cortex-m7.toml).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from simcore.checking.limits import parse_limits
from simcore.checking.results import MetricValue
from simcore.checking.verdicts import judge
from simcore.cli.main import main
from simcore.comparison.comparison import compare
from simcore.comparison.summary import summarize
from simcore.core.interrupts import CriticalCounts, InterruptCounts
from simcore.costs.profile import Profile
from simcore.cpu_model import load_cpu_model
from simcore.elf import Image, load_image
from simcore.machine import RunOptions, run
from simcore.report import RenderOptions
from simcore.report.comparison import render as render_comparison
from simcore.run.spec import RunSpec
from tests.integration.profiled import named
from tests.integration.programs import FIRMWARE

CLOCK_HZ = 200_000_000
ENTRY, CHAIN = 12, 6
EACH, OFTEN = "10015ns", "3005ns"  # 2,003 and 601 cycles
TURNS = 4000
INSTRUCTION, MASK, PRIORITY, BUS = range(4)  # enum hold

PROGRAM = """
    .syntax unified
    .thumb
    .section .isr_vector, "a"
    .global __isr_vector
__isr_vector:
    .word 0x20010000, reset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, irq0, irq1
    .text
    .global reset
    .type reset, %function
reset:
    ldr r0, =0xe000e100
    movs r1, #3
    str r1, [r0]
    ldr r0, =0xe000e400
    ldr r1, ={priorities:#x}
    str r1, [r0]
    ldr r7, ={turns}
    ldr r6, =0x20010000
    mvn r3, #0
    movs r2, #3
    movs r4, #0x80
    movs r0, #0
    b 1f
    .ltorg
    .balign 8
1:
    {body}
    subs r7, #1
    bne.w 1b
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    b .
    .ltorg
    .balign 8
    .type irq0, %function
irq0: {first}
    bx lr
    .balign 8
    .type irq1, %function
irq1: {second}
    bx lr
"""


def adds(count: int) -> str:
    return f".rept {count}\n adds r5, #1\n .endr\n"


@dataclass(frozen=True, slots=True)
class Found:
    first: InterruptCounts  # interrupt 0
    second: InterruptCounts | None
    critical: CriticalCounts
    image: Image


Go = Callable[..., Found]


@pytest.fixture
def go(arm_gcc: Callable[..., Path], tmp_path: Path) -> Go:
    """Assembles a loop with two handlers, links it to ITCM, and runs it with --irq."""

    def build_and_run(
        body: str,
        *irq: str,
        first: str = "nop",
        second: str = "nop",
        priorities: int = 0x8080,
        turns: int = 1000,
    ) -> Found:
        text = PROGRAM.format(
            body=body, first=first, second=second, priorities=priorities, turns=turns
        )
        source = tmp_path / "program.S"
        source.write_text(text)
        link = "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000,-Ttext=0x100"
        image = load_image(arm_gcc(tmp_path / "program.elf", ["-nostdlib", link, source]))
        spec = RunSpec(irq=irq, max_instructions=5_000_000)
        result = run(image, load_cpu_model("stm32f746"), RunOptions(CLOCK_HZ, spec, caches="off"))
        assert result.exit_reason == "exit", result.fault
        found = result.counters.interrupts
        assert found is not None
        rows = {row.number: row for row in found.exceptions}
        return Found(rows[16], rows.get(17), found.critical, image)

    return build_and_run


@pytest.mark.parametrize("count", [100, 150])
@pytest.mark.parametrize(
    ("mask", "unmask", "bit", "size"),
    [
        ("cpsid i", "cpsie i", 0, 2),
        ("msr basepri, r4", "msr basepri, r0", 2, 4),
        ("cpsid f", "cpsie f", 1, 2),
    ],
)
def test_masked_for_so_many_additions_is_late_by_as_much(
    go: Go, mask: str, unmask: str, bit: int, size: int, count: int
) -> None:
    """The latest one becomes due as the mask is set: the additions run, the unmasking instruction
    beside the last of them, then entry. The earliest comes between two instructions."""
    found = go(f"{mask}\n{adds(count)}{unmask}\n{adds(10)}", f"0={OFTEN}", turns=TURNS)
    one, hold = found.first, found.first.holds[MASK]
    assert one.most == count + ENTRY
    assert ENTRY <= one.least <= ENTRY + 1
    assert one.count == one.waited > 50
    assert one.lost == 0
    assert hold.longest == count
    sections = found.critical
    assert (sections.count, sections.longest, sections.masks) == (TURNS, count, 1 << bit)
    assert sections.total == TURNS * count
    assert hold.who == sections.begin
    assert sections.end - sections.begin == size + 2 * count  # of 16-bit additions


def test_a_higher_priority_runs_first_and_is_chained_from(go: Go) -> None:
    """Both come at once: entry of the other, its 100 additions and its return, which stands beside
    the last, and the first of which issues as entry ends; then tail-chaining."""
    work = 100
    found = go(adds(200), f"0={EACH}", f"1={EACH}", priorities=0x4080, second=adds(work))
    assert found.second is not None
    assert found.second.least == ENTRY
    assert found.first.least == ENTRY + (work - 1) + CHAIN
    assert found.first.holds[PRIORITY].who == 17
    assert found.first.holds[PRIORITY].longest == found.first.most - CHAIN
    assert found.first.deepest == found.second.deepest == 1


def test_one_of_the_same_priority_waits_for_the_end_of_the_handler(go: Go) -> None:
    """It comes 20 cycles behind the other: what is left of its entry and its 50 additions."""
    found = go(adds(200), f"0={EACH},10015ns", f"1={EACH},10115ns", first=adds(50))
    assert found.second is not None
    assert found.second.least == ENTRY + (50 - 1) - 20 + CHAIN
    assert found.second.holds[PRIORITY].who == 16


def test_a_late_arrival_takes_over_the_entry_of_another(go: Go) -> None:
    """It comes 6 cycles behind the other, whose 12 cycles of entry become its own."""
    found = go(adds(200), f"0={EACH},10015ns", f"1={EACH},10045ns", priorities=0x4080)
    assert found.second is not None
    assert found.second.least == ENTRY - 6
    assert found.first.holds[PRIORITY].who == 17


def test_a_nested_handler_counts_once_in_own_cycles(go: Go) -> None:
    """The second comes inside the first's 100 additions; return takes 12 cycles, as entry does."""
    found = go(
        adds(200), f"0={EACH},10015ns", f"1={EACH},10215ns", priorities=0x4080, first=adds(100)
    )
    assert found.second is not None
    assert found.second.deepest == 2
    assert found.first.total - found.first.own == found.second.total == found.second.own
    assert found.second.own == found.second.count * (ENTRY + 1 + 12)


def test_a_divide_ends_first(go: Go) -> None:
    """2^32-1 by 3 takes 18 cycles: the latest comes due as one begins."""
    one = go(".rept 50\n udiv r5, r3, r2\n .endr", f"0={EACH}").first
    assert (one.least, one.most) == (ENTRY, ENTRY + 18 - 1)
    assert (one.holds[INSTRUCTION].longest, one.holds[BUS].longest) == (18 - 1, 0)


def test_a_load_past_the_caches_holds_as_long_as_the_bus(go: Go) -> None:
    """Loads of SRAM wait for the bus most of their time."""
    one = go(".rept 50\n ldr r5, [r6]\n adds r1, r5, #1\n .endr", f"0={EACH}").first
    assert one.holds[BUS].longest > 1
    assert one.holds[INSTRUCTION].longest <= 1
    assert one.most == ENTRY + max(hold.longest for hold in one.holds)


@pytest.mark.parametrize(("push", "bytes_"), [("push {r4, r5, lr}", 12), ("sub sp, #64", 64)])
def test_the_stack_of_a_handler_is_its_frame_and_what_it_uses(
    go: Go, push: str, bytes_: int
) -> None:
    pop = "pop {r4, r5, lr}" if "push" in push else "str r0, [sp]\n add sp, #64"
    one = go(adds(200), f"0={EACH}", first=f"{push}\n {pop}").first
    assert one.stack == 32 + bytes_


def test_what_comes_again_while_pending_is_lost(go: Go) -> None:
    """Masked for 5,000 additions, one that comes each 1,000 cycles comes 5 times, is taken once."""
    found = go(f"cpsid i\n{adds(1000) * 5}cpsie i\n{adds(2)}", "0=5us", turns=100)
    one = found.first
    assert one.count + one.lost == pytest.approx(100 * 5, rel=0.02)
    assert one.lost == pytest.approx(4 * one.count, rel=0.05)


# --- the audio interrupt of tests/firmware/audio_isr.c ---

CPU = [str(FIRMWARE / "audio_isr.elf"), "--cpu", "stm32f746"]


def test_an_audio_interrupt_beside_critical_sections(capsys: pytest.CaptureFixture[str]) -> None:
    """Its sections are 1,000 additions under PRIMASK and 300 under BASEPRI."""
    assert main(["profile", *CPU, "--irq", "TIM2=48kHz", "--format", "json"]) == 0
    profile = json.loads(capsys.readouterr().out)
    (row,) = profile["interrupts"]
    assert (row["name"], row["handler"], row["number"]) == ("TIM2", "TIM2_IRQHandler", 44)
    assert (row["count"], row["lost"], row["latency_min_cycles"]) == (200, 0, ENTRY)
    # A 4,500-cycle period against a loop of 2,100 cycles meets the section nowhere sooner than
    # some cycles behind its start: the bound is that of all phases.
    assert 900 < row["latency_max_cycles"] <= 1000 + ENTRY
    masked = row["held"][0]
    assert (masked["by"], masked["who"]) == ("mask", "update_settings")
    assert masked["longest_cycles"] == row["latency_max_cycles"] - ENTRY
    sections = profile["critical_sections"]
    assert (sections["longest_cycles"], sections["masks"]) == (1000, ["PRIMASK"])
    assert sections["begin"]["function"] == sections["end"]["function"] == "update_settings"
    assert sections["cycles"] == sections["count"] // 2 * (1000 + 300)


def test_the_rate_at_which_a_deadline_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """Masked up to 1,000 cycles and with a handler of some 120: 2,250 cycles are enough, 1,125 not,
    and at 562 every second one that comes in a section is lost."""
    rates = "TIM2=96kHz,192kHz,384kHz"
    assert main(["whatif", *CPU, "--irq", rates, "-j", "1", "--format", "json"]) == 0
    study = json.loads(capsys.readouterr().out)
    assert study["executions"] == 3
    rows = [one for row in study["configurations"] for one in row["deadlines"]]
    assert [row["period_cycles"] for row in rows] == [2250, 1125, 562]
    assert [row["missed"] for row in rows] == [False, True, True]
    assert [row["lost"] > 0 for row in rows] == [False, False, True]
    assert rows[1]["response_max_cycles"] > 1125 > rows[1]["latency_max_cycles"]


# --- limits and comparisons, on tests/firmware/ticks.c ---


def values(profile: Profile, before: Profile | None, *limits: str) -> list[MetricValue]:
    """What limits on interrupts come to."""
    after = summarize(profile)
    comparison = None if before is None else compare(summarize(before), after)
    wanted = [one for text in limits for one in parse_limits(text, "--limit")]
    return [value for value in judge(after, comparison, wanted) if value.kind == "irq"]


def slower(profile: Profile) -> Profile:
    """The same with each latency twice as long."""
    rows = tuple(
        replace(row, latency_max_cycles=2 * (row.latency_max_cycles or 0))
        for row in profile.interrupts or ()
    )
    return replace(profile, interrupts=rows)


def test_limits_name_interrupts_and_a_baseline_keeps_their_latency() -> None:
    profile = named("ticks")
    tick = next(row for row in profile.interrupts or () if row.name == "SysTick")
    assert tick.latency_max_cycles is not None
    limits = (f"irq=SysTick_Handler:latency={tick.latency_max_cycles}cycles", "irq=systick:lost=0")
    kept, lost = values(profile, None, *limits)
    assert (kept.failed, kept.after) == (False, tick.latency_max_cycles)
    assert (lost.failed, lost.name, lost.after) == (True, "lost of SysTick", tick.lost)
    (missing,) = values(profile, None, "irq=TIM2:latency=1ms")
    assert (missing.failed, missing.after) == (True, None)
    found = values(slower(profile), profile, "irq=*:latency=50%")
    assert [(value.row, value.failed, value.relative) for value in found] == [
        ("PendSV", True, 1.0),
        ("SysTick", True, 1.0),
    ]
    seconds = 2 * tick.latency_max_cycles / profile.cpu.clock_hz
    assert found[1].after == pytest.approx(seconds)
    assert not [v for v in values(profile, profile, "irq=*:latency=0%,count=0%") if v.failed]


def test_a_comparison_tells_interrupts_that_changed() -> None:
    profile = named("ticks")
    none = replace(profile, interrupts=None, critical_sections=None)
    assert compare(none, none).interrupts is None
    assert compare(profile, profile).identical
    changed = compare(profile, slower(profile))
    assert not changed.identical
    text = render_comparison(changed, "text", RenderOptions())
    assert "Interrupts and exceptions" in text
    gone = compare(profile, none).interrupts or ()
    assert [(row.name, row.status, row.after) for row in gone] == [
        ("PendSV", "removed", None),
        ("SysTick", "removed", None),
    ]
