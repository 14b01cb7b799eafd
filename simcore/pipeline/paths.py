"""Latencies that stand on a hypothesis, a mechanism each, with numbers in [pipeline.path.NAME]."""

from __future__ import annotations

from simcore.pipeline.mechanism import LatencyPath


class SlowToPack(LatencyPath):
    """The first operand of PKHTB lacks the fast bypass and no more, as an operand beside a shifter.

    JNK has the late ALU reach it a cycle later than normally; LLVM reads it at the normal time.
    Both hold when what is missing is the path out of EX2, the stage of the ALUs and of word loads:
    a result of the stage behind it (MAC, byte load, saturation) comes by the path that it always
    takes, 2 cycles. JNK says so of byte loads beside a shifter, and LLVM names the exception for
    word loads. It predicts that PKHTB waits no longer for a MAC than an ADD does.
    """

    name = "slow-to-pack"


class LoadToBase(LatencyPath):
    """A loaded word is a base address 2 cycles later, an index 3 (LLVM).

    Addresses are made in EX1, a cycle before the ALU, and a word load reaches other readers of EX1
    after 2 cycles (JNK). Only the index, the second operand of the adder, has a cycle more in LLVM.
    Second hand a pointer chase takes 3 a step (Q17); in which form is not known.
    """

    name = "load-to-base"


class DoubleChain(LatencyPath):
    """A double-precision MAC waits for the sum of the one before it as another FP operation does.

    JNK: VFMA.F64 needs independent accumulators between, or has 3 cycles of latency, which longer
    instructions do not extend. LLVM has a sum enter the next MAC without a wait, as in single
    precision. It predicts 9 cycles a step of a sum in one register where independent MACs take 6. A
    sum that was loaded comes after 3 cycles, as JNK has it of single-precision MACs: taken over.
    """

    name = "double-chain"
