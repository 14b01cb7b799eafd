"""Examples of operators that move values."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.networks.building import Net
from tests.networks.examples import Made, Making, Variants, group

TYPES = ("int8", "int16", "float32", "int32")
SCALES: dict[str, float] = {"int8": 0.05, "int16": 0.0005}


def _tensor(net: Net, shape: tuple[int, ...], type_: str, *, is_input: bool = True) -> int:
    zero = -12 if type_ == "int8" else 0
    return (net.input if is_input else net.tensor)(shape, type_, SCALES.get(type_), zero)


def _simple(
    kind: str,
    type_: str,
    shape: tuple[int, ...],
    to: tuple[int, ...],
    constants: tuple[tuple[int, ...], ...],
    **options: object,
) -> Making:
    """An operator of one input and constants of int32."""

    def make(net: Net) -> Made:
        inputs = _tensor(net, shape, type_)
        output = _tensor(net, to, type_, is_input=False)
        net.add(
            kind, [inputs, *(net.integers(*values) for values in constants)], [output], **options
        )
        return Made(net.model(output))

    return make


@group("RESHAPE")
def reshape(kind: str) -> Variants:
    for type_, (shape, to) in product(
        TYPES, (((1, 4, 6), (24,)), ((2, 30), (3, 4, 5)), ((1, 1, 1, 64), (1, 64)))
    ):
        yield type_, f"{shape} {to}", _simple(kind, type_, shape, to, (to,), new_shape=to)


@group("SQUEEZE")
def squeeze(kind: str) -> Variants:
    for type_, (shape, to, axes) in product(
        TYPES,
        (((1, 4, 1, 6), (4, 6), ()), ((1, 4, 1, 6), (1, 4, 6), (2,)), ((1, 1, 40), (40,), (0, -2))),
    ):
        yield type_, f"{shape} {axes}", _simple(kind, type_, shape, to, (), squeeze_dims=axes)


@group("EXPAND_DIMS")
def expand_dims(kind: str) -> Variants:
    for type_, axis in product(TYPES, (0, 1, -1)):
        place = axis % 3
        shape = (5, 9)
        yield (
            type_,
            f"axis {axis}",
            _simple(kind, type_, shape, (*shape[:place], 1, *shape[place:]), ((axis,),)),
        )


@group("TRANSPOSE")
def transpose(kind: str) -> Variants:
    shapes = (
        ((3, 7), (1, 0)),
        ((2, 3, 5), (2, 0, 1)),
        ((2, 3, 5), (0, 2, 1)),
        ((2, 3, 4, 5), (0, 3, 1, 2)),
        ((4,), (0,)),
        ((2, 3, 4, 5), (3, 2, 1, 0)),
        ((1, 8, 8, 4), (0, 2, 1, 3)),
        ((2, 1, 3, 2, 4), (4, 2, 0, 1, 3)),
    )
    for type_, (shape, order) in product(TYPES, shapes):
        yield (
            type_,
            f"{shape} {order}",
            _simple(kind, type_, shape, tuple(shape[axis] for axis in order), (order,)),
        )


@group("STRIDED_SLICE")
def strided_slice(kind: str) -> Variants:
    cases = (
        ((6, 8), (1, 2), (5, 8), (1, 1), 0, 0, 0),
        ((6, 8), (0, 1), (6, 8), (2, 3), 0, 0, 0),
        ((4, 5, 6), (3, 4, 5), (0, 0, 0), (-1, -2, -1), 0, 0, 0),
        ((4, 5, 6), (1, 0, 2), (3, 0, 4), (1, 1, 1), 2, 2, 0),
        ((4, 5, 6), (1, -2, 0), (2, 9, -1), (1, 1, 1), 0, 0, 1),
        ((1, 8, 9, 3), (0, 2, 2, 0), (1, -1, 8, 3), (1, 2, 1, 1), 0, 0, 0),
        ((7,), (-3,), (0,), (1,), 0, 1, 0),
        ((3, 4), (0, 2), (0, 0), (-1, 1), 1, 3, 0),
    )
    for type_, (shape, begin, end, strides, begin_mask, end_mask, shrink) in product(
        (*TYPES, "bool"), cases
    ):
        slices: list[int | slice] = []
        for axis in range(len(shape)):
            if shrink >> axis & 1:
                slices.append(begin[axis])
                continue
            first = None if begin_mask >> axis & 1 else begin[axis]
            last = None if end_mask >> axis & 1 else end[axis]
            slices.append(slice(first, last, strides[axis]))
        to = np.empty(shape, np.int8)[tuple(slices)].shape
        yield (
            type_,
            f"{shape} {begin} {end} {strides} masks {begin_mask} {end_mask} {shrink}",
            _simple(
                kind,
                type_,
                shape,
                to,
                (begin, end, strides),
                begin_mask=begin_mask,
                end_mask=end_mask,
                shrink_axis_mask=shrink,
                ellipsis_mask=0,
                new_axis_mask=0,
            ),
        )


@group("PAD", "PADV2")
def pad(kind: str) -> Variants:
    def making(type_: str, shape: tuple[int, ...], pairs: tuple[tuple[int, int], ...]) -> Making:
        def make(net: Net) -> Made:
            inputs = _tensor(net, shape, type_)
            to = tuple(
                before + size + behind for size, (before, behind) in zip(shape, pairs, strict=True)
            )
            output = _tensor(net, to, type_, is_input=False)
            operands = [inputs, net.constant(np.array(pairs, np.int32))]
            if kind == "PADV2":
                value = np.array([-77.5 if type_ == "float32" else -77], type_)
                operands.append(
                    net.constant(value, SCALES.get(type_), -12 if type_ == "int8" else 0)
                )
            net.add(kind, operands, [output])
            return Made(net.model(output))

        return make

    cases = (
        ((1, 5, 6, 3), ((0, 0), (1, 2), (3, 0), (0, 0))),
        ((2, 3, 4, 5), ((0, 0), (1, 1), (1, 1), (0, 0))),
        ((2, 3, 4, 5), ((1, 0), (0, 0), (2, 0), (1, 3))),
        ((4, 9), ((1, 1), (2, 0))),
        ((7,), ((3, 4),)),
        ((2, 2, 3, 2, 2), ((0, 1), (1, 0), (0, 0), (1, 1), (0, 2))),
        ((1, 4, 4, 8), ((0, 0), (0, 0), (0, 0), (0, 0))),
    )
    for type_, (shape, pairs) in product(TYPES, cases):
        yield type_, f"{shape} {pairs}", making(type_, shape, pairs)


@group("CONCATENATION")
def concatenation(kind: str) -> Variants:
    def making(type_: str, shape: tuple[int, ...], axis: int, sizes: tuple[int, ...]) -> Making:
        def make(net: Net) -> Made:
            place = axis % len(shape)
            parts = [
                _tensor(net, (*shape[:place], size, *shape[place + 1 :]), type_) for size in sizes
            ]
            output = _tensor(
                net, (*shape[:place], sum(sizes), *shape[place + 1 :]), type_, is_input=False
            )
            net.add(kind, parts, [output], axis=axis)
            return Made(net.model(output))

        return make

    for type_, (shape, axis), sizes in product(
        TYPES,
        (((2, 3, 4, 5), -1), ((2, 3, 4, 5), 1), ((6,), 0), ((1, 9), 1)),
        ((2, 3), (1, 4, 2), (5,)),
    ):
        yield type_, f"{shape} axis {axis} {sizes}", making(type_, shape, axis, sizes)


@group("PACK")
def pack(kind: str) -> Variants:
    def making(type_: str, shape: tuple[int, ...], axis: int, count: int) -> Making:
        def make(net: Net) -> Made:
            place = axis % (len(shape) + 1)
            parts = [_tensor(net, shape, type_) for _ in range(count)]
            output = _tensor(net, (*shape[:place], count, *shape[place:]), type_, is_input=False)
            net.add(kind, parts, [output], axis=axis, values_count=count)
            return Made(net.model(output))

        return make

    for type_, shape, axis, count in product(TYPES, ((3, 5), (2, 3, 4)), (0, 1, -1), (1, 3)):
        yield type_, f"{shape} axis {axis} x{count}", making(type_, shape, axis, count)


@group("SPLIT", "SPLIT_V")
def split(kind: str) -> Variants:
    def making(type_: str, shape: tuple[int, ...], axis: int, sizes: tuple[int, ...]) -> Making:
        def make(net: Net) -> Made:
            place = axis % len(shape)
            inputs = _tensor(net, (*shape[:place], sum(sizes), *shape[place + 1 :]), type_)
            outputs = [
                _tensor(net, (*shape[:place], size, *shape[place + 1 :]), type_, is_input=False)
                for size in sizes
            ]
            at = net.integers(axis)
            operands = [at, inputs] if kind == "SPLIT" else [inputs, net.integers(*sizes), at]
            net.add(kind, operands, outputs, num_splits=len(sizes))
            return Made(net.model(*outputs))

        return make

    sizes = ((3, 3), (20, 20, 20), (2,)) if kind == "SPLIT" else ((1, 4), (20, 3, 17), (2,))
    for type_, (shape, axis), parts in product(
        TYPES, (((2, 3, 4, 5), -1), ((2, 3, 4), 1), ((6,), 0)), sizes
    ):
        yield type_, f"{shape} axis {axis} {parts}", making(type_, shape, axis, parts)


@group("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")
def resize(kind: str) -> Variants:
    sizes = ((8, 10), (5, 7), (3, 2), (1, 1), (15, 4))
    modes = ((False, False), (True, False), (False, True))
    for type_, size, (aligned, halves) in product(("int8", "int16", "float32"), sizes, modes):
        words = f"{size}{' align-corners' * aligned}{' half-pixel-centers' * halves}"
        yield (
            type_,
            words,
            _simple(
                kind,
                type_,
                (2, 4, 5, 3),
                (2, *size, 3),
                (size,),
                align_corners=aligned,
                half_pixel_centers=halves,
            ),
        )
