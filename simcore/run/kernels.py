"""Real-time kernels: where each keeps the task that runs, its name and its stack.

Layouts are those of the kernels' own headers, as debuggers know them; what a configuration of the
kernel moves is read from the program's debug information, where it has any.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from simcore.elf import Image
from simcore.elf.image import Member
from simcore.records import dataclass

NOT_THERE: Final = 0xFFFF_FFFF
FREERTOS: Final = "FreeRTOS"
CHIBIOS: Final = "ChibiOS"


@dataclass(frozen=True, slots=True)
class ReadyWords:
    """The words of a task's structure that say whether it can run. Offsets are bytes.

    It can when the one at `state` is one of `values` from `first` on, and waits when it is another,
    but for 0 where that is none of them. A store of `wakes_value` at `wakes` wakes it, too.
    """

    state: int
    first: int
    values: int
    wakes: int = NOT_THERE
    wakes_value: int = 0


@dataclass(frozen=True, slots=True)
class Kernel:
    """An RTOS of a program. Offsets are bytes into the structure of a task.

    One whose structures only debug information tells has a title and no `current` without it.
    """

    title: str = ""
    current: int = 0  # address of the pointer to the running task, 0: not known
    name: int = NOT_THERE
    name_bytes: int = 0  # that stand there; 0: a pointer to a text does
    stack: int = NOT_THERE  # of the stack's lowest address
    stack_size: int = NOT_THERE  # of its size in bytes
    ready: ReadyWords | None = None  # how it says that a task can run

    @property
    def layout(self) -> tuple[int, ...]:
        """The fields of struct kernel_config."""
        ready = self.ready or ReadyWords(NOT_THERE, 0, 0)
        return (
            *(self.current, self.name, self.name_bytes, self.stack, self.stack_size),
            *(ready.state, ready.first, ready.values, ready.wakes, ready.wakes_value),
        )


NO_KERNEL: Final = Kernel()


@dataclass(frozen=True, slots=True)
class KernelTask:
    """What a kernel said of a task when it first ran; 0 for what it did not say."""

    name: str
    address: int
    stack: int
    stack_bytes: int
    valid: int  # 0: what the kernel points to is no structure of a task

    def stack_end(self, top: int, kernel: str) -> int:
        """The address behind its stack, of which `top` is the highest SP that was seen.

        FreeRTOS keeps no size. It aligns the address of the last word down to 8 bytes; of the two
        ends that this can come from, the one that makes the stack a multiple of 8 bytes.
        """
        if self.stack_bytes:
            return self.stack + self.stack_bytes
        if kernel != FREERTOS:
            return top
        return top + 8 if (top - self.stack) % 8 == 0 else top + 4


def find_kernel(image: Image) -> Kernel:
    """The kernel of a program by its symbols, NO_KERNEL when it has none that is known."""
    for symbol, known in _KERNELS.items():
        found = image.symbol(symbol)
        if found is not None:
            return known(image, found.address)
    return NO_KERNEL


def _freertos(image: Image, address: int) -> Kernel:
    """TCB_t of tasks.c: pxTopOfStack, two list items of 20 bytes, uxPriority, pxStack, name."""
    fields = image.layout("vTaskSwitchContext", ("tskTaskControlBlock", "tskTCB"))
    ready = _freertos_ready(image, fields)
    kernel = Kernel(FREERTOS, address, name=52, name_bytes=16, stack=48, ready=ready)
    if "pxStack" not in fields or "pcTaskName" not in fields:
        return kernel
    name = fields["pcTaskName"]
    return replace(kernel, name=name.offset, name_bytes=name.size, stack=fields["pxStack"].offset)


def _freertos_ready(image: Image, fields: Mapping[str, Member]) -> ReadyWords | None:
    """The list that holds each of its two items: of the tasks of a priority, or of those that an
    interrupt woke while the scheduler was suspended. list.h: the container is an item's last word.
    """
    lists, pending = image.symbol("pxReadyTasksLists"), image.symbol("xPendingReadyList")
    if lists is None or not lists.size:
        return None
    item = image.layout("vTaskSwitchContext", ("xLIST_ITEM",))
    container = item.get("pxContainer") or item.get("pvContainer") or Member(16, 4)
    state = fields.get("xStateListItem") or fields.get("xGenericListItem") or Member(4, 20)
    event = fields.get("xEventListItem") or Member(state.offset + 20, 20)
    ready = ReadyWords(state.offset + container.offset, lists.address, lists.size)
    if pending is None:
        return ready
    return replace(ready, wakes=event.offset + container.offset, wakes_value=pending.address)


def _threadx(image: Image, address: int) -> Kernel:
    """TX_THREAD of tx_api.h."""
    del image
    ready = ReadyWords(48, 0, 1)  # tx_thread_state, of which TX_READY is 0
    return Kernel("ThreadX", address, name=40, stack=12, stack_size=20, ready=ready)


def _rtx(image: Image, address: int) -> Kernel:
    """osRtxInfo.thread.run.curr, and osRtxThread_t of rtx_os.h."""
    del image
    return Kernel("RTX5", address + 20, name=4, stack=48, stack_size=52)


def _zephyr(image: Image, address: int) -> Kernel:
    """_kernel.cpus[0].current, and offsets as subsys/debug/thread_info.c or DWARF tell them."""
    kernel = Kernel("Zephyr", address + 8)
    fields = image.layout("z_setup_new_thread", ("k_thread",))
    if name := fields.get("name"):
        kernel = replace(kernel, name=name.offset, name_bytes=name.size if name.size > 4 else 0)
    if bounds := fields.get("stack_info"):
        kernel = replace(kernel, stack=bounds.offset, stack_size=bounds.offset + 4)
    table = image.symbol("_kernel_thread_info_offsets")
    if table is None or kernel.name != NOT_THERE:
        return kernel
    data = image.read(table.address, 40)
    at = struct.unpack("<10I", data)[9] if data is not None and len(data) == 40 else NOT_THERE
    return replace(kernel, name=at, name_bytes=32 if at != NOT_THERE else 0)


def _chibios(image: Image, address: int) -> Kernel:
    """rlist.current of the instance, and thread_t, by DWARF alone: configurations move them."""
    instance = image.layout("chSchObjectInit", ("ch_os_instance", "ch_system"))
    instance = instance or image.layout("chSysInit", ("ch_os_instance", "ch_system"))
    lists = image.layout("chSchReadyI", ("ch_ready_list",))
    thread = image.layout("chSchReadyI", ("ch_thread",))
    if "rlist" not in instance or "current" not in lists:
        return Kernel(CHIBIOS)
    kernel = Kernel(CHIBIOS, address + instance["rlist"].offset + lists["current"].offset)
    if name := thread.get("name"):
        kernel = replace(kernel, name=name.offset)
    base = thread.get("wabase") or thread.get("stklimit")
    return replace(kernel, stack=base.offset) if base else kernel


_KERNELS: Final[dict[str, Callable[[Image, int], Kernel]]] = {
    "pxCurrentTCB": _freertos,
    "_tx_thread_current_ptr": _threadx,
    "osRtxInfo": _rtx,
    "_kernel": _zephyr,
    "ch0": _chibios,
    "ch_system": _chibios,
    "ch": _chibios,
}
