"""Which code ran once, at start: moving that gains nothing that comes again."""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.elf import Image

#: What a reset handler calls when memory is ready.
_AFTER_BOOT = ("main", "_start", "__main", "_mainCRTStartup", "__libc_init_array", "entry")
#: A callee of the reset handler with so much of the cycles is the program, whatever it is called.
_PROGRAM_SHARE = 0.5


def startup_functions(image: Image, profile: Profile) -> set[int]:
    """Where the functions begin that only the reset handler and what it calls before main() run.

    The handler and what it calls itself cannot lie in RAM, which they fill.
    """
    handler = image.reset_handler
    if handler is None:
        return set()
    tree = profile.call_tree
    totals = {row.address: row.cycles_total for row in profile.functions}
    whole = profile.totals.active_cycles
    at_start: list[bool] = []
    found: dict[int, bool] = {handler.start: True}
    for node in tree:
        address = None if node.function is None else profile.functions[node.function].address
        above = None if node.parent is None else tree[node.parent].function
        caller = None if above is None else profile.functions[above].address
        is_start = node.parent is not None and at_start[node.parent]
        if address == handler.start:
            is_start = True
        elif caller == handler.start and address is not None:
            called = profile.functions[node.function or 0]
            is_program = totals.get(address, 0) > _PROGRAM_SHARE * whole
            is_start = called.name not in _AFTER_BOOT and not is_program
        at_start.append(is_start)
        if address is not None:
            found[address] = found.get(address, True) and is_start
    return {address for address, is_start in found.items() if is_start}
