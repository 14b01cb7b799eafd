"""Linker scripts: what is found of them, what is refused with its line, and what is put in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.elf import Image, Section
from simcore.errors import ConfigError, McusimError
from simcore.linking.again import BEGIN, END, check_linked_without, without_advice
from simcore.linking.fragment import Fragment
from simcore.linking.rewrite import applied, check_editable
from simcore.linking.script import Script, parse_script, takes

SCRIPT = """\
/* A comment with { and "quotes. */
ENTRY(Reset_Handler)
MEMORY
{
    CODE (rx) : ORIGIN = 0x08000000, LENGTH = _size - 4K
    TCM (rwx) : org = 0x0, len = 16K
}
_size = 1M;
SECTIONS
{
    . = ALIGN(4);
    .isr_vector : { KEEP(*(.isr_vector)) } >CODE
    PROVIDE(_first = .);
    .text . (READONLY) : AT(ADDR(.isr_vector) + 64) ALIGN(8) {
        *(EXCLUDE_FILE(*cold.o) .text .text.*)
        KEEP(*(SORT_BY_NAME(.rodata*) .constdata))
        . = ALIGN(4); _etext = .;
    } >CODE :text =0xff
    .data : { *(.data .data.*) } >TCM AT> CODE
    /DISCARD/ : { *(*) }
}
ASSERT(_etext < 4, "too { large")
"""
VECTORS = """\
MEMORY { ROM : ORIGIN = 0x08000000, LENGTH = 1M }
SECTIONS {
  .text : {
    KEEP(*(.isr_vector))
    *(.text*)
    _etext = .;
  } >ROM
}
"""


def script() -> Script:
    # A symbol that MEMORY needs stands in front of it for ld, too.
    return parse_script(
        "a.ld", SCRIPT.replace("_size = 1M;\n", "").replace("MEMORY", "_size = 1M; MEMORY")
    )


def test_regions_and_output_sections_are_found() -> None:
    found = script()
    assert [(m.name, m.origin, m.length) for m in found.memory] == [
        ("CODE", 0x08000000, (1 << 20) - 4096),
        ("TCM", 0, 16384),
    ]
    assert [(s.name, s.region, s.load_region, s.phdr) for s in found.sections] == [
        (".isr_vector", "CODE", None, None),
        (".text", "CODE", None, "text"),
        (".data", "TCM", "CODE", None),
        ("/DISCARD/", None, None, None),
    ]
    text = found.sections[1]
    assert found.text[text.start : text.end].endswith(":text =0xff")
    assert [found.text[at:end] for at, end in found.statements(text)] == [
        "*(EXCLUDE_FILE(*cold.o) .text .text.*)",
        "KEEP(*(SORT_BY_NAME(.rodata*) .constdata))",
        ". = ALIGN(4);",
        "_etext = .;",
    ]
    assert found.line(text.start) == 13


@pytest.mark.parametrize(
    ("name", "section"),
    [(".text.hot", ".text"), (".rodata.x", ".text"), (".constdata", ".text"), (".data", ".data"),
     (".isr_vector", ".isr_vector"), (".bss.x", None)],
)  # fmt: skip
def test_what_takes_an_input_section_is_known(name: str, section: str | None) -> None:
    found = next(script().those_that_take([name]), None)
    assert (found.name if found else None) == section


def test_files_that_are_excluded_are_no_sections() -> None:
    assert not takes("*(EXCLUDE_FILE(.text.hot) .data)", [".text.hot"])
    assert not takes("KEEP(*(.isr_vector))", [".text.hot", "*"])


def test_files_that_hold_sections_stand_in_place_of_their_include(tmp_path: Path) -> None:
    (tmp_path / "sections.ld").write_text(VECTORS)
    (tmp_path / "symbols.ld").write_text("_one = 1;")
    main = str(tmp_path / "main.ld")
    found = parse_script(main, "INCLUDE symbols.ld\nINCLUDE sections.ld\n")
    assert [s.name for s in found.sections] == [".text"]
    assert found.text.startswith("INCLUDE symbols.ld\nMEMORY")
    (tmp_path / "sections.ld").write_text("INCLUDE sections.ld")
    with pytest.raises(ConfigError, match="is it a circle"):
        parse_script(main, "INCLUDE sections.ld\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SECTIONS {\n .text : { *(.text) \n}", r"a\.ld:1: '\{' is not closed"),
        ("SECTIONS {\n}\n/* no end", r"a\.ld:3: a comment does not end"),
        ("#include <x.h>\nSECTIONS { }", r"a\.ld:1: '#include <x\.h>' is for the C preprocessor"),
        ("SECTIONS {\n OVERLAY : { .a { *(.a) } } }", r"a\.ld:2: OVERLAY in SECTIONS cannot"),
        ("SECTIONS { } )", r"a\.ld:1: '\)' closes nothing"),
        ("SECTIONS { x = 4 }", r"a\.ld:1: 'x' in SECTIONS does not end"),
        ("SECTIONS {\n .text : ( } )", r"a\.ld:2: '\(' is not closed"),
        ("MEMORY { A : ORIGIN = 0, LENGTH = 1K }", r"a\.ld: has no SECTIONS that could"),
        ("MEMORY {\n A : ORIGIN = 0 }\nSECTIONS { }", r"a\.ld:2: cannot read MEMORY entry"),
        ("INCLUDE none.ld\nSECTIONS { }", r"a\.ld:1: INCLUDE none\.ld: is neither beside"),
        ("SECTIONS { \x01 }", r"a\.ld:1: cannot read '\\x01 }'"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_its_number(text: str, said: str) -> None:
    with pytest.raises(McusimError, match=said) as caught:
        parse_script("a.ld", text)
    assert "\n" not in str(caught.value)


@given(st.data())
def test_a_spoilt_script_is_read_or_refused(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([SCRIPT, VECTORS]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        new = data.draw(
            st.sampled_from(["{", "}", "(", ")", ";", ">", "/*", '"', ":", "", "INCLUDE"])
        )
        text = text[:at] + new + text[at + data.draw(st.integers(0, 9)) :]
    try:
        found = parse_script("a.ld", text)
        for one in found.sections:
            found.statements(one)
    except McusimError as error:
        if "\n" in str(error):
            raise


def image(name: str) -> Image:
    section = Section(name, 0x08000000, 64, 0x08000000, True, True, False)
    return Image("a.elf", "", None, None, 1, (), (section,), vector_table=0x08000000)


FRAGMENT = Fragment(".mine : { *a.o(.text.hot) } > TCM\n", patterns=("*a.o(.text.hot)",))


def test_the_fragment_stands_in_front_of_what_would_take_it() -> None:
    text = applied(script(), FRAGMENT, image(".isr_vector"))
    front, behind = text.split("    .mine : { *a.o(.text.hot) } > TCM\n")
    assert front.endswith(f"PROVIDE(_first = .);\n    {BEGIN}\n")
    assert behind.startswith(f"    {END}\n\n    .text . (")
    again = parse_script("b.ld", text)
    assert next(again.those_that_take([".text.hot"])).name == ".mine"


def test_a_vector_table_in_front_of_the_code_stays_in_front_of_the_fragment() -> None:
    found = parse_script("a.ld", VECTORS)
    again = parse_script("b.ld", applied(found, FRAGMENT, image(".text")))
    assert [(s.name, s.region) for s in again.sections] == [
        (".mcusim_vectors", "ROM"),
        (".mine", "TCM"),
        (".text", "ROM"),
    ]
    inside = [again.text[s.body : s.body_end].split() for s in again.sections]
    assert inside[0] == ["KEEP(*(.isr_vector))"]
    assert inside[2] == ["*(.text*)", "_etext", "=", ".;"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            VECTORS.replace("KEEP(*(.isr_vector))", ""),
            r"a\.ld:3: \.text takes the vector table and",
        ),
        (VECTORS.replace(".text :", ".text 0x08000000 :"), r"a\.ld:3: \.text holds the vector"),
        (VECTORS.replace(">ROM", ""), r"a\.ld:3: \.text has no '> REGION'"),
        (VECTORS.replace(".text*", ".code*"), "no output section of its SECTIONS takes .text.hot"),
    ],
)
def test_a_script_that_cannot_be_edited_is_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        applied(parse_script("a.ld", text), FRAGMENT, image(".text"))
    assert "\n" not in str(caught.value)
    if "hot" not in said:  # known before anything is searched
        with pytest.raises(ConfigError, match=said):
            check_editable(parse_script("a.ld", text), image(".text"))


def test_an_alignment_is_kept_by_both_halves_of_what_is_cut() -> None:
    found = parse_script("a.ld", VECTORS.replace(".text :", ".text : ALIGN(8)"))
    check_editable(found, image(".text"))
    again = parse_script("b.ld", applied(found, FRAGMENT, image(".text")))
    heads = [(s.name, " ".join(s.head.split())) for s in again.sections if s.name != ".mine"]
    assert heads == [(".mcusim_vectors", ": ALIGN(8)"), (".text", ": ALIGN(8)")]


@pytest.mark.parametrize("vectors", [".isr_vector", ".text"])
def test_the_next_advice_takes_the_place_of_the_last(vectors: str) -> None:
    told = script() if vectors == ".isr_vector" else parse_script("a.ld", VECTORS)
    once = applied(told, FRAGMENT, image(vectors))
    twice = applied(without_advice(parse_script("a.ld", once)), FRAGMENT, image(vectors))
    assert twice == once
    assert [s.name for s in parse_script("b.ld", twice).sections].count(".mine") == 1


@pytest.mark.parametrize(
    "text",
    [
        "SECTIONS { .mcusim_dtcm : { *(.rodata.a) } > A\n .text : { *(.text) } > A }",
        "SECTIONS { .fast : { __mcusim_itcm_start = .; *(.fast) } > A }",
    ],
)
def test_advice_that_is_not_marked_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^a\.ld:1: \.\w+ holds what mcusim moved before; give"):
        without_advice(parse_script("a.ld", text))


def test_a_program_that_was_linked_with_advice_is_refused() -> None:
    check_linked_without(image(".mcusim_vectors"), script())
    with pytest.raises(ConfigError, match=r"linked with advice, as its \.mcusim_dtcm shows"):
        check_linked_without(image(".mcusim_dtcm"), script())


def test_where_a_script_has_phdrs_what_moves_has_its_own() -> None:
    text = VECTORS.replace("SECTIONS", "PHDRS { text PT_LOAD; }\nSECTIONS")
    fragment = replace(FRAGMENT, phdrs=("mcusim_dtcm",))
    with pytest.raises(ConfigError, match=r"a\.ld:4: \.text names no program header of PHDRS"):
        applied(parse_script("a.ld", text), fragment, image(".text"))
    found = parse_script("a.ld", text.replace(">ROM", ">ROM :text"))
    written = applied(found, fragment, image(".text"))
    assert "text PT_LOAD; \n    mcusim_dtcm PT_LOAD;\n}" in written
    assert [s.phdr for s in parse_script("b.ld", written).sections] == ["text", None, "text"]
