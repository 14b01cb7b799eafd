"""Where what DMA moves may lie, by the reference manuals that simcore/devices/dma.py names."""

from __future__ import annotations

import pytest

from simcore.advisor.reach import dma_reach
from simcore.cpu_model import load_cpu_model
from simcore.placement.pieces import Piece

BUFFER = Piece("buffer", "object", 0x2001_0000, 64, 32)
OTHER = Piece("other", "object", 0x2001_0040, 64, 32)


@pytest.mark.parametrize(
    ("part", "reached"),
    [("stm32f746", {"dtcm"}), ("stm32h743", set()), ("imxrt1062", {"dtcm", "itcm"})],
)
def test_a_buffer_of_dma_goes_where_all_its_controllers_reach(part: str, reached: set[str]) -> None:
    model = load_cpu_model(part)
    reach = dma_reach(model, [(0x2001_003C, 0x2001_0040)])
    tcms = [region for region in model.regions if region.kind in ("dtcm", "itcm")]
    assert {region.kind for region in tcms if reach.allows(BUFFER, region)} == reached
    assert {region.kind for region in tcms if reach.allows(OTHER, region)} == {"dtcm", "itcm"}
    assert reach.reaches_tcm(BUFFER) is bool(reached)
    sram = next(region for region in model.regions if region.kind == "sram")
    assert reach.allows(BUFFER, sram)
