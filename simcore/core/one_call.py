"""The calls of which one alone is counted, as the C core tells of them and calls back.

native/timing/one_call.h says which call that is, and what of it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simcore.core.callbacks import answers_c
from simcore.core.counters import CountedCall
from simcore.core.extension import ffi, lib, status_text
from simcore.errors import CoreError
from simcore.plain import filled


class OneCallCounter:
    """Asks for the calls of functions, by their numbers, in a configuration of a core.

    ``took`` is called when the counted one has come back. What it raises is kept in ``error``.
    """

    def __init__(
        self, core: Any, timing: int, functions: Sequence[int], took: Callable[[], None]
    ) -> None:
        self.took = took
        self.error: BaseException | None = None
        self._self = ffi.new_handle(self)
        status = lib.core_one_call(
            core, timing, list(functions), len(functions), self._self, lib.core_py_one_call
        )
        if status < 0:
            raise CoreError(f"the core cannot count one call: {status_text(status)}")


def read_calls(core: Any, timing: int) -> CountedCall:
    """What a configuration tells of its calls now."""
    info = ffi.new("struct one_call_info *")
    lib.core_one_call_info(core, timing, info)
    return filled(CountedCall, info)


@answers_c
def core_py_one_call(handle: Any) -> int:
    """Answer core_one_call_fn: the call that was counted has come back."""
    ffi.from_handle(handle).took()
    return 0
