"""Scales, limits, windows, tables and refusals of the preparation of operators."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction

import pytest

from simcore.errors import ConfigError
from simcore.network.graph import Operator, Quantization, Subgraph, Tensor
from simcore.network.prepare import prepare, scales, tables
from simcore.network.prepare.convolutions import Window, window
from simcore.network.prepare.node import OperatorNode, merge_axes, words


def test_a_multiplier_has_its_upper_bit_set_and_a_power_of_two_beside_it() -> None:
    cases = {
        1.0: (1 << 30, 1),
        0.5: (1 << 30, 0),
        0.75: (3 << 29, 0),
        3.0: (3 << 29, 2),
        -0.25: (-(1 << 30), -1),
        1 - 2.0**-40: (1 << 30, 1),  # rounds up to 2^31, which is one more power of two
        2.0**-32: (1 << 30, -31),
        2.0**-33: (0, 0),
        0.0: (0, 0),
    }
    assert {real: scales.quantize_multiplier(real) for real in cases} == cases


def test_scaling_rounds_twice_halves_up_and_then_away_from_zero() -> None:
    rng = random.Random(3)
    for _ in range(2000):
        value, shift = rng.randint(-(1 << 24), 1 << 24), rng.randint(-20, 6)
        multiplier = rng.randint(1 << 30, (1 << 31) - 1)
        high = math.floor(
            Fraction(value * 2 ** max(shift, 0) * multiplier, 1 << 31) + Fraction(1, 2)
        )
        exact = Fraction(high, 1 << max(-shift, 0))
        down = math.floor(abs(exact) + Fraction(1, 2))
        expected = -down if exact < 0 else down
        assert scales.multiply_by_multiplier(value, multiplier, shift) == expected


def test_halves_are_rounded_away_from_zero() -> None:
    assert [scales.round_away(x) for x in (0.5, -0.5, 1.5, -2.5, 0.49999999999999994)] == [
        1,
        -1,
        2,
        -3,
        0,
    ]
    assert [scales.rounding_divide(x, 1) for x in (1, -1, 3, -3)] == [1, -1, 2, -2]


def test_limits_of_activations_are_in_the_units_of_the_output() -> None:
    def limits(activation: str, kind: str = "int8") -> tuple[int, int]:
        return scales.quantized_limits(activation, kind, 0.05, -10)

    assert limits("NONE") == (-128, 127)
    assert limits("RELU") == (-10, 127)
    assert limits("RELU6") == (-10, 110)  # 6 / 0.05 = 120 above the zero point
    assert limits("RELU_N1_TO_1") == (-30, 10)
    assert limits("RELU6", "int16") == (-10, 110)
    assert scales.quantized_limits("RELU6", "int8", 0.01, 0) == (0, 127)


def test_a_scale_is_a_power_of_two_within_a_thousandth() -> None:
    assert scales.power_of_two(2.0**-15) == (True, -15)
    assert scales.power_of_two(2.0**-12 * 1.0001) == (True, -12)
    assert scales.power_of_two(0.0003) == (False, -12)


def test_the_logistic_table_is_within_half_a_step_of_the_function() -> None:
    steps = tables.logistic_steps()
    assert steps[:3] == [32768, 33451, 34133]  # half, and 65536 / (1 + e^-1/24) and so on
    assert steps[-1] == 65535
    for step, value in enumerate(steps[:-1]):
        assert abs(value - 65536 / (1 + math.exp(-step / 24))) < 1.3


@pytest.mark.parametrize("exponent", [-8, -2, -1, 0, 1, 2, 3])
def test_fixed_point_curves_are_the_functions(exponent: int) -> None:
    for x in (2.0**exponent, -(2.0**exponent)):
        stored = round(x * (1 << 27))
        assert tables.logistic_q4(stored) / 2**31 == pytest.approx(1 / (1 + math.exp(-x)), abs=3e-7)
        assert tables.tanh_q4(stored) / 2**31 == pytest.approx(math.tanh(x), abs=3e-7)


def _node(**options: int | str) -> OperatorNode:
    return OperatorNode(
        Operator(0, "CONV_2D", 1, (), (), options=options), Subgraph("", (), (), (), ())
    )


def test_windows_lie_as_tensorflow_says() -> None:
    # SAME: the smaller part of an odd padding is before; VALID: none.
    assert window(_node(padding="SAME", stride_h=2, stride_w=1), (7, 8), (2, 4)) == Window(
        4, 8, 0, 1, (2, 1)
    )
    assert window(_node(padding="VALID", stride_h=2, stride_w=3), (7, 8), (3, 3)) == Window(
        3, 2, 0, 0, (2, 3)
    )
    wide = window(_node(padding="SAME", dilation_h_factor=2, dilation_w_factor=3), (9, 9), (3, 3))
    assert (wide.height, wide.width, wide.top, wide.left) == (9, 9, 2, 3)


def test_axes_that_lie_together_are_walked_as_one() -> None:
    assert merge_axes([2, 3, 4], [12, 4, 1]) == ([24], [1])
    assert merge_axes([2, 3, 4], [12, 4, 1], [0, 4, 1]) == ([2, 12], [12, 1], [0, 1])
    assert merge_axes([5, 1, 7], [7, 7, 1], [0, 0, 0]) == ([35], [1], [0])
    assert merge_axes([1, 1]) == ([1],)


def test_words_are_integers_and_the_bits_of_floats() -> None:
    assert words(1, True, (2, 3), [4], 1.0, -0.5) == (
        1,
        1,
        2,
        3,
        4,
        0x3F80_0000,
        0xBF00_0000 - (1 << 32),
    )


_Q = Quantization((0.05,), (0,))
_INPUT = Tensor(0, "in", (1, 4, 4, 2), "int8", _Q)
_WEIGHTS = Tensor(1, "weights", (3, 1, 1, 2), "int8", _Q, bytes(6))
_OUTPUT = Tensor(2, "out", (1, 4, 4, 3), "int8", _Q)
_CONV = Operator(5, "CONV_2D", 1, (0, 1, -1), (2,), options={"stride_h": 1, "stride_w": 1})


def _refused(operator: Operator, *tensors: Tensor) -> str:
    with pytest.raises(ConfigError) as caught:
        prepare(operator, Subgraph("", tensors, (operator,), (0,), (2,)))
    return str(caught.value)


def test_the_operator_of_the_refusals_is_prepared_when_nothing_is_wrong() -> None:
    call = prepare(_CONV, Subgraph("", (_INPUT, _WEIGHTS, _OUTPUT), (_CONV,), (0,), (2,)))
    assert (call.kernel, call.macs, call.is_optimised) == ("op_pointwise_conv2d_s8", 96, True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"inputs": (0,)}, "input 1 is missing"),
        ({"kind": "FANCY_OP"}, "no kernel runs this operator"),
        ({"options": {"fused_activation_function": "TANH"}}, "a fused TANH is not supported"),
        ({"options": {"padding": "SAME", "stride_h": 0}}, "a stride, dilation or window below 1"),
        ({"options": {"padding": "OTHER"}}, "padding OTHER; SAME and VALID are known"),
    ],
)
def test_operators_are_refused_in_one_line_with_their_layer(
    change: dict[str, object], reason: str
) -> None:
    operator = replace(_CONV, **change)  # type: ignore[arg-type]
    message = _refused(operator, _INPUT, _WEIGHTS, _OUTPUT)
    assert message.startswith(f"layer 5 ({operator.kind} 'out'): {reason}")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("tensor", "change", "reason"),
    [
        (0, {"type": "float32"}, "int8 weights with float32 inputs (hybrid, 'dynamic range')"),
        (0, {"type": "uint8"}, "'in' is uint8; supported are float32, int16, int8"),
        (0, {"shape": (1, 0, 4, 2)}, "'in' has the shape [1, 0, 4, 2]; sizes must be fixed"),
        (0, {"quantization": None}, "'in' is int8 without a scale; quantize the whole model"),
        (1, {"type": "int4"}, "int8 inputs with int4 weights; they must be int8"),
        (1, {"shape": (3, 1, 1, 3)}, "2 input channels and 3 filters of 3 channels"),
        (1, {"quantization": Quantization((0.1,), (3,))}, "'weights' has the zero point 3"),
        (1, {"quantization": Quantization((0.1, 0.2), (0, 0))}, "'weights' has 2 scales for 3"),
        (2, {"shape": (1, 4, 4, 4)}, "'out' has the shape [1, 4, 4, 4], not [1, 4, 4, 3] as its"),
        (2, {"quantization": Quantization((1e-30,), (0,))}, "scales whose quotient is"),
    ],
)
def test_tensors_are_refused_in_one_line_with_their_layer(
    tensor: int, change: dict[str, object], reason: str
) -> None:
    tensors = [_INPUT, _WEIGHTS, _OUTPUT]
    tensors[tensor] = replace(tensors[tensor], **change)  # type: ignore[arg-type]
    message = _refused(_CONV, *tensors)
    assert message.startswith(f"layer 5 (CONV_2D 'out'): {reason}")
    assert "\n" not in message
