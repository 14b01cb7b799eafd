"""Dynamic read-allocate mode (TRM, ch05s09s01): a memset does not push the cache out."""

from __future__ import annotations

from dataclasses import replace

from tests.reference_config import Policy
from tests.unit.native.memory_program import (
    CACHED,
    LINE,
    ON_C_AND_TWIN,
    RAM,
    SLOW_RAM,
    MakeMemory,
    Program,
)

pytestmark = ON_C_AND_TWIN


STREAMING = replace(CACHED, dynamic_read_allocate=1, read_allocate_after=3)
# Eight stores a line; a fill of 20 + 3 x 2 cycles is still on its way when the last is there.
FAR_RAM = replace(SLOW_RAM, read_cycles=20)


def clear(p: Program, first: int, lines: int) -> None:
    """memset by words."""
    for address in range(RAM + first * LINE, RAM + (first + lines) * LINE, 4):
        p.store(address)


def test_a_memset_stops_allocating_after_three_lines_it_overwrote_whole(make: MakeMemory) -> None:
    p = Program(make(STREAMING, [FAR_RAM]))
    clear(p, 0, 16)
    assert p.count("data_refills", 0) == 3
    # Three misses, the other 21 stores into their lines hit; the mode sends the rest out.
    assert p.count("dcache_write_misses") == 3
    assert p.count("dcache_writes") == 16 * 8
    assert p.count("dcache_streamed_writes") == 13 * 8
    p = Program(make(CACHED, [FAR_RAM]))  # ACTLR.DISRAMODE
    clear(p, 0, 16)
    assert p.count("data_refills", 0) == 16
    assert p.count("uncached_writes", 0) == 0
    assert p.count("dcache_streamed_writes") == 0
    assert p.count("dcache_write_misses") == 16


def test_a_store_that_its_policy_sends_out_or_that_hits_is_not_streamed(make: MakeMemory) -> None:
    through = replace(SLOW_RAM, base=0x2400_0000, policy=Policy.WRITE_THROUGH)
    p = Program(make(STREAMING, [FAR_RAM, through]))
    p.load(RAM + 40 * LINE)
    clear(p, 0, 4)
    assert p.count("dcache_streamed_writes") == 8
    p.store(RAM + 40 * LINE)  # its line is there
    p.store(through.base)  # the fourth line was whole: the mode holds
    assert p.count("dcache_streamed_writes") == 8
    assert p.count("dcache_write_misses") == 3 + 1


def test_a_fill_that_is_faster_than_the_stores_does_not_start_read_allocate_mode(
    make: MakeMemory,
) -> None:
    p = Program(make(STREAMING, [replace(SLOW_RAM, read_cycles=0, beat_cycles=1)]))
    clear(p, 0, 16)
    assert p.count("data_refills", 0) == 16


def test_a_linefill_not_overwritten_in_between_starts_the_count_anew(make: MakeMemory) -> None:
    p = Program(make(STREAMING, [FAR_RAM]))
    clear(p, 0, 2)
    p.load(RAM + 40 * LINE)
    clear(p, 2, 3)
    assert p.count("data_refills", 0) == 6
    clear(p, 5, 1)
    assert p.count("data_refills", 0) == 6  # it was the third in a row that was written whole


def test_a_partly_written_line_ends_read_allocate_mode(make: MakeMemory) -> None:
    p = Program(make(STREAMING, [FAR_RAM]))
    clear(p, 0, 4)
    p.store(RAM + 8 * LINE)  # goes out alone, as the mode still holds
    assert p.count("data_refills", 0) == 3
    p.store(RAM + 9 * LINE)  # line 8 was left unfinished
    assert p.count("data_refills", 0) == 4


def test_a_load_of_the_line_being_written_ends_read_allocate_mode(make: MakeMemory) -> None:
    p = Program(make(STREAMING, [FAR_RAM]))
    clear(p, 0, 4)
    p.load(RAM + 20 * LINE)  # another line: the mode stays
    clear(p, 4, 1)  # whole: the next line would not end it
    assert p.count("data_refills", 0) == 4
    p.load(RAM + 4 * LINE + 8)
    p.wait()
    p.store(RAM + 5 * LINE)
    assert p.count("data_refills", 0) == 6
