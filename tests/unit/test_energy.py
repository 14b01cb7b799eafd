"""Energy: exact linearity, operating points, intervals; test_energy_fit.py has the currents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.counters import CAUSES, column_names
from simcore.cpu_model import cpu_model_names, load_cpu_model
from simcore.energy import COMPONENTS, WAITING, EnergyModel, energy_model
from simcore.errors import ConfigError

F746 = load_cpu_model("stm32f746")
COLUMNS = column_names(region.name for region in F746.regions)
COUNTS = st.dictionaries(st.sampled_from(COLUMNS), st.integers(0, 10**15), max_size=30)


def total(model: EnergyModel, counts: dict[str, int]) -> int:
    return sum(model.femtojoules(counts).values())


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
    # Power hardly depends on the program (reference/silicon.md 4): MODEL.md says why a fifth.
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


@given(COUNTS, st.sampled_from(cpu_model_names()))
def test_an_interval_never_reaches_below_nothing(counts: dict[str, int], name: str) -> None:
    model = load_cpu_model(name)
    energy = energy_model(model, model.max_clock_hz)
    parts = energy.femtojoules(counts)
    assert 0 <= energy.half_width(parts) <= sum(parts.values())


@pytest.mark.parametrize("name", cpu_model_names())
def test_every_part_says_how_far_its_energy_can_be_trusted(name: str) -> None:
    # Boards spread by about 15 % (reference/silicon.md 4), so no part can promise less.
    assert load_cpu_model(name).energy.uncertainty >= 0.15
