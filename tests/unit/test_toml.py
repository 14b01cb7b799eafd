"""TOML of anybody: what would cost the reader more than its length is refused, all else is read."""

from __future__ import annotations

import pytest

from simcore.toml import MOST_PARTS, parse_toml

PLAIN = """
# a.b.c in a remark
[a.b."c.d".'e']
f = 1.5
"g h".i = [1.0, 2.0, {j.k = "l.m.n"}]
m = 2026-12-01T05:20:00Z
"""


def test_what_is_usual_is_read() -> None:
    inner = {"f": 1.5, "g h": {"i": [1.0, 2.0, {"j": {"k": "l.m.n"}}]}}
    found = parse_toml(PLAIN)["a"]["b"]["c.d"]["e"]
    assert {key: found[key] for key in inner} == inner
    assert parse_toml(f"{'a.' * (MOST_PARTS - 1)}b = 1")
    assert parse_toml(f"a = [{', '.join(['1.5'] * 5000)}]\nb = '{'. ' * 500}'")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a." * 50_000 + "b = 1", "a key has more than"),
        ("a . " * 50 + "b = 1", "a key has more than"),
        ("x = 1\n" + '\'a b\'."c\\"d".' * 50 + "e = 1", "a key has more than"),
        (f"[{'a.' * 50}b]", "a key has more than"),
        (f"[[{'a.' * 50}b]]", "a key has more than"),
        (f"x = {{{'a.' * 50}b = 1}}", "a key has more than"),
        ("x = " + "[" * 100_000, "too deep"),
        ("x = " + "{a = " * 100_000, "too deep"),
        ("x = " + "9" * 5_001, "thousands of digits"),
        ("x = ", "Invalid value (at end of document)"),
        ("x = 1\nx = 2", "Cannot overwrite a value (at end of document)"),
    ],
    ids=range(11),
)
def test_what_costs_more_than_its_length_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(").replace(")", r"\)")) as caught:
        parse_toml(text)
    assert "\n" not in str(caught.value)
