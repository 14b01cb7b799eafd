"""Where source files are looked for, and what is refused."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from simcore.annotation.sources import LARGEST_FILE, SourceFiles, SourcePlaces
from simcore.repository import Checkout


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


@pytest.mark.parametrize("place", ["cwd/src/a.c", "out/src/a.c", "out/a.c"])
def test_a_relative_path_is_searched_in_cwd_and_beside_the_elf(tmp_path: Path, place: str) -> None:
    put(tmp_path / place)
    assert SourceFiles(tmp_path / "out" / "kernel.elf").line("src/a.c", 1) == "one"


def test_a_build_folder_below_the_working_folder_finds_the_sources_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "project" / "src" / "a.c")
    elf = tmp_path / "project" / "build" / "kernel.elf"
    monkeypatch.chdir(tmp_path / "project" / "src")
    assert SourceFiles(elf).line("src/a.c", 1) == "one"
    monkeypatch.chdir(tmp_path / "cwd")
    assert SourceFiles(elf).line("src/a.c", 1) is None


def test_a_namesake_in_the_working_folder_is_not_taken(tmp_path: Path) -> None:
    put(tmp_path / "cwd" / "a.c")
    assert SourceFiles(tmp_path / "out" / "kernel.elf").line("src/a.c", 1) is None


def test_a_source_folder_comes_first_and_may_lack_leading_parts(tmp_path: Path) -> None:
    put(tmp_path / "out" / "src" / "a.c", "beside\n")
    put(tmp_path / "tree" / "src" / "a.c", "given\n")
    places = SourcePlaces((str(tmp_path / "tree"),))
    sources = SourceFiles(tmp_path / "out" / "kernel.elf", places)
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


def test_no_name_costs_more_than_it_is_worth(tmp_path: Path) -> None:
    """With `a -> .` each folder of a name is there: a thousand of them took 12 s."""
    put(tmp_path / "cwd" / "x.c")
    (tmp_path / "cwd" / "a").symlink_to(".")
    sources = SourceFiles(tmp_path / "cwd" / "kernel.elf")
    assert sources.line("a/" * 20 + "x.c", 1) == "one"
    began = time.process_time()
    assert sources.line("a/" * 2000 + "x.c", 1) is None
    assert Checkout(tmp_path / "cwd" / "kernel.elf").find("b/" + "a/" * 2000 + "y.c") is None
    assert time.process_time() - began < 0.5


def test_names_of_what_is_withheld_are_cut(tmp_path: Path) -> None:
    sources = SourceFiles(tmp_path / "kernel.elf")
    for number in range(5):
        sources.line("\x1b\u202e" + "q" * 4000 + f"{number}.txt", 1)
    (told,) = sources.withheld()
    assert told.isprintable()
    assert "5 source files" in told
    assert len(told) < 1000


# -- what an ELF of somebody else may not read -----------------------------------------------------


#: What an ELF names, relative to the folder of the test, and why its text is withheld.
WITHHELD = {
    "cwd/.git/config": "no source file by its name",
    "cwd/.env": "no source file by its name",
    "cwd/notes.txt": "no source file by its name",
    "/proc/self/environ": "no source file by its name",
    "cwd/to_config.c": "below a folder, or named, with a leading dot",
    "cwd/to_notes.c": "no source file by its name",
    "cwd/to_secret.c": "outside of the working folder and the ELF's",
    "cwd/.hidden/a.c": "below a folder, or named, with a leading dot",
    "cwd/.hidden.c": "below a folder, or named, with a leading dot",
    "secret.c": "outside of the working folder and the ELF's",
    "cwd/../secret.c": "outside of the working folder and the ELF's",
    "cwd/pipe.c": "no regular file of at most 4 MiB",
    "cwd/huge.c": "no regular file of at most 4 MiB",
}


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder with what WITHHELD names; the working folder is cwd in it."""
    for name in (".git/config", ".env", "notes.txt", ".hidden/a.c", ".hidden.c"):
        put(tmp_path / "cwd" / name, "token\n")
    put(tmp_path / "secret.c", "token\n")
    for link, target in (
        ("to_config.c", ".git/config"),
        ("to_notes.c", "notes.txt"),
        ("to_secret.c", "../secret.c"),
    ):
        (tmp_path / "cwd" / link).symlink_to(target)
    os.mkfifo(tmp_path / "cwd" / "pipe.c")
    with (tmp_path / "cwd" / "huge.c").open("wb") as huge:
        huge.truncate(LARGEST_FILE + 1)
    return tmp_path


@pytest.mark.parametrize("recorded", ["absolute", "relative"])
def test_only_source_files_of_the_working_folder_and_the_elfs_are_read(
    secrets: Path, recorded: str
) -> None:
    for name, reason in WITHHELD.items():
        file = str(secrets / name)
        if recorded == "relative":
            file = os.path.relpath(secrets / name, secrets / "cwd")
        sources = SourceFiles(secrets / "cwd" / "kernel.elf")
        assert (sources.line(file, 1), sources.path(file)) == (None, None), name
        opens = "(--source-dir opens a folder)"
        assert sources.withheld() == (f"text of 1 source file withheld, {reason} {opens}: {file}",)


@pytest.mark.parametrize(
    "recorded",
    [
        r"C:\..\secret.c", r"C:\x\..\..\secret.c", "C:/../secret.c", r"\\host\..\..\secret.c",
        r"C:\.hidden\a.c", r"\\?\C:\to_secret.c", r"c:\.git\config", "./../secret.c", "C:",
        r"..\secret.c", "cwd/../../secret.c", "/dev/stdin", "/proc/self/cwd/../secret.c", "CON",
        "//..//secret.c",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_leads_out(secrets: Path, recorded: str) -> None:
    sources = SourceFiles(secrets / "cwd" / "kernel.elf")
    assert (sources.line(recorded, 1), sources.path(recorded)) == (None, None)


def test_what_was_withheld_is_told_by_reason_with_a_few_names(secrets: Path) -> None:
    sources = SourceFiles(secrets / "cwd" / "kernel.elf")
    for name in ("a.c", "e.txt", "d.txt", "c\x1b.txt", "b.txt", "<built-in>"):
        sources.line(name, 1)
    assert sources.withheld() == (
        "text of 4 source files withheld, no source file by its name (--source-dir opens a folder):"
        " b.txt, c?.txt, d.txt, ...",
    )


def test_an_opened_folder_has_every_suffix_but_no_hidden_file_and_no_way_out(secrets: Path) -> None:
    put(secrets / "open" / "grammar.y", "given\n")
    put(secrets / "open" / ".git" / "config", "token\n")
    (secrets / "open" / "out.y").symlink_to("../secret.c")
    (secrets / "open" / "config.c").symlink_to(".git/config")
    sources = SourceFiles("kernel.elf", SourcePlaces((str(secrets / "open"),)))
    assert sources.line("grammar.y", 1) == "given"
    for name in (".git/config", "out.y", "config.c", "../secret.c"):
        assert sources.line(name, 1) is None
    assert SourceFiles("x.elf", SourcePlaces((str(secrets),))).line("secret.c", 1) == "token"


@pytest.mark.parametrize(
    ("old", "recorded"),
    [
        ("/home/ci/build", "/home/ci/build/src/a.c"),
        ("/home/ci/build/", "/home/ci/build/src/a.c"),
        (r"C:\proj", r"C:\proj\src\a.c"),
        ("C:/proj", r"C:\proj\src\a.c"),
        ("/home/ci/build/src/a.c", "/home/ci/build/src/a.c"),
    ],
)
def test_a_map_finds_files_of_another_machine_and_opens_their_folder(
    secrets: Path, old: str, recorded: str
) -> None:
    new = secrets / "tree"
    put(new / "src" / "a.c")
    put(new / ".env")
    places = SourcePlaces(maps=((old, str(new / "src/a.c" if old.endswith(".c") else new)),))
    sources = SourceFiles("kernel.elf", places)
    assert sources.line(recorded, 1) == "one"
    assert sources.line(recorded.replace("build", "builder").replace("proj", "project"), 1) is None
    for outside in ("../secret.c", ".env"):
        assert sources.line(f"/home/ci/build/{outside}", 1) is None


def test_a_folder_that_becomes_a_link_while_it_is_read_is_not_followed(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(secrets / "cwd" / "src" / "a.c")
    put(secrets / "elsewhere" / "a.c", "token\n")
    real = Path.resolve

    def resolve(path: Path, strict: bool = False) -> Path:
        found = real(path, strict)
        if found.name == "a.c" and not (secrets / "cwd" / "src").is_symlink():
            (secrets / "cwd" / "src").rename(secrets / "cwd" / "was")
            (secrets / "cwd" / "src").symlink_to("../elsewhere")
        return found

    sources = SourceFiles(secrets / "cwd" / "kernel.elf")
    monkeypatch.setattr(Path, "resolve", resolve)
    assert sources.line("src/a.c", 1) is None
    assert (secrets / "cwd" / "src").is_symlink()
