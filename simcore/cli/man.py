"""`mcusim man`: manual pages, made of the same text as --help."""

from __future__ import annotations

from pathlib import Path

import click

from simcore.errors import ConfigError, nearest
from simcore.files import destination, write_stdout


@click.command(short_help="Write the manual pages.")
@click.argument("command", nargs=-1, metavar="[COMMAND]...")
@click.option("-o", "--output", metavar="FOLDER", help="Write the pages of all commands there.")
@click.pass_context
def man(ctx: click.Context, /, command: tuple[str, ...], output: str | None) -> None:
    """Print the manual page of a command, or write the pages of all commands to a folder.

    \b
    mcusim man profile | man -l -
    mcusim man -o ~/.local/share/man/man1
    mcusim man > mcusim.1
    """
    from simcore.cli.manual import context, page, page_name, pages

    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    name = root.info_name or "mcusim"
    if output is None:
        write_stdout(page(_find(context(root.command, name), command)))
        return
    folder = Path(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{output}: cannot make the folder: {error.strerror}") from None
    wanted = page_name(" ".join((name, *command))) + "."
    if command:
        _find(context(root.command, name), command)
    for file, text in pages(root.command, name):
        if not command or file.startswith(wanted):
            with destination(str(folder / file)) as write:
                write(text)


def _find(ctx: click.Context, words: tuple[str, ...]) -> click.Context:
    """The context of a command by its words. Raises click.UsageError for an unknown one."""
    from simcore.cli.manual import context

    for word in words:
        group = ctx.command
        known = group.list_commands(ctx) if isinstance(group, click.Group) else []
        found = group.get_command(ctx, word) if isinstance(group, click.Group) else None
        if found is None:
            raise click.UsageError(
                f"there is no command '{ctx.command_path} {word}'{nearest(word, known)}"
            )
        ctx = context(found, word, ctx)
    return ctx
