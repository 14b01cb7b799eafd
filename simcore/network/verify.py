"""Outputs of a network beside those of TensorFlow Lite Micro's own kernels, in a child process.

The wheel tflite-micro has the reference kernels, and no resolver that chooses others: LiteRT's
differ among each other by one step on fully connected layers. It may crash on a model: then the
child does, and that is a line here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from struct import calcsize, unpack
from sys import float_info
from typing import Final

from simcore.costs.network import Verification
from simcore.errors import NetworkError
from simcore.extras import require

TIMEOUT_S: Final = 600
_CHILD: Final = Path(__file__).with_name("reference.py")
_FORMS: Final = {
    "int8": "b", "uint8": "B", "bool": "B", "int16": "h", "int32": "i", "int64": "q",
    "float32": "f",
}  # fmt: skip


def require_reference() -> None:
    """Raise ConfigError when the wheel is not installed."""
    require(
        "verify",
        "--verify",
        "leave --verify out; there are wheels of tflite-micro for Linux on x86-64 alone",
    )


def verified(
    path: str,
    data: bytes,
    inferences: Sequence[Sequence[bytes]],
    outputs: Sequence[bytes],
    types: Sequence[str],
    terms: int,
) -> Verification:
    """Compare the outputs of the last of some inferences with the reference's.

    Integers are to be equal. An output of float32 may differ by `terms`, the additions behind one
    value, times 2^-23 of the largest that the reference gives: two roundings for each, as sums of
    fast kernels have another order (Higham, Accuracy and Stability of Numerical Algorithms, 4.2).
    Where it refuses the model or crashes nothing is compared, and ``refused`` says so. Raises
    ConfigError without the wheel.
    """
    require_reference()
    try:
        found = _reference(path, data, inferences, len(outputs))
        for mine, theirs in zip(outputs, found, strict=True):
            if len(mine) != len(theirs):
                raise NetworkError(
                    f"{path}: --verify: tflite-micro gives {len(theirs)} bytes of output,"
                    f" {len(mine)} were computed"
                )
    except NetworkError as error:
        why = str(error).removeprefix(f"{path}: --verify: ")
        return Verification(f"tflite-micro {_version()}", 0, 0, 0.0, 0.0, refused=why)
    elements = differing = 0
    largest = allowed = 0.0
    for mine, theirs, kind in zip(outputs, found, types, strict=True):
        form = _FORMS[kind]
        pairs = list(zip(_numbers(mine, form), _numbers(theirs, form), strict=True))
        elements += len(pairs)
        # Two NaN are the same result, and one is as far from a number as can be told.
        distances = [
            float(abs(a - b)) if a == a and b == b else float_info.max
            for a, b in pairs
            if a != b and not (a != a and b != b)
        ]
        finite = (abs(b) for _, b in pairs if isfinite(b))
        limit = terms * 2.0**-23 * max(finite, default=0.0) if kind == "float32" else 0.0
        differing += sum(distance > limit for distance in distances)
        allowed = max(allowed, limit)
        largest = max(largest, *(min(distance, float_info.max) for distance in distances), 0.0)
    return Verification(f"tflite-micro {_version()}", elements, differing, largest, allowed)


def _numbers(data: bytes, form: str) -> tuple[float, ...]:
    return unpack(f"<{len(data) // calcsize(form)}{form}", data)


def _version() -> str:
    try:
        return version("tflite-micro")
    except PackageNotFoundError:
        return "of unknown version"


def _reference(
    path: str, data: bytes, inferences: Sequence[Sequence[bytes]], outputs: int
) -> list[bytes]:
    asked = {
        "model": b64encode(data).decode(),
        "inferences": [[b64encode(one).decode() for one in row] for row in inferences],
        "outputs": outputs,
    }
    try:
        done = subprocess.run(
            [sys.executable, str(_CHILD)],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise NetworkError(
            f"{path}: --verify: tflite-micro did not end within {TIMEOUT_S} s"
        ) from None
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    if done.returncode < 0:
        said = f": {lines[-1]}" if lines else ""
        raise NetworkError(
            f"{path}: --verify: tflite-micro crashed (signal {-done.returncode}){said}"
        )
    if done.returncode:
        raise NetworkError(f"{path}: --verify: tflite-micro refuses the model: {_reason(lines)}")
    return [b64decode(text) for text in json.loads(done.stdout)]


def _reason(lines: Sequence[str]) -> str:
    """What the reference said first, which is nearer to the reason than its last words."""
    said = [line for line in lines if not line.startswith(("Traceback", "  "))]
    return "; ".join(said[:3])[:300] or "it gives no reason"
