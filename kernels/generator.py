"""The random sequence of the runner nn.elf, and the constants that it keeps in flash.

Word i of a seed's sequence is a hash of seed and i, the same here and in programs/nn_memory.c, so a
test can compute any tensor of a run. The constants in flash are words of fixed seeds.
"""

from __future__ import annotations

from collections.abc import Sequence

MASK = 0xFFFF_FFFF
WEIGHTS = 320 * 1024  # int8 values in flash
WEIGHTS_F32 = 16 * 1024  # floats in flash
CHANNELS = 1024  # per-channel constants
LARGEST_SHIFT, SMALLEST_SHIFT = -6, -14
BIAS_LIMIT = 20000
SEED_WEIGHTS, SEED_F32, SEED_BIAS, SEED_MULTIPLIERS, SEED_SHIFTS = range(0xF1A5_0000, 0xF1A5_0005)


def random_word(seed: int, i: int) -> int:
    """Word number i: the finalizer of MurmurHash3 on a counter."""
    word = (seed * 0x9E37_79B9 + i) & MASK
    word ^= word >> 16
    word = word * 0x85EB_CA6B & MASK
    word ^= word >> 13
    word = word * 0xC2B2_AE35 & MASK
    return word ^ word >> 16


def random_bytes(seed: int, count: int) -> bytes:
    """The first bytes of a sequence, words in little-endian order."""
    words = (random_word(seed, i).to_bytes(4, "little") for i in range((count + 3) // 4))
    return b"".join(words)[:count]


def flash_weights() -> bytes:
    """The int8 weights; -128 becomes -127, as the quantization specification asks."""
    return random_bytes(SEED_WEIGHTS, WEIGHTS).replace(b"\x80", b"\x81")


def flash_weights_f32() -> list[float]:
    """The float weights, from -1 up to below 1, exact in single precision."""
    words = (random_word(SEED_F32, i) for i in range(WEIGHTS_F32))
    return [((word >> 8) - (word >> 31 << 24)) * 2.0**-23 for word in words]


def flash_bias() -> list[int]:
    """A bias for every channel."""
    words = (random_word(SEED_BIAS, i) for i in range(CHANNELS))
    return [word % (2 * BIAS_LIMIT + 1) - BIAS_LIMIT for word in words]


def flash_multipliers() -> list[int]:
    """A multiplier in [2^30, 2^31) for every channel."""
    return [(random_word(SEED_MULTIPLIERS, i) >> 2) + (1 << 30) for i in range(CHANNELS)]


def flash_shifts(base: int) -> list[int]:
    """A shift, base or base - 1, for every channel."""
    return [base - (random_word(SEED_SHIFTS, i) & 1) for i in range(CHANNELS)]


def shift_for(size: int) -> int:
    """The base shift that spreads sums of `size` random products over int8, as the runner does."""
    shift, reach = LARGEST_SHIFT, 1
    while reach < size and shift > SMALLEST_SHIFT:
        reach *= 4
        shift -= 1
    return shift


def c_words(kind: str, name: str, values: Sequence[str], per_line: int) -> str:
    """An array that begins at a cache line."""
    lines = [",".join(values[i : i + per_line]) for i in range(0, len(values), per_line)]
    attribute = "__attribute__((aligned(32)))"
    return f"static const {kind} {name} {attribute} = {{\n" + ",\n".join(lines) + "};\n"


def flash_data() -> str:
    """All constants as C."""
    weights = flash_weights()
    words = [hex(int.from_bytes(weights[i : i + 4], "little")) for i in range(0, WEIGHTS, 4)]
    bias = [str(value) for value in flash_bias()]
    rows = range(LARGEST_SHIFT, SMALLEST_SHIFT - 1, -1)
    shifts = ["{" + ",".join(map(str, flash_shifts(base))) + "}" for base in rows]
    parts = [
        "/* Made by kernels/generator.py. */\n#include <stdint.h>\n",
        c_words("uint32_t", f"flash_weights[{WEIGHTS // 4}]", words, 12),
        c_words(
            "float",
            f"flash_weights_f32[{WEIGHTS_F32}]",
            [value.hex() + "f" for value in flash_weights_f32()],
            6,
        ),
        c_words("int32_t", f"flash_bias[{CHANNELS}]", bias, 16),
        c_words("int64_t", f"flash_bias_s64[{CHANNELS}]", bias, 16),
        c_words(
            "int32_t",
            f"flash_multipliers[{CHANNELS}]",
            [str(value) for value in flash_multipliers()],
            12,
        ),
        c_words("int32_t", f"flash_shifts[{len(rows)}][{CHANNELS}]", shifts, 1),
    ]
    return "\n".join(parts)
