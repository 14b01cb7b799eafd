"""FPv5-D16 data processing and register transfers, by mnemonic and data type."""

from __future__ import annotations

from simcore.isa.kinds import (
    FLAGS,
    FP_FLAGS,
    Facts,
    Kind,
    Result,
    Role,
)
from simcore.isa.operands import core_register, fp_registers, is_core_register

Operands = tuple[str, ...]

_ADD_PIPE = frozenset({"vadd", "vsub", "vmaxnm", "vminnm"})
_MULTIPLIES = frozenset({"vmul", "vnmul"})
_FUSED = frozenset({"vfma", "vfms", "vfnma", "vfnms"})
_CHAINED = frozenset({"vmla", "vmls", "vnmla", "vnmls"})
_SIGNS = frozenset({"vabs", "vneg"})
_SELECTS = frozenset({"vseleq", "vselge", "vselgt", "vselvs"})
_ROUNDS = frozenset("vrint" + mode for mode in ("a", "n", "p", "m", "r", "z", "x"))
_CONVERTS = frozenset({"vcvt", "vcvtr", "vcvtb", "vcvtt", "vcvta", "vcvtn", "vcvtp", "vcvtm"})
_COMPARES = frozenset({"vcmp", "vcmpe"})

FLOAT_MNEMONICS = (
    _ADD_PIPE | _MULTIPLIES | _FUSED | _CHAINED | _SIGNS | _SELECTS | _ROUNDS | _CONVERTS
    | _COMPARES | {"vdiv", "vsqrt", "vmov", "fconsts", "fconstd", "vmrs", "vmsr"}
)  # fmt: skip

# mnemonic group -> (single kind, single result, double kind, double result)
_GROUPS = (
    (_ADD_PIPE, Kind.FP_ADD, Result.FP_ARITHMETIC, Kind.DOUBLE_ADD, Result.DOUBLE_ADD),
    (_MULTIPLIES, Kind.FP_MULTIPLY, Result.FP_ARITHMETIC, Kind.DOUBLE_MULTIPLY,
     Result.DOUBLE_MULTIPLY),
    (_FUSED, Kind.FP_FUSED, Result.FP_FUSED, Kind.DOUBLE_FUSED, Result.DOUBLE_MAC),
    (_CHAINED, Kind.FP_CHAINED, Result.FP_CHAINED, Kind.DOUBLE_CHAINED, Result.DOUBLE_MAC),
    ({"vdiv"}, Kind.FP_DIVIDE, Result.FP_DIVIDE, Kind.DOUBLE_DIVIDE, Result.DOUBLE_DIVIDE),
    ({"vsqrt"}, Kind.FP_SQUARE_ROOT, Result.FP_SQUARE_ROOT, Kind.DOUBLE_SQUARE_ROOT,
     Result.DOUBLE_SQUARE_ROOT),
    (_SIGNS, Kind.FP_SIGN, Result.FP_ARITHMETIC, Kind.DOUBLE_MOVE, Result.DOUBLE_MOVE),
    (_SELECTS, Kind.FP_SELECT, Result.FP_SELECT, Kind.DOUBLE_MOVE, Result.DOUBLE_MOVE),
    (_ROUNDS, Kind.FP_ADD, Result.FP_ARITHMETIC, Kind.DOUBLE_CONVERT, Result.DOUBLE_CONVERT),
)  # fmt: skip
_BY_MNEMONIC: dict[str, tuple[Kind, Result, Kind, Result]] = {
    name: (kind, result, double_kind, double_result)
    for names, kind, result, double_kind, double_result in _GROUPS
    for name in names
}

# Operand-dependent doubles and the table of their extra cycles.
_NOTES = {"vadd": "vadd.f64", "vsub": "vadd.f64", "vdiv": "vdiv.f64"}
_NOTES |= dict.fromkeys(_MULTIPLIES, "vmul.f64")
_NOTES |= dict.fromkeys(_FUSED, "vfma.f64") | dict.fromkeys(_CHAINED, "vmla.f64")


def float_facts(mnemonic: str, ops: Operands) -> Facts:
    """Facts of an FP instruction in FLOAT_MNEMONICS, given with its types ("vadd.f32")."""
    name, _, types = mnemonic.partition(".")
    if name in ("vmrs", "vmsr"):
        return _status(name, ops)
    if name in ("vmov", "fconsts", "fconstd"):
        return _move(types, ops)
    if name in _CONVERTS:
        return _convert(types, ops)
    if name in _COMPARES:
        return _compare(types, ops)
    return _arithmetic(name, types == "f64", ops)


def _operands(ops: Operands, role: Role = Role.FP_OPERAND) -> tuple[tuple[int, Role], ...]:
    return tuple(
        (register, role) for op in ops if op[0] in "sd" for register in fp_registers(op)
    )  # fmt: skip


def _results(op: str, result: Result) -> tuple[tuple[int, Result], ...]:
    return tuple((register, result) for register in fp_registers(op))


def _arithmetic(name: str, double: bool, ops: Operands) -> Facts:
    single_kind, single_result, double_kind, double_result = _BY_MNEMONIC[name]
    sources = _operands(ops[1:])
    if len(ops) == 2 and name not in ("vsqrt", "vabs", "vneg") and name not in _ROUNDS:
        sources = _operands(ops)
    if name in _FUSED or name in _CHAINED:
        if double:
            role = Role.DOUBLE_ACCUMULATE
        else:
            role = Role.FP_FUSED_ACCUMULATE if name in _FUSED else Role.FP_CHAINED_ACCUMULATE
        sources += _operands(ops[:1], role)
    if name in _SELECTS:
        sources += ((FLAGS, Role.FP_SELECT),)
    return Facts(
        double_kind if double else single_kind,
        "fp_double" if double else "fp_single",
        sources,
        _results(ops[0], double_result if double else single_result),
        macs=int(name in _FUSED or name in _CHAINED),
        note=_NOTES.get(name, "") if double else "",
    )


def _convert(types: str, ops: Operands) -> Facts:
    double = "f64" in types
    result = Result.FP_ARITHMETIC
    if double:
        narrows = types.endswith("f64") and not types.startswith("f64")
        result = Result.DOUBLE_NARROW if narrows else Result.DOUBLE_CONVERT
    sources = _operands(ops[1:2])
    if types.startswith("f16"):  # writes one half of Sd and keeps the other
        sources += _operands(ops[:1])
    return Facts(
        Kind.DOUBLE_CONVERT if double else Kind.FP_ADD,
        "fp_double" if double else "fp_single",
        sources,
        _results(ops[0], result),
    )


def _compare(types: str, ops: Operands) -> Facts:
    double = types == "f64"
    return Facts(
        Kind.DOUBLE_CONVERT if double else Kind.FP_ADD,
        "fp_double" if double else "fp_single",
        _operands(ops),
        ((FP_FLAGS, Result.FP_STATUS),),
    )


def _status(name: str, ops: Operands) -> Facts:
    if name == "vmsr":
        source = ((core_register(ops[1]), Role.TRANSFER),)
        return Facts(Kind.FP_STATUS, "fp_single", source, ((FP_FLAGS, Result.FP_STATUS),))
    target = (core_register(ops[0]), Result.FP_TO_CORE) if is_core_register(ops[0]) else (
        FLAGS, Result.FLAGS)  # fmt: skip
    return Facts(Kind.FP_STATUS, "fp_single", ((FP_FLAGS, Role.FP_STATUS),), (target,))


def _move(types: str, ops: Operands) -> Facts:
    core = [core_register(op) for op in ops if is_core_register(op)]
    fp = [op for op in ops if op[0] in "sd" and not is_core_register(op)]
    if ops[-1].startswith("#"):
        if fp[0][0] == "d":
            return Facts(Kind.DOUBLE_MOVE, "fp_double", (), _results(fp[0], Result.DOUBLE_MOVE))
        return Facts(Kind.FP_CONSTANT, "fp_single", (), _results(fp[0], Result.FP_MOVE))
    if not core:
        if fp[0][0] == "d":
            return Facts(Kind.DOUBLE_MOVE, "fp_double", _operands(ops[1:]),
                         _results(ops[0], Result.DOUBLE_MOVE))  # fmt: skip
        return Facts(Kind.FP_MOVE, "fp_single", _operands(ops[1:]),
                     _results(ops[0], Result.FP_MOVE))  # fmt: skip
    lanes = [register for op in fp for register in _lane(op)]
    counter = "fp_double" if len(core) == 2 and fp[0][0] == "d" else "fp_single"
    kind = Kind.FP_CORE_PAIR if len(core) == 2 else Kind.FP_MOVE
    if is_core_register(ops[0]):
        return Facts(kind, counter, tuple((register, Role.FP_TO_CORE) for register in lanes),
                     tuple((register, Result.FP_TO_CORE) for register in core))  # fmt: skip
    return Facts(kind, counter, tuple((register, Role.TRANSFER) for register in core),
                 tuple((register, Result.FP_MOVE) for register in lanes))  # fmt: skip


def _lane(op: str) -> tuple[int, ...]:
    """The S register of `d0[1]`, all registers of anything else."""
    registers = fp_registers(op)
    if "[" in op:
        return (registers[int(op[op.index("[") + 1])],)
    return registers
