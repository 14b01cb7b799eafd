"""`mcusim compare`: what changed from one profile, or program, to another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simcore.cli.options import (
    cache_option,
    layout_option,
    link_options,
    look_options,
    op_options,
    part_options,
    place_option,
    report_options,
    run_options,
    scope_options,
)
from simcore.cli.output import ColorChoice
from simcore.cli.profiles import refuse_unused_links, source_links
from simcore.cli.running import (
    ProgramCommand,
    input_files,
    look,
    on_command_line,
    program_streams,
    tell_end,
    tell_line,
    tell_warnings,
)
from simcore.errors import ConfigError, ExitCode
from simcore.files import destination, head_of
from simcore.report.comparison import FORMATS, SECTIONS, render

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.kept.profiles import Kept
    from simcore.run.spec import RunSpec

#: A change of cycles below this part may be what alignment alone makes: the layout band is asked.
SMALL_CHANGE = 0.1


@click.command(cls=ProgramCommand, short_help="Tell what changed between two profiles or ELFs.")
@click.argument("before", metavar="BEFORE.json|ELF")
@click.argument("after", metavar="AFTER.json|ELF")
@report_options(FORMATS, "Write the report to FILE.")
@click.option(
    "--section",
    type=click.Choice(SECTIONS),
    default=SECTIONS[0],
    show_default=True,
    help="Table that --format csv writes.",
)
@click.option(
    "--top",
    type=click.IntRange(min=0),
    metavar="N",
    default=20,
    show_default=True,
    help="Rows of the text report's long tables; 0 for all.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Compare runs that are not comparable, of two parts or clocks for instance.",
)
@part_options()
@place_option
@layout_option
@scope_options
@op_options
@run_options
@cache_option
@link_options
@look_options
def compare(
    before: str,
    after: str,
    args: tuple[str, ...],
    format_name: str,
    output: str | None,
    section: str,
    top: int,
    force: bool,
    use_cache: bool,
    source_url: str | None,
    source_commit: str | None,
    color: ColorChoice,
    verbose: bool,
    **run: Any,
) -> ExitCode:
    """Compare two profiles or programs by function, operation and cause, the largest change first.

    \b
    mcusim compare old.elf new.elf
    mcusim compare old.elf new.elf --cpu stm32h743 -- first-argument
    mcusim compare old.json new.elf --format html -o changes.html
    mcusim compare old.json new.json --format csv --section lines

    A program is run first, as 'mcusim profile --instructions' does with these options; with cycles
    that changed by less than 10 % it is also timed with its code shifted, to tell a change from
    what alignment alone makes. JSON profiles have source lines when they hold --instructions or
    --lines. Runs on different parts, clocks, models or arguments are refused unless --force is
    given. Changes below 0.1 % are grey. The exit status does not judge: 'mcusim check' does.
    """
    from simcore.cache import open_room
    from simcore.comparison.comparison import compare as compare_profiles
    from simcore.comparison.networks import network_identity, other_network
    from simcore.kept.profiles import Kept
    from simcore.run.spec import RunSpec

    files = (before, after)
    programs = [is_program(file) for file in files]
    given = on_command_line({**run, "args": args, "use_cache": use_cache})
    if not any(programs) and (unused := [name for name in given if name != "demangle"]):
        raise click.UsageError(
            f"{_option(unused[0])} is about a run, and nothing runs: both files are profiles"
        )
    refuse_unused_links(format_name, source_url, source_commit)
    links = source_links(source_url, source_commit, after if programs[1] else None)
    kept = Kept(open_room(use_cache))
    spec = RunSpec(args=args, verbose=verbose, **run)
    spec = replace(spec, instructions=True, inlines=format_name == "html")
    with destination(output, input_files()) as write:
        profiles = [
            _run(replace(spec, elf=file), output, kept) if program else _read(file, run["demangle"])
            for file, program in zip(files, programs, strict=True)
        ]
        comparison = compare_profiles(*profiles)
        if (other := other_network(*map(network_identity, profiles))) is not None:
            tell_warnings([other], format_name, "")
        if comparison.unlike and not force:
            raise ConfigError(
                f"{before} and {after} are not comparable: {'; '.join(comparison.unlike)}"
                " (--force compares them all the same)"
            )
        (cycles,) = (row for row in comparison.metrics if row.metric == "cycles")
        if any(programs) and 0 < abs(cycles.relative or 0) < SMALL_CHANGE:
            shifted = replace(spec, layout_sweep=True)
            profiles = [
                _run(replace(shifted, elf=file), None, kept) if program else profile
                for file, program, profile in zip(files, programs, profiles, strict=True)
            ]
            comparison = compare_profiles(*profiles)
        options = replace(look(output, color, top=top, section=section), links=links)
        old, new = profiles
        write(render(comparison, format_name, options, (old, new)))
    if verbose:
        tell_line(
            f"{len(comparison.functions)} functions, {len(comparison.ops)} operations,"
            f" {len(comparison.lines or ())} lines compared"
        )
    ends = [ExitCode.OK]
    for file, program, profile in zip(files, programs, profiles, strict=True):
        if program:
            tell_warnings([f"{file}: {text}" for text in profile.warnings], format_name, "")
            ends.append(tell_end(profile.exit, f" ({file})"))
    return max(ends)


def is_program(file: str) -> bool:
    """Whether a file is no document, but a program that can run, whatever its name is.

    What its first bytes do not tell is a program by its name.
    """
    path = Path(file)
    try:
        head = head_of(path, 64)
    except (OSError, ValueError):  # whoever reads it says so
        return False
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return False
    if head.startswith(b"\x7fELF") or head[4:8] == b"TFL3":
        return True
    return path.suffix.lower() in (".hex", ".srec", ".s19", ".uf2", ".tflite")


def _option(name: str) -> str:
    if name == "args":
        return "what stands behind '--'"
    return f"--{name.removesuffix('_hz').removesuffix('_s').rstrip('_').replace('_', '-')}"


def _run(spec: RunSpec, output: str | None, kept: Kept) -> Profile:
    with program_streams(output, spec.max_instructions) as streams:
        return kept.profile(spec, **streams)


def _read(file: str, demangle: bool) -> Profile:
    from simcore.report.saved import load_profile

    profile = load_profile(file)
    if not demangle:
        from simcore.report.symbols import with_symbols

        profile = with_symbols(profile)
    return profile
