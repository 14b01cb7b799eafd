"""Integer data processing, multiplies, divides, branches and system instructions, by mnemonic.

Each entry follows the operation pseudo-code of the Armv7-M Architecture Reference Manual: which
registers it reads and writes, and which instruction kind it is to the pipeline.
"""

from __future__ import annotations

from collections.abc import Callable

from simcore.isa.kinds import (
    CONDITIONS,
    FLAGS,
    GE_FLAGS,
    LR,
    PC,
    SP,
    BranchKind,
    Facts,
    Kind,
    MemoryOperand,
    Result,
    Role,
    Waits,
)
from simcore.isa.operands import (
    constant,
    core_register,
    is_core_register,
    is_rotated_constant,
    is_shift,
    memory_operand,
)

Operands = tuple[str, ...]
Source = tuple[int, Role]

_SIMD_OPERATIONS = ("add8", "add16", "sub8", "sub16", "asx", "sax")
_SETS_GE = frozenset(prefix + operation for prefix in "su" for operation in _SIMD_OPERATIONS)
_FLAGS_LATE = ((FLAGS, Result.FLAGS),)


def _operand2(rest: Operands, wide: bool) -> tuple[Kind, list[int]]:
    """Kind and registers of a flexible second operand (the operands behind Rn)."""
    if len(rest) > 1 and is_shift(rest[1]):
        return Kind.INLINE_SHIFT, [core_register(rest[0])]
    if rest[0].startswith("#"):
        rotated = wide and is_rotated_constant(constant(rest[0]))
        return (Kind.SHIFTED_CONSTANT if rotated else Kind.ALU), []
    return Kind.ALU, [core_register(rest[0])]


def _arithmetic(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    """ADD, SUB, RSB, ADC, SBC, AND, ORR, EOR, BIC, ORN: Rd, {Rn,} operand 2."""
    destination = core_register(ops[0])
    rest = ops[1:]
    if len(rest) == 1 or is_shift(rest[1]):
        first = destination
    else:
        first, rest = core_register(rest[0]), rest[1:]
    kind, registers = _operand2(rest, wide and name not in ("addw", "subw"))
    if destination == PC:
        return Facts(Kind.BRANCH, "branch", branch=BranchKind.INDIRECT)
    if kind is Kind.INLINE_SHIFT:
        sources = [(first, Role.BESIDE_SHIFTER), (registers[0], Role.SHIFTER)]
    else:
        sources = [(register, Role.LATE) for register in (first, *registers)]
    sources = [source for source in sources if source[0] != PC]
    if name in ("adc", "sbc"):
        sources.append((FLAGS, Role.CARRY))
    early = kind is Kind.ALU and name in ("add", "sub", "addw", "subw")
    if destination != SP:
        stack: int | None = 0
    elif first == SP and rest[0].startswith("#"):
        stack = constant(rest[0]) * (-1 if name.startswith("sub") else 1)
    else:
        stack = None
    return Facts(
        Kind.ADD if early else kind,
        "alu",
        tuple(sources),
        ((destination, Result.LATE), *(_FLAGS_LATE if flags else ())),
        early_sources=tuple(register for register, _ in sources) if early else (),
        stack_change=stack,
    )


def _move(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    """MOV, MOVW, MOVT, MVN, ADR."""
    destination = core_register(ops[0])
    if name == "movt":
        return Facts(Kind.ALU, "alu", ((destination, Role.LATE),), ((destination, Result.LATE),))
    if name in ("adr", "movw"):
        return Facts(Kind.ADD, "alu", (), ((destination, Result.LATE),))
    kind, registers = _operand2(ops[1:], wide)
    if destination == PC:
        branch = BranchKind.RETURN if registers == [LR] else BranchKind.INDIRECT
        return Facts(Kind.BRANCH, "branch", branch=branch)
    registers = [register for register in registers if register != PC]
    role = Role.SHIFTER if kind is Kind.INLINE_SHIFT else Role.LATE
    early = kind is Kind.ALU and (name == "mov" or not registers)  # MVN of a constant is a MOV
    return Facts(
        Kind.ADD if early else kind,
        "alu",
        tuple((register, role) for register in registers),
        ((destination, Result.LATE), *(_FLAGS_LATE if flags else ())),
        early_sources=tuple(registers) if early else (),
        stack_change=None if destination == SP else 0,
    )


def _shift(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    """LSL, LSR, ASR, ROR, RRX: Rd, {Rm,} Rs or constant."""
    destination = core_register(ops[0])
    registers = [core_register(op) for op in (ops[1:] if len(ops) > 2 else ops)
                 if is_core_register(op)]  # fmt: skip
    results = ((destination, Result.LATE), *(_FLAGS_LATE if flags else ()))
    if name == "rrx":
        sources = ((core_register(ops[-1]), Role.SHIFTER), (FLAGS, Role.CARRY))
        return Facts(Kind.SHIFT_LATE, "alu", sources, results)
    return Facts(Kind.SHIFT, "alu", tuple((register, Role.PLAIN_SHIFT) for register in registers),
                 results, early_sources=tuple(registers))  # fmt: skip


def _compare(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    kind, registers = _operand2(ops[1:], wide)
    first = core_register(ops[0])
    if kind is Kind.INLINE_SHIFT:
        sources = ((first, Role.BESIDE_SHIFTER), (registers[0], Role.SHIFTER))
        return Facts(kind, "alu", sources, ((FLAGS, Result.FLAGS_SHIFTED),))
    return Facts(kind, "alu", tuple((r, Role.LATE) for r in (first, *registers)), _FLAGS_LATE)


def _roles(kind: Kind, *roles: Role, result: Result = Result.LATE) -> Callable[..., Facts]:
    """An instruction `Rd, R...` whose register operands after Rd have the given roles."""

    def facts(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
        registers = [core_register(op) for op in ops[1:] if is_core_register(op)]
        if len(registers) < len(roles):  # Rd stands for the first operand too
            registers.insert(0, core_register(ops[0]))
        sources: tuple[Source, ...] = tuple(zip(registers, roles, strict=False))
        if name == "sel":
            sources = (*sources, (GE_FLAGS, Role.LATE))
        results: tuple[tuple[int, Result], ...] = ((core_register(ops[0]), result),)
        if kind is Kind.PARALLEL and name in _SETS_GE:
            results = (*results, (GE_FLAGS, Result.LATE))
        return Facts(kind, "alu", sources, results)

    return facts


def _bitfield_insert(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    destination = core_register(ops[0])
    sources: tuple[Source, ...] = ((destination, Role.LATE),)
    if name == "bfi":
        sources = ((destination, Role.BESIDE_SHIFTER), (core_register(ops[1]), Role.SHIFTER))
    return Facts(Kind.BITFIELD, "alu", sources, ((destination, Result.LATE),))


def _multiply(accumulators: int, long: bool = False, macs: int = 0) -> Callable[..., Facts]:
    """A multiply with 0, 1 (third operand) or 2 (both destinations of a long one) accumulators."""

    def facts(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
        registers = [core_register(op) for op in ops]
        destinations = registers[:2] if long else registers[:1]
        factors = registers[2:4] if long else registers[1:3]
        if not long and len(registers) == 2:
            factors = registers
        if long:
            added = destinations if accumulators else []
        else:
            added = registers[3:4] if accumulators else []
        results = [(register, Result.MULTIPLY) for register in destinations]
        if flags:
            results.append((FLAGS, Result.FLAGS_MULTIPLY))
        return Facts(
            Kind.MULTIPLY_ACCUMULATE if accumulators else Kind.MULTIPLY,
            "multiply",
            tuple([(register, Role.MULTIPLIER) for register in factors]
                  + [(register, Role.ACCUMULATE) for register in added]),
            tuple(results),
            macs=macs,
        )  # fmt: skip

    return facts


def _divide(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    registers = [core_register(op) for op in ops]
    factors = registers[1:] if len(registers) == 3 else registers
    return Facts(
        Kind.DIVIDE,
        "divide",
        tuple((register, Role.MULTIPLIER) for register in factors),
        ((registers[0], Result.DIVIDE),),
        note=name,
    )


def _branch(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    if name == "bl":
        return Facts(Kind.BRANCH, "branch", branch=BranchKind.CALL, results=((LR, Result.LATE),))
    if name in ("cbz", "cbnz", "blx", "bx"):
        register = core_register(ops[0])
        reads = ((register, Role.LATE),)
        if name == "blx":
            return Facts(Kind.BRANCH, "branch", reads, ((LR, Result.LATE),),
                         branch=BranchKind.CALL_INDIRECT)  # fmt: skip
        if name == "bx":
            kind = BranchKind.RETURN if register == LR else BranchKind.INDIRECT
            return Facts(Kind.BRANCH, "branch", reads, branch=kind)
        return Facts(Kind.BRANCH, "branch", reads, branch=BranchKind.CONDITIONAL,
                     branch_register=register)  # fmt: skip
    kind = BranchKind.DIRECT if name == "b" else BranchKind.CONDITIONAL
    return Facts(Kind.BRANCH, "branch", branch=kind)


def _table_branch(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    memory: MemoryOperand = memory_operand(ops)
    sources: list[Source] = [(memory.index, Role.INDEX)]
    if memory.base != PC:
        sources.append((memory.base, Role.ADDRESS))
    return Facts(
        Kind.TABLE_BRANCH,
        "branch",
        tuple(sources),
        accesses=((1 if name == "tbb" else 2, False),),
        memory=memory,
        branch=BranchKind.TABLE,
    )


def _plain(kind: Kind, *, waits: Waits = Waits.NOTHING) -> Callable[..., Facts]:
    facts = Facts(kind, "other", waits=waits)
    return lambda name, ops, wide, flags: facts


def _special_register(name: str, ops: Operands, wide: bool, flags: bool) -> Facts:
    if name == "mrs":
        sources = ((FLAGS, Role.CARRY),) if "psr" in ops[1] else ()
        return Facts(Kind.SYSTEM, "other", sources, ((core_register(ops[0]), Result.SYSTEM),))
    results = (*_FLAGS_LATE, (GE_FLAGS, Result.LATE)) if "psr" in ops[0] else ()
    stack = None if ops[0] in ("msp", "psp", "control") else 0
    return Facts(Kind.SYSTEM, "other", ((core_register(ops[1]), Role.LATE),), results,
                 stack_change=stack)  # fmt: skip


Handler = Callable[[str, Operands, bool, bool], Facts]

_BESIDE, _SHIFTER, _LATE = Role.BESIDE_SHIFTER, Role.SHIFTER, Role.LATE


def _table() -> dict[str, Handler]:
    table: dict[str, Handler] = {}

    def put(handler: Handler, *names: str) -> None:
        table.update(dict.fromkeys(names, handler))

    put(_arithmetic, "add", "addw", "sub", "subw", "rsb", "adc", "sbc")
    put(_arithmetic, "and", "orr", "eor", "bic", "orn")
    put(_move, "mov", "movw", "movt", "mvn", "adr")
    put(_shift, "lsl", "lsr", "asr", "ror", "rrx")
    put(_compare, "cmp", "cmn", "tst", "teq")
    put(_roles(Kind.EXTEND, _LATE), "sxtb", "sxth", "uxtb", "uxth", "sxtb16", "uxtb16")
    put(_roles(Kind.EXTEND_ADD, _BESIDE, _SHIFTER), "sxtab", "sxtah", "uxtab", "uxtah")
    put(_roles(Kind.EXTEND_ADD, _BESIDE, _SHIFTER), "sxtab16", "uxtab16")
    put(_roles(Kind.BITFIELD, _SHIFTER), "ubfx", "sbfx")
    put(_bitfield_insert, "bfi", "bfc")
    put(_roles(Kind.REVERSE, _SHIFTER, result=Result.REVERSE), "rev", "rev16", "revsh", "rbit")
    put(_roles(Kind.PACK, _BESIDE, _SHIFTER), "pkhbt")
    put(_roles(Kind.PACK, Role.PACK_FIRST, _SHIFTER), "pkhtb")
    put(_roles(Kind.PARALLEL, _LATE), "clz")
    for prefix in ("s", "u", "sh", "uh"):
        put(_roles(Kind.PARALLEL, _LATE, _LATE), *(prefix + op for op in _SIMD_OPERATIONS))
    put(_roles(Kind.PARALLEL, _LATE, _LATE), "sel")
    saturating = _roles(Kind.SATURATE, _LATE, _LATE, result=Result.SATURATE)
    for prefix in ("q", "uq"):
        put(saturating, *(prefix + op for op in _SIMD_OPERATIONS))
    put(saturating, "qadd", "qsub", "usad8")
    put(_roles(Kind.SATURATE, _BESIDE, _SHIFTER, result=Result.SATURATE), "qdadd", "qdsub")
    put(_roles(Kind.SATURATE, _LATE, _LATE, Role.ACCUMULATE, result=Result.SATURATE), "usada8")
    put(_roles(Kind.SATURATE, _SHIFTER, result=Result.SATURATE),
        "ssat", "usat", "ssat16", "usat16")  # fmt: skip
    halves = ("bb", "bt", "tb", "tt")
    put(_multiply(0), "mul", "smulwb", "smulwt", *("smul" + half for half in halves))
    put(_multiply(0), "smmul", "smmulr")
    put(_multiply(0, macs=2), "smuad", "smuadx", "smusd", "smusdx")
    put(_multiply(1, macs=1), "mla", "mls", "smlawb", "smlawt", *("smla" + half for half in halves))
    put(_multiply(1, macs=1), "smmla", "smmlar", "smmls", "smmlsr")
    put(_multiply(1, macs=2), "smlad", "smladx", "smlsd", "smlsdx")
    put(_multiply(0, long=True), "umull", "smull")
    put(_multiply(2, long=True, macs=1), "umlal", "smlal", "umaal")
    put(_multiply(2, long=True, macs=1), *("smlal" + half for half in halves))
    put(_multiply(2, long=True, macs=2), "smlald", "smlaldx", "smlsld", "smlsldx")
    put(_divide, "sdiv", "udiv")
    put(_branch, "b", "bl", "bx", "blx", "cbz", "cbnz", *("b" + cond for cond in CONDITIONS))
    put(_table_branch, "tbb", "tbh")
    put(_plain(Kind.NOP), "nop", "yield", "sev", "dbg", "hint", "csdb")
    put(_plain(Kind.IT), *("it" + rest for rest in _it_suffixes()))
    put(_plain(Kind.BARRIER, waits=Waits.STORE_BUFFER), "dmb")
    put(_plain(Kind.BARRIER, waits=Waits.EVERYTHING), "dsb", "ssbb", "pssbb")
    put(_plain(Kind.INSTRUCTION_BARRIER), "isb")
    put(_plain(Kind.EXCLUSIVE), "clrex")
    put(_plain(Kind.SYSTEM), "cpsid", "cpsie", "svc", "bkpt", "udf", "wfi", "wfe")
    put(_special_register, "mrs", "msr")
    return table


def _it_suffixes() -> list[str]:
    return ["", *(a + b + c for a in "te" for b in ("", "t", "e") for c in ("", "t", "e")
                  if b or not c)]  # fmt: skip


INTEGER_TABLE: dict[str, Handler] = _table()
