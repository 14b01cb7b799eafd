"""`mcusim compare` on programs, and on a program and a profile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.cli.main import main
from tests.integration.test_check import BODY_LINE, MAIN, PLAIN, SLOW, Repository


@pytest.fixture(scope="module")
def elfs(tmp_path_factory: pytest.TempPathFactory, arm_gcc: Callable[..., Path]) -> tuple[str, ...]:
    made = Repository(tmp_path_factory.mktemp("compare"), arm_gcc)
    found = []
    for name, body in (("old", PLAIN), ("new", SLOW), ("near", PLAIN)):
        if name == "near":
            main_c = made.folder / "src" / "main.c"
            main_c.write_text(
                MAIN.replace("    return", '    __asm volatile("nop;nop;nop;nop");\n    return')
            )
        made.commit(name, body)
        found.append(str((made.folder / "kernel.elf").rename(made.folder / f"{name}.elf")))
    return tuple(found)


def test_two_programs_are_run_and_compared(
    elfs: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *elfs[:2]]) == 0
    shown, err = capfd.readouterr()
    assert err == ""
    assert f"kernel.c:{BODY_LINE} " in shown
    profile = str(tmp_path / "old.json")
    assert main(["profile", elfs[0], "--instructions", "--format", "json", "-o", profile]) == 0
    assert main(["compare", profile, elfs[1]]) == 0
    assert capfd.readouterr().out == shown
    page = tmp_path / "changes.html"
    assert main(["compare", *elfs[:2], "--format", "html", "-o", str(page)]) == 0
    assert "Differential flame graph" in page.read_text()


def test_options_of_a_run_reach_both_programs(
    elfs: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *elfs[:2], "--clock", "100MHz", "--until", "sum_table"]) == 0
    out = " ".join(capfd.readouterr().out.split())
    told = "on stm32f746 at 100 MHz, the run ended where it was told to at sum_table, kernel.c:7"
    assert out.count(told) == 2


def test_a_small_change_is_held_against_the_layout_band(
    elfs: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", elfs[0], elfs[0]]) == 0
    assert "layout band" not in capfd.readouterr().out
    assert main(["compare", elfs[0], elfs[2]]) == 0  # 8 bytes more in main
    out = " ".join(capfd.readouterr().out.split())
    assert re.search(r"[+-]?\d+ cycles lie inside the layout band: code that is only shifted", out)
    assert "within layout band" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.json", "b.json", "--cpu", "stm32h743"], "--cpu is about a run, and nothing runs"),
        (["a.json", "b.json", "--clock", "1MHz"], "--clock is about a run"),
        (["a.json", "b.json", "--", "x"], "what stands behind '--' is about a run"),
        (["a.json", "b.json"], "a.json: no such file"),
    ],
)
def test_what_compares_nothing_is_one_line(
    capfd: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["compare", *arguments]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
