"""Holds sums of layers against whole runs, and measures how fast networks are estimated.

`--additivity`: the networks that ship, the .tflite files of a folder and random ones, each as a sum
and as a whole run. `--speed`: random networks of the space of docs/search.md, their layers run
first; with --interpolate a part of these. Layers stay in the cache: MCUSIM_CACHE names another.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simcore.errors import NetworkError
from simcore.estimation.bench import Target
from simcore.estimation.estimator import Estimate, Estimator
from simcore.estimation.sketch import sketch_of_list
from simcore.network.runners import NETWORKS
from simcore.search.ranks import kendall_tau
from simcore.search.spaces import RANKED, random_tables
from simcore.study.layers import Network, load_networks, network_of, read_networks
from simcore.study.parts import studied_parts
from simcore.study.tasks import check_fits, execute

MOST_ERROR = 0.02  # of a sum, against a whole run
MOST_S = 60.0  # for 10,000 networks
MOST_RANKED = 1000  # networks: each pair of them is looked at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cpu", default="stm32f746", metavar="PART")
    parser.add_argument("--additivity", action="store_true", help="sums against whole runs")
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="with .tflite files of its")
    parser.add_argument("--whole", type=int, default=10, metavar="N", help="random networks of it")
    parser.add_argument("--speed", action="store_true", help="how fast networks are estimated")
    parser.add_argument("--networks", type=int, default=10_000, metavar="N")
    parser.add_argument("--interpolate", action="store_true")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> int:
    """Print both tables, or the one that is asked for; 1 when a limit is broken."""
    failed = 0
    if options.additivity or not options.speed:
        failed += _additivity(options)
    if options.speed:
        failed += _speed(options)
    return int(failed > 0)


def _additivity(options: argparse.Namespace) -> int:
    (part,) = studied_parts([options.cpu], NETWORKS).values()
    estimator = Estimator(Target(cpu=options.cpu), jobs=options.jobs)
    print(f"| network on {options.cpu} | layers | sum, cycles | whole run | error | energy |")
    print("|---|--:|--:|--:|--:|--:|")
    failed = 0
    for network in _networks(options):
        try:
            check_fits(network, options.cpu)
        except NetworkError as refused:
            print(refused, file=sys.stderr)
            continue
        one = estimator.estimate(network)
        run = execute(part.task((), network=network))
        cycles, energy_j = sum(op.cycles for op in run.ops), sum(op.energy_j for op in run.ops)
        error, of_energy = one.cycles / cycles - 1, one.energy_j / energy_j - 1
        failed += abs(error) > MOST_ERROR
        print(
            f"| {network.name} | {len(one.layers)} | {one.cycles:,} | {cycles:,} |"
            f" {100 * error:+.2f} % | {100 * of_energy:+.2f} % |",
            flush=True,
        )
    return failed


def _networks(options: argparse.Namespace) -> Iterator[Network]:
    if options.models is not None:
        yield from read_networks([str(path) for path in sorted(options.models.glob("*.tflite"))])
    yield from load_networks()
    for table in random_tables(RANKED, options.whole, options.seed):
        yield network_of(table)


def _speed(options: argparse.Namespace) -> int:
    tables = random_tables(RANKED, options.networks, options.seed)

    def told(done: int, total: int) -> None:
        print(f"\r{done:,} of {total:,} layers", end="", file=sys.stderr, flush=True)

    estimator = Estimator(
        Target(cpu=options.cpu),
        jobs=options.jobs,
        interpolate=options.interpolate,
        progress=told,
    )
    started = time.monotonic()
    shapes: set[Any] = set()
    sketches = [sketch_of_list(table) for table in tables]
    for sketch in sketches:
        shapes |= {layer.shape for layer in sketch.layers}
    described = time.monotonic()
    ran = estimator.learn(sketches)
    learned = time.monotonic()
    rate = f", {ran / (learned - described):.1f} a second" if ran else ""
    print(
        f"{len(tables):,} networks of {sum(len(one.layers) for one in sketches):,} layers,"
        f" {len(shapes):,} different ones; described in {described - started:.1f} s; {ran:,} layers"
        f" run in {learned - described:.1f} s{rate}, {options.jobs} processes"
    )
    started = time.monotonic()
    fresh = Estimator(Target(cpu=options.cpu), jobs=options.jobs, interpolate=options.interpolate)
    found = fresh.estimates(tables)
    took = time.monotonic() - started
    between = sum(one.interpolated_cycles for one in found) / sum(one.cycles for one in found)
    band = found[0].interpolation_band if fresh.interpolation is None else fresh.interpolation.band
    print(
        f"{len(found):,} networks estimated in {took:.1f} s once their layers are known"
        f" ({len(found) / took:,.0f} a second); interpolated {100 * between:.0f} % of cycles"
        + (f", band {100 * band:.1f} %" if band is not None else "")
    )
    _ranked(found[:MOST_RANKED])
    return int(took > MOST_S * options.networks / 10_000)


def _ranked(found: Sequence[Estimate]) -> None:
    """How well operations and parameters rank the networks by what they are estimated to cost."""
    print("| Kendall's tau-b against the estimate | latency | energy |\n|---|--:|--:|")
    for name in ("macs", "parameters", "peak_activation_bytes"):
        by = [float(getattr(one, name)) for one in found]
        taus = [
            kendall_tau(by, [float(getattr(one, cost)) for one in found])
            for cost in ("time_s", "energy_j")
        ]
        print(f"| {name} of {len(found):,} networks | {taus[0]:.4f} | {taus[1]:.4f} |")
