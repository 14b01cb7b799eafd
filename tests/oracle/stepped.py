"""A slow twin of timed interrupts: the engine runs one instruction at a time.

Behind each instruction the modelled time is asked, and an interrupt that has become due is taken
right there. Nothing of how the product looks for the time is in it: it has no blocks, takes nothing
back, and has an NVIC, timers, entry and return of its own. Of the product are the engine's memory,
and what an instruction costs (timeline.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import unicorn
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const

from simcore.elf import Image
from simcore.machine import map_memory
from simcore.machine.loader import LoadedMemory
from simcore.run.interrupts import TimedInterrupt
from simcore.run.setup import TimingSetup
from tests import native
from tests.oracle.timeline import (
    CHAINED,
    ENTERED,
    EXCEPTION,
    LEFT,
    OTHER,
    SLEEP,
    Entry,
    Timeline,
    length,
)

SYSTEM, SYSTEM_BYTES = 0xE000_0000, 0x10_0000
SYST_CSR, SYST_RVR, SYST_CVR = 0xE000_E010, 0xE000_E014, 0xE000_E018
ISER, ICER, ISPR, ICPR, IPR = 0xE000_E100, 0xE000_E180, 0xE000_E200, 0xE000_E280, 0xE000_E400
VTOR, SHPR3, DWT_CTRL, DWT_CYCCNT = 0xE000_ED08, 0xE000_ED20, 0xE000_1000, 0xE000_1004
SYSTICK = 15
LOWEST = 256
BKPT, WFI = b"\xab\xbe", b"\x30\xbf"
IT_BITS, ALIGNED, IPSR = 0x0600_FC00, 1 << 9, 0x1FF
FRAME = (0, 1, 2, 3, 12, 14, 15)
R = [getattr(arm, f"UC_ARM_REG_R{n}") for n in range(16)]
SP, LR, PC = R[13], R[14], R[15]
SYS_OPEN, SYS_WRITE, SYS_EXIT = 1, 5, 0x18


class Stepped:
    """One run of a program, to its end."""

    def __init__(
        self, image: Image, setup: TimingSetup, timers: Sequence[TimedInterrupt], entry_cycles: int
    ) -> None:
        self._memory = memory = LoadedMemory(setup.model, image)  # the engine runs on it
        memory.load(image)
        boot = memory.boot(image)
        self.uc = map_memory(memory)
        self.uc.mmio_map(SYSTEM, SYSTEM_BYTES, self._read, None, self._write, None)
        self.uc.hook_add(uc_const.UC_HOOK_MEM_READ | uc_const.UC_HOOK_MEM_WRITE, self._access)
        self.uc.hook_add(uc_const.UC_HOOK_CODE, self._code)
        self.uc.hook_add(uc_const.UC_HOOK_INTR, self._interrupt)
        self.uc.reg_write(SP, boot.sp)
        self.uc.reg_write(PC, boot.pc)
        self._lib = native.load()[1]
        self._timeline = Timeline(image, setup, [])
        self._ids: dict[tuple[int, bytes, int], int] = {}
        self._entry_cycles = entry_cycles
        self._timers = {t.number: [t.first, t.period] for t in timers}
        self._words = {VTOR: boot.vector_table}
        self.priority: defaultdict[int, int] = defaultdict(int)
        self._enabled = {SYSTICK}
        self._pending: set[int] = set()
        self._active: list[int] = []
        self._counts_from = 0
        # Of the instruction that runs.
        self._accesses: list[int] = []
        self._ran = self._told = False
        self._came = 0
        self._running: tuple[int, bytes, int, int] = 0, b"", 0, 0
        # What came of it.
        self.entries: list[Entry] = []
        self.cycles: defaultdict[int, int] = defaultdict(int)  # the longest of each instruction
        self.instructions = 0
        self.written = b""
        self.ended = False

    @property
    def now(self) -> int:
        return self._timeline.now

    def run(self, most: int = 100_000) -> Stepped:
        before: tuple[int, ...] = ()
        while not self.ended:
            self._pend(self.now)
            if number := self._coming():
                self._enter(number, before)
            before = (*before[-1:], self._step())
            assert self.instructions < most
        self._timeline.close()
        return self

    # --- one instruction ---

    def _step(self) -> int:
        """Runs the instruction at PC and returns its address."""
        pc: int = self.uc.reg_read(PC)
        xpsr = self.uc.reg_read(arm.UC_ARM_REG_XPSR)
        code = bytes(self.uc.mem_read(pc, 4))
        code = code[: length(code)]
        it_state = (xpsr >> 8 & 0xFC) | (xpsr >> 25 & 3)
        self._running = pc, code, it_state, self._operands(code)
        self._accesses, self._ran, self._told, self._came = [], False, False, 0
        self.instructions += 1
        before = self.now
        if code == BKPT:
            self._semihost(pc)
            return pc
        if code == WFI:
            self._ran = True
            self._tell()
            self.uc.reg_write(PC, (pc + 2) | 1)
            self._sleep()
        else:
            self._execute(pc, pc + len(code), it_state, code)
            self._tell()
        self.cycles[pc] = max(self.cycles[pc], self.now - before)
        if self._came:
            self._leave()
        return pc

    def _execute(self, pc: int, behind: int, it_state: int, code: bytes) -> None:
        """Lets the engine run one instruction. A count would let it run the rest of an IT block."""
        if it_state & 7 or (code[1] == 0xBF and code[0] & 0xF):
            self.uc.ctl_remove_cache(pc, behind)
            self.uc.emu_start(pc | 1, behind)
            self.uc.ctl_remove_cache(pc, behind)
        else:
            self.uc.emu_start(pc | 1, 0xFFFF_FFFF, 0, 1)

    def _operands(self, code: bytes) -> int:
        """What the time of a divide hangs on."""
        first, second = int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little")
        if first & 0xFFD0 != 0xFB90:
            return -1
        n, m = self.uc.reg_read(R[first & 15]), self.uc.reg_read(R[second & 15])
        return int(self._lib.thumb_divide_class(n, m, not first & 0x20))

    def _tell(self) -> None:
        """Tells timing of the instruction, once."""
        if self._told:
            return
        self._told = True
        pc, code, it_state, operands = self._running
        key = pc, code, it_state
        if key not in self._ids:
            self._ids[key] = len(self._ids)
            self._timeline.define(*key)
        noted = (it_state and self._ran) or (operands >= 0 and (self._ran or not it_state))
        notes = [max(operands, 0)] if noted else []
        head = len(self._accesses) | len(notes) << 16
        self._timeline.run([self._ids[key], head, *self._accesses, *notes])

    def _code(self, *_: Any) -> None:
        self._ran = True

    def _access(self, _uc: Any, _kind: int, address: int, *_: Any) -> None:
        self._accesses.append(address)

    def _interrupt(self, uc: unicorn.Uc, number: int, _: Any) -> None:
        assert uc.reg_read(PC) >> 28 == 0xF, f"interrupt {number} of the engine"
        self._came = uc.reg_read(PC) | 1
        uc.emu_stop()

    def _semihost(self, pc: int) -> None:
        r0, r1 = self.uc.reg_read(R[0]), self.uc.reg_read(R[1])
        self._tell()
        if r0 == SYS_EXIT:
            self.ended = True
            return
        if r0 == SYS_WRITE:
            _, start, size = (self._word(r1 + 4 * n) for n in range(3))
            self.written += bytes(self.uc.mem_read(start, size))
        self.uc.reg_write(R[0], 1 if r0 == SYS_OPEN else 0)
        self.uc.reg_write(PC, (pc + 2) | 1)

    def _word(self, address: int) -> int:
        return int.from_bytes(self.uc.mem_read(address, 4), "little")

    # --- registers ---

    def _read(self, _uc: Any, offset: int, _size: int, _: Any) -> int:
        address = SYSTEM + offset
        if address in (SYST_CVR, DWT_CYCCNT):
            self._tell()
        if address == DWT_CYCCNT:
            return self.now - self._counts_from & 0xFFFF_FFFF
        if address == SYST_CVR and SYSTICK in self._timers:
            return self._timers[SYSTICK][0] - self.now - 1
        return self._words.get(address, 0)

    def _write(self, _uc: Any, offset: int, size: int, value: int, _: Any) -> None:
        address = SYSTEM + offset
        if IPR <= address < IPR + 240:
            for n in range(size):
                self.priority[16 + address - IPR + n] = value >> 8 * n & 0xF0
        elif SHPR3 <= address < SHPR3 + 4:
            for n in range(size):
                self.priority[12 + address - SHPR3 + n] = value >> 8 * n & 0xF0
        else:
            self._write_word(address, value)

    def _write_word(self, address: int, value: int) -> None:
        for first, numbers, adds in (
            (ISER, self._enabled, True), (ICER, self._enabled, False),
            (ISPR, self._pending, True), (ICPR, self._pending, False),
        ):  # fmt: skip
            if first <= address < first + 32:
                those = {16 + 8 * (address - first) + n for n in range(32) if value >> n & 1}
                (numbers.update if adds else numbers.difference_update)(those)
                return
        self._words[address] = value
        if address == SYST_CSR:
            self._tell()
            period = self._words[SYST_RVR] + 1
            if value & 3 == 3:
                self._timers[SYSTICK] = [self.now + period, period]
            else:
                self._timers.pop(SYSTICK, None)
        elif address == DWT_CTRL:
            self._tell()
            self._counts_from = self.now

    # --- exceptions ---

    def _pend(self, until: int) -> None:
        for number, timer in self._timers.items():
            while timer[0] <= until:
                self._pending.add(number)
                timer[0] += timer[1]

    def _urgent(self) -> int:
        """The most urgent that is pending, 0: none."""
        ready = self._pending & self._enabled
        return min(ready, key=lambda number: (self.priority[number], number), default=0)

    def _coming(self) -> int:
        number = self._urgent()
        limit = min((self.priority[active] for active in self._active), default=LOWEST)
        if base := self.uc.reg_read(arm.UC_ARM_REG_BASEPRI):
            limit = min(limit, base)
        if self.uc.reg_read(arm.UC_ARM_REG_PRIMASK) & 1:
            limit = min(limit, 0)
        return number if number and self.priority[number] < limit else 0

    def _exception(self, kind: int, address: int, frame: int, sp: int | None = None) -> int:
        """Tells timing, and returns how long that took; SP is at the frame unless it is given."""
        before = self.now
        sp = frame if sp is None else sp
        self._timeline.run([OTHER | EXCEPTION << 16 | 4, kind, address, frame, sp])
        return self.now - before

    def _begin(self, number: int, xpsr: int, exc_return: int) -> None:
        self._pending.discard(number)
        self._active.append(number)
        self.uc.reg_write(arm.UC_ARM_REG_XPSR, (xpsr & ~(IPSR | IT_BITS)) | number)
        self.uc.reg_write(LR, exc_return)
        self.uc.reg_write(PC, self._word(self._words[VTOR] + 4 * number))

    def _enter(self, number: int, behind: tuple[int, ...]) -> None:
        at = self.now
        self._pend(at + self._entry_cycles)  # one that is more urgent may arrive late
        late = self._urgent()
        number = late if self.priority[late] < self.priority[number] else number
        xpsr, sp, pc = (self.uc.reg_read(r) for r in (arm.UC_ARM_REG_XPSR, SP, PC))
        frame = (sp - 32) & ~7
        words = [self.uc.reg_read(R[n]) for n in FRAME] + [xpsr | (ALIGNED if sp & 4 else 0)]
        self.uc.mem_write(frame, b"".join(word.to_bytes(4, "little") for word in words))
        self.uc.reg_write(SP, frame)
        self._begin(number, xpsr, 0xFFFF_FFF1 if self._active else 0xFFFF_FFF9)
        self.entries.append(Entry(number, at, behind, self._exception(ENTERED, pc, frame)))

    def _leave(self) -> None:
        self._active.pop()
        at, frame = self.now, self.uc.reg_read(SP)
        self._pend(at)
        if number := self._coming():
            self._begin(number, self.uc.reg_read(arm.UC_ARM_REG_XPSR), self._came)
            cycles = self._exception(CHAINED, self.uc.reg_read(PC) & ~1, frame)
            self.entries.append(Entry(number, at, (), cycles))
            return
        words = [self._word(frame + 4 * n) for n in range(8)]
        sp = frame + 32 + (4 if words[7] & ALIGNED else 0)
        self._exception(LEFT, words[6], frame, sp)
        self.uc.reg_write(SP, sp)
        self.uc.reg_write(arm.UC_ARM_REG_XPSR, words[7] & ~ALIGNED)
        for n, word in zip(FRAME, words, strict=False):
            self.uc.reg_write(R[n], word | 1 if n == 15 else word)

    def _sleep(self) -> None:
        """Until something becomes pending that may be enabled."""
        self._pend(self.now)
        if not self._pending & self._enabled:
            cycles = min(t[0] for n, t in self._timers.items() if n in self._enabled) - self.now
            self._timeline.run([OTHER | SLEEP << 16 | 2, cycles, 0])
