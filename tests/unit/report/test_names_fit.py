"""Names that are shortened keep what matters, and two of them never become one."""

from __future__ import annotations

import time

import pytest
from rich.cells import cell_len

from simcore.elf import load_image
from simcore.report.page.names import fitted, fitted_places
from tests.integration.programs import FIRMWARE

LONG = "int outer::inner::Filter<short, 12>::apply(short const*, unsigned int) const"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (100, LONG),
        (74, LONG.removeprefix("int ")),
        (50, "outer::inner::Filter<short, 12>::apply(…)"),
        (38, "outer::inner::Filter<…>::apply(…)"),
        (30, "…::inner::Filter<…>::apply(…)"),
        (22, "…::Filter<…>::apply(…)"),
        (13, "…::apply(…)"),
        (5, "apply"),
    ],
)
def test_a_function_keeps_its_own_name(width: int, shown: str) -> None:
    assert fitted([LONG], width) == [shown]


def test_a_path_loses_its_front() -> None:
    paths = ["/home/me/project/src/drivers/spi/transfer.c:120", "src/main.c:7"]
    assert fitted(paths, 30) == ["…/drivers/spi/transfer.c:120", "src/main.c:7"]
    assert fitted(paths, 15) == ["transfer.c:120", "src/main.c:7"]


def test_two_paths_stay_two() -> None:
    shown = fitted(["/a/first/transfer.c:120", "/a/other/transfer.c:120"], 18)
    assert len(set(shown)) == 2


def test_what_the_compiler_made_for_a_name_is_not_that_name() -> None:
    (shown,) = fitted(["virtual thunk to outer::inner::Square::area(int) const"], 40)
    assert shown == "virtual thunk to …::Square::area(…)"


def test_a_trait_of_rust_stays() -> None:
    name = "<rust_names::motor::Wheel<u32> as rust_names::motor::Drive>::drive"
    assert fitted([name], 40) == ["<…Wheel<u32> as …Drive>::drive"]


@pytest.mark.parametrize("width", range(10, 70, 4))
def test_different_names_stay_different_and_fit(width: int) -> None:
    names = [function.name for function in load_image(FIRMWARE / "names.elf").functions]
    names += [f"f(int, {'long, ' * n}char)" for n in range(20)]
    shown = fitted(names, width)
    assert len(set(shown)) == len(names)
    assert max(map(cell_len, shown)) <= width


@pytest.mark.parametrize("text", ["a::" * 100_000 + "B", "/a" * 100_000, "<" * 200_000],
                         ids=["scopes", "folders", "brackets"])  # fmt: skip
def test_a_name_of_no_compiler_is_cut_at_once(text: str) -> None:
    began = time.process_time()
    assert all(len(shown) <= 40 for shown in fitted([text + "0", text + "1"], 40))
    assert len(set(fitted_places([text + "/x.c", text + "/y.c"], 40))) == 2
    assert time.process_time() - began < 5
