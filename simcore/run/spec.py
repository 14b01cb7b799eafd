"""What to run, on what, how, until when and with which tables: one plain value for all who ask.

The command line, mcusim.toml, configurations of a what-if study, pytest and the Python API build
it; nothing else spells these fields out. A new option of a run is a field here, an option of the
command line (cli/options.py) and the place that obeys it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from simcore.errors import nearest
from simcore.run.setup import DEFAULT_CPU, Move, TimingSetup, load_setup

Spec = TypeVar("Spec", bound="PartSpec")
#: Fields whose value is a path.
_PATHS = ("elf", "cpu", "memory_from", "semihost_dir")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpec:
    """The part and what is changed of it.

    ``cpu`` is a part's name or the path of a model file, ``clock_hz`` the core clock in Hz (the
    part's highest when None), ``caches`` auto (the firmware decides), on or off. ``voltage_scale``
    is the lowest that allows the clock when None. ``overrides`` change the model, as in
    ``core.dcache.size=16K``; ``memory_from`` is a linker script whose memories replace the part's.
    ``place`` are WHAT=REGION: what the program has in memory is timed elsewhere, see placement/.
    """

    cpu: str = DEFAULT_CPU
    clock_hz: int | None = None
    caches: str = "auto"
    voltage_scale: str | None = None
    overrides: tuple[str, ...] = ()
    memory_from: str | None = None
    place: tuple[str, ...] = ()

    def setup(self, moves: Iterable[Move] = ()) -> TimingSetup:
        """The checked configuration, with ``moves`` in any order and without ``place``.

        Raises ModelError or ConfigError.
        """
        return load_setup(
            self.cpu,
            clock_hz=self.clock_hz,
            caches=self.caches,
            voltage_scale=self.voltage_scale,
            overrides=self.overrides,
            memory_from=self.memory_from,
            moves=tuple(moves),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec(PartSpec):
    """A run of a program on a part.

    ``args`` go to the program over semihosting, which can touch the host's folder ``semihost_dir``
    if there is one. ``strict`` makes an access to a peripheral that is not modelled a fault;
    ``verbose`` adds a warning for each such address instead of one for all.
    ``max_instructions`` and ``timeout_s`` (host seconds) bound the run.
    ``ops`` are patterns: each call of a matching function counts as an operation. ``layout_sweep``
    adds the cycles with all code shifted, see placement/layout.py, ``uncertainty`` their interval
    over what no source decides, see costs/uncertainty.py; ``instructions``, ``lines``,
    ``coverage`` and ``timeline`` add those tables.
    """

    elf: str = ""
    args: tuple[str, ...] = ()
    semihost_dir: str | None = None
    strict: bool = False
    verbose: bool = False
    max_instructions: int | None = None
    timeout_s: float | None = None
    ops: tuple[str, ...] = ()
    layout_sweep: bool = False
    uncertainty: bool = False
    instructions: bool = False
    lines: bool = False
    coverage: bool = False
    timeline: bool = False


def run_spec(
    elf: str | os.PathLike[str] | RunSpec,
    cpu: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> RunSpec:
    """The spec that ``elf`` is, or that the others say. Raises TypeError, as :func:`given`."""
    if isinstance(elf, RunSpec):
        if cpu is not None or options:
            raise TypeError("a RunSpec says everything: give cpu and options in it")
        return elf
    return given(RunSpec, {"elf": elf, **options, **({} if cpu is None else {"cpu": cpu})})


def given(cls: type[Spec], options: Mapping[str, Any]) -> Spec:
    """A spec of keyword arguments as people write them: paths of any kind, any sequences.

    Raises TypeError, with the nearest name, for a name that is no field.
    """
    known = [field.name for field in fields(cls)]
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known:
            raise TypeError(f"a run has no option '{name}'{nearest(name, known)}")
        if name in _PATHS and value is not None:
            value = os.fspath(value)
        values[name] = tuple(value) if isinstance(value, list) else value
    return cls(**values)
