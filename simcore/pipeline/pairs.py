"""Pair rules: which two kinds of instructions may not share a cycle, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simcore.isa.kinds import Kind
from simcore.pipeline.state import RULE_BITS


@dataclass(frozen=True, slots=True)
class PairRule:
    """Refuses pairs (older in `older`, younger in `younger`); `name` is what a listing shows."""

    name: str
    older: frozenset[Kind]
    younger: frozenset[Kind]


def either_order(name: str, one: Iterable[Kind], other: Iterable[Kind]) -> list[PairRule]:
    one, other = frozenset(one), frozenset(other)
    return [PairRule(name, one, other), PairRule(name, other, one)]


class PairTable:
    """The rules as bit masks: a pair is refused by `as_older[older] & as_younger[younger]`."""

    def __init__(self, rules: Sequence[PairRule]) -> None:
        if len(rules) > RULE_BITS:
            raise ValueError(f"{len(rules)} pair rules; State.open_mask has bits for {RULE_BITS}")
        self.names = tuple(rule.name for rule in rules)
        self.as_older = {
            kind: sum(1 << bit for bit, rule in enumerate(rules) if kind in rule.older)
            for kind in Kind
        }
        self.as_younger = {
            kind: sum(1 << bit for bit, rule in enumerate(rules) if kind in rule.younger)
            for kind in Kind
        }

    def name(self, refused: int) -> str:
        """The name of the first rule in a non-zero mask."""
        return self.names[(refused & -refused).bit_length() - 1]
