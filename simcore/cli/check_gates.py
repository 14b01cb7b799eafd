"""Options of `mcusim check` on what has to be there for it to pass, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from simcore.cli.running import tell_line

if TYPE_CHECKING:
    from simcore.checking.results import CheckResult

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--require-all/--no-require-all",
        default=None,
        help="Fail on runs that the baseline has and that did not run [default: where CI is set].",
    ),
    click.option(
        "--require-baseline/--no-require-baseline",
        default=None,
        help="Fail on runs that the baseline does not have [default: where CI is set and a"
        " baseline is there].",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Fail on doubts: a fall by more than a quarter, another output or end; of"
        " peripherals it is --peripherals strict.",
    ),
    click.option(
        "--prune",
        is_flag=True,
        help="Drop runs from the baseline that are not there any more, after a full run.",
    ),
    click.option(
        "--replace",
        is_flag=True,
        help="Let --save-baseline replace runs of another part, clock or arguments.",
    ),
    click.option(
        "--explain",
        is_flag=True,
        help="Run nothing; print what would run, the limits, and what each would fail on.",
    ),
)


def gate_options(command: Command) -> Command:
    """Add the options to a command; ``--strict`` is of its verdicts, not of its peripherals."""
    params = getattr(command, "__click_params__", [])
    params[:] = [param for param in params if "--strict" not in param.opts]
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def gates(given: dict[str, Any], folder: Path, elfs: Iterable[str]) -> dict[str, Any]:
    """The fields of a Request that the options are; ``folder`` is that of the baselines, ``elfs``
    are the paths of what runs."""
    from simcore.checking.gates import in_ci, needs_baseline

    all_needed, baseline_needed = given["require_all"], given["require_baseline"]
    return {
        "require_all": in_ci() if all_needed is None else all_needed,
        "require_baseline": (
            needs_baseline(folder, elfs) if baseline_needed is None else baseline_needed
        ),
        **{name: given[name] for name in ("strict", "prune", "replace")},
    }


def tell_gates(result: CheckResult) -> None:
    """What did not run, what nothing is compared with and what was written, on stderr."""
    if result.not_run:
        fails = " (--require-all)" if result.require_all else ""
        tell_line(f"{result.not_run_text}{fails}")
    for note in result.notes:
        tell_line(note)
    if result.saved is not None:
        tell_line(f"baseline written to {result.saved}: commit it")
