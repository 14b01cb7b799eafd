"""Small models in TensorFlow Lite's file format, those of tests/firmware/tflm.cpp among them.

python -m tests.flat_models    writes tests/firmware/tflm_models.h
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEADER = Path(__file__).parent / "firmware" / "tflm_models.h"

INT8 = 9
CODES = {
    "ADD": 0, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 4, "FULLY_CONNECTED": 9, "RELU": 19,
    "CALL_ONCE": 129,
}  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A scalar of so many bytes."""

    value: int
    size: int = 4


class Fields:
    """A table: values by number of field."""

    def __init__(self, **fields: Any) -> None:
        self.fields = {int(name[1:]): value for name, value in fields.items() if value is not None}


def flat(root: Fields, identifier: bytes = b"TFL3") -> bytes:
    """The flatbuffer of a table. Vectors are lists of tables or of int, and bytes; str is text."""
    out = bytearray(8)
    out[4:8] = identifier
    offsets: list[tuple[int, Any]] = [(0, root)]
    while offsets:
        at, value = offsets.pop(0)
        while len(out) % 16 != (12 if isinstance(value, bytes) else 0):
            out.append(0)
        place = len(out)
        if isinstance(value, Fields):
            count = max(value.fields, default=-1) + 1
            list_bytes = 4 + 2 * count
            place += (list_bytes + 3) // 4 * 4
            rows, body = [0] * count, bytearray(4)
            for number, field in sorted(value.fields.items()):
                size = field.size if isinstance(field, Number) else 4
                body += bytes(-len(body) % size)
                rows[number] = len(body)
                if isinstance(field, Number):
                    body += field.value.to_bytes(size, "little", signed=field.value < 0)
                else:
                    offsets.append((place + len(body), field))
                    body += bytes(4)
            body[:4] = struct.pack("<i", place - len(out))
            rows_bytes = struct.pack(f"<{2 + count}H", list_bytes, len(body), *rows)
            out += rows_bytes.ljust((list_bytes + 3) // 4 * 4, b"\0") + body
        elif isinstance(value, str):
            out += struct.pack("<I", len(value)) + value.encode() + b"\0"
        elif isinstance(value, bytes):
            out += struct.pack("<I", len(value)) + value
        elif value and isinstance(value[0], Fields):
            out += struct.pack("<I", len(value))
            offsets += [(len(out) + 4 * index, one) for index, one in enumerate(value)]
            out += bytes(4 * len(value))
        else:
            out += struct.pack(f"<I{len(value)}i", len(value), *value)
        out[at : at + 4] = struct.pack("<I", place - at)
    return bytes(out)


@dataclass
class Tensor:
    name: str
    shape: Sequence[int]
    data: bytes | None = None


@dataclass
class Operator:
    kind: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    subgraph: int | None = None  # that CALL_ONCE runs


@dataclass
class Subgraph:
    tensors: Sequence[Tensor]
    operators: Sequence[Operator]
    inputs: Sequence[int]
    outputs: Sequence[int]


def model(subgraphs: Sequence[Subgraph], description: str = "") -> bytes:
    """The bytes of a model; buffer 0 is empty, as the format wants."""
    kinds = sorted({operator.kind for graph in subgraphs for operator in graph.operators})
    buffers = [Fields()]
    graphs = []
    for graph in subgraphs:
        tensors = []
        for tensor in graph.tensors:
            number = 0
            if tensor.data is not None:
                number = len(buffers)
                buffers.append(Fields(f0=tensor.data))
            tensors.append(
                Fields(f0=list(tensor.shape), f1=Number(INT8, 1), f2=Number(number), f3=tensor.name)
            )
        operators = [
            Fields(
                f0=Number(kinds.index(one.kind)),
                f1=list(one.inputs),
                f2=list(one.outputs),
                f3=None if one.subgraph is None else Number(103, 1),  # CallOnceOptions
                f4=None if one.subgraph is None else Fields(f0=Number(one.subgraph)),
            )
            for one in graph.operators
        ]
        graphs.append(
            Fields(f0=tensors, f1=list(graph.inputs), f2=list(graph.outputs), f3=operators)
        )
    codes = [
        Fields(f0=Number(min(CODES[kind], 127), 1), f2=Number(1), f3=Number(CODES[kind]))
        for kind in kinds
    ]
    return flat(Fields(f0=Number(3), f1=codes, f2=graphs, f3=description, f4=buffers))


def _weights(count: int) -> bytes:
    return bytes((7 * index + 3) % 11 for index in range(count))


def dense() -> bytes:
    """16 -> 24 -> 24 -> 8: two layers with weights, an activation, and a sum of two tensors."""
    tensors = [
        Tensor("input", (1, 16)),
        Tensor("dense_1/weights", (24, 16), _weights(24 * 16)),
        Tensor("dense_1/out", (1, 24)),
        Tensor("relu/out", (1, 24)),
        Tensor("sum/out", (1, 24)),
        Tensor("dense_2/weights", (8, 24), _weights(8 * 24)),
        Tensor("output", (1, 8)),
    ]
    operators = [
        Operator("FULLY_CONNECTED", (0, 1), (2,)),
        Operator("RELU", (2,), (3,)),
        Operator("ADD", (2, 3), (4,)),
        Operator("FULLY_CONNECTED", (4, 5), (6,)),
    ]
    return model([Subgraph(tensors, operators, (0,), (6,))], "dense")


def calling() -> bytes:
    """An operator that runs a second subgraph, and two behind it."""
    main = [Tensor("in", (1, 32)), Tensor("middle", (1, 32)), Tensor("out", (1, 32))]
    once = [Tensor("once/in", (1, 8)), Tensor("once/out", (1, 8))]
    return model(
        [
            Subgraph(
                main,
                [
                    Operator("CALL_ONCE", (), (), subgraph=1),
                    Operator("RELU", (0,), (1,)),
                    Operator("ADD", (0, 1), (2,)),
                ],
                (0,),
                (2,),
            ),
            Subgraph(once, [Operator("RELU", (0,), (1,))], (0,), (1,)),
        ],
        "calling",
    )


def damaged() -> bytes:
    """dense() with an offset to its description that leads far outside."""
    data = bytearray(dense())
    root = struct.unpack_from("<I", data)[0]
    fields = root - struct.unpack_from("<i", data, root)[0]
    description = root + struct.unpack_from("<H", data, fields + 4 + 2 * 3)[0]
    data[description : description + 4] = struct.pack("<I", 0x4000_0000)
    return bytes(data)


def header() -> str:
    """tests/firmware/tflm_models.h."""
    text = "// Models of tflm.cpp; python -m tests.flat_models writes this.\n#include <stdint.h>\n"
    for name, data in (("dense", dense()), ("calling", calling()), ("damaged", damaged())):
        text += f'\nextern "C" const uint8_t {name}_model[];\n'
        text += f"alignas(16) const uint8_t {name}_model[{len(data)}] = {{\n"
        for start in range(0, len(data), 16):
            text += "    " + ", ".join(f"{byte:#04x}" for byte in data[start : start + 16]) + ",\n"
        text += "};\n"
    text += (
        "\n// Bytes that other inputs may take the place of, so that no compiler may know them.\n"
    )
    values = ", ".join(str(index - 7) for index in range(64))
    text += 'extern "C" const volatile int8_t mcusim_input[64];\n'
    text += f"const volatile int8_t mcusim_input[64] = {{{values}}};\n"
    return text


if __name__ == "__main__":
    HEADER.write_text(header(), encoding="utf-8")
