"""No command writes its output over a file that it reads."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import simcore
from simcore.cli.main import main
from simcore.errors import ConfigError
from tests.integration.programs import CHECKOUT, FIRMWARE

ELF = "program.elf"
WHATIF = "uart = ['USART1=input.txt']\n[[configuration]]\nname = 'other'\ncpu = 'part.toml'\n"
SETTINGS = f"uart = ['USART1=input.txt']\nsvd = 'part.svd'\n[[run]]\nelf = '{ELF}'\n"

#: Commands, and the file of theirs that the output may not be.
COMMANDS = {
    "profile": (["profile", ELF], ELF),
    "part": (["profile", ELF, "--cpu", "stm32f746,part.toml"], "part.toml"),
    "linker script": (["profile", ELF, "--memory-from", "memory.ld"], "memory.ld"),
    "uart": (["profile", ELF, "--uart", "USART1=input.txt"], "input.txt"),
    "svd": (["profile", ELF, "--svd", "part.svd"], "part.svd"),
    "sweep": (["profile", ELF, "--energy-sweep"], ELF),
    "record": (["record", ELF, "--symbols", "names.elf"], "names.elf"),
    "annotate": (["annotate", ELF], ELF),
    "the map that advise finds": (["advise", ELF, "--apply", "memory.ld"], "program.map"),
    "whatif": (["whatif", ELF, "--try", "caches=off"], ELF),
    "whatif's file": (["whatif", ELF, "--config", "whatif.toml"], "whatif.toml"),
    "in whatif's file": (["whatif", ELF, "--config", "whatif.toml"], "input.txt"),
    "a configuration": (["whatif", ELF, "--config", "whatif.toml"], "part.toml"),
    "check": (["check", ELF, "--no-baseline"], ELF),
    "settings": (["check"], "mcusim.toml"),
    "in settings": (["check"], ELF),
    "also in settings": (["check"], "part.svd"),
    "baseline": (["check"], ".mcusim/default.json"),
    "report": (["report", "profile.json"], "profile.json"),
    "compare": (["compare", "profile.json", "other.json"], "other.json"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(FIRMWARE / "hello_entry.elf", ELF)
    shutil.copy(ELF, "names.elf")
    shutil.copy(CHECKOUT / "cpu_models" / "stm32f746.toml", "part.toml")
    Path(".mcusim").mkdir()
    for name, text in {
        "whatif.toml": WHATIF,
        "mcusim.toml": SETTINGS,
        "memory.ld": "MEMORY { RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 256K }\n",
        "input.txt": "hello\n",
        "program.map": "",
        "part.svd": "<device></device>\n",
        ".mcusim/default.json": "{}\n",
    }.items():
        Path(name).write_text(text, encoding="ascii")
    return tmp_path


def saved_profiles() -> None:
    assert main(["profile", ELF, "--format", "json", "-o", "profile.json"]) == 0
    shutil.copy("profile.json", "other.json")


def files(folder: Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize("what", COMMANDS)
def test_an_output_over_an_input_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    command, file = COMMANDS[what]
    if command[0] in ("report", "compare"):
        saved_profiles()
    Path("link").symlink_to(file)
    os.link(file, "second-name")
    before = files(folder)
    for name in (file, "link", "second-name", str(folder / file)):
        capsys.readouterr()
        assert main([*command, "-o", name]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"mcusim: error: {name}: cannot write the output: it is an in")
        assert said.err.count("\n") == 1
    assert files(folder) == before


def test_a_report_of_a_check_over_an_input_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(".mcusim/default.json").unlink()
    os.link(ELF, ".mcusim/main.json")
    before = files(folder)
    for option in ("--report=junit=" + ELF, "--report=junit=mcusim.toml", "--save-baseline=main"):
        assert main(["check", option]) == 2
        assert "is an input of this command" in capsys.readouterr().err
    assert files(folder) == before


def test_a_capture_over_its_program_is_refused(folder: Path) -> None:
    before = files(folder)
    with pytest.raises(ConfigError, match="is an input"):
        simcore.record(ELF, folder / ELF)
    assert files(folder) == before


def test_standard_input_is_an_input(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = os.dup(0)
    try:
        with Path("input.txt").open("rb") as file:
            os.dup2(file.fileno(), 0)
        assert main(["profile", ELF, "-o", "input.txt"]) == 2
    finally:
        os.dup2(kept, 0)
        os.close(kept)
    assert "is an input of this command (/dev/stdin)" in capsys.readouterr().err
    assert Path("input.txt").read_bytes() == b"hello\n"


def test_an_output_beside_the_inputs_is_replaced(folder: Path) -> None:
    Path("out.json").write_text("old", encoding="ascii")
    assert main(["profile", ELF, "--format", "json", "-o", "out.json"]) == 0
    assert Path("out.json").stat().st_size > 1000
