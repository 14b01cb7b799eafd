"""The simulated memory: host buffers behind the regions of a part, and an image placed in them.

Regions with one device are aliases: they share a buffer. What does not fit the part is refused
with one line, before anything runs.
"""

from __future__ import annotations

import ctypes
import mmap
from bisect import bisect_right
from collections.abc import Iterator

from simcore.cpu_model import CpuModel, Region, cpu_model_names, load_cpu_model
from simcore.elf import Image, Segment
from simcore.errors import ConfigError, ElfError
from simcore.records import dataclass
from simcore.run.flexram import divided
from simcore.run.places import find_entry

ERASED_FLASH = b"\xff"


@dataclass(frozen=True, slots=True)
class Boot:
    """The state the core starts in; `vector_table` is the reset value of VTOR."""

    sp: int
    pc: int  # bit 0 set
    vector_table: int


class LoadedMemory:
    """The bytes of a part's memory regions. Flash starts erased, RAM starts as zeros.

    A device has one buffer in `buffers`; each of its regions begins `device_offset` bytes into it.

    External memory is a matter of the board: a region is there if the image puts a segment or a
    symbol into it, or from when it is added on; the rest of the address space stays unmapped.
    """

    def __init__(self, model: CpuModel, image: Image) -> None:
        self._model = model
        self.regions: tuple[Region, ...] = ()
        self.buffers: dict[str, mmap.mmap] = {}
        for region in model.regions:
            if region.kind not in ("peripheral", "system", "external") or (
                region.kind == "external" and _uses(image, region)
            ):
                self.add(region)
        for region in self.regions:
            if region.kind == "flash":
                self.buffers[region.device][:] = ERASED_FLASH * len(self.buffers[region.device])

    def add(self, region: Region) -> None:
        """One more region; nobody may have asked for the address of a smaller one of its device."""
        self.regions = tuple(sorted((*self.regions, region), key=lambda one: one.base))
        self._bases = [one.base for one in self.regions]
        held = self.buffers.get(region.device)
        size = region.device_offset + region.size
        if held is None or len(held) < size:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
            self.buffers[region.device] = mmap.mmap(-1, size, flags=flags)

    def host_address(self, region: Region) -> int:
        """Where a region begins in this process."""
        begin = ctypes.addressof(ctypes.c_char.from_buffer(self.buffers[region.device]))
        return begin + region.device_offset

    def region_at(self, address: int) -> Region | None:
        """The memory region that holds `address`."""
        index = bisect_right(self._bases, address) - 1
        if index >= 0 and address < self.regions[index].end:
            return self.regions[index]
        return None

    def read(self, address: int, size: int) -> bytes | None:
        """`size` bytes, or None when one of them is not memory. Adjacent regions are one range."""
        pieces = [
            self.buffers[region.device][offset : offset + length]
            for region, offset, length in self._pieces(address, size)
        ]
        data = b"".join(pieces)
        return data if len(data) == size else None

    def region_of(self, address: int) -> tuple[int, int] | None:
        """First address and size of the region that holds an address."""
        region = self.region_at(address)
        return None if region is None else (region.base, region.size)

    def write(self, address: int, data: bytes, *, programming: bool = False) -> bool:
        """Store; False, with nothing stored, when a byte is not memory or, unless `programming`,
        read-only."""
        pieces = list(self._pieces(address, len(data)))
        if sum(length for _, _, length in pieces) < len(data):
            return False
        if not programming and not all(region.writable for region, _, _ in pieces):
            return False
        start = 0
        for region, offset, length in pieces:
            self.buffers[region.device][offset : offset + length] = data[start : start + length]
            start += length
        return True

    def _pieces(self, address: int, size: int) -> Iterator[tuple[Region, int, int]]:
        """Region, offset in its device and length of the pieces of a range, up to the first gap."""
        while size > 0:
            region = self.region_at(address)
            if region is None:
                return
            length = min(size, region.end - address)
            yield region, region.device_offset + address - region.base, length
            address += length
            size -= length

    def load(self, image: Image) -> None:
        """Store the image as a flash programmer or debugger does: each segment at its load address.

        Raises ConfigError for a segment that is outside every region or larger than its region.
        """
        for number, segment in enumerate(image.segments):
            self._check_fit(image, number, segment, segment.run_address, segment.memory_size)
            if segment.data:
                self._check_fit(image, number, segment, segment.address, len(segment.data))
                self.write(segment.address, segment.data, programming=True)

    def boot(self, image: Image, entry: str | None = None) -> Boot:
        """Where execution starts: the vector table as on silicon, or else the entry point.

        `entry` is where to start instead: FUNCTION, ADDRESS or another vector table. Without a
        vector table SP is the symbol that linker scripts put at the top of the stack, if that is
        RAM, or the end of the RAM that holds the program's data. Raises ConfigError when SP or PC
        cannot be right, ElfError when the image says no place to start from.
        """
        start, is_table = (None, False) if entry is None else find_entry(image, entry)
        if start is None and image.no_start is not None:
            raise ElfError(f"{image.path}: {image.no_start}; --entry starts it elsewhere")
        table = start if is_table else image.vector_table
        if table is not None:
            words = self.read(table, 8)
            if words is None:
                raise ConfigError(
                    f"{image.path}: the vector table at {table:#010x} is not in memory"
                )
            # SP bits 1:0 are zero whatever is written (DDI 0403E, B1.4.7).
            sp, pc = int.from_bytes(words[:4], "little") & ~3, int.from_bytes(words[4:], "little")
            where = f"the vector table at {table:#010x}"
        else:
            table, sp, pc = 0, self._stack_top(image), image.entry | 1
            where = "the ELF header"
        if not self._is_stack_pointer(sp):
            raise ConfigError(
                f"{image.path}: the initial stack pointer {sp:#010x} of {where} is not in the RAM"
                f" of {self._model.name}; check the linker script"
            )
        if start is not None and not is_table:
            pc, where = start | 1, f"--entry {entry}"
        if not pc & 1:
            raise ConfigError(
                f"{image.path}: the reset address {pc:#010x} of {where} has bit 0 clear (Arm state)"
                "; a Cortex-M runs Thumb code only"
            )
        code = self.region_at(pc & ~1)
        if code is None or not code.executable:
            raise ConfigError(
                f"{image.path}: the reset address {pc:#010x} of {where} is not in executable"
                f" memory of {self._model.name}; check the linker script"
            )
        return Boot(sp, pc, table)

    def _is_stack_pointer(self, sp: int) -> bool:
        region = self.region_at(sp - 4)
        return region is not None and region.writable

    def stack_floor(self, image: Image, sp: int) -> int:
        """The lowest address that the stack which starts at `sp` may use.

        That is the linker script's limit if it has one, otherwise the end of the program's data
        below the stack, otherwise the start of the RAM around it.
        """
        base = self.ram_base(sp)
        limit = image.stack_limit()
        if limit is not None and base <= limit.address < sp:
            return limit.address
        ends = [segment.run_address + segment.memory_size for segment in image.segments]
        return max([end for end in ends if base < end < sp], default=base)

    def heap_limit(self, heap_base: int, sp: int) -> int:
        """Where a heap that starts at `heap_base` ends: at the stack above it or with its RAM."""
        region = self.region_at(heap_base)
        if not heap_base or region is None or not region.writable:
            return 0
        end = self._ram_end(region)
        return sp if heap_base < sp <= end else end

    def ram_base(self, sp: int) -> int:
        """The lowest address of the writable regions that lie side by side below `sp`."""
        base = sp
        while (region := self.region_at(base - 4)) is not None and region.writable:
            base = region.base
        return base

    def _ram_end(self, region: Region) -> int:
        """The end of the writable regions of one kind that lie side by side from `region` on."""
        above = self.region_at(region.end)
        while above is not None and above.writable and above.kind == region.kind:
            region, above = above, self.region_at(above.end)
        return region.end

    def _stack_top(self, image: Image) -> int:
        symbol = image.stack_symbol()
        if symbol is not None and self._is_stack_pointer(symbol.address):
            return symbol.address & ~3
        for segment in image.segments:
            region = self.region_at(segment.run_address)
            if segment.writable and region is not None and region.writable:
                return self._ram_end(region)
        ram = [r for r in self.regions if r.writable and r.kind in ("dtcm", "sram")]
        if not ram:
            raise ConfigError(f"{self._model.name} has no RAM for a stack")
        return max(ram, key=lambda region: (region.kind == "dtcm", region.size)).end

    def _check_fit(
        self, image: Image, number: int, segment: Segment, address: int, size: int
    ) -> None:
        fits = sum(length for _, _, length in self._pieces(address, size))
        if fits == size:
            return
        name = f"{image.path}: segment {number} ({size} bytes at {address:#010x})"
        if fits:
            last = self.region_at(address + fits - 1)
            assert last is not None
            raise ConfigError(
                f"{name} is {size - fits} bytes too large: {last.name} of {self._model.name} ends"
                f" at {last.end - 1:#010x}; shrink it or choose another --cpu{_fitting(image)}"
            )
        nearest = min(
            self.regions,
            key=lambda r: min(abs(address - r.base), abs(address - r.end)),
            default=None,
        )
        hint = f"; nearest is {nearest.name} at {nearest.base:#010x}" if nearest else ""
        raise ConfigError(
            f"{name} is outside the memory of {self._model.name}{hint}; link it there or choose"
            f" another --cpu{_fitting(image)}"
        )


def _fitting(image: Image) -> str:
    """The shipped parts whose memories hold the whole image, in words for a refusal."""
    fitting = [
        name
        for name in cpu_model_names()
        if all(
            _holds(_divided(load_cpu_model(name), image), start, size)
            for segment in image.segments
            for start, size in (
                (segment.run_address, segment.memory_size),
                (segment.address, len(segment.data)),
            )
        )
    ]
    return f"; it fits {', '.join(fitting)}" if fitting else "; no part that ships holds it"


def _divided(model: CpuModel, image: Image) -> CpuModel:
    try:
        return divided(model, image)
    except ConfigError:
        return model


def _holds(model: CpuModel, start: int, size: int) -> bool:
    end = start + size
    while start < end:
        region = model.region_at(start)
        if region is None or region.kind in ("peripheral", "system"):
            return False
        start = region.end
    return True


def _uses(image: Image, region: Region) -> bool:
    addresses = [segment.run_address for segment in image.segments]
    addresses += [segment.address for segment in image.segments]
    addresses += [symbol.address for symbol in image.symbols]
    return any(region.base <= address < region.end for address in addresses)
