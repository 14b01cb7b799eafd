"""Thumb machine code for tests, by instruction text; the bytes stand in tests/data/thumb_code.json.

They come from arm-none-eabi-as, one instruction at a time, so the tests need no assembler. Running
them with MCUSIM_ASSEMBLE=1 adds what is missing; test_isa.py assembles everything anew where the
assembler is installed.
"""

from __future__ import annotations

import functools
import json
import os
import re
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
    """Assemble each instruction by itself, in a section of its own. Needs arm-none-eabi-as."""
    texts = list(texts)
    lines = [".syntax unified", ".cpu cortex-m7", ".fpu fpv5-d16", ".thumb"]
    for number, text in enumerate(texts):
        lines += [f'.section .one{number},"ax"', text]
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "a.s"), Path(folder, "a.o")
        source.write_text("\n".join(lines) + "\n")
        subprocess.run([ASSEMBLER, str(source), "-o", str(output)], check=True)
        listing = subprocess.run(
            ["arm-none-eabi-objdump", "-s", str(output)],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    result = {}
    for number, data in re.findall(r"section \.one(\d+):\n \w+ ([0-9a-f ]{8,35})  ", listing):
        size = 8 if data[2:4] >= "e8" else 4  # hexadecimal digits; the section is padded
        result[texts[int(number)]] = data.replace(" ", "")[:size]
    return result


def _bytes(instruction: str) -> bytes:
    table = stored()
    if instruction not in table and os.environ.get("MCUSIM_ASSEMBLE"):
        table.update(assemble([instruction]))
        STORE.write_text(json.dumps(dict(sorted(table.items())), indent=0) + "\n")
    return bytes.fromhex(table[instruction])
