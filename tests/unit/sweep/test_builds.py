"""Programs that a sweep builds: what commands are filled with, and how they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.errors import ConfigError
from simcore.run.written import SettingsTable
from simcore.sweep.builds import SweepBuild, build_of


def build(folder: Path, **told: object) -> SweepBuild:
    return build_of(SettingsTable(folder / "space.toml", told, "build: "))


def test_a_command_finds_its_choices_a_folder_of_its_own_and_that_of_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.c").write_text("source")
    command = (
        "cat main.c > {elf} && echo ' {flags} '${MCUSIM_ELF##*/} ${x} >> $MCUSIM_ELF"
        " && touch {folder}/object"
    )
    made = build(tmp_path, command=command, flags=["-O2"]).run(
        {"flags": "-O3 -flto"}, tmp_path / "b"
    )
    assert made == str(tmp_path / "b" / "program.elf")
    assert Path(made).read_text() == "source -O3 -flto program.elf\n"
    assert (tmp_path / "b" / "object").exists()


def test_a_program_is_taken_from_where_a_command_leaves_it(tmp_path: Path) -> None:
    told = build(tmp_path, command="echo {cc} > {cc}.elf", elf="{cc}.elf", cc=["gcc", "clang"])
    assert [Path(told.run({"cc": cc}, tmp_path / cc)).read_text() for cc in ("gcc", "clang")] == [
        "gcc\n", "clang\n",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"command": "echo no; echo rule >&2; exit 2"}, "ended with status 2: no rule"),
        ({"command": "exit 1"}, "ended with status 1: it printed nothing"),
        ({"command": "true"}, "wrote no program: let it write to {elf}, or say with elf"),
        ({"command": "true", "elf": "out.elf"}, "No such file or directory"),
    ],
)
def test_a_build_that_fails_is_one_line(
    tmp_path: Path, told: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        build(tmp_path, **told).run({}, tmp_path / "b")
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"{tmp_path / 'space.toml'}: build: '{told['command']}'")
    assert "\n" not in str(raised.value)
