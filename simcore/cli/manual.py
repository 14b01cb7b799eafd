"""Manual pages in the man macros of groff, made of the help text of each command."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from simcore import __version__

SECTION = 1
HEADINGS = ("Exit status: ",)  # paragraphs that begin so have a section of their own


def pages(group: click.Group, name: str) -> Iterator[tuple[str, str]]:
    """File name and text of the page of a group and of each of its commands."""
    yield from _pages(context(group, name))


def context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    """The context in which a command describes itself, as when it is called."""
    return click.Context(command, parent, name, **command.context_settings)


def page_name(words: str) -> str:
    """The page of a command: mcusim-profile for 'mcusim profile'."""
    return words.replace(" ", "-")


def page(ctx: click.Context) -> str:
    """The page of one command."""
    return "\n".join(_lines(ctx)) + "\n"


def _pages(ctx: click.Context) -> Iterator[tuple[str, str]]:
    yield f"{page_name(ctx.command_path)}.{SECTION}", page(ctx)
    for sub in _commands(ctx):
        yield from _pages(sub)


def _commands(ctx: click.Context) -> list[click.Context]:
    """Contexts of the commands of a group, none of a plain command."""
    command = ctx.command
    if not isinstance(command, click.Group):
        return []
    found = [(name, command.get_command(ctx, name)) for name in command.list_commands(ctx)]
    return [context(sub, name, ctx) for name, sub in found if sub]


def _lines(ctx: click.Context) -> Iterator[str]:
    command, path = ctx.command, ctx.command_path
    paragraphs = _paragraphs(command.help or "")
    short = command.short_help or (paragraphs[0] if paragraphs else "")
    title = page_name(path)
    yield f'.TH {_quoted(title.upper())} {SECTION} "" {_quoted(f"mcusim {__version__}")}'
    yield ".SH NAME"
    yield f"{_text(title)} \\- {_text(short.rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield f".B {_text(path)}"
    yield _text(" ".join(command.collect_usage_pieces(ctx)))
    yield from _description(paragraphs)
    yield from _options(ctx)
    subs = _commands(ctx)
    if subs:
        yield ".SH COMMANDS"
        for sub in subs:
            yield ".TP"
            yield f".BR {_text(page_name(sub.command_path))} ({SECTION})"
            yield _text(sub.command.get_short_help_str(200))
    yield from _see_also(ctx, subs)


def _description(paragraphs: list[str]) -> Iterator[str]:
    """What the command does, then its examples, then its exit status."""
    plain = [p for p in paragraphs if not p.startswith("\b") and not p.startswith(HEADINGS)]
    yield ".SH DESCRIPTION"
    for number, paragraph in enumerate(plain):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))
    for paragraph in paragraphs:
        if paragraph.startswith("\b"):
            yield ".SH EXAMPLES"
            yield ".nf"
            yield from map(_text, paragraph.split("\n")[1:])
            yield ".fi"
    for paragraph in paragraphs:
        if paragraph.startswith(HEADINGS):
            title, _, text = " ".join(paragraph.split()).partition(": ")
            yield f".SH {title.upper()}"
            yield _text(f"{text[0].upper()}{text[1:]}")


def _options(ctx: click.Context) -> Iterator[str]:
    records = [param.get_help_record(ctx) for param in ctx.command.get_params(ctx)]
    yield ".SH OPTIONS"
    for names, text in filter(None, records):
        if not text:
            continue  # an argument, which the synopsis names and the description explains
        yield ".TP"
        yield f".B {_text(names)}"
        yield _text(" ".join(text.split()))


def _see_also(ctx: click.Context, subs: list[click.Context]) -> Iterator[str]:
    names = [] if ctx.parent is None else [ctx.parent.command_path]
    if ctx.parent is not None:
        siblings = _commands(ctx.parent)
        names += [sub.command_path for sub in siblings if sub.command_path != ctx.command_path]
    if names:
        yield ".SH SEE ALSO"
        references = [f"\\fB{_text(page_name(name))}\\fR({SECTION})" for name in names]
        yield ",\n".join(references)


def _paragraphs(text: str) -> list[str]:
    cleaned = inspect.cleandoc(text).partition("\f")[0]
    return [part.strip("\n ") for part in re.split(r"\n\s*\n", cleaned) if part.strip("\n ")]


def _text(text: str) -> str:
    """Text that groff prints as it is: no requests, no hyphens that are typographic."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text.startswith((".", "\\(aq")) else text


def _quoted(text: str) -> str:
    return '"' + _text(text).replace('"', "\\(dq") + '"'
