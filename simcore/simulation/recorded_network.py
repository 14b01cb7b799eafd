"""What is known of a network before it runs, so that a run, or its repetition, can say of layers.

The ELF of a network knows operations by name alone; this says which layer each of them is. It goes
into a capture beside the ELF.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from simcore.costs.network import NetworkCosts, RunnerUse
from simcore.costs.profile import Profile
from simcore.elf.image import printable
from simcore.plain import from_plain
from simcore.records import dataclass

_LETTERS = 300  # of the end of what a firmware printed that a warning holds


@dataclass(frozen=True, slots=True)
class RecordedNetwork:
    """Either ``network``, whose layers name no operation yet, or ``runner``, with none run.

    ``first`` and ``further`` are names of the operations of layers, None of a layer without; of a
    runner ``outputs`` are names of what each operator of its network gives out. ``ends``: the run
    was told where to end or to begin, so that operators may be missing.
    """

    network: NetworkCosts | None = None
    first: tuple[str | None, ...] = ()
    further: tuple[str | None, ...] = ()
    runner: RunnerUse | None = None
    outputs: tuple[tuple[str, ...], ...] = ()
    ends: bool = False

    def told(self, profile: Profile, printed: bytes) -> Profile:
        """The profile of a run with what is said of its network; ``printed``: the end of its
        output."""
        if self.network is not None:
            at = {op.name: number for number, op in enumerate(profile.ops)}
            names = zip(self.network.layers, self.first, self.further, strict=True)
            layers = []
            for layer, first, further in names:
                op, behind = at.get(first or ""), at.get(further or "")
                if profile.per is not None:  # one inference, whichever it is
                    op, behind = behind if op is None else op, None
                layers.append(replace(layer, op=op, further_op=behind))
            return replace(profile, network=replace(self.network, layers=tuple(layers)))
        if self.runner is None:
            return profile
        run = None if self.ends else self._operators_run(profile)
        runner = replace(self.runner, operators_run=run)
        told = replace(profile, runner=runner)
        if runner.unseen is None:
            return told
        said = _last_lines(printed)
        words = f"it printed: {said}" if said else "it printed nothing"
        warning = f"{runner.unseen}: {profile.exit.text}; {words}"
        return replace(told, warnings=(*told.warnings, warning))

    def _operators_run(self, profile: Profile) -> int:
        """How many operators of the network's first subgraph have an operation."""
        seen = {
            (row.operator.index, row.operator.outputs)
            for row in profile.ops
            if row.operator is not None and not row.operator.subgraph
        }
        return sum((index, names) in seen for index, names in enumerate(self.outputs))


def read_recorded(content: bytes) -> RecordedNetwork:
    """What :class:`RecordedNetwork` is as JSON. Raises ValueError for what no run makes."""
    found = from_plain(RecordedNetwork, _shown(json.loads(content)))
    network = found.network
    if network is not None:
        layers = len(network.layers)
        ends = [one.peak_layer for one in network.memories]
        ends += [layer for one in network.tensors for layer in (one.first, one.last)]
        if not layers == len(found.first) == len(found.further):
            raise ValueError("layers and operations are not as many")
        if [layer.number for layer in network.layers] != list(range(layers)):
            raise ValueError("its layers are not in order")
        if max(ends, default=0) >= layers or network.inferences < 1:
            raise ValueError("a layer is named that is not there, or no inference ran")
    return found


def _shown(plain: Any) -> Any:
    """The same values, texts so that they can be shown. Raises ValueError for a number below 0."""
    if isinstance(plain, dict):
        return {name: _shown(value) for name, value in plain.items()}
    if isinstance(plain, list):
        return [_shown(value) for value in plain]
    if isinstance(plain, int | float) and plain < 0:
        raise ValueError(f"{plain} is negative")
    return printable(plain) if isinstance(plain, str) else plain


def _last_lines(printed: bytes) -> str:
    lines = [line.strip() for line in printed.decode("utf-8", "replace").splitlines()]
    return "; ".join(printable(line) for line in lines if line)[-_LETTERS:]
