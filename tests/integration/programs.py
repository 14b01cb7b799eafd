"""The prebuilt ELFs of the kernels and the test firmware, and what to run each with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simcore.costs.profile import Profile
from simcore.cpu_model import cpu_model_names
from tests.shared import Asked, Finished, finished

CHECKOUT = Path(__file__).resolve().parents[2]
KERNELS = CHECKOUT / "kernels" / "prebuilt"
FIRMWARE = CHECKOUT / "tests" / "firmware" / "prebuilt"
CORPUS = CHECKOUT / "kernels" / "corpus" / "prebuilt"

#: The parts that ship, and the runner of kernels/prebuilt that each has.
RUNNERS = {
    "generic-m7": "nn_generic-m7", "imxrt1062": "nn_imxrt1062", "stm32f723": "nn",
    "stm32f746": "nn", "stm32f767": "nn_stm32f767", "stm32h723": "nn_stm32h7",
    "stm32h743": "nn_stm32h7", "stm32h743y": "nn_stm32h7", "stm32h7a3": "nn_stm32h7",
}  # fmt: skip
#: Arguments to run a program with; several runs where they choose what runs.
ARGUMENTS: dict[str, list[tuple[str, ...]]] = {
    "long_run": [("millions=1",)],
    **{
        name: [("depthwise_conv2d_s8", "h=8", "w=8", "c=6", "k=3")]
        for name in dict.fromkeys(RUNNERS.values())
    },
    "hello_printf": [(), ("3", "a b")],
    "tflm_Os": [("two",)],
    "faults": [
        (),
        ("odd-event",),
        ("odd-divide",),
        ("odd-peripherals",),
        ("odd-self-modifying",),
        ("odd-ram-functions",),
    ],
}
#: Programs whose code others show in less time: for another part or in other memories, a kernel at
#: full size, the same kernels over more shapes, a long loop, the corpus. They run behind the door
#: `all`.
SHOWN_BY_OTHERS = re.compile(
    r"mixed_.*|energy_.*|nn_.*|conv2d_s8(_h7|_rt1062)?|depthwise_conv2d_s8|long_run|tflm_(O3|lto)|.*_O2"
)
#: What semihost_calls reads from standard input.
STDIN = b"typed\n"


@dataclass(frozen=True, slots=True)
class Program:
    elf: Path
    cpu: str
    args: tuple[str, ...]

    def __str__(self) -> str:
        return "-".join([self.elf.stem, *self.args])

    def finished(self) -> Finished:
        """The run of the program that the session shares, with every table."""
        return finished(Asked(self.elf, self.cpu, self.args, STDIN))

    def profile(self) -> Profile:
        """The profile of that run."""
        return self.finished().profile


def each_program(programs: Iterable[Program] | None = None) -> pytest.MarkDecorator:
    """Parametrizes a test over programs, all if nothing is said; exhaustive if SHOWN_BY_OTHERS."""
    return pytest.mark.parametrize(
        "program",
        [
            pytest.param(
                program,
                id=str(program),
                marks=pytest.mark.exhaustive if SHOWN_BY_OTHERS.fullmatch(program.elf.stem) else (),
            )
            for program in programs or prebuilt()
        ],
    )


def prebuilt(*folders: Path) -> list[Program]:
    """Every run of every prebuilt ELF of some folders, kernels and firmware if nothing is said."""
    return list(_prebuilt(folders or (KERNELS, FIRMWARE)))


def _prebuilt(folders: Iterable[Path]) -> Iterator[Program]:
    parts = cpu_model_names()
    for folder in folders:
        for entry in json.loads((folder / "kernels.json").read_text())["kernels"]:
            # The linker scripts of tests/firmware are no parts; they are for this one.
            cpu = entry["part"] if entry["part"] in parts else "stm32f746"
            for args in ARGUMENTS.get(entry["name"], [()]):
                yield Program(folder / entry["file"], cpu, args)
