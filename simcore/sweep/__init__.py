"""Sweeps: a space of builds, parts, clocks, placements and layouts, run point by point.

A file says the space (`space`), commands build what it has flags for (`builds`), points run on
processes or a cluster and are kept in a store (`running`), and what is the least of cycles, energy,
flash and RAM is found (`front`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simcore.sweep.running import sweep

__all__ = ["sweep"]


def __getattr__(name: str) -> object:
    if name == "sweep":
        from simcore.sweep.running import sweep

        return sweep
    raise AttributeError(f"module 'simcore.sweep' has no attribute {name!r}")
