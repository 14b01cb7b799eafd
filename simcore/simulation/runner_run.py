"""A network in a firmware with TensorFlow Lite Micro of the user's, in place of the model in it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from math import isinf
from pathlib import PurePath
from typing import Any, BinaryIO, Final

from simcore.costs.network import RunnerUse
from simcore.costs.one_call import INFERENCE
from simcore.costs.profile import Profile
from simcore.elf import Image, ProgramFiles, image_of_files, load_files
from simcore.elf.image import printable
from simcore.elf.patch import patched
from simcore.errors import ConfigError, ExitCode, NetworkError
from simcore.network.counts import macs_of
from simcore.network.graph import BYTES_OF_TYPE, Model, Subgraph
from simcore.network.inputs import Given, network_inputs
from simcore.run.spec import RunSpec, split_runner
from simcore.simulation.network_outputs import NetworkOutputs
from simcore.simulation.networks import FURTHER_ADDITIONS, read_network
from simcore.simulation.one_call import WHOLE
from simcore.simulation.recorded_network import RecordedNetwork
from simcore.tflite.reader import read_model
from simcore.tflm.model_array import (
    INPUT,
    OUTPUT,
    ModelArray,
    find_model_array,
    holds_bytes,
    named_array,
)

#: What a run is told of a network that this suite's kernels run, by field of the spec.
_OF_OWN_KERNELS: Final = {
    "invocations": ("--invocations", "how often it infers is up to the firmware"),
    "arena": ("--arena", "where tensors lie is up to the firmware"),
    "anyway": ("--anyway", "the firmware is linked for memory that the part has"),
}
_KEPT_OUTPUT: Final = 4096  # bytes of the end of what the firmware prints
_EXAMPLE: Final = "docs/examples/tflm_runner shows how"


class _Tail:
    """Passes on what a firmware prints, and keeps the end of it."""

    def __init__(self, stream: BinaryIO | None) -> None:
        self._stream, self.end = stream, b""

    def write(self, data: bytes) -> int:
        self.end = (self.end + data)[-_KEPT_OUTPUT:]
        return len(data) if self._stream is None else self._stream.write(data)

    def flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()


class RunnerRun:
    """A network in a firmware: what is said of it, and its outputs once it ran.

    ``outputs`` is None where the firmware leaves none.
    """

    def __init__(
        self,
        model: Model,
        use: RunnerUse,
        given: Given | None,
        outputs: NetworkOutputs | None,
        spec: RunSpec,
    ) -> None:
        self._model, self._use, self._given = model, use, given
        self._spec, self.outputs = spec, outputs
        self._tail = _Tail(None)

    def streams(self, stdout: BinaryIO | None) -> dict[str, Any]:
        """What its run is told beside its streams: who takes the outputs, and the last words."""
        self._tail = _Tail(stdout)
        ended = {} if self.outputs is None else {"ended": self.outputs.ended}
        return {"stdout": self._tail, **ended}

    def recorded(self) -> RecordedNetwork:
        """What is known of it before it runs."""
        main, spec = self._model.main, self._spec
        names = tuple(
            tuple(main.tensors[index].name for index in operator.outputs)
            for operator in main.operators
        )
        for_s = None if spec.for_s is None or isinf(spec.for_s) else spec.for_s
        ends = spec.until_idle or any(x is not None for x in (spec.from_, spec.until, for_s))
        return RecordedNetwork(runner=self._use, outputs=names, ends=ends)

    def told(self, profile: Profile) -> Profile:
        """The profile of its run with what is said of it; outputs are verified if asked for."""
        found = self.recorded().told(profile, self._tail.end)
        use = found.runner
        is_whole = profile.exit.status is ExitCode.OK and use is not None and use.is_whole
        if use is None or not self._spec.verify or not is_whole:
            return found
        assert self.outputs is not None
        assert self._given is not None
        count = _inferences(profile)
        additions = _additions(self._model.main)
        verification = self.outputs.verification(self._given.inferences, count, additions)
        return replace(found, runner=replace(use, verification=verification))


def runner_program(spec: RunSpec) -> tuple[ProgramFiles, RunSpec, RunnerRun]:
    """The firmware that a spec names with its network in it, the spec, and the rest.

    Raises NetworkError, ElfError or ConfigError, one line with the path.
    """
    path = printable(spec.elf)
    for field, (option, why) in _OF_OWN_KERNELS.items():
        if getattr(spec, field):
            raise ConfigError(f"{option} does not go with --runner: {why}")
    if spec.verify and spec.per not in (None, WHOLE, INFERENCE):
        raise ConfigError(
            f"--verify has to know all inferences: count one (--per {INFERENCE}) or the whole run"
            f" (--per {WHOLE})"
        )
    data = read_network(spec.elf)
    try:
        model = read_model(data)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None
    file, symbol = split_runner(spec.runner or "")
    files = load_files(file, spec.symbols, spec.debug_file, spec.debug_dir)
    if files.data[:4] != b"\x7fELF":
        raise ConfigError(
            f"--runner {printable(file)}: is no ELF, so nothing says where its model lies; give the"
            " ELF that it was made of"
        )
    try:
        return _program(spec, files, symbol, path, data, model)
    except (NetworkError, ValueError) as error:  # ValueError: headers that contradict each other
        raise NetworkError(f"--runner {printable(file)}: {error}") from None


def _program(
    spec: RunSpec,
    files: ProgramFiles,
    symbol: str | None,
    path: str,
    data: bytes,
    model: Model,
) -> tuple[ProgramFiles, RunSpec, RunnerRun]:
    image = image_of_files(files, spec.demangle)
    array = find_model_array(image, symbol)
    if len(data) > array.room:
        raise NetworkError(
            f"{path} has {len(data):,} B and its model array {array.name} {array.room:,} B;"
            f" {_larger(array, len(data), symbol)}"
        )
    patches = {array.address: data.ljust(array.room, b"\0")}
    given = _input(spec, image, model.main)
    if given is not None:
        place = named_array(image, INPUT)
        assert place is not None
        patches[place.address] = b"".join(given.inferences[0])
    outputs = _outputs(spec, image, path, data, model)
    name = PurePath(files.path).name
    use = RunnerUse(
        name=printable(name),
        sha256=hashlib.sha256(files.data).hexdigest(),
        array=array.name,
        room_bytes=array.room,
        model_bytes=len(data),
        model_sha256=hashlib.sha256(data).hexdigest(),
        input=None if given is None else given.told,
        operators=len(model.main.operators),
        operators_run=0,
        input_sha256=None if given is None else given.sha256,
    )
    made = files._replace(path=path, data=patched(files.data, patches))
    return made, spec, RunnerRun(model, use, given, outputs, spec)


def _larger(array: ModelArray, size: int, symbol: str | None) -> str:
    if array.name.startswith("0x"):
        return (
            f"it has no symbol, so that no more is known to be free: link it with one of {size:,} B"
        )
    return f"build the firmware with that array of {size:,} B or more"


def _input(spec: RunSpec, image: Image, main: Subgraph) -> Given | None:
    """What the network is given, None where that is left to the firmware."""
    asked = "--input" if spec.input else "--verify" if spec.verify else None
    place = named_array(image, INPUT)
    if place is None:
        if asked:
            raise NetworkError(f"{asked} needs an array {INPUT} that it reads; {_EXAMPLE}")
        return None
    size = _size(main, main.inputs)
    if size is None or size > place.size or not holds_bytes(image, place.address, size):
        if not asked:
            return None
        if size is not None and size > place.size:
            raise NetworkError(f"{asked}: its array {INPUT} has {place.size:,} B of {size:,} B")
        raise NetworkError(
            f"{asked}: the file has no bytes for its array {INPUT}; give it an initial value"
            if size
            else f"{asked}: the network's inputs have types whose values cannot be given"
        )
    given = network_inputs(main, spec.input, 1)
    if len(given.inferences) > 1:
        raise ConfigError(
            f"--input: has the values of {len(given.inferences)} inferences, and a firmware of"
            " --runner takes those of one"
        )
    return given


def _outputs(
    spec: RunSpec, image: Image, path: str, data: bytes, model: Model
) -> NetworkOutputs | None:
    """Who takes the outputs, None where nobody asks for them."""
    asked = "--verify" if spec.verify else "--outputs" if spec.outputs else None
    if asked is None:
        return None
    if spec.verify:
        from simcore.network.verify import require_reference

        require_reference()
    place, main = named_array(image, OUTPUT), model.main
    if place is None:
        raise NetworkError(f"{asked} needs an array {OUTPUT} that it fills; {_EXAMPLE}")
    size = _size(main, main.outputs)
    if size is None or size > place.size:
        raise NetworkError(
            f"{asked}: the network's outputs have types that cannot be told"
            if size is None
            else f"{asked}: its array {OUTPUT} has {place.size:,} B of {size:,} B"
        )
    places, at = [], place.address
    for index in main.outputs:
        places.append((at, main.tensors[index].size_bytes))
        at += main.tensors[index].size_bytes
    return NetworkOutputs(path, data, model, places, spec)


def _size(main: Subgraph, indices: Sequence[int]) -> int | None:
    """Bytes of tensors together; None where a type has no size."""
    tensors = [main.tensors[index] for index in indices]
    if any(tensor.type not in BYTES_OF_TYPE for tensor in tensors):
        return None
    return sum(tensor.size_bytes for tensor in tensors)


def _inferences(profile: Profile) -> int:
    """How many a whole run made."""
    if profile.per is not None and profile.per.asked == INFERENCE:
        return profile.per.calls
    return max(
        (op.invocations for op in profile.ops if op.operator and not op.operator.subgraph),
        default=1,
    )


def _additions(main: Subgraph) -> int:
    """Behind one value of an output: of each operator those of one of its own, and a few more."""
    found = 0
    for operator in main.operators:
        elements = sum(main.tensors[index].elements for index in operator.outputs)
        found += macs_of(operator, main) // max(elements, 1) + FURTHER_ADDITIONS
    return found
