"""Networks in TensorFlow Lite's file format; the only room that knows it."""
