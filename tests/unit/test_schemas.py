"""The JSON Schemas that ship are what the types of the documents say, and refuse what is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import jsonschema
import pytest

from scripts.schemas import DOCUMENTS, schema_of, text_of
from simcore.core.counters import CAUSES
from simcore.costs.op_tables import OpCosts
from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.plain import written_fields
from tests.schemas import assert_fits, schema_text, validator
from tests.unit.handmade import FAULT, kernel_profile


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a plain tree."""
    if isinstance(node, dict):
        yield node
    for below in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from nodes(below)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.__name__)
def test_a_schema_is_what_its_type_says_and_closed(document: type) -> None:
    schema = schema_of(document)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema_text(schema["title"]) == text_of(schema) + "\n"
    assert list(schema["properties"]) == [field.name for field in written_fields(document)]
    for node in nodes(schema):
        if isinstance(node.get("properties"), dict):
            assert node["additionalProperties"] is False
            assert node["description"]


def test_fields_that_are_left_out_when_none_are_not_required_and_never_null() -> None:
    schema = schema_of(Profile)
    assert "lines" not in schema["required"]
    assert schema["properties"]["lines"]["type"] == "array"
    assert {"objects", "warnings"} <= set(schema["required"])
    assert "femtojoules" not in schema["$defs"]["InstructionCosts"]["properties"]
    assert schema["$defs"]["Causes"]["required"] == list(CAUSES)


def places(plain: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of a document, of lists the first item."""
    items = plain.items() if isinstance(plain, dict) else enumerate(plain[:1])
    for key, value in items:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from places(value, (*at, key))


def test_a_document_with_any_value_wrong_missing_or_unknown_does_not_fit() -> None:
    plain = assert_fits(kernel_profile(end=Exit("fault", None, FAULT)).to_json())
    whole = validator(plain["schema"])
    assert not whole.is_valid({**plain, "unknown": 1})
    assert not any(whole.is_valid({**plain, key: True}) for key in plain)
    optional = {"load_bytes", "ram_bytes"}
    optional |= {one.name for one in fields(OpCosts) if one.default is not MISSING}
    free = {"traffic", "energy_by_component"}  # regions and components are the part's
    tried = 0
    for top, part in plain.items():
        fits = whole.evolve(schema=whole.schema["properties"][top]).is_valid
        assert fits(part)
        for *parents, last in list(places(part)) if isinstance(part, dict | list) else ():
            place = part
            for key in parents:
                place = place[key]
            value = place[last]
            for wrong in ([value], {"x": value}, True):
                place[last] = wrong
                assert not fits(part), (top, parents, last, wrong)
            if isinstance(place, dict) and not free.intersection([top, *parents][-1:]):
                del place[last]
                assert last in optional or not fits(part), (top, parents, last)
                place["unknown"] = place[last] = value
                assert not fits(part), (top, parents)
                del place["unknown"]
            place[last] = value
            tried += 1
    assert tried > 200


def test_numbers_that_no_run_has_do_not_fit() -> None:
    plain = json.loads(kernel_profile().to_json())
    fits = validator(plain["schema"]).is_valid
    for path, wrong in (
        (("totals", "cycles"), -1),
        (("totals", "energy_j"), -1e-9),
        (("caches", "icache", "miss_rate"), 1.5),
        (("cpu", "caches"), "maybe"),
        (("cpu", "model_sha256"), "abc"),
        (("functions", 0, "address"), 1 << 32),
        (("exit", "reason"), "bored"),
        (("schema",), "mcusim.profile/2"),
    ):
        damaged = copy.deepcopy(plain)
        place: Any = damaged
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = wrong
        assert not fits(damaged), path
