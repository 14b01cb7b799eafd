"""Demangled names: those of the test firmware as c++filt has them, hostile ones, spellings."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simcore.elf import load_image
from simcore.elf.demangling import MAX_SYMBOL_CHARS, Demangler, is_mangled
from simcore.elf.image import Function, Image, Symbol
from simcore.elf.names import (
    also,
    matches,
    spellings,
    spellings_of,
    with_names,
    without_brackets,
    without_parameters,
)

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware" / "prebuilt"
NAMES = FIRMWARE / "names.elf"

# By c++filt (binutils 2.40), which numbers lambdas from 1 and shows what their arguments are: the
# only three of the 71 symbols of names.elf that the two write differently.
LAMBDAS = {
    "auto in_main_file()::'lambda0'(auto)::operator()<float>(auto) const": (
        "auto in_main_file()::{lambda(auto:1)#2}::operator()<float>(float) const"
    ),
    "auto in_main_file()::'lambda0'(auto)::operator()<int>(auto) const": (
        "auto in_main_file()::{lambda(auto:1)#2}::operator()<int>(int) const"
    ),
    "in_main_file()::'lambda'(int)::operator()(int) const": (
        "in_main_file()::{lambda(int)#1}::operator()(int) const"
    ),
}

# Symbols of tests/firmware/rust_names.rs by rustc 1.95; expected by c++filt (binutils 2.40) without
# the hashes of crates that it shows, [e07b3a...], and of the legacy scheme also without ::h....
RUST = {
    "_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_": (
        "<rust_names::motor::Wheel<u32>>::turns"
    ),
    "_RNvXs0_NtCse07kidgauxa_10rust_names5motorINtB5_5WheelhENtB5_5Drive5drive": (
        "<rust_names::motor::Wheel<u8> as rust_names::motor::Drive>::drive"
    ),
    "_RINvNtCse07kidgauxa_10rust_names5motor5twiceINtB2_5WheelhEEB4_": (
        "rust_names::motor::twice::<rust_names::motor::Wheel<u8>>"
    ),
    "_ZN10rust_names5motor5twice17h1a89b0bb5e794797E": "rust_names::motor::twice",
    "_ZN10rust_names5motor5twice17h1a89b0bb5e794797E.llvm.123": (
        "rust_names::motor::twice [.llvm.123]"
    ),
    "_ZN79_$LT$rust_names..motor..Wheel$LT$u8$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive"
    "17h943e99dc7254cbbfE": "<rust_names::motor::Wheel<u8> as rust_names::motor::Drive>::drive",
}


@pytest.mark.skipif(shutil.which("c++filt") is None, reason="c++filt is missing: install binutils")
def test_every_symbol_of_the_firmware_is_what_binutils_says() -> None:
    image = load_image(NAMES)
    symbols = sorted({s.name for s in image.symbols if is_mangled(s.name)})
    told = subprocess.run(
        ["c++filt"], input="\n".join(symbols), capture_output=True, text=True, check=True
    ).stdout.split("\n")
    read = Demangler()
    different = {}
    for symbol, expected in zip(symbols, told, strict=True):
        name = read(symbol)
        if LAMBDAS.get(name, name) != expected.replace(" [clone ", " ["):
            different[symbol] = (name, expected)
    assert len(symbols) == 71
    assert not different


def test_rust_names_of_both_schemes() -> None:
    read = Demangler()
    assert {symbol: read(symbol) for symbol in RUST} == RUST


@pytest.mark.parametrize(
    "symbol",
    ["main", "_Reset", "_ReadListing", "_Zork", "_Z", "_R", "_ZN", "", "_Z1fv\x01", "_Z1fé"],
)
def test_what_is_not_mangled_stays(symbol: str) -> None:
    assert Demangler()(symbol) == symbol


def _doubling(levels: int) -> str:
    """a<int, int>, then a of three of what came before: 3 ** levels times as long."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    levels = min(levels, len(digits) - 1)
    return "_Z1f1aIiiE" + "".join(f"S_I{f'S{digits[n]}_' * 3}E" for n in range(levels))


@pytest.mark.parametrize(
    "symbol",
    [
        "_Z1f" + "P" * MAX_SYMBOL_CHARS + "i",
        "_Z1f" + "1aI" * 4000 + "i" + "E" * 4000,
        "_Z" + "Z" * (1 << 20),
        _doubling(30),
        # A length of an identifier that would hide the references behind it, and packs in packs.
        "_Z1fILf40490fdbE" + _doubling(30)[4:],
        "_Z1fIJ" + "i" * 300 + "EEv" + "PFvDp" * 4 + "T_" * 4 + "E" * 4,
        "_RINvC1a1b" + "T" * 400 + "u" + "E" * 400 + "B0_" * 90,
    ],
    ids=["depth", "templates", "length", "growth", "hidden", "packs", "rust"],
)
def test_a_hostile_name_stays_as_it_is(symbol: str) -> None:
    assert Demangler()(symbol) == symbol


def test_names_as_deep_as_they_may_be_fit_a_small_stack() -> None:
    # LLVM's demangler recurses: 2 MiB of stack hold every production at the longest name. Found by
    # ulimit -s 2048 over 12,226 names of one or two repeated productions each.
    program = (
        "import resource, sys; from simcore.elf.demangling import Demangler; read = Demangler();"
        "[read(('_Z1f' + t * 2048)[:2048]) for t in ('P', '1aI', 'PFv', 'Z', 'XngL', 'DpT_', 'N')]"
    )
    done = subprocess.run(
        ["sh", "-c", f'ulimit -s 2048; exec "{sys.executable}" -c "{program}"'],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_all_names_of_a_program_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simcore.elf.demangling.MAX_IMAGE_CHARS", 10)
    read = Demangler()
    assert [read(symbol) for symbol in ("_ZN5outer1fEv", "_Z1fv", "_ZN5outer1fEv")] == [
        "outer::f()",
        "_Z1fv",
        "outer::f()",
    ]


@pytest.mark.parametrize("program", ["names", "rust_names_v0", "rust_names_legacy"])
def test_no_two_functions_have_one_name(program: str) -> None:
    image = load_image(FIRMWARE / f"{program}.elf")
    names = [function.name for function in image.functions]
    assert len(set(names)) == len(names)
    data = [image.data_name(s) for s in image.symbols if s.kind == "object"]
    assert len(set(data)) == len(data)


def test_what_tells_functions_of_one_name_apart() -> None:
    by_symbol: dict[str, list[str]] = {}
    for function in load_image(NAMES).functions:
        by_symbol.setdefault(function.raw, []).append(function.name)
    assert by_symbol["_ZL6helperi"] == ["helper(int) [names.cpp]", "helper(int) [names_other.cpp]"]
    assert by_symbol["_ZN2ns6MiddleC1Ev"] == ["ns::Middle::Middle() [complete]"]
    assert by_symbol["_ZN2ns6MiddleC2Ev"] == ["ns::Middle::Middle() [base]"]
    assert by_symbol["_ZN2ns6MiddleD0Ev"] == ["ns::Middle::~Middle() [deleting]"]
    assert by_symbol["_ZN2ns6detailL6scaledEiiPKi.constprop.0"] == [
        "ns::detail::scaled(int, int, int const*) [.constprop.0]"
    ]


def test_without_a_file_the_address_tells_functions_apart() -> None:
    functions = tuple(Function(n, "step", 0x100 * n, 0x100 * n + 8) for n in (1, 2))
    image = with_names(Image("a.elf", "", None, None, 1, (), functions=functions))
    assert [f.name for f in image.functions] == ["step [0x00000100]", "step [0x00000200]"]
    assert [f.raw for f in image.functions] == ["step", "step"]
    again = with_names(image)
    assert again.functions == image.functions


def test_names_as_the_symbol_table_has_them() -> None:
    image = load_image(NAMES, demangle=False)
    assert "_ZN2ns1fEi" in [function.name for function in image.functions]
    assert "_ZL6helperi [names.cpp]" in [function.name for function in image.functions]


def test_other_names_of_an_address() -> None:
    (function,) = [f for f in load_image(NAMES).functions if f.name == "plain_sum"]
    assert function.aliases == ("weak_sum",)
    assert also(function.aliases) == "also weak_sum: the calls of all its names are summed"
    assert also(("a", "b", "c", "d", "e", "_Z1fv")).startswith("also a, b, c, d and 1 more:")
    assert also(None) == also(("_Z1fv",)) == ""


def test_a_vector_of_many_names_is_told_with_all_of_them() -> None:
    symbols = tuple(Symbol(f"irq{n}", 0x100, 2, "function", ".text") for n in range(3))
    functions = (Function(0, "irq0", 0x100, 0x102),)
    image = Image("a.elf", "", None, None, 1, (), symbols=symbols, functions=functions)
    assert with_names(image).functions[0].aliases == ("irq1", "irq2")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("main", "main"),
        ("ns::f(int)", "ns::f"),
        ("int ns::largest<int>(int, int)", "ns::largest<int>"),
        ("unsigned int ns::a<(char)40>()", "ns::a<(char)40>"),
        ("ns::A::get() const &", "ns::A::get"),
        ("ns::A::operator()(int)", "ns::A::operator()"),
        ("ns::A::operator<(ns::A const&) const", "ns::A::operator<"),
        ("ns::A::operator<=>(ns::A const&) const", "ns::A::operator<=>"),
        ("std::ostream& operator<< <int>(int)", "operator<< <int>"),
        ("ns::A::operator->() const", "ns::A::operator->"),
        ("ns::A::operator unsigned int() const", "ns::A::operator unsigned int"),
        ("operator new(unsigned int)", "operator new"),
        ("operator delete[](void*)", "operator delete[]"),
        ("(anonymous namespace)::f(int) [a.cpp]", "(anonymous namespace)::f"),
        ("f(int (*)(int), char) [.part.0]", "f"),
        ("main::'lambda'(int)::operator()(int) const", "main::'lambda'(int)::operator()"),
        ("myoperator(int)", "myoperator"),
        ("virtual thunk to ns::A::f(int)", "virtual thunk to ns::A::f(int)"),
        ("vtable for ns::A", "vtable for ns::A"),
        ("<a::B as c::D>::f", "<a::B as c::D>::f"),
        ("step [main.c]", "step"),
        (".text+0x1c", ".text+0x1c"),
        ("f(", "f("),
        (")", ")"),
    ],
)
def test_names_without_parameters(name: str, plain: str) -> None:
    assert without_parameters(name) == plain


def test_people_may_spell_a_name_in_any_way() -> None:
    spelt = spellings("int ns::f<int>(int, char) [.part.0]", "_ZN2ns1fIiEEiic.part.0", ("other",))
    for pattern in (
        "int ns::f<int>(int, char) [.part.0]",
        "int ns::f<int>(int, char)",
        "int ns::f<int>(int,char)",
        "ns::f<int>",
        "_ZN2ns1fIiEEiic.part.0",
        "ns::*",
        "*f<int>",
        "other",
    ):
        assert matches(spelt, pattern), pattern
    for pattern in ("f", "ns::f", "ns::g*", "int ns::f<int>(int)", ""):
        assert not matches(spelt, pattern), pattern


def test_brackets_of_an_operator_are_no_glob() -> None:
    assert matches(spellings("A::operator[](int)", "_ZN1AixEi", None), "A::operator[]")
    assert matches(spellings("A::operator*(int)", "_ZN1AmlEi", None), "A::operator*(int)")


def test_a_plain_name_has_one_spelling() -> None:
    assert spellings_of(Function(0, "main", 0, 2)) == ("main",)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("f [a] [b]", "f"),
        ("f[0] [a.c]", "f[0]"),
        ("f [a]]", "f [a]]"),
        ("f [[a]", "f [[a]"),
        ("[a]", "[a]"),
        ("f", "f"),
    ],
)
def test_brackets_behind_a_name_are_taken_off(name: str, bare: str) -> None:
    assert without_brackets(name) == bare


@pytest.mark.parametrize(
    "name",
    [
        " [a]" * 250_000 + "x]",
        "f()" + " const" * 200_000 + "x",
        "f(" + " " * 500_000 + ")",
        "f() requires" + " requires x" * 99_999,
    ],
    ids=["brackets", "qualifiers", "blanks", "clauses"],
)
def test_a_name_takes_no_time_that_grows_faster_than_it(name: str) -> None:
    began = time.process_time()
    without_brackets(name)
    without_parameters(name)
    assert time.process_time() - began < 2
