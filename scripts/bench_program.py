"""A C++ program as people build one, for scripts/bench: many compile units, full debug information.

Each unit has its own record type, so that the standard library's templates (vectors, and a
red-black tree, a sort or a hash table) become functions of that unit, beside virtual calls and a
small interpreter. It is written and built where the bench asks for it; nothing of it is committed.
Built for the part, and for QEMU's mps2-an500, which is the same core with memory elsewhere.
"""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
UNITS = 56
ROUNDS = 64  # of all units; some 40 million instructions
COMPILER = "arm-none-eabi-g++"

_UNIT = r"""
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>
#include "units.h"

namespace unit@N@ {

struct Record {
    std::uint32_t key;
    std::uint16_t weight;
    std::uint16_t kind;
    std::int32_t values[@FIELDS@];
    bool operator<(const Record &other) const { return key < other.key; }
};

class Shape {
  public:
    virtual ~Shape() = default;
    virtual std::uint32_t area(const Record &record) const = 0;
};

class Box final : public Shape {
    std::uint32_t area(const Record &record) const override
    {
        return record.values[0] * record.values[1 % @FIELDS@] + @N@u;
    }
};

class Disc final : public Shape {
    std::uint32_t area(const Record &record) const override
    {
        std::uint32_t sum = record.weight;
        for (auto value : record.values)
            sum = sum * 31u + static_cast<std::uint32_t>(value >> (record.kind & 7));
        return sum;
    }
};

[[gnu::noinline]] static std::vector<Record> filled(std::uint32_t seed, unsigned count)
{
    std::vector<Record> records;
    for (unsigned i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        Record record{seed >> 8, static_cast<std::uint16_t>(seed >> 20),
                      static_cast<std::uint16_t>(i % 11u), {}};
        std::iota(std::begin(record.values), std::end(record.values),
                  static_cast<std::int32_t>(seed >> 16));
        records.push_back(record);
    }
    return records;
}

[[gnu::noinline]] static std::uint32_t interpreted(const std::vector<Record> &code)
{
    std::uint32_t a = @N@u, b = 1;
    for (const auto &step : code) {
        switch (step.kind) {
        case 0: a += step.weight; break;
        case 1: a ^= b << (step.weight & 15); break;
        case 2: b = a / (1u + step.weight); break;
        case 3: if (a & 1u) a = 3u * a + 1u; else a >>= 1; break;
        case 4: std::swap(a, b); break;
        case 5: a = a > b ? a - b : b - a; break;
        case 6: b += step.values[@N@ % @FIELDS@]; break;
        case 7: a *= 2654435761u; break;
        case 8: for (unsigned i = step.weight & 7u; i > 0; i--) b = b * 5u + i; break;
        case 9: a = (a << 7) | (a >> 25); break;
        default: b ^= a; break;
        }
    }
    return a ^ b;
}

#if @N@ % 3 == 0
[[gnu::noinline]] static std::uint32_t worked(const std::vector<Record> &records)
{
    std::unordered_map<std::uint16_t, std::uint32_t> kinds;
    for (const auto &record : records)
        kinds[record.kind] += record.weight;
    std::uint32_t sum = 0;
    for (const auto &[kind, weight] : kinds)
        sum += kind ^ weight;
    return sum;
}

#elif @N@ % 3 == 1
[[gnu::noinline]] static std::uint32_t worked(const std::vector<Record> &records)
{
    std::map<std::uint32_t, Record> tree;
    for (const auto &record : records)
        tree.emplace(record.key % @MODULUS@u, record);
    std::uint32_t sum = 0;
    for (std::uint32_t key = 0; key < @MODULUS@u; key += 3)
        if (auto found = tree.lower_bound(key); found != tree.end())
            sum += found->second.weight;
    return sum;
}

#else
[[gnu::noinline]] static std::uint32_t worked(std::vector<Record> records)
{
    std::sort(records.begin(), records.end());
    return records.front().key ^ records.back().weight;
}
#endif

[[gnu::noinline]] static std::string named(std::uint32_t number)
{
    std::string text = "unit@N@:";
    do
        text.insert(text.begin(), static_cast<char>('a' + number % 26u));
    while ((number /= 26u) != 0);
    return text;
}

std::uint32_t run(std::uint32_t seed)
{
    const auto records = filled(seed + @N@u, @COUNT@u);
    std::uint32_t sum = interpreted(records) + worked(records);
    std::unique_ptr<Shape> shapes[] = {std::make_unique<Box>(), std::make_unique<Disc>()};
    const std::function<std::uint32_t(const Record &)> measured = [&shapes](const Record &record) {
        return shapes[record.kind & 1u]->area(record);
    };
    for (const auto &record : records)
        sum = sum * 33u + measured(record);
    for (char letter : named(sum))
        sum = sum * 131u + static_cast<unsigned char>(letter);
    return sum;
}

} // namespace unit@N@
"""

_MAIN = r"""
#include "units.h"

int main()
{
    static std::uint32_t (*const units[])(std::uint32_t) = {@NAMES@};
    std::uint32_t sum = 1;
    for (unsigned round = 0; round < @ROUNDS@u; round++)
        for (auto unit : units)
            sum = sum * 16777619u + unit(sum);
    return sum == 0;
}
"""

#: QEMU's mps2-an500 (hw/arm/mps2.c): a Cortex-M7 with 4 MB of RAM at 0 and at 0x20000000.
_SCRIPT_OF_QEMU = """\
MEMORY
{
    FLASH (rx)  : ORIGIN = 0x00000000, LENGTH = 4M
    ITCM  (rwx) : ORIGIN = 0x003f0000, LENGTH = 16K
    DTCM  (rw)  : ORIGIN = 0x20000000, LENGTH = 64K
    SRAM  (rwx) : ORIGIN = 0x20010000, LENGTH = 256K
}

INCLUDE sections.ld
"""


class ProgramError(Exception):
    """Why the program cannot be built, in one line."""


def write_sources(folder: Path) -> list[Path]:
    """The sources, the same on every machine."""
    header = ["#pragma once\n#include <cstdint>\n"]
    sources = []
    for number in range(UNITS):
        header.append(f"namespace unit{number} {{ std::uint32_t run(std::uint32_t seed); }}\n")
        values = {
            "N": number, "FIELDS": 2 + number % 5, "MODULUS": 61 + 2 * number,
            "COUNT": 24 + number % 17,
        }  # fmt: skip
        sources.append(folder / f"unit{number}.cpp")
        sources[-1].write_text(_filled(_UNIT, values))
    names = ", ".join(f"unit{number}::run" for number in range(UNITS))
    sources.append(folder / "main.cpp")
    sources[-1].write_text(_filled(_MAIN, {"NAMES": names, "ROUNDS": ROUNDS}))
    (folder / "units.h").write_text("".join(header))
    (folder / "qemu.ld").write_text(_SCRIPT_OF_QEMU)
    return sources


def build_program(folder: Path) -> tuple[Path, Path]:
    """The ELF for the part, and the one for QEMU. Raises ProgramError."""
    if shutil.which(COMPILER) is None:
        raise ProgramError(
            f"{COMPILER} is missing: install gcc-arm-none-eabi and libstdc++-arm-none-eabi-newlib"
        )
    folder.mkdir(parents=True, exist_ok=True)
    sources = write_sources(folder)
    common = tomllib.loads((CHECKOUT / "kernels" / "programs.toml").read_text())["common"]
    flags = [*common["target"], "-O2", "-g", "-ffunction-sections", "-fdata-sections"]
    plus = [COMPILER, *flags, "-std=c++17", "-fno-exceptions", "-fno-rtti", "-c"]
    objects = [source.with_suffix(".o") for source in sources]
    jobs = [
        [*plus, str(source), "-o", str(made)] for source, made in zip(sources, objects, strict=True)
    ]
    startup = CHECKOUT / "kernels" / "startup"
    plain = [common["compiler"], *flags, "-DLIBC_START", f"-I{startup}", "-c"]
    host, start, bare = (folder / f"{name}.o" for name in ("semihost", "startup", "bare"))
    jobs.append([*plain, str(startup / "semihost.c"), "-o", str(host)])
    jobs.append([*plain, str(startup / "startup.c"), "-o", str(start)])
    jobs.append([*jobs[-1][:-1], str(bare), "-DFLASH_ACR_ADDRESS=0"])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_run, jobs))
    elves = folder / "cxx.elf", folder / "cxx_qemu.elf"
    # newlib's heap grows towards the stack: with the stack below it there would be none
    stack = "-Wl,--defsym=__stack_top=ORIGIN(SRAM)+LENGTH(SRAM)"
    for elf, first, script in zip(elves, (start, bare), ("stm32f746.ld", "qemu.ld"), strict=True):
        _run(
            [COMPILER, *common["target"], "--specs=rdimon.specs", stack, f"-L{folder}",
             f"-L{startup}", f"-T{script}", "-Wl,--gc-sections", "-Wl,--build-id=sha1",
             str(first), str(host), *map(str, objects), "-o", str(elf)]
        )  # fmt: skip
    return elves


def _filled(template: str, values: Mapping[str, object]) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name}@", str(value))
    return template


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it says nothing"]
        raise ProgramError(f"the C++ program does not build: {said[0]}")
