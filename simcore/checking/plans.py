"""What to run: the plans of a check, from ELF paths and patterns and from a settings file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from glob import has_magic
from pathlib import Path

from simcore.annotation.sources import SourcePlaces
from simcore.cache import NO_ROOM, Room
from simcore.checking.baselines import other_case
from simcore.checking.limits import Limit
from simcore.checking.patterns import files_matching
from simcore.errors import ConfigError
from simcore.files import is_file, kind_of
from simcore.records import dataclass
from simcore.run.spec import RunSpec
from simcore.run.written import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan(RunSpec):
    """One run of a check. Picklable, for other processes."""

    name: str = ""
    #: Of the command line alone: a settings file comes from whoever wrote the commit.
    sources: SourcePlaces = field(default_factory=SourcePlaces)
    #: Where intervals of cycles are kept.
    cache: Room = NO_ROOM


@dataclass(frozen=True, slots=True)
class Settings:
    """What a settings file says: how to run what it does not list, what to run, and limits.

    ``limits`` holds one group for each text of limits, in their order; ``folder`` is where
    relative paths begin, the settings file's folder; ``files`` is the settings file itself;
    ``notes`` is what to tell of it, a line each.
    """

    common: RunPlan = field(default_factory=RunPlan)
    runs: tuple[RunPlan, ...] = ()
    limits: tuple[tuple[Limit, ...], ...] = ()
    baseline: str | None = None
    folder: Path = Path()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plans_of(elfs: Sequence[str], settings: Settings, args: Sequence[str] = ()) -> list[RunPlan]:
    """The runs of a check, by name: of the ELFs and patterns, or of the settings without any.

    An ELF that the settings list runs as they say. ``args`` replace the arguments of all runs.
    Raises ConfigError for a pattern without a match, nothing to run, or two runs of one name.
    """
    if not elfs:
        plans = list(settings.runs)
        if not plans:
            raise ConfigError(
                "nothing to check: name ELFs, or list them in mcusim.toml as [[run]] tables"
            )
    else:
        listed: dict[str, list[RunPlan]] = {}
        for plan in settings.runs:
            listed.setdefault(os.path.realpath(plan.elf), []).append(plan)
        plans = []
        for path in unique_paths(expand(elfs)):
            plain = replace(settings.common, name=name_of(path), elf=path)
            plans += listed.get(os.path.realpath(path), [plain])
    if args:
        plans = [replace(plan, args=tuple(args)) for plan in plans]
    _refuse_equal_names(plans)
    return sorted(plans, key=lambda plan: plan.name)


def expand(patterns: Iterable[str], folder: Path | None = None) -> list[str]:
    """The files of paths and patterns, each pattern's sorted. Raises ConfigError without any."""
    paths: list[str] = []
    for pattern in patterns:
        if "\0" in pattern:
            raise ConfigError("the name of an ELF has a NUL in it; no file has such a name")
        full = pattern if folder is None else shown(folder / pattern)
        if has_magic(pattern) and not kind_of(full):
            found = sorted(path for path in files_matching(full) if is_file(path))
            if not found:
                raise ConfigError(f"'{full}' matches no file; build first, or check the pattern")
            paths += found
        else:
            paths.append(full)
    return paths


def unique_paths(paths: Iterable[str]) -> list[str]:
    """Paths without those that are a file that came before."""
    return list({os.path.realpath(path): path for path in reversed(list(paths))}.values())[::-1]


def name_of(path: str) -> str:
    """The name of an ELF's run: the file's name without folder and .elf."""
    name = Path(path).name
    return name.removesuffix(".elf") or name


def _refuse_equal_names(plans: Iterable[RunPlan]) -> None:
    known: dict[str, RunPlan] = {}
    for plan in plans:
        other = known.setdefault(plan.name, plan)
        if other is not plan:
            if os.path.realpath(other.elf) == os.path.realpath(plan.elf):
                what = f"two runs of {plan.elf} are named '{plan.name}'"
            else:
                what = f"two ELFs are named '{plan.name}': {other.elf} and {plan.elf}"
            raise ConfigError(
                f"{what}; give each a 'name' of its own in a [[run]] table of mcusim.toml"
            )
    if (twins := other_case(known)) is not None:
        raise ConfigError(
            f"the runs '{twins[0]}' and '{twins[1]}' differ in case only; give one of them another"
            " 'name' in a [[run]] table of mcusim.toml"
        )
