"""Room for what moves: the part's, or what the user's own script leaves of it."""

from __future__ import annotations

from simcore.cpu_model import load_cpu_model
from simcore.elf import Image, Section
from simcore.linking.build import Build
from simcore.linking.mapfile import LinkMap, MemoryRange
from simcore.linking.room import room_for_sections, section_bytes
from simcore.placement.pieces import ProgramMemory

DTCM = 0x20000000


def test_the_users_region_counts_where_it_is_smaller() -> None:
    model = load_cpu_model("stm32f746")
    section = Section(".data", DTCM, 24, DTCM, True, False, True)
    image = Image("a.elf", "", None, None, 1, (), (section,))
    program = ProgramMemory((0x20050000, 0x20050000), 0, (0, 0))

    def room(*memory: MemoryRange) -> int:
        build = Build(LinkMap("a.map", (), {}, memory))
        return room_for_sections(image, model, program, build, model.region("dtcm"))

    assert room() > 60_000
    # 64 bytes, of which .data has 24; 16 are for the alignment of the output section.
    assert room(MemoryRange("DTCMRAM", DTCM, 64)) == 24


def test_an_input_section_takes_words_and_the_gap_in_front_of_it() -> None:
    assert [section_bytes(size) for size in (4, 5, 20)] == [4, 12, 24]
