"""A second engine that tries turns of a loop: what it would do if a register read another value.

It runs on the program's own memory, from the registers where the program stands, and undoes what it
stored. Nothing of it is timed or counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import field

import unicorn
from unicorn import unicorn_const as uc_const

from simcore.core.registers import OWN_STACK_ABOVE, OWN_STACK_BELOW
from simcore.isa.operands import constant, core_register, is_core_register
from simcore.machine.engine import map_memory
from simcore.machine.loader import LoadedMemory
from simcore.machine.state import EngineState
from simcore.records import dataclass

TURNS = 2  # that are tried at a time
MOST_STEPS = 16384  # instructions of them
MOST_OUTSIDE = 256  # instructions behind the loop, in which it may come back to it
WORD = 4
SYSTEM, SYSTEM_BYTES = 0xE000_0000, 0x10_0000
CLOCKS = (0xE000_E010, 0xE000_E018, 0xE000_1004)  # SYST_CSR, SYST_CVR, DWT_CYCCNT
#: In the order in which they are set: CONTROL decides which stack pointer sp is.
STATE = (
    "xpsr", "control", "msp", "psp", "primask", "faultmask", "basepri",
    *(f"r{number}" for number in range(13)), "sp", "lr",
)  # fmt: skip


@dataclass(slots=True)
class Turn:
    """Turns of a loop, from the place where the program stands until it comes there a second time.

    What is read in the first may be tested in the second.

    `path` are addresses of instructions, the first `half` of them those of the first turn. `left`
    is the last instruction of the loop in front of the way out, None when it goes on. `compared`
    are the operands of the comparisons in order, `reads` the words of peripherals with the
    instructions that read them first, `variables` the words of memory other than the stack.
    `behind` are the first steps outside the loop, addresses and r0. `end` are r0 to r12 and the
    stack at the end; of turns that left the loop and came back, two plain turns later, so that what
    every turn writes is alike. `is_same`: they changed neither registers nor memory.
    """

    path: list[int] = field(default_factory=list)
    half: int = 0
    left: int | None = None
    returned: bool = False
    compared: list[tuple[int, int]] = field(default_factory=list)
    reads: dict[int, int] = field(default_factory=dict)
    variables: dict[int, None] = field(default_factory=dict)
    reads_clock: bool = False
    stores: bool = False  # elsewhere than on the stack
    behind: list[tuple[int, int]] = field(default_factory=list)
    end: tuple[int, ...] = ()
    is_same: bool = False


class TrialEngine:
    """`peripheral` and `system` are what a register reads now; `windows` where peripherals are."""

    def __init__(
        self,
        memory: LoadedMemory,
        windows: Collection[tuple[int, int]],
        peripheral: Callable[[int], int],
        system: Callable[[int], int],
    ) -> None:
        self._memory = memory
        self._uc = map_memory(memory)
        self._state = EngineState(self._uc, memory)
        self._register = self._state.read_register
        self._peripheral = peripheral
        self._system = system
        self._values: Mapping[int, int] = {}
        self._loop: Collection[int] = ()
        self._compares: Mapping[int, tuple[str, str]] = {}
        self._start = self._sp = self._top = self._steps = self._comes = 0
        self._has_read = self._is_settling = False
        self._without_reads = False
        self._turn = Turn()
        self._undo: list[tuple[int, bytes]] = []
        for base, size in windows:
            self._uc.mmio_map(base, size, self._on_peripheral, base, _ignore, None)
        self._uc.mmio_map(SYSTEM, SYSTEM_BYTES, self._on_system, None, _ignore, None)
        self._uc.hook_add(uc_const.UC_HOOK_CODE, self._on_code)
        self._uc.hook_add(uc_const.UC_HOOK_MEM_READ, self._on_read)
        self._uc.hook_add(uc_const.UC_HOOK_MEM_WRITE, self._on_write)
        self._uc.hook_add(uc_const.UC_HOOK_INTR, _stop)

    def close(self) -> None:
        """Free the engine."""
        self._uc._Uc__finalizer()

    def turn(
        self,
        pc: int,
        state: Mapping[str, int],
        loop: Collection[int] = (),
        compares: Mapping[int, tuple[str, str]] | None = None,
        values: Mapping[int, int] | None = None,
        variable: tuple[int, int] | None = None,
        without_reads: bool = False,
    ) -> Turn:
        """Try turns from `pc` with the registers `state`.

        `loop` are the instructions of the loop, none while that is not known; `compares` the
        operands of those that compare. `values` are what words of peripherals read instead,
        `variable` is a word of memory and what it holds instead. Turns in
        which no peripheral is read count only `without_reads`.
        """
        self._start, self._sp = pc, state["sp"]
        stack = self._memory.region_at(self._sp - WORD)
        self._top = min(self._sp + OWN_STACK_ABOVE, self._sp if stack is None else stack.end)
        self._loop, self._compares, self._values = loop, compares or {}, values or {}
        self._turn = turn = Turn()
        self._undo = []
        self._steps = self._comes = 0
        self._has_read = self._is_settling = False
        self._without_reads = without_reads
        self._uc.ctl_flush_tb()
        if variable is not None:
            self._keep(variable[0], WORD)
            self._memory.write(variable[0], variable[1].to_bytes(WORD, "little"))
        for name in STATE:
            self._state.write_register(name, state[name])
        try:
            self._uc.emu_start(pc | 1, 0xFFFF_FFFF)
        except unicorn.UcError:
            turn.returned = False
        words = self._memory.read(self._sp, self._top - self._sp) or b""
        turn.end = tuple(self._register(f"r{number}") for number in range(13)) + tuple(
            int.from_bytes(words[at : at + WORD], "little") for at in range(0, len(words), WORD)
        )
        stored = {address: self._memory.read(address, len(old)) for address, old in self._undo}
        for address, old in reversed(self._undo):
            self._memory.write(address, old, programming=True)
        turn.is_same = all(
            self._memory.read(address, len(now or b"")) == now for address, now in stored.items()
        ) and all(self._register(name) == state[name] for name in STATE)
        return turn

    def _on_code(self, uc: unicorn.Uc, address: int, _size: int, _: object) -> None:
        turn = self._turn
        is_round = self._has_read or (turn.path and self._without_reads)
        if address == self._start and is_round:
            self._has_read = False
            self._comes += 1
            turn.half = turn.half or len(turn.path)
            if self._comes == TURNS:
                turn.returned = turn.left is None or turn.stores
                self._is_settling, self._values = True, {}
            turn.returned |= self._comes == 2 * TURNS
        self._steps += 1
        if turn.returned or self._steps > MOST_STEPS or len(turn.behind) > MOST_OUTSIDE:
            uc.emu_stop()
        if turn.returned or self._is_settling:
            return
        if self._loop and address not in self._loop:
            turn.behind.append((address, self._register("r0")))
            if turn.left is None:
                turn.left = turn.path[-1]
        turn.path.append(address)
        if address in self._compares:
            first, second = (self._operand(text) for text in self._compares[address])
            turn.compared.append((first, second))

    def _operand(self, text: str) -> int:
        if is_core_register(text):
            return self._register(_NAMES[core_register(text)])
        return constant(text) & 0xFFFF_FFFF

    def _on_read(
        self, _uc: unicorn.Uc, _kind: int, address: int, _size: int, _value: int, _: object
    ) -> None:
        region = self._memory.region_at(address)
        if region is not None and region.writable and not self._is_stack(address):
            self._turn.variables[address & ~3] = None

    def _on_write(
        self, _uc: unicorn.Uc, _kind: int, address: int, size: int, _value: int, _: object
    ) -> None:
        self._keep(address, size)
        if not self._is_stack(address) and address < SYSTEM:
            self._turn.stores = True

    def _keep(self, address: int, size: int) -> None:
        old = self._memory.read(address, size)
        if old is not None:
            self._undo.append((address, old))

    def _is_stack(self, address: int) -> bool:
        return self._sp - OWN_STACK_BELOW <= address < self._top

    def _on_peripheral(self, _uc: unicorn.Uc, offset: int, _size: int, base: int) -> int:
        address = base + offset
        word = address & ~3
        self._has_read = True
        self._turn.reads.setdefault(word, self._turn.path[-1])
        value = self._values[word] if word in self._values else self._peripheral(word)
        return value >> 8 * (address & 3)

    def _on_system(self, _uc: unicorn.Uc, offset: int, _size: int, _: object) -> int:
        address = SYSTEM + offset
        self._turn.reads_clock |= address & ~3 in CLOCKS
        return self._system(address & ~3) >> 8 * (address & 3)


_NAMES = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc")


def _stop(uc: unicorn.Uc, *_: object) -> None:
    uc.emu_stop()


def _ignore(*_: object) -> None:
    """A write to a register has no effect in a trial."""
