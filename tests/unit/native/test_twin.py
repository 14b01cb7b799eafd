"""The C rules and their Python twins agree on every counter and every stall cycle.

Streams, configurations and memory maps are drawn by hypothesis; long streams come from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import native
from tests.examples import examples
from tests.reference import Memory
from tests.reference_branch import BranchKind, Predictor
from tests.reference_cache import Cache, CacheShape, Replacement
from tests.reference_config import Caches, Config, Kind, Policy, Region

Step = tuple[Any, ...]
ITCM, DTCM, SRAM, FLASH, ALIAS, SLOW, DEVICE = range(7)
NO_CACHE = CacheShape(0, 1)
BASES = (0x0000_0000, 0x2000_0000, 0x2002_0000, 0x0800_0000, 0x0900_0000, 0xC000_0000, 0x4000_0000)
CCR, ACTLR, FLASH_ACR = 0xE000_ED14, 0xE000_E008, 0x4002_3C00
ICIALLU, ICIMVAU = 0xE000_EF50, 0xE000_EF58
BY_ADDRESS = (0xE000_EF5C, 0xE000_EF64, 0xE000_EF68, 0xE000_EF70)
BY_SET_WAY = (0xE000_EF60, 0xE000_EF6C, 0xE000_EF74)
MPU_CTRL, MPU_RNR, MPU_RBAR, MPU_RASR = 0xE000_ED94, 0xE000_ED98, 0xE000_ED9C, 0xE000_EDA0


class Draw(Protocol):
    """Where choices come from: random.Random, or hypothesis."""

    def randint(self, a: int, b: int) -> int: ...

    def choice(self, seq: Any) -> Any: ...


def shape(draw: Draw, replacement: Replacement) -> CacheShape:
    ways, sets = draw.choice((1, 2, 3, 4)), draw.choice((1, 2, 4, 8))
    size = draw.choice((0, 1, 1, 1, 1)) * ways * sets * 32
    return CacheShape(size, ways, 32, replacement)


def configuration(draw: Draw, replacement: Replacement, caches: Caches) -> Config:
    word = draw.randint(1, 2)
    return Config(
        icache=shape(draw, replacement),
        dcache=shape(draw, replacement),
        caches=caches,
        linefill_buffers=draw.randint(1, 4),
        store_buffer_entries=draw.randint(1, 5),
        store_queue_entries=draw.randint(1, 5),
        ahbp_writes=draw.randint(1, 3),
        read_burst_bytes=draw.choice((4, 8, 32)),
        load_after_store_cycles=draw.choice((0, 4, 8)),
        subword_store_cycles=word + draw.randint(0, 3),
        word_store_cycles=word,
        dynamic_read_allocate=draw.randint(0, 1),
        read_allocate_after=draw.randint(1, 3),
        fetch_queue_groups=draw.randint(0, 4),
        flash_control=FLASH_ACR,
        flash_latency_mask=draw.choice((0, 0x7, 0xF0)),
        flash_prefetch_mask=draw.choice((0, 0x100)),
        flash_accelerator_mask=draw.choice((0, 0x200)),
        flash_wait_states=2,
    )


def region(draw: Draw, index: int, policy: Policy) -> Region:
    kinds = (Kind.ITCM, Kind.DTCM, Kind.SRAM, Kind.FLASH, Kind.FLASH, Kind.EXTERNAL)
    has_rows = index in (FLASH, ALIAS, SLOW)
    return Region(
        base=BASES[index],
        size=0x1_0000,
        kind=(*kinds, Kind.PERIPHERAL)[index],
        policy=Policy.DEVICE if index == DEVICE else policy,
        bank_of=FLASH if index == ALIAS else index,
        prefetch=draw.randint(0, 1),
        never_cached=int(index in (ITCM, DTCM)),
        read_cycles=draw.randint(0, 12),
        write_cycles=draw.randint(0, 12),
        beat_cycles=draw.randint(0, 3),
        fetch_cycles=draw.randint(0, 2),
        fetch_bytes=draw.choice((8, 16, 32)),
        row_bytes=draw.choice((16, 32, 256)),
        rows=draw.randint(0, 4) if has_rows else 0,
        row_miss_cycles=draw.randint(4, 13),
        wait_state_cycles=draw.randint(0, 2),
        accelerated=draw.randint(0, 1),
    )


def address(draw: Draw) -> int:
    """Few lines, so that accesses meet: a window of a few hundred bytes at one of three strides."""
    base = BASES[draw.randint(0, len(BASES) - 1)]
    return int(base + draw.choice((0, 0, 0, 0x400, 0x1000)) + draw.randint(0, 0x13F))


def mpu_step(draw: Draw) -> list[Step]:
    """One region: any attributes, 32 bytes to 64 KiB, eighths cut out, sometimes switched off."""
    log2 = draw.choice((5, 7, 8, 10, 12, 14, 15, 16))
    attributes = draw.randint(0, 0x3F) << 16 | draw.choice((0, 0, 0x81, 0x0F)) << 8
    enable = draw.choice((1, 1, 1, 0))
    return [
        ("system", MPU_RNR, draw.randint(0, 15)),
        ("system", MPU_RBAR, address(draw) & ~0x1F | draw.choice((0, 0x12, 0x1F))),
        ("system", MPU_RASR, attributes | (log2 - 1) << 1 | enable),
        ("system", MPU_CTRL, draw.choice((1, 1, 0))),
    ]


def system_step(draw: Draw) -> list[Step]:
    which = draw.randint(0, 11)
    if which == 11:
        return [("system", FLASH_ACR, draw.randint(0, 0x3FF))]
    if which == 10:
        return [("system", ACTLR, draw.choice((0, 1 << 11)))]
    if which == 0:
        return [("system", CCR, draw.randint(0, 3) << 16)]
    if which == 1:
        return mpu_step(draw)
    if which == 2:
        return [("system", draw.choice((ICIALLU, ICIMVAU)), address(draw))]
    if which <= 5:
        way = draw.randint(0, 3) << draw.choice((30, 31))
        return [("system", draw.choice(BY_SET_WAY), (way | draw.randint(0, 7) << 5) & 0xFFFF_FFFF)]
    return [("system", draw.choice(BY_ADDRESS), address(draw))]


def steps(draw: Draw) -> list[Step]:
    """One thing that a program does, or a short burst of like accesses."""
    which = draw.randint(0, 19)
    gap = draw.choice((0, 1, 1, 1, 2, 30))
    if which == 0:
        return system_step(draw)
    if which == 1:
        return [(draw.choice(("drain", "drain buffer", "synchronize")), gap)]
    if which <= 4:
        begin, size = address(draw) & ~1, draw.randint(1, 40) * 2
        block = ("fetch", gap, begin, size, draw.randint(1, 9), gap == 0)
        return [block, ("wrong path", begin + size, draw.randint(1, 8))][: draw.randint(1, 2)]
    kind = draw.choice(("read", "read", "write", "write", "words"))
    size = draw.choice((1, 2, 4, 4, 8))
    begin, count = address(draw), draw.choice((1, 1, 4, 24))
    if count > 1:
        begin -= begin % size
    return [(kind, 1 if count > 1 else gap, begin + i * size, size) for i in range(count)]


def run(memory: Memory | native.Memory, stream: Iterable[Step]) -> list[Any]:
    """What each step cost. Stalls delay what follows, as they do the pipeline."""
    time = 100
    seen: list[Any] = []
    last: tuple[Any, ...] = ()
    for step in stream:
        match step:
            case ("system", register, value):
                cost = memory.system_write(time, register, value)
            case ("drain", gap):
                time += gap
                cost = memory.drain(time)
            case ("drain buffer", gap):
                time += gap
                cost = memory.drain_buffer(time)
            case ("synchronize", gap):
                time += gap
                cost = memory.synchronize(time)
            case ("fetch", gap, begin, size, cycles, redirected):
                time += gap
                cost, misses = memory.fetch(time, cycles, begin, size, redirected)
                seen.append(misses)
                time += cycles
            case ("wrong path", branch_end, cycles):
                memory.fetch_wrong_path(time, branch_end, cycles)
                cost = 0
            case ("read", gap, where, size):
                time += gap
                cost = memory.read(time, where, size)
            case ("words", gap, where, size):
                time += gap
                cost = memory.read(time, where, size, last == ("words", where - size))
            case (_, gap, where, size):
                time += gap
                cost = memory.write(time, where, size)
        time += cost
        last = step[0], step[-2]
        seen.append((step, cost))
    return seen


def compare(config: Config, regions: list[Region], stream: list[Step]) -> None:
    twin, c = Memory(config, regions), native.Memory(config, regions)
    assert run(c, stream) == run(twin, stream)
    assert c.counters == {name: count for name, count in twin.counters.items() if count}


class Drawn:
    """Choices of hypothesis in the face of random.Random."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def randint(self, a: int, b: int) -> int:
        return self.draw(st.integers(a, b))

    def choice(self, seq: Any) -> Any:
        return self.draw(st.sampled_from(seq))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Config, list[Region], list[Step]]:
    source = Drawn(draw)
    config = configuration(
        source, draw(st.sampled_from(list(Replacement))), draw(st.sampled_from(list(Caches)))
    )
    policy = draw(st.sampled_from(list(Policy)))
    regions = [region(source, index, policy) for index in range(len(BASES))]
    count = draw(st.integers(1, 20))
    return config, regions, [step for _ in range(count) for step in steps(source)]


@given(worlds())
@examples(150)
def test_the_memory_system_costs_and_counts_the_same_in_c_and_in_the_twin(
    world: tuple[Config, list[Region], list[Step]],
) -> None:
    compare(*world)


@pytest.mark.parametrize("replacement", Replacement)
@pytest.mark.parametrize("caches", Caches)
@pytest.mark.parametrize("policy", Policy)
def test_long_random_streams_cost_the_same_under_every_policy(
    policy: Policy, caches: Caches, replacement: Replacement
) -> None:
    for seed in range(3):
        draw = random.Random(f"{policy} {caches} {replacement} {seed}")
        config = configuration(draw, replacement, caches)
        regions = [region(draw, index, policy) for index in range(len(BASES))]
        compare(config, regions, [step for _ in range(250) for step in steps(draw)])


@given(st.integers(0, 2**32), st.sampled_from(Replacement))
@examples(150)
def test_a_cache_holds_the_same_lines_in_c_and_in_the_twin(
    seed: int, replacement: Replacement
) -> None:
    draw = random.Random(seed)
    ways, sets, line_bytes = draw.randint(1, 6), draw.choice((1, 2, 4)), draw.choice((16, 32, 64))
    form = CacheShape(ways * sets * line_bytes, ways, line_bytes, replacement)
    twin, c = Cache(form), native.Cache(form)
    for _ in range(200):
        where = draw.randrange(ways * sets * line_bytes * 2)
        clean, invalidate = draw.choice(((True, False), (False, True), (True, True)))
        operand = draw.getrandbits(32)
        match draw.randrange(12):
            case 0:
                twin_cleaned = twin.maintain(twin.find(where), clean, invalidate)
                assert c.line_op(where, clean, invalidate) == twin_cleaned
            case 1:
                twin_cleaned = twin.maintain(twin.at_set_way(operand), clean, invalidate)
                assert c.set_way_op(operand, clean, invalidate) == twin_cleaned
            case 2 if draw.random() < 0.1:
                twin.invalidate_all()
                c.invalidate_all()
            case _:
                line, dirty = twin.find(where), draw.random() < 0.3
                assert (c.find(where) is None) == (line is None)
                if line is None:
                    old = twin.insert(where, dirty)
                    assert c.insert(where, dirty) == (old and (old.address, old.dirty))
                elif dirty:
                    line.dirty = True
                    c.write(where)


@given(st.integers(0, 2**32))
@examples(150)
def test_branches_are_predicted_the_same_in_c_and_in_the_twin(seed: int) -> None:
    draw = random.Random(seed)
    ways = draw.choice((1, 2, 4))
    config = Config(
        NO_CACHE,
        NO_CACHE,
        btac_entries=ways * draw.choice((0, 1, 2, 8)),
        btac_ways=ways,
        return_stack_entries=draw.randint(0, 4),
        btac_read_disabled=int(draw.random() < 0.2),
    )
    twin, c = Predictor(config), native.Predictor(config)
    places = [draw.randrange(0, 64, 2) for _ in range(8)]
    for step in range(200):
        branch = draw.choice(places)
        kind = draw.choice(list(BranchKind)[1:])
        indirect = kind >= BranchKind.CALL_INDIRECT
        target = 0 if indirect else draw.choice(places)
        fall_through = branch + 4
        conditional = kind == BranchKind.CONDITIONAL or draw.random() < 0.2
        went = draw.choice(places) + 4 if indirect else target
        if conditional and draw.random() < 0.5:
            went = fall_through
        if step % 50 == 49:
            actlr = draw.randrange(4) << 13
            twin.control(actlr)
            c.control(actlr)
        told = (kind, conditional, branch, target, fall_through, went)
        assert c.branch(*told) == twin.branch(*told)
