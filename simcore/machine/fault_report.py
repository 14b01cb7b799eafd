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
    FaultKind.UNDEFINED: "undefined instruction",
    FaultKind.INVALID_STATE: "jump to an address with bit 0 clear (Arm state)",
    FaultKind.INVALID_RETURN: "invalid exception return",
    FaultKind.NO_COPROCESSOR: "floating-point instruction while the FPU is off (NOCP)",
    FaultKind.MPU_DATA: "access that the MPU does not permit",
    FaultKind.MPU_FETCH: "jump to memory that the MPU does not let execute",
    FaultKind.STACKING: "stacking of an exception's frame outside memory",
    FaultKind.UNSTACKING: "unstacking of an exception's frame outside memory",
    FaultKind.VECTOR: "exception whose vector is not Thumb code",
    FaultKind.SVC: "SVC where it cannot be taken (HardFault)",
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
