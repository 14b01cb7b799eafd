"""dataclass() for what a short run imports: a class costs a fifth of the time to make.

``dataclasses.dataclass`` writes source text for each method of each class and compiles it: of a
profile that takes a second, a third. Here the standard library finds the fields, makes the slots
and knows the class as one of its own (``fields``, ``replace``, ``is_dataclass`` and ``match``), and
the methods are closures that all classes share. They do what the compiled ones do, which
tests/unit/test_records.py compares. What is made by the hundred thousand stays with
``dataclasses``: to make an object by keywords takes 2.5 times as long here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        """The decorator, with the options frozen, eq, repr and kw_only; slots has to be True."""
        return _made(cls, **options) if cls is not None else lambda cls: _made(cls, **options)


def _made(
    cls: type,
    *,
    slots: bool,
    frozen: bool = False,
    eq: bool = True,
    repr: bool = True,
    kw_only: bool = False,
) -> type:
    if not slots:
        raise TypeError(f"{cls.__name__}: simcore.records makes dataclasses with slots only")
    own = vars(cls)
    cls.__doc__ = cls.__doc__ or cls.__name__  # else dataclasses works out a signature for it
    methods: dict[str, Any] = {}
    if repr:
        methods["__repr__"] = _repr
    made: type = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=True, kw_only=kw_only
    )(cls)
    if eq:
        values = _values(field.name for field in fields(made) if field.compare)
        methods |= {"__eq__": _eq(values), "__hash__": _hash(values) if frozen else None}
        if own.get("__hash__") is not None:  # None is Python's answer to an __eq__ of its own
            del methods["__hash__"]
    if frozen:
        methods |= _frozen(made)
    for name, method in methods.items():
        if own.get(name) is None:
            setattr(made, name, method)
    setattr(made, "__init__", _init(made))  # noqa: B010  mypy takes no assignment to it
    return made


def _init(cls: type) -> Callable[..., None]:
    asked = [field for field in fields(cls) if field.init]
    names = [field.name for field in asked if not field.kw_only]
    number = len(names)
    names += [field.name for field in asked if field.kw_only]
    wanted = len(names) if number == len(names) else -1  # that can all be given by their places
    puts = [getattr(cls, name).__set__ for name in names]
    optional = {field.name: field for field in asked if _has_default(field)}
    others = [
        (getattr(cls, field.name).__set__, field)
        for field in fields(cls)
        if not field.init and _has_default(field)
    ]
    then = getattr(cls, "__post_init__", None)

    def bound(given: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        if len(given) > number:
            raise TypeError(f"{cls.__name__}() takes {number} values by place, not {len(given)}")
        values = dict(zip(names, given, strict=False))
        if twice := values.keys() & keywords.keys():
            raise TypeError(f"{cls.__name__}() got {_listed(twice)} twice")
        values |= keywords
        if unknown := values.keys() - set(names):
            raise TypeError(f"{cls.__name__}() has no {_listed(unknown)}")
        for name, field in optional.items():
            if name not in values:
                values[name] = _default(field)
        if missing := names - values.keys() if len(values) < len(names) else ():
            raise TypeError(f"{cls.__name__}() lacks {_listed(missing)}")
        return [values[name] for name in names]

    def __init__(self: Any, /, *given: Any, **keywords: Any) -> None:  # noqa: N807
        if keywords or len(given) != wanted:
            given = tuple(bound(given, keywords))
        for put, value in zip(puts, given, strict=False):
            put(self, value)
        for put, field in others:
            put(self, _default(field))
        if then is not None:
            self.__post_init__()

    return __init__


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _values(names: Iterable[str]) -> Callable[[Any], Any]:
    """Of an object, what it is compared by."""
    known = tuple(names)
    return attrgetter(*known) if known else lambda _: ()


def _eq(values: Callable[[Any], Any]) -> Callable[[Any, Any], bool]:
    def __eq__(self: Any, other: Any) -> bool:  # noqa: N807
        if other.__class__ is not self.__class__:
            return NotImplemented
        same: bool = values(self) == values(other)
        return same

    return __eq__


def _hash(values: Callable[[Any], Any]) -> Callable[[Any], int]:
    return lambda self: hash(values(self))


@recursive_repr("...")
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _frozen(cls: Any) -> dict[str, Any]:
    names = {field.name for field in fields(cls)}

    def __setattr__(self: Any, name: str, value: Any) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return {
        "__setattr__": __setattr__, "__delattr__": __delattr__,
        "__getstate__": _state, "__setstate__": _set_state,
    }  # fmt: skip


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
