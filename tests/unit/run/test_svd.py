"""Descriptions of registers: what an SVD says, and files that are none or mean harm."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.errors import ConfigError
from simcore.run.svd import MAX_FILE_BYTES, Description

REGISTERS = """
<register><name>CR</name><description>control</description><addressOffset>0</addressOffset>
 <resetValue>0x83</resetValue><fields>
  <field><name>HSION</name><lsb>0</lsb><msb>0</msb></field>
  <field><name>TRIM</name><bitRange>[7:3]</bitRange></field>
  <field><name>HSERDY</name><bitOffset>17</bitOffset><bitWidth>1</bitWidth></field>
 </fields></register>
<register><dim>3</dim><dimIncrement>1</dimIncrement><dimIndex>0-2</dimIndex><name>B%s</name>
 <addressOffset>4</addressOffset><size>8</size><resetValue>0x11</resetValue></register>
<register><dim>2</dim><dimIncrement>4</dimIncrement><dimIndex>0,1</dimIndex><name>DATA%s</name>
 <addressOffset>0x10</addressOffset></register>
<cluster><dim>2</dim><dimIncrement>0x20</dimIncrement><name>CH%s</name>
 <addressOffset>0x100</addressOffset>
 <register><name>CCR</name><addressOffset>8</addressOffset></register>
 <cluster><name>IN</name><addressOffset>4</addressOffset>
  <register><name>Q</name><addressOffset>8</addressOffset></register></cluster></cluster>
"""
PERIPHERALS = f"""
<peripheral><name>RCC</name><baseAddress>0x40023800</baseAddress>
 <registers>{REGISTERS}</registers></peripheral>
<peripheral derivedFrom="RCC"><name>COPY</name><baseAddress>0x50000000</baseAddress></peripheral>
<peripheral><name>USART1</name><baseAddress>0x40011000</baseAddress><registers>
 <register><name>ISR</name><addressOffset>0x1C</addressOffset><fields>
  <field><name>RXNE</name><bitOffset>5</bitOffset><bitWidth>1</bitWidth></field>
  <field><name>TXE</name><bitOffset>7</bitOffset><bitWidth>1</bitWidth></field></fields></register>
</registers></peripheral>
<peripheral><name>GPIOA</name><baseAddress>0x40020000</baseAddress><registers>
 <register><name>IDR</name><addressOffset>0x10</addressOffset></register></registers></peripheral>
"""


def device(peripherals: str, before: str = "", root: str = "device") -> str:
    head = "<name>X</name><size>32</size><resetValue>0</resetValue>"
    return f"{before}<{root}>{head}<peripherals>{peripherals}</peripherals></{root}>"


Write = Callable[[str | bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str | bytes) -> str:
        path = tmp_path / "part.svd"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return to_file


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("RCC_CR", 0x4002_3800),
        ("RCC_B1", 0x4002_3805),
        ("RCC_DATA1", 0x4002_3814),
        ("RCC_CH1_CCR", 0x4002_3928),
        ("RCC_CH1_IN_Q", 0x4002_392C),  # 0x100 + 0x20 + 4 + 8
        ("COPY_CR", 0x5000_0000),
        ("COPY_CH0_IN_Q", 0x5000_010C),
    ],
)
def test_a_register_has_its_name_at_its_address(write: Write, name: str, address: int) -> None:
    described = Description(write(device(PERIPHERALS)))
    assert described.name(address) == name
    assert described.find(name.casefold())[0] == address
    assert described.find(name.replace("_", ".", 1))[0] == address


def test_numbers_that_are_none_are_passed_over(write: Write) -> None:
    text = device(PERIPHERALS).replace("0x40011000", "here").replace("0x1C", "there")
    assert Description(write(text)).find("RCC_CR")[0] == 0x4002_3800


def test_fields_have_their_bits(write: Write) -> None:
    described = Description(write(device(PERIPHERALS)))
    assert described.find("RCC_CR.HSERDY") == (0x4002_3800, 1 << 17)
    assert described.find("rcc->cr.trim") == (0x4002_3800, 0xF8)
    assert described.find("COPY.CR.HSION") == (0x5000_0000, 1)
    assert described.bits(0x4002_3800, 1 << 17 | 8) == "RCC_CR.TRIM+HSERDY"
    assert described.bits(0x4002_3800, 1 << 30) == "RCC_CR"
    assert described.bits(0x4002_3806, 1) == "RCC_B2"


def test_what_reads_after_reset_is_told_by_words(write: Write) -> None:
    described = Description(write(device(PERIPHERALS)))
    assert dict(described.resets()) == {
        0x4002_3800: 0x83, 0x4002_3804: 0x11_1111, 0x5000_0000: 0x83, 0x5000_0004: 0x11_1111,
    }  # fmt: skip


def test_received_characters_and_pins_are_input(write: Write) -> None:
    described = Description(write(device(PERIPHERALS)))
    assert described.input_bits(0x4001_101C) == 1 << 5
    assert described.input_bits(0x4002_0010) == 0xFFFF_FFFF
    assert described.input_bits(0x4002_3800) == described.input_bits(0x4000_0000) == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("RCC_CRR", "has no register 'RCC_CRR'; did you mean 'RCC_CR'?"),
        ("RCC_CR.HSERDI", "RCC_CR has no field of that name; did you mean 'HSERDY'?"),
        ("", "has no register ''"),
    ],
)
def test_a_name_that_is_none_is_told_with_what_comes_near(
    write: Write, name: str, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        Description(write(device(PERIPHERALS))).find(name)
    assert message in str(error.value)


def doubled(levels: int) -> str:
    """Clusters of which each holds two that are derived from the one before."""
    inner = "<cluster><name>C0</name><addressOffset>0</addressOffset><description>d</description>"
    text = inner + "<register><name>R</name><addressOffset>0</addressOffset></register></cluster>"
    for level in range(1, levels):
        twice = "".join(
            f'<cluster derivedFrom="P.C{level - 1}"><name>X{level}{side}</name>'
            "<description>d</description><addressOffset>0</addressOffset></cluster>"
            for side in "ab"
        )
        text += f"<cluster><name>C{level}</name><addressOffset>0</addressOffset>{twice}</cluster>"
    return text


def peripheral(registers: str) -> str:
    return (
        "<peripheral><name>P</name><baseAddress>0x40000000</baseAddress>"
        f"<registers>{registers}</registers></peripheral>"
    )


REGISTER = "<name>R</name><addressOffset>0</addressOffset>"
BOMB = "<!DOCTYPE device [<!ENTITY a 'aaaaaaaaaa'>{}]>".format(
    "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(12))
)
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "not an SVD"),
    "no XML": ("RCC_CR = 1", "not an SVD"),
    "binary": (bytes(range(256)), "not an SVD"),
    "an ELF": (b"\x7fELF" + bytes(100), "not an SVD"),
    "cut off": (device(PERIPHERALS)[:-20], "not an SVD"),
    "another root": (device(PERIPHERALS, root="svg"), "its root is <svg>, not <device>"),
    "no registers": (device(""), "an SVD without any register"),
    "a document type": (device(PERIPHERALS, "<!DOCTYPE device>"), "it has a document type"),
    "entities": (device(peripheral("&m;"), BOMB), "not an SVD"),
    "a file of the host": (
        device("&x;", "<!DOCTYPE device [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"),
        "it has a document type",
    ),
    "an array": (
        device(peripheral(f"<register><dim>2049</dim>{REGISTER}</register>")),
        "an array of 2049 elements, R; at most 2048",
    ),
    "many arrays": (
        device(peripheral(13 * f"<register><dim>2000</dim>{REGISTER}</register>")),
        "describes more than 25000 registers",
    ),
    "arrays of arrays": (
        device(
            peripheral(
                f"<cluster><dim>1000</dim>{REGISTER}<cluster><dim>1000</dim>{REGISTER}"
                f"<register>{REGISTER}</register></cluster></cluster>"
            )
        ),
        "describes more than",
    ),
    "fields": (
        device(
            peripheral(
                f"<register><dim>1000</dim>{REGISTER}<fields><field><dim>1000</dim><name>F</name>"
                "<bitOffset>0</bitOffset></field></fields></register>"
            )
        ),
        "describes more than",
    ),
    "derived twice over": (device(peripheral(doubled(60))), "describes more than"),
    "derived from itself": (
        device(
            peripheral(
                f'<cluster derivedFrom="R">{REGISTER}<cluster derivedFrom="R">{REGISTER}'
                "</cluster></cluster>"
            )
        ),
        "describes more than",
    ),
    "much is derived": (
        device(
            "".join(
                f'<peripheral derivedFrom="P"><name>P{n}</name></peripheral>' for n in range(2001)
            )
        ),
        "more than 2000 elements are derived",
    ),
    "nested": (device(peripheral("<cluster>" * 5000)), "not an SVD"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_svd_or_means_harm_is_one_line(write: Write, name: str) -> None:
    text, message = HOSTILE[name]
    path = write(text)
    started = time.process_time()
    with pytest.raises(ConfigError) as error:
        Description(path)
    assert str(error.value).startswith(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert "root:" not in str(error.value)
    assert time.process_time() - started < 5


def test_a_file_that_is_too_large_or_not_there_is_one_line(write: Write, tmp_path: Path) -> None:
    path = write(b" " * (MAX_FILE_BYTES + 1))
    with pytest.raises(ConfigError, match=f"more than {MAX_FILE_BYTES} bytes"):
        Description(path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Description(str(tmp_path / "no.svd"))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        Description(str(tmp_path))


def test_without_its_extra_it_is_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cmsis_svd", None)
    with pytest.raises(ConfigError, match=r"--svd needs cmsis_svd: pip install 'mcusim\[svd\]'"):
        Description(write(device(PERIPHERALS)))
