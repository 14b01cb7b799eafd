"""The files of what runs: an executable and what names things in it, or a network made into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simcore.elf import ProgramFiles, load_files
from simcore.elf.image import printable
from simcore.errors import ConfigError, NetworkError
from simcore.files import head_of
from simcore.run.spec import RunSpec
from simcore.tflite.formats import HEAD_BYTES, is_tflite, other_network

if TYPE_CHECKING:
    from simcore.simulation.networks import NetworkRun
    from simcore.simulation.runner_run import RunnerRun

#: What a run is told of a network, by field of the spec.
_OF_NETWORKS = {
    "input": "--input", "invocations": "--invocations", "arena": "--arena", "anyway": "--anyway",
    "verify": "--verify", "outputs": "--outputs", "runner": "--runner",
}  # fmt: skip


def is_network(path: str) -> bool:
    """Whether a file is a network to run. Raises NetworkError for one of another runtime."""
    try:
        if Path(path, "saved_model.pb").is_file():
            raise NetworkError(
                f"{printable(path)}: is a TensorFlow SavedModel; convert it with"
                " tf.lite.TFLiteConverter.from_saved_model() and give the .tflite"
            )
        head = head_of(path, HEAD_BYTES)
    except (OSError, ValueError):
        return False  # who reads it says why
    if other := other_network(head):
        raise NetworkError(f"{printable(path)}: {other}")
    if path.lower().endswith(".tflite") and not is_tflite(head) and head[:4] != b"\x7fELF":
        what = "has no 'TFL3' at byte 4, so it is damaged or something else" if head else "is empty"
        raise NetworkError(f"{printable(path)}: {what}; copy or convert it again")
    return is_tflite(head)


def program_files(spec: RunSpec) -> tuple[ProgramFiles, RunSpec, NetworkRun | RunnerRun | None]:
    """The files of what a spec runs; of a network those of its ELF, and what else it asks for.

    Raises ElfError, or NetworkError.
    """
    if is_network(spec.elf):
        if spec.runner is not None:
            from simcore.simulation.runner_run import runner_program

            return runner_program(spec)
        from simcore.simulation.networks import network_program

        return network_program(spec)
    for field, option in _OF_NETWORKS.items():
        if getattr(spec, field):
            raise ConfigError(
                f"{printable(spec.elf)}: {option} is for a network; give the .tflite file"
            )
    files = load_files(spec.elf, spec.symbols, spec.debug_file, spec.debug_dir)
    return files, spec, None
