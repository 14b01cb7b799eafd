"""Which call is counted alone, as ``--per`` asks: its functions, and what no run has of it.

Of firmware with an interpreter of networks, and of a network that runs several times, that is one
inference unless something else is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from simcore.costs.one_call import INFERENCE, RUNNER_INFERENCE
from simcore.elf import Image
from simcore.elf.inlines import inlined_into
from simcore.elf.names import (
    matches_exactly,
    names_for_hints,
    spellings_of,
)
from simcore.errors import ConfigError, ExitCode, nearest
from simcore.run.asked import OneCall
from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec
from simcore.simulation.simulation import Simulation
from simcore.tflm import invoke_functions

#: What ``--per`` names beside functions, with INFERENCE.
WHOLE: Final = "none"
MOST_FUNCTIONS: Final = 8  # ONE_CALL_FUNCTIONS of native/types.h


def with_one_call(setups: Sequence[TimingSetup], image: Image, spec: RunSpec) -> list[TimingSetup]:
    """The setups with the call that is counted alone, if one is. Raises ConfigError."""
    asked = one_call_of(image, spec)
    return [replace(setup, one_call=asked) for setup in setups] if asked else list(setups)


def one_call_of(image: Image, spec: RunSpec) -> OneCall | None:
    """The call that a run of an image counts alone, None: it is counted whole.

    Raises ConfigError, with what comes near, for a function that is none or several.
    """
    asked = spec.per
    if asked == WHOLE or (asked is None and spec.task is not None):
        return None
    if spec.task is not None:
        raise ConfigError(
            f"--per '{asked}' and --task: a call is counted whole, with what interrupts it; give"
            " one of them"
        )
    if asked is None:
        found = _inference(image, spec)
        return OneCall(INFERENCE, found, is_default=True) if found else None
    found = _inference(image, spec) if asked == INFERENCE else ()
    return OneCall(asked, found or (_function(image, asked),))


def check_called(setups: Sequence[TimingSetup], before: Simulation) -> None:
    """Raise ConfigError when a run came to its end and made no call of what was asked for."""
    asked = setups[0].one_call
    if asked is None or asked.is_default or before.result.counters.call is not None:
        return
    if before.end.status is ExitCode.OK:
        behind = before.options.spec.from_
        if behind == RUNNER_INFERENCE:  # nobody asked for it
            behind = None
        raise ConfigError(
            f"--per '{asked.asked}': {_name(before.image, asked)} was not called in this run"
            f"{'' if behind is None else f' behind --from {behind}'}; without --per it is counted"
            " whole"
        )


def _name(image: Image, asked: OneCall) -> str:
    return " or ".join(image.functions[one].name for one in asked.functions)


def _inference(image: Image, spec: RunSpec) -> tuple[int, ...]:
    """The functions of which a call is an inference, by index."""
    ours = [at for at, each in enumerate(image.functions) if each.raw == RUNNER_INFERENCE]
    if ours:  # the runner of mcusim
        several = (spec.invocations or 1) > 1 or spec.per is not None
        return tuple(ours) if several else ()
    return invoke_functions(image)[:MOST_FUNCTIONS]


def _function(image: Image, name: str) -> int:
    found = [f for f in image.functions if name in (f.name, f.raw)]
    found = found or [f for f in image.functions if matches_exactly(spellings_of(f), name)]
    if len(found) == 1:
        return image.functions.index(found[0])
    if found:
        told = ", ".join(f.raw for f in found[:3])
        raise ConfigError(f"--per '{name}' is {len(found)} functions: give one of {told}")
    if places := inlined_into(image, name):
        raise ConfigError(
            f"--per '{name}': is inlined wherever it is called, first in {places[0].name}, and has"
            " no entry; give the function that calls it, or compile it with"
            " __attribute__((noinline))"
        )
    close = nearest(name, names_for_hints(image.functions))
    if name == INFERENCE:
        raise ConfigError(
            f"--per '{name}': {image.path} has neither MicroInterpreter::Invoke() of TensorFlow"
            f" Lite Micro by name nor a function 'inference'{close}; give the function that makes"
            " one inference"
        )
    raise ConfigError(f"--per '{name}' is no function of {image.path}{close}")
