"""Commands on the workers of a Dask scheduler: processes of their own, over the loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from simcore.cli.main import main
from simcore.cluster import OtherVersionError, run_batch
from tests.integration.programs import FIRMWARE
from tests.tools import GUARD_S, wait_until

KERNELS = Path(__file__).resolve().parents[2] / "kernels" / "prebuilt"
SPACE = """
[axes]
kernel = ["fully_connected_s8"]
cpu = ["own.toml"]
caches = ["on", "off"]
shift = [0, 4]
"""
NETWORKS = """
[space]
family = "ds-cnn"
inputs = [[6, 5, 3]]
blocks = [1, 2]
widths = [8, 16]
[search]
cpu = "own.toml"
"""


class Cluster(NamedTuple):
    """A scheduler's address, its processes and where it may write."""

    address: str
    workers: list[subprocess.Popen[bytes]]
    folder: Path

    def add_worker(self) -> subprocess.Popen[bytes]:
        command = [
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--local-directory", str(self.folder),
        ]  # fmt: skip
        worker = _dask(command, self.folder / f"worker{len(self.workers)}.log")
        self.workers.append(worker)
        return worker


def _dask(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            env={**os.environ, "MCUSIM_CACHE": str(log.parent / "cache")},
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    scheduler = _dask(
        ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
         "--scheduler-file", str(file)],
        folder / "scheduler.log",
    )  # fmt: skip
    wait_until(lambda: file.exists() and file.read_text().endswith("}"), scheduler)
    made = Cluster(json.loads(file.read_text())["address"], [], folder)
    for _ in range(2):
        made.add_worker()
    yield made
    # A worker of Dask that is asked to end while its scheduler goes may wait for minutes, and
    # nothing of ours hangs on how they go.
    for process in (*made.workers, scheduler):
        process.kill()
    for process in (*made.workers, scheduler):
        process.wait(GUARD_S)


@pytest.fixture(autouse=True)
def here(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MCUSIM_CACHE", str(cluster.folder / "cache"))
    Path("own.toml").write_text('extends = "stm32f746"\ntitle = "a part of this machine"\n')
    Path("space.toml").write_text(SPACE)
    Path("networks.toml").write_text(NETWORKS)


def kept(store: str) -> int:
    """Results in a store that another process writes."""
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM mcusim_runs").fetchone()[0])
    except sqlite3.OperationalError:  # it is not there yet, or being made
        return 0


def swept(store: str, *more: str) -> bytes:
    asked = ["sweep", "space.toml", "--store", store, "--format", "json", "-o", "out.json", *more]
    assert main(asked) == 0
    return Path("out.json").read_bytes()


@pytest.mark.exhaustive
def test_a_sweep_gives_the_same_with_one_two_and_four_processes() -> None:
    assert len({swept(f"{n}.db", "--workers", str(n)) for n in (1, 2, 4)}) == 1


@pytest.mark.exhaustive
def test_advice_and_a_search_are_the_same_with_one_two_and_four_processes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    advise = ["advise", str(FIRMWARE / "markers.elf"), "--candidates", "2"]
    for asked in (advise, ["search", "networks.toml", "--trials", "6"]):
        found = set()
        for workers in ("1", "2", "4"):
            assert main([*asked, "--workers", workers, "--format", "json", "--no-cache"]) == 0
            found.add(capfd.readouterr().out)
        assert len(found) == 1


def test_a_sweep_gives_the_same_on_a_cluster_of_which_a_worker_is_killed(cluster: Cluster) -> None:
    results = {swept("here.db", "--workers", "1")}

    def kill() -> None:
        while not kept("c.db"):
            time.sleep(0.01)
        cluster.workers[0].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    results.add(swept("c.db", "--scheduler", cluster.address))
    killer.join()
    assert len(results) == 1
    points = json.loads(results.pop())["points"]
    assert len(points) == 4
    assert {point["end"] for point in points} == {"exit"}
    assert not any(str(cluster.folder) in str(point) for point in points)


def test_a_sweep_waits_for_another_worker_when_the_last_one_is_killed(cluster: Cluster) -> None:
    result = swept("here.db", "--workers", "1")

    def replace_all() -> None:
        while not kept("c.db"):
            time.sleep(0.01)
        for worker in cluster.workers:
            worker.kill()
            worker.wait(GUARD_S)
        time.sleep(1)
        cluster.add_worker()

    replacer = threading.Thread(target=replace_all, daemon=True)
    replacer.start()
    assert swept("c.db", "--scheduler", cluster.address) == result
    replacer.join()


def test_check_and_whatif_are_the_same_there(
    cluster: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    elf = str(FIRMWARE / "markers.elf")
    for command in (
        ["whatif", elf, "--sweep", "clock=100MHz,216MHz", "--format", "json", "--no-cache"],
        ["check", elf, "--no-baseline", "--limit", "cycles=1M", "--format", "json"],
    ):
        assert main(command) == 0
        here = capfd.readouterr().out
        assert main([*command, "--scheduler", cluster.address]) == 0
        assert capfd.readouterr().out == here != ""


@pytest.mark.exhaustive
def test_advice_and_a_search_are_the_same_there(
    cluster: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    advise = ["advise", str(FIRMWARE / "markers.elf"), "--candidates", "2"]
    for asked in (advise, ["search", "networks.toml", "--trials", "3"]):
        command = [*asked, "--format", "json", "--no-cache"]
        assert main(command) == 0
        here = capfd.readouterr().out
        assert main([*command, "--scheduler", cluster.address]) == 0
        assert capfd.readouterr().out == here != ""


@pytest.mark.exhaustive
def test_a_study_is_the_same_there(cluster: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["study", "ops", "--only", "relu", "--size", "small", "--no-figures", "-o"]
    assert main([*command, "here"]) == 0
    here = capfd.readouterr().out
    assert main([*command, "there", "--scheduler", cluster.address]) == 0
    assert capfd.readouterr().out == here != ""


def test_what_a_cluster_cannot_do_is_one_line(
    cluster: Cluster, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elf = str(KERNELS / "fully_connected_s8.elf")
    command = ["whatif", elf, "--try", "clock=100MHz", "--scheduler"]
    for address, message in (
        ("localhost:8786", "not an address such as tcp://127.0.0.1:8786"),
        ("tcp://127.0.0.1:1", "nobody answers there (Connection refused)"),
    ):
        assert main([*command, address]) == 2
        assert message in capfd.readouterr().err
    assert main([*command, cluster.address, "--semihost-dir", "."]) == 2
    assert "what runs on other machines has no folder" in capfd.readouterr().err
    monkeypatch.setattr("simcore.cluster.tool_fingerprint", lambda: "9.9.9+0123456789")
    assert main([*command, cluster.address]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "and this is mcusim 9.9.9+0123456789: install the same version" in said


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_what_listens_and_is_no_scheduler_is_one_line(
    said: bytes, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask waits for ever for something that says nothing."""
    monkeypatch.setattr("simcore.cluster.CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                connection.sendall(said)
                connection.recv(1)  # until the other side goes

        greeter = threading.Thread(target=greet, daemon=True)
        greeter.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert main(["sweep", "space.toml", "--scheduler", address]) == 2
        greeter.join(GUARD_S)
    error = capfd.readouterr().err
    assert error.endswith("what answers there is no Dask scheduler: check the address\n")
    assert error.count("\n") == 1


def test_each_batch_asks_a_worker_for_its_version() -> None:
    """Workers may join when others have been asked already."""
    with pytest.raises(OtherVersionError):
        run_batch("9.9.9+0", b"", {})
