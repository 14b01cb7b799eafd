"""`mcusim check`: run ELFs, compare them with a baseline and with limits, and report to a CI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simcore.cli.check_reports import parse_reports, write_reports
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
    input_files,
    look,
    on_command_line,
    tell_line,
)
from simcore.errors import ConfigError, ExitCode, McusimError
from simcore.files import InputAsOutputError, destination, refuse_inputs
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
    help="Write the runs to .mcusim/NAME.json, to be committed.",
)
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
    "--config",
    metavar="FILE",
    help="Settings: mcusim.toml, or [tool.mcusim] of pyproject.toml, of this folder if not given.",
)
@part_options()
@place_option
@layout_option
@uncertainty_option
@report_options(("text", "json"), "Write the report to FILE.")
@scope_options
@op_options
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Runs at a time; the number of processors if not given.",
)
@source_options
@run_options
@cache_option
@look_options
def check(
    elfs: tuple[str, ...],
    args: tuple[str, ...],
    reports: tuple[str, ...],
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
    mcusim check nn.elf -- conv2d_s8 h=16 w=16

    The baseline is plain JSON that is meant to be committed. Results are exact, so by default any
    increase of cycles, energy or stack fails; a limit on a metric replaces that. A percentage is
    against the baseline, a bare number is absolute; a SCOPE is a pattern of runs, function=NAME,
    op=NAME, irq=NAME or task=NAME, or elf=PATTERN:function=NAME. Metrics: cycles, active-cycles,
    cycles.CAUSE, instructions, time, energy, stack, heap, load, ram, reads, writes, icache-misses,
    dcache-misses, mispredicts and @all; of irq latency, response, count and lost; of task cycles,
    instructions, energy, switches, wait, response, woken and stack. Of a program that sleeps,
    limits on cycles are on active cycles. Improvements never fail. A run without baseline passes
    and is added to it.

    Exit status: 0 within limits, 3 a limit is broken, 1, 4 or 5 when a program did not end well,
    2 for wrong usage and for runs that are not comparable with their baseline.
    """
    wanted = parse_reports(reports)
    failure: McusimError | click.ClickException | None = None
    problems: list[str] = []
    inputs = input_files()
    try:
        request = _request(elfs, args, given)
        inputs += request.files
        for file in (output, *(file for _, file in wanted)):
            refuse_inputs(file, [*inputs, *([request.baseline] if request.baseline else ())])
        refuse_inputs(None if request.save is None else str(request.save), inputs)
        checked = _check(request)
        result = checked.result
        if not_written := _save(checked):
            result = replace(result, saved=None)
            problems += not_written
        problems += _write_report(result, format_name, output, color)
    except InputAsOutputError:
        raise
    except (McusimError, click.ClickException) as error:
        from simcore.checking.session import failed_check

        failure = error
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        result = failed_check(text)
    problems += write_reports(result, wanted, inputs)
    for problem in problems:
        click.echo(f"mcusim: error: {' '.join(problem.split())}", err=True)
    if failure is not None:
        raise failure
    _tell_verdict(result, verbose, given["save_baseline"])
    return ExitCode.USAGE if problems else result.exit_code


def _check(request: Request) -> Checked:
    from simcore.checking.session import check as run_check

    with runs_progress(len(request.plans)) as progress:
        return run_check(request, lambda plan: progress())


def _request(elfs: Sequence[str], args: Sequence[str], given: dict[str, Any]) -> Request:
    """What the command line and the settings ask for. Raises ConfigError or UsageError."""
    from simcore.annotation.sources import SourcePlaces
    from simcore.cache import open_room
    from simcore.checking import baselines
    from simcore.checking.limits import check_runs, parse_limits
    from simcore.checking.plans import plans_of
    from simcore.checking.session import Request

    if given["no_baseline"] and (given["baseline"] or given["save_baseline"]):
        raise click.UsageError("--no-baseline does not go with --baseline or --save-baseline")
    limits = [tuple(parse_limits(text, "--limit")) for text in given["limits"]]
    settings = _settings(given["config"])
    said = on_command_line(given)
    settings = replace(settings, common=_replaced(settings.common, said))
    settings = replace(settings, runs=tuple(_replaced(run, said) for run in settings.runs))
    folder = settings.folder / baselines.FOLDER
    save, compare_with = given["save_baseline"], given["baseline"]
    if compare_with is None and save is None and not given["no_baseline"]:
        compare_with = settings.baseline or baselines.DEFAULT
    sources = SourcePlaces(given["source_dirs"], given["source_maps"])
    room = open_room(given["use_cache"])
    plans = tuple(
        replace(plan, sources=sources, cache=room) for plan in plans_of(elfs, settings, args)
    )
    check_runs([limit for group in limits for limit in group], [plan.name for plan in plans])
    return Request(
        plans=plans,
        limits=(*settings.limits, *limits),
        baseline=None if compare_with is None else baselines.baseline_path(folder, compare_with),
        save=None if save is None else baselines.baseline_path(folder, save),
        jobs=given["jobs"] or 0,
        files=(*settings.files, *(name for plan in plans for name in plan.files)),
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


def _save(checked: Checked) -> list[str]:
    """Write the baseline; what went wrong, a line each."""
    if checked.to_save is None or checked.result.saved is None:
        return []
    target = Path(checked.result.saved)
    try:
        target.parent.mkdir(exist_ok=True)
        with destination(str(target)) as write:
            write(checked.to_save.to_json())
    except OSError as error:
        return [f"{target}: cannot write the baseline: {error.strerror}"]
    except ConfigError as error:
        return [str(error)]
    return []


def _write_report(
    result: CheckResult, format_name: str, output: str | None, color: ColorChoice
) -> list[str]:
    """Write the report of --format; what went wrong, a line each."""
    try:
        with destination(output) as write:
            write(render(result, format_name, look(output, color)))
    except ConfigError as error:
        return [str(error)]
    return []


def _other_baselines(path: Path) -> list[str]:
    """Names of the baselines beside one: whoever mistyped a name sees the right one."""
    return sorted(other.stem for other in path.parent.glob("*.json") if other.name != path.name)


def _tell_verdict(result: CheckResult, verbose: bool, wanted: str | None) -> None:
    """How it went, on stderr: a line for each run that failed, then one for all.

    ``wanted`` is the baseline that was asked for to be written.
    """
    from simcore.checking.results import reason_text, verdict

    for run in result.runs:
        if run.exit_code is not ExitCode.OK:
            because = f"; because of {reason_text(run.blamed)}" if run.blamed else ""
            tell_line(f"{run.name}: {verdict(run)}{because if run.status == 'failed' else ''}")
        elif verbose:
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
    if result.saved is not None:
        tell_line(f"baseline written to {result.saved}: commit it")
        if not wanted and new == number and (others := _other_baselines(Path(result.saved))):
            tell_line(f"there are other baselines beside it: {', '.join(others)}")
