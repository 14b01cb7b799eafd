"""Names of rows: unique, the same in each build, and as they are where there is no doubt."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import pytest

from simcore.checking.limits import parse_limits
from simcore.checking.verdicts import judge
from simcore.comparison.matching import unclone
from simcore.comparison.names import unique_names
from simcore.comparison.summary import summarize
from tests.unit.handmade import kernel_profile


@dataclass(frozen=True)
class Named:
    """A row with what it has."""

    name: str
    file: str | None = None
    address: int | None = None
    number: int | None = None


def names(*rows: Named) -> list[str]:
    found = unique_names(rows)
    assert len(set(found)) == len(rows)
    return found


def test_a_name_without_doubt_stays() -> None:
    assert names(Named("f", "a.c"), Named("g", "a.c")) == ["f", "g"]


def test_static_functions_have_the_end_of_the_path_that_tells_them_apart() -> None:
    assert names(Named("f", "src/a.c"), Named("f", "src/b.c")) == ["f [a.c]", "f [b.c]"]
    same_name = Named("f", "x/src/a.c"), Named("f", r"C:\y\src\a.c"), Named("f", "z/b.c")
    assert names(*same_name) == ["f [x/src/a.c]", "f [y/src/a.c]", "f [b.c]"]


def test_without_a_file_the_address_or_number_tells_then_the_order() -> None:
    assert names(Named("f", address=0x100), Named("f", address=0x200)) == [
        "f [0x00000100]", "f [0x00000200]",
    ]  # fmt: skip
    assert names(Named("f", number=28), Named("f", number=29)) == ["f [28]", "f [29]"]
    assert names(Named("f"), Named("g"), Named("f"), Named("f [2]")) == [
        "f", "g", "f [3]", "f [2]",
    ]  # fmt: skip


def test_operations_of_one_name_are_values_of_their_own_with_keys_of_their_own() -> None:
    profile = kernel_profile()
    after = summarize(profile)
    twice = summarize(replace(profile, ops=profile.ops * 2))
    assert [op.name for op in twice.ops] == ["conv1", "conv1 [2]"]
    limits = parse_limits("op=conv1:cycles=1G,op=conv*:cycles=2G,function=dot:cycles=1G", "x")
    values = [value for value in judge(twice, None, limits) if value.row]
    assert [value.key for value in values] == [
        "op=conv1:cycles", "op=conv1 [2]:cycles", "function=dot:cycles",
    ]  # fmt: skip
    # A row that two patterns match is one value with both limits.
    assert [limit.text for limit in values[0].limits] == ["cycles=1G", "cycles=2G"]
    assert after.ops[0].name == "conv1"


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("f.constprop.0", "f"),
        ("f.isra.0.part.12", "f"),
        ("f.cold", "f"),
        ("f.part.x", "f.part.x"),
        ("f.part.1x", "f.part.1x"),
        ("f", "f"),
    ],
)
def test_what_a_clone_is_made_of(name: str, origin: str) -> None:
    assert unclone(name) == origin


def test_a_long_name_takes_no_time_that_grows_faster_than_it() -> None:
    began = time.process_time()
    assert unclone("f" + ".part" * 200_000) == "f"
    assert unclone("f" + ".part" * 200_000 + "x").endswith("x")
    unclone("f.part." + "1" * 1_000_000)
    assert time.process_time() - began < 2
