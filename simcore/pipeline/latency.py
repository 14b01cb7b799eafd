"""Latencies: cycles from a result to each operand role, from the stage numbers of the CPU model.

The general rule is ready(result) - need(role), at least 0; [pipeline.bypass] names the pairs that
have a path of their own, or lack the one that the rule supposes. [pipeline.path.NAME] does the same
for paths that stand on a hypothesis, each a mechanism (paths.py) that can be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simcore.isa.kinds import Facts, Kind, Result, Role

Latencies = tuple[int, ...]  # by Role

_FP_ACCUMULATORS = (
    Role.FP_FUSED_ACCUMULATE,
    Role.FP_CHAINED_ACCUMULATE,
    Role.DOUBLE_ACCUMULATE,
)
_SINGLE_FP_TRANSFERS = frozenset({Kind.FP_LOAD, Kind.FP_STORE})
_FLAG_ROLES = frozenset({Role.CONDITION, Role.CARRY, Role.FP_SELECT})
_FP_ROLES = frozenset({
    Role.FP_OPERAND, Role.FP_FUSED_ACCUMULATE, Role.FP_CHAINED_ACCUMULATE, Role.FP_STORE_DATA,
    Role.FP_TO_CORE, Role.DOUBLE_ACCUMULATE,
})  # fmt: skip
_CORE_ROLES = frozenset(Role) - _FLAG_ROLES - _FP_ROLES - {Role.FP_STATUS}


def _roles(result: Result) -> frozenset[Role]:
    """The roles in which the register file that `result` goes to is read."""
    name = result.name
    if name.startswith("FLAGS"):
        return _FLAG_ROLES
    if result is Result.FP_STATUS:
        return frozenset({Role.FP_STATUS})
    if name.startswith(("FP_", "DOUBLE_")) and result is not Result.FP_TO_CORE:
        return _FP_ROLES
    return _CORE_ROLES


# Worked out once: every run makes a table.
_RESULTS = tuple((result.name.lower(), _roles(result)) for result in Result)
_ROLES = tuple((role, role.name.lower(), role in _FP_ACCUMULATORS) for role in Role)


def latency_table(
    parameters: Mapping[str, Any], paths: Iterable[Mapping[str, Mapping[str, int]]] = ()
) -> tuple[Latencies, ...]:
    """Latencies in cycles by Result, each by Role, from the [pipeline] tables of a CPU model.

    `paths` are tables like [pipeline.bypass], which go before it.

    Raises KeyError for a result or role that the tables lack.
    """
    ready, accumulate = parameters["ready"], parameters["accumulate_ready"]
    needs = [parameters["need"][name] for _, name, _ in _ROLES]
    bypass = {result: dict(own) for result, own in parameters["bypass"].items()}
    for path in paths:
        for result, own in path.items():
            bypass.setdefault(result, {}).update(own)
    table = []
    for result, read_as in _RESULTS:
        stage = ready[result]
        accumulator_stage = accumulate.get(result, stage)
        named = bypass.get(result, {})
        row = []
        for (role, name, accumulates), need in zip(_ROLES, needs, strict=True):
            cycles = max(0, (accumulator_stage if accumulates else stage) - need)
            if role not in read_as:
                cycles = 0  # nothing reads the result so; keeps equal pipeline states equal
            row.append(named.get(name, cycles))
        table.append(tuple(row))
    return tuple(table)


def occupancy(parameters: Mapping[str, Any], facts: Facts) -> int:
    """Cycles that an instruction holds the pipe with its cheapest operands."""
    if facts.words and facts.kind not in _SINGLE_FP_TRANSFERS:
        return -(-facts.words // int(parameters["issue"]["words_per_cycle"]))
    return int(parameters["occupancy"].get(facts.kind.name.lower(), 1))


def extra_cycles(parameters: Mapping[str, Any], table: str) -> tuple[int, ...]:
    """Cycles over the scheduled ones, by operand class of the note `table`.

    Divide: class 0 to 32 is max(clz(|divisor|) - clz(|dividend|), -1) + 1, class 33 a division by
    zero. Doubles: 0 same exponent, 1 different exponents, 2 a denormal operand, 3 a zero operand.
    """
    values = parameters["extra"][table.replace(".", "_")]
    if table in ("udiv", "sdiv"):
        always, bits = values["always"], values["bits"]
        return (*(always + distance // bits for distance in range(33)), always)
    return tuple(
        values[name] for name in ("same_exponent", "different_exponents", "denormal", "zero")
    )


EXTRA_TABLES = (
    "udiv", "sdiv", "vadd.f64", "vmul.f64", "vdiv.f64", "vfma.f64", "vfma.f64.chained",
    "vmla.f64", "vmla.f64.chained",
)  # fmt: skip
