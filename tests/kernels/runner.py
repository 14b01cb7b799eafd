"""Runs nn.elf as a program and reads what it prints and dumps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kernels import generator
from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.profiler import profile

Array = npt.NDArray[Any]
INPUT_ZERO, OUTPUT_ZERO = -5, -11  # of all layers that the runner makes


def run(
    elf: Path, *args: str, folder: Path | None = None, cpu: str = "stm32f746"
) -> tuple[Profile, str]:
    """A run's profile and console output."""
    console = io.BytesIO()
    result = profile(elf, cpu, args=args, semihost_dir=folder, stdout=console)
    return result, console.getvalue().decode()


def run_all(
    elf: Path, folder: Path, commands: Sequence[str]
) -> list[tuple[OpCosts, dict[str, str]]]:
    """What each command cost and said, of one run of them all; each needs a name of its own."""
    (folder / "commands.txt").write_text("\n".join(commands))
    result, text = run(elf, "list=commands.txt", folder=folder)
    assert result.exit.code == 0, text
    ops = {op.name: op for op in result.ops}
    said = [fields(line) for line in text.splitlines()]
    assert len(ops) == len(said) == len(commands)
    return [(ops[line["name"]], line) for line in said]


def fields(line: str) -> dict[str, str]:
    """The key=value words of a line of output."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def fnv1a(data: bytes) -> str:
    """The checksum as the runner prints it."""
    result = 0x811C_9DC5
    for byte in data:
        result = (result ^ byte) * 0x0100_0193 & 0xFFFF_FFFF
    return f"{result:08x}"


def read_dump(path: Path) -> dict[str, Array]:
    """The tensors of a dump: lines "name type bytes", each followed by the bytes."""
    data, tensors = path.read_bytes(), {}
    while data:
        header, data = data.split(b"\n", 1)
        name, kind, size = header.decode().split()
        tensors[name] = np.frombuffer(data[: int(size)], kind)
        data = data[int(size) :]
    return tensors


def numbers(seed: int, count: int, kind: npt.DTypeLike = np.int8) -> Array:
    """A random tensor of the runner."""
    size = count * np.dtype(kind).itemsize
    if np.dtype(kind) == np.float32:
        words = np.frombuffer(generator.random_bytes(seed, size), np.int32)
        return ((words >> 8) * 2.0**-23).astype(np.float32)
    return np.frombuffer(generator.random_bytes(seed, size), kind)
