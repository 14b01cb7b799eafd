"""The C extension, compared with what Python says of it as it loads; no other module imports it."""

from __future__ import annotations

from typing import Any, TypeVar

from simcore import _core
from simcore.core.enums import check_enums

ffi: Any = _core.ffi
lib: Any = _core.lib
check_enums(ffi, lib)

T = TypeVar("T")

NO_FUNCTION = 0xFFFFFFFF


def function_index(value: int) -> int:
    """Python's index of a function, -1 for none."""
    return -1 if value == NO_FUNCTION else int(value)


def status_text(status: int) -> str:
    """What C says of an error."""
    return str(ffi.string(lib.core_status_text(status)).decode())


def copied(cls: type[T], struct: Any, **own: Any) -> T:
    """A dataclass of the equally named fields of a C struct; `own` are those that differ."""
    names = vars(cls)["__match_args__"]  # those of its __init__, in a dataclass
    return cls(**{name: getattr(struct, name) for name in names if name not in own}, **own)
