"""The kernels on all parts: cycles of one operation, what separates the parts, sensitivities.

Each kernel is linked as a board would run it: code and constants in flash, data in the first SRAM
on AXI or AHB, stack in DTCM, caches on. Cycles are of one invocation in the steady state, the
difference of two run lengths. --replacement adds the two other cache replacement policies.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from simcore.core.counters import CAUSES
from simcore.costs.energy import energy_model
from simcore.cpu_model import cpu_model_names, load_cpu_model
from simcore.cpu_model.schema import REPLACEMENTS
from simcore.elf import load_image
from simcore.machine import RunOptions
from simcore.machine import run as run_image
from simcore.run.spec import RunSpec

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ("mixed", "conv2d_s8", "fully_connected_s8")
LEFT_OUT = ("generic-m7", "stm32h743y")  # the ideal part, older silicon
REPEATS = (2, 5)  # the difference leaves out start-up and cold caches
STALLS = ("fetch", "load", "store")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--replacement", action="store_true", help="add other cache replacement policies"
    )


def run(options: argparse.Namespace) -> int:
    """Print a table for each kernel."""
    policies = REPLACEMENTS if options.replacement else REPLACEMENTS[:1]
    for kernel in KERNELS:
        print(f"{kernel}: one operation, caches on, highest clock")
        print(
            f"{'part':<11}{'policy':<13}{'MHz':>5}{'cycles':>11}{'time us':>9}{'energy uJ':>11}"
            f"{'fetch':>8}{'load':>8}{'store':>8}{'I miss':>9}{'D miss':>9}"
        )
        for part in cpu_model_names():
            for policy in policies if part not in LEFT_OUT else ():
                print(_line(kernel, part, policy), flush=True)
        print()
    return 0


def elf_of(kernel: str, part: str) -> Path:
    """The program of a kernel that is linked for a part."""
    firmware = ROOT / "tests" / "firmware" / "prebuilt"
    if part.startswith("stm32f7"):
        return ROOT / "kernels" / "prebuilt" / f"{kernel}.elf"
    return firmware / f"{kernel}_{'h7' if part.startswith('stm32h7') else 'rt1062'}.elf"


def _line(kernel: str, part: str, policy: str) -> str:
    sides = ("icache", "dcache")
    model = load_cpu_model(part, [f"core.{side}.replacement={policy}" for side in sides])
    image = load_image(str(elf_of(kernel, part)))
    clock_hz = model.max_clock_hz
    totals = []
    for repeat in REPEATS:
        options = RunOptions(clock_hz, RunSpec(args=(f"repeat={repeat}",)), caches="on")
        result = run_image(image, model, options)
        if result.exit_code != 0:
            raise RuntimeError(f"{kernel} on {part}: {result.exit_reason} {result.fault}")
        totals.append(result.counters.total())
    each = REPEATS[1] - REPEATS[0]
    counts = {name: (totals[1][name] - totals[0][name]) / each for name in totals[0]}
    cycles = sum(counts[f"cycles.{cause}"] for cause in CAUSES)
    whole = {name: totals[1][name] - totals[0][name] for name in totals[0]}
    energy = sum(energy_model(model, clock_hz).femtojoules(whole).values()) / each
    stalls = "".join(f"{counts[f'cycles.{cause}'] / cycles:>8.1%}" for cause in STALLS)
    misses = counts["dcache_read_misses"] + counts["dcache_write_misses"]
    return (
        f"{part:<11}{policy:<13}{clock_hz / 1e6:>5.0f}{cycles:>11.0f}"
        f"{cycles / clock_hz * 1e6:>9.1f}{energy / 1e9:>11.1f}"
        f"{stalls}{counts['icache_misses']:>9.0f}{misses:>9.0f}"
    )
