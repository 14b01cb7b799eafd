"""Tells cffi what the C core looks like; CMake runs it through `python -m cffi.gen_src`."""

from __future__ import annotations

import re
from pathlib import Path

from cffi import FFI

HEADERS = (
    "faults.h",
    "code.h",
    "latency.h",
    "engine.h",
    "tasks.h",
    "types.h",
    "peripherals.h",
    "operator_calls.h",
    "packed.h",
    "sandbox.h",
    "core.h",
)
BEGIN, END = "/* cffi: begin */", "/* cffi: end */"


def declarations(header: Path) -> str:
    """The text of a header between its two cffi marks; ValueError when a mark is missing."""
    text = header.read_text(encoding="utf-8")
    _, begin, rest = text.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{header}: the marks {BEGIN} and {END} must stand around the border")
    return inside


def callbacks(cdef: str) -> str:
    """A Python function core_py_<name> for each type core_<name>_fn of the border."""
    types = re.findall(r"typedef int core_(\w+)_fn\((.*?)\);", cdef, flags=re.DOTALL)
    return "".join(f'extern "Python" int core_py_{name}({args});\n' for name, args in types)


cdef = "".join(declarations(Path(__file__).with_name(name)) for name in HEADERS)
ffibuilder = FFI()
ffibuilder.cdef(cdef + callbacks(cdef))
ffibuilder.set_source("simcore._core", '#include "core.h"', py_limited_api=True)
