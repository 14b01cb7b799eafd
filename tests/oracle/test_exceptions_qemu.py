"""Exceptions against qemu-system-arm: random programs give the same registers, memory and order."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.elf import load_image
from simcore.machine import RunOptions, run
from simcore.run.options import Streams
from simcore.run.spec import RunSpec
from tests.oracle.exception_programs import Program
from tests.tools import GUARD_S, needs

PART = "stm32f746"  # ITCM at 0 and DTCM at 0x20000000, as mps2-an500 has memory there


def qemu(elf: Path) -> list[str]:
    """The words that a program prints under QEMU."""
    needs("qemu-system-arm", "qemu-system-arm")
    command = ["qemu-system-arm", "-M", "mps2-an500", "-nographic", "-monitor", "none", "-serial"]
    command += ["none", "-semihosting-config", "enable=on,target=native", "-kernel", str(elf)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=GUARD_S
    )
    assert done.returncode == 0, done.stderr.decode()
    return (done.stdout + done.stderr).decode().split()


def simulated(elf: Path) -> list[str]:
    """The words that it prints here."""
    out = io.BytesIO()
    model = load_cpu_model(PART)
    options = RunOptions(
        200_000_000, RunSpec(max_instructions=10_000_000), streams=Streams(stdout=out)
    )
    result = run(load_image(elf), model, options)
    assert (result.exit_reason, result.exit_code) == ("exit", 0), result.fault
    return out.getvalue().decode().split()


@pytest.mark.parametrize(
    "seed", [*range(8), *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(8, 100))]
)
def test_random_exceptions_are_those_of_qemu(
    arm_gcc: Callable[..., Path], tmp_path: Path, seed: int
) -> None:
    source = tmp_path / "program.S"
    source.write_text(Program(seed).text)
    link = "-Wl,--entry=reset,--section-start=.isr_vector=0,-Ttext=0x100,-Tbss=0x20000000"
    elf = arm_gcc(tmp_path / "program.elf", ["-nostdlib", link, source])
    assert simulated(elf) == qemu(elf)
