"""Damages networks of one operator in every way that a reader lets through."""

from __future__ import annotations

import dataclasses
import math
import random
import struct

from simcore.network.graph import BYTES_OF_TYPE, Model, Operator, Quantization, Subgraph, Tensor

SIZES = (0, 1, 2, 3, 7, 1000, 65536, -1)
SCALES = (0.0, 1e-30, 1e-10, 0.05, 1.0, 1e10, 3e38, -1.0, 1 / 256, 1 / 32768)
ZERO_POINTS = (0, -128, 127, 1000, -(1 << 40))
NUMBERS = (0, 1, -1, 2, 5, 1000, 1 << 20, -(1 << 31), (1 << 31) - 1)
OPTIONS = (*NUMBERS, "SAME", "NONE", "TANH", "RELU", math.nan, math.inf, 1e38, True)
MOST_BYTES = 1 << 20


def damaged(rng: random.Random, model: Model) -> Model:
    """A model with one to three things changed; constants keep the size of their tensor."""
    main = model.main
    tensors, operator = list(main.tensors), main.operators[0]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(tensors))
        if rng.random() < 0.6:
            tensors[at] = _tensor(rng, tensors[at])
        else:
            operator = _operator(rng, operator, len(tensors))
    fitted = tuple(_fitted(tensor) for tensor in tensors)
    return Model("", (dataclasses.replace(main, tensors=fitted, operators=(operator,)),))


def can_run(subgraph: Subgraph) -> bool:
    """Whether the tensors of a damaged network are such that a test can give it memory."""
    return all(
        tensor.type in BYTES_OF_TYPE
        and min(tensor.shape, default=1) > 0
        and tensor.size_bytes < MOST_BYTES
        for tensor in subgraph.tensors
    )


def _tensor(rng: random.Random, tensor: Tensor) -> Tensor:
    shape = list(tensor.shape)
    match rng.randrange(6):
        case 0:
            return dataclasses.replace(
                tensor, type=rng.choice((*BYTES_OF_TYPE, "int4", "resource"))
            )
        case 1 if shape:
            shape[rng.randrange(len(shape))] = rng.choice(SIZES)
            return dataclasses.replace(tensor, shape=tuple(shape))
        case 2:
            rng.choice(
                (lambda: shape.append(2), lambda: rng.shuffle(shape), lambda: shape.insert(0, 1))
            )()
            return dataclasses.replace(tensor, shape=tuple(shape[rng.randrange(2) :]))
        case 3:
            count = rng.choice((1, 1, 2, 5))
            scales = tuple(rng.choice(SCALES) for _ in range(count))
            points = tuple(rng.choice(ZERO_POINTS) for _ in range(count))
            found = Quantization(scales, points, rng.choice((0, 1, 3, 7)))
            return dataclasses.replace(tensor, quantization=rng.choice((None, found, found)))
        case 4 if tensor.type == "int32" and tensor.data and len(tensor.data) % 4 == 0:
            values = list(struct.unpack(f"<{len(tensor.data) // 4}i", tensor.data))
            values[rng.randrange(len(values))] = rng.choice(NUMBERS)
            return dataclasses.replace(tensor, data=struct.pack(f"<{len(values)}i", *values))
        case _:
            is_constant = tensor.data is not None
            return dataclasses.replace(
                tensor, data=None if is_constant else b"\0", is_variable=rng.random() < 0.3
            )


def _operator(rng: random.Random, operator: Operator, tensors: int) -> Operator:
    inputs, options = list(operator.inputs), dict(operator.options)
    match rng.randrange(4):
        case 0 if inputs:
            inputs[rng.randrange(len(inputs))] = rng.choice((-1, *range(tensors)))
        case 1 if inputs:
            inputs.pop()
        case 2 if options:
            options[rng.choice(list(options))] = rng.choice(OPTIONS)
        case _:
            outputs = tuple(rng.randrange(tensors) for _ in range(rng.choice((0, 1, 2))))
            return dataclasses.replace(operator, outputs=outputs)
    return dataclasses.replace(operator, inputs=tuple(inputs), options=options)


def _fitted(tensor: Tensor) -> Tensor:
    """The tensor with as many bytes of data as it has, as the reader makes sure of."""
    if tensor.data is None or tensor.type not in BYTES_OF_TYPE:
        return tensor
    size = tensor.size_bytes
    if not 0 < size < MOST_BYTES:
        return dataclasses.replace(tensor, data=None)
    return dataclasses.replace(tensor, data=(tensor.data * (size // len(tensor.data) + 1))[:size])
