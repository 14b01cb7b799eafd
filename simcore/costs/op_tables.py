"""The rows of a Profile's operations."""

from __future__ import annotations

from typing import Annotated

from simcore.costs.tables import Causes, EnergyComponents
from simcore.plain import Amount, Count, Json
from simcore.records import dataclass
from simcore.run.asked import NetworkOperator


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that moved between the core and one memory region."""

    read_bytes: Count
    write_bytes: Count
    fetch_bytes: Count


@dataclass(frozen=True, slots=True)
class OpObject:
    """What an operation did to a data object, callees included."""

    name: str
    read_bytes: Count
    write_bytes: Count
    misses: Count
    """Of the data cache."""
    stall_cycles: Count
    """Cycles that its accesses kept the pipeline waiting."""


@dataclass(frozen=True, slots=True)
class OpCosts:
    """An operation over all its invocations, callees included. What opened again inside itself is
    counted once."""

    name: str
    kind: str
    invocations: Count
    macs: Count
    """As the firmware or a model declares, times invocations; macs_counted when nothing does."""
    macs_counted: Count
    """From the multiply-accumulate instructions that ran."""
    ops: Count
    """As declared, times invocations; otherwise two per MAC."""
    instructions: Count
    cycles: Count
    active_cycles: Count
    """Those of them in which the core did not sleep."""
    cycles_per_mac: Amount | None
    time_s: Amount
    ops_per_s: Amount | None
    """ops / time_s."""
    energy_j: Amount
    energy_low_j: Amount
    """Lower end of the interval that a board's energy is expected in."""
    energy_high_j: Amount
    """Upper end of that interval."""
    j_per_op: Amount | None
    """energy_j / ops."""
    j_per_mac: Amount | None
    """energy_j / macs."""
    power_w: Amount | None
    """Average: energy_j / time_s."""
    energy_delay_js: Amount
    """energy_j x time_s, joule seconds."""
    param_bytes: Count
    """Of one invocation, as declared."""
    activation_bytes: Count
    """Of one invocation, as declared."""
    traffic: dict[str, Traffic]
    """By region, regions without traffic left out."""
    energy_by_component: EnergyComponents
    """Sums to energy_j."""
    symbol: str | None = None
    """Of a function, its name in the symbol table; left out where it is the name."""
    operator: NetworkOperator | None = None
    """Of an operator of a network, what its model says; left out of others."""
    caller: str | None = None
    """Of calls: the function that is called, or that calls; left out for what firmware marks."""
    call: Count | None = None
    """Which of the calls, from 0; of a row of many, the first of them."""
    minimum_cycles: Count | None = None
    """Of one invocation, as are the next two; what interrupted it is left out."""
    mean_cycles: Amount | None = None
    maximum_cycles: Count | None = None
    cycles_by_cause: Causes | None = None
    """Sums to cycles."""
    icache_misses: Count = 0
    dcache_read_misses: Count = 0
    dcache_write_misses: Count = 0
    mispredicts: Count = 0
    is_part: bool | None = None
    """True where what is counted begins or ends inside of it, so that macs are macs_counted."""
    objects: Annotated[tuple[OpObject, ...], Json(maxItems=4)] = ()
    """The data objects that cost most, at most four."""
