"""Whole runs: boot, semihosting, exceptions, sleep, limits and faults, on real machine code."""

from __future__ import annotations

import io
import os
import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import load_image
from simcore.errors import ConfigError
from simcore.machine import RunOptions, run
from simcore.run.reached import Reached
from simcore.run.spec import RunSpec
from tests.integration.assembled import CLOCK_HZ, TICK, Build, go, instructions
from tests.tools import ctrl_c_interrupts

CHECKOUT = Path(__file__).resolve().parent.parent.parent
FIRMWARE = CHECKOUT / "tests" / "firmware" / "prebuilt"
# --- boot and semihosting ---------------------------------------------------------------


def test_a_newlib_program_prints_and_exits_with_its_code(model: CpuModel) -> None:
    out = io.BytesIO()
    result = go(FIRMWARE / "hello_printf.elf", model, args=("42", 'a "b" c'), stdout=out)
    assert (result.exit_reason, result.exit_code) == ("exit", 42)
    assert out.getvalue() == (
        b"hello from the simulated Cortex-M7, pi is 3.1416\n"
        b'argument 1: 42\nargument 2: a "b" c\non stderr\n'
    )
    assert result.warnings == ()


def test_a_program_without_a_vector_table_starts_at_its_entry_point(model: CpuModel) -> None:
    out = io.BytesIO()
    result = go(FIRMWARE / "hello_entry.elf", model, stdout=out)
    assert (result.exit_reason, result.exit_code) == ("exit", 0)
    assert out.getvalue().startswith(b"hello from the simulated Cortex-M7")


def test_every_semihosting_call_works_from_a_program(model: CpuModel, tmp_path: Path) -> None:
    out = io.BytesIO()
    result = go(
        FIRMWARE / "semihost_calls.elf",
        model,
        args=("files",),
        semihost_dir=tmp_path,
        stdin=io.BytesIO(b"typed\n"),
        stdout=out,
    )
    assert (result.exit_reason, result.exit_code) == ("exit", 0)
    assert b"typed\n" in out.getvalue()
    assert (tmp_path / "out.txt").exists()


def test_a_folder_that_does_not_exist_is_refused(model: CpuModel, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        go(FIRMWARE / "semihost_calls.elf", model, semihost_dir=tmp_path / "missing")


def test_a_semihosting_call_inside_an_it_block_keeps_the_conditions(
    build: Build, model: CpuModel
) -> None:
    # the Arm ARM lets BKPT run whatever the condition; behind it ne fails and eq holds
    image = build("""
        movs r4, #0
        movs r0, #0x31
        cmp r0, r0
        itete eq
        bkpt 0xab
        addne r4, #1
        addeq r4, #2
        addne r4, #4
        mov r0, r4
        b exit_r0
    """)
    assert go(image, model).exit_code == 2


def test_a_wait_for_input_that_never_comes_ends_with_the_time_limit(
    build: Build, model: CpuModel
) -> None:
    image = build("1: semihost 7\n b 1b")  # SYS_READC
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb"):
        result = go(image, model, stdin=stdin, timeout_s=0.2, max_instructions=None)
    assert result.exit_reason == "timeout"


# --- exceptions -------------------------------------------------------------------------


def test_svc_runs_its_handler_and_comes_back(build: Build, model: CpuModel) -> None:
    # the handler adds IPSR (11) and the SVC number, which stands before the stacked PC
    image = build("""
        movs r0, #1
        movs r4, #7
        svc #29
        cmp r4, #7
        bne exit_r0
        b exit_r0
        .type svc, %function
    svc:
        mrs r2, ipsr
        ldr r1, [sp, #24]
        ldrb r1, [r1, #-2]
        add r1, r2
        str r1, [sp, #0]
        movs r0, #99
        bx lr
    """)
    result = go(image, model)
    assert (result.exit_reason, result.exit_code) == ("exit", 29 + 11)


def test_svc_from_the_process_stack_keeps_fp_registers_and_flags(
    build: Build, model: CpuModel
) -> None:
    # r5 gathers a bit per failed expectation
    image = build("""
        ldr r1, =0xe000ed88 // CPACR: the FPU on
        mov r0, #0xf00000
        str r0, [r1]
        dsb
        isb
        movs r5, #0
        ldr r0, =0x20008004
        msr psp, r0
        movs r0, #2
        msr control, r0
        isb
        vmov.f32 s0, #2.0
        vmov.f32 s15, #3.0
        movs r0, #0
        svc #0
        it ne
        orrne r5, #1
        vmov r1, s0
        cmp r1, #0x40000000
        it ne
        orrne r5, #2
        mrs r1, control
        cmp r1, #6
        it ne
        orrne r5, #4
        ldr r1, =0x20008004
        cmp sp, r1
        it ne
        orrne r5, #8
        mov r0, r5
        b exit_r0
        .ltorg
        .type svc, %function
    svc:
        vmov.f32 s0, #5.0
        cmp lr, #0xffffffed
        it ne
        orrne r5, #16
        mov r1, sp
        tst r1, #7
        it ne
        orrne r5, #32
        movs r0, #1
        push {r4, lr}
        pop {r4, pc}
    """)
    result = go(image, model)
    assert (result.exit_reason, result.exit_code) == ("exit", 0)


def test_the_vector_table_may_move(build: Build, model: CpuModel) -> None:
    image = build("""
        ldr r0, =0xe000ed08
        ldr r6, [r0]
        ldr r1, =0x20000200
        str r1, [r0]
        ldr r2, =moved
        str r2, [r1, #44]
        svc #0
        b exit_r0
        .ltorg
        .type moved, %function
    moved:
        subs r6, #0x08000000
        adds r6, #3
        str r6, [sp]
        bx lr
    """)
    assert go(image, model).exit_code == 3


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("cpsid i\n svc #0\n .type svc, %function\n svc: bx lr", "SVC where it cannot be taken"),
        ("svc #0\n .type svc, %function\n svc: svc #1\n bx lr", "SVC where it cannot be taken"),
        ("svc #0", "vector is not Thumb code"),
        ("ldr r0, =0x20000010\n mov sp, r0\n svc #0", "stacking"),
        ("svc #0\n .type svc, %function\n svc: mvn lr, #4\n bx lr", "invalid exception return"),
        ("mvn lr, #6\n bx lr", "jump to memory that is not executable"),
    ],
    ids=["masked", "nested", "no-handler", "no-stack", "bad-exc-return", "not-in-a-handler"],
)
def test_an_exception_that_hardware_could_not_take_is_a_fault(
    build: Build, model: CpuModel, text: str, kind: str
) -> None:
    result = go(build(text), model)
    assert result.exit_reason == "fault"
    assert result.fault is not None
    assert kind in result.fault.kind


@pytest.mark.parametrize(
    "instructions",
    ["cpsid i\n cpsie i", "msr primask, r2", "msr basepri, r2", "msr psp, r3", "cpsid i\n isb",
     "msr apsr_nzcvq, r2", "nop"],
)  # fmt: skip
def test_a_handler_that_changes_masks_or_stacks_comes_back(
    build: Build, model: CpuModel, instructions: str
) -> None:
    image = build(f"""
        movs r0, #0
        svc 0
        adds r0, #2
        b exit_r0
        .type svc, %function
    svc:
        mrs r2, primask
        mrs r3, psp
        {instructions}
        cpsie i
        movs r0, #5
        str r0, [sp]
        bx lr
    """)
    result = go(image, model)
    assert (result.exit_reason, result.exit_code) == ("exit", 7)


@pytest.mark.parametrize(
    ("setting", "ticks"),
    [("systick.divider=8", range(50, 150)), ("systick.external_clock=100000", range(2))],
)
def test_the_reference_clock_of_systick_is_that_of_the_part(
    build: Build, setting: str, ticks: range
) -> None:
    # 400 to 1200 cycles at 200 MHz: ticks of 8 cycles, or of 2000
    image = build("""
        ldr r0, =0xe000e010
        ldr r1, =0xffffff
        str r1, [r0, #4]
        str r1, [r0, #8]
        movs r1, #1
        str r1, [r0]
        ldr r2, [r0, #8]
        mov r3, #400
    1:  subs r3, #1
        bne 1b
        ldr r3, [r0, #8]
        subs r0, r2, r3
        b exit_r0
    """)
    assert go(image, load_cpu_model("stm32f746", (setting,))).exit_code in ticks


# --- sleep ------------------------------------------------------------------------------


def test_wfi_sleeps_until_systick_and_runs_its_handler(build: Build, model: CpuModel) -> None:
    period = 10_000
    image = build(f"""
        movs r4, #0
        ldr r0, =0xe000e010
        ldr r1, ={period - 1}
        str r1, [r0, #4]
        movs r1, #7
        str r1, [r0]
    1:  wfi
        cmp r4, #3
        bne 1b
        mov r0, r4
        b exit_r0
        .ltorg
        .type systick, %function
    systick:
        mrs r1, ipsr
        cmp r1, #15
        it eq
        addeq r4, #1
        bx lr
    """)
    result = go(image, model)
    assert (result.exit_reason, result.exit_code) == ("exit", 3)
    slept = result.counters.total()["cycles.sleep"]
    assert 2.5 * period < slept < 3 * period  # awake for some hundred cycles of each period


@pytest.mark.parametrize("start", ["", "ldr r0, =0xe000e010\n movs r1, #5\n str r1, [r0]\n"])
def test_a_sleep_that_nothing_ends_ends_the_run(build: Build, model: CpuModel, start: str) -> None:
    # SysTick stands still, or it counts without its interrupt
    result = go(build(start + "wfi\n b .\n .ltorg"), model)
    assert result.exit_reason == "sleep"


COUNT_TICKS = """
        .ltorg
        .type systick, %function
    systick:
        adds r4, #1
        bx lr
"""


def test_wfi_does_not_sleep_when_an_exception_is_pending(build: Build, model: CpuModel) -> None:
    # as in FreeRTOS' tickless idle: the tick comes between CPSID and WFI, so there is work to do
    image = build(f"""
        movs r4, #0
        {TICK}
        cpsid i
        ldr r2, =20000
    1:  subs r2, #1
        bne 1b
        wfi
        wfi
        cmp r4, #0
        bne 2f
        cpsie i
    3:  cmp r4, #1
        bne 3b
        mov r0, r4
        b exit_r0
    2:  movs r0, #99
        b exit_r0
        {COUNT_TICKS}
    """)
    result = go(image, model)
    assert result.exit_code == 1
    assert result.counters.total()["cycles.sleep"] == 0


def test_primask_does_not_keep_wfi_asleep_but_basepri_does(build: Build, model: CpuModel) -> None:
    text = "movs r4, #0\n" + TICK + "{}\n wfi\n mov r0, r4\n b exit_r0\n" + COUNT_TICKS
    woken = go(build(text.format("cpsid i")), model)
    assert (woken.exit_code, woken.warnings) == (0, ())
    assert woken.counters.total()["cycles.sleep"] > 9000
    # SysTick has priority 0x40, BASEPRI lets only what is more urgent than 0x20 through
    priority = "ldr r0, =0xe000ed20\n ldr r1, =0x40000000\n str r1, [r0]\n"
    raised = priority + "movs r1, #0x20\n msr basepri, r1"
    asleep = go(build(text.format(raised)), model)
    assert asleep.exit_reason == "sleep"
    assert asleep.counters.total()["cycles.sleep"] == 0


def test_wfe_behind_an_exception_goes_on_at_once(build: Build, model: CpuModel) -> None:
    # Leaving an exception sets the event register: of the next two WFE one sleeps.
    text = "movs r4, #0\n" + TICK + "wfi\n {} mov r0, r4\n b exit_r0\n" + COUNT_TICKS
    ticks = [go(build(text.format("wfe\n" * n)), model).exit_code for n in (0, 1, 2, 3)]
    assert ticks == [1, 1, 2, 2]


def test_wfe_goes_on(build: Build, model: CpuModel) -> None:
    image = build("movs r4, #3\n 1: wfe\n subs r4, #1\n bne 1b\n movs r0, #9\n b exit_r0")
    assert go(image, model).exit_code == 9


def test_an_undefined_instruction_behind_wfe_is_a_fault(build: Build, model: CpuModel) -> None:
    result = go(build("sev\n wfe\n udf #0"), model)
    assert result.fault is not None
    assert result.fault.kind == "undefined instruction"


def test_a_reset_request_ends_the_run(build: Build, model: CpuModel) -> None:
    result = go(build("ldr r0, =0xe000ed0c\n ldr r1, =0x05fa0004\n str r1, [r0]\n b ."), model)
    assert (result.exit_reason, result.exit_code) == ("exit", 1)
    assert any("reset" in warning for warning in result.warnings)


# --- limits -----------------------------------------------------------------------------


def test_the_instruction_limit_is_kept_and_is_the_same_each_time(
    build: Build, model: CpuModel
) -> None:
    image = build("1: adds r0, #1\n adds r1, #1\n b 1b")
    runs = [go(image, model, max_instructions=1000) for _ in range(2)]
    assert [result.exit_reason for result in runs] == ["max-instructions"] * 2
    assert 998 <= instructions(runs[0]) <= 1000
    assert runs[0].counters == runs[1].counters


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the time limit: ``now`` is the test's to set."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        "simcore.machine.machine.time", SimpleNamespace(monotonic=lambda: clock.now)
    )
    return clock


def test_the_time_limit_ends_an_endless_loop_with_its_profile(
    build: Build, model: CpuModel, clock: SimpleNamespace
) -> None:
    def pass_time(reached: Reached) -> None:
        clock.now = 99.0 if reached.instructions <= 1000 else 100.0

    result = run(
        build("1: adds r0, #1\n b 1b"),
        model,
        RunOptions(CLOCK_HZ, RunSpec(timeout_s=100)),
        pass_time,
    )
    assert result.exit_reason == "timeout"
    assert result.exit_code is None
    assert instructions(result) > 1000


def test_ctrl_c_gives_the_profile_so_far(build: Build, model: CpuModel) -> None:
    def interrupt(reached: Reached) -> None:
        if reached.instructions > 1000:
            signal.raise_signal(signal.SIGINT)

    image = build("1: adds r0, #1\n b 1b")
    with ctrl_c_interrupts():
        result = run(image, model, RunOptions(CLOCK_HZ), interrupt)
    assert result.exit_reason == "interrupted"
    assert instructions(result) > 1000


@pytest.mark.parametrize("is_started", [False, True])
def test_an_interrupt_while_the_engine_starts_leaves_none_that_runs(
    build: Build, model: CpuModel, monkeypatch: pytest.MonkeyPatch, is_started: bool
) -> None:
    """One that was left was freed under its thread when Python ended."""
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if is_started:
            start(thread)
        raise KeyboardInterrupt

    image = build("1: adds r0, #1\n b 1b")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        if is_started:
            result = run(image, model, RunOptions(CLOCK_HZ), None)
            assert result.exit_reason == "interrupted"
        else:
            with pytest.raises(KeyboardInterrupt):
                run(image, model, RunOptions(CLOCK_HZ), None)
    assert "mcusim engine" not in [thread.name for thread in threading.enumerate()]


def test_an_error_of_who_is_told_of_progress_ends_the_run(build: Build, model: CpuModel) -> None:
    def failing(reached: Reached) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run(build("1: adds r0, #1\n b 1b"), model, RunOptions(CLOCK_HZ), failing)
    assert "mcusim engine" not in [thread.name for thread in threading.enumerate()]


def test_progress_is_told_while_the_program_runs(
    build: Build, model: CpuModel, clock: SimpleNamespace
) -> None:
    seen: list[int] = []
    modelled_s: list[float] = []

    def note(reached: Reached) -> None:
        seen.append(reached.instructions)
        modelled_s.append(reached.modelled_s)
        clock.now = len(set(seen))

    run(build("1: adds r0, #1\n b 1b"), model, RunOptions(CLOCK_HZ, RunSpec(timeout_s=4)), note)
    assert len(set(seen)) >= 4
    assert seen == sorted(seen)
    assert modelled_s == sorted(modelled_s)
    # A turn of two instructions takes one cycle or more, its branch two when mispredicted; what is
    # timed follows what is captured by a buffer.
    assert 0 < modelled_s[-1] * CLOCK_HZ < 2 * seen[-1]


def test_polling_firmware_gets_its_systick_and_pendsv_interrupts(model: CpuModel) -> None:
    # The firmware checks its own counts: 21 ticks, 10 of them with a PendSV, none while masked.
    result = go(FIRMWARE / "ticks.elf", model)
    assert (result.exit_reason, result.exit_code) == ("exit", 0)
    functions = load_image(FIRMWARE / "ticks.elf").functions
    calls = {functions[n.function].name: n.calls for n in result.counters.nodes if n.function >= 0}
    assert (calls["SysTick_Handler"], calls["PendSV_Handler"], calls["main"]) == (21, 10, 1)


def test_two_runs_count_the_same(model: CpuModel, prebuilt: Path) -> None:
    image = load_image(prebuilt / "fully_connected_s8.elf")
    first, second = (go(image, model) for _ in range(2))
    assert first.counters == second.counters


# --- faults -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kind", "address", "function"),
    [
        ("read", "read of unmapped memory", 0x6000_0010, "fault_read"),
        ("write", "write to unmapped memory", 0x6000_0010, "fault_write"),
        ("fetch", "jump to unmapped memory", 0x6000_0010, None),
        ("nowhere", "undefined instruction", 0x080F_0000, None),
        ("arm-state", "jump to an address with bit 0 clear (Arm state)", None, None),
        ("execute-never", "jump to memory that is not executable", 0x4000_0000, None),
        ("undefined", "undefined instruction", None, "fault_undefined"),
        ("divide", "divide by zero", None, "fault_divide"),
        ("unaligned", "unaligned access", None, "fault_unaligned"),
        ("unaligned-double", "unaligned access", None, "fault_unaligned_double"),
        ("flash-write", "write to read-only memory", 0x0800_0000, "fault_flash_write"),
        ("stack", "stack overflow", None, "descend"),
        ("breakpoint", "breakpoint without a debugger", None, "fault_breakpoint"),
    ],
)
def test_a_fault_tells_kind_address_and_place(
    model: CpuModel, word: str, kind: str, address: int | None, function: str | None
) -> None:
    result = go(FIRMWARE / "faults.elf", model, args=(word,))
    assert (result.exit_reason, result.exit_code) == ("fault", None)
    fault = result.fault
    assert fault is not None
    assert fault.kind == kind
    assert address is None or fault.address == address
    assert fault.call_stack[0].address == fault.pc
    assert fault.call_stack[-1].symbol == "Reset_Handler"
    if function is not None:
        assert fault.symbol == function
        assert fault.file is not None
        assert fault.file.endswith("faults.c")


@pytest.mark.parametrize(
    "word", ["odd-event", "odd-divide", "odd-self-modifying", "odd-ram-functions"]
)
def test_what_is_odd_but_allowed_runs(model: CpuModel, word: str) -> None:
    result = go(FIRMWARE / "faults.elf", model, args=(word,))
    assert (result.exit_reason, result.exit_code) == ("exit", 0)


def test_pc_of_a_fault_is_that_of_the_instruction(build: Build, model: CpuModel) -> None:
    image = build("""
        ldr r0, =0x20000000
        ldr r1, =0x30000000
        ldr r2, [r0]
        ldr r2, [r0, #4]
        .global culprit
    culprit:
        ldr r2, [r1]
        b .
    """)
    culprit = image.symbol("culprit")
    assert culprit is not None
    fault = go(image, model).fault
    assert fault is not None
    assert (fault.address, fault.pc) == (0x3000_0000, culprit.address)


# --- peripherals ------------------------------------------------------------------------


def test_peripherals_that_are_not_modelled_are_one_warning(model: CpuModel) -> None:
    plain = load_cpu_model(model.name, ("devices.family=none",))
    result = go(FIRMWARE / "faults.elf", plain, args=("odd-peripherals",))
    assert (result.exit_reason, result.exit_code) == ("exit", 0)
    (warning,) = result.warnings
    assert "0x40011000" in warning
    assert "0x40020018" in warning


def test_strict_makes_a_peripheral_access_a_fault(model: CpuModel) -> None:
    plain = load_cpu_model(model.name, ("devices.family=none",))
    result = go(FIRMWARE / "faults.elf", plain, args=("odd-peripherals",), peripherals="strict")
    assert result.fault is not None
    assert result.fault.kind == "access to a peripheral that is not modelled"
    assert result.fault.address == 0x4002_0018


def test_blocks_of_nothing_but_the_longest_loads_are_counted(build: Build, model: CpuModel) -> None:
    image = build(
        """
    ldr r1, =0xe000ed88 // CPACR: the FPU on
    mov r0, #0xf00000
    str r0, [r1]
    ldr r0, =0x20000000
    .fpu fpv5-d16
    .rept 1000
    vldmia r0, {s0-s31}
    .endr
    movs r0, #0
    bl exit_r0
    """
    )
    result = go(image, model)
    assert (result.exit_reason, result.exit_code) == ("exit", 0)
    assert result.counters.total()["dtcm.reads"] == 32_000
    assert max(len(block.sites) for block in result.counters.blocks) > 500
