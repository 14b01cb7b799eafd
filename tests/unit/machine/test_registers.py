"""Where the engine keeps its registers, and what the core leans on when it works addresses out.

Facts measured on unicorn 2.1.3, as those of test_engine_facts.py.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pytest
import unicorn
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const

from simcore.machine import registers

FLASH, RAM, SIZE = 0x0800_0000, 0x2000_0000, 0x4000
NOWHERE = 0xFFFF_FFFE  # an end address that no program reaches
END = FLASH + 12
#: movs r3, #3; 1: ldr r0, [r1]; adds r1, #4; subs r3, #1; bne 1b; udf #0
CODE = bytes.fromhex("0323 0868 0431 013b fbd1 00de")
LOOP = FLASH + 2
READ = uc_const.UC_HOOK_MEM_READ
HERE = pytest.mark.skipif(
    registers.find_registers(unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB)) == 0,
    reason="here the engine's registers are not found, and each access is told by the engine",
)


def engine() -> unicorn.Uc:
    made = unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB, arm.UC_CPU_ARM_CORTEX_M7)
    for base in (FLASH, RAM):
        made.mem_map(base, SIZE)
    made.mem_write(FLASH, CODE)
    made.reg_write(arm.UC_ARM_REG_R1, RAM)
    return made


@pytest.fixture
def uc() -> unicorn.Uc:
    return engine()


def shown(address: int) -> list[int]:
    return list((ctypes.c_uint32 * 15).from_address(address))


@HERE
def test_registers_are_found_and_left_as_they_were(uc: unicorn.Uc) -> None:
    found = registers.find_registers(uc)
    assert uc.reg_read(arm.UC_ARM_REG_R1) == RAM
    uc.reg_write(arm.UC_ARM_REG_SP, RAM + 8)
    assert (shown(found)[1], shown(found)[13]) == (RAM, RAM + 8)


@HERE
def test_in_the_block_hook_they_show_what_the_block_begins_with(uc: unicorn.Uc) -> None:
    found, seen = registers.find_registers(uc), []
    uc.hook_add(uc_const.UC_HOOK_BLOCK, lambda *_: seen.append((shown(found)[1], shown(found)[3])))
    uc.emu_start(FLASH | 1, END - 2)
    assert seen == [(RAM, 0), (RAM + 4, 2), (RAM + 8, 1)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("_CPU", 432), ("_CPU", 0), ("_REGISTERS", 41716), ("_REGISTERS", 1 << 62)],
)
def test_another_layout_is_noticed(
    uc: unicorn.Uc, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    monkeypatch.setattr(registers, name, value)
    assert registers.find_registers(uc) == 0
    assert uc.reg_read(arm.UC_ARM_REG_R1) == RAM


def test_another_version_is_not_looked_into(
    uc: unicorn.Uc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unicorn, "__version__", "2.1.4")
    assert registers.find_registers(uc) == 0


def test_what_is_translated_while_no_hook_of_reads_is_there_is_not_heard_later() -> None:
    """A hook is gone when the engine has stopped behind a hook in which it was deleted.

    Deleted while the engine does not run it stays in the list for one more run. What was translated
    without goes the fast way for good: a hook that is there again hears of a page that is new to
    the TLB, which is empty when the engine starts, and of nothing else.
    """
    uc, heard = engine(), []
    stops: list[bool] = []  # in front of the loop's second turn, and whether the hook is deleted

    def note(_uc: unicorn.Uc, _kind: int, address: int, *_: object) -> None:
        heard.append(address - RAM)

    def reads() -> list[int]:
        heard.clear()
        uc.reg_write(arm.UC_ARM_REG_R1, RAM)
        with suppress(unicorn.UcError):  # UDF, which Unicorn refuses
            uc.emu_start(FLASH | 1, NOWHERE)
        return list(heard)

    def stop(*_: object) -> None:
        if stops:
            if stops.pop():
                uc.hook_del(hook)
            uc.emu_stop()

    hook = uc.hook_add(READ, note)
    assert reads() == [0, 4, 8]
    uc.hook_del(hook)
    uc.ctl_remove_cache(FLASH, END)
    assert reads() == []
    hook = uc.hook_add(READ, note)
    assert reads() == [0, 4, 8]
    uc.hook_add(uc_const.UC_HOOK_BLOCK, stop, begin=LOOP, end=LOOP)
    uc.ctl_remove_cache(FLASH, END)
    stops.append(True)
    assert reads() == [0]
    uc.ctl_remove_cache(FLASH, END)
    stops.append(False)
    assert reads() == []
    hook = uc.hook_add(READ, note)
    assert reads() == [0]
