"""Loads and stores of core and FP registers, by mnemonic.

The accesses are those that Unicorn 2.1.3 reports, in its order: one per register of a multiple
transfer by ascending address, two words for LDRD and STRD, one of eight bytes for a double. An
unaligned access stays one. STREX reports a read and a write.
"""

from __future__ import annotations

from collections.abc import Callable

from simcore.isa.kinds import (
    PC,
    SP,
    BranchKind,
    Facts,
    Kind,
    MemoryOperand,
    Result,
    Role,
)
from simcore.isa.operands import (
    core_register,
    fp_registers,
    memory_operand,
    register_list,
)

Operands = tuple[str, ...]
Source = tuple[int, Role]
Destination = tuple[int, Result]

_SIZES = {"": 4, "b": 1, "h": 2, "sb": 1, "sh": 2}


def _address_sources(memory: MemoryOperand) -> list[Source]:
    sources = [] if memory.base == PC else [(memory.base, Role.ADDRESS)]
    if memory.index >= 0:
        sources.append((memory.index, Role.INDEX))
    return sources


def _base_results(memory: MemoryOperand) -> list[Destination]:
    return [(memory.base, Result.BASE_UPDATE)] if memory.base_change else []


def _stack_change(memory: MemoryOperand, *loaded: int) -> int | None:
    if SP in loaded:
        return None
    return memory.base_change if memory.base == SP else 0


def _pc_load(memory: MemoryOperand) -> BranchKind:
    """A load of PC: `ldr pc, [sp], #n` returns, anything else is an indirect branch."""
    returns = memory.base == SP and memory.base_change > 0
    return BranchKind.RETURN if returns else BranchKind.INDIRECT


def _load(size: int) -> Callable[[str, Operands], Facts]:
    result = Result.LOAD if size == 4 else Result.LOAD_SUBWORD

    def facts(name: str, ops: Operands) -> Facts:
        register = core_register(ops[0])
        memory = memory_operand(ops[1:])
        results = _base_results(memory)
        branch = BranchKind.NONE
        if register == PC:
            branch = _pc_load(memory)
        else:
            results.append((register, result))
        return Facts(
            Kind.LOAD if size == 4 else Kind.LOAD_SUBWORD,
            "load",
            tuple(_address_sources(memory)),
            tuple(results),
            accesses=((size, False),),
            memory=memory,
            branch=branch,
            stack_change=_stack_change(memory, register),
        )

    return facts


def _store(size: int) -> Callable[[str, Operands], Facts]:
    def facts(name: str, ops: Operands) -> Facts:
        memory = memory_operand(ops[1:])
        return Facts(
            Kind.STORE,
            "store",
            (*_address_sources(memory), (core_register(ops[0]), Role.STORE_DATA)),
            tuple(_base_results(memory)),
            accesses=((size, True),),
            memory=memory,
            stack_change=_stack_change(memory),
        )

    return facts


def _load_double(name: str, ops: Operands) -> Facts:
    registers = [core_register(op) for op in ops[:2]]
    memory = memory_operand(ops[2:])
    return Facts(
        Kind.LOAD_DOUBLE,
        "load",
        tuple(_address_sources(memory)),
        (*_base_results(memory), *((register, Result.LOAD_DOUBLE) for register in registers)),
        accesses=((4, False), (4, False)),
        memory=memory,
        stack_change=_stack_change(memory, *registers),
        words=2,
    )


def _store_double(name: str, ops: Operands) -> Facts:
    memory = memory_operand(ops[2:])
    data = [(core_register(op), Role.STORE_DATA) for op in ops[:2]]
    return Facts(
        Kind.STORE_DOUBLE,
        "store",
        (*_address_sources(memory), *data),
        tuple(_base_results(memory)),
        accesses=((4, True), (4, True)),
        memory=memory,
        stack_change=_stack_change(memory),
        words=2,
    )


def _multiple(load: bool, down: bool, fp: bool) -> Callable[[str, Operands], Facts]:
    """LDM, STM, PUSH, POP and their FP twins; `down`: addresses below the base."""

    def facts(name: str, ops: Operands) -> Facts:
        implied_stack = len(ops) == 1
        base = SP if implied_stack else core_register(ops[0])
        names = register_list(ops[-1])
        if fp:
            groups = [fp_registers(register) for register in names]
        else:
            groups = [(core_register(register),) for register in names]
        registers = [register for group in groups for register in group]
        size = 4 * len(groups[0])
        total = 4 * len(registers)
        writes_back = implied_stack or ops[0].endswith("!")
        change = (-total if down else total) if writes_back else 0
        memory = MemoryOperand(base, -total if down else 0, base_change=change)
        results = _base_results(memory)
        sources = _address_sources(memory)
        branch = BranchKind.NONE
        if load:
            result = Result.LOAD
            if fp:
                result = Result.FP_LOAD if size == 4 else Result.FP_LOAD_DOUBLE
            results += [(register, result) for register in registers if register != PC]
            if not fp and PC in registers:
                branch = BranchKind.RETURN if base == SP else BranchKind.INDIRECT
        else:
            role = Role.FP_STORE_DATA if fp else Role.STORE_DATA
            sources += [(register, role) for register in registers]
        loaded = registers if load and not fp else []
        if load:
            kind = Kind.FP_LOAD_MULTIPLE if fp else Kind.LOAD_MULTIPLE
        else:
            kind = Kind.FP_STORE_MULTIPLE if fp else Kind.STORE_MULTIPLE
        return Facts(
            kind,
            "load" if load else "store",
            tuple(sources),
            tuple(results),
            accesses=((size, not load),) * len(groups),
            memory=memory,
            branch=branch,
            stack_change=_stack_change(memory, *loaded),
            words=len(registers),
        )

    return facts


def _exclusive(load: bool, size: int) -> Callable[[str, Operands], Facts]:
    def facts(name: str, ops: Operands) -> Facts:
        if load:
            memory = memory_operand(ops[1:])
            result = Result.LOAD if size == 4 else Result.LOAD_SUBWORD
            return Facts(
                Kind.EXCLUSIVE,
                "load",
                tuple(_address_sources(memory)),
                ((core_register(ops[0]), result),),
                accesses=((size, False),),
                memory=memory,
            )
        memory = memory_operand(ops[2:])
        return Facts(
            Kind.EXCLUSIVE,
            "store",
            (*_address_sources(memory), (core_register(ops[1]), Role.STORE_DATA)),
            ((core_register(ops[0]), Result.STORE_STATUS),),
            accesses=((size, False), (size, True)),
            memory=memory,
        )

    return facts


def _preload(name: str, ops: Operands) -> Facts:
    memory = memory_operand(ops)
    return Facts(Kind.PRELOAD, "load", tuple(_address_sources(memory)))


def _fp_load(name: str, ops: Operands) -> Facts:
    registers = fp_registers(ops[0])
    memory = memory_operand(ops[1:])
    double = len(registers) == 2
    result = Result.FP_LOAD_DOUBLE if double else Result.FP_LOAD
    return Facts(
        Kind.FP_LOAD_DOUBLE if double else Kind.FP_LOAD,
        "load",
        tuple(_address_sources(memory)),
        tuple((register, result) for register in registers),
        accesses=((4 * len(registers), False),),
        memory=memory,
        words=len(registers),
    )


def _fp_store(name: str, ops: Operands) -> Facts:
    registers = fp_registers(ops[0])
    memory = memory_operand(ops[1:])
    data = [(register, Role.FP_STORE_DATA) for register in registers]
    return Facts(
        Kind.FP_STORE_DOUBLE if len(registers) == 2 else Kind.FP_STORE,
        "store",
        (*_address_sources(memory), *data),
        accesses=((4 * len(registers), True),),
        memory=memory,
        words=len(registers),
    )


Handler = Callable[[str, Operands], Facts]


def _table() -> dict[str, Handler]:
    table: dict[str, Handler] = {}
    for suffix, size in _SIZES.items():
        for unprivileged in ("", "t"):
            table[f"ldr{suffix}{unprivileged}"] = _load(size)
            if not suffix.startswith("s"):
                table[f"str{suffix}{unprivileged}"] = _store(size)
    table["ldrd"], table["strd"] = _load_double, _store_double
    for name in ("pld", "pldw", "pli"):
        table[name] = _preload
    for suffix, size in (("", 4), ("b", 1), ("h", 2)):
        table[f"ldrex{suffix}"] = _exclusive(True, size)
        table[f"strex{suffix}"] = _exclusive(False, size)
    for fp, prefix in ((False, ""), (True, "v")):
        for suffix, down in (("", False), ("ia", False), ("db", True)):
            table[f"{prefix}ldm{suffix}"] = _multiple(True, down, fp)
            table[f"{prefix}stm{suffix}"] = _multiple(False, down, fp)
        table[f"{prefix}pop"] = _multiple(True, False, fp)
        table[f"{prefix}push"] = _multiple(False, True, fp)
    for suffix, down in (("iax", False), ("dbx", True)):
        table[f"fldm{suffix}"] = _multiple(True, down, True)
        table[f"fstm{suffix}"] = _multiple(False, down, True)
    table["vldr"], table["vstr"] = _fp_load, _fp_store
    return table


MEMORY_TABLE: dict[str, Handler] = _table()
