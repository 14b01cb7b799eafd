"""Examples of layers with a state, over three inferences."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.networks.building import Net
from tests.networks.examples import UNIT, Made, Making, Variants, group, output_scale

INFERENCES = 3


@group("SVDF")
def svdf(kind: str) -> Variants:
    def making(
        type_: str,
        state_type: str,
        batches: int,
        depth: int,
        filters: int,
        rank: int,
        memory: int,
        activation: str,
        has_bias: bool,
    ) -> Making:
        def make(net: Net) -> Made:
            units = filters // rank
            shapes = ((filters, depth), (filters, memory))
            if type_ == "float32":
                inputs = net.input((batches, depth), type_)
                features, times = (net.constant(net.weights(shape, type_)) for shape in shapes)
                bias = net.constant(net.weights((units,), type_)) if has_bias else None
                state = net.tensor((batches, memory * filters), type_, is_variable=True)
                output = net.tensor((batches, units), type_)
            else:
                inputs = net.input((batches, depth), type_, 0.05, 6)
                features = net.constant(net.weights(shapes[0], "int8"), 0.01)
                wide = state_type == "int16"
                scale_time = 0.01 / (256 if wide else 1)
                scale_state = output_scale(depth, 0.05, 0.01) / (256 if wide else 1)
                values = net.rng.integers(*((-32767, 32768) if wide else (-127, 128)), shapes[1])
                times = net.constant(values.astype(state_type), scale_time)
                product_scale = scale_state * scale_time
                bias_values = net.rng.integers(-20000, 20000, units).astype(np.int32)
                bias = net.constant(bias_values, product_scale) if has_bias else None
                state = net.tensor(
                    (batches, memory * filters), state_type, scale_state, is_variable=True
                )
                scale_out = (
                    output_scale(memory * rank, scale_state, scale_time) * (256 if wide else 1) ** 2
                )
                output = net.tensor((batches, units), type_, scale_out, -2)
            net.add(
                kind,
                [inputs, features, times, bias, state],
                [output],
                rank=rank,
                fused_activation_function=activation,
            )
            return Made(net.model(output), count=INFERENCES)

        return make

    sizes = ((1, 8, 6, 1, 5), (2, 5, 8, 2, 3), (1, 3, 4, 4, 1))
    for size, activation in product(sizes, ("NONE", "RELU")):
        for state in ("int8", "int16"):
            yield (
                "int8",
                f"state-{state} {size} {activation}",
                making("int8", state, *size, activation, True),
            )
        yield (
            "float32",
            f"{size} {activation}",
            making("float32", "float32", *size, activation, True),
        )
        yield (
            "float32",
            f"{size} {activation} no-bias",
            making("float32", "float32", *size, activation, False),
        )


@group("UNIDIRECTIONAL_SEQUENCE_LSTM")
def lstm(kind: str) -> Variants:
    def making(
        type_: str,
        batches: int,
        steps: int,
        depth: int,
        units: int,
        time_major: bool,
        clip: float,
        power: int,
    ) -> Making:
        def make(net: Net) -> Made:
            order = (steps, batches) if time_major else (batches, steps)
            quantized = type_ != "float32"
            scale_in = {"int8": 0.02, "int16": 0.0001}.get(type_)
            scale_hidden = {"int8": 1 / 128, "int16": 1 / 32768}.get(type_)
            zero = {"int8": (4, -3)}.get(type_, (0, 0))
            inputs = net.input((*order, depth), type_, scale_in, zero[0])

            def matrix(columns: int) -> int:
                values = net.weights((units, columns), "int8" if quantized else type_)
                if not quantized:
                    values = values / np.float32(columns)
                return net.constant(values, 0.01 / columns**0.5 if quantized else None)

            weights = [matrix(depth) for _ in range(4)]
            recurrent = [matrix(units) for _ in range(4)]
            biases = []
            for index in weights:
                if quantized:
                    scale = net.scale_of(index) * (scale_in or 0.0)
                    values = net.rng.integers(-3000, 3000, units).astype(
                        "int32" if type_ == "int8" else "int64"
                    )
                    biases.append(net.constant(values, scale))
                else:
                    biases.append(net.constant(net.weights((units,), type_)))
            hidden = net.tensor((batches, units), type_, scale_hidden, zero[1], is_variable=True)
            cell = net.tensor(
                (batches, units),
                "int16" if quantized else type_,
                2.0**power if quantized else None,
                is_variable=True,
            )
            output = net.tensor((*order, units), type_, scale_hidden, zero[1])
            net.add(
                kind,
                [
                    inputs,
                    *weights,
                    *recurrent,
                    None,
                    None,
                    None,
                    *biases,
                    None,
                    None,
                    hidden,
                    cell,
                    None,
                    None,
                    None,
                    None,
                ],
                [output],
                fused_activation_function="TANH",
                cell_clip=clip,
                proj_clip=0.0,
                time_major=time_major,
            )
            # each step adds the errors of its sums, of terms up to 12, and of exp() and tanh()
            bound = 0.0 if quantized else INFERENCES * steps * 2 * (depth + units + 8) * UNIT * 12
            return Made(net.model(output), bound, count=INFERENCES)

        return make

    sizes = ((1, 5, 4, 6), (2, 3, 7, 3), (1, 1, 2, 9))
    for type_, size, time_major, clip in product(
        ("int8", "int16", "float32"), sizes, (False, True), (0.0, 0.5)
    ):
        for power in (-11, -12, -14) if type_ != "float32" else (0,):
            words = f"{size}{' time-major' * time_major} clip {clip} cell 2^{power}"
            yield type_, words, making(type_, *size, time_major, clip, power)
