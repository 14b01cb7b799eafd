"""What a baseline file may hold, and what is said of one that is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.checking.baselines import update_baseline
from simcore.comparison.summary import summarize
from simcore.errors import ConfigError
from tests.unit.checking.faked import Check, refused
from tests.unit.handmade import kernel_profile

MAIN = Path(".mcusim/main.json")


def test_runs_of_a_baseline_that_differ_in_case_only_are_refused(
    check: Check, baseline: str
) -> None:
    text = MAIN.read_text()
    for option in ("--baseline", "--save-baseline"):
        message = refused(check("A.elf", option, "main"))
        assert "main.json: the run 'A' differs from 'a' in case only" in message
    run = summarize(kernel_profile())
    with pytest.raises(ConfigError, match="the run 'B' differs from 'b' in case only"):
        update_baseline(MAIN, {"B": run})
    with pytest.raises(ConfigError, match="the run 'X' differs from 'x' in case only"):
        update_baseline(MAIN, {"x": run, "X": run})
    assert MAIN.read_text() == text
    MAIN.write_text(text.replace('"b": {', '"A": {', 1))
    message = refused(check("bad.elf", "--baseline", "main"))
    assert "main.json: corrupt baseline: the runs 'a' and 'A' differ in case only" in message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"instructions": 1184', '"instructions": -1', "'runs.a.metrics.instructions' is negative"),
        (
            '"instructions": 1184',
            f'"instructions": {1 << 63}',
            "'runs.a.metrics.instructions' is beyond all counts",
        ),
        ('"time_s": ', '"time_s": -', "'runs.a.metrics.time_s' is negative"),
    ],
)
def test_numbers_that_no_run_has_are_a_corrupt_baseline(
    check: Check, baseline: str, old: str, new: str, words: str
) -> None:
    text = MAIN.read_text()
    assert old in text
    MAIN.write_text(text.replace(old, new, 1))
    message = refused(check("a.elf", "--baseline", "main"))
    assert f"main.json: corrupt baseline: {words}" in message


def test_a_dangling_link_is_said_to_be_one(check: Check, baseline: str) -> None:
    MAIN.unlink()
    MAIN.symlink_to("gone.json")
    for option in ("--baseline", "--save-baseline"):
        message = refused(check("a.elf", option, "main"))
        assert "main.json: a link to gone.json, which is not there: mend the link" in message
    assert MAIN.is_symlink()
