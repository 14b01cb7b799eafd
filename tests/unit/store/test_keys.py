"""Keys of runs: the content of files decides them, never where the files are."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simcore.run.spec import RunSpec
from simcore.store.keys import run_key

ROOT = Path(__file__).resolve().parents[3]
KERNEL = ROOT / "kernels" / "prebuilt" / "fully_connected_s8.elf"
FILES = ("symbols.elf", "debug.elf", "part.svd", "memory.ld", "sent", "input.npy", "runner.elf")


def spec_in(folder: Path, content: str = "x") -> RunSpec:
    """A run whose every file is in a folder."""
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(content)
    shutil.copy(KERNEL, folder / "kernel.elf")
    (folder / "part.toml").write_text('extends = "stm32f746"\n')
    at = {name: str(folder / name) for name in (*FILES, "kernel.elf", "part.toml")}
    return RunSpec(
        elf=at["kernel.elf"],
        cpu=at["part.toml"],
        linked_for=at["part.toml"],
        memory_from=at["memory.ld"],
        symbols=(at["symbols.elf"],),
        debug_file=at["debug.elf"],
        svd=at["part.svd"],
        uart=(f"USART1={at['sent']}",),
        input=(at["input.npy"], "random:2"),
        runner=f"{at['runner.elf']}:model",
    )


def test_a_run_elsewhere_is_the_same(tmp_path: Path) -> None:
    here, there = spec_in(tmp_path / "here"), spec_in(tmp_path / "there")
    key = run_key("profile", here)
    assert key is not None
    assert key == run_key("profile", there) == run_key("profile", replace(here, verbose=True))
    assert (
        run_key("profile", here) != run_key("whatif", here) != run_key("whatif", here, rerun=True)
    )


@pytest.mark.parametrize("name", [*FILES, "kernel.elf", "part.toml"])
def test_a_file_with_something_else_in_it_is_another_run(name: str, tmp_path: Path) -> None:
    spec = spec_in(tmp_path / "here")
    before = run_key("profile", spec)
    with (tmp_path / "here" / name).open("a") as file:
        file.write("# more\n")
    assert run_key("profile", spec) not in (None, before)


@pytest.mark.parametrize(
    "told",
    [
        {"args": ("1",)},
        {"clock_hz": 1},
        {"place": (".text=itcm",)},
        {"ops": ("f",)},
        {"lines": True},
    ],
)
def test_another_option_is_another_run(told: dict[str, Any], tmp_path: Path) -> None:
    spec = RunSpec(elf=str(KERNEL))
    assert run_key("profile", replace(spec, **told)) not in (None, run_key("profile", spec))


@pytest.mark.parametrize(
    "told",
    [
        {"semihost_dir": "."}, {"outputs": "x.npy"}, {"verify": True}, {"uart": ("USART1=-",)},
        {"elf": "nothing.elf"}, {"cpu": "nothing.toml"}, {"svd": "nothing.svd"},
    ],
)  # fmt: skip
def test_a_run_that_something_else_decides_has_none(told: dict[str, Any]) -> None:
    assert run_key("profile", replace(RunSpec(elf=str(KERNEL)), **told)) is None
