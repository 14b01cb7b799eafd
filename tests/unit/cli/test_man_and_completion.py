"""Help, manual pages and shell completion: one text, read without a warning by groff and bash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from simcore.cli.main import COMMANDS, cli, main
from simcore.cli.manual import context, pages
from tests.tools import run_tool


def commands(ctx: click.Context) -> Iterator[click.Context]:
    """Every command, as deep as groups go."""
    command = ctx.command
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            sub = command.get_command(ctx, name)
            assert sub is not None
            yield from commands(context(sub, name, ctx))
    yield ctx


ALL = {ctx.command_path: ctx for ctx in commands(context(cli, "mcusim"))}
PAGES = dict(pages(cli, "mcusim"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages, written by the command."""
    target = tmp_path_factory.mktemp("man") / "man1"
    assert main(["man", "-o", str(target)]) == 0
    return target


@pytest.mark.parametrize("path", ALL)
def test_the_help_of_every_command_has_an_example(path: str) -> None:
    text = ALL[path].get_help()
    assert f"\n  {path}" in text
    assert "Usage: " in text


def test_there_is_a_page_for_every_command(folder: Path) -> None:
    wanted = {f"{path.replace(' ', '-')}.1" for path in ALL}
    assert {file.name for file in folder.iterdir()} == wanted
    assert {f"mcusim-{name}.1" for name in COMMANDS} < wanted


@pytest.mark.parametrize("name", PAGES)
def test_a_page_renders_without_a_warning(folder: Path, name: str) -> None:
    file = folder / name
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "90", "MAN_KEEP_FORMATTING": ""}
    page = run_tool(["man", "--warnings", "-l", file], "man-db", env=environment)
    run_tool(["groff", "-man", "-ww", "-Tutf8", "-z", file], "groff-base")
    words = " ".join(page.replace("\u2010\n", "").split())
    ctx = ALL[name.removesuffix(".1").replace("mcusim-study-", "mcusim study ").replace("-", " ")]
    for option in ctx.command.params:
        for text in (*option.opts, *option.secondary_opts):
            assert not text.startswith("--") or text in words
    assert f"{ctx.command_path} " in words


def test_examples_and_options_come_out_as_they_are_typed(folder: Path) -> None:
    file = folder / "mcusim-check.1"
    page = run_tool(["groff", "-man", "-Tascii", "-P-cbou", file], "groff-base")
    line = "mcusim check build/*.elf --limit cycles=2%,stack=4096 --limit 'conv*:cycles=1.5M'"
    assert line in page
    assert "3 a limit is broken" in page


def test_one_page_goes_to_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["man", "study", "ops"]) == 0
    assert capfd.readouterr().out == PAGES["mcusim-study-ops.1"]
    assert main(["man"]) == 0
    assert capfd.readouterr().out == PAGES["mcusim.1"]


def test_one_page_can_be_written_to_a_folder(tmp_path: Path) -> None:
    assert main(["man", "profile", "-o", str(tmp_path)]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["mcusim-profile.1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["man", "prfile"], "there is no command 'mcusim prfile'; did you mean 'profile'?"),
        (["man", "profile", "x"], "there is no command 'mcusim profile x'"),
        (["man", "-o", "/dev/null/x"], "cannot make the folder"),
        (["completion", "tcsh"], "tcsh"),
        (["completion"], "Missing argument"),
    ],
)
def test_wrong_usage_is_one_line(
    capfd: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(arguments) == 2
    captured = capfd.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert words in captured.err


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", "complete -o nosort -F _mcusim_completion mcusim"),
        ("zsh", "#compdef mcusim"),
        ("fish", "complete --no-files --command mcusim"),
    ],
)
def test_each_shell_has_its_script(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, shell: str, words: str
) -> None:
    assert main(["completion", shell]) == 0
    script = capfd.readouterr().out
    assert words in script
    assert "_MCUSIM_COMPLETE" in script
    if shell == "bash":
        (tmp_path / "script").write_text(script)
        run_tool(["bash", "-n", tmp_path / "script"], "bash")


def completed(*words: str) -> list[str]:
    """What bash is offered for the last word."""
    environment = {
        **os.environ,
        "_MCUSIM_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["mcusim", *words]),
        "COMP_CWORD": str(len(words)),
    }
    probe = "import sys; from simcore.cli.main import main; sys.argv[:] = ['mcusim']; main()"
    done = subprocess.run(
        [sys.executable, "-c", probe], env=environment, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pro"], ["plain,profile"]),
        (["profile", "ker"], ["file,ker"]),
        (["profile", "--cach"], ["plain,--caches"]),
        (["profile", "--caches", "o"], ["plain,on", "plain,off"]),
        (["profile", "--cpu", "imxrt"], ["plain,imxrt1062"]),
        (["profile", "--cpu", "generic-m7,imxrt"], ["plain,generic-m7,imxrt1062"]),
        (["profile", "-o", "x"], ["file,x"]),
        (["check", "--config", "m"], ["file,m"]),
        (["check", "--limit", "c"], []),
    ],
)
def test_commands_options_parts_and_files_are_completed(
    words: list[str], offered: list[str]
) -> None:
    assert completed(*words) == offered
