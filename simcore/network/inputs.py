"""What a network is given: values from .npy and raw files, checked, or random ones with a seed."""

from __future__ import annotations

import ast
import hashlib
import os
import struct
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final, NamedTuple

from simcore.errors import ConfigError
from simcore.files import read_regular
from simcore.network.graph import Subgraph, Tensor

RANDOM: Final = "random"
DEFAULT_SEED: Final = 1
#: Different random inputs of several inferences.
MAX_DIFFERENT: Final = 4
MAX_FILE_BYTES: Final = 64 << 20

_NPY: Final = b"\x93NUMPY"
_NPY_TYPES: Final = {
    "int8": ("|i1", "<i1"), "uint8": ("|u1", "<u1"), "bool": ("|b1", "<b1"), "int16": ("<i2",),
    "int32": ("<i4",), "int64": ("<i8",), "float32": ("<f4",),
}  # fmt: skip


class Given(NamedTuple):
    """Bytes of each input, for each of one or more inferences, and what to say of them."""

    inferences: tuple[tuple[bytes, ...], ...]
    told: str

    @property
    def sha256(self) -> str | None:
        """Of the values of files, in order; None of random ones, whose seed says all."""
        if self.told.startswith(f"{RANDOM}, "):
            return None
        return hashlib.sha256(b"".join(data for row in self.inferences for data in row)).hexdigest()


def network_inputs(main: Subgraph, sources: Sequence[str], inferences: int) -> Given:
    """The inputs that ``sources`` say: a file for each, one raw file for all, or random[:SEED].

    Several inferences may be in a file behind each other; when there are fewer they are used
    again. Nothing said is random. A tensor that is an input twice is given once, and has the same
    values in both places. Raises ConfigError.
    """
    once = tuple(dict.fromkeys(main.inputs))
    found = _inputs(replace(main, inputs=once), sources, inferences)
    if len(once) == len(main.inputs):
        return found
    places = [once.index(index) for index in main.inputs]
    rows = tuple(tuple(row[place] for place in places) for row in found.inferences)
    return Given(rows, found.told)


def _inputs(main: Subgraph, sources: Sequence[str], inferences: int) -> Given:
    tensors = [main.tensors[index] for index in main.inputs]
    seeds = [source for source in sources if source.partition(":")[0] == RANDOM]
    if seeds or not sources:
        if len(sources) > 1:
            raise ConfigError("--input random is for all inputs; give it once, and nothing else")
        seed = _seed(sources[0]) if sources else DEFAULT_SEED
        random = Random(seed)
        rows = tuple(
            tuple(_random(tensor, random) for tensor in tensors)
            for _ in range(min(inferences, MAX_DIFFERENT))
        )
        return Given(rows, f"random, seed {seed}")
    files = [(source, _read(source)) for source in sources]
    told = ", ".join(os.path.basename(source) for source in sources)  # noqa: PTH119
    if len(files) == 1 and len(tensors) > 1 and not files[0][1].startswith(_NPY):
        return Given(_split(*files[0], tensors), told)
    if len(files) != len(tensors):
        raise ConfigError(
            f"--input: the network has {len(tensors)} inputs ({_described(tensors)}), {len(files)}"
            " files are given; give one for each in this order, or one raw file with all"
        )
    columns = [_values(*file, tensor) for file, tensor in zip(files, tensors, strict=True)]
    if len({len(column) for column in columns}) > 1:
        counts = ", ".join(str(len(column)) for column in columns)
        raise ConfigError(f"--input: the files are for different numbers of inferences ({counts})")
    return Given(tuple(zip(*columns, strict=True)), told)


def expected_outputs(main: Subgraph, sources: Sequence[str]) -> tuple[bytes, ...]:
    """The outputs that files hold, as :func:`network_inputs` reads them. Raises ConfigError."""
    if any(source.partition(":")[0] == RANDOM for source in sources):
        raise ConfigError("--expect random: name a file, such as 'mcusim profile --outputs' writes")
    try:
        found, *more = _inputs(replace(main, inputs=main.outputs), sources, 1).inferences
    except ConfigError as error:
        said = str(error).replace("--input", "--expect").replace("the input ", "the output ")
        raise ConfigError(said) from None
    if more:
        raise ConfigError(
            f"--expect: has the outputs of {1 + len(more)} inferences; give those of the first"
        )
    return found


def _seed(text: str) -> int:
    _, mark, number = text.partition(":")
    if mark and not number.isdecimal():
        raise ConfigError(f"--input {text}: a seed is a number, as in random:7")
    return int(number) if mark else DEFAULT_SEED


def _random(tensor: Tensor, random: Random) -> bytes:
    """Values of the whole range of an integer type up to 16 bits, floats of -1 to 1."""
    match tensor.type:
        case "float32":
            values = (random.uniform(-1, 1) for _ in range(tensor.elements))
            return struct.pack(f"<{tensor.elements}f", *values)
        case "bool":
            return bytes(random.randrange(2) for _ in range(tensor.elements))
        case "int32" | "int64":
            size = 4 if tensor.type == "int32" else 8
            values32 = (random.randrange(128) for _ in range(tensor.elements))
            return b"".join(value.to_bytes(size, "little") for value in values32)
        case _:
            return random.randbytes(tensor.size_bytes)


def _read(path: str) -> bytes:
    try:
        return read_regular(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise ConfigError(f"--input {path}: cannot be read: {reason}") from None


def _described(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"'{t.name}' {t.type} {list(t.shape)}" for t in tensors)


def _split(path: str, data: bytes, tensors: Sequence[Tensor]) -> tuple[tuple[bytes, ...], ...]:
    """A raw file with all inputs behind each other, once or for several inferences."""
    whole = sum(tensor.size_bytes for tensor in tensors)
    _check_size(path, len(data), whole, _described(tensors))
    rows = []
    for start in range(0, len(data), whole):
        row = []
        for tensor in tensors:
            row.append(data[start : start + tensor.size_bytes])
            start += tensor.size_bytes
        rows.append(tuple(row))
    return tuple(rows)


def _values(path: str, data: bytes, tensor: Tensor) -> list[bytes]:
    if data.startswith(_NPY):
        data = _npy(path, data, tensor)
    size = tensor.size_bytes
    _check_size(path, len(data), size, _described([tensor]))
    return [data[start : start + size] for start in range(0, len(data), size)]


def _check_size(path: str, has: int, size: int, what: str) -> None:
    if not has or has % size:
        raise ConfigError(
            f"--input {path}: has {has:,} bytes, an inference takes {size:,} ({what}); give whole"
            " inputs, raw and little-endian, or a .npy file"
        )


def npy(tensor: Tensor, data: bytes) -> bytes:
    """A .npy file of a tensor's values (NEP 1, version 1.0)."""
    descr = _NPY_TYPES[tensor.type][0]
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {tensor.shape}, }}"
    length = -(-(10 + len(head) + 1) // 64) * 64 - 10
    return (
        _NPY + b"\x01\x00" + length.to_bytes(2, "little")
        + head.ljust(length - 1).encode() + b"\n" + data
    )  # fmt: skip


def _npy(path: str, data: bytes, tensor: Tensor) -> bytes:
    """The values of a .npy file (NEP 1), whose type and shape are the tensor's.

    Dimensions of 1 do not count, and one more in front is that of several inferences.
    """
    where = f"--input {path}"
    try:
        length = 2 if data[6] == 1 else 4
        start = 8 + length
        end = start + int.from_bytes(data[8:start], "little")
        # No more than a header has, so that nothing deep is parsed.
        head = ast.literal_eval(data[start : min(end, start + 4096)].decode("latin-1"))
        descr, fortran, shape = head["descr"], head["fortran_order"], tuple(head["shape"])
        sizes = [int(size) for size in shape]
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, MemoryError, RecursionError):
        raise ConfigError(f"{where}: damaged .npy file; write it with numpy.save") from None
    if descr not in _NPY_TYPES.get(tensor.type, ()):
        raise ConfigError(
            f"{where}: holds {descr}, the input {_described([tensor])} takes {tensor.type};"
            " quantise or convert it first"
        )
    if fortran and len([size for size in sizes if size > 1]) > 1:
        raise ConfigError(f"{where}: is in Fortran order; save numpy.ascontiguousarray of it")
    wanted = [size for size in tensor.shape if size > 1]
    real = [size for size in sizes if size > 1]
    if real != wanted and real[1:] != wanted:
        raise ConfigError(
            f"{where}: has the shape {sizes}, the input {_described([tensor])} takes"
            f" {list(tensor.shape)}, or several of it"
        )
    return data[end:]
