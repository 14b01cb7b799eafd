"""scripts/bench --against: what is measured, what fails, and that nothing of it stays behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from scripts import against, bench
from scripts.against import BenchError, Program, Row, Tree
from tests.tools import ctrl_c_interrupts, needs, wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
THIS = Tree("this tree", Path("this"), Path("python"))
OTHER = Tree("0123456789", Path("other"), Path("python"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one commit, which holds scripts/bench.py and what that needs."""
    needs("git", "git")
    folder = tmp_path / "repository"
    (folder / "scripts").mkdir(parents=True)
    for name in ("bench.py", "against.py"):
        shutil.copy(CHECKOUT / "scripts" / name, folder / "scripts" / name)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.invalid"]
    for command in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "one"]):
        subprocess.run(["git", "-C", folder, *command], check=True)
    return folder


def worktrees(repository: Path) -> int:
    listed = subprocess.run(
        ["git", "-C", repository, "worktree", "list"], check=True, capture_output=True, text=True
    )
    return len(listed.stdout.splitlines())


def test_a_row_is_the_change_of_the_medians() -> None:
    row = Row("conv2d_s8 profile", other=[9.0, 2.0, 2.0, 2.1, 1.0], this=[2.1, 0.1, 2.2, 2.1, 90.0])
    assert row.change_percent == pytest.approx(5.0)
    assert against.table_line(row).split() == [
        "conv2d_s8", "profile", "2.000", "2.100", "+5.0", "%", "more", "than", "3", "%", "slower",
    ]  # fmt: skip


@pytest.mark.parametrize(("this", "too_slow"), [(1.0, False), (1.029, False), (1.031, True)])
def test_a_row_may_be_three_per_cent_slower(this: float, too_slow: bool) -> None:
    row = Row("mixed replay", other=[1.0], this=[this])
    assert row.too_slow is too_slow
    assert ("slower" in against.table_line(row)) is too_slow


def test_the_trees_take_turns_and_each_time_is_in_bare_runs_of_its_round() -> None:
    asked: list[tuple[str, str]] = []
    clock = iter(range(1, 1000))

    def measure(tree: Tree, how: str, _: Program) -> float:
        asked.append((how, tree.name))
        return float(next(clock))

    rows = list(against.compare(THIS, OTHER, [Program(Path("a/conv.elf"), "")], 2, measure))
    one, two = THIS.name, OTHER.name
    first = [("bare", one), *((how, tree) for how in against.WORK for tree in (one, two))]
    second = [("bare", one), *((how, tree) for how in against.WORK for tree in (two, one))]
    assert asked == first + second
    assert [row.name for row in rows] == [f"conv {how}" for how in against.WORK]
    # The clock counts: bare runs took 1 and 8, profiles 2 and 3, then 10 and 9.
    assert (rows[0].this, rows[0].other) == ([2 / 1, 10 / 8], [3 / 1, 9 / 8])


@pytest.mark.parametrize(("seconds", "status"), [(1.0, 0), (1.1, 1)])
def test_a_row_that_is_too_slow_is_exit_status_1(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    seconds: float, status: int,
) -> None:  # fmt: skip
    def seconds_in(tree: Tree, how: str, program: Program) -> float:
        slow = tree.name == "this tree" and (how, program.elf.stem) == ("replay", "mixed")
        return seconds if slow else 1.0

    monkeypatch.setattr(bench, "CHECKOUT", repository)
    monkeypatch.setattr(bench, "seconds_in", seconds_in)
    monkeypatch.setattr(against, "build", lambda folder, name: Tree(name, folder, Path("python")))
    assert bench.measure_against("HEAD", 1) == status
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(bench.PROGRAMS) * len(against.WORK)
    slow = [line.split()[:2] for line in lines if "slower" in line]
    assert slow == [["mixed", "replay"]] * status


@pytest.mark.parametrize("error", [None, BenchError, KeyboardInterrupt])
def test_the_worktree_is_gone_afterwards(
    repository: Path, error: type[BaseException] | None
) -> None:
    commit = against.find_commit(repository, "HEAD")
    expected = pytest.raises(error) if error else nullcontext()
    with expected, against.worktree(repository, commit) as folder:
        assert (folder / "scripts" / "bench.py").is_file()
        assert worktrees(repository) == 2
        (folder / "made").touch()
        if error:
            raise error
    assert worktrees(repository) == 1
    assert not folder.parent.exists()


def test_ctrl_c_while_the_other_tree_is_built_leaves_nothing(
    repository: Path, tmp_path: Path
) -> None:
    started, temporary, tools = tmp_path / "started", tmp_path / "temporary", tmp_path / "tools"
    temporary.mkdir()
    tools.mkdir()
    installer = tools / "uv"
    installer.write_text(f"#!/bin/sh\ntouch '{started}'\nexec sleep 1000\n")
    installer.chmod(0o755)
    with ctrl_c_interrupts():
        process = subprocess.Popen(
            [sys.executable, repository / "scripts" / "bench.py", "--against", "HEAD"],
            env={**os.environ, "TMPDIR": str(temporary), "PATH": f"{tools}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
    wait_until(started.exists, process)
    assert worktrees(repository) == 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    assert process.communicate() == ("", "")
    assert process.returncode == 130
    assert worktrees(repository) == 1
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--against", "no-such"], "--against: 'no-such' names no commit of {}; give a hash, "),
        (["--against", ""], "--against: '' names no commit of {}; give a hash, "),
        (["--against", "--all"], "expected one argument"),
        (["--against=--all"], "--against: '--all' names no commit of {}; give a hash, "),
        (["--against", "HEAD", "--quick"], "drop --quick"),
        (["--against", "HEAD", "--rounds", "0"], "'0' is no number of rounds; say 1 or more"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_status_2(
    repository: Path, arguments: list[str], message: str
) -> None:
    done = subprocess.run(
        [sys.executable, repository / "scripts" / "bench.py", *arguments],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert message.format(repository) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_commit_without_a_bench_is_refused(repository: Path) -> None:
    (repository / "scripts" / "bench.py").unlink()
    with pytest.raises(BenchError, match=r"abc has no scripts/bench\.py; give a later commit"):
        against.build(repository, "abc")


def test_what_a_tree_says_when_it_cannot_measure_is_passed_on(tmp_path: Path) -> None:
    script = tmp_path / "scripts" / "bench.py"
    script.parent.mkdir()
    tree, program = Tree("abc", tmp_path, Path(sys.executable)), Program(Path("a.elf"), "x=1")
    script.write_text("print('{\"seconds\": 1.5}')")
    assert bench.seconds_in(tree, "bare", program) == 1.5
    waits = "begin = time.perf_counter()\ntime.sleep(2)\nspent = time.perf_counter() - begin\n"
    script.write_text(f"import time\n{waits}print('{{\"seconds\":', spent, '}}')")
    assert bench.seconds_in(tree, "bare", program) < 1
    script.write_text("import sys\nsys.exit(f'first\\nno {sys.argv[2:]}')")
    with pytest.raises(BenchError, match=r"^'bare' of a\.elf in abc: no \['bare', 'a\.elf', 'x=1'"):
        bench.seconds_in(tree, "bare", program)
