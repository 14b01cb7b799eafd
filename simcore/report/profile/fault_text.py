"""The fault that ended a run, in lines of the text report."""

from __future__ import annotations

from simcore.report.page.styled import Text
from simcore.run.faults import Fault

CALLERS_SHOWN = 20  # the innermost and the outermost half


def fault_text(fault: Fault) -> Text:
    """Kind, address, place and callers."""
    lines = [
        f"kind     {fault.kind}",
        f"address  0x{fault.address:08x}",
        f"at       {fault.place}",
    ]
    callers = [f"called by {frame}" for frame in fault.call_stack[1:]]
    if len(callers) > CALLERS_SHOWN:
        half = CALLERS_SHOWN // 2
        between = f"          ... {len(callers) - 2 * half:,} more ..."
        callers = [*callers[:half], between, *callers[-half:]]
    lines += callers
    return Text("\n".join(lines))
