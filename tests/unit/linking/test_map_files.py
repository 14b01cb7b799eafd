"""Map files of GNU ld and lld: what is read of them, and that anything else is one line.

The texts are what binutils 2.40 and lld 14 wrote of one link, shortened.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.elf import Image, Section
from simcore.errors import ConfigError
from simcore.linking.mapfile import LinkMap, find_map, maps_beside, read_map

GNU = """\
Archive member included to satisfy reference by file (symbol)

/usr/lib/libm.a(lib_a-sinf.o) a.o (sinf)

Discarded input sections

 .text          0x00000000        0x0 a.o
 .text.gone     0x00000000       0x40 a.o

Memory Configuration

Name             Origin             Length             Attributes
ITCM             0x00000000         0x00004000         xrw
FLASH            0x08000000         0x00100000         xr
*default*        0x00000000         0xffffffff

Linker script and memory map

LOAD a.o
.text           0x08000000      0x120
 *(.isr_vector)
 .isr_vector    0x08000000       0x40 a.o
                0x08000000                v
 *(.text .text.*)
 .text          0x08000040        0x0 a.o
 .text.Reset_Handler
                0x08000040       0x24 my build/a.o
                0x08000040                Reset_Handler
 *fill*         0x08000064        0xc
 .text          0x08000070       0x98 /usr/lib/libm.a(lib_a-sinf.o)
                0x08000070                sinf
 .text.hot.__stub
                0x08000108        0x8 linker stubs
                0x08000110                        . = ALIGN (0x4)

.a_long_output_section
                0x20000000       0x10 load address 0x08000120
 .data.table    0x20000000       0x10 a.o

.comment        0x00000000       0x10
 .comment       0x00000000       0x10 a.o
OUTPUT(a.elf elf32-littlearm)
 .text          0x08000200       0x10 behind.o
"""

LLD = """\
     VMA      LMA     Size Align Out     In      Symbol
 8000000  8000000      120     4 .text
 8000000  8000000       40     4         a.o:(.isr_vector)
 8000000  8000000       40     1                 v
 8000040  8000040       24     4         my build/a.o:(.text.Reset_Handler)
 8000041  8000041       24     1                 Reset_Handler
 8000070  8000070       98     4         /usr/lib/libm.a(lib_a-sinf.o):(.text)
 8000108  8000108        8     4         <internal>:(.text.thunk)
 8000110  8000110        0     1         . = ALIGN ( 4 )
20000000  8000120       10     4 .a_long_output_section
20000000  8000120       10     4         a.o:(.data.table)
       0        0       10     1 .comment
       0        0       10     1         a.o:(.comment)
"""


def written(tmp_path: Path, text: str) -> LinkMap:
    path = tmp_path / "a.map"
    path.write_text(text)
    return read_map(path)


@pytest.mark.parametrize("text", [GNU, LLD], ids=["GNU ld", "lld"])
def test_objects_archives_and_input_sections_are_read(tmp_path: Path, text: str) -> None:
    found = written(tmp_path, text)
    told = [(c.address, c.size, c.section, c.archive, c.object) for c in found.contributions]
    assert told == [
        (0x08000000, 0x40, ".isr_vector", None, "a.o"),
        (0x08000040, 0x24, ".text.Reset_Handler", None, "my build/a.o"),
        (0x08000070, 0x98, ".text", "/usr/lib/libm.a", "lib_a-sinf.o"),
        (0x20000000, 0x10, ".data.table", None, "a.o"),
    ]
    assert found.at(0x08000107) == found.contributions[2]
    assert found.at(0x08000064) is None  # a fill
    assert found.outputs[".a_long_output_section"] == (0x20000000, 0x10)


def test_the_regions_are_those_of_the_memory_configuration(tmp_path: Path) -> None:
    assert [(m.name, m.origin, m.length) for m in written(tmp_path, GNU).memory] == [
        ("ITCM", 0, 0x4000),
        ("FLASH", 0x08000000, 0x100000),
    ]
    assert written(tmp_path, LLD).memory == ()


def program(tmp_path: Path, text_size: int = 0x120) -> Image:
    sections = (
        Section(".text", 0x08000000, text_size, 0x08000000, True, True, False),
        Section(".a_long_output_section", 0x20000000, 0x10, 0x08000120, True, False, True),
    )
    return Image(str(tmp_path / "a.elf"), "", None, None, 1, (), sections)


def test_a_map_of_another_link_is_refused_and_passed_over(tmp_path: Path) -> None:
    found = written(tmp_path, GNU)
    found.check(program(tmp_path))
    assert find_map(program(tmp_path)) is not None
    with pytest.raises(ConfigError, match=r"a\.map: is no map of .*a\.elf: \.text has 288 bytes"):
        found.check(program(tmp_path, text_size=0x124))
    assert find_map(program(tmp_path, text_size=0x124)) is None


def test_a_map_lies_beside_its_elf_by_either_name(tmp_path: Path) -> None:
    elf = tmp_path / "a.elf"
    assert maps_beside(elf) == []
    for name in ("a.map", "a.elf.map"):
        (tmp_path / name).write_text("")
    assert [path.name for path in maps_beside(elf)] == ["a.map", "a.elf.map"]
    assert maps_beside("a\0b") == []


@pytest.mark.parametrize("text", ["", "hello\n", "Linker script and memory map\n", "\x00\xff"])
def test_what_is_no_map_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"a\.map: (is no map|holds no input)") as caught:
        written(tmp_path, text)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="cannot read the map file: Is a directory"):
        read_map(tmp_path)


@given(st.sampled_from([GNU, LLD]), st.data())
def test_a_spoilt_map_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    lines = text.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, 40))
        lines[at] = lines[at][:cut] + data.draw(st.text(max_size=8)) + lines[at][cut + 2 :]
    path = tmp_path_factory.getbasetemp() / "spoilt.map"
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    try:
        found = read_map(path)
    except ConfigError:
        return
    ends = [(one.address, one.end) for one in found.contributions]
    assert all(end <= start for (_, end), (start, _) in pairwise(ends))
