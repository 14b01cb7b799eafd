"""A program of few bytes around a piece of code: an ELF without sections."""

from __future__ import annotations

import struct
from random import Random

from scripts.fuzzing.mutate import changed_bytes
from scripts.fuzzing.target import prebuilt

FLASH, RAM, STACK = 0x0800_0000, 0x2000_0000, 0x2000_8000
_VECTORS = 16 + 16
_WORDS = struct.Struct("<I")
#: r0 to r12 out of reset: most lie in RAM, so that loads and stores reach something.
_VALUES = (
    RAM + 0x400, RAM + 0x804, 16, RAM + 0xC00, 3, RAM + 0x1002, 0xFFFF_FFFF, RAM + 0x2000,
    0x8000_0000, RAM + 0x3000, 1, FLASH + 0x200, 0xE000_ED04,
)  # fmt: skip
EXIT = bytes.fromhex("18200249abbefee700bf00bf") + _WORDS.pack(0x20026)


def _move(register: int, value: int) -> bytes:
    """MOVW and MOVT, encodings T3 and T1 of the Armv7-M manual, A7.7.76 and A7.7.79."""
    out = b""
    for opcode, half in ((0xF240, value & 0xFFFF), (0xF2C0, value >> 16)):
        first = opcode | (half >> 11 & 1) << 10 | half >> 12
        out += struct.pack("<HH", first, (half >> 8 & 7) << 12 | register << 8 | half & 0xFF)
    return out


PROLOGUE = b"".join(_move(number, value) for number, value in enumerate(_VALUES))


def bare_elf(code: bytes) -> bytes:
    """The ELF: vector table, r0 to r12, the code, SYS_EXIT. Exceptions enter the code, too."""
    start = FLASH + 4 * _VECTORS
    behind = start + len(PROLOGUE)
    handlers = [behind + n * 12 % max(len(code) & ~1, 2) for n in range(2, _VECTORS)]
    vectors = struct.pack(f"<{_VECTORS}I", STACK, start | 1, *(at | 1 for at in handlers))
    code += b"\x00\xbf"[: len(code) % 2]
    code += b"\x00\xbf" * ((start + len(PROLOGUE) + len(code)) % 4 // 2)
    content = vectors + PROLOGUE + code + EXIT
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    head = ident + struct.pack(
        "<HHIIIIIHHHHHH", 2, 40, 1, start | 1, 52, 0, 0x0500_0400, 52, 32, 1, 40, 0, 0
    )
    segment = struct.pack("<IIIIIIII", 1, 84, FLASH, FLASH, len(content), len(content), 5, 4)
    return head + segment + content


def code_seeds() -> list[bytes]:
    """Pieces of the code of tests' firmware, 96 bytes each."""
    pieces = []
    for elf in prebuilt("calls", "it_blocks", "ldm_stm", "divides", "faults", "operations"):
        (offset,) = _WORDS.unpack_from(elf, 28)
        begin, _, _, size = struct.unpack_from("<IIII", elf, offset + 4)
        pieces += [elf[at : at + 96] for at in range(begin + 512, begin + min(size, 4000), 384)]
    return pieces


def changed_code(rng: Random, data: bytes, other: bytes) -> bytes:
    """Code with one to six halfwords changed: fields of encodings, whole ones, other code."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(0, max(len(out) - 1, 1)) & ~1
        if len(out) < 4:
            return bytes(out) + other[:32]
        match rng.randrange(9):
            case 0 | 1:  # a register or an immediate
                (was,) = struct.unpack_from("<H", out, at)
                struct.pack_into("<H", out, at, was ^ 1 << rng.randrange(11))
            case 2:
                struct.pack_into("<H", out, at, rng.getrandbits(16))
            case 3:  # 32 bits: data processing, loads, coprocessor, branches
                first = rng.choice((0xE800, 0xEA00, 0xEC00, 0xEE00, 0xF000, 0xF800, 0xFA00, 0xFB00))
                first |= rng.getrandbits(9)
                out[at : at + 4] = struct.pack("<HH", first, rng.getrandbits(16))
            case 4:  # IT, hints, CPS, BKPT, SVC, UDF
                first = rng.choice((0xBF00, 0xBF00, 0xB660, 0xBE00, 0xDF00, 0xDE00))
                struct.pack_into("<H", out, at, first | rng.getrandbits(8))
            case 5:
                out[at:at] = struct.pack("<H", rng.getrandbits(16))
            case 6:
                del out[at : at + 2 * rng.randrange(1, 4)]
            case 7:
                begin = rng.randrange(0, max(len(other) - 3, 1)) & ~1
                out[at:at] = other[begin : begin + 2 * rng.randrange(1, 16)]
            case _:
                return changed_bytes(rng, bytes(out), other)[:512]
    return bytes(out[:512])
