"""TFLM's reference kernels, by the wheel tflite-micro in a process that a model may kill."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
CHILD = Path(__file__).with_name("tflm_child.py")
SECONDS = 900


@dataclass(frozen=True)
class Case:
    """A model and the inputs of its inferences."""

    model: bytes
    inferences: Sequence[Sequence[Array]]
    outputs: int


@dataclass(frozen=True)
class Found:
    """Outputs of each inference, or why there are none."""

    outputs: Sequence[Sequence[Array]] | None
    reason: str = ""


def run(cases: Sequence[Case]) -> list[Found]:
    """What the wheel makes of each model."""
    asked = [(case.model, case.inferences, case.outputs) for case in cases]
    with tempfile.TemporaryDirectory(prefix="mcusim-tflm-") as folder:
        results, log = Path(folder) / "results", Path(folder) / "log"
        results.touch()
        subprocess.run(
            [sys.executable, str(CHILD), str(results), str(log)],
            input=pickle.dumps(asked),
            timeout=SECONDS,
            check=True,
        )
        found: list[Found] = []
        with results.open("rb") as stream:
            for _ in cases:
                result = pickle.load(stream)
                if isinstance(result, tuple):
                    error, said = result
                    found.append(Found(None, said or error))
                else:
                    found.append(Found(result))
    return found
