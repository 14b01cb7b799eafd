"""records.c: which accesses and instructions of a block happened, by tests/rules/records.toml."""

from __future__ import annotations

from typing import Any

from tests import native
from tests.rule_cases import each_case

HALFWORD = 2  # bytes of every instruction here
NOT_THERE = -1


def facts(case: dict[str, Any], keep: list[Any]) -> Any:
    """struct block_static of a case; what it points to goes into `keep`."""
    ffi, lib = native.load()
    exclusive = {"check": lib.EXCLUSIVE_CHECK, "exclusive": lib.EXCLUSIVE_STORE}
    instructions, accesses = case["instructions"], case["accesses"]
    predicated = [kind == "p" for kind in instructions]
    told = [
        {
            "instruction": at,
            "size": 4,
            "is_write": what in ("store", "exclusive"),
            "predicated": predicated[at],
            "exclusive": exclusive.get(what, 0),
        }
        for at, what in accesses
    ]
    keep += [
        ffi.new("uint16_t[]", [at * HALFWORD for at in range(len(instructions))]),
        ffi.new("uint8_t[]", predicated),
        ffi.new("struct access_static[]", told),
    ]
    offsets, flags, access = keep
    return ffi.new(
        "struct block_static *",
        {
            "instructions": len(instructions),
            "accesses": len(accesses),
            "instruction_offsets": offsets,
            "instruction_predicated": flags,
            "access": access,
        },
    )


@each_case("records")
def test_what_was_recorded_is_laid_on_the_block(case: dict[str, Any]) -> None:
    ffi, lib = native.load()
    keep: list[Any] = []
    block = facts(case, keep)
    first, recorded = case.get("first", 0), case["recorded"]
    notes = [(first // HALFWORD + at) << 16 | operand for at, operand in case.get("notes", [])]
    words, told = ffi.new("uint32_t[]", recorded), ffi.new("uint32_t[]", notes)
    execution: dict[str, Any] = {
        "facts": block,
        "first": first,
        "recorded": words,
        "count": len(recorded),
    }
    execution |= {"note": told, "notes": len(notes), "is_split": case.get("split", 0)}
    x = ffi.new("struct execution *", execution)
    ran = ffi.new("uint8_t[]", block.instructions)
    address, present = (
        ffi.new("uint32_t[]", block.accesses),
        ffi.new("uint8_t[]", block.accesses),
    )
    unmatched = ffi.new("uint64_t *")

    lib.records_ran(x, ran)
    last = lib.records_match(x, ran, address, present, unmatched)

    assert "".join(str(flag) for flag in ran) == case["ran"]
    happened = [a if p else NOT_THERE for a, p in zip(address, present, strict=True)]
    assert happened == case["addresses"]
    assert last == case["last"]
    assert unmatched[0] == case.get("unmatched", 0)
    assert lib.records_next_access(x, ran) == case["next"]
