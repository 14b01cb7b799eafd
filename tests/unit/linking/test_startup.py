"""What start-up code takes to fill what moved, against the loop in the pipeline model."""

from __future__ import annotations

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.linking.startup import copy_cycles
from simcore.run.setup import TimingSetup

#: Cycles of C_LOOP in a function of its own, built by GCC 12 with -O2 and run from flash with both
#: caches on, that copies 16 KB from flash to DTCM ('mcusim profile', cycles of the function).
COPIED = {
    "stm32f746": 24_735,
    "stm32f767": 24_687,
    "stm32h743": 27_790,
    "stm32h723": 25_175,
    "imxrt1062": 147_844,
}
ZEROED = 16_477  # the same on stm32f746, of 16 KB that are zeroed


@pytest.mark.parametrize("part", COPIED)
def test_the_loop_takes_what_the_model_of_the_part_gives(part: str) -> None:
    model = load_cpu_model(part)
    found = copy_cycles(TimingSetup(model), model.region("flash"), 16_384, 0)
    assert found == pytest.approx(COPIED[part], rel=0.01)


def test_what_is_zeroed_is_not_read() -> None:
    model = load_cpu_model("stm32f746")
    for home in (model.region("flash"), None):
        assert copy_cycles(TimingSetup(model), home, 0, 16_384) == pytest.approx(ZEROED, rel=0.01)
