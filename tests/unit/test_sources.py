"""Where source files are looked for, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simcore.annotation.sources import LARGEST_FILE, SourceFiles


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder holds nothing."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")


def put(file: Path, text: str = "one\n\ttwo(  a )\nthree\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_file_is_found_as_recorded_and_lines_lose_their_indentation(tmp_path: Path) -> None:
    file = put(tmp_path / "build" / "a.c")
    sources = SourceFiles(tmp_path / "kernel.elf")
    assert sources.line(str(file), 2) == "two( a )"


@pytest.mark.parametrize("line", [0, 5, 10**9])
def test_a_line_that_the_file_does_not_have_is_not_found(tmp_path: Path, line: int) -> None:
    file = put(tmp_path / "a.c")
    assert SourceFiles(tmp_path / "kernel.elf").line(str(file), line) is None


@pytest.mark.parametrize("place", ["cwd/src/a.c", "out/src/a.c", "out/a.c", "src/a.c"])
def test_a_relative_path_is_searched_in_cwd_beside_the_elf_and_above(
    tmp_path: Path, place: str
) -> None:
    put(tmp_path / place)
    assert SourceFiles(tmp_path / "out" / "kernel.elf").line("src/a.c", 1) == "one"


def test_a_namesake_in_the_working_folder_is_not_taken(tmp_path: Path) -> None:
    put(tmp_path / "cwd" / "a.c")
    assert SourceFiles(tmp_path / "out" / "kernel.elf").line("src/a.c", 1) is None


def test_a_source_folder_comes_first_and_may_lack_leading_parts(tmp_path: Path) -> None:
    put(tmp_path / "out" / "src" / "a.c", "beside\n")
    put(tmp_path / "tree" / "src" / "a.c", "given\n")
    sources = SourceFiles(tmp_path / "out" / "kernel.elf", [tmp_path / "tree"])
    assert sources.line("/home/someone/project/src/a.c", 1) == "given"
    assert sources.line("src/a.c", 1) == "given"


def test_pipes_folders_and_huge_files_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.c")
    (tmp_path / "folder.c").mkdir()
    with (tmp_path / "huge.c").open("wb") as huge:
        huge.truncate(LARGEST_FILE + 1)
    sources = SourceFiles(tmp_path / "kernel.elf")
    for name in ("pipe.c", "folder.c", "huge.c", "a\0b", "x" * 5000, "/dev/zero", "", ".."):
        assert sources.line(name, 1) is None


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    file = put(tmp_path / "a.c", "a\x1b[31mb\n")
    assert SourceFiles(tmp_path / "kernel.elf").line(str(file), 1) == "a?[31mb"
