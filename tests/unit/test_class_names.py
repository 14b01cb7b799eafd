"""A word means one thing: no two modules of simcore have a public class of one name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

SIMCORE = Path(__file__).parents[2] / "simcore"


def test_no_class_name_stands_in_two_modules() -> None:
    # Private names are left out: who meets one reads its module.
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SIMCORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path.relative_to(SIMCORE).as_posix())
    assert len(places) > 200
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
