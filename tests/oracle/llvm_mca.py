"""Runs timing cases through llvm-mca's static model of the Cortex-M7, as a second opinion.

All programs of all cases go into two files of regions, one for each number of iterations, so the
tool starts a few times instead of thousands. Version 14 crashes on some post-indexed loads; halving
the file until it runs finds the programs that it cannot do. Its model issues one nop a cycle, so
nops that only fill slots become moves, or every distance in cycles would come out doubled.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable

from tests.oracle.cases import Case
from tests.oracle.measure import ITERATIONS, NotMeasurableError, programs
from tests.oracle.program import Program

COMMAND = (
    "llvm-mca",
    "-mtriple=thumbv7em-none-eabihf",
    "-mcpu=cortex-m7",
    "-mattr=+fp-armv8d16",
    "-instruction-info=0",
    "-resource-pressure=0",
)


class McaRunner:
    """Total cycles of programs by llvm-mca. A run of fewer or more iterations is extrapolated."""

    def __init__(self, cases: Iterable[Case]) -> None:
        bodies = [_body(program) for case in cases for program in programs(case)]
        bodies = list(dict.fromkeys(bodies))
        self._few, self._many = (
            dict(zip(bodies, _totals(bodies, count), strict=True)) for count in ITERATIONS
        )

    def __call__(self, program: Program, iterations: int) -> int:
        """Cycles of the body repeated; a loop's branch counts as any instruction does there."""
        if program.mispredicted >= 0:
            raise NotMeasurableError("llvm-mca has no branch prediction")
        first, second = self._few[_body(program)], self._many[_body(program)]
        if first is None or second is None:
            raise NotMeasurableError("llvm-mca crashes on it")
        few, many = ITERATIONS
        return first + (second - first) * (iterations - few) // (many - few)


def _body(program: Program) -> str:
    """The body as the tool reads it: it does not resolve distances, so branches go to a label."""
    body = "\n".join(program.body)
    if "nop.w" not in program.case.run:
        body = body.replace("nop.w", "mov.w r12,#0")
    return re.sub(r"\.[+-]\d+$|<head>", "target", body, flags=re.M)


def _totals(bodies: list[str], iterations: int) -> list[int | None]:
    """Total cycles of each body, None where the tool crashes. Raises OSError when it is missing."""
    regions = "\n".join(f"@ LLVM-MCA-BEGIN\n{body}\n@ LLVM-MCA-END" for body in bodies)
    done = subprocess.run(
        [*COMMAND, f"-iterations={iterations}"],
        input=f".syntax unified\n.thumb\ntarget:\n{regions}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    totals = [int(found) for found in re.findall(r"^Total Cycles: +(\d+)$", done.stdout, re.M)]
    if done.returncode == 0 and len(totals) == len(bodies):
        return list(totals)
    if len(bodies) == 1:
        return [None]
    half = len(bodies) // 2
    return _totals(bodies[:half], iterations) + _totals(bodies[half:], iterations)
