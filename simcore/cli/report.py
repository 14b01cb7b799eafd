"""`mcusim report`: a document that was saved as JSON in another format; nothing runs."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from simcore.cli.advise import ROWS
from simcore.cli.annotate import PIPE_WIDTH, TABLE_ROWS
from simcore.cli.options import color_option, demangle_option, link_options
from simcore.cli.output import ColorChoice
from simcore.cli.profiles import (
    explain_option,
    inlines_option,
    objects_option,
    refuse_destination,
    refuse_unused_links,
    source_links,
    weight_option,
)
from simcore.cli.running import input_files, look, on_command_line, tell_warnings
from simcore.errors import ExitCode, nearest
from simcore.files import destination
from simcore.report import check, profile

if TYPE_CHECKING:
    from simcore.report.saved import Saved

#: The formats of all kinds of documents.
FORMATS = tuple(dict.fromkeys((*profile.FORMATS, *check.FORMATS)))
#: Options that only one format obeys, and the documents that do.
_OBEYED = {
    "section": ("csv", ("profile", "comparison")),
    "weight": ("collapsed", ("profile",)),
    "top": ("text", ("profile", "comparison", "annotation", "advice")),
    "objects": ("text", ("profile",)),
    "explain": ("text", ("profile",)),
    "source_url": ("html", ("profile",)),
    "source_commit": ("html", ("profile",)),
}
#: How the command that wrote a document lets its text look, where not as a profile's.
_LOOKS = {"annotation": {"pipe_width": PIPE_WIDTH, "top": TABLE_ROWS}, "advice": {"top": ROWS}}


@click.command(short_help="Show a saved JSON document in another format.")
@click.argument("file", metavar="FILE.json")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    metavar="NAME",
    default="text",
    show_default=True,
    help=f"Form of the report, as far as the document has it: {', '.join(FORMATS)}.",
)
@click.option("-o", "--output", metavar="FILE", help="Write the report to FILE.")
@click.option(
    "--section",
    metavar="NAME",
    help="Table of a profile or comparison that --format csv writes [default: functions].",
)
@weight_option
@click.option(
    "--top",
    type=click.IntRange(min=0),
    metavar="N",
    help="Rows of the text report's long tables; 0 for all. As the command that wrote the document"
    " has it if not given.",
)
@objects_option
@explain_option
@link_options
@demangle_option
@inlines_option
@color_option
def report(
    file: str,
    format_name: str,
    output: str | None,
    color: ColorChoice,
    demangle: bool,
    **form: Any,
) -> ExitCode:
    """Show a JSON document that mcusim wrote in another format. Nothing runs, and no ELF is needed.

    \b
    mcusim profile kernel.elf --instructions --timeline --format json -o kernel.json
    mcusim report kernel.json
    mcusim report kernel.json --format html -o kernel.html
    mcusim report kernel.json --format trace -o kernel.trace.json
    mcusim report check.json --format junit -o mcusim.xml

    A profile has the formats of 'mcusim profile'. It holds --instructions for callgrind and pprof,
    --timeline for trace and --coverage for lcov if it was made with them. What a format shows
    beside that is left out, and a line says so. The documents of annotate, compare, check, whatif,
    advise, study and --energy-sweep have the formats of the command that wrote them; check those of
    --report, too. The exit status does not judge: the command that wrote the document did.
    """
    from simcore.report.saved import load

    given = on_command_line(form)
    inlines = given.pop("inlines", None)
    saved = load(file)
    if not demangle:
        saved = saved.with_symbols()
    _refuse_unused(saved, format_name, given)
    if inlines is not None:
        saved = _with_inlines(saved, format_name, inlines)
    refuse_destination(format_name, output, ())
    url, commit = given.pop("source_url", None), given.pop("source_commit", None)
    refuse_unused_links(format_name, url, commit)
    links = source_links(url, commit)
    with destination(output, input_files()) as write:
        options = look(output, color, **(_LOOKS.get(saved.kind.noun, {}) | given))
        options = replace(options, inlines=bool(inlines), links=links)
        text, lacking = saved.render(format_name, options)
        write(text)
    found = [getattr(document, "warnings", ()) for document in saved.documents]
    tell_warnings([*chain.from_iterable(found), *lacking], format_name, output)
    return ExitCode.OK


def _with_inlines(saved: Saved, format_name: str, wanted: bool) -> Saved:
    """The document, without inlined functions if not wanted. Raises UsageError."""
    if saved.kind.noun != "profile":
        raise click.UsageError(f"{saved.name} ({saved.kind.noun}) has no use for --inlines")
    if format_name not in (*profile.INLINING, "text"):
        shown = ", ".join(profile.INLINING)
        raise click.UsageError(f"--inlines and --no-inlines go with --format text, {shown}")
    if wanted:
        return saved
    return replace(saved, documents=tuple(replace(one, inlines=None) for one in saved.documents))


def _refuse_unused(saved: Saved, format_name: str, given: dict[str, Any]) -> None:
    """Refuse a format that the document has not, and options that it would ignore.

    Raises UsageError.
    """
    several = len(saved.documents) > 1
    what = f"{len(saved.documents)} profiles" if several else saved.kind.noun
    if format_name not in saved.formats:
        raise click.UsageError(
            f"{saved.name} ({what}) has no format {format_name}; it has {', '.join(saved.formats)}"
        )
    for name in given:
        only, nouns = _OBEYED[name]
        if format_name != only:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --format {only}")
        if several or saved.kind.noun not in nouns:
            raise click.UsageError(
                f"{saved.name} ({what}) has no use for --{name.replace('_', '-')}"
            )
    if "section" in given:
        sections: tuple[str, ...] = saved.kind.renderer.SECTIONS
        if given["section"] not in sections:
            close = nearest(given["section"], sections) or f"; it has {', '.join(sections)}"
            raise click.UsageError(
                f"{saved.name} ({what}) has no table '{given['section']}'{close}"
            )
