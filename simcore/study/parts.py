"""The parts of a study, each with the runner ELF that fits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, TypeVar

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image
from simcore.network.runners import OPERATIONS, runner_for
from simcore.plain import Amount, Count, Json, Sha256, filled
from simcore.study.tasks import Run, Task


@dataclass(frozen=True, slots=True)
class NetworkPart:
    """A part of a study."""

    # Docstrings of fields are not inherited, these descriptions are.

    name: str
    title: str
    model_sha256: Sha256
    clock_hz: Annotated[Count, Json(description="Core clock, Hz.")]
    voltage_scale: str
    voltage_v: Annotated[
        Amount, Json(description="At the supply pin, where the energy is counted.")
    ]
    elf: Annotated[str, Json(description="Name of the runner ELF.")]
    elf_sha256: Sha256


AnyPart = TypeVar("AnyPart", bound=NetworkPart)


@dataclass(frozen=True, slots=True)
class PartWithRunner:
    """A part with its runner; ``cpu`` is its name, or the path of its model file."""

    cpu: str
    model: CpuModel
    runner: Image

    def task(self, args: tuple[str, ...], **more: Any) -> Task:
        """A run of the runner on it; ``more`` are other fields of a Task."""
        return Task(self.runner.path, self.runner.sha256, self.cpu, self.model.sha256, args, **more)

    def described(self, cls: type[AnyPart], run: Run, **more: Any) -> AnyPart:
        """What a document says of it after one of its runs; ``more`` are other fields."""
        return filled(
            cls,
            self.model,
            run,
            model_sha256=self.model.sha256,
            voltage_v=self.model.supply_voltage_v,
            elf=PurePath(self.runner.path).name,
            elf_sha256=self.runner.sha256,
            **more,
        )


def studied_parts(cpus: Sequence[str], runner: str = OPERATIONS) -> dict[str, PartWithRunner]:
    """The parts by name with a runner. Raises ModelError, or ConfigError where none fits."""
    models = {model.name: (cpu, model) for cpu in cpus for model in [load_cpu_model(cpu)]}
    return {
        name: PartWithRunner(*found, runner_for(found[1], runner)) for name, found in models.items()
    }
