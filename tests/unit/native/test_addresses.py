"""addresses.c: what it says of instructions against the decoder, and its sums against code by hand.

That the sums are those of the engine is shown by tests/integration/test_planned_addresses.py.
"""

from __future__ import annotations

from random import Random

import pytest

from simcore.errors import McusimError
from simcore.isa import decode_block
from tests import native

AT = 0x0800_0100
NONE = 15
Sum = tuple[int, int, int, int, int, bool, int]

#: Code, and base, index, shift, constant, bytes, write and words of SP for each access. Encodings
#: by arm-none-eabi-as 2.40 -mcpu=cortex-m7; sums by hand.
SUMS: dict[str, tuple[str, list[Sum]]] = {
    "offset": ("4868", [(1, NONE, 0, 4, 4, False, 0)]),  # ldr r0, [r1, #4]
    "post-index, twice": (  # ldr r0, [r1], #8; str r0, [r1]
        "51f8 080b 0860",
        [(1, NONE, 0, 0, 4, False, 0), (1, NONE, 0, 8, 4, True, 0)],
    ),
    "pre-index": ("41f8 040d", [(1, NONE, 0, -4, 4, True, 0)]),  # str r0, [r1, #-4]!
    "push and pop": (  # push {r4, lr}; ldr r0, [sp, #4]; pop {r4, pc}
        "10b5 0198 10bd",
        [
            (13, NONE, 0, -8, 4, True, 0),
            (13, NONE, 0, -4, 4, True, 0),
            (13, NONE, 0, -4, 4, False, -2),
            (13, NONE, 0, -8, 4, False, -2),
            (13, NONE, 0, -4, 4, False, -2),
        ],
    ),
    "index that was added to": (  # adds r2, #3; ldrsh.w r0, [r1, r2, lsl #1]
        "0332 31f9 1200",
        [(1, 2, 1, 6, 2, False, 0)],
    ),
    "shifted and added": (  # lsls r3, r2, #2; adds r3, r1, r3; ldrb r0, [r3, #5]
        "9300 cb18 5879",
        [(1, 2, 2, 5, 1, False, 0)],
    ),
    "constant": (  # movw r0, #0x10; movt r0, #0x2000; vldr d0, [r0, #8]
        "40f2 1000 c2f2 0000 90ed 020b",
        [(NONE, NONE, 0, 0x2000_0018, 8, False, 0)],
    ),
    "literal": ("0148", [(NONE, NONE, 0, AT + 8, 4, False, 0)]),  # ldr r0, [pc, #4]
    "table": ("dfe8 10f0", [(NONE, 0, 1, AT + 4, 2, False, 0)]),  # tbh [pc, r0, lsl #1]
    "ldrd": (  # ldrd r4, r5, [r2], #-8
        "72e8 0245",
        [(2, NONE, 0, 0, 4, False, 0), (2, NONE, 0, 4, 4, False, 0)],
    ),
    "vldm": (  # vldmia r0!, {s0-s1}; str r1, [r0]
        "b0ec 020a 0160",
        [(0, NONE, 0, n, 4, n == 8, 0) for n in (0, 4, 8)],
    ),
}

#: Code of which nothing is told at its entry.
UNTOLD = {
    "by a loaded pointer": "0868 0268",  # ldr r0, [r1]; ldr r2, [r0]
    "by a product": "00fb 01f0 0268",  # mul r0, r0, r1; ldr r2, [r0]
    "perhaps": "08bf 0868",  # it eq; ldreq r0, [r1]
    "by what was perhaps moved": "08bf 0131 0868",  # it eq; addeq r1, #1; ldr r0, [r1]
    "by a monitor": "42e8 0001",  # strex r1, r0, [r2]
    "in the middle of an instruction": "0868 51f8",
}


def sums(code: bytes, room: int = 64) -> list[Sum] | None:
    ffi, lib = native.load()
    out = ffi.new("struct affine[]", room)
    found = lib.addresses_of(code, len(code), AT, out, room)
    write = lib.AFFINE_WRITE
    return (
        None
        if found < 0
        else [
            (a.base, a.index, a.shift, a.constant, a.past + 1, a.kind == write, a.stack)
            for a in out[0:found]
        ]
    )


@pytest.mark.parametrize(("code", "expected"), SUMS.values(), ids=SUMS)
def test_addresses_are_sums_of_registers_at_the_entry(code: str, expected: list[Sum]) -> None:
    found = sums(bytes.fromhex(code))
    assert found == [(*e[:3], e[3] & 0xFFFF_FFFF, *e[4:]) for e in expected]


@pytest.mark.parametrize("code", UNTOLD.values(), ids=UNTOLD)
def test_what_does_not_hang_on_the_entry_is_not_told(code: str) -> None:
    assert sums(bytes.fromhex(code)) is None


def test_without_room_nothing_is_told() -> None:
    assert sums(bytes.fromhex("10b5"), room=1) is None


def _instructions() -> list[bytes]:
    """Encodings of loads and stores and around them, by one seed."""
    pick, found = Random(21), []
    for _ in range(1500):
        found.append(pick.randrange(0x4000, 0xE000).to_bytes(2, "little"))
    for top in (0xE800, 0xE900, 0xEC00, 0xED00, 0xF800, 0xF900):
        for _ in range(400):
            second = pick.getrandbits(16)
            if top in (0xEC00, 0xED00):
                second = second & 0xF0FF | pick.choice((0xA00, 0xB00))
            elif top >= 0xF800 and pick.random() < 0.5:
                second &= 0xF03F
            first = top | pick.getrandbits(8)
            found.append(first.to_bytes(2, "little") + second.to_bytes(2, "little"))
    return found


def test_accesses_of_an_instruction_are_those_that_the_decoder_knows() -> None:
    compared = told = 0
    for code in _instructions():
        try:
            block = decode_block(AT, code)
        except McusimError:
            continue
        found = sums(code)
        compared += 1
        if found is not None:
            told += bool(found)
            accesses = [(access.size, access.is_write) for access in block.accesses]
            assert [(size, write) for *_, size, write, _ in found] == accesses, code.hex()
    assert compared > 2000
    assert told > 1000
