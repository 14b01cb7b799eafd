"""`mcusim check` as a team uses it: a repository, a baseline, commits that change a kernel.

The command is called in this process; that it is the same from outside is a test of its own.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from simcore.cli.main import main
from tests.integration.programs import CHECKOUT, FIRMWARE, KERNELS, Program, prebuilt
from tests.tools import GUARD_S, needs

STARTUP = CHECKOUT / "kernels" / "startup"

KERNEL = """\
#include <stdint.h>

/* Sums a table; the walk-through makes this slower and faster. */
int32_t __attribute__((noinline)) sum_table(const int32_t *table, int count)
{
    int32_t sum = 0;
    for (int i = 0; i < count; i++) {
        BODY
    }
    return sum;
}
"""
MAIN = """\
#include <stdint.h>

int32_t sum_table(const int32_t *table, int count);
static int32_t table[400];

int main(void)
{
    for (int i = 0; i < 400; i++) {
        table[i] = i;
    }
    return sum_table(table, 400) == 0x7fffffff;
}
"""
PLAIN = "sum += table[i] ^ (sum >> 3);"
SLOW = "sum += table[i] / (sum | 1);"
FAST = "sum += table[i];"
LONG = "sum += (int32_t)((uint64_t)table[i] * 9u / (uint64_t)(i + 3u));"
BODY_LINE = 1 + KERNEL[: KERNEL.index("BODY")].count("\n")


class Repository:
    """A scratch repository with a kernel, its build and mcusim."""

    def __init__(self, folder: Path, arm_gcc: Callable[..., Path]) -> None:
        self.folder = folder
        self._arm_gcc = arm_gcc
        needs("git", "git")
        self.git("init", "--quiet")
        (folder / ".gitignore").write_text("*.elf\n")
        (folder / "src").mkdir()
        (folder / "src" / "main.c").write_text(MAIN)

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout

    def commit(self, message: str, body: str | None = None) -> None:
        """Commit what there is, after writing and building the kernel when `body` is given."""
        if body is not None:
            (self.folder / "src" / "kernel.c").write_text(KERNEL.replace("BODY", body))
            sources = ["src/kernel.c", "src/main.c", STARTUP / "startup.c", STARTUP / "semihost.c"]
            flags = ["-O1", "-g", f"-I{STARTUP}", f"-L{STARTUP}", "-Tstm32f746.ld"]
            flags += ["-nostartfiles", "--specs=nano.specs", "-Wl,--build-id=none"]
            self._arm_gcc(self.folder / "kernel.elf", [*flags, *sources])
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)

    def check(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return check(*arguments, cwd=self.folder)


def check(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["check", *arguments]
    said = [io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2)]
    with chdir(cwd), redirect_stdout(said[0]), redirect_stderr(said[1]):
        status = main(command)
    out, err = (stream.buffer.getvalue().decode() for stream in said)
    return subprocess.CompletedProcess(command, status, out, err)


def check_from_outside(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same by a process of its own, with another order of hashes."""
    return subprocess.run(
        [sys.executable, "-m", "simcore.cli.main", "check", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": "7"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GUARD_S,
    )


@pytest.fixture
def repository(tmp_path: Path, arm_gcc: Callable[..., Path]) -> Repository:
    """A repository whose first commit has the plain kernel, its baseline committed."""
    made = Repository(tmp_path, arm_gcc)
    made.commit("A kernel", PLAIN)
    done = made.check("kernel.elf", "--save-baseline", "main")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        0,
        "mcusim: baseline written to .mcusim/main.json: commit it",
    )
    made.commit("Its baseline")
    assert ".mcusim/main.json" in made.git("ls-files")
    return made


# --- the walk-through ---------------------------------------------------------------------


def test_the_same_commit_passes_and_the_baseline_stays_as_it_is(repository: Repository) -> None:
    done = repository.check("kernel.elf", "--baseline", "main")
    assert done.returncode == 0
    assert done.stderr == "mcusim: 1 within limits\n"
    assert repository.git("status", "--porcelain") == ""


def test_a_baseline_by_a_name_that_is_new_is_told_of_the_others(repository: Repository) -> None:
    done = repository.check("kernel.elf", "--baseline", "mian")
    assert done.returncode == 2
    assert "did you mean 'main'?" in done.stderr
    done = repository.check("kernel.elf")
    assert done.returncode == 0
    assert "mcusim: beside it is the baseline main\n" in done.stderr


def test_a_slower_kernel_fails_with_function_line_and_cause(repository: Repository) -> None:
    repository.commit("Divide", SLOW)
    done = repository.check("kernel.elf", "--baseline", "main")
    assert done.returncode == 3
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("  sum_table ")]
    words = row.split()
    assert words[1].startswith("+")
    assert "execute" in words  # divides take further cycles
    assert f"src/kernel.c:{BODY_LINE}" in words
    first, last = done.stderr.splitlines()
    assert first.startswith("mcusim: kernel: cycles +")
    assert f"because of sum_table src/kernel.c:{BODY_LINE} (+" in first
    assert "execute" in first
    assert last == "mcusim: 1 of 1 failed"


def test_a_change_in_a_library_is_blamed_on_its_caller_from_any_folder(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # libgcc divides 64-bit numbers; `half` is inlined, and the ELF is checked from a sub-folder
    source = repository.folder / "src" / "kernel.c"
    repository.commit("Divide longer numbers", LONG)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(repository.folder))
    command = ["../kernel.elf", "--baseline", "main", "--config", "../mcusim.toml"]
    (repository.folder / "mcusim.toml").write_text("")
    done = check(*command, "--report", "github-annotations=out", cwd=source.parent)
    assert done.returncode == 3, done.stderr
    text = (source.parent / "out").read_text()
    assert text.startswith(f"::error file=src/kernel.c,line={BODY_LINE},title=mcusim%3A kernel::")
    assert f"sum_table src/kernel.c:{BODY_LINE} (+" in text
    assert " cycles, in __aeabi_uldivmod; " in text


def test_a_faster_kernel_passes_and_says_so(repository: Repository) -> None:
    repository.commit("No shift", FAST)
    done = repository.check("kernel.elf", "--baseline", "main")
    assert done.returncode == 0
    # 29 % is more than a quarter, which is told, as a program that does nothing is faster, too.
    assert done.stderr.splitlines()[-1] == "mcusim: 1 within limits, 1 improved"
    assert "mcusim: kernel: within limits; warning: cycles fell by" in done.stderr
    assert "kernel: faster" in done.stdout
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("  cycles ")]
    assert row.split()[3].startswith("-")


def test_code_that_only_moved_is_not_to_blame(repository: Repository) -> None:
    source = repository.folder / "src" / "main.c"
    source.write_text("/* A longer\n   comment. */\n" + MAIN)
    repository.commit("Divide, and move main down", SLOW)
    done = repository.check("kernel.elf", "--baseline", "main", "--report", "jsonl=out.jsonl")
    run = json.loads((repository.folder / "out.jsonl").read_text().splitlines()[0])
    worse = [row["function"] for row in run["reasons"] if row["cycles_difference"] > 0]
    assert worse[0] == "sum_table"
    assert "main" not in worse
    assert done.returncode == 3


def test_a_slower_kernel_inside_its_limit_passes(repository: Repository) -> None:
    repository.commit("Divide", SLOW)
    loose = ["--limit", "cycles=500%,energy=500%"]
    assert repository.check("kernel.elf", "--baseline", "main", *loose).returncode == 0
    tight = ["--limit", "function=sum_table:cycles=10%"]
    done = repository.check("kernel.elf", "--baseline", "main", *loose, *tight)
    assert done.returncode == 3
    assert "cycles of sum_table" in done.stderr


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--cpu", "stm32f767"], "the part is stm32f746 and stm32f767"),
        (["--clock", "100MHz"], "the clock is 216000000 Hz and 100000000 Hz"),
        (["--caches", "on"], "the cache setting is auto and on"),
        (["--", "other"], "the arguments are none and 'other'"),
        (["--place", "sum_table=itcm"], "the placement is none and 'sum_table=itcm'"),
    ],
    ids=["part", "clock", "caches", "arguments", "placement"],
)
def test_another_part_or_setting_is_refused_as_not_comparable(
    repository: Repository, option: list[str], words: str
) -> None:
    done = repository.check("kernel.elf", "--baseline", "main", *option)
    assert done.returncode == 2
    assert f"kernel: not comparable with the baseline: {words}; " in done.stderr
    assert "save it again with --save-baseline main" in done.stderr


def test_another_model_version_is_refused_as_not_comparable(repository: Repository) -> None:
    baseline = repository.folder / ".mcusim" / "main.json"
    known = json.loads(baseline.read_text())["runs"]["kernel"]["cpu"]["model_sha256"]
    baseline.write_text(baseline.read_text().replace(known, "0" * 64))
    done = repository.check("kernel.elf", "--baseline", "main")
    assert done.returncode == 2
    assert "the model of stm32f746 is 000000000000 and" in done.stderr
    assert "save it again with --save-baseline main" in done.stderr
    assert repository.check("kernel.elf", "--save-baseline", "main").returncode == 0
    assert repository.check("kernel.elf", "--baseline", "main").returncode == 0
    assert repository.git("status", "--porcelain") == ""  # the same bytes as committed


def test_layout_noise_is_marked(repository: Repository) -> None:
    sweep = ["--layout-sweep", "--report", "jsonl=out.jsonl"]
    assert repository.check("kernel.elf", "--save-baseline", "swept", *sweep).returncode == 0
    summary = json.loads((repository.folder / ".mcusim" / "swept.json").read_text())
    assert summary["runs"]["kernel"]["layout_cycles"] >= 0


# --- prebuilt kernels ---------------------------------------------------------------------


def settings_of(programs: Sequence[Program]) -> str:
    return "\n".join(
        f'[[run]]\nelf = "{program.elf}"\nname = "{program.elf.stem}-{number}"\n'
        f'cpu = "{program.cpu}"\nargs = {json.dumps(list(program.args))}\n'
        for number, program in enumerate(programs)
    )


ALL = [program for program in prebuilt() if program.elf.parent == KERNELS]
FEW = [one for one in ALL if one.elf.stem in ("conv2d_s8_small", "fully_connected_s8")]


@pytest.mark.parametrize(
    "programs",
    [
        pytest.param(FEW, id="two"),
        pytest.param(ALL, id="all", marks=pytest.mark.exhaustive),
    ],
)
def test_prebuilt_kernels_give_the_same_output_here_and_from_outside(
    tmp_path: Path, programs: list[Program]
) -> None:
    outputs = []
    for folder, run in ((tmp_path / "one", check), (tmp_path / "two", check_from_outside)):
        folder.mkdir()
        (folder / "mcusim.toml").write_text(settings_of(programs))
        first = run("--report", "junit=junit.xml", "--jobs", "1", cwd=folder)
        second = run("--format", "json", cwd=folder)
        assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
        files = [(path.name, path.read_text()) for path in sorted(folder.rglob("*.*ml"))]
        baseline = (folder / ".mcusim" / "default.json").read_text()
        outputs.append((first.stdout, first.stderr, second.stdout, second.stderr, files, baseline))
    assert outputs[0] == outputs[1]
    assert len(json.loads(outputs[0][2])["runs"]) == len(programs)
    assert len(ALL) == len(list(KERNELS.glob("*.elf")))


# --- programs that do not end well --------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([str(FIRMWARE / "faults.elf")], 1, "exited with code 2"),
        ([str(FIRMWARE / "faults.elf"), "--", "read"], 4, "stopped with a fault"),
        (
            [str(FIRMWARE / "faults.elf"), "--max-instructions", "10k", "--", "endless"],
            5,
            "instruction limit was reached",
        ),
        ([__file__], 2, "not an ELF"),
    ],
    ids=["program-failed", "fault", "limit", "no-elf"],
)
def test_exit_status_tells_how_it_went(
    tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    done = check("--save-baseline", "x", *arguments, cwd=tmp_path)
    assert done.returncode == status
    assert words in done.stderr
    assert not (tmp_path / ".mcusim").exists()  # no baseline of a run that failed


def test_the_worst_of_several_runs_is_the_exit_status_and_the_others_are_judged(
    tmp_path: Path,
) -> None:
    elfs = [str(KERNELS / "conv2d_s8_small.elf"), str(FIRMWARE / "faults.elf")]
    limits = ["--limit", "conv2d_s8_small:cycles=1"]
    done = check(*elfs, *limits, "--no-baseline", "--jobs", "1", cwd=tmp_path)
    assert done.returncode == 1  # a program that failed is worse than a limit
    assert "conv2d_s8_small: cycles" in done.stderr
    assert "faults: the program exited with code 2" in done.stderr
