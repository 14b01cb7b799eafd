"""Data addresses that are worked out from registers are those of the engine: the same event stream.

MCUSIM_ADDRESSES, which docs/contributing.md tells of: `hooked` asks the engine of each access,
`checked` compares each address that was worked out with what the engine tells, and `eager` works
out and translates anew whatever block can be, when it runs first.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.elf import load_image
from simcore.errors import CoreError
from simcore.machine import RunOptions, engine, run
from simcore.run.spec import RunSpec
from simcore.simulation.capture import record_run
from tests.integration.programs import CORPUS, FIRMWARE, KERNELS, STDIN, Program, prebuilt
from tests.oracle import exception_programs
from tests.oracle.differential import LINK, PART
from tests.oracle.random_programs import RandomProgram, assembly

MODES = ("hooked", "checked", "eager", "")
LIMIT = 200_000
#: Peripherals and DMA, interrupts, code that changes, int8 loops.
FEW = ("drivers_h7", "ticks", "faults-odd-self-modifying", "conv2d_s8_small")


def streams(
    monkeypatch: pytest.MonkeyPatch, elf: Path, cpu: str, args: tuple[str, ...] = (),
    limit: int = LIMIT, modes: tuple[str, ...] = MODES,
) -> list[str]:  # fmt: skip
    """A hash of what was recorded and printed, by mode."""
    found = []
    for mode in modes:
        monkeypatch.setenv("MCUSIM_ADDRESSES", mode)
        written, printed = io.BytesIO(), io.BytesIO()
        record_run(
            elf, written, cpu=cpu, args=args, stdin=io.BytesIO(STDIN), stdout=printed,
            max_instructions=limit,
        )  # fmt: skip
        found.append(hashlib.sha256(written.getvalue() + printed.getvalue()).hexdigest())
    return found


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(p, id=str(p), marks=() if str(p) in FEW else pytest.mark.exhaustive)
        for p in prebuilt(KERNELS, FIRMWARE, CORPUS)
    ],
)
def test_every_way_gives_the_same_events(monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    found = streams(monkeypatch, program.elf, program.cpu, program.args)
    assert len(set(found)) == 1


def test_random_programs_give_the_same_events(
    arm_gcc: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "program.S"
    source.write_text(assembly([(seed, RandomProgram(seed).steps) for seed in range(30)]))
    elf = arm_gcc(tmp_path / "program.elf", ["-nostdlib", LINK, source])
    found = streams(monkeypatch, elf, PART, limit=10 * LIMIT, modes=("hooked", "checked", "eager"))
    assert len(set(found)) == 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100))
def test_random_programs_with_exceptions_give_the_same_events(
    arm_gcc: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    source = tmp_path / "program.S"
    source.write_text(exception_programs.Program(seed).text)
    elf = arm_gcc(tmp_path / "program.elf", ["-nostdlib", LINK, source])
    assert len(set(streams(monkeypatch, elf, PART))) == 1


def test_an_address_that_is_not_the_engines_ends_a_checked_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Registers that are not those of the engine: copies of what they were once."""
    copy = (ctypes.c_uint32 * 16)(*[0x2000_0000] * 16)
    monkeypatch.setattr(engine, "find_registers", lambda uc: ctypes.addressof(copy))
    monkeypatch.setenv("MCUSIM_ADDRESSES", "checked")
    image, model = load_image(KERNELS / "conv2d_s8_small.elf"), load_cpu_model("stm32f746")
    with pytest.raises(CoreError, match="data addresses worked out are not those of the engine"):
        run(image, model, RunOptions(model.max_clock_hz, RunSpec(max_instructions=LIMIT)))
