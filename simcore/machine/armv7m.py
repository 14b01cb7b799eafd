"""Exception entry and return of the Armv7-M architecture, on any registers and memory.

The engine performs neither, so these rules do. They follow the pseudocode of the Armv7-M
Architecture Reference Manual, B1.5.6 (PushStack, ExceptionTaken) and B1.5.8 (ExceptionReturn,
PopStack), with CCR.STKALIGN set as on a Cortex-M7 and the FP state stored at once, not lazily:
the frame has the same size and place.
"""

from __future__ import annotations

from typing import Protocol

SVCALL, SYSTICK = 11, 15

XPSR_IPSR = 0x1FF
XPSR_ALIGNED = 1 << 9  # in the stacked value: SP was moved by 4 to align it
XPSR_T = 1 << 24
XPSR_IT = 0x0600_FC00

_CONTROL_NPRIV, _CONTROL_SPSEL, _CONTROL_FPCA = 1, 2, 4
_EXC_RETURN = 0xFFFF_FFE1  # bits that every EXC_RETURN value has set
_BASIC = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")
_FP = (*(f"s{n}" for n in range(16)), "fpscr")
_BASIC_BYTES, _EXTENDED_BYTES = 0x20, 0x68


class MachineState(Protocol):
    """Registers by their lower-case names, and memory by address."""

    def read_register(self, name: str) -> int: ...
    def write_register(self, name: str, value: int) -> None: ...
    def read(self, address: int, size: int) -> bytes | None: ...
    def write(self, address: int, data: bytes) -> bool: ...


class ExceptionFault(Exception):  # noqa: N818 - the manual's word
    """Stacking, unstacking or a vector read went wrong. `address` is where, `kind` says what."""

    def __init__(self, kind: str, address: int) -> None:
        super().__init__(kind, address)
        self.kind = kind
        self.address = address


def exception_entry(machine: MachineState, number: int, vector_table: int) -> None:
    """Take exception `number`: PC has to be the return address.

    Raises ExceptionFault when the frame does not fit the stack or the vector is not code.
    """
    xpsr = machine.read_register("xpsr")
    control = machine.read_register("control")
    has_fp = bool(control & _CONTROL_FPCA)
    sp = machine.read_register("sp")
    frame = (sp - (_EXTENDED_BYTES if has_fp else _BASIC_BYTES)) & 0xFFFF_FFF8
    words = [machine.read_register(name) for name in _BASIC[:-1]]
    words.append(xpsr & ~XPSR_ALIGNED | (XPSR_ALIGNED if sp & 4 else 0))
    if has_fp:
        words += [machine.read_register(name) for name in _FP]
    if not machine.write(frame, b"".join(word.to_bytes(4, "little") for word in words)):
        raise ExceptionFault("stacking", frame)
    vector_address = (vector_table + 4 * number) & 0xFFFF_FFFF
    vector = machine.read(vector_address, 4)
    if vector is None:
        raise ExceptionFault("vector read", vector_address)
    handler = int.from_bytes(vector, "little")
    if not handler & 1:
        raise ExceptionFault("vector is not Thumb code", vector_address)

    in_handler = bool(xpsr & XPSR_IPSR)
    on_process_stack = bool(control & _CONTROL_SPSEL) and not in_handler
    exc_return = _EXC_RETURN | (0 if has_fp else 0x10)
    exc_return |= 0 if in_handler else 0xC if on_process_stack else 0x8
    machine.write_register("sp", frame)
    machine.write_register("lr", exc_return)
    set_control(machine, control & _CONTROL_NPRIV)
    machine.write_register("xpsr", xpsr & ~(XPSR_IPSR | XPSR_IT) | number | XPSR_T)
    machine.write_register("pc", handler)


def is_exc_return(value: int) -> bool:
    """True for a value that a handler may branch to in order to return."""
    return value & _EXC_RETURN == _EXC_RETURN and value & 0xF in (0x1, 0x9, 0xD)


def exception_return(machine: MachineState, exc_return: int) -> None:
    """Return from the running exception to what `exc_return` names.

    Raises ExceptionFault when the value is not one that Armv7-M allows here (INVPC), or when the
    frame is not in memory.
    """
    if not is_exc_return(exc_return) or not machine.read_register("xpsr") & XPSR_IPSR:
        raise ExceptionFault("invalid exception return", exc_return)
    to_thread, to_process_stack = bool(exc_return & 8), bool(exc_return & 4)
    has_fp = not exc_return & 0x10
    bank = "psp" if to_process_stack else "msp"
    frame = machine.read_register(bank)
    names = (*_BASIC, *_FP) if has_fp else _BASIC
    data = machine.read(frame, 4 * len(names))
    if data is None:
        raise ExceptionFault("unstacking", frame)
    values = {
        name: int.from_bytes(data[4 * i : 4 * i + 4], "little") for i, name in enumerate(names)
    }
    xpsr = values.pop("xpsr")
    if to_thread == bool(xpsr & XPSR_IPSR):
        raise ExceptionFault("invalid exception return", exc_return)
    pc = values.pop("pc")
    sp = frame + (_EXTENDED_BYTES if has_fp else _BASIC_BYTES)
    machine.write_register(bank, (sp | (4 if xpsr & XPSR_ALIGNED else 0)) & 0xFFFF_FFFF)
    privilege = machine.read_register("control") & _CONTROL_NPRIV
    spsel = _CONTROL_SPSEL if to_process_stack else 0
    set_control(machine, privilege | spsel | (_CONTROL_FPCA if has_fp else 0))
    machine.write_register("xpsr", xpsr & ~XPSR_ALIGNED)
    for name, value in values.items():
        machine.write_register(name, value)
    # bit 0 of a stacked PC has no meaning; the engine takes it as the Thumb bit
    machine.write_register("pc", pc | 1)


def set_control(machine: MachineState, value: int) -> None:
    """Write all of CONTROL whatever the mode.

    The engine refuses SPSEL in handler mode and everything in unprivileged thread mode, so
    privilege is taken in handler mode and used in thread mode.
    """
    xpsr = machine.read_register("xpsr")
    thread = xpsr & ~XPSR_IPSR
    machine.write_register("xpsr", thread | SVCALL)
    machine.write_register("control", 0)
    machine.write_register("xpsr", thread)
    machine.write_register("control", value)
    machine.write_register("xpsr", xpsr)


def advance_it(xpsr: int) -> int:
    """XPSR with ITSTATE moved on by one instruction (ITAdvance, A7.3.3)."""
    state = (xpsr >> 8 & 0xFC) | (xpsr >> 25 & 3)
    state = (state & 0xE0) | (state << 1 & 0x1F) if state & 7 else 0
    return xpsr & ~XPSR_IT | (state & 0xFC) << 8 | (state & 3) << 25
