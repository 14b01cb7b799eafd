"""Changes of bytes, texts and JSON trees that leave most of an input as it was."""

from __future__ import annotations

import json
import re
import struct
from random import Random
from typing import Any

#: Numbers at whose edges readers go wrong.
NUMBERS = (
    0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 63, 64, 127, 128, 255, 256, 4095, 4096, 32767, 32768,
    65535, 65536, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x0800_0000, 0x2000_0000,
)  # fmt: skip
#: What a text or a JSON value may become.
TEXTS = (
    "", " ", "0", "-1", "1e999", "nan", "inf", "0x", "0xffffffffffffffffff", "9" * 400, "\x00",
    "\x1b[2J", "\r\n", "\u202e", "\ud800", "../../../etc/passwd", "/dev/zero", "{}", "[", "*",
    "%s%n", "::error::x", "a" * 5000, "\N{GRINNING FACE}", "\u0660", "\N{SUPERSCRIPT TWO}",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1 << 31, 1 << 32, 1 << 63, 1 << 64, 10**400, -(1 << 63), 0.5, -0.0,
    1e308, 5e-324, float("nan"), float("inf"), [], {}, [[]], {"": None}, *TEXTS,
)  # fmt: skip
_TOML_VALUES = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^\[\]]*\]|[-+]?[0-9][\w.+-]*|true|false')
_TOKENS = re.compile(r"0[xX][0-9a-fA-F]+|\d+|\w+|\s+|[^\w\s]")


def changed_bytes(rng: Random, data: bytes, other: bytes, first: int = 0, end: int = 0) -> bytes:
    """Bytes with one to four changes in [first, end); `other` is an input to copy from."""
    out = bytearray(data)
    end = end or len(out)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if first >= min(end, len(out)):
            break
        at = rng.randrange(first, min(end, len(out)))
        match rng.randrange(8):
            case 0 | 1:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            case 3 | 4:
                put_number(rng, out, at, rng.choice((2, 4, 4)))
            case 5:
                size = rng.choice((1, 2, 4, 16, 64))
                out[at : at + size] = b""
            case 6:
                size = rng.choice((1, 2, 4, 16, 64))
                out[at:at] = out[at : at + size]
            case _:
                begin, size = rng.randrange(len(other) or 1), rng.choice((2, 4, 8, 32))
                out[at : at + size] = other[begin : begin + size]
    if rng.random() < 0.02:
        del out[rng.randrange(len(out) + 1) :]
    return bytes(out)


def put_number(rng: Random, data: bytearray, at: int, size: int) -> None:
    """Write a number of 2 or 4 bytes: one of NUMBERS, or what was there plus some."""
    at = min(at, len(data) - size)
    if at < 0:
        return
    form = "<H" if size == 2 else "<I"
    (was,) = struct.unpack_from(form, data, at)
    value = rng.choice(NUMBERS) if rng.random() < 0.6 else was + rng.choice((-4, -1, 1, 2, 4, 8))
    struct.pack_into(form, data, at, value & ((1 << 8 * size) - 1))


def changed_text(rng: Random, data: bytes, other: bytes) -> bytes:
    """A text with one to three of its words, numbers or lines changed."""
    tokens = _TOKENS.findall(data.decode("utf-8", "surrogateescape"))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not tokens:
            break
        at = rng.randrange(len(tokens))
        match rng.randrange(10):
            case 0 | 1 | 2:
                numbers = [n for n, token in enumerate(tokens) if token[:1].isdigit()]
                at = rng.choice(numbers) if numbers else at
                tokens[at] = str(rng.choice(NUMBERS) * rng.choice((1, 1, -1)))
            case 3:
                tokens[at] = rng.choice(tokens)
            case 4:
                tokens[at] = rng.choice(TEXTS)
            case 5:
                del tokens[at]
            case 6:
                tokens.insert(at, rng.choice(tokens))
            case 7:
                more = _TOKENS.findall(other.decode("utf-8", "surrogateescape"))
                begin = rng.randrange(len(more) or 1)
                tokens[at:at] = more[begin : begin + rng.randrange(1, 12)]
            case 8:
                end = at + rng.randrange(1, 30)
                tokens[at:at] = tokens[at:end] * rng.choice((1, 1, 3))
            case _:
                tokens[at] = rng.choice("()[]{}<>\"'*/\\;,.=+-#&|!?:%$@^~\n\t")
    return "".join(tokens).encode("utf-8", "surrogatepass" if rng.random() < 0.1 else "replace")


def changed_toml(rng: Random, data: bytes, other: bytes) -> bytes:
    """A TOML document with one to three values or lines changed, most of them to TOML again."""
    if rng.random() < 0.15:
        return changed_text(rng, data, other)
    lines = data.decode("utf-8", "replace").split("\n")
    more = [line for line in other.decode("utf-8", "replace").split("\n") if "=" in line]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.choice([n for n, line in enumerate(lines) if line.strip()] or [0])
        match rng.randrange(12):
            case 0:
                del lines[at : at + 1]
            case 1 if more:  # a key of another document, or of another table
                lines.insert(at, rng.choice(more))
            case 2:
                lines.insert(rng.randrange(len(lines) + 1), lines.pop(at) if lines else "")
            case 3:
                key, equals, value = lines[at].partition("=")
                lines[at] = key.rstrip() + rng.choice(("x", "-y", ".z", "1")) + equals + value
            case _:
                lines[at] = _changed_line(rng, lines[at])
        lines = lines or [""]
    return "\n".join(lines).encode("utf-8", "replace")


def _changed_line(rng: Random, line: str) -> str:
    """A line with one number, text, truth value or list of it changed."""
    found = list(_TOML_VALUES.finditer(line, line.find("=") + 1))
    if not found or "=" not in line:
        return line
    which = rng.choice(found)
    was = which.group()
    chance = rng.random()
    if chance < 0.08:
        new = rng.choice(
            ("1e999", "-0.0", "nan", "-inf", "[]", "{}", "true", "1979-05-27", "[[1]]")
        )
    elif was[0] == '"':
        texts = [was[1:-1] + rng.choice(TEXTS), rng.choice(TEXTS), was[1 : len(was) // 2]]
        text = changed_text(rng, was[1:-1].encode(), was.encode()).decode("utf-8", "replace")
        new = _quoted(text if chance < 0.6 else rng.choice(texts))
    elif was in ("true", "false"):
        new = "false" if was == "true" else "true"
    elif was[0] == "[":
        new = f"[{was[1:-1]}, {was[1:-1]}]" if chance < 0.5 else "[]"
    else:
        number = rng.choice(NUMBERS) * rng.choice((1, 1, 1, -1))
        new = rng.choice((str(number), f"{number}.5", hex(abs(number)), was + "0", "1e15", "0.001"))
    return line[: which.start()] + new + line[which.end() :]


def _quoted(text: str) -> str:
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False).replace(
        "\x7f", "\\u007f"
    )


def changed_json(rng: Random, data: bytes, other: bytes) -> bytes:
    """A JSON document with one to three values, keys or rows changed."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return changed_bytes(rng, data, other)
    for _ in range(rng.choice((1, 1, 2, 3))):
        tree = _changed_tree(rng, tree)
    try:
        return json.dumps(tree, separators=(",", ":")).encode("utf-8", "replace")
    except RecursionError:
        return data


def _changed_tree(rng: Random, tree: Any) -> Any:
    holder: Any = None
    key: Any = None
    node = tree
    while isinstance(node, dict | list) and node:
        if holder is not None and rng.random() < 0.12:
            break
        holder = node
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = rng.choice(keys)
        if rng.random() < 0.6:  # what lies deeper: a document has few keys at its head
            key = rng.choice([each for each in keys if isinstance(node[each], dict | list)] or keys)
        node = node[key]
    if holder is None:
        return rng.choice(VALUES)
    if rng.random() < 0.65:  # another value of the same kind: closed documents take no other
        holder[key] = _alike(rng, node)
        return tree
    match rng.randrange(9):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, node)
        case 1 | 2 if isinstance(holder, dict):
            holder[rng.choice((*TEXTS, *map(str, holder)))] = node
        case 3 if isinstance(node, int | float):
            holder[key] = node + rng.choice((-1, 1, 1 << 32, -node, 0.5))
        case 4 if isinstance(node, str):
            at = rng.randrange(len(node) + 1)
            holder[key] = node[:at] + rng.choice(TEXTS) + node[at:]
        case 5:
            holder[key] = rng.choice((*NUMBERS, -1))
        case 6:
            rows = list(holder.values()) if isinstance(holder, dict) else holder
            holder[key] = rng.choice(rows)
        case _:
            holder[key] = rng.choice(VALUES)
    return tree


def _alike(rng: Random, value: Any) -> Any:
    """Another value of the same JSON type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((*NUMBERS, value + 1, value * 2, 1 << 40, 1 << 62))
    if isinstance(value, float):
        return rng.choice((0.0, 1.0, value * 3, 1e-9, 1e15, 1e300, value + 1))
    if isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        return rng.choice((value[:at], value[at:], value[:at] + rng.choice(TEXTS) + value[at:]))
    if isinstance(value, list):
        return rng.choice((value[::-1], value[1:], value + value[:1], value[:1] * 5))
    if isinstance(value, dict):
        rows = list(value.items())
        rng.shuffle(rows)
        return dict(rows)
    return value
