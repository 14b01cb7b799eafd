"""`mcusim completion`: the script with which a shell completes commands, options and files."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

from simcore.files import write_stdout

VARIABLE = "_MCUSIM_COMPLETE"  # what click looks for when the shell asks

_SHELLS: dict[str, type[ShellComplete]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}
_FILE = re.compile(r"FILE|ELF|DIR|FOLDER|PATTERN|\.json|\.toml")


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> None:
    """Print the script with which a shell completes commands, options, parts and files.

    \b
    mcusim completion bash > ~/.local/share/bash-completion/completions/mcusim
    mcusim completion zsh > ~/.zfunc/_mcusim
    mcusim completion fish > ~/.config/fish/completions/mcusim.fish
    """
    complete = _SHELLS[shell](ctx.find_root().command, {}, "mcusim", VARIABLE)
    write_stdout(ShellComplete.source(complete).rstrip("\n") + "\n")


def complete_values(command: click.Command) -> None:
    """Let a command complete what its metavars promise: files, and parts for --cpu."""
    for param in command.params:
        if param.name == "cpu":
            param.shell_complete = _parts  # type: ignore[method-assign]
        elif param.metavar is not None and _FILE.search(param.metavar):
            param.shell_complete = _files  # type: ignore[method-assign]


def _files(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def _parts(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Parts, in a list with commas the last one; a path is a model file."""
    listed, _, last = incomplete.rpartition(",")
    before = f"{listed}," if listed else ""
    found = [CompletionItem(before + name) for name in _names() if name.startswith(last)]
    return found or _files(ctx, incomplete)


def _names() -> Iterator[str]:
    from simcore.cpu_model import cpu_model_names

    yield from cpu_model_names()
