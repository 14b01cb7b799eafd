"""Inlined calls around addresses, against addr2line -i, and on debug information that lies."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.elf import load_image
from simcore.elf.image import Image
from tests.integration.programs import FIRMWARE, KERNELS
from tests.tools import needs

ADDR2LINE = "arm-none-eabi-addr2line"
SOURCE = """
static inline int scale(int a, int by) { return a * by + 3; }
static inline int both(int a)
{
    int sum = 0;
    for (int i = 0; i < a; i++)
        sum += scale(i, a) ^ scale(sum, i);
    return sum;
}
static int __attribute__((noinline)) far(int a) { return both(a) + scale(a, 7); }
int value;
void _start(void) { value = far(value) + both(3); }
"""
CXX = """
volatile int value;
template <int N> struct Ring {
    int d[N]; int sum() const { int s = 0; for (int e : d) s += e; return s; }
};
namespace app { namespace {
struct Part { int v; int get(int k) const { return v * k + value; } };
} }
Ring<4> ring;
int far(int a)
{
    auto twice = [&](int b) { return b * a + value; };
    return ring.sum() + app::Part{value}.get(a) + twice(value);
}
extern "C" void _start() { value = far(value); }
"""


def told(image: Image) -> dict[int, list[str]]:
    """The names around every halfword of code, innermost first."""
    places = [at for f in image.functions for at in range(f.start, f.end, 2)]
    return {
        at: [call.name for call in calls[::-1]] for at, calls in image.inlined_at(places).items()
    }


def by_binutils(elf: Path, addresses: list[int]) -> dict[int, list[str]]:
    needs(ADDR2LINE, "binutils-arm-none-eabi")
    asked = "\n".join(map(hex, addresses))
    command = [ADDR2LINE, "-i", "-f", "-a", "-e", str(elf)]
    done = subprocess.run(command, input=asked, text=True, capture_output=True, check=True)
    found: dict[int, list[str]] = {}
    lines = iter(done.stdout.splitlines())
    at = 0
    for line in lines:
        if line.startswith("0x"):
            at = int(line, 16)
            found[at] = []
        else:
            found[at].append(line)
            next(lines)
    # the outermost is the function itself
    return {at: names[:-1] for at, names in found.items() if names[:-1]}


def assert_as_binutils(elf: Path) -> None:
    image = load_image(elf)
    places = [at for f in image.functions for at in range(f.start, f.end, 2)]
    found = told(image)
    assert found
    assert found == by_binutils(elf, places)


@pytest.mark.parametrize(
    "elf", [KERNELS / "mixed.elf", FIRMWARE / "markers.elf"], ids=lambda p: p.stem
)
def test_chains_of_programs_are_those_of_addr2line(elf: Path) -> None:
    assert_as_binutils(elf)


@pytest.mark.parametrize(
    "options",
    [
        ["-gdwarf-2", "-gstrict-dwarf"], ["-gdwarf-3"], ["-gdwarf-4"], ["-gdwarf-5"],
        ["-gdwarf-5", "-flto"], ["-gdwarf-4", "-gz"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_chains_of_every_version_are_those_of_addr2line(
    arm_gcc: Callable[..., Path], tmp_path: Path, options: list[str]
) -> None:
    source = tmp_path / "source.c"
    source.write_text(SOURCE)
    flags = ["-O2", "-nostdlib", "-ffunction-sections", "-Wl,-Ttext=0x08000000"]
    assert_as_binutils(arm_gcc(tmp_path / "out.elf", [*flags, *options, source]))


def test_names_have_their_namespaces_and_classes(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    source = tmp_path / "source.cpp"
    source.write_text(CXX)
    flags = ["-O2", "-g", "-nostdlib", "-xc++", "-Wl,-Ttext=0x08000000"]
    image = load_image(arm_gcc(tmp_path / "out.elf", [*flags, source]))
    names = {name for chain in told(image).values() for name in chain}
    assert names >= {
        "Ring<4>::sum",
        "app::(anonymous namespace)::Part::get",
        "far::{lambda:12}::operator()",
    }


def test_a_line_is_that_of_the_call(arm_gcc: Callable[..., Path], tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    source.write_text(SOURCE)
    flags = ["-O2", "-g", "-nostdlib", "-Wl,-Ttext=0x08000000"]
    image = load_image(arm_gcc(tmp_path / "out.elf", [*flags, source]))
    far = next(f for f in image.functions if f.name == "far")
    chains = image.inlined_at(range(far.start, far.end, 2)).values()
    calls = {tuple(call) for chain in chains for call in chain}
    assert calls == {("both", 10), ("scale", 10), ("scale", 7)}


def test_it_can_be_asked_again_and_again() -> None:
    image = load_image(KERNELS / "mixed.elf")
    first = told(image)
    assert all(told(image) == first for _ in range(12))


def test_without_debug_information_nothing_is_inlined() -> None:
    image = replace(load_image(FIRMWARE / "markers.elf"), inlines=None)  # loaded ones are kept
    assert image.inlined_at([image.functions[0].start]) == {}


def test_broken_debug_information_is_no_error(tmp_path: Path) -> None:
    data = (FIRMWARE / "markers.elf").read_bytes()
    draw = random.Random(1)
    image = load_image(FIRMWARE / "markers.elf")
    places = [at for f in image.functions for at in range(f.start, f.end, 2)]
    debug = range(0x13A0, 0x33A9)  # .debug_info up to .debug_str, by readelf -S
    for number in range(60):
        spoilt = bytearray(data)
        for at in draw.sample(debug, 20):
            spoilt[at] = draw.choice([0, 1, 0x7F, 0x80, 0xFF])
        path = tmp_path / f"{number}.elf"
        path.write_bytes(spoilt)
        broken = load_image(path)
        for chain in broken.inlined_at(places).values():
            assert all(call.name.isprintable() for call in chain)
