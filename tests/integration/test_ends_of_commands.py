"""Where a run starts, counts from and ends, as each command and each file says it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore.cli.main import main
from tests.integration.assembled import TICK, Build

#: Never ends: each turn calls work, which is four instructions. `other` goes there past two moves.
LOOP = (
    TICK
    + """
    b main_loop
    .ltorg
    .type other, %function
other:
    movs r4, #1
    movs r5, #1
main_loop:
    bl work
    wfi
    b main_loop
    .type work, %function
work:
    movs r0, #1
    adds r0, #1
    adds r0, #1
    bx lr
    .size work, . - work
    .type systick, %function
systick:
    bx lr
"""
)
#: What is told on the command line and in a file, and the instructions that are counted then.
ENDS: dict[str, tuple[dict[str, str | bool], int]] = {
    "until": ({"until": "work"}, 7),  # TICK with its two literals, b, bl
    "entry": ({"entry": "other", "until": "work"}, 3),
    "from": ({"from": "work@2", "until": "main_loop"}, 7),  # work, wfi, the handler, b
    "for": ({"from": "work", "for": "10us"}, 5),  # asleep when they have passed
    "idle": ({"from": "work", "until-idle": True}, 5),
}
Counted = Callable[[Path, Sequence[str]], int]


@pytest.fixture
def elf(build: Build) -> Path:
    return Path(build(LOOP).path)


def profiled(elf: Path, options: Sequence[str]) -> int:
    file = elf.with_suffix(".json")
    assert main(["profile", str(elf), *options, "--format", "json", "-o", str(file)]) == 0
    return int(json.loads(file.read_text())["totals"]["instructions"])


def on_parts(elf: Path, options: Sequence[str]) -> int:
    file, parts = elf.with_suffix(".json"), "stm32f746,stm32f767"
    told = [*options, "--cpu", parts, "--format", "json", "-o", str(file)]
    assert main(["profile", str(elf), *told]) == 0
    counts = {int(one["totals"]["instructions"]) for one in json.loads(file.read_text())}
    assert len(counts) == 1
    return counts.pop()


def checked(elf: Path, options: Sequence[str]) -> int:
    file = elf.with_suffix(".json")
    told = ["--no-baseline", *options, "--format", "json", "-o", str(file)]
    assert main(["check", str(elf), *told]) == 0
    (run,) = json.loads(file.read_text())["runs"]
    return int(next(row["after"] for row in run["values"] if row["metric"] == "instructions"))


def configured(elf: Path, options: Sequence[str]) -> int:
    file = elf.with_suffix(".json")
    told = ["--try", "caches=on", *options, "--format", "json", "-o", str(file)]
    assert main(["whatif", str(elf), *told]) == 0
    rows = json.loads(file.read_text())["configurations"]
    assert len({row["instructions"] for row in rows}) == 1
    return int(rows[0]["instructions"])


def annotated(elf: Path, options: Sequence[str]) -> int:
    file = elf.with_suffix(".json")
    assert main(["annotate", str(elf), "*", *options, "--format", "json", "-o", str(file)]) == 0
    functions = json.loads(file.read_text())["functions"]
    return sum(row["executions"] for one in functions for row in one["instructions"])


def recorded(elf: Path, options: Sequence[str]) -> int:
    capture = elf.with_suffix(".mcu")
    assert main(["record", str(elf), *options, "-o", str(capture)]) == 0
    return simcore.replay(capture).totals.instructions


@pytest.mark.parametrize("counted", [profiled, on_parts, checked, configured, annotated, recorded])
@pytest.mark.parametrize("name", ENDS)
def test_every_command_takes_every_end(
    elf: Path, counted: Counted, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    told, instructions = ENDS[name]
    options = [
        text
        for key, value in told.items()
        for text in ([f"--{key}"] if value is True else [f"--{key}", str(value)])
    ]
    assert counted(elf, options) == instructions


@pytest.mark.parametrize(("counted", "joint"), [(checked, "-"), (configured, "_")])
@pytest.mark.parametrize("name", ENDS)
def test_every_file_says_every_end(
    elf: Path, counted: Counted, joint: str, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    told, instructions = ENDS[name]
    file = elf.with_suffix(".toml")
    rows = (f"{key.replace('-', joint)} = {json.dumps(value)}" for key, value in told.items())
    file.write_text("\n".join(rows) + "\n")
    assert counted(elf, ["--config", str(file)]) == instructions
    # The command line wins: its end takes the place of the file's.
    said = ["--from", "main_loop", "--until", "work"]
    assert counted(elf, ["--config", str(file), *said]) == 1


@pytest.mark.parametrize("name", ENDS)
def test_advice_takes_every_end(elf: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("scipy")
    told, _ = ENDS[name]
    options: dict[str, Any] = {
        {"from": "from_", "for": "for_s"}.get(key, key.replace("-", "_")): value
        for key, value in told.items()
    }
    if "for_s" in options:
        options |= {"for_s": 1e-5}
    advice = simcore.advise(elf, **options)
    assert advice.linked.cycles == simcore.profile(elf, **options).totals.cycles
