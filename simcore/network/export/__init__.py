"""A network as C sources for a board: calls, weights, the kernels that they need, a CMake file.

The plan of tensors and what each call is given are those of the ELF that is profiled
(compose.py), so that both cost the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from simcore.network.activations import ALIGN, ArenaPlan, up
from simcore.network.compose import op_name
from simcore.network.export.c_text import C_TYPES, comment, identifier, numbers, rows, string
from simcore.network.export.kernel_sources import kernel_sources
from simcore.network.graph import Tensor
from simcore.network.layout import Rooms
from simcore.network.lowering import Variable
from simcore.network.operands import ComputedTensor, ConstantBytes, Operand, ScratchAt, operands
from simcore.network.steps import Lowered, Step
from simcore.resources import kernel_text, licence_text

_TEMPLATES: Final = Path(__file__).with_name("templates")
_FILES: Final = ("network.h", "network.c", "main.c", "CMakeLists.txt", "README.md")
KERNELS: Final = "kernels"  # folder of the suite's files


@dataclass(frozen=True, slots=True)
class Example:
    """What main.c gives the network, and the outputs that it expects, if they are known."""

    inputs: Sequence[bytes]
    outputs: Sequence[bytes] | None = None


def c_sources(
    network: Lowered, plan: ArenaPlan, rooms: Rooms, name: str, example: Example
) -> dict[str, str]:
    """Text of each file by its path in the folder.

    Memories of ``rooms`` that the user named are sections, the first has what lies beside tensors
    too; ``name`` is the network's file.
    """
    sources = _Sources(network, plan, rooms, name, example)
    return sources.files()


class _Constants:
    """Arrays of weights.c; equal bytes are there once."""

    def __init__(self) -> None:
        self._names: dict[tuple[bytes, str], str] = {}
        self._aligns: dict[str, int] = {}

    @property
    def size_bytes(self) -> int:
        return sum(len(data) for data, _ in self._names)

    def name(self, step: Step, constant: ConstantBytes, kind: str) -> str:
        key = constant.data, C_TYPES[kind][0]
        wanted = identifier(f"{step.layer}_{constant.name}")
        name = self._names.setdefault(key, wanted if wanted not in self._aligns else
                                      f"{wanted}_{len(self._aligns)}")  # fmt: skip
        self._aligns[name] = max(self._aligns.get(name, 4), constant.align)
        return name

    def arrays(self) -> Iterator[tuple[str, str, str, int, int]]:
        """Type, name, values, number of them and alignment of each."""
        kinds = {c_type: kind for kind, (c_type, _) in reversed(C_TYPES.items())}
        for (data, c_type), name in self._names.items():
            found, values = numbers(data, kinds[c_type])
            yield found, name, rows(values), max(len(values), 1), self._aligns[name]


class _Sources:
    def __init__(
        self,
        network: Lowered,
        plan: ArenaPlan,
        rooms: Rooms,
        name: str,
        example: Example,
    ) -> None:
        self._network, self._plan, self._name = network, plan, name
        self._memories, self._example = [memory.name for memory in rooms.memories], example
        self._constants = _Constants()
        self._several, self._named = len(rooms.memories) > 1, rooms.named
        self._calls = [self._call(step) for step in network.steps]
        self._arrays = list(self._constants.arrays())

    def files(self) -> dict[str, str]:
        kernels = kernel_sources(step.call.kernel for step in self._network.steps)
        kernels |= {"runner.h": kernel_text("runner/runner.h"),
                    "mcusim.h": kernel_text("include/mcusim.h")}  # fmt: skip
        files = {f"{KERNELS}/{name}": text for name, text in sorted(kernels.items())}
        values = self._values([name for name in sorted(kernels) if name.endswith(".c")])
        files |= _rendered(values)
        return {**files, "weights.h": self._weights_h(), "weights.c": self._weights_c(),
                "example.h": self._example_h(), "LICENSE": licence_text()}  # fmt: skip

    def _values(self, kernels: Sequence[str]) -> dict[str, Any]:
        main = self._network.model.main
        return {
            "name": comment(self._name),
            "kernels": kernels,
            "inputs": [self._tensor(index) for index in main.inputs],
            "outputs": [self._tensor(index) for index in main.outputs],
            "calls": self._calls,
            "setup_calls": sum(step.is_setup for step in self._network.steps),
            "arenas": [
                {"name": self._arena(memory), "bytes": max(up(self._plan.used.get(memory, 0)), 1),
                 "section": self._section(memory)}
                for memory in self._memories
                if memory in self._plan.used
            ],
            "variables": [
                {"name": _state(one), "bytes": max(up(one.size_bytes), 1), "fill": one.fill}
                for one in self._network.variables().values()
            ],
            "sections": list(dict.fromkeys(filter(None, map(self._section, self._memories)))),
            "home": self._section(self._memories[0]),
            "scratch_bytes": self._plan.scratch,
            "align": 2 * ALIGN,
            "weight_bytes": self._constants.size_bytes,
            "checks": self._example.outputs is not None,
        }  # fmt: skip

    def _tensor(self, index: int) -> dict[str, Any]:
        """What network.h says of an input or output."""
        tensor, key = self._network.tensor((0, index)), (0, index)
        quantization = tensor.quantization
        return {
            "text": comment(tensor.name),
            "c_type": C_TYPES[tensor.type][0],
            "shape": tensor.shape,
            "elements": tensor.elements,
            "bytes": tensor.size_bytes,
            "scale": _scale(tensor),
            "zero_point": quantization.zero_points[0] if _scale(tensor) and quantization else 0,
            "at": self._address(ComputedTensor(key)),
        }

    def _call(self, step: Step) -> dict[str, Any]:
        call, found, params = step.call, [], 0
        for item, operand in zip(call.buffers, operands(self._network, step), strict=True):
            if isinstance(operand, ConstantBytes):
                params += len(operand.data)
                kind = (
                    self._network.tensor(step.key(item)).type
                    if isinstance(item, int)
                    else "int32" if operand.align >= 4 and len(operand.data) % 4 == 0 else "uint8"
                )  # fmt: skip
                found.append(f"(void *){self._constants.name(step, operand, kind)}")
            else:
                found.append(self._address(operand))
        signed = ((value & 0xFFFFFFFF ^ 1 << 31) - (1 << 31) for value in call.params)
        return {
            "kernel": call.kernel,
            "name": string(op_name(step, self._network)),
            "kind": string(step.operator.kind.lower()),
            "macs": call.macs,
            "ops": call.ops,
            "param_bytes": params,
            "activation_bytes": self._plan.alive[step.number],
            "buffers": rows(found, " " * 8),
            "params": rows([str(value) for value in signed], " " * 8),
        }

    def _address(self, operand: Operand) -> str:
        match operand:
            case None:
                return "0"
            case ScratchAt(offset):
                return f"scratch + {offset}"
            case Variable():
                return _state(operand)
            case ComputedTensor(key):
                place = self._plan.places[key]
                return f"{self._arena(place.memory)} + {place.offset}"
        raise AssertionError(f"{operand} lies in weights.c")

    def _arena(self, memory: str) -> str:
        return identifier(f"arena_{memory}") if self._several else "arena"

    def _section(self, memory: str) -> str:
        """What its section is called behind ``.bss.network_``, nothing where none was asked for."""
        return identifier(memory) if self._named else ""

    def _weights_h(self) -> str:
        body = "".join(
            f"extern const {c_type} {name}[{count}];\n"
            for c_type, name, _, count, _ in self._arrays
        )
        return (
            f"/* weights.h: constants of {comment(self._name)}; written by mcusim export. */\n"
            f"#ifndef WEIGHTS_H\n#define WEIGHTS_H\n\n#include <stdint.h>\n\n{body}\n#endif\n"
        )

    def _weights_c(self) -> str:
        body = "".join(
            f"\n_Alignas({align}) const {c_type} {name}[{count}] = {{\n{values}\n}};\n"
            for c_type, name, values, count, align in self._arrays
        )
        return (
            f"/* weights.c: constants of {comment(self._name)}; written by mcusim export. */\n"
            f'#include "weights.h"\n{body}'
        )

    def _example_h(self) -> str:
        main = self._network.model.main
        body = ""
        for what, indices, values in (
            ("input", main.inputs, self._example.inputs),
            ("output", main.outputs, self._example.outputs or ()),
        ):
            for number, data in enumerate(values):
                tensor = self._network.tensor((0, indices[number]))
                c_type, texts = numbers(data, tensor.type)
                body += (f"\nstatic const {c_type} example_{what}{number}[{max(len(texts), 1)}] ="
                         f" {{\n{rows(texts)}\n}};\n")  # fmt: skip
        return (
            "/* example.h: what main.c gives the network"
            f"{' and expects of it' if self._example.outputs else ''}. */\n"
            f"#include <stdint.h>\n{body}"
        )


def _state(variable: Variable) -> str:
    return identifier(f"state_{variable.name}")


def _scale(tensor: Tensor) -> str:
    scales = tensor.quantization.scales if tensor.quantization else ()
    return f"{float(scales[0])!r}f" if len(scales) == 1 and tensor.type != "float32" else ""


def _rendered(values: dict[str, Any]) -> dict[str, str]:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return {name: environment.get_template(f"{name}.j2").render(values) for name in _FILES}
