"""A dataclass of simcore.records does what the one of the standard library does."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import pytest

from simcore import records

Decorator = Callable[..., Any]


def classes_of(dataclass: Decorator) -> dict[str, Any]:
    """The same definitions by one decorator or the other."""

    @dataclass(frozen=True, slots=True)
    class Frozen:
        """A docstring."""

        a: int
        b: str = "b"
        c: list[int] = field(default_factory=list, repr=False)

    @dataclass(frozen=True, slots=True)
    class Below(Frozen):
        d: int = 4
        e: int = field(default=5, compare=False)

    @dataclass(slots=True)
    class Open:
        a: int
        b: int = 2

    @dataclass(slots=True, eq=False)
    class Same:
        a: int

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        a: int
        b: int = 2

    @dataclass(frozen=True, slots=True)
    class Mixed:
        a: int
        b: int = field(kw_only=True)
        c: int = 3

    @dataclass(slots=True)
    class Worked:
        a: int
        twice: int = field(init=False)
        found: list[int] = field(init=False, default_factory=list)

        def __post_init__(self) -> None:
            self.twice = 2 * self.a

    @dataclass(frozen=True, slots=True, repr=False)
    class Own:
        a: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and self.a % 2 == other.a % 2

        def __hash__(self) -> int:
            return self.a % 2

    @dataclass(frozen=True, slots=True)
    class Empty:
        pass

    return {name: made for name, made in locals().items() if isinstance(made, type)}


STANDARD, OURS = classes_of(dataclasses.dataclass), classes_of(records.dataclass)
#: Arguments by place and by keyword, right and wrong ones.
GIVEN: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((), {}), ((1,), {}), ((1, 2), {}), ((1, 2, [3]), {}), ((1, 2, [3], 4, 5), {}),
    ((1, 2, [3], 4, 5, 6), {}), ((), {"a": 1}), ((1,), {"b": 7}), ((), {"b": 7}),
    ((1,), {"a": 1}), ((), {"a": 1, "nothing": 2}), ((1, 2), {"c": [8]}),
)  # fmt: skip


def outcome(cls: Any, given: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """What is to be the same: an error's kind, or the object's text, values, copies and hash."""
    try:
        made = cls(*given, **keywords)
    except TypeError:
        return TypeError
    again, other = cls(*given, **keywords), cls(*given, **keywords)
    names = [item.name for item in fields(cls)]
    values = [getattr(made, name) for name in names]
    copied = [getattr(copy.deepcopy(made), name) for name in names]
    text = "" if cls.__name__ == "Own" else repr(made)  # with its address
    equal = made == again, made != other, made == 1, made == copy.copy(made)
    try:
        hashed: Any = None if cls.__name__ == "Same" else hash(made)
    except TypeError:
        hashed = TypeError
    refused = []
    changes: tuple[Callable[[], None], ...] = (
        lambda: setattr(made, "a", 9),
        lambda: delattr(made, "a"),
    )
    for change in changes:
        try:
            change()
        except AttributeError as error:
            refused.append((type(error), str(error)))
    return text, values, copied, equal, hashed, refused, cls.__match_args__, cls.__doc__


@pytest.mark.parametrize("name", [name for name in STANDARD if name != "Empty"])
def test_classes_do_what_those_of_the_standard_library_do(name: str) -> None:
    for given, keywords in GIVEN:
        ours, standard = (outcome(c[name], given, keywords) for c in (OURS, STANDARD))
        if ours is not TypeError and not STANDARD[name].__doc__.startswith("A docstring"):
            # What has no docstring has the signature for one there, which takes long to work out.
            ours, standard = ours[:-1], standard[:-1]
        assert ours == standard, (given, keywords)


def test_what_is_equal_is_of_one_class() -> None:
    for classes in (OURS, STANDARD):
        assert classes["Frozen"](1) != classes["Below"](1)
        assert classes["Below"](1, e=6) == classes["Below"](1)
        assert classes["Empty"]() == classes["Empty"]()
        assert repr(classes["Empty"]()).endswith("Empty()")
        assert classes["Own"](1) == classes["Own"](3)


def test_the_standard_library_takes_them_as_its_own() -> None:
    frozen: Any = OURS["Frozen"]
    assert dataclasses.is_dataclass(OURS["Frozen"])
    assert replace(frozen(1), b="other") == frozen(1, "other")
    assert dataclasses.asdict(frozen(1)) == {"a": 1, "b": "b", "c": []}
    assert not hasattr(frozen(1), "__dict__")
    match Kept(1, (2,)):
        case Kept(1, text):
            assert text == (2,)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'a'"):
        frozen(1).a = 2


@records.dataclass(frozen=True, slots=True)
class Kept:
    a: int
    b: tuple[int, ...] = ()


def test_they_are_pickled() -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(Kept(1, (2, 3)), protocol)) == Kept(1, (2, 3))


@pytest.mark.parametrize(
    ("given", "keywords", "message"),
    [
        ((), {}, "Frozen\\(\\) lacks 'a'"),
        ((1, 2, 3, 4), {}, "Frozen\\(\\) takes 3 values by place, not 4"),
        ((1,), {"a": 2}, "Frozen\\(\\) got 'a' twice"),
        ((1,), {"d": 2}, "Frozen\\(\\) has no 'd'"),
    ],
)
def test_wrong_arguments_are_named(
    given: tuple[int, ...], keywords: dict[str, int], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        OURS["Frozen"](*given, **keywords)


def test_slots_have_to_be_asked_for() -> None:
    with pytest.raises(TypeError, match=r"Plain: .* makes dataclasses with slots only"):
        records.dataclass(frozen=True, slots=False)(type("Plain", (), {}))
