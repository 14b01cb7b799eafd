"""What must hold for every program holds for random ones; scripts/validate has more of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simcore import Profile
from simcore.profiler import profile
from tests.oracle import invariants
from tests.oracle.invariants import broken, miscounted


@pytest.fixture(autouse=True)
def _tools(arm_gcc: Callable[..., Path]) -> None:
    """They are assembled."""


def test_sums_replay_what_if_and_cache_agree(tmp_path: Path) -> None:
    assert broken(tmp_path, range(500_000, 500_010)) == []


def test_executions_and_accesses_are_those_of_plain_unicorn(tmp_path: Path) -> None:
    bad, instructions = miscounted(tmp_path, range(500_000, 500_020))
    assert bad == []
    assert instructions > 10_000


def test_what_does_not_hold_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that is told once more, and a cycle that no function has."""

    def spoilt(*told: object, **options: object) -> Profile:
        from dataclasses import replace

        found = profile(*told, **options)  # type: ignore[arg-type]
        rows = list(found.instructions or ())
        at = next(n for n, row in enumerate(rows) if row.reads)
        rows[at] = replace(rows[at], reads=rows[at].reads + 1)
        totals = replace(found.totals, cycles=found.totals.cycles + 1)
        return replace(found, instructions=tuple(rows), totals=totals)

    monkeypatch.setattr(invariants, "profile", spoilt)
    bad, _ = miscounted(tmp_path, range(3))
    assert [line.split(": ")[0] for line in bad[:3]] == ["causes", "functions' cycles", "call tree"]
    assert "reads" in bad[-1]
