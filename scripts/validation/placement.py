"""The mixed kernel from each memory against published ratios; single latencies by their sources.

CoreMark as slowdown against ITCM: STM32H743 at 400 MHz, DS12110 Rev 10 table 33, and STM32H723 at
550 MHz, DS13313 Rev 5 table 23 with data in DTCM. DS12110 states the data placement of its ITCM
rows only (DTCM). Here AXI SRAM holds code and data of its row, and DTCM the data of the others:
with data in DTCM everywhere, a 64-bit memory beside the core would have to be slower to fetch from
than a 32-bit one behind a bridge. That other reading stands below, without a limit. Rows with
caches on must lie within 3 %, rows with caches off within 10 %; exit status 3 otherwise.

CoreMark's base, its cycles in ITCM, is a vendor compiler's; that of mixed is GCC's, and longer. So
the rows with caches off stand as cycles of an iteration too, without a limit: what the two bases
make of the error of a ratio, and what is left of it. Of the H723 only ratios are known; its base is
taken to be that of the H743, the same core.

STM32F723: Dhrystone, caches off against on (Stratify Labs); another program, so without a limit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simcore.core.counters import CAUSES
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import load_image
from simcore.errors import ModelError
from simcore.machine import RunOptions
from simcore.machine import run as run_image
from simcore.run.spec import RunSpec

USAGE, REGRESSION = 2, 3
ELVES = Path(__file__).resolve().parents[2] / "tests" / "firmware" / "prebuilt"
REPEATS = (2, 6)  # the difference leaves out start-up and cold caches
CACHED_LIMIT, UNCACHED_LIMIT = 0.03, 0.10
F723_HZ, H723_HZ, H743_HZ = 216_000_000, 550_000_000, 400_000_000
COREMARK_BASE = H743_HZ / 2012  # cycles of an iteration in ITCM, by the score of table 33


@dataclass(frozen=True, slots=True)
class Row:
    """One placement. The slowdowns are CoreMark's against ITCM; 0: the table has no such row."""

    elf: str
    title: str
    slowdown_on: float
    slowdown_off: float


# Scores of table 33; with caches on all of them are 2012.
H743_ROWS = (
    Row("itcm", "ITCM, data in DTCM", 1, 1),
    Row("flash", "flash A, data in DTCM", 1, 2012 / 593),
    Row("axi_sram", "AXI SRAM with the data", 1, 2012 / 344),
    Row("sram1", "SRAM1, data in DTCM", 1, 2012 / 472),
    Row("sram4", "SRAM4, data in DTCM", 1, 2012 / 432),
    Row("axi_sram_dtcm", "AXI SRAM, data in DTCM", 0, 0),
)
H723_ROWS = (
    Row("itcm", "ITCM, data in DTCM", 1, 1),
    Row("flash", "flash, data in DTCM", 0, 3.01),
    Row("axi_sram_dtcm", "AXI SRAM, data in DTCM", 0, 2.19),
    Row("sram1", "SRAM1, data in DTCM", 0, 3.52),
    Row("sram4", "SRAM4, data in DTCM", 0, 3.84),
)
# DMIPS with caches on and off.
F723_ROWS = (
    ("itcm", "ITCM, data in DTCM", 239, 217),
    ("flash", "flash, data in SRAM1", 245, 49),
    ("sram", "SRAM1 with the data", 245, 69),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")


def run(options: argparse.Namespace) -> int:
    """Print the tables; the exit status says whether the limits hold."""
    try:
        holds = _print_rows("stm32h743", H743_HZ, H743_ROWS, options.overrides)
        holds = _print_rows("stm32h723", H723_HZ, H723_ROWS, options.overrides) and holds
    except ModelError as error:
        print(f"scripts/validate: {error}", file=sys.stderr)
        return USAGE
    try:
        _print_f723(load_cpu_model("stm32f723", options.overrides))
    except ModelError as error:
        print(f"no rows of the STM32F723, another family: {error}")
    _print_latencies()
    return 0 if holds else REGRESSION


def cycles(elf: str, model: CpuModel, clock_hz: int, caches: str) -> float:
    """Cycles of one iteration of a program that takes repeat=N, in the steady state."""
    totals = []
    for repeat in REPEATS:
        options = RunOptions(clock_hz, RunSpec(args=(f"repeat={repeat}",)), caches=caches)
        result = run_image(load_image(str(ELVES / f"{elf}.elf")), model, options)
        if result.exit_code != 0:
            raise RuntimeError(f"{elf} on {model.name}: {result.exit_reason} {result.fault}")
        total = result.counters.total()
        totals.append(sum(total[f"cycles.{cause}"] for cause in CAUSES))
    return (totals[1] - totals[0]) / (REPEATS[1] - REPEATS[0])


def _print_rows(part: str, clock_hz: int, rows: Sequence[Row], overrides: Sequence[str]) -> bool:
    model = load_cpu_model(part, overrides)
    base = cycles("mixed_h743_itcm", model, clock_hz, "on")
    title = f"{part.upper()} at {clock_hz // 10**6} MHz"
    print(f"{title}, slowdown against ITCM ({base:.0f} cycles an iteration)")
    print(f"{'code in':<26}{'caches':<8}{'CoreMark':>9}{'modelled':>10}{'error':>8}{'limit':>7}")
    holds = True
    uncached = []
    for row in rows:
        for caches, measured in (("on", row.slowdown_on), ("off", row.slowdown_off)):
            modelled = cycles(f"mixed_h743_{row.elf}", model, clock_hz, caches) / base
            text = f"{row.title:<26}{caches:<8}"
            if not measured:
                print(f"{text}{'-':>9}{modelled:>10.3f}")
                continue
            error = modelled / measured - 1
            limit = UNCACHED_LIMIT if measured > 1 else CACHED_LIMIT
            verdict = "" if abs(error) <= limit else "  BROKEN"
            holds = holds and not verdict
            print(f"{text}{measured:>9.3f}{modelled:>10.3f}{error:>+8.1%}{limit:>7.0%}{verdict}")
            if caches == "off":
                uncached.append((row.title, measured * COREMARK_BASE, modelled * base, error))
    _print_cycles(part, uncached)
    return holds


def _print_cycles(part: str, rows: Sequence[tuple[str, float, float, float]]) -> None:
    """(title, cycles of CoreMark, of mixed, error of the ratio) of rows: both bases."""
    print(f"\n{part.upper()}, caches off, thousand cycles of an iteration")
    heads = f"{'CoreMark':>9}{'mixed':>7}{'error':>8}{'error of ratio':>16}{'from bases':>12}"
    print(f"{'code in':<26}{heads}")
    for title, measured, modelled, of_ratio in rows:
        error = modelled / measured - 1
        amounts = f"{measured / 1000:>9.0f}{modelled / 1000:>7.0f}{error:>+8.1%}"
        print(f"{title:<26}{amounts}{of_ratio:>+16.1%}{of_ratio - error:>+12.1%}")
    print()


def _print_f723(model: CpuModel) -> None:
    print("STM32F723 at 216 MHz, caches off against on")
    print(f"{'code in':<26}{'Dhrystone':>10}{'mixed':>8}")
    for elf, title, on, off in F723_ROWS:
        ratio = [cycles(f"mixed_f723_{elf}", model, F723_HZ, caches) for caches in ("off", "on")]
        print(f"{title:<26}{on / off:>10.2f}{ratio[0] / ratio[1]:>8.2f}")


def _print_latencies() -> None:
    print("\nsingle latencies, core cycles")
    print(f"{'what':<62}{'source':>8}{'modelled':>10}")
    for what, source, modelled in _latencies():
        print(f"{what:<62}{source:>8}{modelled:>10}")


def _latencies() -> Iterator[tuple[str, str, int]]:
    flash = _region("stm32f746", "flash", F723_HZ)
    yield (
        "STM32F750 216 MHz, uncached read from flash (rhye.org)",
        "8",
        flash["read_cycles"] + flash["row_miss_cycles"],
    )
    sdram = _region("stm32h743", "sdram", H743_HZ)
    burst = 3 * sdram["beat_cycles"]
    hit, miss = sdram["read_cycles"] + burst, sdram["row_miss_cycles"]
    yield "STM32H750 400 MHz, line fill from SDRAM, row open (model)", "56", hit
    yield "STM32H750 400 MHz, line fill from SDRAM, row closed (model)", "160", hit + miss
    yield "STM32H750 400 MHz, write-back to SDRAM (model)", "44", sdram["write_cycles"] + burst
    for name, source in (("flash", "228"), ("psram", "288+")):
        serial = _region("imxrt1062", name, 600_000_000)
        what = f"i.MX RT1062 600 MHz, random read from {name} (PJRC, less loop)"
        yield what, source, serial["read_cycles"] + serial["row_miss_cycles"]


def _region(part: str, name: str, clock_hz: int) -> dict[str, int]:
    model = load_cpu_model(part)
    return model.timing(clock_hz)[1][model.regions.index(model.region(name))]
