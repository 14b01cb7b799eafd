"""Firmware with TensorFlow Lite Micro: its operators as they run, and the tensors of its arena.

models.py finds the model in memory, operators.py names what native/capture/operators.c found to be
calls of operators, arena.py finds the tensors, lifetimes.py says when each is there. model_array.py
finds where in an executable another model could stand.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from simcore.elf import Image

if TYPE_CHECKING:
    from simcore.core.operators import WatchNetworks

_MARKS: Final = (b"TFL3",)  # of a model's bytes, and of the code that checks them
_CLASS: Final = "MicroInterpreter"
#: What one inference is a call of: MicroInterpreter::Invoke() and, where that was inlined, what it
#: calls, InvokeSubgraph(int) of MicroInterpreterGraph or, before 2022, of MicroGraph.
_INVOKE: Final = (
    "_ZN6tflite16MicroInterpreter6InvokeEv",
    "_ZN6tflite21MicroInterpreterGraph14InvokeSubgraphEi",
    "_ZN6tflite10MicroGraph14InvokeSubgraphEi",
)


def holds_interpreter(image: Image) -> bool:
    """Whether a program may run networks: it has a model, code that looks for one, or its name."""
    if any(mark in segment.data for segment in image.segments for mark in _MARKS):
        return True
    return any(_CLASS in function.raw for function in image.functions)


def invoke_functions(image: Image) -> tuple[int, ...]:
    """Functions of which the outermost call is an inference, by index; none without symbols."""
    return tuple(
        index
        for index, function in enumerate(image.functions)
        if "Invoke" in function.raw
        and function.raw.partition(".")[0] in _INVOKE  # f.constprop.0 is f, too
        and not function.is_piece
    )


def watch_networks(image: Image) -> WatchNetworks | None:
    """Makes who says what operators of networks are, for a program that may run some; else None."""
    if not holds_interpreter(image):
        return None
    from simcore.tflm.operators import Interpreters

    return partial(Interpreters, image)
