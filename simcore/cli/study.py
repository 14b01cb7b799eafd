"""`mcusim study`: many runs of the kernel suite, put side by side in tables and figures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from simcore.cli.options import look_options
from simcore.cli.output import ColorChoice, is_terminal
from simcore.cli.running import look, tell_line
from simcore.cli.sandbox import sandbox_option
from simcore.cli.stored import opened_store, store_option
from simcore.cli.workers import workers_options
from simcore.errors import ConfigError
from simcore.extras import require
from simcore.files import write_stdout

if TYPE_CHECKING:
    from simcore.report import RenderOptions
    from simcore.study.folder import StudyFolder

FIGURES = "figures"  # folder of the figures in that of the study


@click.group(short_help="Compare operations or networks over many runs.")
def study() -> None:
    """Run many kernels or whole networks and compare them in tables and figures.

    \b
    mcusim study ops
    mcusim study networks --cpu stm32f746,stm32h7a3
    mcusim study ranking --networks 50

    What is finished stays in the folder: a study that was stopped goes on where it was. Figures
    need matplotlib, which the extra mcusim[study] installs.
    """


def _study_options(folder: str) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(
            (
                click.option(
                    "--cpu",
                    metavar="PART[,PART]",
                    default="stm32f746",
                    show_default=True,
                    help="Parts to study: names of 'mcusim cpus' or model files, with commas.",
                ),
                click.option(
                    "-o",
                    "--output",
                    metavar="FOLDER",
                    default=folder,
                    show_default=True,
                    help="Folder for tables, figures and finished runs.",
                ),
                workers_options("Runs at a time"),
                click.option(
                    "--no-figures", is_flag=True, help="Write the tables only, no figures."
                ),
                store_option,
            )
        ):
            command = option(command)
        return sandbox_option(look_options(command))

    return decorate


@study.command(short_help="Throughput and energy by type of operation.")
@click.option(
    "--only",
    multiple=True,
    metavar="GLOB",
    help="Only operations whose name or kernel matches. Repeatable.",
)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="NAME",
    help="Only this operation count: small, medium or large. Repeatable.",
)
@_study_options("study-ops")
def ops(
    only: tuple[str, ...],
    sizes: tuple[str, ...],
    cpu: str,
    output: str,
    jobs: int | None,
    scheduler: str | None,
    no_figures: bool,
    store: str | None,
    color: ColorChoice,
    verbose: bool,
) -> None:
    """Run a grid of operation types, shapes, variants and placements on one or several parts.

    \b
    mcusim study ops
    mcusim study ops --cpu stm32f746,stm32h743 -o two-parts
    mcusim study ops --only 'conv*' --only relu --size small

    The tables go to stdout, and with CSV, JSON and figures into the folder. Types are compared at
    equal operation counts: a multiply-accumulate counts two, any other value that is computed or
    moved one.
    """
    from simcore.report.studies.ops import FORMATS, render
    from simcore.study.folder import open_folder
    from simcore.study.grid import cases, load_grid, pick_sizes, select
    from simcore.study.ops import study_ops

    _require_figures("ops", no_figures)
    parts = _parts(cpu)
    grid = load_grid()
    points = cases(grid, select(grid.operations, only), pick_sizes(grid, sizes))
    with open_folder(output, "ops", parts) as folder:
        with opened_store(store, "mcusim study --store") as shelf, _progress("operations") as tally:
            result = study_ops(
                parts,
                grid,
                points,
                folder.store,
                jobs=jobs,
                scheduler=scheduler,
                shelf=shelf,
                progress=tally,
            )
        from simcore.study.ops_figures import figures

        _write_all(folder, "ops", FORMATS, partial(render, result))
        _write_figures(folder, () if no_figures else figures(result))
    write_stdout(render(result, "text", look(None, color)))
    _tell_end(tally, output, verbose)


@study.command(short_help="Whole networks: memory, latency, energy.")
@click.argument("files", nargs=-1, metavar="[FILE.tflite]...")
@click.option(
    "--only",
    multiple=True,
    metavar="GLOB",
    help="Only networks of mcusim whose name matches; beside files, those too. Repeatable.",
)
@_study_options("study-networks")
def networks(
    files: tuple[str, ...],
    only: tuple[str, ...],
    cpu: str,
    output: str,
    jobs: int | None,
    scheduler: str | None,
    no_figures: bool,
    store: str | None,
    color: ColorChoice,
    verbose: bool,
) -> None:
    """Run whole networks on one or several parts and rank them by size and by cost.

    \b
    mcusim study networks
    mcusim study networks --cpu stm32f746,stm32h7a3 -o two-parts
    mcusim study networks --only resnet-8
    mcusim study networks a.tflite b.tflite -o mine
    mcusim study networks a.tflite --only 'ds-*' -o beside

    Without files a CIFAR-10 CNN, a keyword spotter, ResNet-8 and an autoencoder, with random
    weights: operations, parameters, peak activation memory, latency and energy, beside what others
    measured. The tables go to stdout, and with CSV, JSON and figures into the folder.
    """
    from simcore.report.studies.networks import FORMATS, render
    from simcore.study.folder import open_folder
    from simcore.study.layers import load_networks, read_networks, select, told_apart
    from simcore.study.networks import study_networks

    _require_figures("networks", no_figures)
    parts = _parts(cpu)
    shipped = select(load_networks(), only) if only or not files else ()
    chosen = told_apart((*read_networks(files), *shipped))
    with open_folder(output, "networks", parts) as folder:
        with opened_store(store, "mcusim study --store") as shelf, _progress("networks") as tally:
            result = study_networks(
                parts,
                chosen,
                folder.store,
                jobs=jobs,
                scheduler=scheduler,
                shelf=shelf,
                progress=tally,
            )
        from simcore.study.network_figures import figures

        _write_all(folder, "networks", FORMATS, partial(render, result))
        _write_figures(folder, () if no_figures else figures(result))
    write_stdout(render(result, "text", look(None, color)))
    _tell_end(tally, output, verbose)


@study.command(short_help="How operations and parameters rank networks by cost.")
@click.option(
    "--networks",
    "count",
    type=click.IntRange(2, 10_000),
    default=50,
    show_default=True,
    metavar="N",
    help="Random networks that are run whole.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Which random networks are drawn."
)
@_study_options("study-ranking")
def ranking(
    count: int,
    seed: int,
    cpu: str,
    output: str,
    jobs: int | None,
    scheduler: str | None,
    no_figures: bool,
    store: str | None,
    color: ColorChoice,
    verbose: bool,
) -> None:
    """Draw random networks, run them whole, and rank them by what is known without a run.

    \b
    mcusim study ranking
    mcusim study ranking --networks 200 --cpu stm32h743 -o ranking-h7

    Networks are DS-CNNs of 4 to 12 blocks, widths 8 to 256, strides 1 and 2 and three inputs, as
    far as they fit the part. Kendall's tau of operations, parameters, activation memory and the sum
    of layers (simcore.estimate) against latency and energy of whole runs, and how far that sum is
    off. A second or two for each network, once their layers are known.
    """
    from simcore.estimation.bench import Target
    from simcore.estimation.estimator import Estimator
    from simcore.report.studies.ranking import FORMATS, render
    from simcore.search.ranking import study_ranking
    from simcore.study.folder import open_folder

    _require_figures("ranking", no_figures)
    parts = _parts(cpu)
    if len(parts) != 1:
        raise click.BadParameter("a ranking is of one part", param_hint="--cpu")
    with open_folder(output, f"ranking {count} {seed}", parts) as folder:
        with (
            opened_store(store, "mcusim study --store") as shelf,
            Estimator(
                Target(cpu=parts[0]), jobs=jobs, scheduler=scheduler, shelf=shelf
            ) as estimator,
            _progress("networks") as tally,
        ):
            result = study_ranking(
                parts[0],
                count,
                seed,
                folder.store,
                jobs=jobs,
                scheduler=scheduler,
                shelf=shelf,
                estimator=estimator,
                progress=tally,
            )
        from simcore.search.ranking_figure import figures

        _write_all(folder, "ranking", FORMATS, partial(render, result))
        _write_figures(folder, () if no_figures else figures(result))
    write_stdout(render(result, "text", look(None, color)))
    _tell_end(tally, output, verbose)


def _require_figures(command: str, no_figures: bool) -> None:
    if not no_figures:
        require("study", f"mcusim study {command}", "--no-figures for the tables alone")


def _parts(cpu: str) -> list[str]:
    """The parts that --cpu names, each checked. Raises ModelError or ConfigError."""
    from simcore.cpu_model import load_cpu_model

    parts = list(dict.fromkeys(part.strip() for part in cpu.split(",") if part.strip()))
    if not parts:
        raise click.BadParameter("it names no part", param_hint="--cpu")
    names = [load_cpu_model(part).name for part in parts]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"--cpu names '{name}' twice; give the model file another name")
    return parts


def _write_all(
    folder: StudyFolder,
    stem: str,
    formats: Iterable[str],
    render: Callable[[str, RenderOptions], str],
) -> None:
    """Write the tables in all formats."""
    from simcore.report import RenderOptions

    for name in formats:
        suffix = "txt" if name == "text" else name
        folder.write(f"{stem}.{suffix}", render(name, RenderOptions()).encode())


def _write_figures(folder: StudyFolder, figures: Iterable[tuple[str, bytes]]) -> None:
    """Write the figures and take away those of an earlier study that are none of this one's."""
    written = {folder.write(f"{FIGURES}/{name}", data) for name, data in figures}
    for suffix in ("png", "svg"):
        for old in (folder.path / FIGURES).glob(f"*.{suffix}"):
            if old not in written:
                old.unlink()


class _Tally:
    """Called with the number of finished runs and of all; keeps what was there at the start."""

    def __init__(self, show: Callable[[int, int], None] | None) -> None:
        self.kept: int | None = None
        self.all = 0
        self._show = show

    def __call__(self, done: int, total: int) -> None:
        if self.kept is None:
            self.kept, self.all = done, total
        if self._show is not None:
            self._show(done, total)


@contextmanager
def _progress(what: str) -> Iterator[_Tally]:
    """A bar on a terminal, nothing elsewhere."""
    if not is_terminal(sys.stderr):
        yield _Tally(None)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield _Tally(lambda done, total: bar.update(task, completed=done, total=total))


def _tell_end(tally: _Tally, output: str, verbose: bool) -> None:
    if verbose:
        tell_line(f"{tally.kept} of {tally.all} runs were there already")
    tell_line(f"what the study wrote is in {output}")
