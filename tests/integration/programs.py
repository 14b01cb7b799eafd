"""The prebuilt ELFs of the kernels and the test firmware, and what to run each with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simcore.cpu_model import cpu_model_names

CHECKOUT = Path(__file__).resolve().parents[2]
KERNELS = CHECKOUT / "kernels" / "prebuilt"
FIRMWARE = CHECKOUT / "tests" / "firmware" / "prebuilt"

#: Arguments to run a program with; several runs where they choose what runs.
ARGUMENTS: dict[str, list[tuple[str, ...]]] = {
    "long_run": [("millions=1",)],
    **{
        name: [("depthwise_conv2d_s8", "h=8", "w=8", "c=6", "k=3")]
        for name in ("nn", "nn_stm32f767", "nn_stm32h7", "nn_imxrt1062", "nn_generic-m7")
    },
    "hello_printf": [(), ("3", "a b")],
    "faults": [
        (),
        ("odd-event",),
        ("odd-divide",),
        ("odd-peripherals",),
        ("odd-self-modifying",),
        ("odd-ram-functions",),
    ],
}
#: What semihost_calls reads from standard input.
STDIN = b"typed\n"


@dataclass(frozen=True, slots=True)
class Program:
    elf: Path
    cpu: str
    args: tuple[str, ...]

    def __str__(self) -> str:
        return "-".join([self.elf.stem, *self.args])


def prebuilt() -> list[Program]:
    """Every run of every prebuilt ELF."""
    return list(_prebuilt())


def _prebuilt() -> Iterator[Program]:
    parts = cpu_model_names()
    for folder in (KERNELS, FIRMWARE):
        for entry in json.loads((folder / "kernels.json").read_text())["kernels"]:
            # The linker scripts of tests/firmware are no parts; they are for this one.
            cpu = entry["part"] if entry["part"] in parts else "stm32f746"
            for args in ARGUMENTS.get(entry["name"], [()]):
                yield Program(folder / entry["file"], cpu, args)
