"""Runs of networks beside each other: what was asked for, and which network it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simcore.comparison.networks import NetworkIdentity, other_network, unlike_networks

SHA, OTHER = "ab" * 32, "cd" * 32
RUN = NetworkIdentity(SHA, "picture.bin", SHA, (), 3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"input": "renamed.bin"}, []),
        (
            {"input": "random, seed 1", "input_sha256": None},
            ["the input is picture.bin and random, seed 1"],
        ),
        (
            {"input_sha256": OTHER},
            ["the input is picture.bin (abababababab) and picture.bin (cdcdcdcdcdcd)"],
        ),
        ({"arena": ("dtcm", "sram1")}, ["the arena is the part's own and dtcm,sram1"]),
        ({"inferences": 1}, ["the number of inferences is 3 and 1"]),
        # A firmware of the user that is given nothing, and decides where tensors lie.
        ({"input": None, "input_sha256": None, "arena": None, "inferences": None}, []),
        ({"sha256": OTHER}, []),
    ],
)
def test_what_was_asked_for_makes_runs_unlike(changes: dict[str, Any], said: list[str]) -> None:
    assert [*unlike_networks(RUN, replace(RUN, **changes))] == said
    assert [*unlike_networks(None, RUN)] == []


def test_another_file_is_told_and_compared() -> None:
    assert other_network(RUN, RUN) is None
    assert other_network(RUN, None) is None
    assert other_network(RUN, replace(RUN, sha256=OTHER)) == (
        "the network is another file, cdcdcdcdcdcd, than before, abababababab (SHA-256)"
    )
