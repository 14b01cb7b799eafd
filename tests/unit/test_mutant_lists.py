"""The lists of tests/mutants still fit what they name; `scripts/validate mutants` runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scripts.mutation import lists
from scripts.mutation.lists import ListError, native_mutants, python_modules


def test_every_mutant_of_the_c_rules_is_one_and_has_its_test() -> None:
    mutants = native_mutants()
    assert len({(mutant.file, mutant.before, mutant.after) for mutant in mutants}) == len(mutants)


def test_every_explained_mutant_is_of_a_line_that_is_there() -> None:
    for module in python_modules():
        keys = [(x.line, becomes) for x in module.explained for becomes in x.becomes]
        assert len(set(keys)) == len(keys)
        assert all(line != becomes for line, becomes in keys)


@pytest.mark.parametrize(
    ("source", "times"), [("if (a) b;", 0), ("if (a) c;\nif (a) c;", 2), ("if (a)  c;", 0)]
)
def test_a_snippet_that_is_not_there_once_is_an_error_that_says_so(source: str, times: int) -> None:
    mutant = replace(native_mutants()[0], file="x.c", before="if (a) c;", after="c;")
    with pytest.raises(ListError, match=rf"x\.c has {times} times, not once: if \(a\) c;"):
        mutant.mutated(source)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "python.toml",
            'path = "simcore/costs/energy.py"\ntests = []\n'
            '[[module.explained]]\nline = "no such line"\nbecomes = ["x"]\nreason = "y"',
            "simcore/costs/energy.py has 0 times, not once: no such line",
        ),
        (
            "native.toml",
            'file = "memory/cache.c"\nbefore = "gone"\nafter = ""\nrule = ""\n'
            'noticed_by = "x.py::test_y"',
            "memory/cache.c has 0 times, not once: gone",
        ),
        (
            "native.toml",
            'file = "memory/cache.c"\nbefore = "0xb400u"\nafter = "1"\nrule = ""\n'
            'noticed_by = "tests/unit/native/test_cache.py::test_gone"',
            "tests/unit/native/test_cache.py has no test test_gone",
        ),
    ],
)
def test_a_list_that_fits_no_more_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, words: str
) -> None:
    monkeypatch.setattr(lists, "LISTS", tmp_path)
    table = "module" if name == "python.toml" else "mutant"
    (tmp_path / name).write_text(f"[[{table}]]\n{text}\n", encoding="utf-8")
    with pytest.raises(ListError, match=words):
        python_modules() if name == "python.toml" else native_mutants()
