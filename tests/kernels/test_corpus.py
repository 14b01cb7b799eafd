"""The programs of kernels/corpus compute what they should, and are the ones of the kept table."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from scripts.bench import CORPUS, STRAIGHT, STRAIGHT_LIMITS
from scripts.validation import corpus
from scripts.validation.corpus import KEPT, PART, chosen, parts_of
from simcore.elf import load_image
from simcore.run.setup import load_setup
from simcore.simulation.live import simulate_many
from simcore.simulation.simulation import scheduled_instructions
from tests.kernels.corpus_reference import (
    JUDGES,
    aes_encrypt,
    chacha20_block,
    complaint,
    curve_multiple,
)
from tests.shared import Asked, finished

ELVES = chosen(())
SHOWN_BY_O2 = pytest.mark.exhaustive  # the other levels
MOST_INSTRUCTIONS = 2_000_000  # of a whole run

#: Operation and level of a row of the first kept table, and its instructions.
ROW = re.compile(r"^\| (\w+) +\| (\w+) +\| +(\d+) \|", re.M)


def kept_tables() -> str:
    return parts_of(KEPT.read_text(encoding="utf-8"))[1]


def kept_instructions() -> dict[tuple[str, str], int]:
    return {(row[1], row[2]): int(row[3]) for row in ROW.finditer(kept_tables())}


def operations_of(elf: Path) -> set[str]:
    return {name for name in JUDGES if f"\0{name}\0".encode() in elf.read_bytes()}


each_elf = pytest.mark.parametrize(
    "elf",
    [
        pytest.param(elf, id=elf.stem, marks=() if elf.stem.endswith("_O2") else SHOWN_BY_O2)
        for elf in ELVES
    ],
)


@each_elf
def test_every_operation_has_the_right_result(elf: Path) -> None:
    printed = finished(Asked(elf, PART)).output.decode("ascii")
    lines = [line.split(" ") for line in printed.splitlines()]
    complaints = {name: complaint(name, bytes.fromhex(digits)) for name, digits in lines}
    assert complaints
    assert not any(complaints.values()), complaints


@each_elf
def test_instructions_are_those_of_the_kept_table(elf: Path) -> None:
    # scripts/validate corpus --write renews it, after scripts/build-kernels.
    profile = finished(Asked(elf, PART)).profile
    level = elf.stem.rpartition("_")[2]
    kept = kept_instructions()
    assert profile.totals.instructions < MOST_INSTRUCTIONS
    assert profile.ops
    for op in profile.ops:
        assert op.invocations == 1
        assert op.instructions == kept[op.name, level], op.name


def test_the_kept_table_has_every_operation_at_every_level() -> None:
    levels: dict[str, set[str]] = {"O2": set(), "O3": set(), "Os": set(), "unrolled": set()}
    for elf in ELVES:
        levels[elf.stem.rpartition("_")[2]] |= operations_of(elf)
    assert levels["O2"] == levels["O3"] == levels["Os"] == JUDGES.keys()
    assert set(kept_instructions()) == {(name, level) for level in levels for name in levels[level]}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "aes_unrolled" else pytest.mark.exhaustive)
        for name, _ in STRAIGHT
    ],
)
def test_scheduling_grows_with_the_code_that_runs(name: str) -> None:
    # scripts/bench --straight has the same limit after millions of instructions.
    (simulation,) = simulate_many(load_image(str(CORPUS / f"{name}.elf")), [load_setup(PART)])
    scheduled, different = scheduled_instructions(simulation.result)
    assert (
        0 < scheduled <= different * STRAIGHT_LIMITS["scheduled per instruction of straight code"]
    )


@pytest.mark.parametrize("repeat", [0, 3])
def test_operations_run_as_often_as_they_are_told_and_once_marked(repeat: int) -> None:
    elf = next(elf for elf in ELVES if elf.stem == "chacha20_O2")
    once, often = (finished(Asked(elf, PART, args)) for args in ((), (f"repeat={repeat}",)))
    assert often.output == once.output
    (before,), (after,) = once.profile.ops, often.profile.ops
    assert (after.invocations, after.instructions) == (1, before.instructions)
    more = often.profile.totals.instructions - once.profile.totals.instructions
    assert abs(more - (repeat - 1) * before.instructions) < 1000


@pytest.mark.exhaustive
def test_the_kept_tables_are_those_of_a_fresh_run() -> None:
    # scripts/validate corpus --write renews them.
    fresh = corpus.tables(ELVES, corpus.mechanism_settings())
    assert kept_tables() == fresh


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_a_wrong_result_is_noticed(name: str) -> None:
    elf = next(elf for elf in ELVES if elf.stem.endswith("_O2") and name in operations_of(elf))
    printed = finished(Asked(elf, PART)).output.decode("ascii")
    (digits,) = re.findall(rf"^{name} (\w+)$", printed, re.M)
    result = bytearray.fromhex(digits)
    result[2] ^= 0x40
    assert complaint(name, bytes(result))


def test_the_references_give_published_examples() -> None:
    # FIPS 197 C.1, RFC 8439 2.3.2 and RFC 7748 5.2: the scalar 9, clamped, and the base point.
    blocks = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert aes_encrypt(bytes(range(16)), blocks).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"
    place = bytes.fromhex("01000000 00000009 0000004a 00000000")
    initial = struct.unpack("<16I", b"expand 32-byte k" + bytes(range(32)) + place)
    stream = struct.pack("<16I", *chacha20_block(initial))
    assert stream[:16].hex() == "10f1e7e4d13b5915500fdd1fa32071c4"
    multiple = curve_multiple(2**254 + 8, 9).to_bytes(32, "little")
    assert multiple.hex() == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
