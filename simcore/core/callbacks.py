"""Python that C calls: no exception crosses C, wherever it is raised."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from simcore.core.extension import ffi, lib


class Answering(Protocol):
    """What a callback's handle stands for."""

    error: BaseException | None
    """What a callback raised, for who called C to raise it again."""


def answers_c(callback: Callable[..., int]) -> Callable[..., int]:
    """Make a function C's ``callback.__name__``; the argument ``handle`` is that of an `Answering`.

    What it raises is kept there, the first of several, and C is told CORE_ERR_CALLBACK. Ctrl-C may
    raise in front of its first line already, where no `try` of its own would hold it.
    """
    made: Callable[..., int] = ffi.def_extern(error=int(lib.CORE_ERR_CALLBACK), onerror=_keep)(
        callback
    )
    return made


def _keep(_: type[BaseException], error: BaseException, trace: TracebackType) -> None:
    arguments: dict[str, Any] = trace.tb_frame.f_locals
    asked: Answering = ffi.from_handle(arguments["handle"])
    if asked.error is None:
        asked.error = error
