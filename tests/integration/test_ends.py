"""Where a run begins to count and where it ends: places, modelled time, sleep, endless loops."""

from __future__ import annotations

import pytest

import simcore
from simcore.cpu_model import CpuModel
from simcore.errors import ConfigError, ExitCode
from simcore.machine.execution import Execution
from simcore.machine.loader import LoadedMemory
from tests.integration.assembled import CLOCK_HZ, PROLOGUE, TICK, Build, go, instructions
from tests.integration.programs import FIRMWARE

#: A main loop of a call and two instructions; work is three.
LOOP = """
    movs r4, #0
main_loop:
    bl work
    adds r4, #1
    b main_loop
    .type work, %function
work:
    movs r0, #1
here:
    adds r0, #1
    bx lr
    .size work, . - work
"""
HANDLER = """
    .ltorg
    .type systick, %function
systick:
    bx lr
"""


def line_of(text: str) -> int:
    """The line of the program's source on which a text stands."""
    source = (PROLOGUE + LOOP).splitlines()
    return 1 + next(number for number, line in enumerate(source) if text in line)


# --- entry ------------------------------------------------------------------------------

#: Exits with 3 from reset, with 7 from other, which a second vector table names too.
TWO_STARTS = """
    movs r0, #3
    b exit_r0
    .type other, %function
other:
    mov r5, sp
    ldr r6, =0xe000ed08
    ldr r6, [r6]
    movs r0, #7
    b exit_r0
    .ltorg
    .size other, . - other
    .p2align 7
    .type second, %object
second:
    .word 0x20008000, other
    .size second, 8
"""


@pytest.mark.parametrize(
    ("entry", "code"),
    [(None, 3), ("reset", 3), ("other", 7), ("{other:#x}", 7), ("second", 7), ("{second:#x}", 7)],
)
def test_a_run_starts_where_it_is_told(
    build: Build, model: CpuModel, entry: str | None, code: int
) -> None:
    image = build(TWO_STARTS)
    places = {name: image.symbol(name) for name in ("other", "second")}
    text = entry and entry.format(**{k: v.address for k, v in places.items() if v is not None})
    assert go(image, model, entry=text).exit_code == code


@pytest.mark.parametrize(
    ("entry", "table", "sp"),
    [("other", "__isr_vector", 0x2001_0000), ("second",) * 2 + (0x2000_8000,)],
)
def test_a_vector_table_that_is_told_gives_stack_pointer_and_vtor(
    build: Build, model: CpuModel, entry: str, table: str, sp: int
) -> None:
    image = build(TWO_STARTS)
    memory = LoadedMemory(model, image)
    memory.load(image)
    boot, at = memory.boot(image, entry), image.symbol(table)
    assert at is not None
    assert (boot.vector_table, boot.sp) == (at.address, sp)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("othr", "--entry 'othr': .* no such function; did you mean 'other'"),
        ("0x20000000", "--entry '0x20000000': no code"),
        ("other@2", "no such function"),
    ],
)
def test_an_entry_that_is_not_there_is_refused(
    build: Build, model: CpuModel, entry: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        go(build(TWO_STARTS), model, entry=entry)


# --- until and from ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("work", 2),  # movs, bl
        ("work@3", 2 + 2 * 6),
        ("{here:#x}", 3),  # in the middle of a block
        ("{here:#x}@2", 3 + 6),
        ("program.S:{line}@2", 3 + 6),
    ],
)
def test_a_run_ends_in_front_of_the_place_that_it_is_told(
    build: Build, model: CpuModel, until: str, count: int
) -> None:
    image = build(LOOP, "-Wa,-gdwarf-4")
    work = image.symbol("work")
    assert work is not None
    here = work.address + 2
    line = line_of("adds r0, #1")
    result = go(image, model, until=until.format(here=here, line=line))
    assert (result.exit_reason, instructions(result)) == ("until", count)
    assert result.exit_place is not None
    assert result.exit_place.symbol == "work"


@pytest.mark.parametrize(
    ("start", "count", "calls"),
    [("work@2", 6, 1), ("{here:#x}@2", 6, 1), ("main_loop@2", 6, 1), ("work@4", 6, 1)],
)
def test_counting_begins_in_front_of_the_place_that_it_is_told(
    build: Build, model: CpuModel, start: str, count: int, calls: int
) -> None:
    image = build(LOOP)
    work = image.symbol("work")
    assert work is not None
    place = start.format(here=work.address + 2)
    result = go(image, model, from_=place, until=place.partition("@")[0])
    assert (result.exit_reason, instructions(result)) == ("until", count)
    counters = result.counters
    assert sum(node.calls for node in counters.nodes) == calls
    assert sum(entry.executions for entry in counters.entries) > 0
    total = sum(counters.total()[f"cycles.{cause}"] for cause in ("issue", "branch", "fetch"))
    assert 3 <= total < 100


def test_what_ran_before_from_is_in_no_table() -> None:
    whole = simcore.profile(FIRMWARE / "calls.elf", instructions=True)
    late = simcore.profile(FIRMWARE / "calls.elf", from_="main", instructions=True, timeline=True)
    assert 0 < late.totals.instructions < whole.totals.instructions
    assert late.exit == whole.exit
    assert late.instructions is not None
    assert sum(row.executions for row in late.instructions) == late.totals.instructions
    assert sum(node.instructions for node in late.call_tree) == late.totals.instructions
    assert {row.name for row in late.functions} <= {row.name for row in whole.functions}
    assert late.timeline is not None
    assert max(span.end for span in late.timeline.spans) <= late.totals.cycles
    main = next(row for row in whole.functions if row.name == "main")
    assert next(row for row in late.functions if row.name == "main").calls == main.calls


def test_a_capture_knows_where_counting_began(tmp_path_factory: pytest.TempPathFactory) -> None:
    capture = tmp_path_factory.mktemp("capture") / "run.mcu"
    simcore.record(FIRMWARE / "calls.elf", capture, from_="main")
    live = simcore.profile(FIRMWARE / "calls.elf", from_="main")
    assert simcore.replay(capture) == live


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": "wrok"}, "no such function; did you mean 'work'"),
        ({"until": "work@0"}, "not FUNCTION, FILE:LINE or ADDRESS"),
        ({"until": "work@x"}, "not FUNCTION, FILE:LINE or ADDRESS"),
        ({"until": "0x20000000"}, "no code"),
        ({"until": "program.S:9999"}, "has no code; lines near it"),
        ({"until": "other.S:3"}, "no code of .* is from there"),
        ({"from_": "work:"}, "no such function"),
    ],
)
def test_a_place_that_is_not_there_is_refused_with_what_comes_near(
    build: Build, model: CpuModel, options: dict[str, str], message: str
) -> None:
    image = build(LOOP, "-Wa,-gdwarf-4")
    with pytest.raises(ConfigError, match=message):
        go(image, model, **options)


def test_a_place_that_is_never_reached_is_a_limit(build: Build, model: CpuModel) -> None:
    text = "movs r0, #0\n b exit_r0\n .type never, %function\nnever: bx lr\n"
    for options in ({"until": "never"}, {"from_": "never"}):
        result = go(build(text), model, **options)
        assert result.exit_reason == "missed"


def test_two_ends_are_refused() -> None:
    with pytest.raises(ConfigError, match="--until and --for: a run has one end"):
        simcore.profile(FIRMWARE / "calls.elf", until="main", for_s=1)


# --- modelled time ------------------------------------------------------------------------


def test_a_run_ends_after_the_time_that_it_is_given(build: Build, model: CpuModel) -> None:
    result = go(build(LOOP), model, for_s=1e-3)
    cycles = sum(v for k, v in result.counters.total().items() if k.startswith("cycles."))
    assert result.exit_reason == "for"
    assert 0 <= cycles - 1e-3 * CLOCK_HZ < 100


def test_time_counts_from_where_counting_begins(build: Build, model: CpuModel) -> None:
    result = go(build(LOOP), model, from_="work@1000", for_s=1e-5)
    cycles = sum(v for k, v in result.counters.total().items() if k.startswith("cycles."))
    assert result.exit_reason == "for"
    assert 0 <= cycles - 1e-5 * CLOCK_HZ < 100


def test_a_sleep_ends_with_the_time_of_the_run(build: Build, model: CpuModel) -> None:
    result = go(build(TICK + "1: wfi\n b 1b" + HANDLER), model, for_s=1e-3)
    cycles = sum(v for k, v in result.counters.total().items() if k.startswith("cycles."))
    assert (result.exit_reason, cycles) == ("for", round(1e-3 * CLOCK_HZ))


def test_a_run_without_an_end_is_stopped_and_told_how_to_end(
    build: Build, model: CpuModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simcore.run.options.DEFAULT_INSTRUCTIONS", 10_000)
    text = LOOP.replace("main_loop", "main").replace("main:", ".global main\nmain:")
    result = go(build(text), model, max_instructions=None)
    assert result.exit_reason == "no-end"
    assert any("--until" in warning and "@100" in warning for warning in result.warnings)


def test_a_loop_that_is_over_is_not_named_as_the_end(
    build: Build, model: CpuModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simcore.run.options.DEFAULT_INSTRUCTIONS", 10_000)
    # main calls work in a loop of three turns, then serve, which never comes back
    text = """
        .global main
        bl main
        .type main, %function
    main:
        push {lr}
        movs r4, #3
    first:
        bl work
        subs r4, #1
        bne first
        bl serve
        .size main, . - main
        .type work, %function
    work:
        bx lr
        .size work, . - work
        .type serve, %function
    serve:
        bl work
        b serve
        .size serve, . - serve
    """
    image = build(text)
    result = go(image, model, max_instructions=None)
    (serve,) = (one for one in image.functions if one.name == "serve")
    (told,) = (warning for warning in result.warnings if "--until" in warning)
    assert told.startswith(f"serve goes on in a loop through {serve.start:#010x}")


def test_straight_code_is_no_loop(
    build: Build, model: CpuModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simcore.run.options.DEFAULT_INSTRUCTIONS", 100)
    image = build(".type main, %function\nmain:\n.rept 200\n nop\n.endr\n b exit_r0")
    result = go(image, model, max_instructions=None)
    assert result.exit_reason == "no-end"
    assert not [warning for warning in result.warnings if "--until" in warning]


def test_a_register_that_is_polled_is_named(build: Build, model: CpuModel) -> None:
    image = build("ldr r0, =0x40023800\n1: ldr r1, [r0]\n lsls r1, #6\n bpl 1b\n .ltorg")
    result = go(image, model, max_instructions=1000, peripherals="plain")
    assert any("polls RCC_CR (0x40023800) in reset" in warning for warning in result.warnings)


# --- sleep and endless loops ----------------------------------------------------------------


def test_a_run_ends_when_it_goes_to_sleep(build: Build, model: CpuModel) -> None:
    result = go(build(TICK + "nop\n wfi\n b ." + HANDLER), model, until_idle=True)
    assert result.exit_reason == "idle"
    assert result.counters.total()["cycles.sleep"] == 0


@pytest.mark.parametrize("wfi", ["wfi", "wfi.w"])
def test_a_masked_interrupt_that_is_pending_ends_every_wfi_at_once(
    build: Build, model: CpuModel, monkeypatch: pytest.MonkeyPatch, wfi: str
) -> None:
    came_back: list[int] = []
    monkeypatch.setattr(Execution, "_after_engine", lambda _, error: came_back.append(error))
    # PendSV is set while PRIMASK is; 3000 turns of four instructions
    text = f"""
        cpsid i
        ldr r0, =0xe000ed04
        ldr r1, =0x10000000
        str r1, [r0]
        movw r4, #3000
    1:  nop
        {wfi}
        subs r4, #1
        bne 1b
        movs r0, #7
        b exit_r0
        .ltorg
    """
    result = go(build(text), model)
    assert (result.exit_reason, result.exit_code) == ("exit", 7)
    assert instructions(result) == 5 + 4 * 3000 + 2 + 6  # those of exit_r0, BKPT among them
    assert result.counters.total()["cycles.sleep"] == 0
    assert not came_back


@pytest.mark.parametrize("loop", ["b .", "b.w .", "1: nop\n nop\n b 1b"])
@pytest.mark.parametrize(
    "before", ["", "cpsid i\n", "ldr r0, =0xe000e010\n movs r1, #5\n str r1, [r0]\n"]
)
def test_an_endless_loop_that_nothing_can_leave_ends_the_run(
    build: Build, model: CpuModel, before: str, loop: str
) -> None:
    result = go(build(before + loop + "\n .ltorg"), model)
    assert result.exit_reason == "loop"
    assert result.exit_place is not None
    assert result.exit_place.symbol == "reset"


def test_an_endless_loop_that_a_tick_leaves_goes_on(build: Build, model: CpuModel) -> None:
    program = (TICK + "b ." + HANDLER).replace("bx lr", "movs r0, #3\n b exit_r0")
    result = go(build(program), model)
    assert (result.exit_reason, result.exit_code) == ("exit", 3)
    masked = go(build(program.replace("b .", "cpsid i\n b .")), model)
    assert masked.exit_reason == "loop"


def test_a_sleep_that_nothing_ends_is_an_end() -> None:
    profile = simcore.profile(FIRMWARE / "sleep.elf", args=("forever",))
    assert (profile.exit.reason, profile.exit.status) == ("sleep", ExitCode.OK)
    assert "nothing to wake it" in profile.exit.text
