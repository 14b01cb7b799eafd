"""What each instruction of an ELF does to memory, read from the text of `objdump -d` alone.

Conventions, as in docs/model/accuracy.md: a register of LDM, POP, VLDM is an access of its own (4
bytes, or 8 for a double), LDRD is two of 4 bytes, an unaligned access is one, PLD is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.tools import run_tool

OBJDUMP = "arm-none-eabi-objdump"
_LINE = re.compile(r"^ *([0-9a-f]+):\t((?:[0-9a-f]{4} ?){1,2}) *\t(\S+)(?:\t([^@;<]*))?")
_CONDITION = "(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
_SINGLE = re.compile(rf"(ldr|str)(ex)?(s?[bhd])?t?{_CONDITION}")
_SIZES = {"": 4, "b": 1, "sb": 1, "h": 2, "sh": 2, "d": 8}
_MULTIPLE = re.compile(rf"(v?)(push|pop|(ldm|stm)(ia|db|fd|ea)?){_CONDITION}")
_FLOAT = re.compile(rf"v(ldr|str){_CONDITION}")
_IT = re.compile(r"it([te]{0,3})")


@dataclass(frozen=True, slots=True)
class Line:
    """One instruction; accesses in number and bytes, `predicates` is that of an IT instruction."""

    address: int
    size: int
    text: str
    reads: int = 0
    read_bytes: int = 0
    writes: int = 0
    write_bytes: int = 0
    predicates: int = 0


def disassemble(elf: Path) -> dict[int, Line]:
    """The instructions of an ELF by address. Skips, or fails in CI, without the cross binutils."""
    return _lines(_objdump("-d", str(elf)))


def disassemble_bytes(file: Path, address: int) -> dict[int, Line]:
    """The same for Thumb code that a program made at run time."""
    raw = ("-b", "binary", "-m", "arm", "-M", "force-thumb", f"--adjust-vma={address:#x}")
    return _lines(_objdump("-D", *raw, str(file)))


def _objdump(*arguments: str) -> str:
    return run_tool([OBJDUMP, *arguments], "binutils-arm-none-eabi")


def _lines(text: str) -> dict[int, Line]:
    found = {}
    for match in map(_LINE.match, text.splitlines()):
        if match is not None and not match[3].startswith("."):  # .word and the like are data
            address = int(match[1], 16)
            size = len(match[2].replace(" ", "")) // 2
            found[address] = _line(address, size, match[3], (match[4] or "").strip())
    return {address: line for address, line in found.items() if line is not None}


def _line(address: int, size: int, mnemonic: str, operands: str) -> Line | None:
    """None for an access that is not known here, so that running it fails the test."""
    name = mnemonic.removesuffix(".w").removesuffix(".n")
    accesses = _accesses(name, operands)
    if accesses is None:
        return None
    count, width, stores = accesses
    predicates = _IT.fullmatch(name)
    return Line(
        address,
        size,
        f"{mnemonic} {operands}",
        reads=0 if stores else count,
        read_bytes=0 if stores else count * width,
        writes=count if stores else 0,
        write_bytes=count * width if stores else 0,
        predicates=1 + len(predicates[1]) if predicates else 0,
    )


def _accesses(name: str, operands: str) -> tuple[int, int, bool] | None:
    """Number of accesses, bytes of each, and whether they are stores; None if unknown."""
    if name in ("tbb", "tbh"):
        return 1, 1 if name == "tbb" else 2, False
    if match := _SINGLE.fullmatch(name):
        size = _SIZES[match[3] or ""]
        return (2, 4, match[1] == "str") if size == 8 else (1, size, match[1] == "str")
    if match := _FLOAT.fullmatch(name):
        return 1, 8 if operands.startswith("d") else 4, match[1] == "str"
    if match := _MULTIPLE.fullmatch(name):
        registers = _register_list(operands)
        width = 8 if registers[0].startswith("d") else 4
        return len(registers), width, match[2] == "push" or match[3] == "stm"
    # Whatever else has an address in brackets or a list in braces could be an access.
    is_plain = name in ("pld", "pli") or not re.search(r"[\[{]", operands)
    return (0, 0, False) if is_plain else None


def _register_list(operands: str) -> list[str]:
    registers: list[str] = []
    listed = operands[operands.index("{") + 1 : operands.index("}")]
    for part in listed.split(","):
        first, _, last = part.strip().partition("-")
        if not last:
            registers.append(first)
            continue
        numbers = range(int(first[1:]), int(last[1:]) + 1)
        registers += [f"{first[0]}{number}" for number in numbers]
    return registers
