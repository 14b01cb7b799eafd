"""Networks in TensorFlow Lite's file format; the only room that knows it."""

from simcore.tflite.reader import is_tflite, other_network, read_model

__all__ = ["is_tflite", "other_network", "read_model"]
