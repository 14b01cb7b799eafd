"""The array that holds the model in a firmware with TensorFlow Lite Micro, and arrays beside it.

The linker puts an array anywhere; what stays is its symbol, or the flatbuffer in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from simcore.elf import Image, Symbol
from simcore.errors import NetworkError, nearest
from simcore.tflite.extent import model_size
from simcore.tflite.reader import MAX_FILE_BYTES

#: Arrays of a firmware that was made for this, see docs/examples/tflm_runner: the network that it
#: runs, its inputs, and where it leaves the outputs.
MODEL, INPUT, OUTPUT = "mcusim_model", "mcusim_input", "mcusim_output"

_ADDRESS: Final = re.compile(r"0[xX][0-9a-fA-F]{1,8}")
_IDENTIFIER: Final = b"TFL3"
_IDENTIFIER_AT: Final = 4  # in a model
_NAMED: Final = 8  # arrays that a refusal names
_TRIES: Final = 64  # places that are read as a model


@dataclass(frozen=True, slots=True)
class ModelArray:
    """``room`` bytes from a run address on; ``name`` is that of its symbol, or the address."""

    name: str
    address: int
    room: int


def find_model_array(image: Image, symbol: str | None) -> ModelArray:
    """The array that a symbol names, else MODEL, else the one that holds a model.

    The name of an array that a refusal of several tells, an address say, is as good as a symbol.
    Room is what the symbol has; where it has no size, or without any, that of the model in it.
    Raises NetworkError, one line without the path, when there is none or several.
    """
    if symbol is not None or named_array(image, MODEL) is not None:
        return _of_symbol(image, symbol or MODEL)
    found = list(models_in(image))
    if len(found) == 1:
        return found[0]
    if not found:
        raise NetworkError(
            "has no model in it whose place another could take; link one in as an array, and name"
            " that: --runner FILE.elf:SYMBOL"
        )
    named = ", ".join(f"{one.name} ({one.room:,} B)" for one in found[:_NAMED])
    raise NetworkError(
        f"has {len(found)} models: {named}; say which: --runner FILE.elf:{found[0].name}"
    )


def named_array(image: Image, name: str) -> Symbol | None:
    """The data symbol of a name as its author wrote it or in the symbol table, with its size."""
    known = image.symbol(name)
    if known is not None and known.kind != "function":
        return known
    return next(
        (s for s in image.symbols if s.kind == "object" and image.data_name(s) == name), None
    )


def holds_bytes(image: Image, address: int, size: int) -> bool:
    """Whether the file has the bytes at a run address, so that others can stand there."""
    return any(
        one.run_address <= address and address + size <= one.run_address + len(one.data)
        for one in image.segments
    )


def _of_symbol(image: Image, name: str) -> ModelArray:
    symbol = named_array(image, name)
    if symbol is None:
        for one in models_in(image):
            if name == one.name or (_ADDRESS.fullmatch(name) and int(name, 16) == one.address):
                return one
        if _ADDRESS.fullmatch(name):
            there = ", ".join(one.name for one in models_in(image)) or "none anywhere"
            raise NetworkError(f"has no model at {name}; it has {there}")
        known = {image.data_name(s) for s in image.symbols if s.kind == "object"}
        raise NetworkError(f"has no array '{name}'{nearest(name, known)}; see --runner")
    room = symbol.size or _size_at(image, symbol.address)
    if not room:
        raise NetworkError(f"'{name}' has no size and holds no model; give its symbol a size")
    if not holds_bytes(image, symbol.address, room):
        raise NetworkError(
            f"'{name}' lies in zeroed memory, for which the file has no bytes; make the array const"
            " or give it an initial value"
        )
    return ModelArray(name, symbol.address, room)


def models_in(image: Image) -> Iterator[ModelArray]:
    """Arrays with a model, by address, as far as places that look like one are looked at."""
    tries = _TRIES
    for segment in sorted(image.segments, key=lambda one: one.run_address):
        at = segment.data.find(_IDENTIFIER, _IDENTIFIER_AT)
        while at >= 0 and tries:
            start, size = at - _IDENTIFIER_AT, None
            if int.from_bytes(segment.data[start:at], "little") < len(segment.data) - start:
                tries -= 1
                size = model_size(segment.data[start : start + MAX_FILE_BYTES])
            if size is not None:
                yield _array(image, segment.run_address + start, size)
            at = segment.data.find(_IDENTIFIER, at + 1 if size is None else at + size)


def _array(image: Image, address: int, size: int) -> ModelArray:
    symbol = image.object_at(address)
    if symbol is None:
        return ModelArray(f"{address:#010x}", address, size)
    end = symbol.address + symbol.size
    room = end - address if end >= address + size else size
    name = image.data_name(symbol)
    if symbol.address != address:
        name = f"{name}+{address - symbol.address}"
    return ModelArray(name, address, room if holds_bytes(image, address, room) else size)


def _size_at(image: Image, address: int) -> int:
    for segment in image.segments:
        start = address - segment.run_address
        if 0 <= start < len(segment.data):
            return model_size(segment.data[start:]) or 0
    return 0
