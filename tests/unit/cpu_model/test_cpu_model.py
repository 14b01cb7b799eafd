"""The shipped CPU models: provenance, memory maps, operating points and latencies."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.cpu_model import CpuModel, cpu_model_names, load_cpu_model
from simcore.cpu_model.build import default_policy
from simcore.cpu_model.check import source_tags
from simcore.cpu_model.schema import STATUSES, UNCITED
from simcore.cpu_model.tree import shipped_models
from simcore.errors import ConfigError, ModelError
from tests.integration.programs import RUNNERS

TYPES_H = Path(__file__).resolve().parents[3] / "simcore" / "native" / "types.h"

PARTS = tuple(RUNNERS)


# --- the shipped parts ---------------------------------------------------------------------------


def test_the_parts_are_the_files_of_the_folder_without_cores_and_families() -> None:
    assert cpu_model_names() == list(PARTS)
    assert "cortex-m7" in shipped_models()


@pytest.mark.parametrize("name", PARTS)
def test_every_number_of_every_part_names_unit_source_and_status(name: str) -> None:
    model = load_cpu_model(name)
    assert len(model.provenance) > 50
    for key, provenance in model.provenance.items():
        assert provenance.unit, key
        assert provenance.status in STATUSES, key
        tags = source_tags(provenance.source)
        assert provenance.source.startswith(UNCITED) or tags, key
        assert all(tag in model.sources for tag in tags), key


@pytest.mark.parametrize("name", PARTS)
def test_what_is_only_recalled_is_marked_assumed(name: str) -> None:
    for key, provenance in load_cpu_model(name).provenance.items():
        if provenance.source.startswith("recalled"):
            assert provenance.status == "assumed", key


@pytest.mark.parametrize("name", PARTS)
def test_every_part_fits_the_c_core_at_every_operating_point(name: str) -> None:
    model = load_cpu_model(name)
    for point in model.operating_points:
        config, regions = model.timing(point.max_clock, "on", point.voltage_scale)
        assert config.keys() == struct_fields("timing_config")
        assert config["icache"].keys() == struct_fields("cache_config")
        assert len(regions) == len(model.regions) <= 32
        for region in regions:
            assert region.keys() == struct_fields("region_config")
            assert region["bank_of"] < 32
            assert region["rows"] <= 64
            assert bool(region["rows"]) == bool(region["row_bytes"])
            assert all(0 <= value < 2**32 for value in region.values())


def struct_fields(name: str) -> set[str]:
    """The field names of a struct of types.h, comments and types left out."""
    body = re.search(rf"struct {name} {{(.*?)\n}};", TYPES_H.read_text(), re.S)
    assert body is not None
    code = re.sub(r"/\*.*?\*/", "", body[1], flags=re.S)
    declarations = [line.split(None, 1) for line in code.split(";") if line.strip()]
    names = [rest.removeprefix("cache_config ") for _, rest in declarations]
    return {field.strip() for part in names for field in part.split(",")}


def test_the_f746_has_the_memory_map_of_its_manual() -> None:
    # Sizes and addresses: RM0385 and Zephyr, docs/sources/soc-memory.csv.
    model = load_cpu_model("stm32f746")
    assert (model.core.icache.size, model.core.icache.ways) == (4096, 2)
    assert (model.core.dcache.size, model.core.dcache.ways) == (4096, 4)
    expected = {
        "itcm": (0x00000000, 16),
        "flash_itcm": (0x00200000, 1024),
        "flash": (0x08000000, 1024),
        "dtcm": (0x20000000, 64),
        "sram1": (0x20010000, 240),
        "sram2": (0x2004C000, 16),
    }
    for name, (base, kib) in expected.items():
        region = model.region(name)
        assert (region.base, region.size) == (base, kib * 1024)
    assert model.max_clock_hz == 216_000_000


@pytest.mark.parametrize("name", PARTS)
def test_tightly_coupled_memory_answers_at_once_and_is_never_cached(name: str) -> None:
    model = load_cpu_model(name)
    _, configs = model.timing(model.max_clock_hz)
    for region, config in zip(model.regions, configs, strict=True):
        if region.kind in ("itcm", "dtcm"):
            assert (config["read_cycles"], config["write_cycles"], config["rows"]) == (0, 0, 0)
            assert region.policy == "non-cacheable"
            assert not region.cacheable


def test_flash_seen_through_two_interfaces_is_one_device() -> None:
    model = load_cpu_model("stm32f746")
    _, configs = model.timing(model.max_clock_hz)
    bank = {region.name: c["bank_of"] for region, c in zip(model.regions, configs, strict=True)}
    assert bank["flash"] == bank["flash_itcm"]
    assert bank["sram1"] != bank["sram2"]


def test_the_check_of_the_shipped_models_finds_what_the_schema_lets_a_user_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = TYPES_H.parents[2] / "scripts" / "check_models.py"
    spec = importlib.util.spec_from_file_location("check_models", script)
    assert spec is not None
    assert spec.loader is not None
    check_models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check_models)
    assert check_models.problems() == []
    (tmp_path / "bad.toml").write_text(
        'name = "good"\nabstract = true\n[sources]\nA = "unused"\n[pipeline]\n'
        'x = {value = 1, unit = "count", source = "recalled", status = "measured"}\n'
    )
    (tmp_path / "worse.toml").write_text("[core.dcache]\nsize = 1\n")
    monkeypatch.setattr("simcore.cpu_model.tree.data_folder", lambda name: tmp_path)
    found = check_models.problems()
    assert len(found) == 4
    for expected in ("name is 'good'", "only recalled", "source A is cited", "bare value 1"):
        assert any(expected in problem for problem in found), expected


# --- clocks and latencies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mhz", "wait_states"),
    # One wait state a 30 MHz of HCLK at 2.7 to 3.6 V: docs/sources/flash-wait-states.csv.
    [(16, 0), (30, 0), (31, 1), (60, 1), (90, 2), (120, 3), (150, 4), (180, 5), (210, 6), (216, 7)],
)
def test_flash_wait_states_of_the_f746_follow_the_clock(mhz: int, wait_states: int) -> None:
    assert (
        region_config(load_cpu_model("stm32f746"), mhz, "flash")["row_miss_cycles"] == wait_states
    )


@pytest.mark.parametrize(
    ("mhz", "scale", "cycles"),
    # Wait states count in AXI clocks, two core cycles each above the AXI limit
    # (docs/sources/flash-wait-states.csv): 480 MHz VOS0 4 WS at 240 MHz, 400 MHz VOS1 2 WS at
    # 200 MHz, 64 MHz VOS3 1 WS.
    [(480, "vos0", 8), (400, "vos1", 4), (64, "vos3", 1)],
)
def test_flash_wait_states_of_the_h743_count_in_bus_clocks(
    mhz: int, scale: str, cycles: int
) -> None:
    model = load_cpu_model("stm32h743")
    assert model.operating_point(mhz * 1_000_000).voltage_scale == scale
    assert region_config(model, mhz, "flash")["row_miss_cycles"] == cycles


def region_config(model: CpuModel, mhz: int, name: str) -> dict[str, int]:
    _, configs = model.timing(mhz * 1_000_000)
    return configs[[region.name for region in model.regions].index(name)]


def test_the_firmware_may_set_other_wait_states_than_the_clock_needs() -> None:
    model = load_cpu_model("stm32f746")
    _, configs = model.timing(216_000_000, wait_states=9)
    index = [region.name for region in model.regions].index("flash")
    assert configs[index]["row_miss_cycles"] == 9


@given(st.integers(min_value=1000, max_value=480_000_000))
def test_a_faster_clock_never_shortens_a_latency_in_cycles(clock_hz: int) -> None:
    model = load_cpu_model("stm32h743")
    scale = model.operating_point(clock_hz).voltage_scale
    slower = clock_hz // 2
    if slower < 1000:
        return
    _, fast = model.timing(clock_hz, "auto", scale)
    _, slow = model.timing(slower, "auto", scale)
    for before, after in zip(slow, fast, strict=True):
        for key in ("read_cycles", "write_cycles", "beat_cycles", "row_miss_cycles"):
            assert before[key] <= after[key]


@pytest.mark.parametrize("clock_hz", [0, -1, 999, 216_000_001])
def test_a_clock_that_the_part_does_not_reach_is_refused(clock_hz: int) -> None:
    with pytest.raises(ConfigError, match="clock"):
        load_cpu_model("stm32f746").timing(clock_hz)


def test_an_unknown_voltage_scale_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'vos1'"):
        load_cpu_model("stm32h743").operating_point(1_000_000, "vos11")


def test_a_voltage_scale_has_its_own_limit() -> None:
    with pytest.raises(ConfigError, match="above the 200000000 Hz"):
        load_cpu_model("stm32h743").operating_point(400_000_000, "vos3")


def test_an_unknown_region_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'sram1'"):
        load_cpu_model("stm32f746").region("sram11")


@pytest.mark.parametrize(
    ("address", "policy"),
    # Armv7-M ARM B3.1, table of the default memory map.
    [
        (0x00000000, "write-through"),
        (0x1FFFFFFF, "write-through"),
        (0x20000000, "write-back-allocate"),
        (0x3FFFFFFF, "write-back-allocate"),
        (0x40000000, "device"),
        (0x60000000, "write-back-allocate"),
        (0x80000000, "write-through"),
        (0xA0000000, "device"),
        (0xE0000000, "device"),
    ],
)
def test_the_default_cache_policy_is_that_of_the_armv7m_map(address: int, policy: str) -> None:
    assert default_policy(address) == policy


def test_a_programs_stack_may_not_execute_from_peripherals() -> None:
    model = load_cpu_model("stm32f746")
    assert not model.region("peripheral").executable
    assert not model.region("system").executable
    assert model.region("sram1").executable


def test_a_part_file_is_read_anew_each_time(tmp_path: Path) -> None:
    source = shipped_models()["stm32f746"]
    part = tmp_path / "part.toml"
    part.write_bytes(source.read_bytes())
    assert load_cpu_model(str(part)).name == "stm32f746"
    part.write_text("nonsense = true\n")
    with pytest.raises(ModelError, match=r"part\.toml"):
        load_cpu_model(str(part))
