"""Firmware that times itself sees the time that the profile gives its functions."""

from __future__ import annotations

import io
import re

import pytest

import simcore
from tests.integration.programs import FIRMWARE

# Around the function the firmware's figure has the call and one read of a clock: a dozen cycles.
TOLERANCE = 0.005


@pytest.mark.parametrize(
    ("cpu", "clock_hz", "caches"),
    [
        ("stm32f746", None, "auto"),
        ("stm32f746", None, "off"),
        ("stm32f746", 48_000_000, "on"),
        ("stm32f767", None, "auto"),
        ("stm32f723", 100_000_000, "off"),
    ],
)
def test_cyccnt_and_systick_around_a_function_show_its_cycles(
    cpu: str, clock_hz: int | None, caches: str
) -> None:
    out = io.BytesIO()
    profile = simcore.profile(
        FIRMWARE / "self_timing.elf", cpu, clock_hz=clock_hz, caches=caches, stdout=out
    )
    assert (profile.exit.reason, profile.exit.code) == ("exit", 0)
    cycles = {function.name: function.cycles_total for function in profile.functions}
    printed = re.findall(r"(\w+): (\d+) cycles, SysTick (\d+)\n", out.getvalue().decode())
    assert [name for name, _, _ in printed] == ["timed_arithmetic", "timed_memory"]
    for name, cyccnt, systick in printed:
        assert int(cyccnt) == pytest.approx(cycles[name], rel=TOLERANCE)
        assert int(systick) == pytest.approx(cycles[name], rel=TOLERANCE)
        assert int(cyccnt) > cycles[name]  # the call costs something


def test_self_timed_cycles_depend_on_the_caches() -> None:
    """Both sides of the test above could be constant otherwise."""

    def total(caches: str) -> int:
        profile = simcore.profile(FIRMWARE / "self_timing.elf", caches=caches)
        return next(f.cycles_total for f in profile.functions if f.name == "timed_memory")

    assert total("off") > 1.2 * total("on")
