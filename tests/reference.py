"""Slow, obvious twin of the memory-system rules of memory.c.

Written from the headers and from docs/sources/cortex-m7-timing.md (e), clear before clever, with
other data structures than the C. Times are core cycles, sizes bytes. A counter of the C core goes
by its enum name without prefix, in lower case: "dcache_reads", or (region, "reads").
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.reference_cache import Cache
from tests.reference_config import Caches, Config, Kind, Mpu, Policy, Region

GROUP = 8  # bytes of a fetch group, a bus beat and a store buffer entry

CounterName = str | tuple[int, str]


@dataclass
class Linefill:
    """A line on its way, its critical 64-bit beat first, the others wrapping round."""

    line: int
    arrives: dict[int, int]  # offset of a beat in the line -> cycle in which it is there
    done_at: int
    written: set[int] = field(default_factory=set)  # offsets stored to while it comes


@dataclass
class FetchedLine:
    """What came in last for the prefetch unit, or still comes: critical group first."""

    line: int
    first: int  # address of its critical group
    critical_at: int
    beat_cycles: int
    done_at: int

    def arrival(self, group: int, line_bytes: int) -> int:
        return (
            self.critical_at
            + (group - self.first) // GROUP % (line_bytes // GROUP) * self.beat_cycles
        )


@dataclass
class BufferedStore:
    group: int
    done_at: int


class Memory:
    """One memory system: tightly coupled memories, caches, store buffer, buses and devices."""

    def __init__(self, config: Config, regions: list[Region]) -> None:
        self.config = config
        self.regions = regions
        self.counters: Counter[CounterName] = Counter()
        self.icache, self.dcache = Cache(config.icache), Cache(config.dcache)
        self.icache_on = self.dcache_on = False
        if config.caches == Caches.ON:
            self.icache_on, self.dcache_on = bool(config.icache.size), bool(config.dcache.size)
        self.mpu = Mpu()
        self.bus_free_at: Counter[int] = Counter()  # by device
        self.open_rows: dict[int, list[int]] = {}  # by region, most recently used first
        self.flash_acr: int | None = None  # None: firmware has not written it
        self.dynamic_read_allocate = bool(config.dynamic_read_allocate)
        self.buffers: list[Linefill | None] = [None] * config.linefill_buffers
        self.last_fill: Linefill | None = None  # not judged yet: did stores overwrite all of it?
        self.full_fills = 0
        self.read_allocate_mode = False
        self.streamed_line: int | None = None
        self.streamed: set[int] = set()
        self.store_buffer: list[BufferedStore] = []  # oldest first
        self.burst_next = self.burst_there = 0  # behind the last word past the cache; its time
        self.ahbp: list[int] = []  # when stores to peripherals are done, oldest first
        self.store_queue: list[int] = []  # when each store to TCM or D-cache is done
        self.readable_at: dict[int, int] = {}  # of each word stored to TCM or D-cache
        self.bank_free_at = {0: 0, 1: 0}
        self.fetched_at = 0
        self.fetched_line: FetchedLine | None = None

    # --- where an address lies ---

    def region_of(self, address: int) -> int | None:
        for index in reversed(range(len(self.regions))):
            region = self.regions[index]
            if region.base <= address < region.base + region.size:
                return index
        return None

    def policy_of(self, region: int, address: int) -> Policy:
        if self.mpu.enabled and not self.regions[region].never_cached:
            policy = self.mpu.policy(address)
            if policy is not None:
                return policy
        return self.regions[region].policy

    # --- devices ---

    def device_read_cycles(self, index: int, address: int) -> int:
        """Cycles until the first data; a region keeps its last rows open and may read one ahead."""
        region = self.regions[index]
        rows, miss_cycles, prefetch = self.row_control(region)
        if not rows:
            return region.read_cycles
        opened = self.open_rows.setdefault(index, [])
        row = address // region.row_bytes
        cycles = region.read_cycles
        if row in opened[:rows]:
            opened.remove(row)
        else:
            cycles += miss_cycles
        opened.insert(0, row)
        if prefetch and rows > 1:
            if row + 1 in opened:
                opened.remove(row + 1)
            opened.insert(1, row + 1)
        del opened[rows:]
        return cycles

    def row_control(self, region: Region) -> tuple[int, int, bool]:
        """Rows held, cycles of a miss, prefetch: what FLASH_ACR says, or the start-up setting."""
        rows, prefetch = region.rows, bool(region.prefetch)
        if self.flash_acr is None:
            return rows, region.row_miss_cycles, prefetch
        told, value = self.config, self.flash_acr
        wait_states = told.flash_wait_states
        if told.flash_latency_mask:
            lowest_bit = 1
            while not told.flash_latency_mask & lowest_bit:
                lowest_bit *= 2
            wait_states = (value & told.flash_latency_mask) // lowest_bit
        added = (wait_states - told.flash_wait_states) * region.wait_state_cycles
        if told.flash_prefetch_mask and not value & told.flash_prefetch_mask:
            prefetch = False
        if region.accelerated and told.flash_accelerator_mask:
            rows = rows if value & told.flash_accelerator_mask else min(rows, 1)
        return rows, region.row_miss_cycles + added, prefetch

    def write_back(self, time: int, line: int) -> int:
        """A dirty line goes out behind what is under way. Returns the cycles it takes."""
        self.counters["dcache_write_backs"] += 1
        index = self.region_of(line)
        if index is None:
            return 0
        region = self.regions[index]
        beats = self.dcache.shape.line_bytes // GROUP
        cycles = region.write_cycles + (beats - 1) * region.beat_cycles
        self.counters[index, "write_backs"] += 1
        self.bus_free_at[region.bank_of] = max(self.bus_free_at[region.bank_of], time) + cycles
        return cycles

    # --- stores on their way ---

    def queue_store(self, time: int, address: int, size: int) -> int:
        """A store to TCM or D-cache takes the banks of its words; part of a word is read first."""
        self.store_queue = [done for done in self.store_queue if done > time]
        enters = time
        if len(self.store_queue) == self.config.store_queue_entries:
            enters = min(self.store_queue)
            self.store_queue.remove(enters)
        done = []
        bytes_of_word = Counter(byte // 4 for byte in range(address, address + size))
        for word, count in bytes_of_word.items():
            bank = word % 2
            whole = count == 4
            cycles = self.config.word_store_cycles if whole else self.config.subword_store_cycles
            self.bank_free_at[bank] = max(self.bank_free_at[bank], enters) + cycles
            done.append(self.bank_free_at[bank])
            self.readable_at[word] = enters + self.config.load_after_store_cycles
        self.store_queue.append(max(done))
        return enters - time

    def wait_for_stores(self, time: int, address: int, size: int) -> int:
        """A load waits for the stores to its words, for so long as the store queue holds them."""
        words = {byte // 4 for byte in range(address, address + size)}
        return max([0, *(self.readable_at.get(word, 0) - time for word in words)])

    def buffer_store(self, time: int, address: int, index: int, policy: Policy) -> int:
        """A store to the bus: merges into the youngest waiting entry, or waits for a free one."""
        while self.store_buffer and self.store_buffer[0].done_at <= time:
            self.store_buffer.pop(0)
        if self.store_buffer and policy != Policy.DEVICE:
            youngest = self.store_buffer[-1]
            if youngest.group == address // GROUP and youngest.done_at > time:
                return 0
        enters = time
        if len(self.store_buffer) == self.config.store_buffer_entries:
            enters = self.store_buffer.pop(0).done_at
        region = self.regions[index]
        begins = max(self.bus_free_at[region.bank_of], enters)
        done_at = self.bus_free_at[region.bank_of] = begins + 1 + region.write_cycles
        self.store_buffer.append(BufferedStore(address // GROUP, done_at))
        self.counters[index, "uncached_writes"] += 1
        return enters - time

    def ahbp_store(self, time: int, index: int) -> int:
        """A store to a peripheral, past the store buffer: waits while as many as may be are out."""
        self.ahbp = [done_at for done_at in self.ahbp if done_at > time]
        enters = self.ahbp.pop(0) if len(self.ahbp) == self.config.ahbp_writes else time
        region = self.regions[index]
        begins = max(self.bus_free_at[region.bank_of], enters)
        self.bus_free_at[region.bank_of] = begins + 1 + region.write_cycles
        self.ahbp.append(self.bus_free_at[region.bank_of])
        self.counters[index, "uncached_writes"] += 1
        return enters - time

    def drain(self, time: int) -> int:
        """Cycles until every store is done."""
        waiting = [store.done_at for store in self.store_buffer] + self.store_queue + self.ahbp
        self.store_buffer, self.store_queue, self.ahbp = [], [], []
        return max([time, *waiting]) - time

    def drain_buffer(self, time: int) -> int:
        """Cycles that a DMB waits: for the stores that go past the cache."""
        waiting = [store.done_at for store in self.store_buffer] + self.ahbp
        self.store_buffer, self.ahbp = [], []
        return max([time, *waiting]) - time

    def synchronize(self, time: int) -> int:
        """Cycles that a DSB waits: for every store and every data linefill."""
        coming = [fill.done_at for fill in self.buffers if fill]
        return max([time + self.drain(time), *coming]) - time

    # --- data linefills ---

    def fill_of(self, time: int, line: int) -> Linefill | None:
        for fill in self.buffers:
            if fill and fill.line == line and time < fill.done_at:
                return fill
        return None

    def start_fill(self, time: int, address: int, index: int, dirty: bool) -> tuple[int, Linefill]:
        """Returns the cycles spent waiting for a linefill buffer, and the fill."""
        free_at = [fill.done_at if fill else 0 for fill in self.buffers]
        chosen = free_at.index(min(free_at))
        wait = max(0, free_at[chosen] - time)
        region = self.regions[index]
        line_bytes = self.dcache.shape.line_bytes
        line = address // line_bytes * line_bytes
        begins = max(self.bus_free_at[region.bank_of], time + wait)
        when = begins + self.device_read_cycles(index, address)
        arrives = {}
        for nth in range(line_bytes // GROUP):
            beat = (address // GROUP * GROUP - line + nth * GROUP) % line_bytes
            arrives[beat] = when + nth * region.beat_cycles
        fill = Linefill(line, arrives, max(arrives.values()))
        # A line that was lost while it came, and is asked for again, has one fill: the new one.
        for buffer in self.buffers:
            if buffer and buffer.line == line:
                buffer.line = -1
        self.buffers[chosen] = self.last_fill = fill
        self.bus_free_at[region.bank_of] = fill.done_at
        self.counters[index, "data_refills"] += 1
        victim = self.dcache.insert(address, dirty)
        if victim:
            self.counters["dcache_evictions"] += 1
            if victim.dirty:
                self.write_back(fill.done_at, victim.address)
        return wait, fill

    def judge_fill(self) -> None:
        """After some fills in a row that stores overwrote whole, stores allocate no more."""
        if self.last_fill and self.dynamic_read_allocate:
            whole = len(self.last_fill.written) == self.dcache.shape.line_bytes
            self.full_fills = self.full_fills + 1 if whole else 0
            if self.full_fills >= self.config.read_allocate_after:
                self.read_allocate_mode = True
            self.last_fill = None

    def leave_read_allocate_mode(self) -> None:
        self.read_allocate_mode = False
        self.full_fills = 0

    # --- data accesses ---

    def parts(self, address: int, size: int) -> list[tuple[int, int]]:
        """An access, split where a cache line ends: (address, size) each."""
        line_bytes = self.dcache.shape.line_bytes
        here = min(size, line_bytes - address % line_bytes)
        if here == size or self.region_of(address + here) != self.region_of(address):
            return [(address, here)]
        return [(address, here), (address + here, size - here)]

    def read(self, time: int, address: int, size: int, continues: bool = False) -> int:
        """Stall cycles of a load that issues at a time; or of the next word of the same one."""
        index = self.region_of(address)
        if index is None:
            return 0
        self.counters[index, "reads"] += 1
        self.counters[index, "read_bytes"] += size
        policy = self.policy_of(index, address)
        stall = 0
        if self.regions[index].is_tcm:
            stall = self.wait_for_stores(time, address, size)
        elif self.dcache_on and policy >= Policy.WRITE_THROUGH:
            stall = self.wait_for_stores(time, address, size)
            for part, _ in self.parts(address, size):
                stall += self.read_line(time + stall, part, index)
        else:
            bus = self.regions[index].bank_of
            beat = (address + size - 1) // GROUP
            goes_on = continues and address == self.burst_next
            if goes_on and address % self.config.read_burst_bytes and policy != Policy.DEVICE:
                there = self.burst_there
                if beat != (address - 1) // GROUP:
                    there += self.regions[index].beat_cycles
            else:
                if policy == Policy.DEVICE:
                    stall = self.drain(time)
                there = max(self.bus_free_at[bus], time + stall)
                there += self.device_read_cycles(index, address)
            self.bus_free_at[bus] = max(self.bus_free_at[bus], there)
            self.burst_next, self.burst_there = address + size, there
            self.counters[index, "uncached_reads"] += 1
            stall = max(0, there - time)
        self.counters[index, "stall_cycles"] += stall
        return stall

    def read_line(self, time: int, address: int, index: int) -> int:
        line_bytes = self.dcache.shape.line_bytes
        line = address // line_bytes * line_bytes
        beat = address % line_bytes // GROUP * GROUP
        self.counters["dcache_reads"] += 1
        if self.read_allocate_mode and line == self.streamed_line:
            self.leave_read_allocate_mode()
        fill: Linefill | None
        if self.dcache.find(address):
            fill = self.fill_of(time, line)
        else:
            self.counters["dcache_read_misses"] += 1
            self.judge_fill()
            _, fill = self.start_fill(time, address, index, dirty=False)
        return max(0, fill.arrives[beat] - time) if fill else 0

    def write(self, time: int, address: int, size: int) -> int:
        """Stall cycles of a store that issues at a time."""
        index = self.region_of(address)
        if index is None:
            return 0
        self.counters[index, "writes"] += 1
        self.counters[index, "write_bytes"] += size
        policy = self.policy_of(index, address)
        stall = 0
        if self.regions[index].is_tcm:
            stall = self.queue_store(time, address, size)
        elif self.dcache_on and policy >= Policy.WRITE_THROUGH:
            for part, part_size in self.parts(address, size):
                stall += self.write_line(time + stall, part, part_size, index, policy)
        elif self.regions[index].kind == Kind.PERIPHERAL:
            stall = self.ahbp_store(time, index)
        else:
            stall = self.buffer_store(time, address, index, policy)
        self.counters[index, "stall_cycles"] += stall
        return stall

    def write_line(self, time: int, address: int, size: int, index: int, policy: Policy) -> int:
        line_bytes = self.dcache.shape.line_bytes
        line = address // line_bytes * line_bytes
        offsets = set(range(address - line, address - line + size))
        self.counters["dcache_writes"] += 1
        held = self.dcache.find(address)
        if held:
            fill = self.fill_of(time, line)
            if fill:
                fill.written |= offsets
            if policy == Policy.WRITE_THROUGH:
                return self.buffer_store(time, address, index, policy)
            held.dirty = True
            return 0 if fill else self.queue_store(time, address, size)
        if policy == Policy.WRITE_BACK_ALLOCATE and not self.read_allocate_mode:
            self.judge_fill()
        if self.read_allocate_mode:
            self.stream_store(line, offsets)
        if self.read_allocate_mode and policy == Policy.WRITE_BACK_ALLOCATE:
            self.counters["dcache_streamed_writes"] += 1
        else:
            self.counters["dcache_write_misses"] += 1
        if policy == Policy.WRITE_BACK_ALLOCATE and not self.read_allocate_mode:
            stall, fill = self.start_fill(time, address, index, dirty=True)
            fill.written |= offsets
            self.streamed_line = None
            return stall
        return self.buffer_store(time, address, index, policy)

    def stream_store(self, line: int, offsets: set[int]) -> None:
        """Read-allocate mode ends when a store begins another line before the last is whole."""
        if line != self.streamed_line:
            if self.streamed_line is not None and len(self.streamed) < self.dcache.shape.line_bytes:
                self.leave_read_allocate_mode()
            self.streamed_line, self.streamed = line, set()
        self.streamed |= offsets

    # --- instruction fetch ---

    def fetch_is_cached(self, address: int) -> bool:
        index = self.region_of(address)
        if index is None or self.regions[index].is_tcm or not self.icache_on:
            return False
        return self.policy_of(index, address) >= Policy.WRITE_THROUGH

    def fetch(
        self, time: int, cycles: int, address: int, size: int, redirected: bool
    ) -> tuple[int, int]:
        """A block that issues from a time on and takes cycles if nothing stalls: (stall, misses).

        The prefetch unit asks for one 64-bit group a cycle and is at most its queue ahead of issue.
        """
        index = self.region_of(address)
        if index is None or self.regions[index].is_tcm:
            self.fetched_at = time + cycles
            return 0, 0
        ahead = 0 if redirected else self.config.fetch_queue_groups
        at = max(self.fetched_at, time - ahead)
        misses = self.counters["icache_misses"]
        cached = self.fetch_is_cached(address)
        groups = range(address // GROUP * GROUP, address + size, GROUP)
        stall = 0
        for nth, group in enumerate(groups):
            at = self.fetch_group(at, group, index, cached)
            # Code is needed as it issues, its groups evenly.
            needed = time + min(cycles, nth * cycles // len(groups) + 1)
            stall = max(stall, at - needed)
        coming = self.fetched_line is not None and self.fetched_line.done_at > time
        hits = cached and self.counters["icache_misses"] == misses
        if hits and not coming:
            self.fetched_at = time + cycles  # how fast hits come is the pipeline's affair
            return 0, 0
        self.fetched_at = at
        self.counters[index, "stall_cycles"] += stall
        return stall, self.counters["icache_misses"] - misses

    def fetch_group(self, at: int, group: int, index: int, cached: bool) -> int:
        """When a group is there that is asked for at a time."""
        line_bytes = self.fetched_bytes(index, cached)
        line = group // line_bytes * line_bytes
        if cached and not self.icache.find(group):
            self.counters["icache_misses"] += 1
            self.counters[index, "instruction_refills"] += 1
            if self.icache.insert(group, dirty=False):
                self.counters["icache_evictions"] += 1
            self.start_fetch(at, group, index, cached)
        elif not cached and not (self.fetched_line and self.fetched_line.line == line):
            self.counters[index, "fetches"] += 1
            self.start_fetch(at, group, index, cached)
        if self.fetched_line and self.fetched_line.line == line:
            return max(at + 1, self.fetched_line.arrival(group, line_bytes))
        return at + 1

    def fetched_bytes(self, index: int, cached: bool) -> int:
        """What one fetch from a region brings."""
        return self.icache.shape.line_bytes if cached else self.regions[index].fetch_bytes

    def start_fetch(self, at: int, group: int, index: int, cached: bool) -> FetchedLine:
        """A refill holds its bus to the last beat; of single fetches the next address overlaps."""
        region = self.regions[index]
        line_bytes = self.fetched_bytes(index, cached)
        begins = max(at, self.bus_free_at[region.bank_of])
        critical_at = begins + 1 + self.device_read_cycles(index, group) + region.fetch_cycles
        line = group // line_bytes * line_bytes
        last = critical_at + (line_bytes // GROUP - 1) * region.beat_cycles
        self.fetched_line = FetchedLine(line, group, critical_at, region.beat_cycles, last)
        self.bus_free_at[region.bank_of] = last if cached else critical_at - 1
        return self.fetched_line

    def fetch_wrong_path(self, time: int, branch_end: int, cycles: int) -> None:
        """A branch issues at a time and is known to be taken some cycles later.

        Until then the groups behind it are asked for, one a cycle, as far as the queue goes. What
        left for another line cannot be called back; what would leave just then costs its cycle.
        """
        group = (branch_end - 1) // GROUP * GROUP
        index = self.region_of(group)
        if index is None or self.regions[index].is_tcm or self.fetch_is_cached(group):
            return
        for asked in range(min(cycles, self.config.fetch_queue_groups)):
            group += GROUP
            line = group // self.regions[index].fetch_bytes * self.regions[index].fetch_bytes
            if self.fetched_line and self.fetched_line.line == line:
                continue
            if self.region_of(group) == index and asked + 1 < cycles:
                self.counters[index, "fetches"] += 1
                fetched = self.start_fetch(time + asked, group, index, cached=False)
                self.fetched_at = fetched.critical_at - 1
            else:
                self.fetched_at = time + cycles + 1
            return

    # --- system registers (Armv7-M ARM B3.2, B2.2) ---

    def system_write(self, time: int, address: int, value: int) -> int:
        """Stall cycles of a store to CCR, ACTLR, an MPU, cache maintenance or flash register."""
        if address == self.config.flash_control and address:
            self.flash_acr = value
            if self.config.flash_accelerator_mask:  # switching it empties it, but for the last line
                for index, opened in self.open_rows.items():
                    if self.regions[index].accelerated:
                        del opened[1:]
        elif address == 0xE000E008:  # ACTLR.DISRAMODE
            allowed = not value >> 11 & 1
            self.dynamic_read_allocate = allowed and bool(self.config.dynamic_read_allocate)
            if not self.dynamic_read_allocate:
                self.leave_read_allocate_mode()
        elif Mpu.CTRL <= address <= Mpu.LAST:
            self.mpu.write(address, value)
        elif address == 0xE000ED14 and self.config.caches == Caches.AUTO:  # CCR
            self.dcache_on = bool(value & 1 << 16 and self.config.dcache.size)
            self.icache_on = bool(value & 1 << 17 and self.config.icache.size)
        elif address == 0xE000EF50:  # ICIALLU
            self.icache.invalidate_all()
            self.fetched_line = None
        elif address == 0xE000EF58:  # ICIMVAU
            self.icache.maintain(self.icache.find(value), invalidate=True)
        elif address in DCACHE_MAINTENANCE:
            by, clean, invalidate = DCACHE_MAINTENANCE[address]
            held = self.dcache.find(value) if by == "address" else self.dcache.at_set_way(value)
            if held and self.dcache.maintain(held, clean=clean, invalidate=invalidate):
                return self.write_back(time, held.address)
        return 0


# register -> how it names a line, whether it cleans, whether it invalidates
DCACHE_MAINTENANCE = {
    0xE000EF5C: ("address", False, True),  # DCIMVAC
    0xE000EF60: ("set and way", False, True),  # DCISW
    0xE000EF64: ("address", True, False),  # DCCMVAU
    0xE000EF68: ("address", True, False),  # DCCMVAC
    0xE000EF6C: ("set and way", True, False),  # DCCSW
    0xE000EF70: ("address", True, True),  # DCCIMVAC
    0xE000EF74: ("set and way", True, True),  # DCCISW
}
