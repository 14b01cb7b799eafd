"""The memories of a part taken from the MEMORY block of a linker script."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.cpu_model.linker_script import memory_entries, read_memory_block
from simcore.errors import ModelError

WriteScript = Callable[[str], str]


@pytest.fixture
def write_script(tmp_path: Path) -> WriteScript:
    """Writes a linker script with this MEMORY body and returns its path."""

    def write(body: str) -> str:
        path = tmp_path / "link.ld"
        path.write_text(body if "MEMORY" in body else f"MEMORY\n{{\n{body}\n}}\n")
        return str(path)

    return write


def with_script(path: str, part: str = "stm32f746") -> CpuModel:
    return load_cpu_model(part, memory_from=path)


def refusal(path: str) -> str:
    with pytest.raises(ModelError) as refused:
        with_script(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0x08000000", 0x08000000),
        ("1024", 1024),
        ("64K", 65536),
        ("2M", 2097152),
        ("0x10K", 16384),
        ("64k - 0x100", 65280),
        ("(1 + 2) * 4K", 12288),
        ("1 << 16", 65536),
        ("0xFF & ~0xF", 0xF0),
        ("4K + 2 * 4K", 12288),
        ("100 / 8 % 5", 2),
        ("_size", 8192),
        ("ORIGIN(FLASH) + LENGTH(FLASH)", 0x08001000),
    ],
)
def test_expressions_are_worked_out_as_ld_does(
    write_script: WriteScript, expression: str, value: int
) -> None:
    script = f"""_half = 4K; _size = _half * 2;
    MEMORY {{ FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 4K
              X : ORIGIN = {expression}, LENGTH = 1 }}"""
    script = script.replace("; _size", ";\n_size")
    assert read_memory_block(write_script(script))[1].origin == value


def test_short_keywords_comments_and_missing_attributes_are_read(write_script: WriteScript) -> None:
    script = "A : org = 0, l = 4K /* B : ORIGIN = 0 */\nC(rwx):o=0x20000000,len=8K"
    entries = read_memory_block(write_script(script))
    assert [(entry.name, entry.attributes, entry.length) for entry in entries] == [
        ("A", "", 4096),
        ("C", "rwx", 8192),
    ]


def test_entries_take_kind_and_timing_from_the_region_they_lie_in(
    write_script: WriteScript,
) -> None:
    model = with_script(
        write_script(
            "ITCM (xrw) : ORIGIN = 0, LENGTH = 16K\n"
            "FLASH (rx) : ORIGIN = 0x08008000, LENGTH = 992K\n"
            "RAM (xrw) : ORIGIN = 0x20010000, LENGTH = 240K"
        )
    )
    flash, ram = model.region("flash"), model.region("ram")
    assert (flash.kind, flash.memory, flash.writable) == ("flash", "flash_axim", False)
    assert (flash.device, flash.device_offset) == ("flash", 0x8000)
    assert (ram.kind, ram.memory, ram.base, ram.size) == ("sram", "sram", 0x20010000, 240 * 1024)
    assert model.provenance["region.ram.size"].source == "linker script"


def test_an_entry_over_two_memories_becomes_two_regions(write_script: WriteScript) -> None:
    # 0x20000000 is 64 KB of DTCM, then 240 KB of SRAM1, then SRAM2.
    model = with_script(write_script("RAM : ORIGIN = 0x20000000, LENGTH = 320K"))
    pieces = [(r.name, r.kind, r.size // 1024) for r in model.regions if r.name.startswith("ram")]
    assert pieces == [("ram", "dtcm", 64), ("ram_2", "sram", 240), ("ram_3", "sram", 16)]


def test_ram_and_external_memory_that_the_script_leaves_out_is_gone(
    write_script: WriteScript,
) -> None:
    model = with_script(write_script("RAM : ORIGIN = 0x20010000, LENGTH = 64K"))
    names = [region.name for region in model.regions]
    assert "dtcm" not in names
    assert "sdram" not in names
    assert {"peripheral", "system", "flash", "flash_itcm"} <= set(names)


def test_an_entry_longer_than_the_parts_memory_extends_it(write_script: WriteScript) -> None:
    script = write_script("ITCM : ORIGIN = 0, LENGTH = 512K")
    region = with_script(script, "imxrt1062").region("itcm")
    assert (region.kind, region.size) == ("itcm", 512 * 1024)


def test_bounds_are_widened_to_pages_and_a_shared_page_goes_to_the_first(
    write_script: WriteScript,
) -> None:
    model = with_script(
        write_script(
            "VECTORS : ORIGIN = 0x20000000, LENGTH = 0x200\n"
            "RAM : ORIGIN = 0x20000200, LENGTH = 64K - 0x200"
        )
    )
    vectors, ram = model.region("vectors"), model.region("ram")
    assert (vectors.base, vectors.size) == (0x20000000, 4096)
    assert (ram.base, ram.end) == (0x20001000, 0x20010000)


def test_a_read_only_external_memory_is_not_writable(write_script: WriteScript) -> None:
    script = "A (rx) : ORIGIN = 0x60000000, LENGTH = 1M\nB (rw) : ORIGIN = 0x80000000, LENGTH = 1M"
    model = with_script(write_script(script))
    assert (model.region("a").writable, model.region("b").writable) == (False, True)


def test_a_name_that_is_taken_gets_a_number(write_script: WriteScript) -> None:
    model = with_script(write_script("PERIPHERAL : ORIGIN = 0x20010000, LENGTH = 4K"))
    assert model.region("peripheral_2").base == 0x20010000


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("SECTIONS {} /* MEMORY */", "has no MEMORY block"),
        ("MEMORY { }", "MEMORY block is empty"),
        ("RAM = 4K", "link.ld:3: cannot read MEMORY entry 'RAM = 4K'"),
        ("RAM : ORIGIN = 4K", "cannot read MEMORY entry"),
        ("RAM : ORIGIN = x, LENGTH = 4K", "link.ld:3: MEMORY entry 'RAM': symbol 'x' is not set"),
        ("RAM : ORIGIN = 0, LENGTH = LENGTH(A)", "no MEMORY entry 'A' stands before"),
        ("RAM : ORIGIN = 0, LENGTH = 1 / 0", "MEMORY entry 'RAM'"),
        ("RAM : ORIGIN = 0, LENGTH = 0", "LENGTH is 0"),
        ("RAM : ORIGIN = 0, LENGTH = 4 4", "cannot work out"),
        ("RAM : ORIGIN = 0, LENGTH = (4", "')' is missing"),
        ("RAM : ORIGIN = 0, LENGTH = 4 +", "ends too early"),
        ("RAM : ORIGIN = 0, LENGTH = 'a'", "cannot work out"),
        ("RAM : ORIGIN = 0, LENGTH = 1 << 99", "shift by 99"),
        (f"RAM : ORIGIN = 0, LENGTH = {'(' * 99}1{')' * 99}", "nested too deeply"),
        ("RAM : ORIGIN = 0 - 4, LENGTH = 4", "is no 32-bit range"),
        ("RAM : ORIGIN = 0xFFFFFFFF, LENGTH = 4", "is no 32-bit range"),
        ("RAM : ORIGIN = 0x10000000, LENGTH = 4K", "where the part has no memory"),
        ("A : ORIGIN = 0, LENGTH = 16K\nB : ORIGIN = 4K, LENGTH = 4K", "'B' overlaps"),
        ("A : ORIGIN = 0, LENGTH = 4K\nA : ORIGIN = 4K, LENGTH = 4K", "stands there twice"),
        ("a = b;\nb = a;\nMEMORY { R : ORIGIN = a, LENGTH = 1 }", "nested too deeply"),
    ],
)
def test_a_script_that_cannot_be_used_is_refused_in_one_line(
    write_script: WriteScript, body: str, expected: str
) -> None:
    assert expected in refusal(write_script(body))


def test_an_unreadable_script_is_refused(tmp_path: Path) -> None:
    assert "cannot read linker script" in refusal(str(tmp_path / "none.ld"))
    (tmp_path / "binary.ld").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refusal(str(tmp_path / "binary.ld"))


@given(st.text(alphabet="AB:=,()ORIGINLENGTH 0x12K+-*/\n", max_size=80))
def test_any_memory_body_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, body: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "link.ld"
    path.write_text(f"MEMORY {{ {body} }}")
    try:
        with_script(str(path))
    except ModelError as error:
        lines = str(error).splitlines()
    else:
        lines = [""]
    assert len(lines) == 1


#: Texts of which a reader that goes back over what it read takes minutes: 5 s of CPU time are many.
LONG = 300_000
ENDLESS = {
    "blanks in a name": "MEMORY { A" + " " * LONG + "}",
    "blanks behind an origin": "MEMORY { A : ORIGIN = 0" + " " * LONG + ": }",
    "attributes that do not end": "MEMORY {" + "a (" * LONG + "}",
    "names without a colon": "MEMORY {" + "a" * LONG + "}",
    "many colons": "MEMORY { a" + ":" * LONG + "}",
    "many entries": "MEMORY {" + "".join(f"a{n}:o=0,l=1 " for n in range(LONG // 10)) + "}",
    "comments that do not end": "/*" * LONG + "MEMORY { }",
    "empty lines": "\n" * LONG + "MEMORY { A : o = x, l = 1 }",
    "symbols without an end": "a=" * LONG + "MEMORY { A : o = x, l = 1 }",
    "symbols that double": "".join(f"a{n} = a{n + 1} + a{n + 1};\n" for n in range(45))
    + "a45 = 1;\nMEMORY { A : ORIGIN = a0, LENGTH = 1 }",
    "numbers that double": "".join(f"a{n} = a{n + 1} * a{n + 1};\n" for n in range(45))
    + "a45 = 7;\nMEMORY { A : ORIGIN = a0, LENGTH = 1 }",
    "a long product": "MEMORY { A : ORIGIN = " + "0xffff*" * (LONG // 7) + "1, LENGTH = 1 }",
    "alike names": "".join(f"{'ab' * 2000}{n} = 1;\n" for n in range(200))
    + f"MEMORY {{ A : ORIGIN = {'ba' * 2000}, LENGTH = 1 }}",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_script_takes_no_time_that_grows_faster_than_it(text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(ModelError):
        memory_entries("link.ld", text)
    assert time.process_time() - began < 5


def test_more_entries_than_any_part_has_memories_are_refused() -> None:
    body = "".join(f"a{n} : o = {n * 4096}, l = 4K\n" for n in range(257))
    with pytest.raises(ModelError, match=r"link\.ld:257: more than 256 MEMORY entries"):
        memory_entries("link.ld", f"MEMORY {{ {body} }}")
