"""mcusim: what a compiled Cortex-M7 program costs, without a board.

>>> import simcore
>>> simcore.profile("kernel.elf", cpu="stm32f746").totals.cycles  # doctest: +SKIP

Names are imported when they are first used, so that ``import simcore`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers read it; to import typing takes longer than all of this
if TYPE_CHECKING:
    from simcore import errors
    from simcore.advisor.advise import advise
    from simcore.advisor.results import Advice
    from simcore.annotation import Annotation
    from simcore.annotation.annotator import annotate
    from simcore.checking.session import Checked, Request, check
    from simcore.comparison.comparison import Comparison, compare
    from simcore.costs.profile import Profile
    from simcore.cpu_model import CpuModel, cpu_model_names, load_cpu_model
    from simcore.estimation.estimator import Estimate, Estimator, estimate
    from simcore.kept import profile
    from simcore.profiler import replay
    from simcore.run.spec import RunSpec
    from simcore.simulation.capture import record
    from simcore.simulation.simulation import Simulation
    from simcore.store.frame import results
    from simcore.whatif import Configuration, WhatIf, what_if

__version__ = "0.1.0"

_HOME = {
    "Advice": "simcore.advisor.results",
    "Annotation": "simcore.annotation",
    "Checked": "simcore.checking.session",
    "Comparison": "simcore.comparison.comparison",
    "Configuration": "simcore.whatif",
    "CpuModel": "simcore.cpu_model",
    "Estimate": "simcore.estimation.estimator",
    "Estimator": "simcore.estimation.estimator",
    "Profile": "simcore.costs.profile",
    "Request": "simcore.checking.session",
    "RunSpec": "simcore.run.spec",
    "Simulation": "simcore.simulation.simulation",
    "WhatIf": "simcore.whatif",
    "advise": "simcore.advisor.advise",
    "annotate": "simcore.annotation.annotator",
    "check": "simcore.checking.session",
    "compare": "simcore.comparison.comparison",
    "cpu_model_names": "simcore.cpu_model",
    "estimate": "simcore.estimation.estimator",
    "load_cpu_model": "simcore.cpu_model",
    "profile": "simcore.kept",
    "record": "simcore.simulation.capture",
    "replay": "simcore.profiler",
    "results": "simcore.store.frame",
    "what_if": "simcore.whatif",
}

__all__ = [
    "Advice",
    "Annotation",
    "Checked",
    "Comparison",
    "Configuration",
    "CpuModel",
    "Estimate",
    "Estimator",
    "Profile",
    "Request",
    "RunSpec",
    "Simulation",
    "WhatIf",
    "__version__",
    "advise",
    "annotate",
    "check",
    "compare",
    "cpu_model_names",
    "errors",
    "estimate",
    "load_cpu_model",
    "profile",
    "record",
    "replay",
    "results",
    "what_if",
]


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
