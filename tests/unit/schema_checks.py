"""What holds for every JSON Schema that ships: closed, and the same fields as the dataclasses."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from importlib.resources import files
from typing import Any, get_args, get_type_hints

from simcore.plain import written_fields


def load_schema(name: str) -> dict[str, Any]:
    """A schema of simcore/schema."""
    text = (files("simcore") / "schema" / name).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def assert_closed(node: Any) -> None:
    """Every object of the schema refuses keys that it does not name."""
    if isinstance(node, dict):
        if "properties" in node:
            assert node["additionalProperties"] is False
        for value in node.values():
            assert_closed(value)
    elif isinstance(node, list):
        for value in node:
            assert_closed(value)


def assert_same_fields(cls: type, schema: dict[str, Any]) -> set[str]:
    """The schema names the fields of a dataclass and of those that it holds; those without a
    default of None are required. Returns the definitions that belong to no dataclass."""
    seen: set[type] = set()

    def required(one: Any) -> list[str]:
        return [field.name for field in written_fields(one) if field.default is not None]

    def parts(hint: Any) -> list[Any]:
        return [hint, *(part for inner in get_args(hint) for part in parts(inner))]

    def walk(one: type, node: dict[str, Any]) -> None:
        assert list(node["properties"]) == [field.name for field in written_fields(one)]
        assert node["required"] == required(one)
        for hint in get_type_hints(one).values():
            for part in parts(hint):
                if is_dataclass(part) and isinstance(part, type) and part not in seen:
                    seen.add(part)
                    walk(part, schema["$defs"][part.__name__])

    walk(cls, schema)
    return set(schema["$defs"]) - {one.__name__ for one in seen}
