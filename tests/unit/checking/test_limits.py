"""Limits of a check: their grammar, which of them hold for a run, and what breaks one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.checking.limits import (
    Limit,
    check_comparing,
    check_runs,
    for_run,
    limits_of,
    parse_limits,
)
from simcore.comparison.metrics import METRICS, find_metric
from simcore.errors import ConfigError


def parsed(text: str) -> list[tuple[str, float | None, float | None]]:
    return [(x.metric.name, x.percent, x.bound) for x in parse_limits(text, "--limit")]


def message_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_limits(text, "--limit")
    message = str(caught.value)
    assert message.startswith(f"--limit '{text}': ")
    assert "\n" not in message
    return message


def holding(run: str, *texts: str) -> dict[tuple[str, str, str], list[str]]:
    """Texts of the limits that hold for a run, by what they limit; the default is left out."""
    limits: dict[tuple[str, str, str], list[str]] = {}
    for limit in limits_of(run, [parse_limits(text, "--limit") for text in texts]):
        if not limit.default:
            limits.setdefault(limit.target, []).append(limit.text)
    return limits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cycles=5%", [("cycles", 5, None)]),
        ("cycles=5%|10000", [("cycles", 5, None), ("cycles", None, 10_000)]),
        ("energy=2%,stack=4096", [("energy", 2, None), ("stack", None, 4096)]),
        (" cycles = 1.5M , time=10ms", [("cycles", None, 1.5e6), ("time", None, 0.01)]),
        ("energy=2mJ", [("energy", None, 0.002)]),
        ("energy_j=2e-3", [("energy", None, 0.002)]),
        ("energy=3uJ|4n|1J", [("energy", None, 3e-6), ("energy", None, 4e-9), ("energy", None, 1)]),
        ("stack=4K", [("stack", None, 4096)]),
        ("ram=1.5KiB", [("ram", None, 1536)]),
        ("cycles.load=0%", [("cycles.load", 0, None)]),
        ("stack_high_water_bytes=0.5%", [("stack", 0.5, None)]),
    ],
)
def test_limits_are_read_as_people_write_them(
    text: str, expected: list[tuple[str, float | None, float | None]]
) -> None:
    for limit, (name, percent, bound) in zip(parsed(text), expected, strict=True):
        assert limit[:2] == (name, percent)
        assert limit[2] == pytest.approx(bound)


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("energy", {"2fJ": 2e-15, "2pJ": 2e-12, "2nJ": 2e-9, "2uJ": 2e-6, "2µJ": 2e-6,
                    "2mJ": 2e-3, "2J": 2, "2f": 2e-15, "2": 2, ".5J": 0.5, "2e-3J": 2e-3}),
        ("time", {"2ns": 2e-9, "2us": 2e-6, "2µs": 2e-6, "2ms": 2e-3, "2s": 2, "2m": 2e-3}),
        ("stack", {"2": 2, "2B": 2, "2K": 2048, "2KB": 2048, "2KiB": 2048, "2kib": 2048,
                   "2M": 2 << 20, "2MiB": 2 << 20, "2G": 2 << 30}),
        ("cycles", {"2": 2, "2k": 2000, "2K": 2000, "2M": 2_000_000, "2G": 2_000_000_000}),
    ],
)  # fmt: skip
def test_a_bound_is_in_the_unit_of_its_metric(metric: str, values: dict[str, float]) -> None:
    for text, bound in values.items():
        ((_, percent, found),) = parsed(f"{metric}={text}")
        assert percent is None
        assert found == pytest.approx(bound, rel=1e-15, abs=0), text


def test_all_stands_for_every_metric() -> None:
    assert parsed("@all=10%") == [(metric.name, 10, None) for metric in METRICS]
    assert [name for name, _, _ in parsed("function=f:@all=10%")] == [
        "cycles", "instructions", "energy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "run", "kind", "row"),
    [
        ("cycles=5%", None, "total", ""),
        ("conv*:cycles=5%", "conv*", "total", ""),
        ("elf=conv*:cycles=5%", "conv*", "total", ""),
        ("function=dot:cycles=5%", None, "function", "dot"),
        ("function=a::b(int, int):cycles=5%", None, "function", "a::b(int, int)"),
        ("op=conv1:energy=1mJ", None, "op", "conv1"),
        ("elf=a:op=b*:cycles=1", "a", "op", "b*"),
    ],
)
def test_a_scope_stands_before_the_limits(text: str, run: str | None, kind: str, row: str) -> None:
    (limit,) = parse_limits(text, "--limit")
    assert (limit.run, limit.kind, limit.row) == (run, kind, row)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no limit: a limit has the form cycles=5%"),
        ("cycles", "'cycles' is no limit"),
        ("cycles=", "is no limit"),
        ("=5%", "is no limit"),
        ("cycles=5%,", "'' is no limit"),
        ("cycels=5%", "no metric 'cycels'; did you mean 'cycles'"),
        ("zzzz=5%", "no metric 'zzzz'; the metrics are cycles, "),
        ("5=5%", "no metric '5'"),
        ("cycles=-5", "'-5' is below nothing; only a percentage may be a lower limit"),
        ("cycles=0%|-0%", "'-0%' leaves no room below the baseline"),
        ("cycles=-100%", "'-100%' holds for every run"),
        ("cycles=10001%", "'10001%' is more than a hundredfold, which is no limit"),
        ("cycles=0", "no run keeps cycles=0: every run has some"),
        ("cycles=5%|", "'' is no value of cycles"),
        ("cycles=nan", "'nan' is no value"),
        ("cycles=5 ms", "which is a count"),
        ("energy=5 W", "which is in J: 0.002 or 2mJ"),
        ("time=5mJ", "which is in s"),
        ("stack=4Q", "which is bytes"),
        ("cycles=1e999", "too large"),
        ("@all=10", "@all takes a percentage"),
        ("function=f:stack=1", "a function has the metrics cycles, instructions, energy"),
        ("op=f:ram=1", "an operation has the metrics"),
    ],
)
def test_a_malformed_limit_is_one_line_with_what_is_wrong(text: str, words: str) -> None:
    assert words in message_of(text)


@given(st.text(max_size=30))
def test_any_text_is_a_limit_or_a_config_error(text: str) -> None:
    try:
        limits = parse_limits(text, "--limit")
    except ConfigError:
        return
    assert all((limit.percent is None) != (limit.bound is None) for limit in limits)


def test_without_a_limit_cycles_energy_and_stack_may_not_grow() -> None:
    limits = limits_of("x", [])
    assert {(limit.metric.name, limit.percent) for limit in limits} == {
        ("cycles", 0), ("energy", 0), ("stack", 0),
    }  # fmt: skip
    rest = limits_of("x", [parse_limits("cycles=5%", "")])
    assert [(x.metric.name, x.percent, x.default) for x in rest] == [
        ("cycles", 5, False), ("energy", 0, True), ("stack", 0, True),
    ]  # fmt: skip


CYCLES = ("total", "", "cycles")


def test_a_later_limit_replaces_an_earlier_one_on_the_same_metric() -> None:
    assert holding("x", "cycles=1%", "cycles=2%") == {CYCLES: ["cycles=2%"]}


def test_a_limit_for_a_run_goes_before_one_for_all() -> None:
    limits = ("conv*:cycles=9%", "cycles=1%")
    assert holding("conv2d", *limits) == {CYCLES: ["cycles=9%"]}
    assert holding("mixed", *limits) == {CYCLES: ["cycles=1%"]}


def test_a_metric_by_name_goes_before_all_of_the_same_text() -> None:
    assert holding("x", "cycles=1%,@all=10%")[CYCLES] == ["cycles=1%"]
    assert holding("x", "cycles=1%", "@all=10%")[CYCLES] == ["@all=10%"]


def test_limits_for_rows_leave_those_of_the_run_alone() -> None:
    limits = holding("x", "cycles=1%", "function=f:cycles=2%", "function=g:cycles=3%")
    assert limits[CYCLES] == ["cycles=1%"]
    assert len(limits) == 3


def test_limits_of_a_run_with_an_odd_name_are_for_it_alone() -> None:
    limits = for_run(parse_limits("cycles=1%", ""), "a[1]*")
    assert [x.text for x in limits_of("a[1]*", [limits]) if not x.default] == ["cycles=1%"]
    assert [x.text for x in limits_of("a1b", [limits]) if not x.default] == []


def limit(text: str) -> Limit:
    return parse_limits(text, "--limit")[0]


@pytest.mark.parametrize(
    ("text", "before", "allowed", "most"),
    [
        # what it allows, and the most that holds, one more being too much
        ("cycles=5%", 1000, 1050, 1050),
        ("cycles=1%", 1000, 1010, 1010),
        ("cycles=0%", 1000, 1000, 1000),
        ("cycles=0.4%", 1000, 1004, 1004),
        ("cycles=5%", 0, 0, 0),
        ("cycles=700", 1000, 700, 700),
        ("cycles=700", None, 700, 700),
        # More than a float of 53 bits tells apart: nothing may be computed.
        ("cycles=0%", 2**53 + 1, None, 2**53 + 1),
    ],
)
def test_a_limit_allows_so_much_and_no_more(
    text: str, before: int | None, allowed: float | None, most: int
) -> None:
    if allowed is not None:
        assert limit(text).allowed(before) == pytest.approx(allowed)
    held = [limit(text).holds(before, value) for value in (most // 2, most, most + 1)]
    assert held == [True, True, False]


@pytest.mark.parametrize("text", ["cycles=5%", "cycles=0%"])
def test_a_percentage_without_a_baseline_holds(text: str) -> None:
    assert limit(text).allowed(None) is None
    assert limit(text).holds(None, 1051)


def test_a_limit_is_one_by_name_unless_it_says_otherwise() -> None:
    by_name = Limit(find_metric("cycles"), "by hand", 1, None)
    chosen = limits_of("x", [[*parse_limits("@all=10%", ""), by_name]])
    assert [x.text for x in chosen if x.metric.name == "cycles"] == ["by hand"]


@pytest.mark.parametrize(
    ("texts", "runs"),
    [
        (["cycles=1%"], []),
        (["a:cycles=1%"], ["b", "a"]),
        (["a*:cycles=1%", "energy=1%", "b:cycles=1%"], ["b", "abc"]),
    ],
)
def test_limits_for_runs_that_there_are_are_taken(texts: list[str], runs: list[str]) -> None:
    check_runs([limit(text) for text in texts], runs)


@pytest.mark.parametrize(
    ("texts", "runs", "words"),
    [
        (["a:cycles=1%"], [], "the limit cycles=1% is for runs 'a', and none has that name"),
        (["abd:cycles=1%"], ["abc"], "none has that name; did you mean 'abc'?"),
        (["a:cycles=1%", "b*:time=1s"], ["a", "c"], "the limit time=1s is for runs 'b*'"),
    ],
)
def test_a_limit_for_runs_that_there_are_not_is_refused(
    texts: list[str], runs: list[str], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_runs([limit(text) for text in texts], runs)
    assert words in str(caught.value)


@given(st.floats(min_value=0, max_value=1e18))
def test_no_increase_means_not_the_last_bit_of_a_number(value: float) -> None:
    assert limit("energy=0%").holds(value, value)
    assert find_metric("energy") == limit("energy=0%").metric


def scoped(text: str) -> list[tuple[str, str, str, float | None, float | None]]:
    limits = parse_limits(text, "--limit")
    return [(x.kind, x.row, x.metric.name, x.percent, x.bound) for x in limits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("irq=TIM2:latency=5us", [("irq", "TIM2", "latency", None, 5 * 1e-6)]),
        (
            "irq=28:latency=1000cycles|10%",
            [
                ("irq", "28", "latency-cycles", None, 1000),
                ("irq", "28", "latency", 10, None),
            ],
        ),
        ("irq=*:lost=0", [("irq", "*", "lost", None, 0)]),
        (
            "stack=4K, irq=TIM2:latency=5us,response=1ms,function=dot:cycles=0%",
            [
                ("total", "", "stack", None, 4096),
                ("irq", "TIM2", "latency", None, 5 * 1e-6),
                ("irq", "TIM2", "response", None, 1 * 1e-3),
                ("function", "dot", "cycles", 0, None),
            ],
        ),
        (
            "function=swap<int,int>:cycles=5%",
            [("function", "swap<int,int>", "cycles", 5, None)],
        ),
    ],
)
def test_a_text_may_have_several_scopes_and_interrupts(text: str, expected: object) -> None:
    assert scoped(text) == expected


def test_an_interrupt_has_metrics_of_its_own() -> None:
    assert "an interrupt has the metrics latency, latency-cycles" in message_of("irq=a:energy=1")
    assert "did you mean 'latency'" in message_of("irq=a:latncy=1us")
    assert "there is no metric 'latency'" in message_of("latency=5us")


@pytest.mark.parametrize(
    ("after", "holds"), [(1000, True), (800, True), (799, False), (1050, True), (1051, True)]
)
def test_a_negative_percentage_is_the_least_that_is_allowed(after: int, holds: bool) -> None:
    (limit,) = parse_limits("instructions=-20%", "--limit")
    assert limit.is_lower
    assert limit.allowed(1000) == 800
    assert limit.holds(1000, after) is holds
    assert limit.holds(None, after)


def test_a_lower_limit_takes_no_upper_one_away() -> None:
    found = limits_of("a", [parse_limits("cycles=-20%", "--limit")])
    of_cycles = [x for x in found if x.metric.name == "cycles"]
    assert [(x.text, x.default) for x in of_cycles] == [("cycles=0%", True), ("cycles=-20%", False)]


@pytest.mark.parametrize(
    ("text", "before", "after", "holds"),
    [
        # 0.1 + 0.2 is one unit in the last place above 0.3.
        ("energy=0%", 0.3, 0.1 + 0.2, True),
        ("time=0%", 0.3, 0.1 + 0.2, True),
        ("energy=0%", 0.3, 0.30000000000000016, False),
        ("time=10%", 1.0, 1.1, True),
        ("cycles=0%", 2**60, 2**60 + 1, False),  # a count is exact
    ],
)
def test_one_unit_in_the_last_place_is_no_break(
    text: str, before: float, after: float, holds: bool
) -> None:
    (limit,) = parse_limits(text, "--limit")
    assert limit.holds(before, after) is holds


def test_a_percentage_without_anything_to_compare_with_is_refused() -> None:
    check_comparing(parse_limits("cycles=1M,irq=*:lost=0", "--limit"), "--no-baseline says none")
    with pytest.raises(ConfigError, match="the limit cycles=5% is against a baseline, and --no-b"):
        check_comparing(parse_limits("cycles=5%", "--limit"), "--no-baseline says none")
