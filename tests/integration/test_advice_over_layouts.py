"""Advice on one program linked in several orders: the same moves, but for what is chance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from simcore.advisor import Advice, advise
from simcore.elf import load_image
from tests.integration.programs import KERNELS
from tests.integration.relinked import SCRIPT
from tests.integration.shifted import reordered_script, shifted_kernel
from tests.integration.test_relink import kernels_build
from tests.integration.test_relinked_advice import PROMISED, Promised


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    """kernels/build.py."""
    with kernels_build() as module:
        yield module


def moves_of(advice: Advice) -> dict[tuple[str, str], int]:
    """What each move brings; a part of an array counts for the array."""
    return {(PART.sub("", move.name), move.region): move.cycles or 0 for move in advice.moves}


#: Behind the name of an array of which a part moves; `[shapes.cpp]` is none.
PART = re.compile(r"\[\d*:\d*\]$")
#: Orders of each program. `mixed` has one function that waits, of which energy rises more than
#: cycles fall, and its data lies in DTCM: without caches there is more to move.
LAYOUTS = 10


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("kernel", "options"),
    [("depthwise_conv2d_s8", {}), ("mixed", {"caches": "off"})],
    ids=["depthwise", "mixed"],
)
def test_advice_on_a_kernel_hangs_on_the_program_and_not_on_its_layout(
    arm_gcc: object, build: ModuleType, tmp_path: Path, kernel: str, options: dict[str, Any]
) -> None:
    names = [function.raw for function in load_image(KERNELS / f"{kernel}.elf").functions]
    found = []
    for seed in range(LAYOUTS):
        (folder := tmp_path / str(seed)).mkdir()
        found.append(advise(shifted_kernel(kernel, names, seed, build, folder), **options))
    check_alike(found)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", PROMISED, ids=lambda case: case.name)
def test_advice_on_a_project_hangs_on_the_program_and_not_on_its_layout(
    case: Promised, tmp_path: Path
) -> None:
    project, elf = case.built(tmp_path)
    names = [function.raw for function in load_image(elf).functions]
    found = []
    for seed in range(LAYOUTS):
        script = tmp_path / f"{seed}.ld"
        script.write_text(reordered_script(SCRIPT.read_text(), names, seed))
        found.append(advise(project.link(script, f"{seed}.elf")))
    check_alike(found)


def check_alike(found: list[Advice]) -> None:
    """At least three moves are in all of it, and what is not in all is within the band."""
    moves = [moves_of(advice) for advice in found]
    in_all = set.intersection(*(set(one) for one in moves))
    assert len(in_all) >= 3
    for advice, own in zip(found, moves, strict=True):
        band = max(advice.promise.band_cycles, round(advice.judged.spread_cycles))
        assert all(own[name] <= band for name in own.keys() - in_all)
