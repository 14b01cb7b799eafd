"""Addresses that the memory instructions of a case touch, from its text and its registers.

Registers keep the values that the case gives them, save for base registers, which move with
write-back. That is all a timing case needs: no case computes an address and then another from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

STACK = 0x20008000  # initial SP of a case, bytes; the middle of the smallest DTCM of the parts
_MEMORY = re.compile(r"(v?(?:ldr|str|ldm|stm)\w*|push|pop)(?:\.\w+)* ")


def touches_memory(text: str) -> bool:
    """Whether an instruction is one whose accesses `Registers` knows."""
    return _MEMORY.match(text) is not None


class Registers:
    """Base registers while a case runs."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self._values = {"sp": STACK, **values}

    def accesses(self, text: str) -> list[int]:
        """Byte addresses of the accesses of one instruction in order; moves its base register."""
        found = _MEMORY.match(text)
        if not found:
            return []
        name = found.group(1)
        operands = text[found.end() :]
        if name in ("push", "pop") or name.lstrip("v").startswith(("ldm", "stm")):
            return self._multiple(name, operands)
        return self._single(name, operands)

    def _multiple(self, name: str, operands: str) -> list[int]:
        registers = operands[operands.index("{") :]
        step = 8 if "d" in registers else 4
        count = _count(registers)
        if name == "push":
            self._values["sp"] -= step * count
            start = self._values["sp"]
        elif name == "pop":
            start = self._values["sp"]
            self._values["sp"] += step * count
        else:
            base = operands.split(",")[0].strip()
            start = self._values[base.rstrip("!")]
            if base.endswith("!"):
                self._values[base.rstrip("!")] += step * count
        return [start + step * index for index in range(count)]

    def _single(self, name: str, operands: str) -> list[int]:
        inside, _, after = operands[operands.index("[") + 1 :].partition("]")
        base, *rest = (part.strip() for part in inside.split(","))
        offset = self._value(rest[0]) if rest else 0
        address = self._values[base] + offset
        if after.startswith("!"):
            self._values[base] = address
        elif after.startswith(","):
            self._values[base] += self._value(after[1:])
        double_word = name in ("ldrd", "strd")
        return [address, address + 4] if double_word else [address]

    def _value(self, text: str) -> int:
        return int(text[1:], 0) if text.startswith("#") else self._values[text]


def _count(registers: str) -> int:
    total = 0
    for part in registers.strip("{} ").split(","):
        first, _, last = part.partition("-")
        total += int(last[1:]) - int(first[1:]) + 1 if last else 1
    return total
