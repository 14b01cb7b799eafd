"""Where a model ends in a firmware's bytes."""

from __future__ import annotations

import random

import pytest

from simcore.tflite.extent import model_size
from tests import flat_models

BEHIND = b"\xff" * 999  # erased flash


@pytest.mark.parametrize("data", [flat_models.dense(), flat_models.calling()])
def test_a_model_ends_where_its_file_ends(data: bytes) -> None:
    assert model_size(data + BEHIND) == model_size(data) == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"TFL3",
        b"\x08\0\0\0TFL3",  # the identifier alone, as in code that checks it
        b"\0\0\0\0TFL3" + bytes(64),
        flat_models.damaged(),
        flat_models.dense()[:-100],
        flat_models.flat(flat_models.Fields(f0=flat_models.Number(3))),  # no operator
        flat_models.flat(flat_models.Fields(f0=flat_models.Number(2))),
    ],
)
def test_what_is_no_model_has_no_size(data: bytes) -> None:
    assert model_size(data) is None


def test_no_bytes_do_harm() -> None:
    whole, lots = flat_models.dense(), random.Random(5)
    for _ in range(300):
        data = bytearray(whole + BEHIND)
        for _ in range(lots.randrange(1, 8)):
            data[lots.randrange(len(whole))] = lots.randrange(256)
        found = model_size(bytes(data))
        assert found is None or found <= len(data)
