"""timings.c: configurations side by side find what each finds alone, whoever times them."""

from __future__ import annotations

from typing import Any

import pytest

from tests import native
from tests.rule_cases import read
from tests.unit.native.timed import Timed

BLOCKS = read("timing")["block"]
SRAM = 0x2002_0000
CONFIGURATIONS: list[dict[str, Any]] = [
    {},
    {"config": {"btac_entries": 16}},
    {"moves": [[SRAM, 0x1000, 0x2000_1000]]},
    {"config": {"static_taken_cycles": 9}},
    {"config": {"store_buffer_entries": 1}},
]


class Together:
    """Configurations on one stream; `each` of them looks at its own results."""

    def __init__(self) -> None:
        self.ffi, self.lib = native.load()
        self.timings = self.ffi.new("struct timings *")
        self.lib.timings_init(self.timings)
        self.each = [Timed(BLOCKS, **options) for options in CONFIGURATIONS]
        for number, timed in enumerate(self.each):
            added = self.lib.timings_add(self.timings, timed.setup, self.each[0].stream)
            assert added == number
            self.lib.timing_free(timed.t)
            timed.t = self.timings.timing[number]

    def consume(self, words: list[int]) -> int:
        told = self.ffi.new("uint32_t[]", words)
        return int(self.lib.timings_consume(self.timings, told, len(words)))

    def close(self) -> None:
        self.lib.timings_free(self.timings)
        for timed in self.each:
            self.lib.stream_free(timed.stream)


def piece(timed: Timed, times: int) -> list[int]:
    """Words of a program that calls, loads and stores, so many times."""
    at = [SRAM + 16 * n for n in range(6)]
    records: list[dict[str, Any]] = [
        *({"run": name} for name in ("caller", "callee", "back_in_caller")),
        {"run": "load", "at": [SRAM]},
        {"run": "stores", "at": at},
    ]
    return [word for record in records for word in timed.words(record)] * times


@pytest.mark.parametrize("times", [1, 500], ids=["short", "long enough to share"])
def test_configurations_find_together_what_each_finds_alone(times: int) -> None:
    together = Together()
    words = piece(together.each[0], times)
    assert (len(words) >= together.lib.SHARED_WORDS_MIN) is (times > 1)
    for _ in range(3):
        assert together.consume(words) == 0
    for timed, options in zip(together.each, CONFIGURATIONS, strict=True):
        together.lib.timing_settle(timed.t)
        alone = Timed(BLOCKS, **options)
        assert alone.consume([{"words": words, "times": 3}]) == 0
        assert (timed.t.now, timed.counters()) == (alone.t.now, alone.counters())
        alone.close()
    assert together.lib.timings_now(together.timings) == together.each[0].t.now
    assert len({timed.t.now for timed in together.each}) > 2  # the configurations do differ
    together.close()


@pytest.mark.parametrize("times", [0, 500], ids=["short", "long enough to share"])
def test_a_fault_of_the_program_is_a_fault_of_all_and_an_error_goes_before_it(times: int) -> None:
    together = Together()
    words = piece(together.each[0], times)
    fault = together.each[0].words({"run": "double", "at": [SRAM + 2]})
    assert together.consume(words + fault) == together.lib.STOP_FAULT
    failed = together.ffi.callback("core_define_fn *", lambda *_: together.lib.CORE_ERR_CALLBACK)
    together.each[3].t.blocks.callbacks.define = failed
    start = together.each[0].words({"run": "start"})
    assert together.consume(words + start + fault) == together.lib.CORE_ERR_CALLBACK
    together.close()


def test_a_configuration_that_is_refused_leaves_the_others() -> None:
    together = Together()
    setup = together.each[0].setup
    setup.regions = 33
    added = together.lib.timings_add(together.timings, setup, together.each[0].stream)
    assert added == together.lib.CORE_ERR_CONFIG
    assert together.timings.count == len(CONFIGURATIONS)
    assert together.consume(piece(together.each[0], 1)) == 0
    together.close()
