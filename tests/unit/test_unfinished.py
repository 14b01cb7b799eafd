"""Files that are not whole yet: a killed process's are removed by the next of their name."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simcore.files import UNFINISHED, destination, replace_file, unfinished, write_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from simcore.files import unfinished
with unfinished(Path(sys.argv[1]), folder=bool(sys.argv[2])) as (handle, made):
    os.write(1, made.name.encode())
    os.kill(os.getpid(), signal.SIGKILL)
"""


def left_by_a_killed(path: Path, folder: str = "") -> Path:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, path, folder], capture_output=True, text=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert (path.parent / ended.stdout).exists()
    return path.parent / ended.stdout


@pytest.mark.parametrize("long", [1, 240])
def test_the_next_of_its_name_removes_what_a_killed_one_left(tmp_path: Path, long: int) -> None:
    file = tmp_path / ("r" * long)
    left = left_by_a_killed(file)
    with destination(str(file)) as write:
        assert not left.exists()
        write("whole")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    left = left_by_a_killed(file)
    replace_file(file, b"again")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_folder_of_a_killed_one_is_removed(tmp_path: Path) -> None:
    left = left_by_a_killed(tmp_path / "sources", "folder")
    (left / "folder").mkdir()
    (left / "folder" / "half.c").write_text("half")
    write_folder(str(tmp_path / "sources"), {"a.c": "whole"})
    assert [path.name for path in tmp_path.iterdir()] == ["sources"]


def test_who_still_writes_keeps_its_file(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    with unfinished(file) as (_, first):
        replace_file(file, b"second")
        assert first.exists()
        first.write_bytes(b"first")
        first.replace(file)
    assert file.read_bytes() == b"first"
    assert not list(tmp_path.glob(f"{UNFINISHED}*"))
