"""Which calls of a program are operations, as ``--op`` and ``--op-calls`` ask.

Functions are found in the image. The busiest indirect call of a function is known only behind a
run, so a program runs a second time for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simcore.elf import Function, Image
from simcore.elf.names import matches, matches_exactly, names_for_hints, spellings_of
from simcore.errors import ConfigError, nearest
from simcore.isa.kinds import BranchKind
from simcore.run.asked import AskedCalls, CalledFunction, CallsAt
from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec

if TYPE_CHECKING:
    from simcore.simulation.simulation import Simulation

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{1,8}")
_SITE_BYTES = 2  # within which a call instruction starts


def with_operations(
    setups: Sequence[TimingSetup], image: Image, spec: RunSpec
) -> list[TimingSetup]:
    """The setups with all that is asked and known before the run. Raises ConfigError."""
    asked = (*_functions(image, spec), *_sites(image, spec))
    if not asked:
        return list(setups)
    return [replace(setup, operations=(*setup.operations, *asked)) for setup in setups]


def with_busiest_calls(
    setups: Sequence[TimingSetup], spec: RunSpec, before: Simulation
) -> list[TimingSetup] | None:
    """The setups with calls that only a run before can tell; None: there are none.

    Raises ConfigError where the run has none.
    """
    asked = [
        _busiest(before, function, text, site, spec.op_rows)
        for text in spec.op_calls
        for function, site in [_parsed(before.image, text)]
        if not _ADDRESS.fullmatch(site)
    ]
    if not asked:
        return None
    return [replace(setup, operations=(*setup.operations, *asked)) for setup in setups]


def indirect_calls(simulation: Simulation, function: int) -> dict[int, int]:
    """How often each indirect call of a function was made, by address of the instruction.

    ``function`` is its index in Image.functions. Jumps that are tail calls are among them.
    """
    counters = simulation.result.counters
    indirect = {
        instruction.address
        for block in simulation.result.blocks
        if block.branch in (BranchKind.CALL_INDIRECT, BranchKind.INDIRECT)
        for instruction in block.instructions[-1:]
    }
    calls: dict[int, int] = {}
    for node in counters.nodes:
        if node.parent < 0 or node.op >= 0 or node.call_site not in indirect or not node.calls:
            continue
        if counters.nodes[node.parent].function == function:
            calls[node.call_site] = calls.get(node.call_site, 0) + node.calls
    return calls


def _functions(image: Image, spec: RunSpec) -> Iterator[AskedCalls]:
    if spec.ops:
        for index, function in enumerate(image.functions):
            if any(matches(spellings_of(function), glob) for glob in spec.ops):
                yield CalledFunction(index, spec.op_rows)


def _sites(image: Image, spec: RunSpec) -> Iterator[AskedCalls]:
    for text in spec.op_calls:
        function, site = _parsed(image, text)
        if _ADDRESS.fullmatch(site):
            address = int(site, 16)
            if image.function_at(address) != function:
                raise ConfigError(f"--op-calls '{text}': that address is not in {function.name}")
            yield CallsAt(function.name, address, _SITE_BYTES, spec.op_rows)


def _parsed(image: Image, text: str) -> tuple[Function, str]:
    """The function of F or F@SITE, and the site. Raises ConfigError."""
    name, mark, site = text.partition("@")
    if mark and not site:
        raise ConfigError(
            f"--op-calls '{text}': nothing stands behind '@'; give an address or FILE:LINE, or"
            f" '{name}' alone for the call through a pointer that it makes most"
        )
    found = [f for f in image.functions if name in (f.name, f.raw)]
    found = found or [f for f in image.functions if matches_exactly(spellings_of(f), name)]
    if not found:
        close = nearest(name, names_for_hints(image.functions))
        raise ConfigError(f"--op-calls '{text}' is no function of {image.path}{close}")
    if len(found) > 1:
        told = ", ".join(f.raw for f in found[:3])
        raise ConfigError(f"--op-calls '{text}' is {len(found)} functions: give one of {told}")
    return found[0], site


def _busiest(before: Simulation, function: Function, text: str, site: str, rows: int) -> AskedCalls:
    calls = indirect_calls(before, before.image.functions.index(function))
    if site:
        calls = dict(_on_line(before.image, calls, site))
    if not calls:
        where = f" on line {site}" if site else ""
        raise ConfigError(
            f"--op-calls '{text}': {function.name} makes no call through a pointer{where} in this"
            f" run; give one of its calls as {function.name}@ADDRESS"
        )
    address = min(calls, key=lambda at: (-calls[at], at))
    return CallsAt(function.name, address, _SITE_BYTES, rows)


def _on_line(image: Image, calls: dict[int, int], site: str) -> Iterable[tuple[int, int]]:
    for address, count in calls.items():
        file, line = image.line_at(address) or ("", 0)
        if site == f"{line}" or f"/{file}:{line}".endswith(f"/{site}"):
            yield address, count
