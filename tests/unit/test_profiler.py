"""From a run's counters to its Profile, on a real part and a prebuilt kernel's symbols.

The machine is replaced by one that returns counters made by hand; tests/integration runs it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import simcore
from simcore.core.counters import Counters, Node, column_names
from simcore.costs.build import build_profile
from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.elf import Image, load_image
from simcore.errors import ConfigError, ElfError, ModelError
from simcore.resources import data_folder
from simcore.run.faults import Fault, Frame
from simcore.run.options import RunOptions

ELF = data_folder("kernels") / "prebuilt" / "conv2d_s8_small.elf"
MODEL = simcore.load_cpu_model("stm32f746")
COLUMNS = column_names(region.name for region in MODEL.regions)
FINISHED = Exit("exit", 0, None)


def function(image: Image, name: str) -> int:
    return next(f.index for f in image.functions if f.name == name)


def hand_counters(image: Image) -> Counters:
    """main, 1000 cycles, calls conv2d_s8, 9000 cycles with loads from every region."""

    def vector(**counts: int) -> tuple[int, ...]:
        return tuple(counts.get(column.replace(".", "__"), 0) for column in COLUMNS)

    loads = {f"{region.name}__reads": 10 for region in MODEL.regions}
    refills = {f"{region.name}__data_refills": 3 for region in MODEL.regions}
    main, conv = function(image, "main"), function(image, "conv2d_s8")
    return Counters(
        columns=COLUMNS,
        nodes=(
            Node(-1, main, -1, 0, 1, vector(instructions=500, alu=500, cycles__issue=1000)),
            Node(
                0, conv, -1, 0x0800_0000, 1,
                vector(instructions=8000, multiply=8000, macs=16000, dcache_reads=70,
                       icache_accesses=4000, cycles__issue=5000, cycles__load=4000,
                       **loads, **refills),
            ),
        ),
        regions=tuple(region.name for region in MODEL.regions),
        stack_high_water_bytes=128,
        warnings=("from the core",),
    )  # fmt: skip


def build(clock_hz: int = 216_000_000, **options: Any) -> Profile:
    image = load_image(ELF)
    return build_profile(image, MODEL, clock_hz, hand_counters(image), FINISHED, **options)


def femtojoules(energy_j: float) -> int:
    return round(energy_j * 1e15)


def test_functions_carry_their_names_and_source_lines() -> None:
    conv, main = build().functions
    assert (conv.name, conv.cycles_self, main.cycles_total) == ("conv2d_s8", 9000, 10_000)
    assert conv.file is not None
    assert Path(conv.file).name == "conv2d_s8.c"
    assert conv.line


def test_components_and_functions_sum_to_the_energy_to_the_femtojoule() -> None:
    profile = build()
    total = femtojoules(profile.totals.energy_j)
    assert total > 0
    assert sum(map(femtojoules, profile.totals.energy_by_component.values())) == total
    assert sum(femtojoules(row.energy_j_self) for row in profile.functions) == total
    assert sum(femtojoules(node.energy_j) for node in profile.call_tree) == total


def test_time_follows_the_clock_and_cycles_do_not() -> None:
    fast, slow = build(200_000_000), build(100_000_000)
    assert fast.totals.cycles == slow.totals.cycles == 10_000
    assert (fast.totals.time_s, slow.totals.time_s) == (50e-6, 100e-6)


def test_the_profile_holds_no_folder_of_the_host() -> None:
    profile = build()
    assert profile.elf.name == "conv2d_s8_small.elf"
    assert str(ELF.parent) not in profile.to_json()


def test_part_and_operating_point_are_named() -> None:
    cpu = build(216_000_000, caches="on").cpu
    assert (cpu.name, cpu.clock_hz, cpu.caches) == ("stm32f746", 216_000_000, "on")
    assert cpu.voltage_scale == MODEL.operating_point(216_000_000).voltage_scale
    assert cpu.model_sha256 == MODEL.sha256


def test_warnings_of_core_and_patterns_come_together() -> None:
    profile = build(ops=("conv*", "Reset_H*"), warnings=("from the machine",))
    assert profile.warnings == (
        "from the machine",
        "from the core",
        "--op 'Reset_H*' matches no function that ran",
    )


def test_the_json_comes_back() -> None:
    assert Profile.from_json(build().to_json()) == build()


# -- simcore.profile() -----------------------------------------------------------------------------


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """Puts a machine that faults in place of the real one; the options of each run land here."""
    seen: list[RunOptions] = []
    place = ("main", 4, None, None)

    def run_many(image: Image, setups: Any, options: RunOptions, *_: Any) -> list[SimpleNamespace]:
        seen.append(options)
        frame = Frame(0x0800_0004, *place)
        fault = Fault("divide by zero", 4, 0x0800_0004, *place, call_stack=(frame,))
        result = SimpleNamespace(
            counters=hand_counters(image),
            exit_reason="fault",
            exit_code=None,
            fault=fault,
            warnings=(),
            blocks=(),
            schedules=(),
            exit_place=None,
            clocks=(),
            guesses=(),
            tasks=(),
            kernel="",
            heaps=(),
            arenas=(),
        )
        return [result] * len(setups)

    fake = ModuleType("simcore.machine")
    fake.__dict__.update(run_many=run_many, RunOptions=RunOptions)
    monkeypatch.setitem(sys.modules, "simcore.machine", fake)
    monkeypatch.setattr(simcore, "machine", fake, raising=False)
    return seen


def test_the_clock_is_the_parts_maximum_when_not_given(ran: list[RunOptions]) -> None:
    assert simcore.profile(ELF).cpu.clock_hz == MODEL.max_clock_hz
    assert ran[0].clock_hz == MODEL.max_clock_hz


def test_options_reach_the_machine(ran: list[RunOptions]) -> None:
    simcore.profile(
        ELF, "stm32f746", clock_hz=100_000_000, caches="off", args=["a", "b"], semihost_dir="d"
    )
    assert (ran[0].clock_hz, ran[0].caches) == (100_000_000, "off")
    assert (ran[0].spec.args, ran[0].spec.semihost_dir) == (("a", "b"), "d")


def test_a_fault_is_part_of_the_profile(ran: list[RunOptions]) -> None:
    profile = simcore.profile(ELF)
    assert profile.exit.fault is not None
    assert str(profile.exit.fault) == "divide by zero (address 0x00000004) at 0x08000004 main+0x4"
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.parametrize(
    ("arguments", "options", "error", "part"),
    [
        (["none.elf"], {}, ElfError, "none.elf: no such file"),
        ([ELF, "stm32f764"], {}, ModelError, "stm32f746"),
        ([ELF], {"caches": "maybe"}, ConfigError, "it is one of auto, on, off"),
        ([ELF], {"clock_hz": 10**9}, ConfigError, "216000000"),
        ([ELF], {"ops": ["cnov2d_s8"]}, ConfigError, "did you mean 'conv2d_s8'?"),
    ],
)
def test_wrong_input_is_refused_before_anything_runs(
    ran: list[RunOptions], arguments: list[Any], options: Any, error: Any, part: str
) -> None:
    with pytest.raises(error) as caught:
        simcore.profile(*arguments, **options)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ran == []
