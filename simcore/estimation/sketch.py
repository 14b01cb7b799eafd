"""A network up to what an estimate needs: its layers, what each reads and makes, and its memory.

From a list of layers, as networks.toml of the study has them, without weights; from a network that
is read, whose layers are those of its steps.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from pathlib import PurePath
from typing import Any, Final

from simcore.elf.image import printable
from simcore.errors import ConfigError, NetworkError
from simcore.estimation.shapes import (
    LayerFacts,
    LayerShape,
    alone,
    facts_of,
    layer_shape,
    made_up_facts,
    shape_of,
)
from simcore.files import read_regular
from simcore.network.activations import ALIGN, ArenaRoom, plan_arena
from simcore.network.arena import Lifetime, least
from simcore.network.graph import Model, Operator, Subgraph, Tensor
from simcore.network.lowering import Constant, KernelCall
from simcore.network.steps import Lowered, Step, lowered
from simcore.study.layers import INPUT
from simcore.study.layers import Network as StudyNetwork
from simcore.study.operators import RunnerOperator, Shape, runner_operator
from simcore.tflite.reader import MAX_FILE_BYTES, read_model
from simcore.toml import parse_toml

LISTS: Final = (".toml", ".json")  # files of layer lists
MAX_LIST_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class SketchLayer:
    """A layer: what it is called, its shape, and the numbers of the values it reads and makes."""

    name: str
    shape: LayerShape
    facts: LayerFacts
    reads: tuple[int, ...]
    makes: int
    own: Subgraph | None = None


@dataclass(frozen=True, slots=True)
class Sketch:
    """A network; ``sizes`` are bytes of its values by number, the first is its input.

    ``peak_bytes`` is the arena of one whose plan is known, None: it is asked for.
    """

    name: str
    layers: tuple[SketchLayer, ...]
    sizes: tuple[int, ...]
    output: int
    peak_bytes: int | None = None
    variable_bytes: int = 0
    weights: tuple[int, int] | None = field(default=None)  # parameters, and bytes, each once

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(layer.facts.macs for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Values of weights and biases."""
        if self.weights is not None:
            return self.weights[0]
        return sum(layer.facts.parameters for layer in self.layers)

    @property
    def constant_bytes(self) -> int:
        """What it takes of flash beside code."""
        tables = sum(layer.facts.table_bytes for layer in self.layers)
        if self.weights is not None:
            return tables + self.weights[1]
        return tables + sum(layer.facts.param_bytes for layer in self.layers)

    @property
    def scratch_bytes(self) -> int:
        """The most that a kernel needs beside tensors."""
        return max(layer.facts.scratch_bytes for layer in self.layers)

    @property
    def peak_activation_bytes(self) -> int:
        """The buffer in which its tensors share places over time, as the planner lays them."""
        if self.peak_bytes is not None:
            return self.peak_bytes
        if all(
            layer.reads == (at,) and layer.makes == at + 1 for at, layer in enumerate(self.layers)
        ):
            return _chain_bytes(self)
        return sum(plan_arena(_skeleton(self), (ArenaRoom("arena", 0, 0),)).used.values())


def sketch_of(network: Any) -> Sketch:
    """A network in any form that is known: see :func:`simcore.estimate`.

    Raises NetworkError or ConfigError, one line.
    """
    match network:
        case Sketch():
            return network
        case StudyNetwork():
            return _of_lowered(network.name, network.lowered)
        case Lowered():
            return _of_lowered(network.model.description or "network", network)
        case Model():
            return _of_lowered(network.description or "network", lowered(network))
        case Mapping():
            return sketch_of_list(network)
        case str() | os.PathLike():
            return _of_file(os.fspath(network))
    raise ConfigError(
        f"{type(network).__name__} is no network: give a path, a table of layers, or a network"
    )


def _of_file(path: str) -> Sketch:
    where = printable(path)
    suffix = PurePath(path).suffix.lower()
    try:
        data = read_regular(path, MAX_LIST_BYTES if suffix in LISTS else MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise NetworkError(f"{where}: cannot be read: {reason}") from None
    try:
        if suffix not in LISTS:
            return _of_lowered(PurePath(where).stem, lowered(read_model(data)))
        text = data.decode("utf-8")
        table = parse_toml(text) if suffix == ".toml" else json.loads(text)
        if not isinstance(table, Mapping):
            raise ConfigError("it is no table of a network")
        return sketch_of_list({"name": PurePath(where).stem, **table})
    except (ConfigError, NetworkError) as error:
        raise NetworkError(f"{where}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"{where}: not a list of layers: {error}") from None


def sketch_of_list(table: Mapping[str, Any]) -> Sketch:
    """A network as a table: ``input`` (height, width, channels) and ``layer``, a list of tables.

    Each layer has a ``kernel`` and shape arguments of the runner; ``name`` and ``from`` where it is
    read by others than the next. Raises ConfigError.
    """
    name = str(table.get("name", "network"))
    try:
        shape: Shape = (1, *(int(side) for side in table["input"]))
        rows = list(table["layer"])
    except (LookupError, TypeError, ValueError):
        raise ConfigError(
            f"{name}: a network is a table with input = [height, width, channels] and layer, a list"
            " of tables with a kernel each"
        ) from None
    if not rows or len(shape) < 2 or min(shape) < 1:
        raise ConfigError(f"{name}: it has no layer, or an input without a size")
    values, shapes = {INPUT: 0}, [shape]
    layers = []
    for number, row in enumerate(rows):
        made = f"layer{number}"
        try:
            made = str(row.get("name", made))
            named = row.get("from")
            reads = (len(shapes) - 1,) if named is None else tuple(values[one] for one in named)
            arguments = tuple((k, v) for k, v in row.items() if k not in ("kernel", "name", "from"))
            found, facts, output = _listed(
                row["kernel"], arguments, tuple(shapes[at] for at in reads)
            )
        except (ConfigError, NetworkError) as error:
            raise ConfigError(f"{name}: {made}: {error}") from None
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise ConfigError(
                f"{name}: {made}: no layer of a list ({type(error).__name__}: {error})"
            ) from None
        layers.append(SketchLayer(made, found, facts, reads, len(shapes)))
        values[made] = len(shapes)
        shapes.append(output)
    sizes = tuple(prod(one) for one in shapes)
    return Sketch(name, tuple(layers), sizes, len(shapes) - 1)


@lru_cache(maxsize=1 << 17)
def _listed(
    kernel: str, arguments: tuple[tuple[str, Any], ...], inputs: tuple[Shape, ...]
) -> tuple[LayerShape, LayerFacts, Shape]:
    """A layer of a list. Raises ConfigError or NetworkError."""
    try:
        operator: RunnerOperator = runner_operator(kernel, dict(arguments), inputs)
    except AssertionError as error:
        raise ConfigError(str(error) or "its shape is none") from None
    if min(operator.output) < 1:
        raise ConfigError(f"its output would be {'x'.join(map(str, operator.output))}")
    shape = layer_shape(operator)
    return shape, made_up_facts(shape), operator.output


def _of_lowered(name: str, network: Lowered) -> Sketch:
    layers, sizes, number = [], [0], {}
    for step in network.steps:
        shape, own = shape_of(network, step)
        try:
            facts = made_up_facts(shape) if own is None else facts_of(alone(own))
        except (ConfigError, NetworkError, AssertionError) as error:
            raise NetworkError(
                f"{step.layer} cannot be run alone, so there is no estimate ({error}); profile it"
            ) from None
        number[step.number] = len(sizes)
        sizes.append(0)
        layers.append(SketchLayer(step.layer, shape, facts, (), number[step.number], own))
    plan = plan_arena(network, (ArenaRoom("arena", 0, 0),))
    weights = {
        step.key(item): network.tensor(step.key(item))
        for step in network.steps
        for item in step.call.buffers
        if isinstance(item, int) and network.tensor(step.key(item)).data is not None
    }
    shared = sum(-(-len(one.data or b"") // 16) * 16 for one in weights.values())
    tables = sum(
        len(item.data)
        for step in network.steps
        for item in step.call.buffers
        if isinstance(item, Constant)
    )
    return Sketch(
        name,
        tuple(layers),
        tuple(sizes),
        len(sizes) - 1,
        peak_bytes=sum(plan.used.values()),
        variable_bytes=sum(one.size_bytes for one in network.variables().values()),
        weights=(sum(one.elements for one in weights.values()), shared + tables),
    )


def _chain_bytes(sketch: Sketch) -> int:
    """The arena of layers that each read what the one before made.

    Tensors at alternate ends of a buffer of the least size never meet.
    """
    last = len(sketch.layers) - 1
    plain = {
        at: Lifetime(size, max(at - 1, 0), min(at, last)) for at, size in enumerate(sketch.sizes)
    }
    merged, root = dict(plain), 0
    for at, layer in enumerate(sketch.layers):
        new, old = plain[at + 1], merged[root]
        if layer.facts.in_place is not None and new.size <= plain[root].size:
            del merged[at + 1]
            merged[root] = Lifetime(old.size, old.first, new.last)
        else:
            root = at + 1
    return min(least(plain, ALIGN), least(merged, ALIGN))


def _skeleton(sketch: Sketch) -> Lowered:
    """Steps that read and make the same values, and nothing else, for the planner."""
    tensors = tuple(
        Tensor(at, f"value{at}", (size,), "int8") for at, size in enumerate(sketch.sizes)
    )
    steps = []
    for at, layer in enumerate(sketch.layers):
        source = layer.facts.in_place
        in_place = {} if source is None else {len(layer.reads): source}
        call = KernelCall("", (), (*layer.reads, layer.makes), layer.facts.macs, in_place=in_place)
        operator = Operator(at, layer.shape.kind, 1, layer.reads, (layer.makes,))
        steps.append(Step(at, layer.name, 0, operator, call, is_setup=False))
    operators = tuple(step.operator for step in steps)
    main = Subgraph(sketch.name, tensors, operators, (0,), (sketch.output,))
    return Lowered(Model(sketch.name, (main,)), tuple(steps))
