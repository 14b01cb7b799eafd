"""Kernels of networks against TFLM's reference kernels: each operator, and small networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert: pip install mcusim[test]")
pytest.importorskip("tflite_micro", reason="needs tflite-micro: pip install mcusim[verify]")

from tests.networks.comparison import Compared, compare
from tests.networks.examples import examples_of, kinds
from tests.networks.examples_networks import networks
from tests.networks.page import page_with
from tests.networks.target import Target

PAGE = Path(__file__).resolve().parents[2] / "docs" / "model" / "operators.md"


@pytest.fixture(scope="module")
def target() -> Target:
    """The kernels of the prebuilt runner."""
    return Target()


def _faults(compared: Sequence[Compared]) -> str:
    """All that is wrong; prints how far floats are from their bounds."""
    for one in compared:
        if one.example.bound and one.difference is not None:
            print(f"{one.example.name}: {one.difference:.2e}, at most {one.example.bound:.2e}")
    return "\n".join(fault for one in compared if (fault := one.fault) is not None)


def test_small_networks_and_a_few_of_each_operator_are_tflms(target: Target) -> None:
    few = networks()
    assert len(few) == 6
    for kind in kinds():
        few += examples_of(kind, 20 if kind == "HALVES" else 2)
    assert len(few) > 200
    compared = compare(target, few)
    assert all(one.refused_here is None for one in compared[:6])
    assert not (faults := _faults(compared)), faults


@pytest.mark.exhaustive
def test_every_operator_in_every_type_and_option_is_tflms(
    target: Target, renew_goldens: bool
) -> None:
    every = [example for kind in kinds() for example in examples_of(kind)]
    compared = compare(target, every)
    assert not (faults := _faults(compared)), faults
    page = PAGE.read_text()
    if renew_goldens:
        PAGE.write_text(page_with(page, compared))
    assert PAGE.read_text() == page_with(page, compared), "renew with --renew-goldens"
