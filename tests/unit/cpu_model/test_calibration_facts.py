"""Writing single numbers into a CPU model file, as scripts/fit-energy does."""

from __future__ import annotations

import tomllib

from scripts.calibration.facts import Fact, number, with_facts

MODEL = """# a part
name = "part"

[energy]
# stays
clock_tree = { value = 1, unit = "pJ", source = "X: old", status = "assumed" } # goes

[energy.issue]
alu = { value = 2, unit = "pJ", source = "X: old", status = "assumed" }
"""


def fact(table: str, key: str, value: float) -> Fact:
    return Fact(table, key, value, "pJ", "Y: new", "fitted")


def test_a_number_that_is_there_is_replaced_with_its_provenance() -> None:
    text = with_facts(MODEL, [fact("energy", "clock_tree", 3.14159)])
    new = {"value": 3.142, "unit": "pJ", "source": "Y: new", "status": "fitted"}
    assert tomllib.loads(text)["energy"]["clock_tree"] == new
    assert len(text.split("\n")) == len(MODEL.split("\n"))
    assert "# stays" in text


def test_a_number_or_table_that_is_missing_is_added() -> None:
    text = with_facts(MODEL, [fact("energy", "active_cycle", 5), fact("memory.ram", "read", 6)])
    tree = tomllib.loads(text)
    assert tree["energy"]["active_cycle"]["value"] == 5
    assert tree["energy"]["issue"]["alu"]["value"] == 2
    assert tree["memory"]["ram"]["read"]["value"] == 6


def test_writing_twice_changes_nothing() -> None:
    facts = [fact("energy", "active_cycle", 5), fact("memory.ram", "read", 6)]
    once = with_facts(MODEL, facts)
    assert with_facts(once, facts) == once


def test_numbers_have_four_digits_and_no_more_zeros_than_needed() -> None:
    assert [number(value) for value in (0.151234, 836.04, 12_345, 2.0)] == [
        "0.1512", "836", "12340", "2",
    ]  # fmt: skip
