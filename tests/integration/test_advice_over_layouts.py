"""Advice on one program linked in several orders: the same moves, but for what is chance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from simcore.advisor import Advice, advise
from simcore.elf import load_image
from tests.integration.programs import KERNELS
from tests.integration.shifted import shifted_kernel
from tests.integration.test_relink import kernels_build


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    """kernels/build.py."""
    with kernels_build() as module:
        yield module


def moves_of(advice: Advice) -> dict[tuple[str, str], int]:
    """What each move brings; a part of an array counts for the array."""
    return {(move.name.partition("[")[0], move.region): move.cycles or 0 for move in advice.moves}


@pytest.mark.parametrize(
    ("kernel", "layouts", "common"),
    [
        pytest.param("depthwise_conv2d_s8", 4, 4, marks=pytest.mark.exhaustive),
        pytest.param("fully_connected_s8", 4, 1, marks=pytest.mark.exhaustive),
    ],
)
def test_advice_hangs_on_the_program_and_not_on_its_layout(
    arm_gcc: object,
    build: ModuleType,
    tmp_path: Path,
    kernel: str,
    layouts: int,
    common: int,
) -> None:
    names = [function.raw for function in load_image(KERNELS / f"{kernel}.elf").functions]
    found = []
    for seed in range(layouts):
        (folder := tmp_path / str(seed)).mkdir()
        found.append(advise(shifted_kernel(kernel, names, seed, build, folder)))
    moves = [moves_of(advice) for advice in found]
    in_all = set.intersection(*(set(one) for one in moves))
    assert len(in_all) >= common
    for advice, own in zip(found, moves, strict=True):
        band = max(advice.promise.band_cycles, round(advice.judged.spread_cycles))
        assert all(own[name] <= band for name in own.keys() - in_all)
