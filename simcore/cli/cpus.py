"""`mcusim cpus`: the parts that can be simulated, and where each number of one comes from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from simcore.cli.options import text_or_json_option
from simcore.files import write_stdout

if TYPE_CHECKING:
    from simcore.cpu_model import CpuModel, Provenance


@click.command(short_help="List the parts, or one part with its sources.")
@click.argument("name", required=False, metavar="[NAME|FILE]")
@text_or_json_option
def cpus(name: str | None, format_name: str) -> None:
    """List the parts that can be simulated, or print one part with the source of each number.

    \b
    mcusim cpus
    mcusim cpus stm32f746
    mcusim cpus my-board.toml --format json
    """
    from simcore.cpu_model import cpu_model_names, load_cpu_model

    if name is not None:
        model = load_cpu_model(name)
        text = _json(_part(model)) if format_name == "json" else _part_text(model)
    else:
        models = [load_cpu_model(part) for part in cpu_model_names()]
        rows = [_summary(model) for model in models]
        text = _json(rows) if format_name == "json" else _list_text(models)
    write_stdout(text + "\n")


def _json(plain: Any) -> str:
    return json.dumps(plain, indent=1)


def _summary(model: CpuModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "title": model.title,
        "max_clock_hz": model.max_clock_hz,
        "icache_bytes": model.core.icache.size,
        "dcache_bytes": model.core.dcache.size,
        "regions": [
            {"name": region.name, "base": region.base, "size": region.size, "kind": region.kind}
            for region in model.regions
        ],
        "model_sha256": model.sha256,
    }


def _part(model: CpuModel) -> dict[str, Any]:
    return {
        **_summary(model),
        "sources": dict(model.sources),
        "values": {key: asdict(fact) for key, fact in model.provenance.items()},
    }


def _list_text(models: list[CpuModel]) -> str:
    rows = [
        (
            model.name,
            f"{model.max_clock_hz / 1e6:g} MHz",
            f"{_bytes(model.core.icache.size)} I",
            f"{_bytes(model.core.dcache.size)} D",
            model.title,
        )
        for model in models
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    lines = [
        f"{name:<{widths[0]}}  {clock:>{widths[1]}}  {icache:>{widths[2]}}"
        f"  {dcache:>{widths[3]}}  {title}"
        for name, clock, icache, dcache, title in rows
    ]
    return "\n".join(lines)


def _part_text(model: CpuModel) -> str:
    """Tables of the model file, a line per number: key, value, unit, status, source, note."""
    tables: dict[str, dict[str, Provenance]] = {}
    for key, fact in model.provenance.items():
        table, _, leaf = key.rpartition(".")
        tables.setdefault(table, {})[leaf] = fact
    lines = [f"{model.name}: {model.title}", f"model sha256 {model.sha256}"]
    for table, facts in tables.items():
        lines += ["", f"[{table}]"]
        keys = max(map(len, facts))
        values = {leaf: _value(fact) for leaf, fact in facts.items()}
        width = max(map(len, values.values()))
        for leaf, fact in facts.items():
            note = f" ({fact.note})" if fact.note else ""
            lines.append(
                f"  {leaf:<{keys}}  {values[leaf]:>{width}}  {fact.status:<10}  {fact.source}{note}"
            )
    lines += ["", "Sources"]
    lines += [f"  {tag}: {citation}" for tag, citation in model.sources.items()]
    return "\n".join(lines)


def _value(fact: Provenance) -> str:
    value = fact.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if fact.unit == "address":
        return f"0x{value:08x}"
    if fact.unit == "B":
        return _bytes(value)
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text if fact.unit in ("count", "flag", "policy") else f"{text} {fact.unit}"


def _bytes(value: int) -> str:
    for factor, unit in ((1 << 20, "MB"), (1 << 10, "KB")):
        if value and value % factor == 0:
            return f"{value // factor} {unit}"
    return f"{value} B"
