"""The cases of the C rules as data: tests/rules/*.toml, a [[case]] with a name for each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

RULES = Path(__file__).resolve().parent / "rules"


def read(rules: str) -> dict[str, Any]:
    """The tables of a file of rules."""
    return tomllib.loads((RULES / f"{rules}.toml").read_text(encoding="utf-8"))


def each_case(rules: str, table: str = "case") -> pytest.MarkDecorator:
    """Parametrizes a test over the cases of a file, each named by its sentence."""
    cases = read(rules)[table]
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])
