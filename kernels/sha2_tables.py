"""The constants of SHA-2: fractions of the roots of the first primes (FIPS 180-4, 4.2.3 and 5.3.5).

SHA-256 has the first 32 bits of those that SHA-512 has 64 of.
"""

from __future__ import annotations

from itertools import count, islice
from math import isqrt

FRACTION_BITS = 64
ROUNDS, STATE_WORDS = 80, 8


def primes(number: int) -> list[int]:
    """The first primes."""
    return list(islice((n for n in count(2) if all(n % d for d in range(2, isqrt(n) + 1))), number))


def cube_root(value: int) -> int:
    """The largest integer whose cube is no more than value."""
    root = 0
    for bit in reversed(range(value.bit_length() // 3 + 1)):
        if (root | 1 << bit) ** 3 <= value:
            root |= 1 << bit
    return root


def sha2_tables() -> str:
    """Both tables as C."""
    cubes = [cube_root(prime << 3 * FRACTION_BITS) for prime in primes(ROUNDS)]
    squares = [isqrt(prime << 2 * FRACTION_BITS) for prime in primes(STATE_WORDS)]
    tables = {"cube_roots": cubes, "square_roots": squares}
    text = "/* Made by kernels/sha2_tables.py. */\n#include <stdint.h>\n"
    for name, roots in tables.items():
        words = [f"    {root % (1 << FRACTION_BITS):#018x}u,\n" for root in roots]
        text += f"\nstatic const uint64_t {name}[{len(roots)}] = {{\n{''.join(words)}}};\n"
    return text
