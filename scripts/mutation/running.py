"""Tests against a mutant, each in a process of its own that is forked from one with the libraries.

Starting pytest anew takes longer than most of these tests do. The server that the processes are
forked from imports what the tests import, but nothing of simcore or of tests.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType

from scripts.mutation.lists import ROOT

PRELOADED = (
    "pytest", "hypothesis.strategies", "jsonschema", "junitparser", "sarif_pydantic", "cffi",
    "numpy", "capstone", "elftools.elf.elffile", "rich.console", "jinja2", "click",
)  # fmt: skip
#: Tests may take so many seconds against a mutant, or so many times what they take without one.
TIMEOUT, SLOWER = 60.0, 10.0
#: The options of the project are for whole runs; warnings about modules imported before are none.
OPTIONS = (
    "-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib",
    "-W", "ignore::pytest.PytestWarning",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """Tests, as pytest names them, and what is different while they run."""

    tests: Sequence[str]
    module: str = ""  # dotted name of the module that has another source
    source: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


class _MutatedLoader(SourceFileLoader):
    """A module whose file stays as it is and whose code is another."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)


class _MutatedFinder(MetaPathFinder):
    """Goes before the finder of an editable install, which goes before sys.path."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname != self.trial.module:
            return None
        file = str(ROOT / (fullname.replace(".", "/") + ".py"))
        loader = _MutatedLoader(fullname, file, self.trial.source)
        return spec_from_file_location(fullname, file, loader=loader)


class Runner:
    """Runs trials, `jobs` at a time. Tests that do not end in `timeout` seconds do not pass."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.timeout = TIMEOUT
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(list(PRELOADED))

    def calibrate(self, trial: Trial) -> bool:
        """Whether tests pass without a mutant; later ones may be so much slower than now."""
        started = time.monotonic()
        passed = self.passes(trial)
        self.timeout = max(TIMEOUT, SLOWER * (time.monotonic() - started))
        return passed

    def passes(self, trial: Trial) -> bool:
        """Whether all tests pass, in time."""
        process = self.context.Process(target=_run, args=(trial,))
        process.start()
        process.join(self.timeout)
        process.kill()
        process.join()
        return process.exitcode == 0

    def pass_each(self, trials: Iterable[Trial]) -> list[bool]:
        """Whether the tests pass of each trial."""
        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(self.passes, trials))


def _run(trial: Trial) -> None:
    """In the process of a trial: exits with pytest's status. Writes no file outside of TMPDIR."""
    os.environ.update(trial.environment)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    tempfile.tempdir = None  # TMPDIR may be another one than the server had
    sys.dont_write_bytecode = True
    os.chdir(ROOT)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    if trial.module:
        sys.meta_path.insert(0, _MutatedFinder(trial))
    import pytest

    os._exit(pytest.main([*OPTIONS, *trial.tests]))


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
