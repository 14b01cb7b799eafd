"""Spans and samples over time, asked of the C core for one configuration and copied out of it."""

from __future__ import annotations

from typing import Any

from simcore.counters import Trace, TraceSample, TraceSpan

#: Most that is kept of a run. A viewer shows tens of thousands of spans, and they make a few MB.
SPANS, SAMPLES = 1 << 15, 1 << 10


def read_trace(ffi: Any, lib: Any, core: Any, index: int) -> Trace | None:
    """The trace of configuration number `index`, None when none was asked for."""
    info = ffi.new("struct trace_info *")
    lib.core_trace_info(core, index, info)
    if not info.depth_limit:
        return None
    spans = []
    span = ffi.new("struct span_info *")
    for number in range(info.spans):
        lib.core_trace_span(core, index, number, span)
        spans.append((span.number, TraceSpan(span.node, span.start, span.end)))
    spans.sort(key=lambda pair: pair[0])
    samples = []
    width = lib.core_counter_width(core, index)
    vector = ffi.new("uint64_t[]", width)
    for number in range(info.samples):
        cycle = lib.core_trace_sample(core, index, number, vector)
        samples.append(TraceSample(cycle, tuple(ffi.unpack(vector, width))))
    return Trace(
        resolution=info.resolution,
        dropped=info.dropped,
        deepest=info.deepest,
        depth_limit=info.depth_limit,
        spans=tuple(span for _, span in spans),
        samples=tuple(samples),
    )
