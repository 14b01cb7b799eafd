"""`mcusim profile`: run an ELF and report what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from simcore.cache import open_room
from simcore.cli.energy_sweep import sweep, sweep_options
from simcore.cli.options import (
    cache_option,
    layout_option,
    look_options,
    part_options,
    place_option,
    report_options,
    run_options,
    uncertainty_option,
    verify_options,
)
from simcore.cli.profiles import (
    Form,
    refuse_destination,
    report_look,
    report_runs,
    table_options,
)
from simcore.cli.running import input_files, program_streams, show_again, tell_line
from simcore.cli.stored import opened_store, store_option
from simcore.errors import ExitCode
from simcore.report.profile import FORMATS

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.kept.stored import StoredProfiles


@click.command(short_help="Run an ELF, or a network's .tflite, and report what it cost.")
@click.argument("elf", metavar="ELF")
@click.argument("args", nargs=-1, metavar="[-- ARGS...]")
@part_options("; several with commas")
@place_option
@layout_option
@uncertainty_option
@report_options(FORMATS)
@sweep_options
@table_options
@run_options
@cache_option
@store_option
@verify_options
@look_options
def profile(
    elf: str,
    args: tuple[str, ...],
    cpu: str,
    energy_sweep: bool,
    deadline: float | None,
    use_cache: bool,
    store: str | None,
    **run: Any,
) -> ExitCode:
    """Run ELF on the model of a Cortex-M7 part and report cycles, energy and memory traffic.

    \b
    mcusim profile kernel.elf
    mcusim profile firmware.elf --cpu stm32f746 --clock 100MHz -- first-argument
    mcusim profile kernel.elf --op 'conv*' --format json -o kernel.json
    mcusim profile kernel.elf --format html -o kernel.html
    mcusim profile kernel.elf --format callgrind -o callgrind.out.kernel
    mcusim profile kernel.elf --cpu stm32f746,stm32h743
    mcusim profile kernel.elf --set core.dcache.size=16K --caches on
    mcusim profile kernel.elf --place 'conv*=itcm' --place weights=dtcm --layout-sweep
    mcusim profile kernel.elf --energy-sweep --deadline 10ms
    mcusim profile network.tflite --input picture.npy --verify

    The report goes to stdout and everything else to stderr, what the program prints too. With
    -o FILE the report goes to the file and what the program prints to stdout. With several parts
    the report compares them; JSON is then a list of profiles.
    """
    from simcore.kept.profiles import Kept
    from simcore.kept.reports import KeptReports
    from simcore.run.spec import RunSpec

    form = Form.taken_from(run)
    parts = [part.strip() for part in cpu.split(",") if part.strip()]
    if not parts:
        raise click.BadParameter("it names no part", param_hint="--cpu")
    form.refuse_unused()
    if energy_sweep:
        if store is not None:
            raise click.UsageError("--store keeps profiles, and --energy-sweep makes none")
        run |= {"args": args, "deadline_s": deadline, "cache": use_cache}
        return sweep(elf, parts, form.format_name, form.output, form.color, run)
    if deadline is not None:
        raise click.UsageError("--deadline goes with --energy-sweep")
    refuse_destination(form.format_name, form.output, parts)
    form.ask_for_tables(run)
    spec, printed = RunSpec(elf=elf, args=args, **run), bytearray()
    kept = Kept(open_room(use_cache))
    reports = KeptReports(
        kept.room, [replace(spec, cpu=part) for part in parts], form.format_name, report_look(form)
    )
    if store is None and form.format_name != "html" and (known := reports.load()) is not None:
        return show_again(known, form.format_name, form.output, input_files())
    stored: StoredProfiles | None = None
    home = None
    if len(parts) > 1:
        from simcore.profiler import part_linked_for

        home = part_linked_for(spec, parts)

    def run_on(part: str, **hooks: Any) -> Profile:
        linked_for = None if part == home else home
        with program_streams(form.output, spec.max_instructions, printed) as streams:
            on_part = replace(spec, cpu=part, linked_for=linked_for)
            return (stored or kept).profile(on_part, **hooks, **streams)

    def keep(warnings: Sequence[str], made: str | bytes) -> None:
        if len(kept.runs) == len(parts):  # all of them are kept themselves
            found = [file for run in kept.runs for file in run.found]
            reports.keep(found, b"".join(run.printed for run in kept.runs), warnings, made)

    runs = [partial(run_on, part) for part in parts]
    with opened_store(store, "mcusim profile --store") as opened:
        if opened is not None:
            from simcore.kept.stored import StoredProfiles

            stored = StoredProfiles(kept, opened)
        status = report_runs(
            form,
            runs,
            lambda: bytes(printed),
            spec.verbose,
            lambda: kept.read_back < len(runs),
            keep,
            program=elf,
        )
        for line in () if stored is None else stored.unstored:
            tell_line(line)
    if spec.verbose and kept.room.trouble is not None:
        tell_line(kept.room.trouble)
    return status
