"""Spans and samples over time, asked of the C core for one configuration and copied out of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simcore.core.counters import Trace, TraceSample, TraceSpan
from simcore.core.extension import ffi, lib
from simcore.plain import filled

#: Most that is kept of a run. A viewer shows tens of thousands of spans, and they make a few MB.
SPANS, SAMPLES = 1 << 15, 1 << 10


def read_trace(core: Any, index: int, width: int, nodes: Mapping[int, int]) -> Trace | None:
    """The trace of configuration number `index` with `width` counters, None: none was asked for.

    `nodes` are the numbers, by the core's, of those that the counters keep.
    """
    info = ffi.new("struct trace_info *")
    lib.core_trace_info(core, index, info)
    if not info.depth_limit:
        return None
    found = ffi.new("struct span_info[]", info.spans)
    lib.core_trace_spans(core, index, found)
    spans = sorted(found, key=lambda span: span.number)
    rows = ffi.new("uint64_t[]", info.samples * (1 + width))
    lib.core_trace_samples(core, index, rows)
    values = ffi.unpack(rows, len(rows))
    starts = range(0, len(values), 1 + width)
    return filled(
        Trace,
        info,
        spans=tuple(
            filled(TraceSpan, span, node=nodes[span.node]) for span in spans if span.node in nodes
        ),
        samples=tuple(
            TraceSample(values[at], tuple(values[at + 1 : at + 1 + width])) for at in starts
        ),
    )
