"""The JSON Schemas that ship, and documents that have to fit them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema


def schema_text(name: str) -> str:
    """The schema of the documents of a name and version, such as mcusim.profile/1."""
    file = name.removeprefix("mcusim.").replace("/", "-") + ".json"
    return (files("simcore") / "schema" / file).read_text(encoding="utf-8")


@cache
def validator(name: str) -> Any:
    """What tells whether a document fits that schema."""
    return jsonschema.Draft202012Validator(json.loads(schema_text(name)))


def assert_fits(document: Any) -> Any:
    """A document, or its text, fits the schema that it names. Returns it as plain values."""
    plain = json.loads(document) if isinstance(document, str) else document
    validator(plain["schema"]).validate(plain)
    return plain
