"""The Profile: JSON out and in, its schema, and what a broken document is answered with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.costs.tables import LayoutBand, PlacedItem
from simcore.errors import ConfigError, ExitCode
from tests.schemas import assert_fits
from tests.unit.handmade import FAULT, kernel_profile


def edited(path: str, value: Any) -> str:
    """The hand-made profile's JSON with one value replaced; the path is dotted."""
    plain = json.loads(kernel_profile().to_json())
    place: Any = plain
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in parents:
        place = place[key]
    place[last] = value
    return json.dumps(plain)


def message_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        Profile.from_json(text, "old.json")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("old.json: ")
    return message


def test_a_profile_survives_the_way_through_json() -> None:
    faulty = kernel_profile(end=Exit("fault", None, FAULT))
    for profile in (kernel_profile(), faulty, replace(faulty, lines=None, instructions=None)):
        assert Profile.from_json(profile.to_json()) == profile


def test_equal_profiles_give_equal_bytes_with_keys_in_the_order_of_the_contract() -> None:
    text = kernel_profile().to_json()
    assert text == kernel_profile().to_json()
    assert list(json.loads(text))[:7] == [
        "schema", "tool", "elf", "cpu", "exit", "accuracy", "totals",
    ]  # fmt: skip
    assert text.endswith("}\n")


def test_the_json_fits_the_shipped_schema() -> None:
    assert_fits(kernel_profile().to_json())
    faulty = kernel_profile(end=Exit("fault", None, FAULT))
    assert_fits(replace(faulty, lines=None, ops=()).to_json())


def test_tables_on_request_are_left_out_when_not_asked_for() -> None:
    plain = json.loads(replace(kernel_profile(), lines=None).to_json())
    assert "lines" not in plain
    assert "instructions" in plain


def test_placement_and_layout_go_through_json_when_the_run_had_them() -> None:
    item = PlacedItem("dot", "function", "flash", "itcm", 0x0800_0400, 0x0000_0008, 252)
    band = LayoutBand((0, 4, 8), (900, 950, 920), 900, 920, 950)
    profile = replace(kernel_profile(), placement=(item,), layout=band)
    assert_fits(profile.to_json())
    assert Profile.from_json(profile.to_json()) == profile
    assert not {"placement", "layout"} & json.loads(kernel_profile().to_json()).keys()


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "\x00", "{" * 100_000, "9" * 5000])
def test_a_text_that_is_not_json_is_refused(text: str) -> None:
    assert "not a" in message_of(text)


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "{}", '{"traceEvents": []}'])
def test_a_foreign_json_file_is_refused(text: str) -> None:
    assert "no 'schema' key" in message_of(text)


def test_another_schema_version_is_refused_with_what_to_do() -> None:
    message = message_of('{"schema": "mcusim.profile/2"}')
    assert "mcusim.profile/2" in message
    assert "again" in message


@pytest.mark.parametrize(
    ("path", "value", "part"),
    [
        ("totals.cycles", "12", "'totals.cycles' is '12', not a whole number"),
        ("totals.cycles", 1.5, "not a whole number"),
        ("totals.cycles", True, "not a whole number"),
        ("totals.cycles", None, "is None, not a whole number"),
        ("totals.time_s", "fast", "not a number"),
        ("functions", {}, "'functions' is an object, not a list"),
        ("functions.1.name", 4, "'functions[1].name'"),
        ("ops.0.traffic.flash", 4, "'ops[0].traffic.flash' is 4, not an object"),
        ("totals.cyclse", 4, "unknown key 'totals.cyclse'; did you mean 'cycles'?"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(path: str, value: Any, part: str) -> None:
    assert part in message_of(edited(path, value))


def test_a_missing_key_is_named() -> None:
    plain = json.loads(kernel_profile().to_json())
    del plain["caches"]["dcache"]
    assert "key 'caches.dcache' is missing" in message_of(json.dumps(plain))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" + "0" * 400])
def test_numbers_that_no_profile_holds_are_refused(number: str) -> None:
    text = edited("totals.power_w", 0.25).replace('"power_w": 0.25', f'"power_w": {number}')
    assert "'totals.power_w' is not a finite number" in message_of(text)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
PLACES = ("totals", "functions.0", "ops.0.traffic", "elf", "exit.fault", "caches", "call_tree")


@given(ANY_JSON, st.sampled_from(PLACES))
def test_a_damaged_document_is_read_or_refused_in_one_line(value: Any, path: str) -> None:
    try:
        Profile.from_json(edited(path, value))
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_files_are_saved_and_loaded(tmp_path: Path) -> None:
    kernel_profile().save(tmp_path / "kernel.json")
    assert Profile.load(tmp_path / "kernel.json") == kernel_profile()


def test_paths_that_cannot_be_read_or_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the profile: No such file"):
        Profile.load(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="cannot write the profile: No such file"):
        kernel_profile().save(tmp_path / "no" / "kernel.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Profile.load(tmp_path / "binary.json")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (Exit("exit", 0, None), ExitCode.OK),
        (Exit("exit", 7, None), ExitCode.PROGRAM_FAILED),
        (Exit("fault", None, FAULT), ExitCode.FAULT),
        (Exit("max-instructions", None, None), ExitCode.LIMIT),
        (Exit("timeout", None, None), ExitCode.LIMIT),
        (Exit("interrupted", None, None), ExitCode.INTERRUPTED),
    ],
)
def test_every_end_has_its_exit_status_and_one_line(end: Exit, status: ExitCode) -> None:
    assert end.status is status
    assert end.text
    assert "\n" not in end.text


def test_a_profile_shows_itself_in_one_line() -> None:
    profile = kernel_profile()
    assert repr(profile).startswith(f"<Profile of {profile.elf.name} on {profile.cpu.name}: ")
    assert "\n" not in repr(profile)


@pytest.mark.parametrize("reason", ["timeout", "max-memory", "interrupted"])
def test_an_end_by_the_host_is_no_result_of_the_run(reason: str) -> None:
    assert Exit(reason, None, None).is_by_host
    assert not Exit("max-instructions", None, None).is_by_host
