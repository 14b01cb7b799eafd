"""How much the tests notice: changes one place of a module at a time and runs the tests against it.

Python modules (tests/mutants/python.toml) are changed by the operators of cosmic-ray, each against
its own tests only. The C rules (tests/mutants/native.toml) have a list of mutants by hand, at least
one for each rule, each against the one test that has to notice it. A mutant that no test notices
needs a reason in these lists. Exit status 1 when one has none, or when a reason stands at a mutant
that a test does notice. Nothing is written into the working tree.

Neither tool runs as it is. mutmut 3 mutates a copy of the tree, but an editable install of
scikit-build-core puts a finder before sys.path, so the tests import the modules of the checkout
("could not find any test case for any mutant"); and it changes bodies of functions only, while much
of limits and energy are tables. cosmic-ray changes the files of the working tree and starts pytest
anew for each mutant, seconds for tests of tenths. So its operators make the sources here, and
scripts/mutation/running.py has them imported in forked processes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.mutation.lists import (
    NATIVE,
    ROOT,
    NativeMutant,
    PythonModule,
    native_mutants,
    python_modules,
)
from scripts.mutation.running import Runner, Trial, processors

NATIVE_SECTION = "native"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: `reason` is why it may survive."""

    title: str
    killed: bool
    reason: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = [module.name for module in python_modules()]
    parser.add_argument(
        "--module", action="append", choices=[*names, NATIVE_SECTION], metavar="NAME",
        help=f"only this: {', '.join(names)}, {NATIVE_SECTION} (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=int, default=processors(), metavar="N", help="processes at a time"
    )


def run(options: argparse.Namespace) -> int:
    """Print the mutants that nobody expected and a table; returns the exit status."""
    try:
        import cosmic_ray  # noqa: F401
    except ImportError:
        print("mutants need cosmic-ray: scripts/_venv dev", file=sys.stderr)
        return 2
    wanted = options.module or [*(module.name for module in python_modules()), NATIVE_SECTION]
    rows, good = [], True
    with tempfile.TemporaryDirectory(prefix="mcusim-mutants-") as folder:
        os.environ["TMPDIR"] = folder  # of the processes: what they build and write goes with it
        runner = Runner(options.jobs)
        sections = {module.name: module for module in python_modules()}
        for name in wanted:
            started = time.monotonic()
            if name == NATIVE_SECTION:
                outcomes = native_outcomes(runner, native_mutants(), Path(folder))
            else:
                outcomes = python_outcomes(runner, sections[name])
            rows.append(_row(name, outcomes, time.monotonic() - started))
            good &= _print_unexpected(outcomes)
    print(
        f"{'module':<10}{'mutants':>9}{'killed':>8}{'survived':>10}{'explained':>11}{'score':>8}{'s':>6}"
    )
    print("\n".join(rows))
    return 0 if good else 1


def python_outcomes(runner: Runner, module: PythonModule) -> list[Outcome]:
    """Every mutant of a module against the module's tests. Raises RuntimeError if these fail."""
    from scripts.mutation.python_mutants import mutants_of

    source = (ROOT / module.path).read_text(encoding="utf-8")
    dotted = module.path.removesuffix(".py").replace("/", ".")
    _calibrate(runner, Trial(module.tests, dotted, source))
    mutants = mutants_of(source)
    passed = runner.pass_each(Trial(module.tests, dotted, x.source) for x in mutants)
    return [
        Outcome(
            f"{module.path}:{x.number}: {x.line}  ->  {x.becomes}  ({x.operator})",
            not survived,
            module.reason_of(x.line, x.becomes),
        )
        for x, survived in zip(mutants, passed, strict=True)
    ]


def native_outcomes(runner: Runner, mutants: Sequence[NativeMutant], folder: Path) -> list[Outcome]:
    """Every C mutant against the test that has to notice it. Raises RuntimeError if one fails."""
    # Not optimised: building takes longer than the tests do.
    environment = {"CFLAGS": f"{os.environ.get('CFLAGS', '')} -O0"}
    tests = list(dict.fromkeys(mutant.noticed_by for mutant in mutants))
    _calibrate(runner, Trial(tests, environment=environment))
    trials = []
    for number, mutant in enumerate(mutants):
        copy = folder / str(number)
        shutil.copytree(NATIVE, copy)
        text = (copy / mutant.file).read_text(encoding="utf-8")
        (copy / mutant.file).write_text(mutant.mutated(text), encoding="utf-8")
        changed = {**environment, "MCUSIM_NATIVE_SOURCES": str(copy)}
        trials.append(Trial([mutant.noticed_by], environment=changed))
    return [
        Outcome(f"{x.file}: {x.rule}  ({x.noticed_by})", not survived, x.reason)
        for x, survived in zip(mutants, runner.pass_each(trials), strict=True)
    ]


def _calibrate(runner: Runner, trial: Trial) -> None:
    if not runner.calibrate(trial):
        raise RuntimeError(f"without any mutant these tests fail: {' '.join(trial.tests)}")


def _row(name: str, outcomes: Sequence[Outcome], seconds: float) -> str:
    killed = sum(x.killed for x in outcomes)
    explained = sum(not x.killed and x.reason is not None for x in outcomes)
    survived = len(outcomes) - killed
    return (
        f"{name:<10}{len(outcomes):>9}{killed:>8}{survived:>10}{explained:>11}"
        f"{killed / len(outcomes):>8.1%}{seconds:>6.0f}"
    )


def _print_unexpected(outcomes: Sequence[Outcome]) -> bool:
    """Print the survivors without a reason and the reasons without a survivor; whether none was."""
    for outcome in outcomes:
        if not outcome.killed and outcome.reason is None:
            print(f"survived: {outcome.title}")
        if outcome.killed and outcome.reason is not None:
            print(f"killed, yet explained ({outcome.reason}): {outcome.title}")
    return all(outcome.killed == (outcome.reason is None) for outcome in outcomes)
