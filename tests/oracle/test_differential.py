"""Random Thumb-2 programs end in the same state as under qemu-system-arm; what bisecting names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.oracle import differential, random_programs
from tests.oracle.differential import Difference, differences, miscounted
from tests.oracle.qemu import QEMU, Counts, counted_by_qemu
from tests.tools import needs


@pytest.fixture(autouse=True)
def _tools(arm_gcc: Callable[..., Path]) -> None:
    needs(QEMU, QEMU)


def test_random_programs_end_in_the_state_of_qemu(tmp_path: Path) -> None:
    assert differences(tmp_path, range(200)) == []


def test_executions_accesses_and_bytes_are_those_that_a_plugin_of_qemu_counts(
    tmp_path: Path,
) -> None:
    bad, instructions = miscounted(tmp_path, range(200))
    assert bad == []
    assert instructions > 300_000


def test_what_is_counted_otherwise_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One access and one instruction more than QEMU counts; its bytes, which no row holds."""

    def spoilt(elf: Path, folder: Path) -> dict[int, Counts]:
        counts = counted_by_qemu(elf, folder)
        at, one = next((at, one) for at, one in counts.items() if one.reads)
        counts[at] = replace(one, reads=one.reads - 1, executions=one.executions - 1, read_bytes=0)
        return counts

    monkeypatch.setattr(differential, "counted_by_qemu", spoilt)
    bad, _ = miscounted(tmp_path, range(2))
    assert [line.split()[-4] for line in bad] == ["executions,", "reads,", "read_bytes,"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", [10_000, 11_000])
def test_more_random_programs_end_in_the_state_of_qemu(tmp_path: Path, first: int) -> None:
    assert differences(tmp_path, range(first, first + 1_000)) == []


def test_the_first_step_that_differs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QEMU is given programs whose ADDW are SUBW: the first of one is what is named."""
    original = random_programs.assembly

    def spoilt(elf: Path) -> list[str]:
        folder = elf.parent / "spoilt"
        folder.mkdir(exist_ok=True)
        source = (elf.parent / "programs.S").read_text().replace(" addw ", " subw ")
        monkeypatch.setattr(differential, "assembly", lambda _: source)
        wrong = differential.built(folder, [])
        monkeypatch.setattr(differential, "assembly", original)
        return own(wrong)

    own = differential.of_qemu
    monkeypatch.setattr(differential, "of_qemu", spoilt)
    found = differences(tmp_path, range(40))
    assert found
    assert all("addw" in one.step for one in found)
    assert isinstance(found[0], Difference)


def test_an_it_block_over_the_end_of_a_page_leaves_nothing_of_the_next_block_out(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    """The engine cuts blocks at 1 KiB: the block behind begins inside of an IT block, and what it
    predicates later is counted. 0x400 is one such end; 8 of 16 predicated loads run.
    """
    from simcore import profile

    source = tmp_path / "a.S"
    skipped = "it ne\n ldrne r2, [r1, #1]\n it eq\n ldreq r2, [r1, #1]\n" * 8
    source.write_text(
        '.syntax unified\n.thumb\n.section .isr_vector, "a"\n.word 0x20000400, reset\n.text\n'
        ".global reset\n.type reset, %function\nreset: mov r1, #0x20000000\n"
        " b 1f\n .org 0x2f8\n1: cmp r1, r1\n itt eq\n addweq r3, r3, #1\n"
        f" addweq r3, r3, #2\n {skipped} stmia r1!, {{r2, r3}}\n"
        " movs r0, #0x18\n ldr r1, =0x20026\n bkpt 0xab\n b .\n .ltorg\n"
    )
    link = "-Wl,--entry=reset,--section-start=.isr_vector=0,-Ttext=0x100,-Tbss=0x20000000"
    elf = arm_gcc(tmp_path / "a.elf", ["-nostdlib", link, source])
    found = profile(elf, cpu="generic-m7", instructions=True)
    assert found.exit.code == 0
    loads = [row for row in found.instructions or () if row.text.startswith("ldr") and row.reads]
    assert sum(row.reads for row in loads if "[r1" in row.text) == 8
    assert sum(row.writes for row in found.instructions or () if row.text.startswith("stm")) == 2
