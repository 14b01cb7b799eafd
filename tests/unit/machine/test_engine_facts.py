"""What mcusim relies on in Unicorn, one test a fact, so that an upgrade tells what moved.

The programs are Thumb machine code, written as `arm-none-eabi-as -mcpu=cortex-m7` and
`objcopy -O binary` give it; the expected events were measured on unicorn 2.1.3.
"""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any

import pytest
import unicorn
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const

from tests.tools import GUARD_S

FLASH, RAM, DATA = 0x0800_0000, 0x2000_0000, 0x2000_0100
SHARED = 0x2100_0000
FLASH_SIZE, RAM_SIZE = 0x4000, 0x1_0000
NOWHERE = 0xFFFF_FFFE  # an end address that no program reaches
UDF = "00de"  # udf #0: how the programs end
Event = tuple[Any, ...]


class Engine:
    """A Cortex-M7 with flash and RAM that records what its hooks report."""

    def __init__(self, code: str) -> None:
        self.uc = unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB, arm.UC_CPU_ARM_CORTEX_M7)
        self.uc.mem_map(FLASH, FLASH_SIZE, uc_const.UC_PROT_READ | uc_const.UC_PROT_EXEC)
        self.uc.mem_map(RAM, RAM_SIZE, uc_const.UC_PROT_READ | uc_const.UC_PROT_WRITE)
        self.uc.mem_write(FLASH, bytes.fromhex(code))
        self.uc.reg_write(arm.UC_ARM_REG_SP, RAM + RAM_SIZE)
        self.uc.reg_write(arm.UC_ARM_REG_R2, DATA)
        self.events: list[Event] = []
        self.error = uc_const.UC_ERR_OK

    def record(self, kinds: int = uc_const.UC_HOOK_BLOCK) -> Engine:
        """Note blocks ("block", offset, size), code ("code", offset), reads and writes."""
        if kinds & uc_const.UC_HOOK_BLOCK:
            self.uc.hook_add(
                uc_const.UC_HOOK_BLOCK,
                lambda uc, address, size, data: self.events.append(
                    ("block", address - FLASH, size)
                ),
            )
        if kinds & uc_const.UC_HOOK_CODE:
            self.uc.hook_add(
                uc_const.UC_HOOK_CODE,
                lambda uc, address, size, data: self.events.append(("code", address - FLASH)),
            )
        if kinds & uc_const.UC_HOOK_MEM_READ:
            self.uc.hook_add(
                uc_const.UC_HOOK_MEM_READ | uc_const.UC_HOOK_MEM_WRITE,
                lambda uc, access, address, size, value, data: self.events.append(
                    ("read" if access == uc_const.UC_MEM_READ else "write", address - DATA, size)
                ),
            )
        return self

    def on_interrupt(self, action: Any) -> Engine:
        """Call action(number, pc) in the interrupt hook."""
        self.uc.hook_add(
            uc_const.UC_HOOK_INTR,
            lambda uc, number, data: action(number, uc.reg_read(arm.UC_ARM_REG_PC)),
        )
        return self

    def stop_at_interrupt(self) -> Engine:
        """Note (number, pc) of the interrupt hook and stop there."""

        def note_and_stop(number: int, pc: int) -> None:
            self.events.append((number, pc))
            self.uc.emu_stop()

        return self.on_interrupt(note_and_stop)

    def run(self, offset: int = 0) -> Engine:
        """Run until the engine returns; an error is kept in self.error."""
        try:
            self.uc.emu_start((FLASH + offset) | 1, NOWHERE)
        except unicorn.UcError as error:
            self.error = error.errno
        return self

    def register(self, number: int) -> int:
        value = self.uc.reg_read(number)
        assert isinstance(value, int)
        return value

    @property
    def pc(self) -> int:
        """Offset of PC from the start of the code."""
        return self.register(arm.UC_ARM_REG_PC) - FLASH


ALL_HOOKS = uc_const.UC_HOOK_BLOCK | uc_const.UC_HOOK_CODE | uc_const.UC_HOOK_MEM_READ


def accesses(code: str) -> list[Event]:
    """The reads and writes of one run of the code."""
    engine = Engine(code + UDF).record(uc_const.UC_HOOK_MEM_READ).run()
    return engine.events


def test_the_engine_is_the_version_the_facts_were_measured_on() -> None:
    assert unicorn.__version__ == "2.1.3"


def test_thumb_mode_gives_a_cortex_m7() -> None:
    assert Engine(UDF).uc.ctl_get_cpu_model() == arm.UC_CPU_ARM_CORTEX_M7


def test_mclass_mode_gives_a_cortex_m33_unasked() -> None:
    uc = unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB | uc_const.UC_MODE_MCLASS)
    assert uc.ctl_get_cpu_model() == arm.UC_CPU_ARM_CORTEX_M33


def test_hooks_come_in_the_order_block_code_memory() -> None:
    # ldr r1,[r2]; udf
    events = Engine("1168" + UDF).record(ALL_HOOKS).run().events
    assert events == [("block", 0, 4), ("code", 0), ("read", 0, 4), ("code", 2)]


def test_a_block_ends_behind_a_conditional_branch_that_is_not_taken() -> None:
    # cmp r0,r0; bne +4; nop; nop; udf
    events = Engine("8042 00d1 00bf 00bf" + UDF).record().run().events
    assert events == [("block", 0, 4), ("block", 4, 6)]


def test_a_block_ends_at_the_page_end() -> None:
    engine = Engine("")
    engine.uc.mem_write(FLASH + 0x3FC, bytes.fromhex("00bf 00bf 00bf" + UDF))
    assert engine.record().run(0x3FC).events == [("block", 0x3FC, 4), ("block", 0x400, 4)]


def test_an_instruction_over_a_page_end_stays_in_the_block_before_it() -> None:
    engine = Engine("")
    engine.uc.mem_write(FLASH + 0x3FE, bytes.fromhex("d2f8 0010" + UDF))  # ldr.w r1,[r2]
    assert engine.record().run(0x3FE).events == [("block", 0x3FE, 4), ("block", 0x402, 2)]


def test_straight_code_is_one_block_up_to_a_page_of_1024_bytes() -> None:
    events = Engine("00bf" * 600 + UDF).record().run().events  # nop
    assert events == [("block", 0, 1024), ("block", 1024, 178)]


def test_an_it_skipped_instruction_has_no_code_hook_and_no_memory_hook() -> None:
    # cmp r0,r0; it ne; ldrne r1,[r2]; ldr r1,[r2]; udf
    events = Engine("8042 18bf 1168 1168" + UDF).record(ALL_HOOKS).run().events
    assert events == [
        ("block", 0, 10),
        ("code", 0),
        ("code", 2),
        ("code", 6),
        ("read", 0, 4),
        ("code", 8),
    ]


def test_loads_inside_an_it_block_that_run_are_reported_and_do_not_stop_the_engine() -> None:
    # cmp r0,r0; ittt eq; three times ldreq r1,[r2]; unicorn 2.1.4 stops here (issue 2309)
    engine = Engine("8042 02bf 1168 1168 1168" + UDF).record(uc_const.UC_HOOK_MEM_READ).run()
    assert engine.events == [("read", 0, 4)] * 3
    assert engine.pc == 10


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("92e8 7000", [("read", 0, 4), ("read", 4, 4), ("read", 8, 4)]),  # ldmia r2,{r4,r5,r6}
        ("d2e9 0045", [("read", 0, 4), ("read", 4, 4)]),  # ldrd r4,r5,[r2]
        ("c2e9 0045", [("write", 0, 4), ("write", 4, 4)]),  # strd r4,r5,[r2]
        ("92ec 040b", [("read", 0, 8), ("read", 8, 8)]),  # vldmia r2,{d0-d1}
        ("92ec 030a", [("read", 0, 4), ("read", 4, 4), ("read", 8, 4)]),  # vldmia r2,{s0-s2}
        ("d2f8 0110", [("read", 1, 4)]),  # ldr r1,[r2,#1]: unaligned stays one access
        ("92f8 00f0", []),  # pld [r2]
    ],
    ids=["ldm", "ldrd", "strd", "vldm-double", "vldm-single", "unaligned", "pld"],
)
def test_accesses_are_reported_in_these_pieces(code: str, expected: list[Event]) -> None:
    assert accesses(code) == expected


def test_push_writes_one_word_per_register_from_the_lowest_address_up() -> None:
    sp = RAM + RAM_SIZE - DATA
    # push {r4,r5,lr}
    assert accesses("30b5") == [("write", sp - 12 + 4 * i, 4) for i in range(3)]


def test_tbb_reads_one_byte() -> None:
    engine = Engine("d2e8 03f0" + UDF).record(uc_const.UC_HOOK_MEM_READ).run()  # tbb [r2,r3]
    assert engine.events == [("read", 0, 1)]


def test_a_strex_that_succeeds_reports_a_read_and_then_a_write() -> None:
    # ldrex r1,[r2]; strex r3,r4,[r2]
    assert accesses("52e8 001f 42e8 0043") == [("read", 0, 4), ("read", 0, 4), ("write", 0, 4)]


def test_a_strex_that_fails_reports_nothing() -> None:
    assert accesses("42e8 0043") == []  # strex r3,r4,[r2] without an ldrex


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("0368", []),  # ldr r3,[r0]: a read of unmapped memory is not reported
        ("0360", [("write", 0x3000_0000 - DATA, 4)]),  # str r3,[r0]: a write is
        ("0b60", [("write", FLASH - DATA, 4)]),  # str r3,[r1]: so is one to read-only memory
        ("d7f8 0230", [("read", RAM + RAM_SIZE - 2 - DATA, 4)]),  # ldr r3,[r7,#2]: the part before
    ],
    ids=["read", "write", "read-only", "over-the-end"],
)
def test_of_accesses_that_fault_only_writes_are_reported(code: str, expected: list[Event]) -> None:
    engine = Engine(code).record(uc_const.UC_HOOK_MEM_READ)
    engine.uc.reg_write(arm.UC_ARM_REG_R0, 0x3000_0000)
    engine.uc.reg_write(arm.UC_ARM_REG_R1, FLASH)
    engine.uc.reg_write(arm.UC_ARM_REG_R7, RAM + RAM_SIZE - 4)
    assert engine.run().events == expected
    assert engine.error != uc_const.UC_ERR_OK


def test_pc_after_a_memory_fault_is_only_that_of_the_block() -> None:
    # nop; nop; ldr r3,[r0]: the core has to find the instruction by counting accesses
    engine = Engine("00bf 00bf 0368").record(uc_const.UC_HOOK_MEM_READ)
    engine.uc.reg_write(arm.UC_ARM_REG_R0, 0x3000_0000)
    assert engine.run().error == uc_const.UC_ERR_READ_UNMAPPED
    assert engine.pc == 0


def test_the_engine_has_a_finalizer_that_frees_it_at_once() -> None:
    engine = Engine(UDF)
    engine.uc._Uc__finalizer()
    assert not engine.uc._Uc__finalizer.alive


def test_unaligned_ldrd_is_not_refused_by_the_engine() -> None:
    # adds r2,#2; ldrd r4,r5,[r2]: a UsageFault on the chip, so the core has to look
    engine = Engine("0232 d2e9 0045" + UDF).run()
    assert engine.pc == 6


def test_a_divide_by_zero_gives_zero() -> None:
    # movs r0,#0; movs r1,#1; udiv r3,r1,r0: the core has to watch CCR.DIV_0_TRP
    engine = Engine("0020 0121 b1fb f0f3" + UDF).run()
    assert (engine.register(arm.UC_ARM_REG_R3), engine.pc) == (0, 8)


def test_a_stop_asked_for_in_the_block_hook_ends_exactly_before_that_block() -> None:
    # movs r0,#1; b +0; movs r0,#2; udf
    engine = Engine("0120 ffe7 0220" + UDF)
    engine.uc.hook_add(
        uc_const.UC_HOOK_BLOCK,
        lambda uc, address, size, data: uc.emu_stop() if address == FLASH + 4 else None,
    )
    engine.run()
    assert (engine.pc, engine.register(arm.UC_ARM_REG_R0)) == (4, 1)
    assert engine.error == uc_const.UC_ERR_OK


def test_bkpt_is_interrupt_7_with_pc_at_the_bkpt() -> None:
    engine = Engine("0120 abbe").stop_at_interrupt().run()  # movs r0,#1; bkpt 0xab
    assert engine.events == [(7, FLASH + 2)]
    assert (engine.pc, engine.error) == (2, uc_const.UC_ERR_OK)


def test_a_pc_written_in_the_interrupt_hook_is_where_the_run_goes_on() -> None:
    # movs r0,#1; bkpt 0xab; adds r0,#2; udf
    engine = Engine("0120 abbe 0230" + UDF).record()
    engine.on_interrupt(
        lambda number, pc: engine.uc.reg_write(arm.UC_ARM_REG_PC, (pc + 2) | 1)
    ).run()
    assert engine.register(arm.UC_ARM_REG_R0) == 3
    assert engine.events == [("block", 0, 4), ("block", 4, 4)]


def test_bkpt_inside_an_it_block_leaves_its_own_it_state_in_xpsr() -> None:
    # cmp r0,r0; itete eq; bkpt 0xab: its ITSTATE is 0x0b, held in XPSR[15:10] and [26:25]
    engine = Engine("8042 0bbf abbe").stop_at_interrupt().run()
    assert engine.register(arm.UC_ARM_REG_XPSR) & 0x0600_FC00 == 0x0600_0800


def test_an_it_state_written_to_xpsr_in_the_interrupt_hook_holds_for_the_next_instruction() -> None:
    # cmp r0,r0; itete eq; bkpt 0xab; addne r0,#1; addeq r0,#2; addne r0,#4; udf
    engine = Engine("8042 0bbf abbe 0130 0230 0430" + UDF)

    def step_over(number: int, pc: int) -> None:
        # behind the BKPT ITSTATE is 0x16: [7:2] = 5 in XPSR[15:10], [1:0] = 2 in XPSR[26:25]
        flags = engine.register(arm.UC_ARM_REG_XPSR) & ~0x0600_FC00
        engine.uc.reg_write(arm.UC_ARM_REG_XPSR, flags | 5 << 10 | 2 << 25)
        engine.uc.reg_write(arm.UC_ARM_REG_PC, (pc + 2) | 1)

    engine.on_interrupt(step_over).run()
    assert (engine.register(arm.UC_ARM_REG_R0), engine.pc) == (2, 12)


def test_svc_is_interrupt_2_with_pc_behind_it() -> None:
    assert Engine("05df").stop_at_interrupt().run().events == [(2, FLASH + 2)]  # svc #5


@pytest.mark.parametrize("handler_mode", [False, True])
def test_a_branch_to_an_exc_return_value_is_interrupt_3_and_returns_nothing(
    handler_mode: bool,
) -> None:
    engine = Engine("7047").stop_at_interrupt()  # bx lr
    engine.uc.reg_write(arm.UC_ARM_REG_LR, 0xFFFF_FFF9)
    if handler_mode:
        engine.uc.reg_write(arm.UC_ARM_REG_XPSR, 0x0100_000B)
    engine.run()
    assert engine.events == [(3, 0xFFFF_FFF8)]
    assert engine.register(arm.UC_ARM_REG_SP) == RAM + RAM_SIZE


def test_an_exception_number_written_to_xpsr_switches_to_the_main_stack() -> None:
    engine = Engine(UDF)
    engine.uc.reg_write(arm.UC_ARM_REG_PSP, RAM + 0x800)
    engine.uc.reg_write(arm.UC_ARM_REG_CONTROL, 2)
    assert engine.register(arm.UC_ARM_REG_SP) == RAM + 0x800
    engine.uc.reg_write(arm.UC_ARM_REG_XPSR, 0x0100_000B)
    assert engine.register(arm.UC_ARM_REG_SP) == RAM + RAM_SIZE
    assert engine.register(arm.UC_ARM_REG_IPSR) == 11


def test_control_spsel_cannot_be_written_in_handler_mode() -> None:
    engine = Engine(UDF)
    engine.uc.reg_write(arm.UC_ARM_REG_CONTROL, 2)
    engine.uc.reg_write(arm.UC_ARM_REG_XPSR, 0x0100_000B)
    engine.uc.reg_write(arm.UC_ARM_REG_CONTROL, 0)
    assert engine.register(arm.UC_ARM_REG_CONTROL) == 2


def test_control_cannot_be_written_by_unprivileged_code_not_even_from_outside() -> None:
    engine = Engine(UDF)
    engine.uc.reg_write(arm.UC_ARM_REG_CONTROL, 1)
    engine.uc.reg_write(arm.UC_ARM_REG_CONTROL, 0)
    assert engine.register(arm.UC_ARM_REG_CONTROL) == 1


def test_an_fp_instruction_sets_control_fpca() -> None:
    # vadd.f32 s0,s0,s0; mrs r0,control
    engine = Engine("30ee 000a eff3 1480" + UDF).run()
    assert engine.register(arm.UC_ARM_REG_R0) == 4


def test_fixed_point_becomes_floating_point_by_the_rounding_of_fpscr() -> None:
    """The chip rounds to nearest whatever FPSCR says: DDI0403, VCVT (floating-point, fixed-point).

    docs/model/pipeline.md lists it; scripts/validate differential leaves these out.
    """
    # vmsr fpscr, r0; vmov s0, r1; vcvt.f32.u32 s0, s0, #25; vmov r3, s0
    engine = Engine("e1ee 100a 00ee 101a bbee e30a 10ee 103a" + UDF)
    engine.uc.reg_write(arm.UC_ARM_REG_R0, 0b01 << 22)  # towards plus infinity
    engine.uc.reg_write(arm.UC_ARM_REG_R1, (1 << 24) + 1)
    engine.run()
    assert engine.register(arm.UC_ARM_REG_R3) == 0x3F00_0001  # to nearest even: 0x3F00_0000


def test_wfi_returns_silently_with_pc_behind_it() -> None:
    engine = Engine("30bf" + UDF).run()
    assert (engine.pc, engine.error) == (2, uc_const.UC_ERR_OK)


def test_wfe_is_a_false_invalid_instruction_with_pc_behind_it() -> None:
    engine = Engine("20bf" + UDF).run()
    assert (engine.pc, engine.error) == (2, uc_const.UC_ERR_INSN_INVALID)


def test_an_undefined_instruction_leaves_pc_at_itself() -> None:
    engine = Engine("00bf" + UDF).run()
    assert (engine.pc, engine.error) == (2, uc_const.UC_ERR_INSN_INVALID)


def test_a_branch_to_arm_state_is_an_invalid_instruction_at_its_target() -> None:
    engine = Engine("7047")  # bx lr
    engine.uc.reg_write(arm.UC_ARM_REG_LR, FLASH + 4)
    engine.run()
    assert (engine.pc, engine.error) == (4, uc_const.UC_ERR_INSN_INVALID)
    assert engine.register(arm.UC_ARM_REG_XPSR) & 0x0100_0000 == 0


def test_a_jump_to_unmapped_memory_leaves_pc_at_the_target() -> None:
    engine = Engine("7047")  # bx lr
    engine.uc.reg_write(arm.UC_ARM_REG_LR, 0x3000_0001)
    engine.run()
    assert (engine.pc + FLASH, engine.error) == (0x3000_0000, uc_const.UC_ERR_FETCH_UNMAPPED)


def test_primask_basepri_and_msp_can_be_written_and_read() -> None:
    # cpsid i; mrs r0,primask; cpsie i; mrs r1,primask; movs r2,#32; msr basepri,r2;
    # mrs r3,basepri; mrs r4,msp
    engine = Engine("72b6 eff3 1080 62b6 eff3 1081 2022 82f3 1188 eff3 1183 eff3 0884" + UDF).run()
    found = [
        engine.register(register)
        for register in (
            arm.UC_ARM_REG_R0,
            arm.UC_ARM_REG_R1,
            arm.UC_ARM_REG_R3,
            arm.UC_ARM_REG_R4,
        )
    ]
    assert found == [1, 0, 32, RAM + RAM_SIZE]


def test_a_stop_from_another_thread_ends_an_endless_loop() -> None:
    # adds r0,#1; str r0,[r2]; b .-4; the word lies in memory of the host
    engine, count = Engine("0130 1060 fce7"), (ctypes.c_uint32 * 1024)()
    engine.uc.mem_map_ptr(SHARED, 4096, uc_const.UC_PROT_WRITE, ctypes.addressof(count))
    engine.uc.reg_write(arm.UC_ARM_REG_R2, SHARED)
    worker = threading.Thread(target=engine.run, daemon=True)
    worker.start()
    until = time.monotonic() + GUARD_S
    while count[0] < 1000:
        assert time.monotonic() < until
    engine.uc.emu_stop()
    worker.join(GUARD_S)
    assert not worker.is_alive()
    assert engine.pc in (0, 2, 4)
    assert engine.register(arm.UC_ARM_REG_R0) >= 1000


def test_the_system_control_space_is_not_there_until_it_is_mapped() -> None:
    # ldr r1,[r2] with r2 at SCB.CPUID
    engine = Engine("1168" + UDF)
    engine.uc.reg_write(arm.UC_ARM_REG_R2, 0xE000_ED00)
    assert engine.run().error == uc_const.UC_ERR_READ_UNMAPPED


@pytest.mark.parametrize("largest_first", [True, False])
def test_memory_mapped_behind_smaller_memory_makes_stores_translate_code_again(
    largest_first: bool,
) -> None:
    """Why machine/engine.py maps the largest region first.

    The loop's page in flash and the page that it stores to are as far into their regions.
    """
    regions = [(SHARED, 0x1000), (FLASH, FLASH_SIZE), (RAM, RAM_SIZE)]
    uc = unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB, arm.UC_CPU_ARM_CORTEX_M7)
    for base, size in sorted(regions, key=lambda region: -region[1] if largest_first else 0):
        uc.mem_map(base, size, uc_const.UC_PROT_ALL)
    uc.mem_write(FLASH, bytes.fromhex(f"0860 013b fcd1 {UDF}"))  # str r0, [r1]; subs r3, #1; bne
    uc.reg_write(arm.UC_ARM_REG_R1, RAM)
    uc.reg_write(arm.UC_ARM_REG_R3, 100)
    translated: list[int] = []
    uc.hook_add(
        uc_const.UC_HOOK_EDGE_GENERATED, lambda uc, now, before, data: translated.append(now.pc)
    )
    uc.emu_start(FLASH | 1, FLASH + 6)
    assert uc.reg_read(arm.UC_ARM_REG_R3) == 0
    assert (len(translated) < 5) == largest_first, len(translated)


def test_a_write_hook_comes_before_the_store_and_engines_share_the_memory_of_the_host() -> None:
    # What turns of a loop that are tried on a second engine store can be undone (machine/trial.py).
    buffer = (ctypes.c_char * RAM_SIZE)()
    before: list[int] = []
    engines = []
    for _ in range(2):
        uc = unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB, arm.UC_CPU_ARM_CORTEX_M7)
        uc.mem_map(FLASH, FLASH_SIZE)
        uc.mem_map_ptr(SHARED, RAM_SIZE, uc_const.UC_PROT_ALL, ctypes.addressof(buffer))
        uc.mem_write(FLASH, bytes.fromhex("1368013313604ff0" + "0000"))  # ldr, adds, str
        uc.reg_write(arm.UC_ARM_REG_R2, SHARED)
        uc.hook_add(
            uc_const.UC_HOOK_MEM_WRITE, lambda uc, *_: before.append(uc.mem_read(SHARED, 1)[0])
        )
        engines.append(uc)
    for uc in (*engines, *engines):
        uc.emu_start(FLASH | 1, FLASH + 6)
    assert before == [0, 1, 2, 3]
    assert buffer[0] == b"\x04"


# --- what exceptions lean on -------------------------------------------------------------

#: adds r0,#1; adds r1,#1; adds r0,#1; adds r1,#1; udf
COUNTING = "0130 0131 0130 0131" + UDF


def run_until(engine: Engine, offset: int, *, anew: bool) -> Engine:
    """Run the code from its start to an offset, translated anew or as the engine keeps it."""
    if anew:
        engine.uc.ctl_remove_cache(FLASH, FLASH + 16)
    engine.error = uc_const.UC_ERR_OK
    try:
        engine.uc.emu_start(FLASH | 1, FLASH + offset)
    except unicorn.UcError as error:
        engine.error = error.errno
    return engine


def test_an_end_inside_a_block_holds_only_in_code_that_is_translated_anew() -> None:
    engine = Engine(COUNTING).record().run()
    assert run_until(engine, 4, anew=False).pc == 8
    engine.events.clear()
    assert run_until(engine, 4, anew=True).pc == 4
    assert engine.events == [("block", 0, 4)]


@pytest.mark.parametrize(("offset", "state"), [(4, 0x08), (6, 0x14), (8, 0x0C), (10, 0x18)])
def test_an_end_inside_an_it_block_leaves_its_it_state_and_goes_on_with_it(
    offset: int, state: int
) -> None:
    # cmp r0,r0; itete eq; addeq r4,#1; addne r4,#2; addeq r4,#4; addne r4,#8; udf
    engine = Engine("8042 0bbf 0134 0234 0434 0834" + UDF)
    run_until(engine, offset, anew=True)
    assert engine.pc == offset
    assert engine.register(arm.UC_ARM_REG_XPSR) >> 8 & 0xFC == state & 0xFC
    engine.uc.ctl_remove_cache(FLASH, FLASH + 16)
    assert engine.run(offset).register(arm.UC_ARM_REG_R4) == 5


def test_at_an_access_fault_registers_are_those_in_front_of_its_instruction() -> None:
    # adds r4,#1; ldr r3,[r0],#4; adds r4,#1
    engine = Engine("0134 50f8 043b 0134" + UDF)
    engine.uc.reg_write(arm.UC_ARM_REG_R0, 0x3000_0000)
    engine.run()
    found = [engine.register(r) for r in (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R4)]
    assert found == [0x3000_0000, 1]


def test_at_an_access_fault_in_an_it_block_its_it_state_is_not_in_xpsr() -> None:
    # cmp r0,r0; ittt eq; addeq r4,#1; ldreq r3,[r0]: the core works it out
    engine = Engine("8042 02bf 0134 0368" + UDF)
    engine.uc.reg_write(arm.UC_ARM_REG_R0, 0x3000_0000)
    engine.run()
    assert (engine.error, engine.pc) == (uc_const.UC_ERR_READ_UNMAPPED, 0)
    assert engine.register(arm.UC_ARM_REG_XPSR) & 0x0600_FC00 == 0
    assert engine.register(arm.UC_ARM_REG_R4) == 1


@pytest.mark.parametrize(
    ("code", "r4", "memory"),
    [
        ("0134 1368 0134", 1, b"\1\2\3\4"),  # adds r4,#1; ldr r3,[r2]; adds r4,#1
        (
            "0134 1460 0134",
            1,
            b"\1\0\0\0",
        ),  # adds r4,#1; str r4,[r2]; adds r4,#1: the store is done
    ],
    ids=["load", "store"],
)
def test_a_stop_in_a_memory_hook_leaves_the_instruction_half_done(
    code: str, r4: int, memory: bytes
) -> None:
    engine = Engine(code + UDF)
    engine.uc.mem_write(DATA, b"\1\2\3\4")
    kinds = uc_const.UC_HOOK_MEM_READ | uc_const.UC_HOOK_MEM_WRITE
    engine.uc.hook_add(kinds, lambda uc, *_: uc.emu_stop())
    engine.run()
    found = [engine.register(r) for r in (arm.UC_ARM_REG_R3, arm.UC_ARM_REG_R4)]
    assert (found, engine.pc) == ([0, r4], 0)
    assert engine.uc.mem_read(DATA, 4) == memory


def test_a_stop_in_a_memory_hook_inside_an_it_block_comes_behind_it() -> None:
    # cmp r0,r0; ittt eq; addeq r4,#1; ldreq r3,[r2]; addeq r4,#4; udf
    engine = Engine("8042 02bf 0134 1368 0434" + UDF)
    engine.uc.hook_add(uc_const.UC_HOOK_MEM_READ, lambda uc, *_: uc.emu_stop())
    assert engine.run().register(arm.UC_ARM_REG_R4) == 5


def test_a_stop_in_a_code_hook_is_exact_outside_it_blocks() -> None:
    engine = Engine(COUNTING)
    engine.uc.hook_add(
        uc_const.UC_HOOK_CODE,
        lambda uc, address, size, data: uc.emu_stop() if address == FLASH + 4 else None,
    )
    engine.run()
    assert (engine.pc, engine.register(arm.UC_ARM_REG_R0)) == (4, 1)


def test_isb_cps_and_msr_end_a_block_and_dsb_does_not() -> None:
    # isb; nop; dsb; nop; cpsid i; nop; msr basepri,r4; udf
    code = "bff3 6f8f 00bf bff3 4f8f 00bf 72b6 00bf 84f3 1188" + UDF
    events = Engine(code).record().run().events
    assert events == [("block", 0, 4), ("block", 4, 10), ("block", 14, 6), ("block", 20, 2)]


def test_sev_is_a_nop() -> None:
    engine = Engine("0130 40bf 0130" + UDF).run()
    assert (engine.register(arm.UC_ARM_REG_R0), engine.pc) == (2, 6)


def test_a_store_to_memory_of_the_host_that_is_read_only_lands_when_its_hook_allows_it() -> None:
    # str r0,[r1]; ldr r3,[r1]
    engine, held = Engine("0860 0b68" + UDF), (ctypes.c_uint32 * 1024)()
    seen: list[int] = []

    def allow(*_: object) -> bool:
        seen.append(held[0])
        return True

    engine.uc.mem_map_ptr(SHARED, 4096, uc_const.UC_PROT_READ, ctypes.addressof(held))
    engine.uc.hook_add(uc_const.UC_HOOK_MEM_WRITE_PROT, allow)
    engine.uc.reg_write(arm.UC_ARM_REG_R0, 0x1234_5678)
    engine.uc.reg_write(arm.UC_ARM_REG_R1, SHARED)
    engine.run()
    assert seen == [0]
    assert engine.register(arm.UC_ARM_REG_R3) == held[0] == 0x1234_5678
