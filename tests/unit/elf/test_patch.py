"""Other bytes at addresses of an executable."""

from __future__ import annotations

import pytest

from simcore.elf import load_image
from simcore.elf.patch import patched
from tests.integration.programs import FIRMWARE


def test_bytes_change_at_their_address_and_nowhere_else() -> None:
    file = FIRMWARE / "tflm_Os.elf"
    image, data = load_image(file), file.read_bytes()
    symbol = image.symbol("dense_model")
    assert symbol is not None
    old = image.read(symbol.address, 4)
    assert old is not None
    made = patched(data, {symbol.address: b"\x12\x34"})
    at = made.index(b"\x12\x34" + old[2:])
    assert data[at : at + 4] == old
    assert made[:at] + old[:2] + made[at + 2 :] == data


def test_memory_that_the_file_has_no_bytes_for_is_refused() -> None:
    file = FIRMWARE / "tflm_Os.elf"
    symbol = load_image(file).symbol("tensor_arena") or load_image(file).symbol("_ZL12tensor_arena")
    assert symbol is not None
    with pytest.raises(ValueError, match="are not in the file"):
        patched(file.read_bytes(), {symbol.address: b"\0"})
