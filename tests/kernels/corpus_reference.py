"""What the operations of kernels/corpus compute, as hashlib, numpy and plain Python say it.

Inputs are the random sequences of kernels/generator.py, with the seeds that the C sources name.
`complaint` judges the bytes that a program printed for one of its operations.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from kernels import mixed_reference
from kernels.generator import random_bytes, random_word

Floats = npt.NDArray[np.float64]

# --- AES-128, FIPS 197 ----------------------------------------------------------------------------


def gf_multiply(a: int, b: int) -> int:
    """A product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1."""
    product = 0
    for bit in range(8):
        product ^= (a << bit) * (b >> bit & 1)
    for bit in range(14, 7, -1):
        product ^= (0x11B << bit - 8) * (product >> bit & 1)
    return product


def _substitution() -> list[int]:
    box = []
    for byte in range(256):
        inverse = next((x for x in range(256) if gf_multiply(byte, x) == 1), 0)
        turned = [(inverse << turn | inverse >> 8 - turn) & 0xFF for turn in range(5)]
        box.append(turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4] ^ 0x63)
    return box


def aes_encrypt(key: bytes, blocks: bytes) -> bytes:
    """Blocks of 16 bytes encrypted one by one."""
    box = _substitution()
    words = [list(key[i : i + 4]) for i in range(0, 16, 4)]
    constant = 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = [box[byte] for byte in word[1:] + word[:1]]
            word[0] ^= constant
            constant = gf_multiply(constant, 2)
        words.append([a ^ b for a, b in zip(words[i - 4], word, strict=True)])
    keys = [list(chain(*words[i : i + 4])) for i in range(0, 44, 4)]
    result = b""
    for start in range(0, len(blocks), 16):
        state = [a ^ b for a, b in zip(blocks[start : start + 16], keys[0], strict=True)]
        for number, round_key in enumerate(keys[1:], 1):
            state = [box[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if number < 10:
                state = [
                    gf_multiply(state[i], 2)
                    ^ gf_multiply(state[i & ~3 | i + 1 & 3], 3)
                    ^ state[i & ~3 | i + 2 & 3]
                    ^ state[i & ~3 | i + 3 & 3]
                    for i in range(16)
                ]
            state = [a ^ b for a, b in zip(state, round_key, strict=True)]
        result += bytes(state)
    return result


# --- ChaCha20, RFC 8439 ---------------------------------------------------------------------------


def chacha20_block(initial: Sequence[int]) -> list[int]:
    """The words of one block; `initial` is constant, key, counter and nonce."""
    x = list(initial)

    def add_and_turn(to: int, by: int, turned: int, bits: int) -> None:
        x[to] = (x[to] + x[by]) & 0xFFFF_FFFF
        word = x[turned] ^ x[to]
        x[turned] = (word << bits | word >> 32 - bits) & 0xFFFF_FFFF

    for number in range(80):
        a, diagonal = number % 4, number // 4 % 2
        b, c, d = (4 * row + (a + row * diagonal) % 4 for row in (1, 2, 3))
        add_and_turn(a, b, d, 16)
        add_and_turn(c, d, b, 12)
        add_and_turn(a, b, d, 8)
        add_and_turn(c, d, b, 7)
    return [(a + b) & 0xFFFF_FFFF for a, b in zip(x, initial, strict=True)]


def _chacha20() -> bytes:
    initial = [random_word(8, i) for i in range(16)]
    initial[:4] = struct.unpack("<4I", b"expand 32-byte k")
    message = random_bytes(9, 512)
    stream = b""
    for counter in range(1, 9):
        initial[12] = counter
        stream += struct.pack("<16I", *chacha20_block(initial))
    return bytes(a ^ b for a, b in zip(message, stream, strict=True))


# --- transforms -----------------------------------------------------------------------------------


def _reversed_digits(number: int, digits: int, base: int) -> int:
    result = 0
    for _ in range(digits):
        number, digit = divmod(number, base)
        result = result * base + digit
    return result


def ntt(values: Sequence[int], q: int, root: int, interleaved: int) -> list[int]:
    """`interleaved` polynomials at odd powers of the root, in bit-reversed order."""
    length = len(values) // interleaved
    bits = length.bit_length() - 1
    result = []
    for i in range(length):
        point = pow(root, 2 * _reversed_digits(i, bits, 2) + 1, q)
        powers = [pow(point, j, q) for j in range(length)]
        for first in range(interleaved):
            own = values[first::interleaved]
            result.append(sum(a * b for a, b in zip(own, powers, strict=True)) % q)
    return result


def _ntt_complaint(result: bytes, form: str, seed: int, q: int, root: int, interleaved: int) -> str:
    values = [random_word(seed, i) % q for i in range(256)]
    got = [value % q for (value,) in struct.iter_unpack(form, result)]
    return _unequal(got, ntt(values, q, root, interleaved))


def _fft_complaint(result: bytes, form: str, scale: float, limit: float) -> str:
    """Of a transform by 1/256 of 256 points, times `scale`; `limit` bounds each part's error."""
    parts = np.frombuffer(random_bytes(6, 2048), "<i4") >> 1
    parts = parts.astype(np.int64)
    if form == "<i2":
        parts = parts >> 16 << 16
    points = (parts[0::2] + 1j * parts[1::2]) * 2.0**-31
    order = [_reversed_digits(i, 4, 4) for i in range(256)]
    expected = np.fft.fft(points)[order] * scale
    got = np.frombuffer(result, form).astype(np.float64)
    error = np.abs(got - np.stack([expected.real, expected.imag], 1).ravel()).max()
    return "" if error <= limit else f"off by {error:g}, more than {limit:g}"


# --- Curve25519, RFC 7748 -------------------------------------------------------------------------

PRIME, CURVE_A = 2**255 - 19, 486662


def curve_multiple(scalar: int, x: int) -> int:
    """The coordinate x of a point times a scalar, by additions of points with both coordinates."""

    def add(one: tuple[int, int] | None, other: tuple[int, int]) -> tuple[int, int]:
        if one is None:
            return other
        (x1, y1), (x2, y2) = one, other
        if one == other:
            slope = (3 * x1**2 + 2 * CURVE_A * x1 + 1) * pow(2 * y1, -1, PRIME)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, PRIME)
        x3 = (slope**2 - CURVE_A - x1 - x2) % PRIME
        return x3, (slope * (x1 - x3) - y1) % PRIME

    square = (x**3 + CURVE_A * x**2 + x) % PRIME
    y = pow(square, (PRIME + 3) // 8, PRIME)
    if y * y % PRIME != square:
        y = y * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert y * y % PRIME == square
    total: tuple[int, int] | None = None
    for bit in bin(scalar)[2:]:
        total = add(total, total) if total else None
        total = add(total, (x, y)) if bit == "1" else total
    assert total is not None
    return total[0]


def _element_complaint(result: bytes, expected: int) -> str:
    got = int.from_bytes(result, "little") % PRIME
    return "" if got == expected else f"{got:#x} is not {expected:#x}"


# --- LU, biquad -----------------------------------------------------------------------------------


def _lu_complaint(result: bytes, real: str, limit: float) -> str:
    """Whether L U is the input with its rows in another order, and no element of L is above 1."""
    size = 20
    values = [(random_word(12, i) ^ 1 << 31) - (1 << 31) >> 8 for i in range(size * size)]
    matrix = np.array(values).reshape(size, size) * 2.0**-23
    count = size * size * np.dtype(real).itemsize
    factors = np.frombuffer(result[:count], real).astype(np.float64).reshape(size, size)
    rows = np.frombuffer(result[count : count + 4 * size], "<u4")
    lower, upper = np.tril(factors, -1), np.triu(factors)
    if sorted(rows) != list(range(size)) or np.abs(lower).max() > 1:
        return f"rows {list(rows)}, largest multiplier {np.abs(lower).max():g}"
    error = np.abs((lower + np.eye(size)) @ upper - matrix[rows]).max()
    return "" if error <= limit else f"L U is off by {error:g}, more than {limit:g}"


#: Coefficients of kernels/corpus/biquad.c: b0, b1, b2, a1, a2 times 2^14.
STAGES = (
    (2048, 4096, 2048, 18022, -6554),
    (3277, 1638, 3277, 13107, -9830),
    (4915, -2458, 4915, 6554, -11469),
    (8192, 0, 8192, -3277, -12288),
)


def biquads(signal: Sequence[float], rounded: Callable[[float], float]) -> list[float]:
    """A signal behind all stages; each output is `rounded`, which takes it times 2^14."""
    values = list(signal)
    for b0, b1, b2, a1, a2 in STAGES:
        x1 = x2 = y1 = y2 = 0.0 * values[0]
        for i, x in enumerate(values):
            y = rounded(b0 * x + b1 * x1 + b2 * x2 + a1 * y1 + a2 * y2)
            x1, x2, y1, y2 = x, x1, y, y1
            values[i] = y
    return values


def _biquad_complaint(result: bytes, form: str) -> str:
    signal = [(random_word(13, i) ^ 1 << 31) - (1 << 31) >> 3 for i in range(128)]
    got = [value for (value,) in struct.iter_unpack(form, result)]
    if form == "<f":
        exact = biquads([value * 2.0**-31 for value in signal], lambda y: y / 2**14)
        error = max(abs(a - b) for a, b in zip(got, exact, strict=True))
        return "" if error <= 1e-6 else f"off by {error:g}"
    if form == "<h":
        signal = [value >> 16 for value in signal]
    return _unequal(got, biquads(signal, lambda y: int(y) >> 14))


# --- all of them ----------------------------------------------------------------------------------


def _unequal(got: Sequence[float], expected: Sequence[float]) -> str:
    wrong = [i for i, pair in enumerate(zip(got, expected, strict=True)) if pair[0] != pair[1]]
    return f"value {wrong[0]} is {got[wrong[0]]}, not {expected[wrong[0]]}" if wrong else ""


def _big_endian(result: bytes, word_bytes: int) -> bytes:
    words = (result[i : i + word_bytes] for i in range(0, len(result), word_bytes))
    return b"".join(word[::-1] for word in words)


def _exact(got: bytes, expected: bytes) -> str:
    return "" if got == expected else f"{got.hex()} is not {expected.hex()}"


def _aes(result: bytes) -> str:
    return _exact(result, aes_encrypt(random_bytes(1, 16), random_bytes(2, 128)))


def _keccak(result: bytes) -> str:
    return _exact(result, hashlib.sha3_256(random_bytes(3, 300)).digest())


def _invert(result: bytes) -> str:
    element = int.from_bytes(random_bytes(10, 32), "little")
    return _element_complaint(result, pow(element, -1, PRIME))


def _crc(checksum: Callable[[], int]) -> Callable[[bytes], str]:
    return lambda result: _exact(result, checksum().to_bytes(4, "little"))


CRC_START, SEED = 0xFFFF, 1
JUDGES: dict[str, Callable[[bytes], str]] = {
    "aes_table": _aes,
    "aes_packed": _aes,
    "aes_sliced": _aes,
    "biquad_q15": lambda result: _biquad_complaint(result, "<h"),
    "biquad_q31": lambda result: _biquad_complaint(result, "<i"),
    "biquad_f32": lambda result: _biquad_complaint(result, "<f"),
    "chacha20": lambda result: _exact(result, _chacha20()),
    "control_list": _crc(lambda: mixed_reference.list_work(SEED, CRC_START)),
    "control_matrix": _crc(lambda: mixed_reference.matrix_work(SEED, CRC_START)),
    "control_state": _crc(lambda: mixed_reference.text_work(SEED, CRC_START)),
    "control_crc": _crc(lambda: mixed_reference.crc(CRC_START, random_bytes(14, 512))),
    "curve25519_invert": _invert,
    "curve25519_ladder": lambda result: _element_complaint(
        result, curve_multiple(random_word(11, 0) >> 16, 9)
    ),
    "fft_q15": lambda result: _fft_complaint(result, "<i2", 2.0**15 / 256, 4),
    "fft_q31": lambda result: _fft_complaint(result, "<i4", 2.0**31 / 256, 16),
    "fft_f32": lambda result: _fft_complaint(result, "<f4", 1, 2e-5),
    "keccak_lanes": _keccak,
    "keccak_interleaved": _keccak,
    "lu_f32": lambda result: _lu_complaint(result, "<f4", 2e-6),
    "lu_f64": lambda result: _lu_complaint(result, "<f8", 4e-15),
    "ntt_words": lambda result: _ntt_complaint(result, "<i", 4, 8380417, 1753, 1),
    "ntt_packed": lambda result: _ntt_complaint(result, "<h", 5, 3329, 17, 2),
    "sha256": lambda result: _exact(
        _big_endian(result, 4), hashlib.sha256(random_bytes(7, 440)).digest()
    ),
    "sha512": lambda result: _exact(
        _big_endian(result, 8), hashlib.sha512(random_bytes(7, 440)).digest()
    ),
}


def complaint(operation: str, result: bytes) -> str:
    """What is wrong with the result of an operation; "" when it is right."""
    return JUDGES[operation](result)
