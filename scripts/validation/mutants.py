"""How much the tests notice: changes one place of a module at a time and runs the tests against it.

Python modules (tests/mutants/python.toml) are changed by the operators of cosmic-ray, each against
its own tests only. The C rules (tests/mutants/native.toml) have a list of mutants by hand, at least
one for each rule, each against the one test that has to notice it. A mutant that no test notices
needs a reason in these lists. Exit status 1 when one has none, or when a reason stands at a mutant
that a test does notice; 2 when a list fits its sources no more or a test fails without any mutant.
Nothing is written into the working tree.

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
    ListError,
    NativeMutant,
    PythonModule,
    native_mutants,
    python_modules,
)
from scripts.mutation.running import Runner, Trial, processors

NATIVE_SECTION = "native"
UNEXPECTED, USAGE = 1, 2


class TestsFailError(Exception):
    """The tests of a module fail without any mutant, so they tell nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: `reason` is why it may survive."""

    title: str
    killed: bool
    reason: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--module", action="append", metavar="NAME",
        help=f"only this: a module of python.toml, as energy, or {NATIVE_SECTION} (repeatable)",
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
        return USAGE
    try:
        return _run(options.module, options.jobs)
    except (ListError, TestsFailError) as error:
        print(error, file=sys.stderr)
        return USAGE


def _run(names: Sequence[str] | None, jobs: int) -> int:
    modules = {module.name: module for module in python_modules()}
    known = [*modules, NATIVE_SECTION]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ListError(f"there is no module {unknown[0]}: {', '.join(known)}")
    rows, good = [], True
    with tempfile.TemporaryDirectory(prefix="mcusim-mutants-") as folder:
        os.environ["TMPDIR"] = folder  # of the processes: what they build and write goes with it
        runner = Runner(jobs)
        for name in names or known:
            started = time.monotonic()
            if name == NATIVE_SECTION:
                outcomes = native_outcomes(runner, native_mutants(), Path(folder))
            else:
                outcomes = python_outcomes(runner, modules[name])
            rows.append(_row(name, outcomes, time.monotonic() - started))
            good &= _print_unexpected(outcomes)
    print(f"{'module':<10} mutants  killed  survived  explained   score     s")
    print("\n".join(rows))
    return 0 if good else UNEXPECTED


def python_outcomes(runner: Runner, module: PythonModule) -> list[Outcome]:
    """Every mutant of a module against the module's tests. Raises TestsFailError."""
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
    """Every C mutant against the test that has to notice it. Raises TestsFailError."""
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
        raise TestsFailError(f"without any mutant these tests fail: {' '.join(trial.tests)}")


def _row(name: str, outcomes: Sequence[Outcome], seconds: float) -> str:
    killed = sum(x.killed for x in outcomes)
    explained = sum(not x.killed and x.reason is not None for x in outcomes)
    survived = len(outcomes) - killed
    return (
        f"{name:<10}{len(outcomes):>8}{killed:>8}{survived:>10}{explained:>11}"
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
