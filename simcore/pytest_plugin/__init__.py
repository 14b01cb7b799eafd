"""The pytest plugin: a fixture that profiles an ELF, limits on it, a baseline of all tests.

pytest imports this module in every project of an environment that has mcusim, so that all of
mcusim is imported only when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
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
_deselected_key: pytest.StashKey[set[str]] = pytest.StashKey()


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
    for name, what in (
        ("require-all", "that the baseline has and that no test ran; default where CI is set"),
        ("require-baseline", "that the baseline does not have; default where CI is set and a"
                             " baseline is there"),
    ):  # fmt: skip
        dest = f"mcusim_{name.replace('-', '_')}"
        group.addoption(f"--mcusim-{name}", dest=dest, action="store_true", default=None,
                        help=f"fail on runs {what}")  # fmt: skip
        group.addoption(f"--mcusim-no-{name}", dest=dest, action="store_false",
                        help=f"do not --mcusim-{name}")  # fmt: skip
    group.addoption(
        "--mcusim-strict",
        action="store_true",
        help="fail on doubts: a fall by more than a quarter, another output or end",
    )
    group.addoption(
        "--mcusim-prune",
        action="store_true",
        help="--mcusim-save drops runs that no test made, after a full session that passed",
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
    config.stash[_deselected_key] = set()
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A limit of a test that runs nothing cannot be broken: it fails. So does a test that catches
    the failure of a run, or whose run failed in another thread."""
    yield
    runs = item.config.stash.get(_runs_key, None)
    if runs is not None and (text := runs.failure(item.nodeid)) is not None:
        pytest.fail(f"{text}\n  the test did not pass this on: it caught it, or ran the program in"
                    " another thread", pytrace=False)  # fmt: skip
    marks = list(item.iter_markers(MARKER))
    if not marks:
        return
    if not all(mark.kwargs for mark in marks):
        pytest.fail(f"{MARKER} has no limit; give one, such as cycles=10000", pytrace=False)
    if runs is None or not runs.ran(item.nodeid):
        pytest.fail(
            f"{MARKER} has nothing to judge: the test ran nothing by the fixture mcusim",
            pytrace=False,
        )


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        item.config.stash[_deselected_key].add(item.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    runs = config.stash.get(_runs_key, None)
    if runs is not None:
        deselected: set[str] = config.stash[_deselected_key]
        runs.deselected |= deselected
    if output is not None:
        output[_OUTPUT] = None if runs is None else runs.sent()
        return
    for sent in config.stash[_sent_key]:
        runs = _runs(config)
        runs.receive(sent)
    if runs is None or session.exitstatus in (2, 3, 4) or config.option.collectonly:
        return  # interrupted, an error of pytest or its use: what is missing tells nothing
    where = config.args, config.invocation_params.dir
    left, fails = runs.not_run(*where)
    unlike = runs.unlike(left)
    if left:
        because = " (--mcusim-require-all)" if fails else ""
        runs.notes.append(f"not run, though the baseline has them: {', '.join(left)}{because}")
    runs.notes += [*unlike, *runs.unjudged()]
    if (fails or unlike) and session.exitstatus in (0, 5):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    runs.save(session.exitstatus not in (0, 5), *where)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist what stands on the command line."""
    node.workerinput[_OUTPUT] = [str(one) for one in node.config.invocation_params.args]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of xdist measured."""
    output = getattr(node, "workeroutput", None) or {}  # a worker that crashed has none
    if (sent := output.get(_OUTPUT)) is not None:
        node.config.stash[_sent_key].append(sent)


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
    names = ("mcusim_compare", "mcusim_save", "mcusim_compare_fail", "mcusim_prune")
    return any(config.getoption(name) for name in names)


def _runs(config: pytest.Config) -> Runs:
    """The runs of this process. Raises pytest.UsageError for options that cannot work."""
    if _runs_key not in config.stash:
        from simcore.errors import McusimError
        from simcore.pytest_plugin.runs import Asked, Runs

        option = config.getoption
        if option("mcusim_prune") and not option("mcusim_save"):
            raise pytest.UsageError("--mcusim-prune needs --mcusim-save: what is dropped is saved")
        limits = option("mcusim_compare_fail")
        asked = Asked(
            compare=option("mcusim_compare") or (_DEFAULT if limits else None),
            save=option("mcusim_save"),
            limits=tuple(limits),
            require_all=option("mcusim_require_all"),
            require_baseline=option("mcusim_require_baseline"),
            strict=option("mcusim_strict"),
            prune=option("mcusim_prune"),
            accepts=option("mcusim_save") == option("mcusim_compare") and _accepts(config),
        )
        try:
            config.stash[_runs_key] = Runs(
                config.rootpath, asked, use_cache=not option("mcusim_no_cache")
            )
        except McusimError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_runs_key]


def _accepts(config: pytest.Config) -> bool:
    """Whether the command line saves, and only the project's own options compare: the baseline is
    being renewed on purpose, and changes against it are no failure."""
    # A worker of xdist is started without a command line of its own.
    given = getattr(config, "workerinput", {}).get(_OUTPUT, config.invocation_params.args)
    said = [str(argument).partition("=")[0] for argument in given]
    return "--mcusim-save" in said and not {"--mcusim-compare", "--mcusim-compare-fail"} & {*said}
