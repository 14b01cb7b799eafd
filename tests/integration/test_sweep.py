"""Sweeps from end to end: what they print, what they keep, how they go on after being killed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simcore.cli.main import main
from simcore.sweep.groups import PlannedPoint, PointGroup
from tests.schemas import assert_fits
from tests.tools import GUARD_S, needs, wait_until

KERNELS = Path(__file__).resolve().parents[2] / "kernels" / "prebuilt"
#: Eight points.
MANY = """
[axes]
kernel = ["fully_connected_s8"]
cpu = ["stm32f746"]
caches = ["on", "off"]
clock = ["100MHz", "216MHz"]
shift = [0, 4]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path


def kept() -> int:
    """Results in the store, which other processes write."""
    if not Path("many.db").exists():
        return 0
    try:
        with closing(sqlite3.connect("many.db", timeout=60)) as connection:
            return int(connection.execute("SELECT count(*) FROM mcusim_runs").fetchone()[0])
    except sqlite3.OperationalError:  # it has no tables yet
        return 0


def started(*more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "simcore.cli.main", "sweep", "many.toml", "-o", "out.json",
         "--format", "json", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def test_a_sweep_is_run_once_and_told_in_each_form(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("space.toml").write_text(
        '[axes]\nkernel = ["fully_connected_s8"]\ncpu = ["stm32f746", "stm32h743"]\n'
        'place = ["", "weights=dtcm", "fully_connected_s8=itcm"]\n'
    )
    assert main(["sweep", "space.toml", "--plan"]) == 0
    assert capfd.readouterr().out.splitlines()[0] == "6 points"
    assert main(["sweep", "space.toml", "--jobs", "1"]) == 0
    text = capfd.readouterr().out
    assert "cpu=stm32f746 place=weights=dtcm: --place 'weights=dtcm': 81,920 bytes do not fit" in (
        " ".join(text.split())
    )
    ran: list[PlannedPoint] = []
    run = PointGroup.run

    def noted(group: PointGroup) -> list[Any]:
        ran.extend(group.points)
        return run(group)

    monkeypatch.setattr(PointGroup, "run", noted)
    asked = ["sweep", "space.toml", "--jobs", "1", "--format"]
    assert main([*asked, "json", "-v", "-o", "space.json"]) == 0
    assert "4 of 6 results were in the store" in capfd.readouterr().err
    assert len(ran) == 2  # those that are refused
    document = assert_fits(Path("space.json").read_text())
    points = document["points"]
    assert [point["end"] for point in points] == ["exit", "refused", "exit"] * 2
    assert main(["profile", str(KERNELS / "fully_connected_s8.elf"), "--format", "json"]) == 0
    profile = json.loads(capfd.readouterr().out)
    assert points[0]["cycles"] == profile["totals"]["cycles"]
    assert points[0]["energy_j"] == profile["totals"]["energy_j"]
    assert points[0]["flash_bytes"] == profile["elf"]["load_bytes"]
    assert points[2]["ram_bytes"] > points[0]["ram_bytes"] == profile["elf"]["ram_bytes"]
    assert main(["results", "space.db", "--format", "jsonl", "--columns", "ram_bytes"]) == 0
    kept_ram = [json.loads(line)["ram_bytes"] for line in capfd.readouterr().out.splitlines()]
    assert sorted(kept_ram) == sorted(p["ram_bytes"] for p in points if p["end"] == "exit")
    best = min(point["cycles"] for point in points if "cycles" in point)
    assert any(point["on_front"] and point["cycles"] == best for point in points)
    assert main([*asked, "csv"]) == 0
    table = capfd.readouterr().out.splitlines()
    assert len(table) == 7
    assert table[0].endswith("settings.program,settings.cpu,settings.place")
    assert main([*asked, "html"]) == 0
    page = capfd.readouterr().out
    assert page.count('<polyline class="drawn"') == 4
    assert main(["report", "space.json"]) == 0
    assert capfd.readouterr().out == text


def test_flags_are_built_and_equal_programs_run_once(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The build is a copy of one of two programs, whatever the compiler is called."""
    Path("space.toml").write_text(
        f"""
objectives = ["time", "flash"]
[build]
command = "cp {KERNELS}/{{kernel}}.elf {{elf}} # {{cc}}"
kernel = ["fully_connected_s8", "conv2d_s8_small"]
cc = ["gcc", "clang"]
[axes]
cpu = ["stm32f746"]
"""
    )
    assert main(["sweep", "space.toml", "--format", "json"]) == 0
    points = json.loads(capfd.readouterr().out)["points"]
    assert [point["settings"]["cc"] for point in points] == ["gcc", "clang"] * 2
    assert points[0]["cycles"] == points[1]["cycles"] != points[2]["cycles"]
    assert all(point["on_front"] for point in points)
    columns = ["--columns", "kind,cycles,configuration"]
    assert main(["results", "space.db", "--format", "jsonl", *columns]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {row["configuration"] for row in rows} == {
        "kernel=fully_connected_s8, cc=gcc, as linked",
        "kernel=conv2d_s8_small, cc=gcc, as linked",
    }
    assert sorted(row["cycles"] for row in rows) == sorted({point["cycles"] for point in points})


def test_a_killed_client_and_a_killed_worker_lose_no_more_than_what_ran() -> None:
    Path("many.toml").write_text(MANY)
    with started("--workers", "2", "-v") as client:
        wait_until(lambda: kept() >= 2, client)
        client.kill()
    before = kept()
    assert 2 <= before < 8
    with started("--workers", "2", "-v") as again:
        wait_until(lambda: kept() > before, again)
        os.kill(workers_of(again.pid)[0], signal.SIGKILL)
        _, said = again.communicate(timeout=GUARD_S)
    assert again.returncode == 0, said
    assert f"{before} of 8 results were in the store" in said.decode()
    assert kept() == 8
    points = json.loads(Path("out.json").read_text())["points"]
    assert len({point["cycles"] for point in points}) > 3


def workers_of(client: int) -> list[int]:
    """Processes of a client's pool, by their command lines in /proc."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            is_worker = b"spawn_main" in (folder / "cmdline").read_bytes()
        except OSError:  # it is gone
            continue
        if parent == client and is_worker:
            found.append(int(folder.name))
    return sorted(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[axes]\n", "space.toml: the space is empty: name programs in [axes]"),
        ('[build]\ncommand = "echo no compiler; exit 3"', "ended with status 3: no compiler"),
        (
            '[axes]\nkernel = ["fully_connected_s8"]\nplace = ["none=itcm"]',
            "no point can run; the first: --place 'none=itcm'",
        ),
    ],
)
def test_what_cannot_run_is_one_line(
    text: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("space.toml").write_text(text)
    assert main(["sweep", "space.toml"]) == 2
    captured = capfd.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_plan_of_one_point_is_no_plural(capfd: pytest.CaptureFixture[str]) -> None:
    Path("one.toml").write_text('[axes]\nkernel = ["fully_connected_s8"]\n')
    assert main(["sweep", "one.toml", "--plan"]) == 0
    assert capfd.readouterr().out == "1 point\nprogram: fully_connected_s8\n"


def test_a_store_of_another_version_or_half_written_is_one_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Path("many.toml").write_text(MANY)
    with closing(sqlite3.connect("many.db")) as connection, connection:
        connection.execute("CREATE TABLE mcusim_store (name TEXT, value TEXT)")
        connection.execute("INSERT INTO mcusim_store VALUES ('schema', 'mcusim.store/9')")
    assert main(["sweep", "many.toml"]) == 2
    assert "a store of another version of mcusim, 'mcusim.store/9'" in capfd.readouterr().err
    Path("many.db").write_bytes(Path("many.db").read_bytes()[:5000])
    assert main(["sweep", "many.toml"]) == 2
    assert capfd.readouterr().err.count("\n") == 1


@pytest.mark.exhaustive
def test_link_time_optimisation_is_a_choice_like_others(
    capfd: pytest.CaptureFixture[str],
) -> None:
    needs("arm-none-eabi-gcc", "gcc-arm-none-eabi")
    startup, include = KERNELS.parent / "startup", KERNELS.parent / "include"
    Path("main.c").write_text(
        "static int squared(int n) { int sum = 0; for (int i = 0; i < n; i++) sum += i * i;"
        " return sum; }\nvolatile int many = 500;\nint main(void) { return squared(many) == 0; }\n"
    )
    Path("build.sh").write_text(
        f"$1 -mcpu=cortex-m7 -mthumb -mfpu=fpv5-d16 -mfloat-abi=hard $2 -o $3 -I{include}"
        f" -I{startup} -L{startup} -Tstm32f746.ld -nostartfiles --specs=nano.specs main.c"
        f" {startup}/startup.c {startup}/semihost.c\n"
    )
    Path("space.toml").write_text(
        "[build]\ncommand = \"sh build.sh '{cc}' '{flags}' {elf}\"\n"
        'cc = ["arm-none-eabi-gcc"]\nflags = ["-O1", "-O3 -flto"]\n'
        '[axes]\ncpu = ["stm32f746"]\ncaches = ["on", "off"]\n'
    )
    assert main(["sweep", "space.toml", "--format", "json", "--jobs", "1"]) == 0
    points = json.loads(capfd.readouterr().out)["points"]
    assert [point["end"] for point in points] == ["exit"] * 4
    cycles = {
        (one["settings"]["flags"], one["settings"]["caches"]): one["cycles"] for one in points
    }
    assert cycles["-O1", "on"] > cycles["-O3 -flto", "on"]
    assert cycles["-O1", "off"] > cycles["-O1", "on"]
