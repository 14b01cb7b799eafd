"""Thumb machine code for tests, by instruction text; the bytes stand in tests/data/thumb_code.json.

They come from arm-none-eabi-as, one instruction at a time, so the tests need no assembler. Running
them with MCUSIM_ASSEMBLE=1 adds what is missing; test_isa.py assembles everything anew where the
assembler is installed.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

STORE = Path(__file__).parent.parent / "data" / "thumb_code.json"
ASSEMBLER = "arm-none-eabi-as"


def split(text: str) -> list[str]:
    """Instruction texts of "a ; b ; 3x c"."""
    result: list[str] = []
    for part in text.split(";"):
        times, cross, rest = part.strip().partition("x ")
        repeated = bool(cross) and times.isdigit()
        result += [rest.strip()] * int(times) if repeated else [part.strip()]
    return result


def code(text: str) -> bytes:
    """The bytes of instructions separated by ";". Raises KeyError for one that is not stored."""
    return b"".join(_bytes(instruction) for instruction in split(text))


@functools.cache
def stored() -> dict[str, str]:
    """Bytes in hexadecimal by instruction text."""
    table: dict[str, str] = json.loads(STORE.read_text()) if STORE.exists() else {}
    return table


def assemble(texts: Iterable[str]) -> dict[str, str]:
    """Assemble each instruction by itself. Needs arm-none-eabi-as."""
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "a.s"), Path(folder, "a.o")
        head = ".syntax unified\n.cpu cortex-m7\n.fpu fpv5-d16\n.thumb\n"
        for text in texts:
            source.write_text(f"{head}{text}\n")
            subprocess.run([ASSEMBLER, str(source), "-o", str(output)], check=True)
            listing = subprocess.run(
                ["arm-none-eabi-objdump", "-s", "-j", ".text", str(output)],
                check=True, capture_output=True, text=True,
            ).stdout.splitlines()[-1]  # fmt: skip
            data = "".join(listing[:42].split()[1:])
            size = 8 if data[2:4] >= "e8" else 4  # hexadecimal digits; the section is padded
            result[text] = data[:size]
    return result


def _bytes(instruction: str) -> bytes:
    table = stored()
    if instruction not in table and os.environ.get("MCUSIM_ASSEMBLE"):
        table.update(assemble([instruction]))
        STORE.write_text(json.dumps(dict(sorted(table.items())), indent=0) + "\n")
    return bytes.fromhex(table[instruction])
