"""Firmware with TensorFlow Lite Micro: its operators, found while it runs, and the tensors of its arena.

models.py finds the model in memory, operators.py names what native/capture/operators.c found to be
calls of operators, arena.py finds the tensors, lifetimes.py says when each is there.
"""

from __future__ import annotations

from typing import Final

from simcore.elf import Image

_MARKS: Final = (b"TFL3",)  # of a model's bytes, and of the code that checks them
_CLASS: Final = "MicroInterpreter"


def holds_interpreter(image: Image) -> bool:
    """Whether a program may run networks: it has a model, or code that looks for one, or names it."""
    if any(mark in segment.data for segment in image.segments for mark in _MARKS):
        return True
    return any(_CLASS in function.raw for function in image.functions)
