"""The vocabulary shared by decoder and pipeline: kinds of instructions, operand roles, results.

A *kind* decides with what an instruction may share a cycle and how long it holds the pipe. A *role*
says at which point of the pipe an operand is consumed, a *result* at which point a register written
becomes available; pipeline.py turns a (result, role) pair into a latency.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import NamedTuple

# Register numbers: 0 to 15 are R0 to PC, 32 to 63 are S0 to S31 (D registers are pairs of them).
SP, LR, PC = 13, 14, 15
FLAGS = 16  # APSR.NZCV
GE_FLAGS = 17  # APSR.GE
FP_FLAGS = 18  # FPSCR.NZCV
FP_BASE = 32

ALWAYS = 14  # the condition AL
CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")


class Kind(IntEnum):
    """What an instruction is to the issue rules."""

    __hash__ = int.__hash__  # that of enumerations is a call of Python, here as in those below

    NOP = 0
    IT = auto()
    ADD = auto()  # add, sub, mov with a register or an unrotated constant: may execute early
    ALU = auto()  # the same with other operations: executes in the late ALU
    SHIFTED_CONSTANT = auto()  # ALU operation with a rotated 8-bit constant
    INLINE_SHIFT = auto()  # ALU operation with a shifted register operand
    SHIFT = auto()  # plain shift or rotate: may execute early
    SHIFT_LATE = auto()  # RRX
    EXTEND = auto()  # SXTB, UXTH, UXTB16 ...
    EXTEND_ADD = auto()  # SXTAB, UXTAH ...
    BITFIELD = auto()  # BFI, BFC, UBFX, SBFX
    REVERSE = auto()  # REV, REV16, REVSH, RBIT
    PACK = auto()  # PKHBT, PKHTB
    PARALLEL = auto()  # SADD16, USUB8, SEL, CLZ ...: SIMD unit, one cycle
    SATURATE = auto()  # QADD, QADD16, SSAT, USAD8 ...: SIMD unit, two cycles
    MULTIPLY = auto()
    MULTIPLY_ACCUMULATE = auto()
    DIVIDE = auto()
    LOAD = auto()  # word
    LOAD_SUBWORD = auto()
    LOAD_DOUBLE = auto()  # LDRD
    LOAD_MULTIPLE = auto()  # LDM, POP
    STORE = auto()  # word, half-word or byte
    STORE_DOUBLE = auto()  # STRD
    STORE_MULTIPLE = auto()  # STM, PUSH
    EXCLUSIVE = auto()  # LDREX, STREX and their sub-word forms, CLREX
    PRELOAD = auto()
    BRANCH = auto()
    TABLE_BRANCH = auto()
    BARRIER = auto()  # DMB, DSB
    INSTRUCTION_BARRIER = auto()
    SYSTEM = auto()  # MRS, MSR, CPS, SVC, BKPT, WFI ...
    FP_ADD = auto()  # single precision on the add pipe: VADD, VSUB, VCVT, VCMP, VRINT, VMAXNM
    FP_MULTIPLY = auto()
    FP_FUSED = auto()  # VFMA, VFMS, VFNMA, VFNMS
    FP_CHAINED = auto()  # VMLA, VMLS, VNMLA, VNMLS
    FP_DIVIDE = auto()
    FP_SQUARE_ROOT = auto()
    FP_SELECT = auto()
    FP_SIGN = auto()  # VABS, VNEG
    FP_MOVE = auto()  # between S registers, or between one core and one S register
    FP_CONSTANT = auto()  # VMOV of a constant
    FP_CORE_PAIR = auto()  # two core registers at once
    FP_STATUS = auto()  # VMRS, VMSR
    FP_LOAD = auto()
    FP_STORE = auto()
    FP_LOAD_DOUBLE = auto()
    FP_STORE_DOUBLE = auto()
    FP_LOAD_MULTIPLE = auto()  # VLDM, VPOP
    FP_STORE_MULTIPLE = auto()  # VSTM, VPUSH
    DOUBLE_ADD = auto()
    DOUBLE_MULTIPLY = auto()
    DOUBLE_FUSED = auto()
    DOUBLE_CHAINED = auto()
    DOUBLE_DIVIDE = auto()
    DOUBLE_SQUARE_ROOT = auto()
    DOUBLE_CONVERT = auto()  # VCVT with a double operand or result, VRINT, VCMP
    DOUBLE_MOVE = auto()  # VMOV, VABS, VNEG, VSEL, VMAXNM of doubles


# Fault when their address is not a multiple of 4, whatever CCR.UNALIGN_TRP says (ARM A3.2.1).
WORD_ALIGNED = frozenset({
    Kind.LOAD_DOUBLE, Kind.STORE_DOUBLE, Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE, Kind.FP_LOAD,
    Kind.FP_STORE, Kind.FP_LOAD_DOUBLE, Kind.FP_STORE_DOUBLE, Kind.FP_LOAD_MULTIPLE,
    Kind.FP_STORE_MULTIPLE,
})  # fmt: skip


class Role(IntEnum):
    """Where in the pipe an operand is consumed."""

    __hash__ = int.__hash__

    LATE = 0  # late ALU
    BESIDE_SHIFTER = auto()  # late ALU, but another operand of the instruction goes to the shifter
    PLAIN_SHIFT = auto()  # plain shift that is not early
    EARLY_ADD = auto()  # early ALU; never waited for, the late ALU is the alternative
    EARLY_SHIFT = auto()  # early shifter of a plain shift; never waited for
    SHIFTER = auto()  # early stage: inline shift, bit-field source, REV source
    PACK_FIRST = auto()  # first operand of PKHTB
    ADDRESS = auto()  # base register
    INDEX = auto()
    MULTIPLIER = auto()  # multiplier and divider operand
    ACCUMULATE = auto()
    STORE_DATA = auto()
    TRANSFER = auto()  # core register going to the FPU
    CONDITION = auto()  # flags read by a condition
    CARRY = auto()  # flags read as an operand: carry in, MRS
    FP_SELECT = auto()  # flags read by VSEL
    FP_OPERAND = auto()
    FP_FUSED_ACCUMULATE = auto()
    FP_CHAINED_ACCUMULATE = auto()
    FP_STORE_DATA = auto()
    FP_TO_CORE = auto()  # FP register going to a core register
    DOUBLE_ACCUMULATE = auto()
    FP_STATUS = auto()  # FPSCR flags read by VMRS


class Result(IntEnum):
    """How a written register becomes available."""

    __hash__ = int.__hash__

    LATE = 0  # late ALU
    EARLY = auto()  # early ALU: only pipeline.py assigns it
    EARLY_SHIFT = auto()  # early shifter: only pipeline.py assigns it
    REVERSE = auto()
    SATURATE = auto()
    MULTIPLY = auto()
    DIVIDE = auto()
    LOAD = auto()
    LOAD_SUBWORD = auto()
    LOAD_DOUBLE = auto()
    BASE_UPDATE = auto()
    STORE_STATUS = auto()  # STREX
    SYSTEM = auto()
    FLAGS = auto()
    FLAGS_SHIFTED = auto()  # compare with a shifted operand
    FLAGS_MULTIPLY = auto()
    FP_STATUS = auto()  # FPSCR flags of VCMP
    FP_TO_CORE = auto()
    FP_ARITHMETIC = auto()
    FP_FUSED = auto()
    FP_CHAINED = auto()
    FP_DIVIDE = auto()
    FP_SQUARE_ROOT = auto()
    FP_SELECT = auto()
    FP_MOVE = auto()
    FP_LOAD = auto()
    FP_LOAD_DOUBLE = auto()
    DOUBLE_ADD = auto()
    DOUBLE_MULTIPLY = auto()
    DOUBLE_MAC = auto()
    DOUBLE_DIVIDE = auto()
    DOUBLE_SQUARE_ROOT = auto()
    DOUBLE_CONVERT = auto()
    DOUBLE_NARROW = auto()  # VCVT.F32.F64
    DOUBLE_MOVE = auto()


class BranchKind(IntEnum):
    """How a block ends; the numbers of enum branch_kind."""

    __hash__ = int.__hash__

    NONE = 0
    CONDITIONAL = 1
    DIRECT = 2
    CALL = 3
    CALL_INDIRECT = 4
    RETURN = 5
    INDIRECT = 6
    TABLE = 7


class Waits(IntEnum):
    """What a barrier waits for of the memory accesses before it."""

    __hash__ = int.__hash__

    NOTHING = 0
    STORE_BUFFER = 1  # DMB
    EVERYTHING = 2  # DSB


@dataclass(frozen=True, slots=True)
class MemoryOperand:
    """An addressing mode: base + offset, or base + (index << shift). `base` PC: a literal."""

    base: int
    offset: int = 0  # of the access, relative to the base before the instruction
    index: int = -1  # register, -1: none
    shift: int = 0
    base_change: int = 0  # what write-back adds to the base


class Facts(NamedTuple):
    """What an encoding does, whatever its address. Registers are (number, role or result)."""

    kind: Kind
    counter: str  # alu, multiply, divide, fp_single, fp_double, load, store, branch, other
    sources: tuple[tuple[int, Role], ...] = ()
    results: tuple[tuple[int, Result], ...] = ()
    early_sources: tuple[int, ...] = ()  # operands of an instruction that may execute early
    accesses: tuple[tuple[int, bool], ...] = ()  # (bytes, is_write) in the order of the engine
    memory: MemoryOperand | None = None
    macs: int = 0
    branch: BranchKind = BranchKind.NONE
    branch_register: int = -1  # register that decides a branch: CBZ, CBNZ
    note: str = ""  # table of operand-dependent cycles
    stack_change: int | None = 0  # bytes added to SP; None: unknown
    words: int = 0  # 32-bit words moved by a multiple load or store
    waits: Waits = Waits.NOTHING
