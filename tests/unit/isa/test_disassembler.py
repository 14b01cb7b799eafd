"""Capstone's library says what its package says; where it cannot be asked, the package is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from simcore.isa import disassembler as room
from simcore.isa.disassembler import disassembler

SEED = 5


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """Chosen again in each test, and behind it."""
    disassembler.cache_clear()
    yield
    disassembler.cache_clear()


def test_the_library_says_what_the_package_says() -> None:
    library, package = room._of_library(), room._of_package()
    assert library is not None
    source, known = random.Random(SEED), 0
    for _ in range(400):
        code = source.randbytes(source.randrange(0, 40))
        said = library(code)
        assert said == package(code)
        known += len(said)
    assert known > 500


def test_the_library_is_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("the package was imported")

    monkeypatch.setattr(room, "_of_package", refuse)
    assert disassembler()(bytes.fromhex("7047")) == [(2, "bx", "lr")]


def test_another_layout_of_instructions_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_of_library", lambda: lambda code: [(2, "nop", "")])
    assert disassembler()(bytes.fromhex("7047")) == [(2, "bx", "lr")]


def test_without_the_library_the_package_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda _: False)
    assert room._of_library() is None
    assert disassembler()(bytes.fromhex("7047")) == [(2, "bx", "lr")]
