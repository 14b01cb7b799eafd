"""What a relinked program must have in common with the one as linked."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.elf import Image
from simcore.elf.image import Symbol
from simcore.errors import ConfigError
from simcore.report.studies.whatif import _objects
from simcore.whatif.relink import _check, _moved_along
from tests.unit.handmade import kernel_profile


def image(*symbols: tuple[str, int]) -> Image:
    found = tuple(Symbol(name, address, 64, "object", ".data") for name, address in symbols)
    return Image("a.elf", "", None, None, 1, (), symbols=found)


def test_a_program_that_ends_in_another_way_is_refused() -> None:
    linked = kernel_profile()
    assert (linked.exit.reason, linked.exit.code) == ("exit", 0)
    _check("make", linked, linked, image())
    for end in (replace(linked.exit, reason="loop", code=None), replace(linked.exit, code=1)):
        with pytest.raises(ConfigError, match=r"^--relink 'make': the relinked program does not"):
            _check("make", linked, replace(linked, exit=end), image())


def test_what_moved_unasked_is_found() -> None:
    before = image(("table", 0x0800_1000), ("other", 0x0800_1040), ("stays", 0x0800_1080))
    after = image(("table", 0x2000_0000), ("other", 0x2000_0040), ("stays", 0x0800_1040))
    asked: Any = SimpleNamespace(symbol=None, name="table")
    model = load_cpu_model("stm32f746")
    assert _moved_along(before, after, [(asked, "dtcm")], model) == ("other",)


def configuration(moved: str | None, *stalls: tuple[str, int]) -> Any:
    objects = [SimpleNamespace(name=name, kind="symbol", stall_cycles=n) for name, n in stalls]
    placement = [SimpleNamespace(name=moved)] if moved else []
    return SimpleNamespace(placement=placement, change=SimpleNamespace(objects=objects))


def test_what_one_configuration_moves_has_a_column_before_what_is_dearer_in_another() -> None:
    """Where data_ is moved it does not wait, where it is not it waits less than all else."""
    dearer = [(f"f{number}", 1000 * number) for number in range(1, 9)]
    rows = [configuration("data_", *dearer), configuration(None, *dearer, ("data_", 900))]
    assert ("data_", "symbol") in _objects(rows)
