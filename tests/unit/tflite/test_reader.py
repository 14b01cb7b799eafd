"""The reader of .tflite files: what it finds, what it refuses, and that no bytes do harm."""

from __future__ import annotations

import random
import re
import struct
import time

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from simcore.errors import McusimError, NetworkError
from simcore.network.graph import Model
from simcore.network.steps import lowered
from simcore.tflite.formats import other_network
from simcore.tflite.reader import read_model
from simcore.tflite.schema import ENUMS, OPERATORS, OPTIONS, TYPES
from tests.networks.building import Net
from tests.networks.examples import examples_of, kinds
from tests.networks.writer import write


def small_net(seed: int = 3) -> Net:
    """A fully connected layer of int8 and a softmax behind it."""
    net = Net(np.random.default_rng(seed))
    given = net.input((1, 16), "int8", 0.5, 3)
    weights = net.constant(net.weights((4, 16), "int8"), 0.01)
    bias = net.constant(np.arange(4, dtype=np.int32), 0.005)
    sums = net.tensor((1, 4), "int8", 0.7, -2)
    net.add("FULLY_CONNECTED", (given, weights, bias), (sums,), fused_activation_function="RELU")
    out = net.tensor((1, 4), "int8", 1 / 256, -128)
    net.add("SOFTMAX", (sums,), (out,), beta=1.0)
    return net


def small_model() -> Model:
    net = small_net()
    return net.model(len(net.tensors) - 1)


def test_numbers_of_operators_types_and_enums_are_those_of_the_generated_schema() -> None:
    codes = {
        number: name
        for name, number in vars(schema.BuiltinOperator).items()
        if isinstance(number, int) and number < len(OPERATORS)
    }
    assert codes == dict(enumerate(OPERATORS)) | {32: "CUSTOM"}
    types = {
        name.lower(): number
        for name, number in vars(schema.TensorType).items()
        if isinstance(number, int) and number < len(TYPES)
    }
    assert types == {name: number for number, name in enumerate(TYPES)}
    for ours, theirs in (
        ("padding", schema.Padding),
        ("activation", schema.ActivationFunctionType),
        ("mirror_pad", schema.MirrorPadMode),
        ("lstm_kernel", schema.LSTMKernelType),
    ):
        assert [getattr(theirs, name) for name in ENUMS[ours]] == list(range(len(ENUMS[ours])))


def test_fields_of_options_are_those_of_the_generated_schema() -> None:
    for number, fields in OPTIONS.items():
        table = next(
            name
            for name, value in vars(schema.BuiltinOptions).items()
            if value == number and name != "NONE"
        )
        known = {
            re.sub("(?<!^)(?=[A-Z])", "_", name).lower()
            for name in vars(getattr(schema, table))
            if name[0].isupper() and "BufferHasIdentifier" not in name
        }
        named = {re.split("[!:]", word)[-2 if "!" not in word else 1] for word in fields.split()}
        assert named <= known, table


@pytest.mark.parametrize("kind", kinds())
def test_what_was_written_is_read(kind: str) -> None:
    """The tests' writer goes by the generated schema, so the two know it apart from each other."""
    for example in examples_of(kind)[:2]:
        found = read_model(write(example.model))
        assert [s.inputs for s in found.subgraphs] == [s.inputs for s in example.model.subgraphs]
        for mine, theirs in zip(found.subgraphs, example.model.subgraphs, strict=True):
            for tensor, written in zip(mine.tensors, theirs.tensors, strict=True):
                assert (tensor.name, tensor.shape, tensor.type) == (
                    written.name, written.shape, written.type,
                )  # fmt: skip
                assert tensor.data == written.data
                assert tensor.is_variable == written.is_variable
                if written.quantization is not None:
                    assert tensor.quantization is not None
                    assert tensor.quantization.scales == written.quantization.scales
                    assert tensor.quantization.zero_points == written.quantization.zero_points
            for operator, meant in zip(mine.operators, theirs.operators, strict=True):
                assert (operator.kind, operator.inputs, operator.outputs) == (
                    meant.kind, meant.inputs, meant.outputs,
                )  # fmt: skip
                for name, value in meant.options.items():
                    read = operator.options[name]
                    assert read == (pytest.approx(value) if isinstance(value, float) else value)


def refused_with(data: bytes) -> str:
    """Why these bytes are refused, "" if they are not; any other exception fails the test."""
    try:
        lowered(read_model(data))
    except McusimError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("seed", range(8))
def test_damaged_files_give_one_line_in_bounded_time(seed: int) -> None:
    """Cut, overwritten and with numbers made huge: read or refused, never anything else."""
    rng, whole = random.Random(seed), write(small_model())
    started, refused = time.process_time(), 0
    for _ in range(60):
        data = bytearray(whole)
        match rng.randrange(3):
            case 0:
                del data[rng.randrange(8, len(data)) :]
            case 1:
                for _ in range(rng.randrange(1, 9)):
                    data[rng.randrange(8, len(data))] = rng.randrange(256)
            case _:
                at = rng.randrange(2, len(data) // 4) * 4
                data[at : at + 4] = struct.pack("<I", rng.choice((0xFFFFFFFF, 0x7FFFFFFF, 1, 0)))
        said = refused_with(bytes(data))
        assert said.count("\n") == 0
        assert len(said) < 600
        refused += bool(said)
    assert refused > 10
    assert time.process_time() - started < 10


def test_a_vector_that_claims_billions_is_refused_before_it_is_read() -> None:
    data = bytearray(write(small_model()))
    shape = data.index(struct.pack("<III", 2, 4, 16))  # of the weights: rank, then sizes
    data[shape : shape + 4] = struct.pack("<I", 0x40000000)
    with pytest.raises(NetworkError, match="an offset leads to byte"):
        read_model(bytes(data))


def refusal(net: Net, *outputs: int) -> str:
    with pytest.raises(McusimError) as caught:
        lowered(read_model(write(net.model(*outputs))))
    return str(caught.value)


def test_dynamic_range_quantisation_is_told_how_to_convert() -> None:
    net = Net(np.random.default_rng(1))
    given = net.input((1, 4), "float32")
    weights = net.constant(net.weights((2, 4), "int8"), 0.1)
    out = net.tensor((1, 2), "float32")
    net.add("FULLY_CONNECTED", (given, weights, None), (out,))
    found = refusal(net, out)
    assert found.startswith("operator 0 FULLY_CONNECTED: int8 weights beside float32 activations")
    assert "representative_dataset" in found


def test_an_operator_without_a_kernel_is_named_with_its_layer() -> None:
    net = Net(np.random.default_rng(1))
    given = net.input((1, 4), "float32")
    out = net.tensor((1, 4), "float32")
    net.add("COS", (given,), (out,))
    assert "layer 0 (COS 't1')" in refusal(net, out)


def test_a_shape_that_is_not_fixed_is_refused() -> None:
    net = Net(np.random.default_rng(1))
    given = net.input((0, 4), "float32")
    out = net.tensor((0, 4), "float32")
    net.add("RELU", (given,), (out,))
    assert "convert with fixed input shapes" in refusal(net, out)


def test_a_tensor_that_nothing_computes_is_refused() -> None:
    net = Net(np.random.default_rng(1))
    other = net.tensor((1, 4), "float32")
    out = net.tensor((1, 4), "float32")
    net.add("RELU", (other,), (out,))
    assert "nothing before it computes its input 't0'" in refusal(net, out)


def test_an_operator_that_takes_what_it_gives_out_is_refused() -> None:
    net = Net(np.random.default_rng(1))
    net.input((1, 4), "float32")
    out = net.tensor((1, 4), "float32")
    net.add("RELU", (out,), (out,))
    assert "nothing before it computes its input 't1'" in refusal(net, out)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"PK\3\4....", "ZIP archive, as PyTorch"),
        (b"\x89HDF\r\n\x1a\n", "HDF5 file, as Keras"),
        (b"\x08\x07\x12\x04", "ONNX model"),
        (b"....ET12", "ExecuTorch"),
    ],
)
def test_files_of_other_runtimes_are_named(head: bytes, what: str) -> None:
    assert what in (other_network(head) or "")
    with pytest.raises(NetworkError, match=what):
        read_model(head)


def test_a_tflite_file_is_one_whatever_its_first_offset_is() -> None:
    assert other_network(b"\x80\x02\0\0TFL3") is None
