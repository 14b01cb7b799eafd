"""Python's names of the C core's enums are C's, and none that differs goes unnoticed."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import simcore
from simcore import _core
from simcore.cli.profile import profile
from simcore.core.counters import CAUSES
from simcore.core.enums import ENUMS, LIMITS, check_enums
from simcore.cpu_model import CACHE_CONTROLS
from simcore.errors import CoreError
from simcore.report.html.colors import WORDS

TYPES = Path(simcore.__file__).with_name("native") / "types.h"
HEADERS = [
    TYPES.with_name(name)
    for name in ("types.h", "code.h", "tasks.h", "faults.h", "latency.h", "peripherals.h")
]
#: Enums that Python reads out of the extension and has no copy of.
READ_FROM_C = {"core_status", "exclusive", "stale"}


class Other:
    """The extension as it would be with one enum, or limit, different."""

    def __init__(self, enum: str, numbers: dict[str, int]) -> None:
        self._enum, self._numbers = enum, numbers

    def typeof(self, name: str) -> Any:
        other = name == f"enum {self._enum}"
        return SimpleNamespace(relements=self._numbers) if other else _core.ffi.typeof(name)

    def __getattr__(self, name: str) -> int:
        return self._numbers[name] if self._enum == "limits" else getattr(_core.lib, name)


def changed(numbers: dict[str, int], how: str) -> dict[str, int]:
    name, number = list(numbers.items())[-1]
    rest = {key: value for key, value in numbers.items() if key != name}
    return {
        "renamed": {**rest, "OTHER": number},
        "renumbered": {**rest, name: number + 1},
        "added": {**numbers, "OTHER": number + 1},
        "gone": rest,
    }[how]


def test_the_extension_has_the_names_of_this_python() -> None:
    check_enums(_core.ffi, _core.lib)


@pytest.mark.parametrize("enum", ENUMS)
@pytest.mark.parametrize("how", ["renamed", "renumbered", "added", "gone"])
def test_an_enum_of_another_core_is_noticed(enum: str, how: str) -> None:
    other = Other(enum, changed(ENUMS[enum], how))
    with pytest.raises(CoreError, match=f"built from other sources: {enum} differs in .*reinstall"):
        check_enums(other, other)


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_of_another_core_is_noticed(limit: str) -> None:
    other = Other("limits", {**LIMITS, limit: 1})
    with pytest.raises(CoreError, match=f"limits differs in {limit}; reinstall"):
        check_enums(other, other)


def test_a_core_without_one_of_the_enums_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENUMS, "flavour", {"FLAVOUR_SWEET": 0})
    with pytest.raises(CoreError, match="flavour differs in FLAVOUR_SWEET; reinstall"):
        check_enums(_core.ffi, _core.lib)


def test_every_enum_of_the_border_is_compared_or_read_from_c() -> None:
    text = "".join(header.read_text() for header in HEADERS)
    named = re.findall(r"^enum (\w+) \{", text, flags=re.MULTILINE)
    assert set(named) == ENUMS.keys() | READ_FROM_C
    assert len(ENUMS) == 22


def test_what_stands_elsewhere_or_must_load_fast_has_the_same_names() -> None:
    assert set(WORDS) >= set(CAUSES)
    (caches,) = (option for option in profile.params if option.name == "caches")
    assert tuple(caches.type.choices) == CACHE_CONTROLS  # type: ignore[attr-defined]
