"""What kernels/src/mixed.c computes, as plain Python on lists and strings.

Written against the description of the workload, with Python's own sort and search, so that it
checks results and not the way to them.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

NODES, FINDS = 40, 160
SIZE, MATRIX_ROUNDS = 10, 5
TEXT_BYTES, SCANS = 640, 12
WORDS = ("1205", "-77", "3.1416", "+6.02e23", "0x5A", "12b4", ".5", "x-9e")
STATES = ("start", "sign", "integer", "point", "fraction", "exponent", "hex", "invalid")


def crc(value: int, data: bytes) -> int:
    """CRC-16 with the polynomial 0xA001, least significant bit first."""
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def crc_word(value: int, word: int) -> int:
    """CRC-16 of a 32-bit little-endian word."""
    return crc(value, (word & 0xFFFFFFFF).to_bytes(4, "little"))


def list_work(seed: int, value: int) -> int:
    """Searches in a list that turns round after each search, then sorts."""
    keys = [(seed * 31 + i * 73) & 0x7F for i in range(NODES)]
    found = missed = 0
    for i in range(FINDS):
        key = (seed + i * 5) & 0x7F
        ranks = [rank for rank in range(NODES) if keys[rank] == key]
        if ranks:
            found += ranks[0] if i % 2 == 0 else ranks[-1]
        else:
            missed += 1
    value = crc(value, bytes(sorted(keys)))
    value = crc(value, bytes([keys[0]]))
    return crc_word(value, found << 8 | missed)


def matrix_sum(rows: list[list[int]], limit: int) -> int:
    """Counts rises and overflows of a running sum."""
    running = previous = result = 0
    for number in chain.from_iterable(rows):
        running += number
        if running > limit:
            result, running = result + 10, 0
        elif number > previous:
            result += 1
        previous = number
    return result


def matrix_work(seed: int, value: int) -> int:
    """Two kinds of matrix product per round."""
    left = [[0] * SIZE for _ in range(SIZE)]
    right = [[0] * SIZE for _ in range(SIZE)]
    for i in range(SIZE):
        for j in range(SIZE):
            seed = (seed * 75 + 74) & 0xFFFF
            left[i][j] = (seed & 0xFF) - 100
            right[i][j] = (seed >> 8 & 0x3F) + (i ^ j)
    columns = list(zip(*right, strict=True))
    for number in range(MATRIX_ROUNDS):
        for row in left:
            row[number] += number
        terms = [[[a * b for a, b in zip(row, c, strict=True)] for c in columns] for row in left]
        plain = [[sum(dot) for dot in row] for row in terms]
        bits = [
            [sum((t >> 2 & 0xF) * (t >> 5 & 0x7F) for t in dot) for dot in row] for row in terms
        ]
        value = crc_word(value, matrix_sum(plain, 4000))
        value = crc_word(value, matrix_sum(bits, 9000))
    return value


def step(state: str, char: str) -> str:
    """One transition of the number scanner."""
    digit = char in "0123456789"
    match state:
        case "start" if char in "+-":
            return "sign"
        case "start" | "sign":
            return "integer" if digit else "point" if char == "." else "invalid"
        case "integer" if char in ".x":
            return {".": "fraction", "x": "hex"}[char]
        case "integer" if digit:
            return "integer"
        case "point" if digit:
            return "fraction"
        case "fraction" if char in "eE":
            return "exponent"
        case "fraction" | "exponent" if digit:
            return state
        case "hex" if digit or char in "ABCDEF":
            return "hex"
    return "invalid"


def text_work(seed: int, value: int) -> int:
    """Scans a text several times, some bits flipped in between."""
    joined, i = "", seed
    while len(joined) < TEXT_BYTES:
        joined += WORDS[i & 7] + ","
        i += 3
    text = [ord(char) for char in joined[:TEXT_BYTES]]
    finals: Counter[str] = Counter()
    transitions: Counter[str] = Counter()
    for scan in range(SCANS):
        state = "start"
        for byte in text:
            before = state
            if byte == ord(","):
                finals[state] += 1
                state = "start"
            else:
                state = step(state, chr(byte))
            if state != before:
                transitions[state] += 1
        for place in range(0, TEXT_BYTES, 7 + scan):
            flipped = text[place] ^ 1 << (scan & 3)
            if ord(",") not in (text[place], flipped):
                text[place] = flipped
    for name in STATES:
        value = crc_word(value, finals[name] << 16 | transitions[name])
    return value


def mixed_run(seed: int) -> int:
    """The checksum that mixed_run() in C returns."""
    return text_work(seed, matrix_work(seed, list_work(seed, 0xFFFF)))
