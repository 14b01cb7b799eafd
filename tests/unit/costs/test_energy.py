"""Energy: exact linearity, operating points, intervals; test_energy_fit.py has the currents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.core.counters import CAUSES, column_names
from simcore.costs.energy import COMPONENTS, WAITING, EnergyModel, energy_model
from simcore.cpu_model import (
    cpu_model_names,
    load_cpu_model,
)
from simcore.errors import ConfigError
from tests.unit.hand_part import STANDING, hand_part

F746 = load_cpu_model("stm32f746")
COLUMNS = column_names(region.name for region in F746.regions)
COUNTS = st.dictionaries(st.sampled_from(COLUMNS), st.integers(0, 10**15), max_size=30)


def total(model: EnergyModel, counts: dict[str, int]) -> int:
    return sum(model.femtojoules(counts).values())


@pytest.mark.parametrize(
    ("column", "femtojoules"),
    [
        *((f"cycles.{cause}", STANDING) for cause in WAITING),
        *(
            (f"cycles.{cause}", {**STANDING, "pipeline": 24_000})
            for cause in CAUSES
            if cause not in (*WAITING, "sleep")
        ),
        ("cycles.sleep", {"always_on": 667, "sleep": 8_000}),
        ("alu", {"issue": 4_000}),
        ("nothing", {}),
        ("instructions", {}),
        ("icache_accesses", {"fetch": 800}),
        ("itcm.fetch_bytes", {"fetch": 6_600}),  # an eighth of 66 pJ
        ("dtcm.fetch_bytes", {"fetch": 6_600}),
        ("itcm.fetches", {}),
        ("flash.fetches", {"fetch": 12_800}),
        ("flash.instruction_refills", {"fetch": 80_000}),
        ("flash.fetch_bytes", {}),
        ("dcache_reads", {"data": 1_600}),
        ("dcache_writes", {"data": 1_600}),
        ("itcm.reads", {"data": 2_400}),
        ("dtcm.writes", {"data": 3_200}),
        ("dtcm.uncached_reads", {}),
        ("flash.uncached_reads", {"data": 9_600}),
        ("flash.uncached_writes", {"data": 10_400}),
        ("flash.reads", {}),  # of those that hit, the cache has taken account
        ("flash.data_refills", {"data": 80_000}),
        ("flash.write_backs", {"data": 40_000}),
    ],
)
def test_every_event_costs_what_the_part_says(column: str, femtojoules: dict[str, int]) -> None:
    energy = energy_model(hand_part(), 150_000_000)
    assert energy.components == COMPONENTS
    for count in (1, 3):
        parts = energy.femtojoules({column: count})
        expected = {name: count * fj for name, fj in femtojoules.items()}
        assert {name: fj for name, fj in parts.items() if fj} == expected


@pytest.mark.parametrize(
    ("regulator", "reference", "voltage", "femtojoules"),
    [
        ("ldo", 1.25, 1.0, 4_000),
        ("smps", 1.25, 1.0, 3_200),
        ("ldo", 1.0, 1.0, 5_000),
        ("ldo", 0.0, 1.0, 5_000),  # a part that does not say at what voltage
        ("smps", 1.25, 0.0, 5_000),
    ],
)
def test_an_event_costs_less_at_a_lower_core_voltage(
    regulator: str, reference: float, voltage: float, femtojoules: int
) -> None:
    energy = energy_model(hand_part(regulator, reference, voltage), 150_000_000)
    assert total(energy, {"alu": 1}) == femtojoules


@given(COUNTS, COUNTS)
def test_energy_of_a_sum_is_the_sum_of_energies(a: dict[str, int], b: dict[str, int]) -> None:
    energy = energy_model(F746, 216_000_000)
    both = {column: a.get(column, 0) + b.get(column, 0) for column in {*a, *b}}
    first, second, sums = (energy.femtojoules(counts) for counts in (a, b, both))
    assert sums == {name: first[name] + second[name] for name in COMPONENTS}


@given(COUNTS, st.sampled_from(COLUMNS))
def test_one_more_event_never_costs_less(counts: dict[str, int], column: str) -> None:
    energy = energy_model(F746, 216_000_000)
    more = {**counts, column: counts.get(column, 0) + 1}
    assert total(energy, more) >= total(energy, counts)


def test_components_are_whole_femtojoules() -> None:
    energy = energy_model(F746, 100_000_000)
    parts = energy.femtojoules(dict.fromkeys(COLUMNS, 7))
    assert tuple(parts) == COMPONENTS
    assert all(type(part) is int and part > 0 for part in parts.values())


@pytest.mark.parametrize("name", cpu_model_names())
def test_every_coefficient_names_a_column_that_the_core_counts(name: str) -> None:
    model = load_cpu_model(name)
    known = set(column_names(region.name for region in model.regions))
    for point in model.operating_points:
        energy = energy_model(model, point.max_clock, point.voltage_scale)
        for terms in energy.coefficients.values():
            assert {column for column, _ in terms} <= known


@pytest.mark.parametrize("name", cpu_model_names())
def test_a_stalled_cycle_costs_less_than_one_that_issues(name: str) -> None:
    model = load_cpu_model(name)
    energy = energy_model(model, model.max_clock_hz)
    issuing = total(energy, {"cycles.issue": 1, "alu": 1, "instructions": 1})
    asleep = total(energy, {"cycles.sleep": 1})
    for cause in CAUSES:
        if cause not in ("issue", "sleep"):
            assert asleep < total(energy, {f"cycles.{cause}": 1}) < issuing, cause


@pytest.mark.parametrize("name", cpu_model_names())
def test_waiting_for_a_memory_costs_less_than_a_bubble_in_the_pipeline(name: str) -> None:
    model = load_cpu_model(name)
    energy = energy_model(model, model.max_clock_hz)
    bubble = total(energy, {"cycles.branch": 1})
    for cause in WAITING:
        assert total(energy, {f"cycles.{cause}": 1}) < bubble


@pytest.mark.parametrize("name", cpu_model_names())
def test_a_second_instruction_adds_little_to_the_power_of_a_cycle(name: str) -> None:
    # Power hardly depends on the program (docs/sources/silicon.md 4); docs/model/energy.md says why
    # a fifth.
    model = load_cpu_model(name)
    energy = energy_model(model, model.max_clock_hz)
    one = total(energy, {"cycles.issue": 1, "alu": 1})
    two = total(energy, {"cycles.issue": 1, "alu": 2})
    assert one < two < 1.2 * one


def test_always_on_energy_grows_with_time_not_with_cycles() -> None:
    # That many mW for one second, at whatever clock, up to the rounding of one cycle's share.
    point = F746.operating_point(144_000_000, "scale3")
    assert point.always_on_power > 0
    for mhz in (1, 50, 144):
        energy = energy_model(F746, mhz * 1_000_000, "scale3")
        parts = energy.femtojoules({"cycles.sleep": mhz * 1_000_000})
        assert parts["always_on"] * 1e-15 == pytest.approx(point.always_on_power * 1e-3, rel=1e-4)


def test_a_lower_voltage_scale_costs_less_for_each_event() -> None:
    counts = {"cycles.issue": 1000, "alu": 1000}
    scale = {
        point.voltage_scale: energy_model(F746, 100_000_000, point.voltage_scale)
        for point in F746.operating_points
    }
    costs = [total(scale[point.voltage_scale], counts) for point in F746.operating_points]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


def test_the_lowest_voltage_that_allows_the_clock_is_the_default() -> None:
    assert energy_model(F746, 144_000_000).point.voltage_scale == "scale3"
    assert energy_model(F746, 144_000_001).point.voltage_scale == "scale2"


def test_a_clock_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="above the 216000000 Hz"):
        energy_model(F746, 217_000_000)


@pytest.mark.parametrize(("name", "exponent"), [("stm32h743", 1), ("stm32h7a3", 2)])
def test_events_scale_with_core_voltage_by_the_kind_of_regulator(name: str, exponent: int) -> None:
    # A linear regulator passes the current C x VCORE on, a switching one the energy C x VCORE^2.
    model = load_cpu_model(name)
    low, high = model.operating_points[0], model.operating_points[-1]
    cost = [
        energy_model(model, point.max_clock, point.voltage_scale).femtojoules({"alu": 10**6})[
            "issue"
        ]
        for point in (low, high)
    ]
    ratio = (low.core_voltage / high.core_voltage) ** exponent
    assert cost[0] / cost[1] == pytest.approx(ratio, rel=1e-4)


def test_the_interval_of_a_whole_is_its_uncertainty_and_that_of_its_events() -> None:
    # 10 % of 1000 and 20 % of the 600 that single events cost: the root of 100^2 + 120^2.
    energy = EnergyModel(1, F746.operating_points[0], {}, uncertainty=0.1, split_uncertainty=0.2)
    assert energy.half_width({"clock": 400, "issue": 300, "fetch": 200, "data": 100}) == 156
    assert energy.half_width({"sleep": 1000}) == 100


def test_the_interval_is_wider_for_code_that_is_denser_or_thinner_than_what_was_measured() -> None:
    # Measured was code with issue energy of half the pipeline's; all that lies beyond is uncertain.
    energy = EnergyModel(
        1, F746.operating_points[0], {}, density_uncertainty=1.0, reference_density=0.5
    )
    assert energy.half_width({"pipeline": 400, "issue": 200}) == 0
    assert energy.half_width({"pipeline": 400, "issue": 300}) == 100
    assert energy.half_width({"pipeline": 400, "issue": 50}) == 150


def test_a_component_that_is_missing_adds_nothing_to_the_interval() -> None:
    point = F746.operating_points[0]
    assert EnergyModel(1, point, {}).half_width({"issue": 1000}) == 0
    split = EnergyModel(1, point, {}, split_uncertainty=100.0)
    assert split.half_width({"sleep": 10_000}) == 0
    dense = EnergyModel(1, point, {}, density_uncertainty=100.0, reference_density=1.0)
    assert dense.half_width({"sleep": 10_000}) == 0
    # Without a density that was measured all issue energy is uncertain.
    dense = EnergyModel(1, point, {}, density_uncertainty=1.0)
    assert dense.half_width({"pipeline": 400, "issue": 100}) == 100


@given(COUNTS, st.sampled_from(cpu_model_names()))
def test_an_interval_never_reaches_below_nothing(counts: dict[str, int], name: str) -> None:
    model = load_cpu_model(name)
    energy = energy_model(model, model.max_clock_hz)
    parts = energy.femtojoules(counts)
    assert 0 <= energy.half_width(parts) <= sum(parts.values())


@pytest.mark.parametrize("name", cpu_model_names())
def test_every_part_says_how_far_its_energy_can_be_trusted(name: str) -> None:
    # Boards spread by about 15 % (docs/sources/silicon.md 4), so no part can promise less.
    assert load_cpu_model(name).energy.uncertainty >= 0.15
