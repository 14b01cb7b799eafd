"""Whether a check can fail at all: what it is compared with, and what is said or refused else.

In CI nobody reads what passes, so that there more has to be there: see :func:`in_ci`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path

from simcore.checking.baselines import load_baseline, names_beside
from simcore.checking.limits import Limit
from simcore.checking.plans import RunPlan
from simcore.checking.results import MetricValue
from simcore.checking.rows import unmatched
from simcore.comparison.comparison import unlike_setups
from simcore.comparison.summary import Summary
from simcore.elf import load_image
from simcore.elf.inlines import inlined_into
from simcore.errors import ConfigError, ElfError, nearest
from simcore.files import without_links
from simcore.repository import VARIABLES, root_of


def in_ci(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this runs in CI: GitHub, GitLab and most others set ``CI``."""
    return environment.get("CI", "").strip().casefold() not in ("", "0", "false", "no")


def needs_baseline(folder: Path, elfs: Iterable[str] = ()) -> bool:
    """What --require-baseline is when nobody says: in CI, where any baseline is in the folder, or
    where one may have been meant (:func:`folders_meant`)."""
    return in_ci() and (_holds_baselines(folder) or bool(folders_meant(folder, elfs)))


def folders_meant(folder: Path, elfs: Iterable[str] = ()) -> list[Path]:
    """Folders of baselines that a command may have meant, which looks in ``folder``: those of the
    folders above it and above the ELFs in its repository, and of the checkout that the CI tells
    of."""
    here = without_links(folder.parent)
    root = root_of(here)
    above = [up for up in here.parents if up.is_relative_to(root)]
    for place in dict.fromkeys(without_links(elf).parent for elf in elfs):
        above += [up for up in (place, *place.parents) if up.is_relative_to(root)]
    above += [without_links(said) for name in VARIABLES if (said := os.environ.get(name))]
    found = (up / folder.name for up in dict.fromkeys(above) if up != here)
    return [place for place in found if _holds_baselines(place)]


def _holds_baselines(folder: Path) -> bool:
    return any(folder.glob("*.json"))


def compared_runs(
    path: Path, *, named: bool, required: bool, option: str = "--", elfs: Iterable[str] = ()
) -> tuple[dict[str, Summary], list[str]]:
    """The runs of the baseline to compare with, and what is to be told, a line each.

    ``elfs`` are the paths of what runs. ``named``: somebody wrote its name, so that one that is not
    there beside others is a slip; ``option`` is how the options of the caller begin.

    Raises ConfigError for one that is no good, or that has to be there and is not.
    """
    baseline = load_baseline(path)
    if baseline is not None:
        return baseline.runs, []
    others = names_beside(path)
    if others and named:
        near = nearest(path.stem, others)
        hint = f"{near} Else" if near else f"; here {_are(others)};"
        raise ConfigError(
            f"{path}: there is no such baseline{hint} {option}save{_tail(option)} {path.stem}"
            " makes it"
        )
    above = [place.as_posix() for place in folders_meant(path.parent, elfs)]
    if required:
        beside = f"; here {_are(others)}" if others else _where(above)
        raise ConfigError(
            f"{path}: nothing to compare with, and {option}require-baseline is on, as always in CI"
            f" where a baseline is{beside}; {option}save{_tail(option)} {path.stem} makes it"
        )
    notes = [f"nothing to compare with: there is no {path.as_posix()} yet"]
    if others:
        notes.append(f"beside it {_are(others)}")
    if above:
        notes.append(_where(above).removeprefix("; "))
    if in_ci():
        notes.append(
            f"a check can only fail against a baseline: make {path.as_posix()} outside of CI and"
            f" commit it, or keep the folder {path.parent.as_posix()} in the cache of the CI"
        )
    return {}, notes


def _are(names: Sequence[str]) -> str:
    return f"{'are the baselines' if names[1:] else 'is the baseline'} {', '.join(names)}"


def _where(above: Sequence[str]) -> str:
    """Where baselines are that were not looked for."""
    return f"; baselines are in {', '.join(above)}: run it from there" if above else ""


def _tail(option: str) -> str:
    return "-baseline" if option == "--" else ""


def unmatched_limits(
    plans: Sequence[RunPlan],
    runs: Sequence[Summary | None],
    limits: Mapping[str, Sequence[Limit]],
    known: Mapping[str, Summary],
) -> dict[str, str]:
    """What is wrong with a limit for rows that no run has, by the runs that it is for.

    ``limits`` are those of each run by its name.
    """
    after = {plan.name: run for plan, run in zip(plans, runs, strict=True)}
    scopes: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], Limit] = {}
    for name, each in limits.items():
        for limit in each:
            if limit.scope and after[name] is not None:
                target = limit.kind, limit.row
                first.setdefault(target, limit)
                scopes.setdefault(target, []).append(name)
    found: dict[str, str] = {}
    for target, names in scopes.items():
        ran = [run for name in names if (run := after[name]) is not None]
        before = [known[name] for name in names if name in known]
        if (text := unmatched(first[target], ran, before)) is not None:
            elfs = [plan.elf for plan in plans if plan.name in names]
            text += _inlined(first[target], elfs)
            found |= {name: text for name in names if name not in found}
    return found


def _inlined(limit: Limit, elfs: Iterable[str]) -> str:
    """That a function is inlined wherever it is called, so that it has no row of its own."""
    for elf in elfs if limit.kind == "function" else ():
        with suppress(ElfError):
            if places := inlined_into(load_image(elf), limit.row):
                return (
                    f": it is inlined, first into {places[0].name}, and counted there; put the"
                    " limit on that, or __attribute__((noinline)) on it"
                )
    return ""


def uncompared(values: Iterable[MetricValue], comparing: bool) -> list[str]:
    """Percentages on rows that the baseline does not have: they compare with nothing."""
    return [
        f"nothing to compare {value.name} with: the baseline has no {value.row}, limit {text}"
        for value in values
        if comparing and value.row and value.before is None and value.after is not None
        if (text := ", ".join(x.text for x in value.limits if x.allowed is None))
    ]


def refuse_other_setups(
    path: Path, known: Mapping[str, Summary], new: Mapping[str, Summary]
) -> None:
    """Refuse runs that would take the place of runs of another part, clock or arguments.

    Two configurations that save into one name would overwrite each other. Raises ConfigError.
    """
    for name, run in new.items():
        if name in known and (why := list(unlike_setups(known[name], run))):
            raise ConfigError(
                f"{path}: the run '{name}' is of another configuration there: {'; '.join(why)};"
                " give one of them another name or baseline, or --replace takes its place"
            )


def full_run_needed(
    not_run: Iterable[str],
    listed: Iterable[str],
    plans: Sequence[RunPlan],
    known: Mapping[str, Summary],
) -> None:
    """Refuse to drop runs that are only not asked for, where ELFs were: those that the settings
    list, and those of whose ELF's name a file is in the repository, or beside those that ran, that
    did not run. Raises ConfigError."""
    listed, not_run = set(listed), list(not_run)
    ran = {without_links(plan.elf) for plan in plans}
    there: dict[str, Path] = {}
    for path in _files({known[name].elf.name for name in not_run}, ran):
        if without_links(path) not in ran:
            there.setdefault(path.name, path)
    for name in not_run:
        left_out = there.get(known[name].elf.name)
        if name in listed or left_out is not None:
            where = f"{os.path.relpath(left_out or name)} is there"
            where = "the settings list it" if name in listed else where
            raise ConfigError(
                f"--prune drops runs after a full run only: '{name}' did not run, and {where}"
            )


def _files(names: Set[str], ran: Iterable[Path]) -> Iterator[Path]:
    """Files of these names beside those that ran and in the repository, without hidden folders."""
    for folder in dict.fromkeys(path.parent for path in ran):
        yield from (folder / name for name in sorted(names) if (folder / name).is_file())
    for place, below, files in os.walk(root_of(without_links("."))) if names else ():
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (Path(place) / name for name in sorted(names & set(files)))
