"""A fault as it is told: its kind in words, its place and its callers."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.core.enums import FaultKind
from simcore.elf import Image
from simcore.run.faults import Fault, Frame

FAULT_TEXTS = {
    FaultKind.READ_UNMAPPED: "read of unmapped memory",
    FaultKind.WRITE_UNMAPPED: "write to unmapped memory",
    FaultKind.FETCH_UNMAPPED: "jump to unmapped memory",
    FaultKind.READ_PROTECTED: "read of protected memory",
    FaultKind.WRITE_PROTECTED: "write to read-only memory",
    FaultKind.FETCH_PROTECTED: "jump to memory that is not executable",
    FaultKind.PERIPHERAL: "access to a peripheral that is not modelled",
    FaultKind.DIVIDE_BY_ZERO: "divide by zero",
    FaultKind.UNALIGNED: "unaligned access",
    FaultKind.STACK_OVERFLOW: "stack overflow",
}


def fault_report(
    image: Image, call_stack: Sequence[tuple[int, int]], kind: str, address: int, pc: int
) -> Fault:
    """The fault at ``pc``; ``call_stack`` has functions with their call sites, outermost first."""
    sites = [site for _, site in reversed(call_stack) if site]
    frames = tuple(frame_at(image, place) for place in (pc, *sites))
    here = frames[0]
    return Fault(kind, address, pc, here.symbol, here.offset, here.file, here.line, frames)


def frame_at(image: Image, address: int) -> Frame:
    """The place in the program that an address is."""
    function = image.function_at(address)
    line = image.line_at(address)
    return Frame(
        address,
        function.name if function else None,
        address - function.start if function else 0,
        line[0] if line else None,
        line[1] if line else None,
    )
