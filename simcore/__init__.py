"""mcusim: what a compiled Cortex-M7 program costs, without a board.

>>> import simcore
>>> simcore.profile("kernel.elf", cpu="stm32f746").totals.cycles  # doctest: +SKIP

Names are imported when they are first used, so that ``import simcore`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers read it; to import typing takes longer than all of this
if TYPE_CHECKING:
    from simcore import errors
    from simcore.costs.profile import Profile
    from simcore.cpu_model import CpuModel, cpu_model_names, load_cpu_model
    from simcore.profiler import profile

__version__ = "0.1.0"

__all__ = [
    "CpuModel",
    "Profile",
    "__version__",
    "cpu_model_names",
    "errors",
    "load_cpu_model",
    "profile",
]

_HOME = {
    "CpuModel": "simcore.cpu_model",
    "Profile": "simcore.costs.profile",
    "cpu_model_names": "simcore.cpu_model",
    "load_cpu_model": "simcore.cpu_model",
    "profile": "simcore.profiler",
}


if not TYPE_CHECKING:  # type checkers know the names above, and only those

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _HOME:
            return getattr(import_module(_HOME[name]), name)
        if name == "errors":
            return import_module("simcore.errors")
        raise AttributeError(f"module 'simcore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
