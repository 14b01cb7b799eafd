"""Which folders of the C core know each other: what a file includes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NATIVE = Path(__file__).resolve().parents[3] / "simcore" / "native"
FILES = sorted(path.relative_to(NATIVE).as_posix() for path in NATIVE.rglob("*.[ch]"))
#: Folder -> what its files may include of the other folders.
MAY_INCLUDE = {
    "capture": {"stream"},
    "stream": set[str](),
    "memory": set[str](),
    "timing": {"stream", "memory"},
}


def includes(file: str) -> list[str]:
    """What a file includes, of this core and of others."""
    return re.findall(r'^#include ["<](.+)[">]$', (NATIVE / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("file", [file for file in FILES if "/" in file])
def test_a_folder_includes_only_what_stands_below_it(file: str) -> None:
    own = file.partition("/")[0]
    for included in includes(file):
        folder, slash, _ = included.partition("/")
        if slash and folder in MAY_INCLUDE:
            assert folder == own or folder in MAY_INCLUDE[own], included
        if "unicorn" in included:
            assert own == "capture"


def test_nothing_below_the_face_of_the_core_includes_it() -> None:
    assert [file for file in FILES if "core.h" in includes(file)] == ["core.c"]
