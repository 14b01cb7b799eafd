"""scripts/fit-energy: fits all parts, writes the model files, prints what came out."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from scripts.calibration.coefficients import family_facts, generic_facts, h7a3_facts, part_facts
from scripts.calibration.currents import load_rows
from scripts.calibration.facts import Fact, number, with_facts
from scripts.calibration.fit import Fit, fit_all
from scripts.calibration.settings import ROOT, SETTINGS

REGRESSION = 3
MODELS = ROOT / "cpu_models"


def fresh_files(fits: Mapping[str, Fit]) -> dict[str, tuple[str, list[Fact]]]:
    """Text and facts of every model file that the fit writes, by its name."""
    h723 = fits["stm32h723"]
    f723 = part_facts(fits["stm32f723"], h723, "DS11853", "DS11853, DS13313")
    own = [fact for fact in f723 if fact.key == "uncertainty"]
    h7a3, _ = h7a3_facts(h723)
    facts = {
        "stm32h723": part_facts(h723, h723, "DS13313", "DS13313, DS12110"),
        "stm32h743": part_facts(fits["stm32h743"], h723, "DS12110", "DS12110, DS13313"),
        "stm32h743y": part_facts(fits["stm32h743y"], h723, "DS12110", "DS12110, DS13313"),
        "stm32f7": family_facts(f723, fits["stm32f723"]),
        "stm32f723": own,
        "stm32h7a3": h7a3,
        "generic-m7": generic_facts(f723),
    }
    return {
        name: (with_facts((MODELS / f"{name}.toml").read_text(encoding="utf-8"), wanted), wanted)
        for name, wanted in facts.items()
    }


def run(check: bool) -> int:
    """Fit, print, then write or compare; returns the exit status."""
    fits = fit_all(load_rows())
    for fit in fits.values():
        _print_fit(fit)
    files = fresh_files(fits)
    _, factor = h7a3_facts(fits["stm32h723"])
    print(f"stm32h7a3: {factor:.3f} times the STM32H723's charges, by MLPerf's mean power")
    stale = 0
    print()
    for name, (text, facts) in files.items():
        path = MODELS / f"{name}.toml"
        differs = path.read_text(encoding="utf-8") != text
        stale += differs
        if differs and not check:
            path.write_text(text, encoding="utf-8")
        verdict = ("differs" if check else "written") if differs else "unchanged"
        kinds = {fact.status for fact in facts}
        counts = ", ".join(
            f"{sum(fact.status == kind for fact in facts)} {kind}" for kind in sorted(kinds)
        )
        print(f"{path.relative_to(ROOT)}: {counts}; {verdict}")
    return REGRESSION if check and stale else 0


def _print_fit(fit: Fit) -> None:
    mean = sum(map(abs, fit.residuals)) / len(fit.rows)
    worst = max(map(abs, fit.residuals))
    left_out = max(map(abs, fit.left_out))
    trusted = sum(not row.suspect for row in fit.rows)
    of = "" if trusted == len(fit.rows) else f" of {len(fit.rows)}"
    print(
        f"{fit.silicon}: {len(fit.free)} coefficients from {trusted}{of} currents;"
        f" error mean {mean:.1%}, worst {worst:.1%}, with its frequency left out {left_out:.1%}"
    )
    given = {n: v for n, v in fit.values.items() if n not in fit.free}
    for name, value in fit.free.items():
        unit = {"fixed": "mA", "leakage": "mA/V^4", "core": "x STM32H723"}.get(name, "pF")
        print(f"  fitted   {name:<10} {number(value):>8} {unit}")
    for name, value in given.items():
        unit = {"fixed": "mA", "leakage": "mA/V^4"}.get(name, "pF")
        print(f"  derived  {name:<10} {number(value):>8} {unit}")
    for row, error, without in zip(fit.rows, fit.residuals, fit.left_out, strict=True):
        mark = "  suspect" if row.suspect else ""
        print(
            f"    {row.clock_mhz:>4} MHz {row.voltage_scale:<16} {SETTINGS[row.setting].title:<27}"
            f" {row.current_ma:>6g} mA {error:>+7.1%} {without:>+7.1%}{mark}"
        )
    print(file=sys.stdout)
