"""A network's computed tensors over time in a trace: bytes alive, and a track for each tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simcore.costs.profile import Profile
from simcore.costs.timeline import Timeline

PROCESS = 2


def tensor_events(
    profile: Profile, timeline: Timeline, at: Callable[[int], float]
) -> Iterator[dict[str, Any]]:
    """Events of the first inference; ``at`` gives the microseconds of a cycle.

    A tensor is alive from the start of the layer that writes it to the end of the last that reads
    it. Nothing of layers that the timeline leaves out.
    """
    network = profile.network
    layers = _layers(profile, timeline)
    if network is None or not layers:
        return
    yield {"ph": "M", "name": "process_name", "pid": PROCESS, "tid": 0,
           "args": {"name": "computed tensors"}}  # fmt: skip
    for number, (start, _) in layers.items():
        yield _alive(at(start), network.layers[number].activation_bytes)
    yield _alive(at(max(end for _, end in layers.values())), 0)
    for index, tensor in enumerate(network.tensors):
        spans = [layers[n] for n in range(tensor.first, tensor.last + 1) if n in layers]
        if not spans:
            continue
        args = {"bytes": tensor.size, "memory": tensor.memory, "offset": tensor.offset,
                "layers": f"#{tensor.first} to #{tensor.last}"}  # fmt: skip
        common = {"name": tensor.name, "cat": "tensor", "id": index, "pid": PROCESS, "tid": 0}
        yield {"ph": "b", **common, "ts": at(min(start for start, _ in spans)), "args": args}
        yield {"ph": "e", **common, "ts": at(max(end for _, end in spans))}


def _alive(microseconds: float, size: int) -> dict[str, Any]:
    return {"ph": "C", "name": "bytes alive", "pid": PROCESS, "tid": 0, "ts": microseconds,
            "args": {"B": size}}  # fmt: skip


def _layers(profile: Profile, timeline: Timeline) -> dict[int, tuple[int, int]]:
    """First and last cycle of each layer of the first inference by its number."""
    if profile.network is None:
        return {}
    spans: dict[int, tuple[int, int]] = {}
    for span in timeline.spans:
        op = profile.call_tree[span.node].op
        if op is not None:
            spans.setdefault(op, (span.start, span.end))
    return {layer.number: spans[layer.op] for layer in profile.network.layers if layer.op in spans}
