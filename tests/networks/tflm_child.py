"""The child process of tflm.py: runs models by the wheel tflite-micro until one kills it."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

ARENA_BYTES = 8 << 20


def run(model: bytes, inferences: list[list[Any]], outputs: int) -> list[list[Any]]:
    """The outputs of each inference, in order."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model, arena_size=ARENA_BYTES)
    results = []
    for values in inferences:
        for index, value in enumerate(values):
            interpreter.set_input(value, index)
        interpreter.invoke()
        results.append([interpreter.get_output(index).copy() for index in range(outputs)])
    return results


def work(cases: list[Any], results: str, log: int) -> None:
    """Run models one after the other, adding a pickled result of each."""
    with open(results, "ab", buffering=0) as found:  # noqa: PTH123
        for case in cases:
            os.ftruncate(log, 0)
            os.lseek(log, 0, os.SEEK_SET)
            try:
                result: Any = run(*case)
            except Exception as error:
                result = f"{type(error).__name__}: {error}", _said(log)
            found.write(pickle.dumps(result))


def _said(log: int) -> str:
    """The last line that TFLM wrote about a model, but for that of the interpreter."""
    text = os.pread(log, 1 << 16, 0).decode(errors="replace").replace("\0", "").strip()
    lines = [
        line for line in text.splitlines() if not line.startswith("Node ")
    ] or text.splitlines()
    return lines[-1] if lines else ""


def main() -> None:
    """stdin: a pickled list of models; argv[1] gets a pickled result of each.

    argv[2] is for what TFLM says. A process that a model kills leaves no result, and another goes
    on behind that model; a fork of this one needs no import.
    """
    from tflite_micro import runtime  # noqa: F401

    results, log = sys.argv[1], os.open(sys.argv[2], os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    cases = pickle.load(sys.stdin.buffer)
    done = 0
    while done < len(cases):
        process = os.fork()
        if process == 0:
            os.dup2(log, 1)
            os.dup2(log, 2)
            work(cases[done:], results, log)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        with open(results, "rb") as stream:  # noqa: PTH123
            found = []
            while stream.peek(1):
                found.append(pickle.load(stream))
        done = len(found)
        if status != 0:
            said = _said(log) or f"it dies of signal {os.WTERMSIG(status)}"
            with open(results, "ab") as stream:  # noqa: PTH123
                stream.write(pickle.dumps(("", said)))
            done += 1


if __name__ == "__main__":
    main()
