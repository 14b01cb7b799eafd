"""Capstone's text of instructions, many in one call.

The package makes the structures of eighteen architectures when it is imported, which takes a tenth
of a short profile, and reads an instruction field by field. So the library in it is asked straight,
if it lays instructions out as version 5 does; if not, the package is.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: Size, mnemonic and operands of an instruction.
Text = tuple[int, str, str]
#: The instructions of some bytes from address 0 on, up to what is none.
Disassemble = Callable[[bytes], list[Text]]

_ARM = 0
_MODES = 1 << 4 | 1 << 5  # Thumb, M class
_LIBRARIES = ("libcapstone.so", "libcapstone.dylib")
#: struct cs_insn: id, address, size, bytes, mnemonic, operands, detail.
_INSTRUCTION = struct.Struct("<I4xQH24s32s160s6xQ")
#: nop; ldr.w r0, [r1, r2, lsl #2]
_KNOWN = bytes.fromhex("00bf51f82200"), [(2, "nop", ""), (4, "ldr.w", "r0, [r1, r2, lsl #2]")]


@cache
def disassembler() -> Disassemble:
    """What disassembles."""
    code, texts = _KNOWN
    made = _of_library()
    return made if made is not None and made(code) == texts else _of_package()


def _of_library() -> Disassemble | None:
    """By the library of the package; None where it is not there or of another version."""
    found = find_spec("capstone")
    places = [] if found is None else found.submodule_search_locations or []
    paths = [Path(place, "lib", name) for place in places for name in _LIBRARIES]
    path = next(filter(Path.is_file, paths), None)
    if path is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    library = ctypes.CDLL(str(path))
    handle = ctypes.c_size_t()
    if library.cs_version(None, None) >> 8 != 5:
        return None
    if library.cs_open(_ARM, _MODES, ctypes.byref(handle)):
        return None
    disasm, free = library.cs_disasm, library.cs_free
    disasm.restype = ctypes.c_size_t
    disasm.argtypes = (
        ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64, ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_void_p),
    )  # fmt: skip
    free.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    free.restype = None

    def disassemble(code: bytes) -> list[Text]:
        first = ctypes.c_void_p()
        count = disasm(handle.value, code, len(code), 0, 0, ctypes.byref(first))
        if not count or first.value is None:
            return []
        try:
            rows = ctypes.string_at(first.value, count * _INSTRUCTION.size)
        finally:
            free(first, count)
        return [(row[2], _text(row[4]), _text(row[5])) for row in _INSTRUCTION.iter_unpack(rows)]

    return disassemble


def _text(field: bytes) -> str:
    return field[: field.index(0)].decode("ascii")


def _of_package() -> Disassemble:
    import capstone

    engine: Any = capstone.Cs(
        capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
    )
    return lambda code: [row[1:] for row in engine.disasm_lite(code, 0)]
