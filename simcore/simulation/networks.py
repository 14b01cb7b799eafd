"""A network's file as a program: read, prepared, planned and composed for the part of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final

from simcore.costs.network import (
    ArenaMemory,
    ArenaTensor,
    NetworkCosts,
    NetworkLayer,
)
from simcore.costs.one_call import RUNNER_INFERENCE
from simcore.costs.profile import Profile
from simcore.elf import Image, ProgramFiles
from simcore.elf.image import printable
from simcore.errors import ConfigError, ExitCode, NetworkError
from simcore.files import read_regular
from simcore.network.activations import ArenaPlan, ArenaRoom, busiest, plan_arena
from simcore.network.compose import Composed, compose
from simcore.network.inputs import Given, expected_outputs, network_inputs
from simcore.network.layout import Layout, NoRoomError, Rooms, enlarged, rooms_of, with_sizes
from simcore.network.runners import NETWORKS, runner_for
from simcore.network.steps import Lowered, Step, lowered
from simcore.network.tflm_plan import tflm_arena_bytes
from simcore.run.spec import RunSpec
from simcore.simulation.network_outputs import NetworkOutputs
from simcore.simulation.recorded_network import RecordedNetwork
from simcore.tflite.reader import MAX_FILE_BYTES, read_model

KERNELS: Final = "mcusim's own; on equal layers they take 0 to 38 % less time than CMSIS-NN's"

#: Additions of a layer beside its sum: of bias and activation, and what exp() and tanh() take.
FURTHER_ADDITIONS: Final = 16

#: What a run is told of a program, by field of the spec.
_OF_PROGRAMS: Final = {
    "symbols": "--symbols",
    "debug_file": "--debug-file",
    "debug_dir": "--debug-dir",
    "args": "what stands behind --",
    "entry": "--entry",
}


class NetworkRun:
    """A network in a program: what is said of it beside costs, and its outputs once it ran."""

    def __init__(
        self,
        path: str,
        data: bytes,
        network: Lowered,
        plan: ArenaPlan,
        rooms: Rooms,
        composed: Composed,
        given: Given,
        spec: RunSpec,
        settings: tuple[str, ...],
    ) -> None:
        self.path, self.data = path, data
        self._network, self._plan, self._rooms = network, plan, rooms
        self._composed, self._given, self._spec = composed, given, spec
        self._settings = settings
        self._layout = Layout(network, plan, rooms)
        self.outputs = NetworkOutputs(path, data, network.model, composed.outputs, spec)

    def streams(self, stdout: BinaryIO | None) -> dict[str, Any]:
        """What its run is told beside its streams."""
        return {"stdout": stdout, "ended": self.outputs.ended}

    def c_sources(self, expected: Sequence[str] = ()) -> dict[str, str]:
        """C sources that run it on a board, by path; ``expected``: files of the outputs.

        The example has the first of the inputs. Raises ConfigError.
        """
        from simcore.network.export import Example, c_sources

        main = self._network.model.main
        outputs = expected_outputs(main, expected) if expected else None
        return c_sources(
            self._network,
            self._plan,
            self._rooms,
            Path(self.path).name,
            Example(self._given.inferences[0], outputs),
        )

    def told(self, profile: Profile) -> Profile:
        """The profile of its run with what is said of it; outputs are verified if asked for."""
        found = self.recorded().told(profile, b"")
        is_whole = profile.exit.status is ExitCode.OK
        if found.network is None or not self._spec.verify or not is_whole:
            return found
        count = self._spec.invocations or 1
        verification = self.outputs.verification(self._given.inferences, count, self._additions())
        return replace(found, network=replace(found.network, verification=verification))

    def recorded(self) -> RecordedNetwork:
        """What is known of it before it runs."""
        further = iter(self._composed.further)
        steps = self._network.steps
        network = NetworkCosts(
            sha256=hashlib.sha256(self.data).hexdigest(),
            kernels=KERNELS,
            inferences=self._spec.invocations or 1,
            input=self._given.told,
            layers=tuple(self._layer(step) for step in steps),
            constants_in=self._rooms.flash_regions,
            constant_bytes=self._composed.weight_bytes,
            scratch_bytes=self._plan.scratch,
            variable_bytes=self._layout.variable_bytes,
            tflm_arena_bytes=tflm_arena_bytes(self._network.model),
            memories=tuple(
                self._memory(one) for one in self._rooms.memories if one.name in self._plan.used
            ),
            tensors=tuple(self._tensors()),
            enlarged=self._settings or None,
            arena=tuple(self._spec.arena) or None,
            input_sha256=self._given.sha256,
        )
        names = tuple(None if step.is_setup else next(further, None) for step in steps)
        return RecordedNetwork(network, self._composed.first, names)

    def _layer(self, step: Step) -> NetworkLayer:
        operator, tensors = step.operator, self._network.model.subgraphs[step.subgraph].tensors
        inputs = [tensors[index] for index in operator.inputs if index >= 0]
        outputs = [tensors[index] for index in operator.outputs if index >= 0]
        activations = [tensor for tensor in inputs if tensor.data is None] or inputs
        return NetworkLayer(
            number=step.number,
            operator=operator.kind,
            layer=step.layer,
            output=outputs[0].name if outputs else "",
            type=activations[0].type if activations else "",
            input_shape=activations[0].shape if activations else (),
            output_shape=outputs[0].shape if outputs else (),
            kernel=step.call.kernel,
            optimised=step.call.is_optimised,
            macs=step.call.macs,
            param_bytes=self._composed.param_bytes[step.number],
            activation_bytes=self._plan.alive[step.number],
            setup=step.is_setup,
            op=None,
            further_op=None,
        )

    def _memory(self, memory: ArenaRoom) -> ArenaMemory:
        at, most, otherwise = busiest(self._plan, memory.name, self._network.steps)
        return ArenaMemory(
            memory=memory.name,
            room_bytes=memory.size,
            arena_bytes=self._plan.used[memory.name],
            how=self._plan.how[memory.name],
            peak_layer=at,
            peak_bytes=most,
            peak_tensors=tuple(
                self._layout.name_of(key) for key in self._plan.alive_in(memory.name, at)
            ),
            otherwise_bytes=otherwise,
        )

    def _tensors(self) -> list[ArenaTensor]:
        places = self._plan.places
        order = sorted(places, key=lambda k: (places[k].memory, places[k].offset, k))
        return [
            ArenaTensor(
                name=self._layout.name_of(key),
                tensor=self._network.tensor(key).name,
                memory=places[key].memory,
                offset=places[key].offset,
                size=self._network.tensor(key).size_bytes,
                first=places[key].life.first,
                last=places[key].life.last,
                in_place_of=None
                if (root := places[key].shares) is None
                else self._layout.name_of(root),
            )
            for key in order
        ]

    def _additions(self) -> int:
        """Behind one value of an output: of each layer those of one of its own, and a few more."""
        found = 0
        for step in self._network.steps:
            made = [step.key(index) for index in step.operator.outputs if index >= 0]
            elements = sum(self._network.tensor(key).elements for key in made)
            found += step.call.macs // max(elements, 1) + FURTHER_ADDITIONS
        return found


def network_program(spec: RunSpec) -> tuple[ProgramFiles, RunSpec, NetworkRun]:
    """The ELF of a network on the part of a spec, the spec with what that asks for, and the rest.

    Raises NetworkError, one line with the path, ConfigError or ModelError.
    """
    path = printable(spec.elf)
    for field, option in _OF_PROGRAMS.items():
        if getattr(spec, field):
            raise ConfigError(f"{path}: {option} is for a program; a network has none")
    data = read_network(spec.elf)
    if spec.verify:
        from simcore.network.verify import require_reference

        require_reference()  # before it runs
    try:
        return composed_program(spec, path, _lowered(data), data)
    except NoRoomError as error:
        raise error.of(path) from None
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


def read_network(file: str) -> bytes:
    """The bytes of a network's file. Raises NetworkError."""
    try:
        return read_regular(file, MAX_FILE_BYTES)
    except OSError as error:
        raise NetworkError(f"{printable(file)}: cannot be read: {error.strerror}") from None


@lru_cache(maxsize=2)  # several parts, or a program that is opened again
def _lowered(data: bytes) -> Lowered:
    try:
        return lowered(read_model(data))
    except ConfigError as error:
        raise NetworkError(str(error)) from None


def composed_program(
    spec: RunSpec, path: str, network: Lowered, data: bytes = b""
) -> tuple[ProgramFiles, RunSpec, NetworkRun]:
    """As :func:`network_program`, of a network that is read; ``data`` are the bytes of its file.

    Raises NetworkError, ConfigError or ModelError.
    """
    count = spec.invocations or 1
    given = network_inputs(network.model.main, spec.input, count)
    if (has := len(given.inferences)) > count:
        raise ConfigError(
            f"--input: has the values of {has:,} inferences, and {count:,} of them would run; give"
            " --invocations as many, or a file with fewer"
        )
    runner = runner_for(spec.setup().model, NETWORKS)
    runner_bytes = Path(runner.path).read_bytes()
    settings: tuple[str, ...] = ()
    told = spec

    def composed(rooms: Rooms, at: RunSpec) -> tuple[ArenaPlan, Composed]:
        plan = plan_arena(network, rooms.memories)
        model = at.setup(image=runner).model
        made = compose(network, plan, (runner, runner_bytes), model, rooms, given.inferences, count)
        return plan, made

    rooms = rooms_of(spec.setup(image=runner).model, runner, spec.arena)
    try:
        plan, made = composed(rooms, spec)
    except NetworkError:
        if not spec.anyway:
            raise
        rooms, settings = _enlarged(network, rooms, spec, runner, composed)
        told = replace(spec, overrides=(*spec.overrides, *settings))
        plan, made = composed(rooms, told)
    if spec.from_ is None:
        told = replace(told, from_=RUNNER_INFERENCE)
    files = ProgramFiles(path, made.elf)
    run = NetworkRun(path, data, network, plan, rooms, made, given, spec, settings)
    return files, told, run


def _enlarged(
    network: Lowered,
    rooms: Rooms,
    spec: RunSpec,
    runner: Image,
    composed: Callable[[Rooms, RunSpec], tuple[ArenaPlan, Composed]],
) -> tuple[Rooms, tuple[str, ...]]:
    """Rooms as large as the network needs, and the settings of the part that make them so."""
    endless = with_sizes(rooms, 1 << 30, 1 << 30)
    plan, made = composed(endless, spec)
    needs_ram = Layout(network, plan, endless).used[endless.memories[-1].name]
    model = spec.setup(image=runner).model
    settings = enlarged(rooms, made.flash_bytes, needs_ram, model)
    return with_sizes(rooms, made.flash_bytes, needs_ram), settings
