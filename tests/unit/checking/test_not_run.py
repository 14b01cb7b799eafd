"""Every report names the runs that the baseline has and that did not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simcore.report.check import REPORTS
from tests.unit.checking.faked import Check

#: It holds numbers only: how many there are.
NUMBERS_ONLY = "bencher"


@pytest.mark.parametrize("kind", [kind for kind in REPORTS if kind != NUMBERS_ONLY])
def test_every_report_names_what_did_not_run(check: Check, kind: str) -> None:
    assert check("a.elf", "gone-by.elf", "--save-baseline", "main")[0] == 0
    check("a.elf", "--baseline", "main", "--report", f"{kind}=out")
    assert "gone-by" in Path("out").read_text(encoding="utf-8")


def test_what_holds_numbers_only_counts_what_did_not_run(check: Check) -> None:
    assert check("a.elf", "gone-by.elf", "--save-baseline", "main")[0] == 0
    for elfs, many in ((("a.elf", "gone-by.elf"), 0), (("a.elf",), 1)):
        check(*elfs, "--baseline", "main", "--report", f"{NUMBERS_ONLY}=out")
        counted = json.loads(Path("out").read_text())["mcusim check"]
        assert counted == {"runs-not-measured": {"value": many}}
