"""Exception entry and return on a register file that follows the banking rules of Armv7-M, B1.4."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.machine.armv7m import (
    SVCALL,
    XPSR_IT,
    XPSR_T,
    ExceptionFault,
    advance_it,
    exception_entry,
    exception_return,
    is_exc_return,
    set_control,
)

RAM, SIZE, TABLE, HANDLER = 0x2000_0000, 0x1000, 0x2000_0000, 0x0800_0101
RETURN = 0x0800_0040
NAMES = [*(f"r{n}" for n in range(13)), *(f"s{n}" for n in range(16)), "fpscr", "lr", "pc"]


class Cpu:
    """Registers of the engine: SPSEL stays in handler mode, all of CONTROL in unprivileged mode."""

    def __init__(self, sp: int = RAM + SIZE, control: int = 0, xpsr: int = XPSR_T) -> None:
        self.memory = bytearray(SIZE)
        self.memory[4 * SVCALL : 4 * SVCALL + 4] = HANDLER.to_bytes(4, "little")
        self.values = {name: 0x1000 + index for index, name in enumerate(NAMES)}
        self.values |= {"xpsr": XPSR_T, "control": 0, "msp": RAM + SIZE, "psp": 0, "pc": RETURN}
        self.write_register("control", control)
        self.values["xpsr"] = xpsr
        self.write_register("sp", sp)

    def bank(self) -> str:
        in_thread = not self.values["xpsr"] & 0x1FF
        return "psp" if in_thread and self.values["control"] & 2 else "msp"

    def read_register(self, name: str) -> int:
        return self.values[self.bank() if name == "sp" else name]

    def write_register(self, name: str, value: int) -> None:
        handler = self.values["xpsr"] & 0x1FF
        control = self.values["control"]
        if name == "control" and not handler and control & 1:
            return
        if name == "control" and handler:
            value = value & ~2 | control & 2
        if name == "pc":
            assert value & 1, "the engine would go to Arm state"
            value &= ~1
        self.values[self.bank() if name == "sp" else name] = value

    def read(self, address: int, size: int) -> bytes | None:
        start = address - RAM
        return bytes(self.memory[start : start + size]) if 0 <= start <= SIZE - size else None

    def write(self, address: int, data: bytes) -> bool:
        start = address - RAM
        if not 0 <= start <= SIZE - len(data):
            return False
        self.memory[start : start + len(data)] = data
        return True

    def words(self, address: int, count: int) -> list[int]:
        data = self.read(address, 4 * count)
        assert data is not None
        return [int.from_bytes(data[4 * i : 4 * i + 4], "little") for i in range(count)]


def test_entry_stacks_the_eight_words_in_the_order_of_the_manual() -> None:
    cpu = Cpu()
    old = dict(cpu.values)
    exception_entry(cpu, SVCALL, TABLE)
    assert cpu.read_register("sp") == RAM + SIZE - 0x20
    expected = [old[name] for name in ("r0", "r1", "r2", "r3", "r12", "lr")]
    assert cpu.words(RAM + SIZE - 0x20, 8) == [*expected, RETURN, XPSR_T]
    assert cpu.values["pc"] == HANDLER - 1
    assert cpu.values["lr"] == 0xFFFF_FFF9
    assert cpu.values["xpsr"] == XPSR_T | SVCALL


def test_entry_aligns_the_stack_to_eight_bytes_and_notes_it() -> None:
    cpu = Cpu(sp=RAM + SIZE - 4)
    exception_entry(cpu, SVCALL, TABLE)
    assert cpu.read_register("sp") == RAM + SIZE - 4 - 0x20 - 4
    assert cpu.words(RAM + SIZE - 8 - 4, 1)[0] & 1 << 9


def test_entry_with_fp_active_stacks_s0_to_s15_and_fpscr() -> None:
    cpu = Cpu(control=4)
    old = dict(cpu.values)
    exception_entry(cpu, SVCALL, TABLE)
    frame = RAM + SIZE - 0x68
    assert cpu.read_register("sp") == frame
    assert cpu.words(frame + 0x20, 17) == [old[f"s{n}"] for n in range(16)] + [old["fpscr"]]
    assert cpu.values["lr"] == 0xFFFF_FFE9
    assert cpu.values["control"] & 4 == 0


@pytest.mark.parametrize(
    ("control", "xpsr", "exc_return"),
    [
        (0, XPSR_T, 0xFFFF_FFF9),
        (2, XPSR_T, 0xFFFF_FFFD),
        (3, XPSR_T, 0xFFFF_FFFD),
        (6, XPSR_T, 0xFFFF_FFED),
        (0, XPSR_T | 15, 0xFFFF_FFF1),
        (2, XPSR_T | 15, 0xFFFF_FFF1),
        (4, XPSR_T | 15, 0xFFFF_FFE1),
    ],
)
def test_lr_tells_mode_stack_and_frame(control: int, xpsr: int, exc_return: int) -> None:
    cpu = Cpu(sp=RAM + 0x800, control=control, xpsr=xpsr)
    exception_entry(cpu, SVCALL, TABLE)
    assert cpu.values["lr"] == exc_return


@given(
    control=st.integers(0, 7),
    flags=st.integers(0, 31),
    offset=st.integers(0x80, 0x300),
    it_state=st.integers(0, 255),
)
def test_return_restores_everything_that_entry_saved(
    control: int, flags: int, offset: int, it_state: int
) -> None:
    it_bits = (it_state & 0xFC) << 8 | (it_state & 3) << 25
    cpu = Cpu(sp=RAM + 4 * offset, control=control, xpsr=flags << 27 | XPSR_T | it_bits)
    old = dict(cpu.values)
    exception_entry(cpu, SVCALL, TABLE)
    for name in ("r0", "r1", "r2", "r3", "r12"):
        cpu.write_register(name, 0xDEAD)
    if control & 4:
        cpu.write_register("s3", 0xDEAD)
    exception_return(cpu, cpu.values["lr"])
    if not control & 4:
        old["control"] &= ~4
    assert cpu.values == old


def test_a_handler_may_return_to_the_other_stack() -> None:
    # how an RTOS starts its first task: a frame made by hand on the process stack
    cpu = Cpu()
    exception_entry(cpu, SVCALL, TABLE)
    task = RAM + 0x400
    cpu.write(task, b"".join(n.to_bytes(4, "little") for n in (1, 2, 3, 4, 5, 6, RETURN, XPSR_T)))
    cpu.write_register("psp", task)
    exception_return(cpu, 0xFFFF_FFFD)
    assert cpu.values["control"] == 2
    assert cpu.read_register("sp") == task + 0x20
    assert [cpu.values[name] for name in ("r0", "r3", "r12", "lr", "pc")] == [1, 4, 5, 6, RETURN]


def test_a_frame_outside_memory_is_a_stacking_fault() -> None:
    cpu = Cpu(sp=RAM + 0x10)
    with pytest.raises(ExceptionFault) as fault:
        exception_entry(cpu, SVCALL, TABLE)
    assert (fault.value.kind, fault.value.address) == ("stacking", RAM - 0x10)


def test_a_vector_that_is_no_thumb_code_is_a_fault() -> None:
    cpu = Cpu()
    cpu.memory[4 * SVCALL] = 0
    with pytest.raises(ExceptionFault, match="Thumb"):
        exception_entry(cpu, SVCALL, TABLE)
    with pytest.raises(ExceptionFault, match="vector read"):
        exception_entry(cpu, SVCALL, 0x1000_0000)


@pytest.mark.parametrize("value", [0xFFFF_FFF8, 0xFFFF_FFF0, 0xFFFF_FFF5, 0xFFFF_FFFF, 0xF000_0009])
def test_other_values_are_no_exception_return(value: int) -> None:
    assert not is_exc_return(value)
    cpu = Cpu(xpsr=XPSR_T | SVCALL)
    with pytest.raises(ExceptionFault, match="invalid exception return"):
        exception_return(cpu, value)


def test_a_return_outside_a_handler_or_to_the_wrong_mode_is_a_fault() -> None:
    with pytest.raises(ExceptionFault, match="invalid exception return"):
        exception_return(Cpu(), 0xFFFF_FFF9)
    cpu = Cpu()
    exception_entry(cpu, SVCALL, TABLE)
    with pytest.raises(ExceptionFault, match="invalid exception return"):
        exception_return(cpu, 0xFFFF_FFF1)  # handler mode, but the frame is one of thread mode


@given(before=st.integers(0, 7), after=st.integers(0, 7), exception=st.sampled_from([0, 11]))
def test_control_can_be_written_from_every_state(before: int, after: int, exception: int) -> None:
    cpu = Cpu(control=before, xpsr=XPSR_T | exception)
    set_control(cpu, after)
    assert cpu.values["control"] == after
    assert cpu.values["xpsr"] == XPSR_T | exception


def test_it_state_advances_as_in_the_manual() -> None:
    # ITETE EQ is 0x0B; behind each instruction: 0x16, 0x0C, 0x18 and 0 (ITAdvance, A7.3.3)
    def bits(state: int) -> int:
        return (state & 0xFC) << 8 | (state & 3) << 25

    states = [0x0B, 0x16, 0x0C, 0x18, 0]
    for state, following in pairwise(states):
        assert advance_it(XPSR_T | bits(state)) == XPSR_T | bits(following)
    assert bits(0xFF) == XPSR_IT
