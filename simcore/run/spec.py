"""What to run, on what, how, until when and with which tables: one plain value for all who ask.

The command line, mcusim.toml, configurations of a what-if study, pytest and the Python API build
it; nothing else spells these fields out. A new option of a run is a field here, an option of the
command line (cli/options.py) and the place that obeys it; written.py reads it from files.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self, TypeVar

from simcore.cpu_model import CACHE_CONTROLS, is_model_file
from simcore.errors import ConfigError, nearest
from simcore.records import dataclass
from simcore.run.asked import OP_ROWS
from simcore.run.setup import DEFAULT_CPU, Move, TimingSetup, load_setup
from simcore.run.stubs import stub_text
from simcore.run.uarts import STANDARD_INPUT

if TYPE_CHECKING:
    from simcore.elf import Image

Spec = TypeVar("Spec", bound="PartSpec")


class Written(NamedTuple):
    """How a field is written by people, where its name and type do not say it.

    ``key`` is its name in a file, ``unit`` may stand behind a number, ``choices`` are all that it
    may be. A value that ends with (one of) ``path`` is a path, in a file from the file's folder.
    Texts may be tables in a file, of which ``of_table`` makes them. ``unlimited`` is a time that
    may be infinite. What stands behind the text ``path_behind`` is a path.
    The path is ``of_program`` when the program reads what is there, or writes there.
    """

    key: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    path: str | tuple[str, ...] | None = None
    unlimited: bool = False
    of_table: Callable[[Mapping[str, Any]], str] | None = None
    in_files: bool = True
    path_behind: str = ""
    of_program: bool = False


#: What becomes of registers that nobody described; C has the same order.
PERIPHERALS = ("ready", "plain", "strict")

#: How a file of values that a network is given ends.
VALUE_FILES = (".npy", ".bin")

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

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it is read from, as far as it names them."""
        cpu = (self.cpu,) if is_model_file(self.cpu) else ()
        return (*cpu, *((self.memory_from,) if self.memory_from else ()))

    @property
    def tells_memory(self) -> bool:
        """Whether it says itself what memory the part has, and where."""
        told = any(text.startswith("region.") for text in self.overrides)
        return told or self.memory_from is not None

    def setup(self, moves: Iterable[Move] = (), image: Image | None = None) -> TimingSetup:
        """The checked configuration, with ``moves`` in any order and without ``place``.

        ``image`` is the program, where it decides about the memory of the part.

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
            image=image,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec(PartSpec):
    """A run of a program on a part.

    ``elf`` is its file: an ELF, Intel HEX, S-records, UF2, or a network as .tflite, of which
    ``input`` are the values that it is given, see network/inputs.py, ``invocations`` how many
    inferences run (one when None), ``arena`` the regions for its tensors; ``anyway`` runs it where
    it does not fit, ``verify`` compares its outputs with TensorFlow Lite Micro's, ``outputs`` is
    the file that they are written to. ``runner``, FILE.elf or FILE.elf:SYMBOL, is a firmware with
    TensorFlow Lite Micro that runs it instead, in place of the model in the array SYMBOL of it.
    ``symbols`` are ELF files whose names it has, too: of a program without, or of a second one in
    it. ``debug_file`` has its debug information only; without it one is looked for, also in the
    folder ``debug_dir``, see elf/debug_files.py. ``linked_for`` is the part on whose
    memory it runs; the part that times it has equivalents, see placement/equivalents.py.
    ``args`` go to the program over semihosting, which can touch the host's folder ``semihost_dir``
    if there is one. ``svd`` is a file that describes the part's registers,
    ``stub`` says how single ones read, see run/stubs.py;
    ``peripherals`` what becomes of others: a loop that waits for one is let go (ready, which is
    meant when None) or spins (plain), or any access is a fault (strict). ``verbose`` names all of
    them in the warning. Without ``demangle`` names are those of the symbol table. ``uart`` says
    which serial port prints and what others receive, see run/uarts.py. ``entry`` is where the
    program starts instead of its own entry: a function, an address, or a vector table's.
    ``max_instructions``, ``timeout_s`` (host seconds) and ``for_s`` (modelled seconds, infinite for
    no limit) bound the run; without any of them a default does. ``max_memory`` is how many bytes of
    the host the process may have more than when the run began, see run/memory.py. It ends at
    ``until``, with ``until_idle`` at the first sleep, and counts begin at ``from_``: places as in
    run/places.py. ``irq`` are interrupts that come by themselves, see run/interrupts.py.
    ``task`` is a pattern of tasks, of which alone costs are counted; the program runs twice for it.
    ``ops`` are patterns: each call of a matching function is an operation, and so is each call that
    a function of ``op_calls``, F or F@SITE, makes at its busiest call through a pointer; behind
    ``op_rows`` of a function the rest is one. ``per`` is the function of which one call alone is
    counted, or ``inference``, or ``none`` for the whole run; when None, that is one inference where
    it is known what makes one, see simulation/one_call.py. ``layout_sweep``
    adds the cycles with all code shifted, see placement/layout.py, ``uncertainty`` their interval
    over what no source decides, see costs/uncertainty.py; ``instructions``, ``lines``,
    ``coverage``, ``timeline`` and ``inlines`` add those tables.
    """

    elf: Annotated[str, Written(path="", in_files=False)] = ""
    symbols: Annotated[tuple[str, ...], Written(path="")] = ()
    debug_file: _Path = None
    debug_dir: _Path = None
    linked_for: Annotated[str | None, Written(in_files=False)] = None
    args: tuple[str, ...] = ()
    semihost_dir: Annotated[str | None, Written(path="", of_program=True)] = None
    svd: _Path = None
    stub: Annotated[tuple[str, ...], Written(of_table=stub_text)] = ()
    peripherals: Annotated[str | None, Written(choices=PERIPHERALS)] = None
    uart: Annotated[tuple[str, ...], Written(path_behind="=", of_program=True)] = ()
    verbose: bool = False
    demangle: bool = True
    entry: str | None = None
    max_instructions: int | None = None
    timeout_s: Annotated[float | None, Written("timeout")] = None
    max_memory: Annotated[int | None, Written(unit="B")] = None
    for_s: Annotated[float | None, Written("for", unlimited=True)] = None
    until: str | None = None
    until_idle: bool = False
    from_: Annotated[str | None, Written("from")] = None
    irq: tuple[str, ...] = ()
    ops: Annotated[tuple[str, ...], Written("op")] = ()
    op_calls: tuple[str, ...] = ()
    op_rows: int = OP_ROWS
    per: str | None = None
    task: str | None = None
    input: Annotated[tuple[str, ...], Written(path=VALUE_FILES, of_program=True)] = ()
    invocations: int | None = None
    arena: tuple[str, ...] = ()
    anyway: bool = False
    verify: bool = False
    outputs: Annotated[str | None, Written(path="", of_program=True)] = None
    runner: _Path = None
    layout_sweep: bool = False
    uncertainty: bool = False
    instructions: _Table = False
    lines: _Table = False
    coverage: _Table = False
    timeline: _Table = False
    inlines: _Table = False

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it is read from, as far as it names them."""
        fed = (text.partition("=")[2] for text in self.uart)
        values = (name for name in self.input if name.endswith(VALUE_FILES))
        runner = self.runner_file
        named = (self.elf, runner, *self.symbols, self.debug_file, self.svd, *fed, *values)
        before = super(RunSpec, self).files  # noqa: UP008  slots make another class
        return (*before, *(name for name in named if name))

    @property
    def is_beyond(self) -> bool:
        """Whether something else comes of the run than a profile, or decides it: files, a
        reference."""
        return self.semihost_dir is not None or self.outputs is not None or self.verify

    @property
    def is_given_input(self) -> bool:
        """Whether a serial port receives standard input."""
        return any(text.partition("=")[2] == STANDARD_INPUT for text in self.uart)

    @property
    def runner_file(self) -> str | None:
        """The file of ``runner``, without the symbol behind it."""
        return None if self.runner is None else split_runner(self.runner)[0]

    def replaced(self, options: Mapping[str, Any]) -> Self:
        """The same with other values of these fields; another end takes the place of this one."""
        ends = {"until": None, "until_idle": False, "for_s": None}
        other = [name for name in ends if options.get(name) not in (None, False, math.inf)]
        return replace(self, **{**(ends if other else {}), **options})

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


def split_runner(text: str) -> tuple[str, str | None]:
    """File and symbol of FILE.elf or FILE.elf:SYMBOL; a colon inside a path is part of it."""
    path, mark, symbol = text[2:].partition(":")  # C:\ is a drive
    if not mark or not symbol or any(letter in symbol for letter in "/\\."):
        return text, None
    return text[:2] + path, symbol


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

    One text stands for a sequence of it. Raises TypeError, with the nearest name, for a name that
    is no field.
    """
    known = {field.name: field for field in fields(cls)}
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known:
            raise TypeError(f"a run has no option '{name}'{nearest(name, known)}")
        several = isinstance(value, list | tuple)
        found = tuple(map(_plain, value)) if several else _plain(value)
        is_one = isinstance(found, str) and known[name].default == ()
        values[name] = (found,) if is_one else found
    return cls(**values)


def _plain(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value
