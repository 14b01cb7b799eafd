"""What a profile tells of DMA; programs that mean no good."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import simcore
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.report.profile import render
from tests.integration.assembled import Build, go
from tests.integration.transfers import (
    COPY,
    DMA2,
    EN,
    END,
    MINC,
    SETTLE,
    TABLE,
    Copy,
    code,
    stores,
)


@pytest.fixture
def model() -> CpuModel:
    return load_cpu_model("stm32f746")


# --- programs that mean no good ----------------------------------------------------------------

LOOP = "ldr r4, =300\n 3: {start} subs r4, #1\n bne 3b\n movs r0, #7\n"
HOSTILE = {
    "over the stack": Copy(64, target=0x2000_FF80, control=MINC).text + "movs r0, #7\n",
    "over the code that runs": (
        Copy(16, source="table", target=0x2002_0000).text
        + "ldr r0, =0x20020001\n ldr r1, =0x4770bf00\n str r1, [r0, #-1]\n blx r0\n"
        + Copy(1, source="code", target=COPY).text
        + "movs r0, #0\n ldr r1, =0x20020001\n blx r1\n"
    ),
    "many at once": LOOP.format(start=Copy(65535, source=COPY, target=COPY + 2, wait=" ").text),
    "all streams with nothing to do": "".join(
        stores((DMA2 + 0x10 + 0x18 * n, EN)) for n in range(8)
    ) + "movs r0, #7\n",
    "every bit": "".join(
        stores((DMA2 + 4 * n, 0xFFFF_FFFF)) for n in range(0x34)
    ) + SETTLE + "movs r0, #7\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hangs_or_breaks(build: Build, model: CpuModel, name: str) -> None:
    tail = f"{TABLE} .balign 4\ncode: .short 0x2007, 0x4770\n"  # MOVS r0, #7; BX lr
    assert code(go(build(HOSTILE[name] + tail), model)) == 7


# --- what is told ------------------------------------------------------------------------------

CACHES_ON = stores((0xE000_ED14, 0x3_0200)) + "dsb\n isb\n"
FILL = f"ldr r0, ={COPY:#x}\n movs r1, #16\n 9: str r1, [r0], #4\n subs r1, #1\n bne 9b\n"


def profile_of(build: Build, tmp_path: Path, text: str) -> simcore.Profile:
    build(text, "-g")
    return simcore.profile(tmp_path / "program.elf", cpu="stm32f746", clock_hz=200_000_000)


def test_a_profile_has_what_was_moved_by_region(build: Build, tmp_path: Path) -> None:
    profile = profile_of(build, tmp_path, f"{Copy(4).text} movs r0, #0\n{TABLE}")
    rows = [(row.region, row.read_bytes, row.write_bytes) for row in profile.dma or ()]
    assert rows == [("flash", 16, 0), ("sram1", 0, 16)]
    assert simcore.Profile.from_json(profile.to_json()).dma == profile.dma
    assert re.search(r"sram1 +0 B +16 B", render(profile, "text"))
    none = profile_of(build, tmp_path, f"movs r0, #0\n{END}")
    assert none.dma is None
    assert '"dma"' not in none.to_json()


def test_a_capture_has_it(build: Build, tmp_path: Path) -> None:
    live = profile_of(build, tmp_path, f"{Copy(4).text} movs r0, #0\n{TABLE}")
    file = tmp_path / "program.capture"
    simcore.record(tmp_path / "program.elf", file, cpu="stm32f746", clock_hz=200_000_000)
    again = simcore.replay(file)
    assert (again.dma, again.totals) == (live.dma, live.totals)


OUT = Copy(16, source=COPY, target=COPY + 0x1000).text
IN = Copy(16, target=COPY).text
READ = f"ldr r0, ={COPY:#x}\n ldr r2, [r0]\n"


def maintain(register: int) -> str:
    """Cache maintenance of the two lines at COPY."""
    each = "str r0, [r1]\n adds r0, #32\n"
    return f"ldr r0, ={COPY:#x}\n ldr r1, ={register:#x}\n {each * 2} dsb\n"


CLEAN, INVALIDATE = maintain(0xE000_EF68), maintain(0xE000_EF5C)
#: What a program does, and what it is warned of.
MAINTENANCE = {
    "sends what is dirty": (FILL + OUT, "while 2 lines of it in the D-cache are dirty"),
    "sends what is clean": (FILL + CLEAN + OUT, None),
    "reads what is stale": (READ + IN + READ, "from 1 line that the D-cache holds since before"),
    "reads what is fresh": (READ + IN + INVALIDATE + READ, None),
    "reads what was never cached": (IN + READ, None),
}


@pytest.mark.parametrize("name", MAINTENANCE)
def test_a_program_that_forgets_the_cache_is_warned(
    build: Build, tmp_path: Path, name: str
) -> None:
    text, warning = MAINTENANCE[name]
    profile = profile_of(build, tmp_path, f"{CACHES_ON}{text} movs r0, #0\n{TABLE}")
    told = [one for one in profile.warnings if "D-cache" in one]
    assert len(told) == (warning is not None)
    assert all((warning or "nothing") in one for one in told)
