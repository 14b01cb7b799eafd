"""Placement: what WHAT=REGION names, the free place that it gets, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image, Section, Segment, Symbol, load_image
from simcore.errors import ConfigError
from simcore.placement import Placement, place, tcm_bytes
from simcore.placement.request import Selector, parse_request, parse_what
from simcore.placement.space import Gap, aligned, fit, merged
from simcore.run.setup import TimingSetup

KERNELS = Path(__file__).parents[3] / "kernels" / "prebuilt"
DTCM, SRAM, FLASH = 0x2000_0000, 0x2001_0000, 0x0800_0000


@pytest.fixture(scope="module")
def image() -> Image:
    return load_image(KERNELS / "conv2d_s8.elf")


@pytest.fixture(scope="module")
def part() -> CpuModel:
    return load_cpu_model("stm32f746")


def placed(image: Image, part: CpuModel, *requests: str) -> Placement:
    """The placement, which TimingSetup and the part's map have to accept."""
    placement = place(image, part, requests)
    setup = TimingSetup(part, moves=placement.moves)
    setup.check()
    setup.check_program(image)
    return placement


def names(placement: Placement) -> list[str]:
    return [item.name for item in placement.items]


def refusal(image: Image, part: CpuModel, *requests: str) -> str:
    with pytest.raises(ConfigError) as caught:
        place(image, part, requests)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("--place '")
    return message


# --- what a request names ---


def test_a_request_is_split_at_its_last_equals_sign() -> None:
    request = parse_request(" operator==*=itcm ")
    assert (request.what, request.region) == ("operator==*", "itcm")


@pytest.mark.parametrize("text", ["", "conv", "conv=", "=itcm", " = "])
def test_what_is_not_what_and_region_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match=r"not WHAT=REGION, such as 'conv\*=itcm'"):
        parse_request(text)


def test_a_what_joins_names_with_kinds_and_ranges_of_bytes() -> None:
    assert parse_what("conv[12]* + file:strip.c+object:w[:4K]+heap[0x100:512]") == (
        Selector(None, "conv[12]*"),
        Selector("file", "strip.c"),
        Selector("object", "w", None, 4096),
        Selector(None, "heap", 256, 512),
    )


@pytest.mark.parametrize(
    ("what", "message"),
    [("a+", "a name is missing"), ("w[1:x]", "'x' is not a number"), ("w[8:4]", "holds none")],
)
def test_a_what_that_cannot_be_read_is_refused(what: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_what(what)


def test_a_pattern_names_functions_and_objects_in_order_of_address(
    image: Image, part: CpuModel
) -> None:
    assert names(placed(image, part, "conv2d*=itcm")) == ["conv2d_s8_scratch_bytes", "conv2d_s8"]
    assert names(placed(image, part, "input+output=dtcm")) == ["output", "input"]
    assert names(placed(image, part, "in*=dtcm")) == ["input_values", "input"]
    assert names(placed(image, part, "object:*put=dtcm")) == ["output", "input"]


def test_an_input_file_is_named_by_its_symbol_or_by_a_path_of_debug_information(
    image: Image, part: CpuModel
) -> None:
    strip = ["finish_channel", "finish_pair", "multiply_rows", "strip_multiply"]
    assert names(placed(image, part, "file:strip.c=itcm")) == strip
    assert names(placed(image, part, "strip.c=itcm")) == strip
    assert names(placed(image, part, "src/strip.c=itcm")) == strip
    # Two files are called conv2d_s8.c: the kernel, and the program with main() and the data
    both = names(placed(image, part, "file:conv2d_s8.c=sram1"))
    assert {"main", "weights"} <= set(both)  # input and output lie there already
    assert "main" not in names(placed(image, part, "src/conv2d_s8.c=itcm"))


def test_a_function_takes_its_literal_pool_along(image: Image, part: CpuModel) -> None:
    (item,) = placed(image, part, "main=itcm").items
    symbol = image.symbol("main")
    assert symbol is not None
    assert (item.address, item.size) == (symbol.address, 0xD8)  # nm: code, and pool from 0x800010c
    assert (item.to - item.address) % 4 == 0


def test_what_is_named_twice_for_one_region_is_placed_once(image: Image, part: CpuModel) -> None:
    assert names(placed(image, part, ".bss=dtcm", "input=dtcm")) == [".bss"]
    assert names(placed(image, part, "main=itcm", "mai*=itcm")) == ["main"]


def test_vectors_and_stack_are_named_without_a_symbol(image: Image, part: CpuModel) -> None:
    (vectors,) = placed(image, part, "vectors=sram1").items
    assert (vectors.kind, vectors.address, vectors.size) == ("vectors", FLASH, 64)
    (stack,) = placed(image, part, "stack=sram1").items
    # __stack_size of the linker script, below the top
    assert (stack.address + stack.size, stack.size) == (SRAM, 8192)
    (stack,) = placed(image, part, "stack[:1K]=sram1").items
    assert (stack.address + stack.size, stack.size) == (SRAM, 1024)


def test_a_range_of_bytes_of_an_object_moves_alone(image: Image, part: CpuModel) -> None:
    (item,) = placed(image, part, "weights[1K:3K]=dtcm").items
    symbol = image.symbol("weights")
    assert symbol is not None
    assert (item.address, item.size) == (symbol.address + 1024, 2048)
    assert "has 9,216 bytes" in refusal(image, part, "weights[:16K]=dtcm")
    assert "multiple of 4" in refusal(image, part, "weights[2:16]=dtcm")


def test_memory_without_a_symbol_is_named_by_its_address(image: Image, part: CpuModel) -> None:
    (item,) = placed(image, part, "0x20018000[:16K]=dtcm").items
    assert (item.address, item.to, item.size) == (0x2001_8000, DTCM + 0x4000, 16384)
    for request in ("0x20018000=dtcm", "0x20018002[:16]=dtcm", "0xfffffffc[:8]=dtcm"):
        assert "needs its bytes, such as" in refusal(image, part, request)


# --- where it goes ---


def test_places_are_free_memory_behind_what_the_program_has_there(
    image: Image, part: CpuModel
) -> None:
    placement = placed(image, part, "input+output=dtcm", "conv2d_s8=itcm")
    to = {item.name: item.to for item in placement.items}
    # scratch has the first 16 KiB of DTCM; output and input follow as they lay
    assert (to["output"], to["input"]) == (DTCM + 0x4000, DTCM + 0x6000)
    assert to["conv2d_s8"] == 8  # nothing has the address of the null pointer


def test_room_that_something_moved_out_of_is_free_again(image: Image, part: CpuModel) -> None:
    alone = placed(image, part, ".bss=dtcm")
    swapped = placed(image, part, ".bss=dtcm", "scratch=sram1")
    assert alone.items[0].to == DTCM + 0x4000
    to = {item.name: item.to for item in swapped.items}
    assert (to["scratch"], to[".bss"]) == (SRAM, DTCM)


def test_what_lies_there_already_does_not_move(image: Image, part: CpuModel) -> None:
    placement = placed(image, part, "weights=flash", "scratch=dtcm", "stack=dtcm")
    assert placement.moves == ()
    assert set(placement.stays) == {"weights", "scratch", "stack"}


def test_another_bus_to_the_same_flash_keeps_the_offset(image: Image, part: CpuModel) -> None:
    (text,) = placed(image, part, ".text=flash_itcm").items
    assert text.to - 0x0020_0000 == text.address - FLASH


def test_start_up_copies_are_counted_where_rom_goes_to_ram(image: Image, part: CpuModel) -> None:
    assert placed(image, part, "weights=dtcm", "input=dtcm").copied_bytes == 9216
    assert placed(image, part, ".text=flash_itcm").copied_bytes == 0


def test_tcm_bytes_are_what_the_program_has_there_with_what_moved(
    image: Image, part: CpuModel
) -> None:
    assert tcm_bytes(image, part, ()) == {"itcm": 0, "dtcm": 16384}
    placement = placed(image, part, "weights=dtcm", "scratch=sram1")
    assert tcm_bytes(image, part, placement.moves) == {"itcm": 0, "dtcm": 9216}
    unnamed = placed(image, part, "0x20018000[:1K]=dtcm")
    assert tcm_bytes(image, part, unnamed.moves)["dtcm"] == 16384 + 1024
    top = DTCM + 0x10000
    assert tcm_bytes(image, part, (), (top - 500, top))["dtcm"] == 16384 + 500


@st.composite
def packings(draw: st.DrawFn) -> tuple[list[tuple[int, int, int]], list[Gap]]:
    pieces = [
        (
            draw(st.integers(0, 1000)) * 2,
            draw(st.integers(1, 200)),
            draw(st.sampled_from([4, 8, 32])),
        )
        for _ in range(draw(st.integers(1, 8)))
    ]
    gaps: list[Gap] = []
    at = 0
    for _ in range(draw(st.integers(1, 4))):
        start = at + draw(st.integers(0, 100))
        at = start + draw(st.integers(1, 400))
        gaps.append(Gap(start, at, draw(st.booleans()) and not gaps))
    return pieces, gaps


@given(packings())
def test_pieces_lie_in_gaps_apart_and_aligned_as_they_were(
    packing: tuple[list[tuple[int, int, int]], list[Gap]],
) -> None:
    pieces, gaps = packing
    places = fit(pieces, gaps)
    if places is None:  # then at least the room is scarce: what is left of each gap is small
        assert sum(size + 31 for _, size, _ in pieces) > max(gap.size for gap in gaps) - 32
        return
    ranges = []
    for at, (address, size, alignment) in zip(places, pieces, strict=True):
        assert at % alignment == address % alignment
        assert any(gap.start <= at and at + size <= gap.end for gap in gaps)
        ranges.append((at, at + size))
    assert sum(high - low for low, high in merged(ranges)) == sum(size for _, size, _ in pieces)


def test_an_aligned_place_is_the_first_that_is_like_the_address() -> None:
    assert [aligned(at, 6, 4) for at in (0, 2, 3, 6, 7)] == [2, 2, 6, 6, 10]


# --- what is refused ---


def test_an_unknown_name_is_refused_with_near_ones(image: Image, part: CpuModel) -> None:
    message = refusal(image, part, "multiply_row=itcm")
    assert "'multiply_rows'" in message
    assert "no section '.dta'; did you mean" in refusal(image, part, ".dta=dtcm")
    assert "did you mean 'strip.c'" in refusal(image, part, "file:stripp.c=itcm")
    assert "has no data symbol 'main'" in refusal(image, part, "object:main=itcm")


def test_a_region_that_the_part_lacks_is_refused_with_those_that_it_has(
    image: Image, part: CpuModel
) -> None:
    message = refusal(image, part, "weights=axi_sram")
    assert "stm32f746 has no region 'axi_sram'" in message
    assert "sram1" in message
    assert "peripheral of stm32f746 is no memory" in refusal(image, part, "weights=peripheral")


def test_what_does_not_fit_is_refused_with_the_numbers(image: Image, part: CpuModel) -> None:
    # .rodata has 0x660c bytes; ITCM 16 KiB, of which the null pointer's 8 stay free
    message = refusal(image, part, ".rodata=itcm")
    section = next(section for section in image.sections if section.name == ".rodata")
    assert f"{section.size:,} bytes do not fit into itcm of stm32f746" in message
    assert "of 16,384 bytes 8 are taken, the largest gap has 16,376" in message
    together = refusal(image, part, "weights=itcm", "input=itcm")
    assert together.startswith("--place 'weights=itcm' and 1 more: ")
    assert "17,408 bytes" in together


def test_overlapping_placements_are_refused_with_both(image: Image, part: CpuModel) -> None:
    message = refusal(image, part, ".rodata=sram1", "weights=dtcm")
    assert "'weights=dtcm' overlaps '.rodata=sram1'" in message


def test_what_the_program_writes_is_not_put_into_flash(image: Image, part: CpuModel) -> None:
    for request in ("input=flash", ".bss=flash", "stack=flash"):
        assert "the program writes" in refusal(image, part, request)


def test_a_heap_that_the_program_does_not_have_is_refused(image: Image, part: CpuModel) -> None:
    assert "has no heap" in refusal(image, part, "heap=dtcm")


def small_program(*symbols: Symbol) -> Image:
    """Vectors in flash, 256 bytes of .data in SRAM with its contents in flash, a heap behind it."""
    table = (SRAM + 0x3C000).to_bytes(4, "little") + (FLASH + 0x41).to_bytes(4, "little")
    return Image(
        path="small.elf",
        sha256="",
        build_id=None,
        compiler=None,
        entry=FLASH + 0x41,
        segments=(
            Segment(FLASH, FLASH, table + bytes(0x78), 0x80, executable=True, writable=False),
            Segment(FLASH + 0x80, SRAM, bytes(256), 256, executable=False, writable=True),
        ),
        sections=(
            Section(".vectors", FLASH, 64, FLASH, True, False, False),
            Section(".data", SRAM, 256, FLASH + 0x80, True, False, True),
        ),
        symbols=(
            Symbol("table", SRAM + 64, 64, "object", ".data"),
            Symbol("end", SRAM + 256, 0, "label", ".data"),
            *symbols,
        ),
        vector_table=FLASH,
    )


def test_a_heap_takes_what_a_region_has_and_says_what_is_left_behind(part: CpuModel) -> None:
    program = small_program()
    placement = place(program, part, ["heap=dtcm", "table=dtcm"])
    to = {item.name: item for item in placement.items}
    assert to["table"].to == DTCM
    assert (to["heap"].address, to["heap"].to, to["heap"].size) == (SRAM + 256, DTCM + 64, 65472)
    assert "65,472 of its" in placement.warnings[0]
    (heap,) = place(program, part, ["heap[:4K]=dtcm"]).items
    assert heap.size == 4096


def test_what_shares_a_region_with_the_heap_goes_to_its_end(part: CpuModel) -> None:
    # The heap begins behind .data; the stack keeps 4 KiB below its top at the end of sram1.
    extra = Symbol("lut", FLASH + 0x40, 32, "object", ".vectors")
    (item,) = place(small_program(extra), part, ["object:lut=sram1"]).items
    assert item.to + item.size == SRAM + 0x3C000 - 4096
    limit = Symbol("_Min_Stack_Size", 0x400, 0, "label", "")
    (item,) = place(small_program(extra, limit), part, ["object:lut=sram1"]).items
    assert item.to + item.size == SRAM + 0x3C000 - 0x400
