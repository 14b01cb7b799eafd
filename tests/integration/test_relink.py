"""A placement by --place costs what the same placement by relinking costs, within 1 %.

Two things are in the relinked program only, and are named here: start-up code copies what moved
from flash into RAM, and calls between flash and ITCM, 128 MB apart, go through veneers of the
linker. The rest executes the same instructions. Literal pools move with their functions in both.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest

import simcore
from simcore.advisor import advise
from simcore.costs.profile import Profile
from tests.integration.programs import CHECKOUT

STARTUP = CHECKOUT / "kernels" / "startup"
VENEER = re.compile(r"__.*_veneer")


@dataclass(frozen=True)
class Case:
    """What goes where: functions and constants into ITCM, zeroed data into DTCM, constants into
    SRAM with .data."""

    kernel: str
    itcm: tuple[str, ...] = ()
    itcm_rodata: tuple[str, ...] = ()
    dtcm_bss: tuple[str, ...] = ()
    sram_rodata: tuple[str, ...] = ()

    @property
    def places(self) -> list[str]:
        """The same for --place."""
        found = [f"function:{name}=itcm" for name in self.itcm]
        found += [f"object:{name}=itcm" for name in self.itcm_rodata]
        found += [f"object:{name}=dtcm" for name in self.dtcm_bss]
        return found + [f"object:{name}=sram1" for name in self.sram_rodata]

    def __str__(self) -> str:
        moved = (*self.itcm, *self.itcm_rodata, *self.dtcm_bss, *self.sram_rodata)
        return f"{self.kernel}-{'+'.join(moved)}"


CONVOLUTION = (
    "column_fill_zero", "conv2d_s8", "finish_channel", "finish_pair", "multiply_rows",
    "strip_multiply",
)  # fmt: skip
DEPTHWISE = ("pixel_3x3", "pixel_any", "finish_pixel", "depthwise_conv2d_s8", "clamp_s8")
#: Everything that may go somewhere, once.
FEW = (
    Case("conv2d_s8_small", itcm=("multiply_rows",), dtcm_bss=("input", "output")),
    Case("conv2d_s8_small", itcm_rodata=("weights",)),
    Case("fully_connected_s8", sram_rodata=("weights",)),
)
MORE = (
    Case("conv2d_s8_small", itcm=CONVOLUTION),
    Case("fully_connected_s8", itcm=("multiply_four_rows",), dtcm_bss=("input", "output")),
    Case("depthwise_conv2d_s8", itcm=DEPTHWISE, dtcm_bss=("input", "output")),
    Case("depthwise_conv2d_s8", itcm=("pixel_3x3",)),
    Case("mixed", itcm=("mixed_run",)),
    Case("mixed", dtcm_bss=("nodes", "text")),
)


@contextmanager
def kernels_build() -> Iterator[ModuleType]:
    """kernels/build.py, which is no package."""
    spec = importlib.util.spec_from_file_location("kernels_build", CHECKOUT / "kernels/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    """kernels/build.py."""
    with kernels_build() as module:
        yield module


def linker_script(case: Case) -> str:
    """sections.ld with the case's input sections in .itcm, .dtcm and .data, which come first."""
    script = (STARTUP / "sections.ld").read_text()
    blocks = {}
    for name in ("itcm", "data", "dtcm"):
        match = re.search(
            rf"(    /\*[^\n]*\n)?    \.{name} .*?\n    }} > [^\n]*\n", script, re.DOTALL
        )
        assert match is not None
        blocks[name] = match[0]
        script = script.replace(match[0], "")
    into = {
        "itcm": [*(f".text.{n}" for n in case.itcm), *(f".rodata.{n}" for n in case.itcm_rodata)],
        "dtcm": [f".bss.{n}" for n in case.dtcm_bss],
        "data": [f".rodata.{n}" for n in case.sram_rodata],
    }
    for name, sections in into.items():
        if sections:
            kept = f"*(.{name} .{name}.*)"
            assert kept in blocks[name]
            blocks[name] = blocks[name].replace(kept, f"{kept}\n        *({' '.join(sections)})")
    head, text, rest = script.partition("    .text :\n")
    assert text
    return head + blocks["itcm"] + blocks["data"] + blocks["dtcm"] + text + rest


def build_with(script: str, kernel: str, build: ModuleType, folder: Path) -> Path:
    """A kernel linked with another sections.ld."""
    for one in STARTUP.glob("*.ld"):
        (folder / one.name).write_text(one.read_text())
    (folder / "sections.ld").write_text(script)
    (program,) = (one for one in build.load_programs() if one.name == kernel)
    command = tuple(
        f"-L{folder}" if word == "-Lkernels/startup" else word for word in program.command
    )
    assert command != program.command
    elf: Path = build.build(replace(program, command=command), folder / "build")
    return elf


@pytest.fixture
def relinked(
    request: pytest.FixtureRequest, arm_gcc: object, build: ModuleType, tmp_path: Path
) -> Path:
    """The kernel of a case, linked with its script; arm_gcc tells whether it can be."""
    case: Case = request.param
    return build_with(linker_script(case), case.kernel, build, tmp_path)


def work(profile: Profile) -> tuple[int, int]:
    """Cycles and instructions without start-up code and veneers."""
    kept = [
        row
        for row in profile.functions
        if row.name != "Reset_Handler" and not VENEER.fullmatch(row.name)
    ]
    return sum(row.cycles_self for row in kept), sum(row.instructions for row in kept)


@pytest.mark.parametrize(
    ("relinked", "case"),
    [
        *(pytest.param(case, case, id=str(case)) for case in FEW),
        *(pytest.param(case, case, id=str(case), marks=pytest.mark.exhaustive) for case in MORE),
    ],
    indirect=["relinked"],
)
def test_a_placement_costs_what_relinking_costs(relinked: Path, case: Case) -> None:
    prebuilt = CHECKOUT / "kernels" / "prebuilt" / f"{case.kernel}.elf"
    placed = simcore.profile(prebuilt, place=case.places)
    real = simcore.profile(relinked)
    assert placed.placement is not None
    assert len(placed.placement) == len(case.places)
    (cycles, instructions), (real_cycles, real_instructions) = work(placed), work(real)
    assert instructions == real_instructions
    assert cycles == pytest.approx(real_cycles, rel=0.01)
    veneers = [row for row in real.functions if VENEER.fullmatch(row.name)]
    assert bool(veneers) == bool(case.itcm)
    assert all(row.instructions <= 3 * row.calls for row in veneers)


def test_the_linker_script_of_advice_links_to_what_was_advised(
    arm_gcc: object, build: ModuleType, tmp_path: Path
) -> None:
    prebuilt = CHECKOUT / "kernels" / "prebuilt" / "depthwise_conv2d_s8.elf"
    advice = advise(prebuilt, caches="off", candidates=5)
    regions = {move.region for move in advice.moves}
    assert regions == {"itcm"}  # the five functions that wait most
    # The prebuilt start-up code copies one section, .itcm, to ITCM: it gets the fragment's place.
    script = (STARTUP / "sections.ld").read_text()
    match = re.search(r"    \.itcm .*?\n    } > ITCM AT > FLASH\n", script, re.DOTALL)
    assert match is not None
    script = script.replace(match[0], "").replace("    __itcm_load = LOADADDR(.itcm);\n", "")
    names = (
        "__itcm_start = __mcusim_itcm_start; __itcm_end = __mcusim_itcm_end;\n"
        "__itcm_load = LOADADDR(.mcusim_itcm) + (__mcusim_itcm_start - ADDR(.mcusim_itcm));\n"
    )
    head, text, rest = script.partition("    .text :\n")
    elf = build_with(
        head + advice.linker_script + names + text + rest, "depthwise_conv2d_s8", build, tmp_path
    )
    real = simcore.profile(elf, caches="off")
    placed = simcore.profile(
        prebuilt, caches="off", place=[f"function:{move.name}=itcm" for move in advice.moves]
    )
    assert {
        row.name for row in real.functions if row.address is not None and row.address < 0x4000
    } >= {move.name for move in advice.moves}
    (cycles, instructions), (real_cycles, real_instructions) = work(placed), work(real)
    assert instructions == real_instructions
    # Code that stays in flash closes the gaps, and without caches its alignment there counts.
    linked = work(simcore.profile(prebuilt, caches="off"))[0]
    assert real_cycles == pytest.approx(cycles, abs=0.02 * linked)
    assert 0.8 <= (linked - real_cycles) / advice.promise.cycles <= 1.3
