"""docs/gates.md names a test for each situation."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_each_situation_has_the_test_that_its_row_names() -> None:
    rows = [
        row.strip("|").split("|")[-1].strip(" `")
        for row in (ROOT / "docs" / "gates.md").read_text().splitlines()
        if row.startswith("| ") and not row.startswith("| situation")
    ]
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)
    }
    assert len(rows) > 24
    assert [name for name in rows if name not in defined] == []
    assert len(set(rows)) == len(rows)
