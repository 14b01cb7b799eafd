"""The child process of verify.py: inferences by the wheel tflite-micro, asked for on stdin."""

import json
import sys
from base64 import b64decode, b64encode

_ARENA_BYTES = 64 << 20  # host memory; how much a microcontroller needs is not asked here


def main() -> None:
    """Read a model and inputs, run them in order, and print the outputs of the last."""
    import numpy as np
    from tflite_micro import runtime

    asked = json.loads(sys.stdin.buffer.read())
    interpreter = runtime.Interpreter.from_bytes(b64decode(asked["model"]), arena_size=_ARENA_BYTES)
    for row in asked["inferences"]:
        for index, text in enumerate(row):
            about = interpreter.get_input_details(index)
            values = np.frombuffer(b64decode(text), dtype=about["dtype"])
            interpreter.set_input(values.reshape(about["shape"]), index)
        interpreter.invoke()
    outputs = [interpreter.get_output(index) for index in range(asked["outputs"])]
    json.dump(
        [b64encode(np.ascontiguousarray(one).tobytes()).decode() for one in outputs], sys.stdout
    )


if __name__ == "__main__":
    main()
