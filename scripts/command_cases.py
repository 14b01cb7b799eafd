"""Small runs of every command, each in its own folders, and what one leaves that ended."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MCUSIM = Path(sys.executable).parent / "mcusim"
ELF = str(ROOT / "kernels" / "prebuilt" / "conv2d_s8_small.elf")
OTHER = str(ROOT / "kernels" / "prebuilt" / "mixed.elf")
SHORT = str(ROOT / "tests" / "firmware" / "prebuilt" / "markers.elf")
#: An orphan is a process that is still there so long after the command, in seconds.
GRACE_S = 2.0

#: The command line, with {work} for the working folder and {in} for files made before; what it
#: writes follows ``-o``, ``--history`` or ``--report``.
CASES = {
    "profile": f"profile {ELF}",
    "profile html": f"profile {ELF} --format html -o out.html",
    "profile json": f"profile {ELF} --format json --lines --instructions -o out.json",
    "profile parts": f"profile {ELF} --cpu stm32f746,stm32h743 --format json -o out.json",
    "profile network": "profile {in}/layer.tflite --format json -o out.json",
    "profile verified": "profile {in}/layer.tflite --input random --verify",
    "profile outputs": "profile {in}/layer.tflite --input random --outputs out.npy",
    "energy sweep": f"profile {ELF} --energy-sweep --format json -o out.json",
    "uncertainty": f"profile {ELF} --uncertainty",
    "whatif": f"whatif {ELF} --sweep clock=50MHz,100MHz,216MHz --format json -o out.json",
    "whatif rerun": f"whatif {ELF} --rerun -j 2 --sweep clock=50MHz,100MHz",
    "advise": f"advise {SHORT} --candidates 3 --format json -o out.json",
    "record": f"record {ELF} -o out.mcu",
    "replay": "replay {in}/run.mcu --format json -o out.json",
    "annotate": f"annotate {ELF} --format json -o out.json",
    "annotate capture": "annotate {in}/run.mcu",
    "report": "report {in}/run.json --format html -o out.html",
    "compare": f"compare {SHORT} {OTHER} --force --format html -o out.html",
    "compare saved": "compare {in}/run.json {in}/other.json --force --format json -o out.json",
    "check": f"check {SHORT} {OTHER} --save-baseline main -j 1",
    "check jobs": f"check {SHORT} {OTHER} --save-baseline main -j 2 --history out.jsonl"
    " --report junit=out.xml --report json=out.json",
    "check bisect": "check kernel.elf --limit cycles=2% --bisect"
    " 'sleep 0.1; cp $(cat which) kernel.elf' HEAD~2 HEAD -o out.txt",
    "trend": "trend {in}/history.jsonl -o out.html",
    "export": "export {in}/layer.tflite -o sources",
    "cpus": "cpus --format json",
    "kernels": "kernels",
    "study ops": "study ops --only relu --size small --no-figures -j 2 -o study",
    "study networks": "study networks --only resnet-8 --no-figures -j 1 -o study",
    "study ranking": "study ranking --networks 2 --no-figures -j 2 -o study",
    "profile stored": f"profile {ELF} --store out.db --format json -o out.json",
    "sweep": "sweep {in}/sweep.toml --store out.db -j 2 --format json -o out.json",
    "sweep builds": "sweep {in}/builds.toml --store out.db -j 1 --format html -o out.html",
    "search": "search {in}/search.toml -j 2 --store out.db --format json -o out.json",
    "results": "results {in}/runs.db --format jsonl -o out.jsonl",
    "results parquet": "results {in}/runs.db --format parquet -o out.parquet",
    "results remove": "results out.db --where 'part=stm32*' --remove",
    "cache": "cache",
    "man": "man -o pages",
    "completion": "completion bash",
}  # fmt: skip
#: Files that these commands read.
FILES = {
    "sweep.toml": """
[axes]
kernel = ["fully_connected_s8"]
cpu = ["stm32f746"]
caches = ["on", "off"]
clock = ["100MHz", "216MHz"]
""",
    "builds.toml": f"""
[build]
command = "sleep 0.2; cp {ELF} {{elf}} # {{flags}}"
flags = ["-O2", "-O3"]
[axes]
cpu = ["stm32f746"]
""",
    "search.toml": """
[space]
family = "ds-cnn"
inputs = [[10, 4, 1]]
blocks = [1, 2]
widths = [8, 16]
strides = [1]
outputs = 2
first = { kernel = [3, 3], stride = 2 }
[search]
score = "macs"
objectives = ["score", "latency"]
trials = 4
""",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; ``bad`` says in words what should not be."""

    status: int
    out: bytes
    err: str
    bad: list[str] = field(default_factory=list)


class Yard:
    """Files that commands read, made once, and fresh folders for each try."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs = folder / "in"
        self._tries = 0

    def prepare(self) -> None:
        """Make what the commands read. Raises CalledProcessError when one of these fails."""
        if (self.inputs / "history.jsonl").exists():
            return
        self.inputs.mkdir(parents=True)
        from tests.networks.examples_networks import residual  # a second that only this pays
        from tests.networks.writer import write

        (self.inputs / "layer.tflite").write_bytes(write(residual("int8")))
        for name, text in FILES.items():
            (self.inputs / name).write_text(text)
        self._commit()
        at = str(self.inputs)
        for line in (
            f"record {ELF} -o {at}/run.mcu",
            f"profile {ELF} --format json --lines -o {at}/run.json",
            f"profile {OTHER} --format json -o {at}/other.json",
            f"profile {SHORT} --store {at}/runs.db",
            f"check {ELF} --save-baseline main --history {at}/history.jsonl",
        ):
            subprocess.run(
                [MCUSIM, *line.split()], check=True, cwd=self.inputs, env=self.environment(),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    def _commit(self) -> None:
        """A repository of three commits, of which the last builds another program."""
        for number, elf in enumerate((SHORT, SHORT, OTHER)):
            at = self.inputs / "repository"
            at.mkdir(exist_ok=True)
            (at / "which").write_text(elf + " " * number)
            words = ("init -q --template=", "add which", f"commit -q -m 'Change {number}'")
            for line in words if number == 0 else words[1:]:
                subprocess.run(
                    ["git", "-c", "user.name=n", "-c", "user.email=e@x", *shlex.split(line)],
                    check=True, cwd=at, env=self.environment(),
                )  # fmt: skip

    def environment(self, work: Path | None = None) -> dict[str, str]:
        """That of a command with a temporary and a cache folder of its own."""
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        # Every other try finds nothing that was kept before.
        cache = (self.folder if work is None or self._tries % 2 else work) / "cache"
        if work is not None:
            (work / "tmp").mkdir(parents=True)
            kept["TMPDIR"] = str(work / "tmp")
        return kept | {"MCUSIM_CACHE": str(cache)}

    def fresh(self, name: str = "") -> Path:
        """A new folder, in which a case finds what it changes."""
        self._tries += 1
        work = Path(tempfile.mkdtemp(prefix="try", dir=self.folder))
        (work / "cwd").mkdir(parents=True)
        self.fill(name, work / "cwd")
        return work

    def fill(self, name: str, cwd: Path) -> None:
        """Put into a working folder what a case changes."""
        if name == "check bisect":
            shutil.copytree(self.inputs / "repository", cwd, dirs_exist_ok=True)
        elif name == "results remove":
            shutil.copy(self.inputs / "runs.db", cwd / "out.db")

    def command(self, name: str) -> list[str]:
        """The words of a case."""
        return [str(MCUSIM), *shlex.split(CASES[name].replace("{in}", str(self.inputs)))]


def session_of(leader: int) -> list[int]:
    """Processes that still run in the session that ``leader`` began, without zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != b"Z":
            found.append(int(entry.name))
    return found


def left_behind(work: Path, leader: int) -> list[str]:
    """What should not be there when a command has ended: processes, unfinished files, halves."""
    until = time.monotonic() + GRACE_S
    while (processes := session_of(leader)) and time.monotonic() < until:
        time.sleep(0.02)
    bad = [f"{len(processes)} orphans"] if processes else []
    for process in processes:
        os.kill(process, 9)
    bad += [f"left in TMPDIR: {each.name}" for each in sorted((work / "tmp").iterdir())]
    bad += [f"left: {each.name}" for each in sorted((work / "cwd").glob("*-journal"))]
    bad += [f"work tree: {each.name}" for each in (work / "cwd").glob(".git/worktrees/*")]
    return bad + unfinished(work) + broken(work / "cwd")


def unfinished(work: Path) -> list[str]:
    """Names that files have before they are whole.

    An empty one in the cache is the lock of a key, which its next holder removes; that of a study
    stays in its folder.
    """
    hidden = (
        each
        for each in work.rglob(".*")
        if each.name not in (".mcusim", ".lock", ".git")
        and not ("cache" in each.parts and not each.stat().st_size)
    )
    return [f"unfinished: {each.relative_to(work)}" for each in sorted(hidden)]


def broken(folder: Path) -> list[str]:
    """Documents that are not whole."""
    bad = []
    for each in sorted(folder.rglob("*")):
        if each.is_dir() or each.name.startswith(".unfinished") or ".git" in each.parts:
            continue
        if each.suffix == ".db":
            bad += _damaged(each)
            continue
        data = each.read_bytes()
        try:
            if each.suffix == ".json":
                json.loads(data)
            elif each.suffix == ".jsonl":
                [json.loads(line) for line in data.splitlines()]
        except ValueError:
            bad.append(f"half: {each.name}")
        end = {".html": b"</html>", ".xml": b"</testsuites>", ".json": b"}", ".jsonl": b"}"}
        if not data.rstrip().endswith(end.get(each.suffix, b"")) and data.strip() != b"":
            if each.suffix == ".json" and data.rstrip().endswith(b"]"):
                continue
            bad.append(f"half: {each.name}")
        if each.suffix in (".html", ".json", ".mcu") and not data:
            bad.append(f"empty: {each.name}")
    return bad


def _damaged(store: Path) -> list[str]:
    """What SQLite finds wrong in a copy, so that mcusim is the first to open what a kill left."""
    with tempfile.TemporaryDirectory() as folder:
        for each in store.parent.glob(f"{store.name}*"):
            shutil.copy(each, folder)
        try:
            with closing(sqlite3.connect(Path(folder) / store.name)) as opened:
                (found,) = opened.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.Error as error:
            found = str(error)
    return [] if found == "ok" else [f"damaged: {store.name}: {found}"]


def kept_runs(store: Path) -> set[str]:
    """Keys of the runs in a store."""
    if not store.exists():
        return set()
    with closing(sqlite3.connect(store)) as opened:
        return {key for (key,) in opened.execute("SELECT key FROM mcusim_runs")}


def forget_run(store: Path) -> None:
    """Remove a run from a store, so that it is run again."""
    if not store.exists():
        return
    with closing(sqlite3.connect(store)) as opened, opened:
        for (key,) in opened.execute("SELECT min(key) FROM mcusim_runs").fetchall():
            for table in ("mcusim_results", "mcusim_runs"):
                opened.execute(f"DELETE FROM {table} WHERE key = ?", (key,))


def said(err: str) -> list[str]:
    """What a command says that no user should read."""
    wrong = (
        "Traceback",
        "internal error",
        "Fatal Python error",
        "Segmentation",
        "Exception ignored",
    )
    return [f"says {word!r}: {err[-300:]!r}" for word in wrong if word in err]


@contextmanager
def yard(folder: Path | None = None) -> Iterator[Yard]:
    """A prepared yard that is gone afterwards, or one in a folder that stays."""
    with tempfile.TemporaryDirectory(prefix="mcusim-yard-") as temporary:
        made = Yard(folder or Path(temporary))
        made.prepare()
        yield made
