"""Every operator in every type with its options, as networks of one operator.

Scales are chosen so that outputs use their range without all being limited; weights are seeded by
the name of the example.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from simcore.network.graph import Model
from tests.networks.building import Array, Net, inferences_of

UNIT = 2.0**-24  # the largest relative error of one rounding in single precision


@dataclass(frozen=True)
class Example:
    """A network, its inputs, and by how much a float may differ from TFLM's (0: not at all)."""

    name: str
    kind: str
    type: str
    model: Model
    inferences: list[list[Array]]
    bound: float = 0.0


@dataclass(frozen=True)
class Made:
    """What an example is made of."""

    model: Model
    bound: float = 0.0
    inferences: list[list[Array]] | None = None
    count: int = 1


Making = Callable[[Net], Made]
Variants = Iterator[tuple[str, str, Making]]  # type, options in words, how it is made
GROUPS: dict[str, Callable[[str], Variants]] = {}


def group(*kinds: str) -> Callable[[Callable[[str], Variants]], Callable[[str], Variants]]:
    """Registers the variants of operators."""

    def register(variants: Callable[[str], Variants]) -> Callable[[str], Variants]:
        for kind in kinds:
            GROUPS[kind] = variants
        return variants

    return register


def examples_of(kind: str, most: int | None = None) -> list[Example]:
    """All examples of an operator, or at most so many of each type, spread over its options."""
    _import_all()
    by_type: dict[str, list[tuple[str, Making]]] = {}
    for type_, words, making in GROUPS[kind](kind):
        by_type.setdefault(type_, []).append((f"{kind} {type_} {words}".strip(), making))
    found = []
    for type_, variants in by_type.items():
        step = 1 if most is None else max(1, len(variants) // most)
        for name, making in variants[::step][: most or len(variants)]:
            seed = zlib.crc32(name.encode())
            made = making(Net(np.random.default_rng(seed)))
            inferences = made.inferences or inferences_of(made.model, made.count, seed)
            found.append(Example(name, kind, type_, made.model, inferences, made.bound))
    return found


def kinds() -> list[str]:
    """All operators that have examples."""
    _import_all()
    return list(GROUPS)


def _import_all() -> None:
    from tests.networks import (  # noqa: F401
        examples_elementwise,
        examples_halves,
        examples_layout,
        examples_recurrent,
        examples_weighted,
    )


def output_scale(terms: int, *scales: float) -> float:
    """A scale in which a sum of products of int8 has a deviation of 50."""
    return math.prod(scales) * math.sqrt(terms) * 5400 / 50
