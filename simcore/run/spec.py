"""What to run, on what, how, until when and with which tables: one plain value for all who ask.

The command line, mcusim.toml, configurations of a what-if study, pytest and the Python API build
it; nothing else spells these fields out. A new option of a run is a field here, an option of the
command line (cli/options.py) and the place that obeys it; written.py reads it from files.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, NamedTuple, TypeVar

from simcore.cpu_model import CACHE_CONTROLS
from simcore.errors import ConfigError, nearest
from simcore.run.setup import DEFAULT_CPU, Move, TimingSetup, load_setup

Spec = TypeVar("Spec", bound="PartSpec")


class Written(NamedTuple):
    """How a field is written by people, where its name and type do not say it.

    ``key`` is its name in a file, ``unit`` may stand behind a number, ``choices`` are all that it
    may be. A value that ends with ``path`` is a path, in a file from the file's folder.
    """

    key: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    path: str | None = None
    in_files: bool = True


_Path = Annotated[str | None, Written(path="")]
#: Who makes a report asks for the tables that it shows, no file.
_Table = Annotated[bool, Written(in_files=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpec:
    """The part and what is changed of it.

    ``cpu`` is a part's name or the path of a model file, ``clock_hz`` the core clock in Hz (the
    part's highest when None), ``caches`` auto (the firmware decides), on or off. ``voltage_scale``
    is the lowest that allows the clock when None. ``overrides`` change the model, as in
    ``core.dcache.size=16K``; ``memory_from`` is a linker script whose memories replace the part's.
    ``place`` are WHAT=REGION: what the program has in memory is timed elsewhere, see placement/.
    """

    cpu: Annotated[str, Written(path=".toml")] = DEFAULT_CPU
    clock_hz: Annotated[int | None, Written("clock", unit="Hz")] = None
    caches: Annotated[str, Written(choices=CACHE_CONTROLS)] = "auto"
    voltage_scale: str | None = None
    overrides: Annotated[tuple[str, ...], Written("set")] = ()
    memory_from: _Path = None
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
    ``max_instructions``, ``timeout_s`` (host seconds) and ``for_s`` (modelled seconds, infinite for
    no limit) bound the run; without any of them a default does. It ends at ``until``, with
    ``until_idle`` at the first sleep, and counts begin at ``from_``: places as in run/places.py.
    ``irq`` are interrupts that come by themselves, see run/interrupts.py.
    ``ops`` are patterns: each call of a matching function counts as an operation. ``layout_sweep``
    adds the cycles with all code shifted, see placement/layout.py, ``uncertainty`` their interval
    over what no source decides, see costs/uncertainty.py; ``instructions``, ``lines``,
    ``coverage`` and ``timeline`` add those tables.
    """

    elf: Annotated[str, Written(path="", in_files=False)] = ""
    args: tuple[str, ...] = ()
    semihost_dir: _Path = None
    strict: bool = False
    verbose: bool = False
    max_instructions: int | None = None
    timeout_s: Annotated[float | None, Written("timeout")] = None
    for_s: Annotated[float | None, Written("for")] = None
    until: str | None = None
    until_idle: bool = False
    from_: Annotated[str | None, Written("from")] = None
    irq: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    layout_sweep: bool = False
    uncertainty: _Table = False
    instructions: _Table = False
    lines: _Table = False
    coverage: _Table = False
    timeline: _Table = False

    def check_end(self) -> None:
        """Raise ConfigError when the run is told two ends."""
        told = {
            "--until": self.until is not None,
            "--for": self.for_s is not None and math.isfinite(self.for_s),
            "--until-idle": self.until_idle,
        }
        ends = [name for name, is_told in told.items() if is_told]
        if len(ends) > 1:
            raise ConfigError(f"{' and '.join(ends)}: a run has one end; give one of them")


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
        path = os.fspath(value) if isinstance(value, os.PathLike) else value
        values[name] = tuple(path) if isinstance(path, list) else path
    return cls(**values)
