"""Rates of interrupts: how they are written, and the configurations that they make."""

from __future__ import annotations

import pytest

from simcore.errors import ConfigError
from simcore.run.interrupts import split_rates
from simcore.whatif.configuration import Configuration
from simcore.whatif.rates import split_irqs, with_rates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TIM2=48kHz,96kHz", ("TIM2", ["48kHz", "96kHz"])),
        (" 28 = 0.5MHz ", ("28", ["0.5MHz"])),
        ("TIM2=48 khz", ("TIM2", ["48 khz"])),
        ("TIM2=1ms", None),
        ("TIM2=1ms,5us", None),
        ("TIM2=48kHz,5us", None),
        ("TIM2=", None),
        ("TIM2", None),
    ],
)
def test_rates_are_told_from_periods(text: str, expected: object) -> None:
    assert split_rates(text) == expected


def test_each_configuration_runs_at_each_combination_of_rates() -> None:
    plain, swept = split_irqs(["TIM2=48kHz,96kHz", "SPI1=1ms", "3=1kHz"])
    assert plain == ("SPI1=1ms",)
    made = with_rates([Configuration(name="a"), Configuration(name="b")], swept)
    assert [(one.name, one.irq) for one in made] == [
        ("a TIM2=48kHz 3=1kHz", ("TIM2=48kHz", "3=1kHz")),
        ("a TIM2=96kHz 3=1kHz", ("TIM2=96kHz", "3=1kHz")),
        ("b TIM2=48kHz 3=1kHz", ("TIM2=48kHz", "3=1kHz")),
        ("b TIM2=96kHz 3=1kHz", ("TIM2=96kHz", "3=1kHz")),
    ]
    assert [one.name for one in with_rates([Configuration()], swept)] == [
        "TIM2=48kHz 3=1kHz",
        "TIM2=96kHz 3=1kHz",
    ]


def test_a_rate_stands_once() -> None:
    with pytest.raises(ConfigError, match=r"--irq 'TIM2=1kHz,1kHz': a rate stands twice"):
        split_irqs(["TIM2=1kHz,1kHz"])
