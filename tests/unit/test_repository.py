"""The repository's root, and files of this and of other machines as they are named from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.repository import VARIABLES, Checkout, from_root, is_own, root_of, working_folder


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with sources in firmware/, where the command runs."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    root = tmp_path / "my project"
    for name in (".git/HEAD", "main.c", "firmware/src/k.c", "firmware/build/k.elf", "lib/a/x.h"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    (root / "loop").symlink_to("loop")
    monkeypatch.chdir(root / "firmware")
    return root


@pytest.mark.parametrize(
    ("recorded", "name"),
    [
        ("src/k.c", "firmware/src/k.c"),  # from the working folder
        ("../src/k.c", "firmware/src/k.c"),  # from the ELF's
        ("{root}/firmware/src/k.c", "firmware/src/k.c"),
        ("{root}/firmware/src/../src/k.c", "firmware/src/k.c"),
        ("{root}/generated.c", "generated.c"),  # of the repository, and not there any more
        ("C:\\proj\\src\\k.c", "firmware/src/k.c"),  # by their tails
        ("C:\\Users\\Me\\my project\\firmware\\src\\k.c", "firmware/src/k.c"),
        ("\\\\server\\share\\lib\\a\\x.h", "lib/a/x.h"),
        ("/home/runner/work/other/lib/a/x.h", "lib/a/x.h"),
        ("/builds/group/project/main.c", "main.c"),
        ("C:\\gcc\\lib\\memcpy.c", "C:/gcc/lib/memcpy.c"),  # elsewhere
        ("/build/newlib/memcpy.c", "/build/newlib/memcpy.c"),
        ("<built-in>", "<built-in>"),
        ("a" * 5000 + "\0.c", "a" * 5000 + "\0.c"),
        ("/" + "a" * 5000 + "\0.c", "/" + "a" * 5000 + "\0.c"),
        ("/no/loop/k.c\0", "/no/loop/k.c\0"),
        ("{root}/loop/k.c", "loop/k.c"),
    ],
)
def test_files_are_named_from_the_root_wherever_they_were_built(
    checkout: Path, recorded: str, name: str
) -> None:
    names = Checkout("build/k.elf")
    assert names.name(recorded.replace("{root}", str(checkout))) == name
    # What a baseline holds is named again by whoever reads it.
    if is_own(name):
        assert Checkout("build/k.elf").name(name) == name


def test_a_file_of_this_machine_outside_of_the_repository_is_none_of_its_files(
    checkout: Path, tmp_path: Path
) -> None:
    other = tmp_path / "toolchain" / "main.c"  # the repository has a main.c, too
    other.parent.mkdir()
    other.write_text("")
    name = Checkout().name(str(other))
    assert (name, is_own(name)) == (str(other), False)
    assert Checkout().find(str(other)) == other


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_ci_says_where_the_root_is_for_folders_in_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    assert root_of(Path()) == checkout
    assert working_folder() == "firmware"
    monkeypatch.setenv(variable, str(checkout / "firmware"))
    assert root_of(Path()) == checkout / "firmware"
    assert working_folder() is None
    monkeypatch.setenv(variable, str(checkout / "lib"))
    assert root_of(Path()) == checkout


@pytest.mark.parametrize(
    ("file", "folder", "expected"),
    [
        ("build/k.elf", None, "build/k.elf"),
        ("build/k.elf", "firmware", "firmware/build/k.elf"),
        ("../out/k.elf", "firmware", "out/k.elf"),
        ("{root}/out/k.elf", "firmware", "out/k.elf"),
        ("/elsewhere/k.elf", "firmware", "/elsewhere/k.elf"),
        ("C:\\out\\k.elf", "firmware", "C:/out/k.elf"),
    ],
)
def test_an_elf_is_named_from_the_root(
    checkout: Path, file: str, folder: str | None, expected: str
) -> None:
    assert from_root(file.replace("{root}", str(checkout)), folder) == expected
