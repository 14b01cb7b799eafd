"""`mcusim search`: networks of a space by what they would cost, under limits."""

from __future__ import annotations

from dataclasses import replace

import click

from simcore.cli.options import cache_option, look_options, report_options
from simcore.cli.output import ColorChoice
from simcore.cli.progress import runs_progress
from simcore.cli.running import look, tell_line
from simcore.cli.sandbox import sandbox_option
from simcore.cli.stored import opened_store, store_option
from simcore.cli.workers import workers_options
from simcore.extras import require
from simcore.files import destination

FORMATS = ("text", "json", "csv", "html")


@click.command(short_help="Search networks by what they would cost.")
@click.argument("space", metavar="SPACE.toml")
@click.option("--seed", type=int, default=1, show_default=True, help="Which networks are tried.")
@click.option(
    "--trials",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Networks to try [default: that of the file, else 100].",
)
@click.option(
    "--score",
    metavar="NAME|MODULE:FUNCTION",
    help="What judges a network instead of what the file says: parameters, macs, or a Python"
    " function that is given its layer list and gives a number, the larger the better.",
)
@click.option(
    "--interpolate",
    is_flag=True,
    help="Run some layers of each kind and interpolate those whose channels lie between.",
)
@workers_options("Executions of layers at a time")
@store_option
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Networks of the front in the text; 0 for all.",
)
@cache_option
@report_options(FORMATS, "Write the report to FILE.")
@look_options
@sandbox_option
def search(
    space: str,
    seed: int,
    trials: int | None,
    score: str | None,
    interpolate: bool,
    jobs: int | None,
    scheduler: str | None,
    store: str | None,
    top: int,
    use_cache: bool,
    format_name: str,
    output: str | None,
    color: ColorChoice,
    verbose: bool,
) -> None:
    """Search a space of networks for those that cost least and score most, within limits.

    \b
    mcusim search space.toml
    mcusim search space.toml --seed 7 --trials 500 --format html -o front.html
    mcusim search space.toml --score mine:accuracy --interpolate

    SPACE.toml has [space] (family ds-cnn, mobilenet, resnet or autoencoder; inputs, blocks, widths,
    strides), [limits] (latency, energy, flash, peak_activation and more) and [search] (score,
    objectives, trials, cpu, clock). Costs are sums of layers, each run once and remembered. The
    score's module is looked for beside the file, and its code is run. The same seed gives the same
    report. Needs the extra mcusim[search].
    """
    from simcore.estimation.estimator import Estimator
    from simcore.report.studies.search import render
    from simcore.search.searching import search as run
    from simcore.search.spec import read_spec

    spec = read_spec(space)
    spec = replace(
        spec,
        trials=trials or spec.trials,
        score=score or spec.score,
        interpolate=interpolate or spec.interpolate,
    )
    require("search", "mcusim search")
    with (
        opened_store(store, "mcusim search --store") as shelf,
        destination(output, [space]) as write,
        Estimator(
            spec.target,
            jobs=jobs,
            scheduler=scheduler,
            interpolate=spec.interpolate,
            cache=use_cache,
            shelf=shelf,
        ) as estimator,
    ):
        with runs_progress(0, "networks") as progress:
            found = run(spec, seed, estimator=estimator, progress=progress.tell)
        write(render(found, format_name, look(output, color, top=top)))
    if verbose:
        tell_line(f"{estimator.ran} layers were run, {len(estimator.memo)} are known")
