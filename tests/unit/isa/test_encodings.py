"""Encodings: those of a block at once are what each is alone, branches at any address."""

from __future__ import annotations

import random

import capstone
import pytest

from simcore.isa import encodings
from simcore.isa.encodings import Encodings, size_of

SEED = 11


def disassembled(code: bytes, address: int) -> tuple[str, str] | None:
    """What capstone makes of one instruction, asked for it alone."""
    engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    for _, size, mnemonic, operands in engine.disasm_lite(code, address, 1):
        return (mnemonic, operands) if size == len(code) else None
    return None


def some_encodings(count: int, source: random.Random) -> list[bytes]:
    """Random half-words, with as many of them as belong together."""
    found = []
    for _ in range(count):
        first = source.randbytes(2)
        found.append(first + source.randbytes(2) if size_of(first) == 4 else first)
    return found


def test_a_block_at_once_is_what_each_encoding_is_alone() -> None:
    source = random.Random(SEED)
    known, unknown = 0, 0
    for _ in range(150):
        block = some_encodings(12, source)
        at_once = Encodings()
        at_once.learn(b"".join(block))
        for encoding in block:
            found = at_once.find(encoding)
            assert found == Encodings().find(encoding)
            known, unknown = known + (found is not None), unknown + (found is None)
            address = source.randrange(0, 1 << 32, 2)
            if found is not None:
                text = found.mnemonic, found.operands_at(address)
                assert text == disassembled(encoding, address)
    assert known > 500
    assert unknown > 100  # where the disassembler stops, and what no table knows


@pytest.mark.parametrize("address", [0, 2, 0x0800_0000, 0xFFFF_FFFE])
def test_a_branch_goes_as_far_from_anywhere(address: int) -> None:
    for encoding in ("fee7", "01d0", "0cb1", "00f000f8", "fff7fcff", "00f00080", "00f000b8"):
        code = bytes.fromhex(encoding)
        found = Encodings().find(code)
        assert found is not None
        assert (found.mnemonic, found.operands_at(address)) == disassembled(code, address)


def test_what_stands_behind_an_it_is_decoded_without_its_condition() -> None:
    kept = Encodings()
    kept.learn(bytes.fromhex("08bf 4018"))  # it eq; adds r0, r0, r1
    found = kept.find(bytes.fromhex("4018"))
    assert found is not None
    assert found.mnemonic == "adds"


def test_what_is_kept_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "MOST_KEPT", 3)
    kept = Encodings()
    for half in range(0x2000, 0x2020):  # movs r0, #n
        found = kept.find(half.to_bytes(2, "little"))
        assert found is not None
        assert int(found.operands.removeprefix("r0, #"), 0) == half & 0xFF
        assert len(kept._known) <= 3
