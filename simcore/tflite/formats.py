"""Which runtime's file it is, by its first bytes; imports nothing, as every program is asked."""

from __future__ import annotations

from typing import Final

HEAD_BYTES: Final = 8  # that are looked at

#: Files of others, by what stands at their beginning and where.
_OTHERS: Final = (
    (0, b"PK\x03\x04", "a ZIP archive, as PyTorch (.pt) and Keras 3 (.keras) write"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras (.h5) writes"),
    (0, b"\x80\x02", "a Python pickle, as old PyTorch writes"),
    # Field 1, a version below 128, then field 2, a text or message.
    (2, b"\x12", "an ONNX model or a TensorFlow SavedModel (protocol buffers)"),
    (4, b"ET12", "an ExecuTorch program (.pte)"),
)
CONVERT: Final = (
    "convert the network to TensorFlow Lite (tf.lite.TFLiteConverter, ai_edge_torch or onnx2tf)"
    " and give the .tflite"
)


def is_tflite(head: bytes) -> bool:
    """Whether a file that begins with these 8 bytes says that it is a TensorFlow Lite model."""
    return head[4:8] == b"TFL3"


def other_network(head: bytes) -> str | None:
    """What a file is that begins with these bytes, if it is a network of another runtime."""
    if is_tflite(head):
        return None
    for at, magic, what in _OTHERS:
        if head[at : at + len(magic)] == magic and (at != 2 or head[0] == 8):
            return f"is {what}, not a .tflite file; {CONVERT}"
    return None
