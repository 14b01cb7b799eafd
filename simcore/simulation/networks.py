"""A network's file as a program: read, prepared, planned and composed for the part of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from simcore.costs.network import (
    ArenaMemory,
    ArenaTensor,
    NetworkCosts,
    NetworkLayer,
    Verification,
)
from simcore.costs.one_call import OneCallCosts
from simcore.costs.op_tables import OpCosts
from simcore.elf import Image, ProgramFiles
from simcore.elf.image import printable
from simcore.errors import ConfigError, NetworkError
from simcore.files import destination, read_regular
from simcore.network.activations import ArenaPlan, ArenaRoom, busiest, plan_arena
from simcore.network.compose import INFERENCE, Composed, compose
from simcore.network.inputs import Given, expected_outputs, network_inputs, npy
from simcore.network.layout import Layout, Rooms, enlarged, rooms_of, with_sizes
from simcore.network.runners import NETWORKS, runner_for
from simcore.network.steps import Lowered, Step, lowered
from simcore.run.options import ReadMemory
from simcore.run.spec import RunSpec
from simcore.tflite.reader import MAX_FILE_BYTES, read_model

KERNELS: Final = "mcusim's own; on equal layers they take 0 to 38 % less time than CMSIS-NN's"

#: Additions of a layer beside its sum: of bias and activation, and what exp() and tanh() take.
_FURTHER_ADDITIONS: Final = 16

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
        self.outputs: tuple[bytes, ...] | None = None

    def ended(self, read: ReadMemory) -> None:
        """Take the outputs from memory at the end of the run."""
        found = [read(address, size) for address, size in self._composed.outputs]
        self.outputs = tuple(data or b"" for data in found)

    def save(self, path: str) -> None:
        """Write the outputs of the last inference: .npy of one, else all behind each other.

        Raises ConfigError.
        """
        main = self._network.model.main
        found = self.outputs or ()
        data = b"".join(found)
        if path.endswith(".npy"):
            if len(found) != 1:
                raise ConfigError(
                    f"--outputs {path}: the network has {len(found)} outputs and a .npy file holds"
                    " one; give a .bin file for all behind each other"
                )
            data = npy(main.tensors[main.outputs[0]], data)
        with destination(path, self._spec.files) as write:
            write(data)

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

    def costs(
        self, ops: Sequence[OpCosts], is_whole: bool = True, per: OneCallCosts | None = None
    ) -> NetworkCosts:
        """The profile of it; ``ops`` are its operations, those of the one call ``per`` if there is
        one. ``is_whole``: the run came to its end.
        """
        at = {op.name: number for number, op in enumerate(ops)}
        further = iter(self._composed.further)
        layers = []
        for step, name in zip(self._network.steps, self._composed.first, strict=True):
            next_name = None if step.is_setup else next(further, None)
            first, behind = at.get(name), at.get(next_name or "")
            if per is not None:  # one inference, whichever it is
                first, behind = behind if first is None else first, None
            layers.append(self._layer(step, first, behind))
        return NetworkCosts(
            sha256=hashlib.sha256(self.data).hexdigest(),
            kernels=KERNELS,
            inferences=self._spec.invocations or 1,
            input=self._given.told,
            layers=tuple(layers),
            constants_in=self._rooms.flash_regions,
            constant_bytes=self._composed.weight_bytes,
            scratch_bytes=self._plan.scratch,
            variable_bytes=self._layout.variable_bytes,
            memories=tuple(
                self._memory(one) for one in self._rooms.memories if one.name in self._plan.used
            ),
            tensors=tuple(self._tensors()),
            enlarged=self._settings or None,
            verification=self._verification() if self._spec.verify and is_whole else None,
        )

    def _layer(self, step: Step, op: int | None, further: int | None) -> NetworkLayer:
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
            op=op,
            further_op=further,
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

    def _verification(self) -> Verification | None:
        from simcore.network.verify import verified

        if self.outputs is None:
            return None
        main = self._network.model.main
        types = [main.tensors[index].type for index in main.outputs]
        fed = self._given.inferences
        count = self._spec.invocations or 1
        rows = [fed[number % len(fed)] for number in range(count)]
        return verified(self.path, self.data, rows, self.outputs, types, count * self._additions())

    def _additions(self) -> int:
        """Behind one value of an output: of each layer those of one of its own, and a few more."""
        found = 0
        for step in self._network.steps:
            made = [step.key(index) for index in step.operator.outputs if index >= 0]
            elements = sum(self._network.tensor(key).elements for key in made)
            found += step.call.macs // max(elements, 1) + _FURTHER_ADDITIONS
        return found


def network_program(spec: RunSpec) -> tuple[ProgramFiles, RunSpec, NetworkRun]:
    """The ELF of a network on the part of a spec, the spec with what that asks for, and the rest.

    Raises NetworkError, one line with the path, ConfigError or ModelError.
    """
    path = printable(spec.elf)
    for field, option in _OF_PROGRAMS.items():
        if getattr(spec, field):
            raise ConfigError(f"{path}: {option} is for a program; a network has none")
    try:
        data = read_regular(spec.elf, MAX_FILE_BYTES)
    except OSError as error:
        raise NetworkError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return _program(spec, path, data)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


@lru_cache(maxsize=2)  # several parts, or a program that is opened again
def _lowered(data: bytes) -> Lowered:
    try:
        return lowered(read_model(data))
    except ConfigError as error:
        raise NetworkError(str(error)) from None


def _program(spec: RunSpec, path: str, data: bytes) -> tuple[ProgramFiles, RunSpec, NetworkRun]:
    network = _lowered(data)
    count = spec.invocations or 1
    given = network_inputs(network.model.main, spec.input, count)
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
        told = replace(told, from_=INFERENCE)
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
