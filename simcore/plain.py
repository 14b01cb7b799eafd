"""Dataclasses to plain JSON values and back, checked against their type hints.

A field whose default is None is optional: it is left out when None. All others are required.

The JSON Schemas of simcore/schema are made of the same dataclasses by ``scripts/schemas``, with
pydantic: class docstrings and the docstrings below fields are the descriptions, :class:`Json` says
what a type cannot. Reading and writing are done here all the same: to import pydantic takes as long
as a whole ``mcusim --version``, and msgspec takes unknown keys of a dataclass in silence, keeps
what is None, and has no nearest names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from simcore.errors import nearest

Record = TypeVar("Record")
_UNIONS = (UnionType, Union)  # the second with an annotated type
_SCALARS = frozenset({str, int, float, bool, NoneType})

#: Metadata of a field that no document holds.
UNWRITTEN = {"unwritten": True}


class Json:
    """Keywords of JSON Schema that say of an annotated type what Python's types cannot.

    With a ``name`` the type becomes a definition of the schema, so that it stands there once.
    Nothing is checked when a document is read or written.
    """

    def __init__(self, name: str = "", /, **keywords: Any) -> None:
        self.name = name
        self.keywords = keywords

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], Any]) -> Any:
        schema = {**handler(core), **self.keywords}
        return {"$defs": {self.name: schema}} if self.name else schema


def one_of(*values: Any) -> Json:
    """A value is one of these."""
    return Json(enum=list(values))


def by_name(name: str, names: Iterable[str], description: str) -> Json:
    """A definition of objects that have these keys, all of them and no other."""
    known = list(names)
    closed = {"propertyNames": {"enum": known}, "required": known}
    return Json(name, description=description, **closed)


def schema_name(name: str) -> Json:
    """What a document says of its own form."""
    return Json(const=name, description="Name and version of this schema.")


Count = Annotated[int, Json(minimum=0)]
Amount = Annotated[float, Json(minimum=0)]  # of seconds, joules and other units
Share = Annotated[float, Json(minimum=0, maximum=1)]
Address = Annotated[int, Json(minimum=0, maximum=0xFFFF_FFFF)]
Sha256 = Annotated[str, Json(pattern="^[0-9a-f]{64}$")]


class RecordError(ValueError):
    """A plain value does not fit the dataclass; the message names the place in the document."""


def to_plain(value: Any) -> Any:
    """Turn a dataclass tree into dicts, lists and scalars; keys keep the order of the fields."""
    cls: Any = type(value)
    if cls in _SCALARS:
        return value
    if is_dataclass(value):
        return {
            name: item if type(item) in _SCALARS else to_plain(item)
            for name, is_optional in _written_names(cls)
            if (item := getattr(value, name)) is not None or not is_optional
        }
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return value


def filled(cls: type[Record], *sources: Any, **own: Any) -> Record:
    """A dataclass of what is given, and of the fields that the sources have by their names.

    The first source that has a field gives it.
    """
    for name in vars(cls)["__match_args__"]:  # those of __init__
        if name in own:
            continue
        for source in sources:
            if (value := getattr(source, name, MISSING)) is not MISSING:
                own[name] = value
                break
    return cls(**own)


def json_text(document: Any) -> str:
    """A dataclass tree as JSON; equal documents are the same bytes on every host."""
    return json.dumps(to_plain(document), indent=1, allow_nan=False) + "\n"


class Document:
    """A dataclass that is a JSON document."""

    __slots__ = ()

    def to_json(self) -> str:
        """The document as JSON; the same run gives the same bytes on every host."""
        return json_text(self)


def from_plain(cls: type[Record], plain: Any) -> Record:
    """Build ``cls`` from plain values. Raises RecordError on a missing, unknown or wrong value."""
    value: Record = _convert(cls, plain, "")
    return value


def packed(value: Any) -> bytes:
    """A record as JSON without white space."""
    return json.dumps(to_plain(value), separators=(",", ":"), allow_nan=False).encode()


def unpacked(cls: type[Record], content: bytes) -> Record | None:
    """A record from what :func:`packed` gave; None of what is damaged, or of another version."""
    try:
        return from_plain(cls, json.loads(content))
    except (ValueError, RecursionError):
        return None


def field_names(cls: type, name: str) -> tuple[str, ...]:
    """Field names of the records that the field ``name`` of ``cls``, a tuple of records, holds."""
    hint = _hints(cls)[name]
    if get_origin(hint) in _UNIONS:
        (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
    return tuple(field.name for field in written_fields(get_args(hint)[0]))


@cache
def written_fields(cls: type) -> tuple[Field[Any], ...]:
    """The fields of a dataclass that documents hold."""
    return tuple(field for field in fields(cls) if not field.metadata.keys() & UNWRITTEN.keys())


@cache
def _written_names(cls: type) -> tuple[tuple[str, bool], ...]:
    """Their names, and whether they are left out when None."""
    return tuple((field.name, field.default is None) for field in written_fields(cls))


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _convert(hint: Any, plain: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in _UNIONS:
        if plain is None:
            return None
        (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
        return _convert(hint, plain, where)
    if origin is tuple:
        items = _expect(plain, list, "a list", where)
        return tuple(_convert(get_args(hint)[0], v, f"{where}[{i}]") for i, v in enumerate(items))
    if origin is dict:
        table = _expect(plain, dict, "an object", where)
        return {k: _convert(get_args(hint)[1], v, _join(where, k)) for k, v in table.items()}
    if is_dataclass(hint):
        return _convert_dataclass(hint, _expect(plain, dict, "an object", where), where)
    if hint is float:
        return _to_float(plain, where)
    name = {int: "a whole number", str: "a text", bool: "true or false"}[hint]
    return _expect(plain, hint, name, where)


def _convert_dataclass(cls: Any, table: dict[str, Any], where: str) -> Any:
    known = {field.name: field for field in written_fields(cls)}
    for key in table:
        if key not in known:
            raise RecordError(f"unknown key '{_join(where, key)}'{nearest(key, known)}")
    values = {}
    for name, field in known.items():
        if name in table:
            values[name] = _convert(_hints(cls)[name], table[name], _join(where, name))
        elif field.default is MISSING:
            raise RecordError(f"key '{_join(where, name)}' is missing")
    return cls(**values)


def _expect(plain: Any, kind: type, name: str, where: str) -> Any:
    # bool is an int to Python, and never one in a document.
    if not isinstance(plain, kind) or (isinstance(plain, bool) and kind is not bool):
        raise RecordError(f"'{where}' is {_describe(plain)}, not {name}")
    return plain


def _to_float(plain: Any, where: str) -> float:
    number: float = _expect(plain, (int, float), "a number", where)  # type: ignore[arg-type]
    try:
        finite = math.isfinite(number)
    except OverflowError:
        finite = False
    if not finite:
        raise RecordError(f"'{where}' is not a finite number")
    return number  # a whole number stays one, so that it is written as it was


def _describe(plain: Any) -> str:
    if isinstance(plain, dict | list):
        return "an object" if isinstance(plain, dict) else "a list"
    text = repr(plain)
    return text if len(text) <= 40 else text[:37] + "..."


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
