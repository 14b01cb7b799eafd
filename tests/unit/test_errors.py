"""The error family and the suggestion of near names."""

from __future__ import annotations

import pytest

from simcore import errors
from simcore.errors import ExitCode, McusimError, nearest


def test_exit_codes_are_those_of_the_contract() -> None:
    # The contract of the exit status; 130 is what shells report for Ctrl-C.
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0, "PROGRAM_FAILED": 1, "USAGE": 2, "REGRESSION": 3, "FAULT": 4, "LIMIT": 5,
        "INTERRUPTED": 130,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ElfError", 2),
        ("ModelError", 2),
        ("ConfigError", 2),
        ("UnknownInstructionError", 4),
        ("CoreError", 4),
    ],
)
def test_each_error_knows_its_exit_code(name: str, code: int) -> None:
    error = getattr(errors, name)("what, where, what to do")
    assert isinstance(error, McusimError)
    assert error.exit_code == code


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stm32f764", "; did you mean 'stm32f746'?"),
        ("STM32F746", "; did you mean 'stm32f746'?"),
        ("imxrt1062", "; did you mean 'IMXRT1060'?"),
        ("avr", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_suggested_when_one_is_near(name: str, expected: str) -> None:
    assert nearest(name, ["stm32f746", "IMXRT1060"]) == expected
