"""Every report names the runs that the baseline has and that did not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.report.check import REPORTS
from tests.unit.checking.faked import Check

#: These hold values only, and there is none of what did not run.
VALUES_ONLY = ("benchmark-action", "bencher")


@pytest.mark.parametrize("kind", [kind for kind in REPORTS if kind not in VALUES_ONLY])
def test_every_report_names_what_did_not_run(check: Check, kind: str) -> None:
    assert check("a.elf", "gone-by.elf", "--save-baseline", "main")[0] == 0
    check("a.elf", "--baseline", "main", "--report", f"{kind}=out")
    assert "gone-by" in Path("out").read_text(encoding="utf-8")
