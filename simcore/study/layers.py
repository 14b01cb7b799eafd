"""Networks of a study: those of networks.toml, with made-up weights, and those of files."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from simcore.elf.image import printable
from simcore.errors import ConfigError, NetworkError, nearest
from simcore.files import read_regular
from simcore.network.activations import ArenaPlan, ArenaRoom, plan_arena
from simcore.network.compose import op_name
from simcore.network.counts import activation_bytes
from simcore.network.graph import Tensor
from simcore.network.operands import constant_bytes
from simcore.network.steps import Lowered, Step, lowered, output_of
from simcore.study.made_up import MadeUp
from simcore.study.operators import Shape, runner_operator
from simcore.tflite.reader import MAX_FILE_BYTES, read_model

FILE = Path(__file__).with_name("networks.toml")
INPUT = "input"  # the name of the tensor that a network is given


@dataclass(frozen=True)
class Network:
    """A network, as :mod:`simcore.network` has every other one.

    ``macs`` is what networks.toml promises, for a test; ``is_file``: its weights are its own.
    ``sha256`` is of what decides all else.
    """

    name: str
    title: str
    source: str
    lowered: Lowered
    sha256: str
    macs: int = 0
    is_file: bool = False

    @cached_property
    def plan(self) -> ArenaPlan:
        """Where its computed tensors lie in one buffer."""
        return plan_arena(self.lowered, (ArenaRoom("arena", 0, 0),))

    @property
    def weights(self) -> list[Tensor]:
        """Constants of the file that its kernels read, each once."""
        found = {
            step.key(item)
            for step in self.lowered.steps
            for item in step.call.buffers
            if isinstance(item, int) and self.lowered.tensor(step.key(item)).data is not None
        }
        return [self.lowered.tensor(key) for key in sorted(found)]

    @property
    def parameters(self) -> int:
        """Values of weights and biases that its kernels read, each tensor once."""
        return sum(tensor.elements for tensor in self.weights)

    @property
    def peak_activation_bytes(self) -> int:
        """The buffer in which tensors share places over time."""
        return sum(self.plan.used.values())

    @property
    def all_activation_bytes(self) -> int:
        """Every tensor in a place of its own."""
        return sum(self.lowered.tensor(key).size_bytes for key in self.plan.places)

    @property
    def scratch_bytes(self) -> int:
        """The most that a layer needs beside them."""
        return self.plan.scratch

    @property
    def where(self) -> str:
        """What messages call it."""
        return self.source if self.is_file else self.name

    def layer_name(self, step: Step) -> str:
        """What a layer is called: in a file, where names of tensors are long, as its symbols."""
        at = output_of(step)
        return step.layer if self.is_file or at < 0 else self.lowered.tensor(step.key(at)).name

    def op_names(self) -> list[str]:
        """Names of the operations of a run."""
        return [op_name(step, self.lowered) for step in self.lowered.steps]

    def activation_bytes(self, step: Step) -> int:
        """Inputs and outputs of a layer."""
        return activation_bytes(step.operator, self.lowered.model.subgraphs[step.subgraph])

    def param_bytes(self, step: Step) -> int:
        """Weights, biases, multipliers, shifts and tables of a layer."""
        return constant_bytes(self.lowered, step)


def load_networks() -> tuple[Network, ...]:
    """The networks that ship with mcusim."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(network_of(row) for row in table["network"])


def read_networks(paths: Sequence[str]) -> tuple[Network, ...]:
    """Networks from .tflite files, each once; their names are those of the files.

    Raises NetworkError, one line with the path.
    """
    return tuple(_read(path) for path in dict.fromkeys(paths))


def told_apart(networks: Sequence[Network]) -> tuple[Network, ...]:
    """Networks of which no two have one name: files of a name that others have are their paths."""
    names = [network.name for network in networks]
    return tuple(
        replace(one, name=one.source) if one.is_file and names.count(one.name) > 1 else one
        for one in networks
    )


def select(networks: Sequence[Network], patterns: Sequence[str]) -> tuple[Network, ...]:
    """The networks whose name a pattern matches, all when there is none.

    Raises ConfigError for a pattern that matches none, with the names that come near.
    """
    names = [network.name for network in networks]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            hint = nearest(pattern, names) or f" ({', '.join(names)})"
            raise ConfigError(f"--only '{pattern}' matches no network{hint}")
    return tuple(
        network
        for network in networks
        if not patterns or any(fnmatchcase(network.name, pattern) for pattern in patterns)
    )


def _read(path: str) -> Network:
    where = printable(path)
    try:
        data = read_regular(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise NetworkError(f"{where}: cannot be read: {reason}") from None
    try:
        network = lowered(read_model(data))
    except (ConfigError, NetworkError) as error:
        raise NetworkError(f"{where}: {error}") from None
    name = PurePath(where)
    digest = hashlib.sha256(data).hexdigest()
    return Network(name.stem, name.name, where, network, digest, is_file=True)


def network_of(row: Mapping[str, Any]) -> Network:
    """A network of a layer list, with made-up weights, as networks.toml describes them."""
    made = MadeUp(row["name"])
    shapes: dict[str, Shape] = {INPUT: (1, *row["input"])}
    made.input(INPUT, shapes[INPUT])
    before = INPUT
    for number, entry in enumerate(row["layer"]):
        name, inputs = entry.get("name", f"layer{number}"), tuple(entry.get("from", (before,)))
        arguments = {k: v for k, v in entry.items() if k not in ("kernel", "name", "from")}
        operator = runner_operator(entry["kernel"], arguments, [shapes[one] for one in inputs])
        made.layer(name, operator, inputs)
        shapes[name], before = operator.output, name
    model = made.model(before)
    return Network(
        name=row["name"],
        title=row.get("title", row["name"]),
        source=row.get("source", row["name"]),
        lowered=lowered(model),
        sha256=hashlib.sha256(repr(model).encode()).hexdigest(),
        macs=row.get("macs", 0),
    )
