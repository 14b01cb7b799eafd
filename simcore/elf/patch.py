"""An ELF32 little-endian executable with other bytes at some addresses; all else stays as it is."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from simcore.elf.header import PROGRAM_HEADER_BYTES

_PT_LOAD: Final = 1
_PROGRAM: Final = struct.Struct("<8I")


def patched(elf: bytes, patches: Mapping[int, bytes]) -> bytes:
    """The executable with ``patches`` over its bytes, by run address.

    It has been read before, so that its headers are whole. Raises ValueError where the file holds
    no bytes for an address, as of zeroed memory.
    """
    out = bytearray(elf)
    start, count = struct.unpack_from("<I", elf, 28)[0], struct.unpack_from("<H", elf, 44)[0]
    programs = [_PROGRAM.unpack_from(elf, start + at * PROGRAM_HEADER_BYTES) for at in range(count)]
    for address, data in patches.items():
        for kind, offset, run, _, held, *_ in programs:
            if kind == _PT_LOAD and run <= address and address + len(data) <= run + held:
                out[offset + address - run : offset + address - run + len(data)] = data
                break
        else:
            raise ValueError(f"{address:#x}: {len(data)} bytes are not in the file")
    return bytes(out)
