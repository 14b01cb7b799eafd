"""The C extension, compared with what Python says of it as it loads; no other module imports it."""

from __future__ import annotations

from typing import Any

from simcore import _core
from simcore.core.enums import check_enums

ffi: Any = _core.ffi
lib: Any = _core.lib
check_enums(ffi, lib)

NO_FUNCTION = 0xFFFFFFFF


def function_index(value: int) -> int:
    """Python's index of a function, -1 for none."""
    return -1 if value == NO_FUNCTION else int(value)


def status_text(status: int) -> str:
    """What C says of an error."""
    return str(ffi.string(lib.core_status_text(status)).decode())
