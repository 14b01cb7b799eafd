"""Writes the JSON Schemas of the documents from their types, or compares with --check.

A document is a frozen dataclass; pydantic reads its type hints, with what simcore/plain.py says of
them, its docstring and the docstrings below its fields.
"""

from __future__ import annotations

import json
import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from simcore.advisor.results import Advice
from simcore.annotation import Annotation
from simcore.checking.baselines import Baseline
from simcore.checking.history import HistoryEntry
from simcore.checking.results import CheckResult
from simcore.comparison.comparison import Comparison
from simcore.costs.profile import Profile
from simcore.estimation.estimator import Estimate
from simcore.plain import written_fields
from simcore.search.ranking import RankingStudy
from simcore.search.results import SearchResult
from simcore.study.networks import NetworkStudy
from simcore.study.ops import OpsStudy
from simcore.sweep.results import SweepResult
from simcore.whatif.energy_sweep import EnergySweep
from simcore.whatif.results import WhatIf

FOLDER = Path(__file__).parents[1] / "simcore" / "schema"
DOCUMENTS: tuple[type, ...] = (
    Advice, Annotation, Baseline, CheckResult, Comparison, EnergySweep, Estimate, HistoryEntry,
    NetworkStudy, OpsStudy, Profile, RankingStudy, SearchResult, SweepResult, WhatIf,
)  # fmt: skip
WIDTH = 120  # of a line of a schema's file, where it holds an object or a list


class Documents(GenerateJsonSchema):
    """Schemas of what plain.to_plain writes: a field whose default is None is left out then."""

    def dataclass_schema(self, schema: Any) -> Any:
        written = {field.name for field in written_fields(schema["cls"])}
        fields = [field for field in schema["schema"]["fields"] if field["name"] in written]
        schema = {**schema, "schema": {**schema["schema"], "fields": fields}}
        found = super().dataclass_schema(schema)
        del found["title"]
        return {**found, "description": cleandoc(schema["cls"].__doc__)}

    def default_schema(self, schema: Any) -> Any:
        inner = schema["schema"]
        return self.generate_inner(inner["schema"] if _left_out(schema) else inner)

    def nullable_schema(self, schema: Any) -> Any:
        inner = self.generate_inner(schema["schema"])
        if "type" in inner:
            return {**inner, "type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}

    def field_is_required(self, field: Any, total: bool) -> bool:
        return not _left_out(field["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _left_out(schema: Any) -> bool:
    return schema["type"] == "default" and schema.get("default", ...) is None


def schema_of(document: type) -> dict[str, Any]:
    """The JSON Schema of a document."""
    # pydantic takes a configuration for what holds a dataclass only, and here for all below it.
    config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    made = TypeAdapter(tuple[document], config=config).json_schema(  # type: ignore[valid-type]
        mode="serialization", schema_generator=Documents
    )
    definitions: dict[str, Any] = {}
    for name, definition in made["$defs"].items():
        definitions[name] = _tidied(definition, definitions)
    root = definitions.pop(document.__name__)
    name = root["properties"]["schema"]["const"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{name.replace('.', ':').replace('/', ':')}",
        "title": name,
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _tidied(node: Any, definitions: dict[str, Any]) -> Any:
    """A node with its text on one line and its named parts moved to the definitions."""
    if isinstance(node, list):
        return [_tidied(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    found: dict[str, Any] = {}
    if "description" in node:
        found["description"] = " ".join(str(node["description"]).replace("``", "").split())
    for name, definition in node.get("$defs", {}).items():
        definitions[name] = _tidied(definition, definitions)
        found["$ref"] = f"#/$defs/{name}"
    rest = {key: value for key, value in node.items() if key not in ("description", "$defs")}
    return found | {key: _tidied(value, definitions) for key, value in rest.items()}


def text_of(node: Any, indent: str = "") -> str:
    """JSON with a line for what is short and for each list of plain values."""
    line = json.dumps(node)
    plain = isinstance(node, list) and not any(isinstance(item, dict) for item in node)
    if not isinstance(node, dict | list) or plain or len(indent + line) <= WIDTH:
        return line
    inner = indent + " "
    if isinstance(node, list):
        items, ends = [text_of(item, inner) for item in node], "[]"
    else:
        items = [f"{json.dumps(key)}: {text_of(value, inner)}" for key, value in node.items()]
        ends = "{}"
    return f"{ends[0]}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{ends[1]}"


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print("usage: scripts/schemas [--check]", file=sys.stderr)
        return 2
    made = {}
    for document in DOCUMENTS:
        schema = schema_of(document)
        name = schema["title"].removeprefix("mcusim.").replace("/", "-")
        made[FOLDER / f"{name}.json"] = text_of(schema) + "\n"
    there = {path: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    other = sorted(path.name for path in made | there if made.get(path) != there.get(path))
    if check and other:
        print(f"simcore/schema: {', '.join(other)} differ from the types: run scripts/schemas")
        return 1
    if not check:
        for path in there.keys() - made.keys():
            path.unlink()
        for path, text in made.items():
            path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
