"""`mcusim check`: run ELFs, compare them with a baseline and with limits, and report to a CI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simcore.cli.check_gates import gate_options, gates, tell_gates
from simcore.cli.check_reports import parse_reports, refuse_one_file_twice, write_reports
from simcore.cli.options import (
    cache_option,
    layout_option,
    look_options,
    op_options,
    part_options,
    place_option,
    report_options,
    run_options,
    scope_options,
    source_options,
    uncertainty_option,
)
from simcore.cli.output import ColorChoice
from simcore.cli.progress import runs_progress
from simcore.cli.running import (
    ProgramCommand,
    goes_to_file,
    input_files,
    look,
    on_command_line,
    tell_line,
)
from simcore.cli.stored import opened_store, store_option
from simcore.cli.workers import workers_options
from simcore.errors import ConfigError, ExitCode, McusimError
from simcore.files import InputAsOutputError, destination, refuse_inputs
from simcore.log_text import error_line
from simcore.report.check import REPORTS, render

if TYPE_CHECKING:
    from simcore.checking.plans import RunPlan, Settings
    from simcore.checking.results import CheckResult
    from simcore.checking.session import Checked, Request

_KINDS = ", ".join(REPORTS)


@click.command(cls=ProgramCommand, short_help="Compare ELFs with a baseline and with limits.")
@click.argument("elfs", nargs=-1, metavar="[ELF|PATTERN]... [-- ARGS...]")
@click.option(
    "--baseline",
    metavar="NAME",
    help="Compare with .mcusim/NAME.json [default: default]; runs that it lacks are added to it.",
)
@click.option("--no-baseline", is_flag=True, help="Compare with no baseline, only with limits.")
@click.option(
    "--save-baseline",
    metavar="NAME",
    help="Write the runs to .mcusim/NAME.json, to be committed; others in it stay.",
)
@gate_options
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="[SCOPE:]LIMITS",
    help="What a run may cost, such as cycles=5%|1M,energy=2%,stack=4096,@all=10%. Repeatable.",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND[=FILE]",
    help=f"Write a report for other tools too: {_KINDS}. Repeatable.",
)
@click.option(
    "--history",
    metavar="FILE",
    help="Add a line with the commit and its runs to FILE, for 'mcusim trend'.",
)
@click.option(
    "--bisect",
    "bisection",
    nargs=3,
    metavar="'BUILD COMMAND' GOOD BAD",
    help="Find the commit between GOOD and BAD that breaks a limit against GOOD: each is built with"
    " the command, in a work tree of its own, by git bisect.",
)
@click.option(
    "--config",
    metavar="FILE",
    help="Settings: mcusim.toml, or [tool.mcusim] of pyproject.toml, of this folder if not given.",
)
@part_options()
@place_option
@layout_option
@uncertainty_option
@report_options(("text", "json", "none"), "Write the report to FILE.")
@scope_options
@op_options
@workers_options("Runs at a time")
@store_option
@source_options
@run_options
@cache_option
@look_options
def check(
    elfs: tuple[str, ...],
    args: tuple[str, ...],
    reports: tuple[str, ...],
    history: str | None,
    bisection: tuple[str, str, str] | None,
    format_name: str,
    output: str | None,
    color: ColorChoice,
    verbose: bool,
    **given: Any,
) -> ExitCode:
    """Run ELFs and fail when one is slower, hungrier or larger than its baseline or limits allow.

    \b
    mcusim check build/*.elf --save-baseline main
    mcusim check build/*.elf --baseline main
    mcusim check build/*.elf --limit cycles=2%,stack=4096 --limit 'conv*:cycles=1.5M'
    mcusim check build/*.elf --limit function=dot:cycles=0% --limit op=conv1:energy=2mJ
    mcusim check firmware.elf --limit 'stack=4096,irq=TIM2:latency=5us'
    mcusim check firmware.elf --limit 'task=audio:response=1ms,stack=512,cycles=5%'
    mcusim check --report junit=mcusim.xml --report github-summary
    mcusim check --history .mcusim/history.jsonl
    mcusim check build/k.elf --limit cycles=2% --bisect 'make -j' v1.2 HEAD
    mcusim check nn.elf -- conv2d_s8 h=16 w=16
    mcusim check --explain

    The baseline is plain JSON that is meant to be committed. Results are exact, so by default any
    increase of cycles, energy or stack fails; a limit on a metric replaces that. A percentage is
    against the baseline, a bare number is absolute; a SCOPE is a pattern of runs, function=NAME,
    op=NAME, irq=NAME or task=NAME, or elf=PATTERN:function=NAME. Metrics: cycles, active-cycles,
    cycles.CAUSE, instructions, time, energy, stack, heap, load, ram, reads, writes, icache-misses,
    dcache-misses, mispredicts and @all; of irq latency, response, count and lost; of task cycles,
    instructions, energy, switches, wait, response, woken and stack. Of a program that sleeps,
    limits on cycles are on active cycles. Improvements never fail, unless below a lower limit such
    as instructions=-20%. A run without baseline passes and is added to it; in CI, where CI is set,
    it fails, as does one that the baseline knows and that did not run.

    Exit status: 0 within limits, 3 a limit is broken, 1, 4 or 5 when a program did not end well,
    2 for wrong usage and for runs that are not comparable with their baseline.
    """
    if bisection is not None:
        if given["store"] is not None:
            raise click.UsageError("--bisect builds each commit anew: it does not go with --store")
        from simcore.cli.bisect import find_commit

        return find_commit(elfs, args, bisection, given, (*reports, history), output)
    wanted = parse_reports(reports)
    shown = None if output is None or format_name == "none" else output
    refuse_one_file_twice(
        [
            (f"-o {output}", shown),
            ("--history", history),
            *((f"--report {kind}={file}", file) for kind, file in wanted),
        ]
    )
    failure: McusimError | click.ClickException | None = None
    problems: list[str] = []
    inputs = input_files()
    try:
        request = request_of(elfs, args, given)
        inputs += request.files
        for file in (output, history, *(file for _, file in wanted)):
            refuse_inputs(file, [*inputs, *([request.baseline] if request.baseline else ())])
        refuse_inputs(None if request.save is None else str(request.save), inputs)
        if given["explain"]:
            from simcore.cli.check_explain import plan_text

            with destination(output) as write:
                write(plan_text(request, look(output, color)))
            return ExitCode.OK
        checked = _check(request, given["store"])
        result = checked.result
        try:
            result = checked.save()
        except ConfigError as error:
            result = replace(result, saved=None)
            problems.append(str(error))
        problems += _write_report(result, format_name, output, color)
        problems += _add_to_history(checked, history)
    except InputAsOutputError:
        raise
    except (McusimError, click.ClickException) as error:
        from simcore.checking.session import failed_check

        failure = error
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        result = failed_check(text)
    to_stdout = format_name == "none" or goes_to_file(output)
    problems += write_reports(result, wanted, inputs, to_stdout)
    for problem in problems:
        click.echo(error_line(problem), err=True)
    if failure is not None:
        raise failure
    _tell_verdict(result, verbose)
    return ExitCode.USAGE if problems else result.exit_code


def _check(request: Request, store: str | None) -> Checked:
    from simcore.checking.session import check as run_check

    with (
        opened_store(store, "mcusim check --store") as opened,
        runs_progress(len(request.plans)) as progress,
    ):
        if opened is not None:
            from simcore.kept.stored import CheckedRuns

            request = replace(request, store=CheckedRuns(opened, request.plans[0].cache))
        return run_check(request, lambda plan: progress())


def request_of(
    elfs: Sequence[str],
    args: Sequence[str],
    given: dict[str, Any],
    settings: Settings | None = None,
) -> Request:
    """What the command line and the settings, those of --config when None, ask for.

    Raises ConfigError or UsageError.
    """
    from simcore.annotation.sources import SourcePlaces
    from simcore.cache import open_room
    from simcore.checking import baselines
    from simcore.checking.limits import check_comparing, check_runs, parse_limits
    from simcore.checking.plans import plans_of
    from simcore.checking.session import Request
    from simcore.kept import profile as read_back

    if given["no_baseline"] and (given["baseline"] or given["save_baseline"]):
        raise click.UsageError("--no-baseline does not go with --baseline or --save-baseline")
    limits = [tuple(parse_limits(text, "--limit")) for text in given["limits"]]
    if given["no_baseline"]:
        check_comparing((one for group in limits for one in group), "--no-baseline compares none")
    settings = _settings(given["config"]) if settings is None else settings
    said = on_command_line(given)
    settings = replace(settings, common=_replaced(settings.common, said))
    settings = replace(settings, runs=tuple(_replaced(run, said) for run in settings.runs))
    folder = settings.folder / baselines.FOLDER
    save, compare_with = given["save_baseline"], given["baseline"]
    named = bool(compare_with)
    if compare_with is None and save is None and not given["no_baseline"]:
        named = settings.baseline is not None
        compare_with = settings.baseline or baselines.DEFAULT
    sources = SourcePlaces(given["source_dirs"], given["source_maps"])
    room = open_room(given["use_cache"])
    plans = tuple(
        replace(plan, sources=sources, cache=room) for plan in plans_of(elfs, settings, args)
    )
    relative = [x.text for group in settings.limits for x in group if x.percent is not None]
    unjudged = []
    if given["no_baseline"] and relative:
        unjudged = [f"not judged, as --no-baseline compares none: limit {', '.join(relative)}"]
    everything = (*(() if elfs else settings.limits), *limits)
    check_runs([limit for group in everything for limit in group], [plan.name for plan in plans])
    return Request(
        plans=plans,
        limits=(*settings.limits, *limits),
        baseline=None if compare_with is None else baselines.baseline_path(folder, compare_with),
        save=None if save is None else baselines.baseline_path(folder, save),
        jobs=given["jobs"] or 0,
        scheduler=given["scheduler"],
        files=(*settings.files, *(name for plan in plans for name in plan.files)),
        named=named,
        whole=not elfs,
        listed=tuple(run.name for run in settings.runs),
        notes=(*settings.notes, *unjudged),
        read_back=read_back,
        **gates(given, folder, [plan.elf for plan in plans]),
    )


def _settings(config: str | None) -> Settings:
    from simcore.checking.plans import Settings
    from simcore.checking.settings import find_settings, load_settings

    path = find_settings(Path()) if config is None else Path(config)
    return Settings() if path is None else load_settings(path)


def _replaced(plan: RunPlan, said: dict[str, Any]) -> RunPlan:
    """A plan with what stands on the command line in place of what the settings say."""
    own = {field.name for field in fields(plan)}
    return plan.replaced({name: value for name, value in said.items() if name in own})


def _add_to_history(checked: Checked, history: str | None) -> list[str]:
    """Add the runs to a history; what went wrong, a line each."""
    if history is None or not checked.summaries:
        return []
    from simcore.checking.history import append, new_entry
    from simcore.repository import commit_here

    try:
        append(Path(history), new_entry(commit_here(), checked.summaries))
    except ConfigError as error:
        return [str(error)]
    return []


def _write_report(
    result: CheckResult, format_name: str, output: str | None, color: ColorChoice
) -> list[str]:
    """Write the report of --format; what went wrong, a line each."""
    if format_name == "none":
        return []
    try:
        with destination(output) as write:
            write(render(result, format_name, look(output, color)))
    except ConfigError as error:
        return [str(error)]
    return []


def _tell_verdict(result: CheckResult, verbose: bool) -> None:
    """How it went, on stderr: a line for each run that failed, then one for all."""
    from simcore.checking.results import reason_text, verdict

    for run in result.runs:
        if run.exit_code is not ExitCode.OK:
            because = f"; because of {reason_text(run.blamed)}" if run.blamed else ""
            tell_line(f"{run.name}: {verdict(run)}{because if run.status == 'failed' else ''}")
        elif verbose or run.doubts:
            tell_line(f"{run.name}: {verdict(run)}")
    bad = sum(run.exit_code is not ExitCode.OK for run in result.runs)
    new = sum(run.status == "new" for run in result.runs)
    improved = sum(run.exit_code is ExitCode.OK and bool(run.improvements) for run in result.runs)
    number = len(result.runs)
    words = [f"{bad} of {number} failed" if bad else f"{number} within limits"]
    if improved:
        words.append(f"{improved} improved")
    if new:
        words.append(f"{new} without baseline")
    tell_line(", ".join(words))
    tell_gates(result)
