"""Published times and energies of whole networks on boards, from measured.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).with_name("measured.toml")


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One inference on a board, by a runtime that is not mcusim's."""

    network: str
    runtime: str
    clock_hz: int
    time_s: float
    energy_j: float | None  # of the MCU rail, None where none was measured
    source: str


def published(model_sha256: str, part: str) -> list[PublishedRow]:
    """The rows of a network, known by the hash of its file, on a part; none of most."""
    return rows_of(name_of(model_sha256), part)


def name_of(model_sha256: str) -> str | None:
    """The measured network that a file is, None of most."""
    name: str | None = measured_table()["files"].get(model_sha256)
    return name


def rows_of(name: str | None, part: str) -> list[PublishedRow]:
    """The rows of a network by its name, on a part."""
    table = measured_table()
    found: list[PublishedRow] = []
    for row in table["row"]:
        if name is None or row["part"] != part or name not in row["latency_ms"]:
            continue
        tag, _, where = row["source"].partition(": ")
        microjoules = row.get("energy_uj", {}).get(name)
        found.append(
            PublishedRow(
                network=name,
                runtime=row["runtime"],
                clock_hz=round(row["clock_mhz"] * 1e6),
                time_s=row["latency_ms"][name] / 1e3,
                energy_j=None if microjoules is None else microjoules / 1e6,
                source=f"{table['sources'][tag]}; {where}",
            )
        )
    return found


@cache
def measured_table() -> dict[str, Any]:
    """The file as it stands."""
    return tomllib.loads(MEASURED.read_text(encoding="utf-8"))
