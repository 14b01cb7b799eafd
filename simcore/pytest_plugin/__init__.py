"""The pytest plugin: a fixture that profiles an ELF, limits on it, a baseline of all tests.

pytest imports this module in every project of an environment that has mcusim, so that all of
mcusim is imported only when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.pytest_plugin.runs import Runs

MARKER = "mcusim_limit"
_OUTPUT = "mcusim"  # key of what an xdist worker sends home
_DEFAULT = "default"

_runs_key: pytest.StashKey[Runs] = pytest.StashKey()
_sent_key: pytest.StashKey[list[Any]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mcusim", "cycles and energy of Cortex-M7 programs")
    group.addoption(
        "--mcusim-compare",
        nargs="?",
        const=_DEFAULT,
        metavar="NAME",
        help="compare the runs of the fixture 'mcusim' with the baseline .mcusim/NAME.json",
    )
    group.addoption(
        "--mcusim-save",
        nargs="?",
        const=_DEFAULT,
        metavar="NAME",
        help="write them to the baseline .mcusim/NAME.json; tests that did not run stay in it",
    )
    group.addoption(
        "--mcusim-compare-fail",
        action="append",
        default=[],
        metavar="LIMITS",
        help="fail a test whose run is worse, for instance cycles:5%% or energy:2%%. Repeatable",
    )
    group.addoption(
        "--mcusim-no-cache",
        action="store_true",
        help="run all anew, and keep nothing: see 'mcusim cache'",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{MARKER}(cycles=..., energy_j=...): the most that a run of the fixture mcusim may cost;"
        " '5%' is against the baseline of --mcusim-compare.",
    )
    config.stash[_sent_key] = []
    if _asked(config):
        _runs(config)  # wrong options are answered at once


@pytest.fixture
def mcusim(request: pytest.FixtureRequest) -> Callable[..., Profile]:
    """Profile an ELF: ``mcusim("build/kernel.elf", cpu="stm32h743", args=["x"])`` -> Profile.

    The arguments are those of simcore.profile(). The test fails when the program does not end
    well, unless ``may_fail=True``, and when a limit of its marker or the command line is broken.
    """
    runs = _runs(request.config)
    limits = [dict(mark.kwargs) for mark in request.node.iter_markers(MARKER)]
    for mark in request.node.iter_markers(MARKER):
        if mark.args:
            pytest.fail(f"{MARKER} takes limits by name, such as cycles=10000", pytrace=False)
    return runs.runner(request.node.nodeid, limits[::-1], request.node.user_properties)


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    runs = config.stash.get(_runs_key, None)
    if output is not None:
        output[_OUTPUT] = [] if runs is None else runs.sent()
        return
    sent = config.stash[_sent_key]
    if sent:
        runs = _runs(config)
        runs.receive(sent)
    if runs is not None:
        runs.save()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of xdist measured."""
    output = getattr(node, "workeroutput", None) or {}  # a worker that crashed has none
    node.config.stash[_sent_key].extend(output.get(_OUTPUT, []))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    runs = config.stash.get(_runs_key, None)
    if runs is None:
        return
    title, text = runs.table(terminalreporter._tw.fullwidth)
    if text:
        terminalreporter.section(title)
        terminalreporter.write(text)


def _asked(config: pytest.Config) -> bool:
    names = ("mcusim_compare", "mcusim_save", "mcusim_compare_fail")
    return any(config.getoption(name) for name in names)


def _runs(config: pytest.Config) -> Runs:
    """The runs of this process. Raises pytest.UsageError for options that cannot work."""
    if _runs_key not in config.stash:
        from simcore.errors import McusimError
        from simcore.pytest_plugin.runs import Runs

        compare = config.getoption("mcusim_compare")
        limits = config.getoption("mcusim_compare_fail")
        try:
            config.stash[_runs_key] = Runs(
                config.rootpath,
                compare or (_DEFAULT if limits else None),
                config.getoption("mcusim_save"),
                limits,
                not config.getoption("mcusim_no_cache"),
            )
        except McusimError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_runs_key]
