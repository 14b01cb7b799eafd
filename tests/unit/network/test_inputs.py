"""Inputs of networks: numpy's files are read as numpy wrote them, and what does not fit is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simcore.errors import ConfigError
from simcore.network.graph import Subgraph, Tensor
from simcore.network.inputs import network_inputs, npy


def main_of(*tensors: Tensor) -> Subgraph:
    return Subgraph("main", tensors, (), tuple(range(len(tensors))), ())


PICTURE = Tensor(0, "picture", (1, 2, 3), "int8")
FLAGS = Tensor(1, "flags", (2,), "float32")


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        network_inputs(main_of(PICTURE), (str(path),), 1)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_numpy_file_is_read_with_or_without_its_leading_dimensions(tmp_path: Path) -> None:
    values = np.arange(-3, 3, dtype=np.int8).reshape(2, 3)
    for shape in ((2, 3), (1, 2, 3), (1, 1, 2, 3)):
        np.save(tmp_path / "in.npy", values.reshape(shape))
        given = network_inputs(main_of(PICTURE), (str(tmp_path / "in.npy"),), 1)
        assert given.inferences == ((values.tobytes(),),)


def test_several_inferences_stand_behind_each_other(tmp_path: Path) -> None:
    values = np.arange(18, dtype=np.int8).reshape(3, 2, 3)
    np.save(tmp_path / "in.npy", values)
    (tmp_path / "in.bin").write_bytes(values.tobytes())
    for name in ("in.npy", "in.bin"):
        given = network_inputs(main_of(PICTURE), (str(tmp_path / name),), 3)
        assert given.inferences == tuple((row.tobytes(),) for row in values)


def test_one_raw_file_may_hold_all_inputs(tmp_path: Path) -> None:
    picture, flags = bytes(range(6)), np.array([1, -2], np.float32).tobytes()
    (tmp_path / "in.bin").write_bytes(picture + flags)
    given = network_inputs(main_of(PICTURE, FLAGS), (str(tmp_path / "in.bin"),), 1)
    assert given.inferences == ((picture, flags),)


def test_another_type_shape_or_order_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.npy"
    np.save(path, np.zeros((2, 3), np.float64))
    assert "holds <f8, the input 'picture' int8 [1, 2, 3] takes int8" in refused(path)
    np.save(path, np.zeros((3, 2), np.int8))
    assert "has the shape [3, 2]" in refused(path)
    np.save(path, np.asfortranarray(np.zeros((2, 3), np.int8)))
    assert "Fortran order" in refused(path)
    path.write_bytes(path.read_bytes()[:40])
    assert "damaged .npy file" in refused(path)
    path.write_bytes(b"12345")
    assert "has 5 bytes, an inference takes 6" in refused(path)


def test_random_values_are_the_same_each_time_and_others_with_another_seed() -> None:
    main = main_of(PICTURE, FLAGS)
    first = network_inputs(main, (), 1)
    assert first.told == "random, seed 1"
    assert network_inputs(main, ("random:1",), 1) == first
    assert network_inputs(main, ("random:2",), 1).inferences != first.inferences
    floats = np.frombuffer(first.inferences[0][1], np.float32)
    assert ((floats >= -1) & (floats <= 1)).all()


def test_what_is_written_numpy_reads(tmp_path: Path) -> None:
    values = np.array([[1.5, -2.25]], np.float32)
    (tmp_path / "out.npy").write_bytes(npy(Tensor(0, "o", (1, 2), "float32"), values.tobytes()))
    assert np.load(tmp_path / "out.npy").tolist() == values.tolist()
