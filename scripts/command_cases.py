"""Small runs of every command, each in its own folders, and what one leaves that ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    "trend": "trend {in}/history.jsonl -o out.html",
    "export": "export {in}/layer.tflite -o sources",
    "cpus": "cpus --format json",
    "kernels": "kernels",
    "study ops": "study ops --only relu --size small --no-figures -j 2 -o study",
    "study networks": "study networks --only resnet-8 --no-figures -j 1 -o study",
    "cache": "cache",
    "man": "man -o pages",
    "completion": "completion bash",
}  # fmt: skip


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
        at = str(self.inputs)
        for line in (
            f"record {ELF} -o {at}/run.mcu",
            f"profile {ELF} --format json --lines -o {at}/run.json",
            f"profile {OTHER} --format json -o {at}/other.json",
            f"check {ELF} --save-baseline main --history {at}/history.jsonl",
        ):
            subprocess.run(
                [MCUSIM, *line.split()], check=True, cwd=self.inputs, env=self.environment(),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
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

    def fresh(self) -> Path:
        """A new empty folder."""
        self._tries += 1
        work = Path(tempfile.mkdtemp(prefix="try", dir=self.folder))
        (work / "cwd").mkdir(parents=True)
        return work

    def command(self, name: str) -> list[str]:
        """The words of a case."""
        return [str(MCUSIM), *CASES[name].replace("{in}", str(self.inputs)).split()]


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
    return bad + unfinished(work) + broken(work / "cwd")


def unfinished(work: Path) -> list[str]:
    """Names that files have before they are whole.

    An empty one in the cache is the lock of a key, which its next holder removes; that of a study
    stays in its folder.
    """
    hidden = (
        each
        for each in work.rglob(".*")
        if each.name not in (".mcusim", ".lock")
        and not ("cache" in each.parts and not each.stat().st_size)
    )
    return [f"unfinished: {each.relative_to(work)}" for each in sorted(hidden)]


def broken(folder: Path) -> list[str]:
    """Documents that are not whole."""
    bad = []
    for each in sorted(folder.rglob("*")):
        if each.is_dir() or each.name.startswith(".unfinished"):
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
