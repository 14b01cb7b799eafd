"""Builds of one program in every way that debug information comes: what mcusim reads of each.

GCC and clang with lld (extra builds), DWARF 2 to 5, both formats, compressed, split, LTO, tricks
with sections, files of their own. A row is right when output, calls, sums and stack are, and when
every instruction that ran has the line that binutils' addr2line gives; else it says what is said of
it. Kept in docs/model/builds.md: exit status 3 when the table differs, --write keeps a new one.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import simcore
from simcore.costs.profile import Profile
from simcore.files import destination
from simcore.run.spec import RunSpec, given

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "model" / "builds.md"
BEGIN, END = "<!-- Made by scripts/validate builds --write -->", "<!-- End -->"
WRONG, USAGE, REGRESSION = 1, 2, 3
Place = tuple[str | None, int | None]  # file and line
GCC, CLANG = "gcc", "clang"
STARTUP = ROOT / "kernels" / "startup"
SOURCES = (
    STARTUP / "startup.c", STARTUP / "semihost.c",
    ROOT / "tests" / "builds" / "program.c", ROOT / "tests" / "builds" / "parts.c",
)  # fmt: skip
TARGETS = {
    GCC: ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard"),
    CLANG: ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m7", "-fno-sanitize=all"),
}
#: How often the loops of tests/builds call a function, and what the program prints.
CALLS = {"hot": 30, "mixed": 5, "deep": 6, "gone": None}
PRINTED = re.compile(rb"sum 2855560629 stack (\d+)\n")
#: Bytes below the last one that a painted stack shows: what a frame has and does not write.
UNWRITTEN_BYTES = 16
SECTIONS = ("-ffunction-sections", "-Wl,--gc-sections")


@dataclass(frozen=True, slots=True)
class Build:
    """A way to build: flags for compiler and linker, and what becomes of the ELF behind them."""

    name: str
    compiler: str
    flags: tuple[str, ...] = ()
    behind: str = ""  # a name of BEHIND
    itcm: bool = False  # one function at address 0
    options: tuple[str, ...] = ()  # of mcusim: fields of a RunSpec as NAME=FILE
    lines: bool = True  # whether it has lines at all
    said: str = ""  # a pattern for the one warning, none when empty


@dataclass(slots=True)
class Row:
    """What became of a build."""

    build: Build
    known: int = 0  # instructions that ran and have a line
    right: int = 0  # with mcusim, too
    wrong: list[str] = field(default_factory=list)
    said: tuple[str, ...] = ()


def builds() -> Iterator[Build]:
    """All builds; the dwo and dwp files stay where they are made."""
    for compiler in (GCC, CLANG):
        for version in (2, 3, 4, 5):
            for level in ("-O0", "-O2"):
                yield Build(f"DWARF {version}", compiler, (f"-gdwarf-{version}", level, *SECTIONS))
        yield Build("one section", compiler, ("-g", "-O1"))
        yield Build(
            "split, DWARF 4",
            compiler,
            ("-gdwarf-4", "-gsplit-dwarf", "-O1", *SECTIONS),
            said="split debug information",
        )
        yield Build(
            "split, DWARF 5",
            compiler,
            ("-gdwarf-5", "-gsplit-dwarf", "-O1", *SECTIONS),
            said="split debug information",
        )
        for kind in ("zlib", "zstd"):
            yield Build(
                f"compressed, {kind}", compiler,
                ("-g", "-O1", *SECTIONS, f"-Wl,--compress-debug-sections={kind}"),
            )  # fmt: skip
        yield Build("LTO", compiler, ("-g", "-O2", "-flto", *SECTIONS))
        yield Build("lines only", compiler, ("-g1", "-O1", *SECTIONS))
        yield Build("for size", compiler, ("-g", "-Os", *SECTIONS))
        yield Build("code at address 0", compiler, ("-g", "-O1", *SECTIONS), itcm=True)
        yield Build(
            "code at address 0, DWARF 4", compiler, ("-gdwarf-4", "-O1", *SECTIONS), itcm=True
        )
        yield Build("no build id", compiler, ("-g", "-O1", *SECTIONS, "-Wl,--build-id=none"))
    gcc = ("-g", "-O1", *SECTIONS)
    yield Build("64-bit DWARF 4", GCC, ("-gdwarf-4", "-gdwarf64", "-O1", *SECTIONS))
    yield Build("64-bit DWARF 5", GCC, ("-gdwarf-5", "-gdwarf64", "-O1", *SECTIONS))
    yield Build(
        ".zdebug sections",
        GCC,
        ("-gdwarf-4", "-O1", *SECTIONS, "-Wl,--compress-debug-sections=zlib-gnu"),
    )
    yield Build("LTO, one partition", GCC, ("-g", "-O2", "-flto", "-flto-partition=one", *SECTIONS))
    yield Build(
        "LTO, a partition each", GCC, ("-g", "-O2", "-flto", "-flto-partition=max", *SECTIONS)
    )
    yield Build(
        "hot and cold parts", GCC, ("-g", "-O3", "-freorder-blocks-and-partition", *SECTIONS)
    )
    yield Build("macros", GCC, ("-g3", "-O1", *SECTIONS))
    yield Build("types in units", GCC, ("-g", "-fdebug-types-section", "-O1", *SECTIONS))
    yield Build("no .debug_aranges", GCC, gcc, behind="no aranges")
    yield Build("paths mapped", GCC, (*gcc, f"-ffile-prefix-map={ROOT}=/src"))
    yield Build(
        "column-less, strict",
        GCC,
        ("-gdwarf-3", "-gstrict-dwarf", "-gno-column-info", "-O1", *SECTIONS),
    )
    yield Build(
        "no view numbers", GCC, (*gcc, "-gno-variable-location-views", "-gno-statement-frontiers")
    )
    yield Build("lines by the compiler", GCC, (*gcc, "-gno-as-loc-support"))
    yield Build("thin LTO", CLANG, ("-g", "-O2", "-flto=thin", *SECTIONS))
    yield Build("identical code folded", CLANG, (*gcc, "-Wl,--icf=all"))
    yield Build(
        "range lists by address",
        CLANG,
        ("-gdwarf-5", "-O1", "-mllvm", "-minimize-addr-in-v5=Disabled", *SECTIONS),
    )
    yield Build("aranges", CLANG, (*gcc, "-gdwarf-aranges"))
    yield Build("types in units", CLANG, (*gcc, "-fdebug-types-section"))
    yield Build("no debug information", GCC, ("-O1", *SECTIONS), lines=False)
    yield Build("stripped of debug information", GCC, gcc, "strip debug", lines=False)
    yield Build("stripped", GCC, gcc, "strip all", lines=False, said="no symbols .stripped.")
    yield Build("debug link beside", GCC, gcc, "link")
    yield Build("debug link in .debug", GCC, gcc, "link in .debug")
    yield Build("debug link, all stripped", GCC, gcc, "link, stripped")
    yield Build("debug link, compressed", GCC, (*gcc, "-Wl,--compress-debug-sections=zlib"), "link")
    yield Build("debug link to nothing", GCC, gcc, "link to nothing", lines=False,
                said="neither beside it nor in .debug")  # fmt: skip
    yield Build("debug link to another build", GCC, gcc, "link to another", lines=False,
                said="is of another build")  # fmt: skip
    yield Build("debug link that is a path", GCC, gcc, "link that is a path", lines=False,
                said="no plain file name")  # fmt: skip
    yield Build("--debug-file", GCC, gcc, "moved", options=("debug_file=moved/program.debug",))
    moved = ("debug_file=moved/program.debug",)
    yield Build("--debug-file of another build", GCC, gcc, "moved, changed",
                options=moved, said="is of another build")  # fmt: skip
    yield Build("--debug-dir, build id", GCC, (*gcc, "-Wl,--build-id=sha1"), "by id",
                options=("debug_dir=debug",))  # fmt: skip
    yield Build("--symbols, stripped", GCC, gcc, "strip all", options=("symbols=whole.elf",))
    yield Build("--symbols, stripped of debug information", GCC, gcc, "strip debug",
                options=("symbols=whole.elf",))  # fmt: skip


# -- how a build is made ---------------------------------------------------------------------------


def make(build: Build, folder: Path) -> tuple[Path, Path]:
    """Build below a folder; the ELF, and the one that addr2line reads, with all sections plain."""
    script = flat_script(folder, 0 if build.itcm else 8)
    whole = compiled(build, folder, script, folder / "whole.elf")
    reference = whole
    if build.itcm:  # addr2line, too, takes discarded lines for those at address 0
        other = folder / "reference"
        other.mkdir()
        reference = compiled(build, other, flat_script(other, 0x2000), other / "whole.elf")
    plain = folder / "plain.elf"
    tool("objcopy", "--decompress-debug-sections", str(reference), str(plain))
    elf = folder / "program.elf"
    shutil.copyfile(whole, elf)
    if build.behind:
        BEHIND[build.behind](folder, elf)
    return elf, plain


def compiled(build: Build, folder: Path, script: Path, elf: Path) -> Path:
    defines = ["-DHOT_IN_ITCM"] if build.itcm else []
    linker = [flag for flag in build.flags if flag.startswith("-Wl,")]
    flags = [flag for flag in build.flags if flag not in linker]
    include = [f"-I{STARTUP}", f"-I{ROOT / 'tests' / 'builds'}"]
    objects = []
    for source in SOURCES:
        objects.append(folder / f"{source.stem}.o")
        run_in(folder, [*driver(build.compiler), *TARGETS[build.compiler], "-std=c11", "-Wall",
                        "-ffreestanding", *defines, *flags, *include, "-c", str(source),
                        "-o", objects[-1].name])  # fmt: skip
    names = [one.name for one in objects]
    if build.compiler == GCC:
        run_in(folder, [*driver(GCC), *TARGETS[GCC], *flags, "-nostartfiles", "--specs=nano.specs",
                        *linker, "-T", script.name, *names, "-o", elf.name])  # fmt: skip
    else:
        options = [option for flag in linker for option in flag.split(",")[1:]]
        run_in(folder, [sys.executable, "-m", "ziglang", "ld.lld", *options, "-T", script.name,
                        *names, "-o", elf.name])  # fmt: skip
    return elf


def driver(compiler: str) -> list[str]:
    return ["arm-none-eabi-gcc"] if compiler == GCC else [sys.executable, "-m", "ziglang", "cc"]


def flat_script(folder: Path, itcm: int) -> Path:
    """The linker script of the STM32F746 in one file; `itcm`: where the code in ITCM begins."""
    text = (STARTUP / "stm32f746.ld").read_text()
    text = text.replace("INCLUDE sections.ld", (STARTUP / "sections.ld").read_text())
    path = folder / "program.ld"
    path.write_text(text.replace("ORIGIN(ITCM) + 8", f"ORIGIN(ITCM) + {itcm}"))
    return path


def run_in(folder: Path, command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)}:\n{done.stderr}")


class BuildError(Exception):
    """A compiler or tool that failed."""


def tool(name: str, *options: str) -> None:
    run_in(ROOT, [f"arm-none-eabi-{name}", *options])


def _strip(*options: str) -> Callable[[Path, Path], None]:
    return lambda folder, elf: tool("strip", *options, str(elf))


def _link(
    where: str = ".", strip: str = "--strip-debug", name: str = "program.debug"
) -> Callable[[Path, Path], None]:
    """Debug information in a file of its own, and a link to it."""

    def make_link(folder: Path, elf: Path) -> None:
        target = folder / where / name
        target.parent.mkdir(parents=True, exist_ok=True)
        tool("objcopy", "--only-keep-debug", str(elf), str(target))
        tool("strip", strip, str(elf))
        tool("objcopy", f"--add-gnu-debuglink={target}", str(elf))

    return make_link


def _to_nothing(folder: Path, elf: Path) -> None:
    _link()(folder, elf)
    (folder / "program.debug").unlink()


def _to_another(folder: Path, elf: Path) -> None:
    _link()(folder, elf)
    with (folder / "program.debug").open("ab") as file:
        file.write(b"another")


def _to_a_path(folder: Path, elf: Path) -> None:
    _link(name="..-..-other.debug")(folder, elf)
    (folder / "..-..-other.debug").rename(folder / "other.debug")
    elf.write_bytes(elf.read_bytes().replace(b"..-..-other.debug", b"../../other.debug"))


def _moved(folder: Path, elf: Path) -> None:
    (folder / "moved").mkdir()
    tool("objcopy", "--only-keep-debug", str(elf), str(folder / "moved" / "program.debug"))
    tool("strip", str(elf))


def _moved_of_another(folder: Path, elf: Path) -> None:
    """The debug information of the same program with another build id."""
    changed = folder / "id"
    changed.write_bytes(bytes((4, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0)) + b"GNU\0" + b"abcd")
    (folder / "moved").mkdir()
    other = str(folder / "other.elf")
    tool("objcopy", "--remove-section=.note.gnu.build-id", str(elf), other)
    tool("objcopy", f"--add-section=.note.gnu.build-id={changed}", other)
    tool("objcopy", "--only-keep-debug", other, str(folder / "moved" / "program.debug"))
    tool("strip", str(elf))


def _by_id(folder: Path, elf: Path) -> None:
    from simcore.elf import load_image

    build_id = load_image(elf).build_id or ""
    target = folder / "debug" / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug"
    target.parent.mkdir(parents=True)
    tool("objcopy", "--only-keep-debug", str(elf), str(target))
    tool("strip", str(elf))


BEHIND: dict[str, Callable[[Path, Path], None]] = {
    "no aranges": lambda folder, elf: tool("objcopy", "--remove-section=.debug_aranges", str(elf)),
    "strip debug": _strip("--strip-debug"),
    "strip all": _strip("--strip-all"),
    "link": _link(),
    "link in .debug": _link(".debug"),
    "link, stripped": _link(strip="--strip-all"),
    "link to nothing": _to_nothing,
    "link to another": _to_another,
    "link that is a path": _to_a_path,
    "moved": _moved,
    "moved, changed": _moved_of_another,
    "by id": _by_id,
}


# -- what mcusim says ------------------------------------------------------------------------------


def judge(build: Build, folder: Path) -> Row:
    """Build, run and compare."""
    elf, plain = make(build, folder)
    told = dict(option.split("=") for option in build.options)
    printed = io.BytesIO()
    spec = given(RunSpec, {"elf": elf, **{name: folder / file for name, file in told.items()}})
    profile = simcore.profile(replace(spec, instructions=True), stdout=printed)
    row = Row(build, said=profile.warnings)
    output = PRINTED.fullmatch(printed.getvalue())
    if output is None or profile.exit.code:
        row.wrong.append("output")
    else:
        used = (profile.totals.stack_high_water_bytes or 0) - int(output[1])
        if not 0 <= used <= UNWRITTEN_BYTES:
            row.wrong.append(f"stack by {used} bytes")
    named = any(function.name == "hot" for function in profile.functions)
    if named != ("stripped" not in str(build.said)):
        row.wrong.append("names")
    if named:
        row.wrong += wrong_calls(profile)
    if sum(function.cycles_self for function in profile.functions) != profile.totals.cycles:
        row.wrong.append("sums")
    compare_lines(row, profile, plain)
    expected = [build.said] if build.said else []
    if len(row.said) != len(expected) or not all(map(re.search, expected, row.said)):
        row.wrong.append("warnings")
    return row


def wrong_calls(profile: Profile) -> Iterator[str]:
    calls: dict[str, int] = {}
    for function in profile.functions:
        name = function.name.partition(".")[0]
        calls[name] = calls.get(name, 0) + function.calls
    for name, count in CALLS.items():
        if calls.get(name) != count:
            yield f"calls of {name}: {calls.get(name)}"


def compare_lines(row: Row, profile: Profile, plain: Path) -> None:
    """Each instruction that ran against addr2line of the same place of the reference."""
    from simcore.elf import load_image

    reference = load_image(plain)
    own = {function.name: function.address or 0 for function in profile.functions}
    places = []
    for one in profile.instructions or ():
        name = one.function or ""
        symbol = reference.symbol(name) if row.build.itcm else None
        shift = symbol.address - own[name] if symbol else 0
        places.append(one.address + shift)
    found = lines_of(row.build.compiler, plain, places)
    for one, (file, line) in zip(profile.instructions or (), found, strict=True):
        if not row.build.lines:
            if one.line is not None:
                row.wrong.append(f"line at {one.address:#x}")
            continue
        row.known += line is not None
        said = (os.path.normpath(one.file), one.line) if one.file else (None, None)
        if said == (file, line):
            row.right += line is not None
        else:
            row.wrong.append(f"line at {one.address:#x}: {said[0]}:{said[1]} for {file}:{line}")


def lines_of(compiler: str, elf: Path, addresses: Sequence[int]) -> list[Place]:
    """File and line of each address, of GCC by binutils, of clang by LLVM, which knows more.

    addr2line 2.40 numbers the files of clang's DWARF 5 wrongly and does not read split DWARF 5.
    """
    if compiler == GCC:
        found = by_binutils(elf, addresses)
        if any(line for _, line in found):
            return found
    return by_llvm(elf, addresses)


def by_binutils(elf: Path, addresses: Sequence[int]) -> list[Place]:
    given = "\n".join(f"{address:#x}" for address in addresses)
    command = ["arm-none-eabi-addr2line", "-e", str(elf)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    result = []
    for text in done.stdout.splitlines():
        file, _, line = text.partition(" (discriminator")[0].rpartition(":")
        result.append(place("" if file == "??" else file, int(line) if line.isdecimal() else 0))
    return result


def by_llvm(elf: Path, addresses: Sequence[int]) -> list[Place]:
    given = "\n".join(f"{address:#x}" for address in addresses)
    command = ["llvm-symbolizer", "--output-style=JSON", "--no-inlines", "-e", str(elf)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    entries = [json.loads(text) for text in done.stdout.splitlines() if text.startswith("{")]
    symbols = [entry["Symbol"][0] for entry in entries]
    return [place(symbol["FileName"], symbol["Line"]) for symbol in symbols]


def place(file: str, line: int) -> Place:
    return (os.path.normpath(file), line) if file and line else (None, None)


# -- the table -------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--write", action="store_true", help=f"keep the table in {KEPT.relative_to(ROOT)}"
    )
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="builds whose row has this text; nothing is kept"
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; returns the exit status."""
    rows = []
    for build in builds():
        if options.only not in f"{build.compiler} {build.name}":
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                row = judge(build, Path(folder).resolve())
            except BuildError as error:
                print(f"scripts/validate: {build.compiler} {build.name}: {error}", file=sys.stderr)
                return USAGE
        rows.append(row)
        print(line_of(row), flush=True)
        for wrong in row.wrong[:9]:
            print(f"  {wrong}", *row.said, sep="\n  ", file=sys.stderr)
    if any(row.wrong for row in rows):
        return WRONG
    text = KEPT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    kept, _, after = rest.partition(END)
    table = "\n" + "\n".join([*HEAD, *map(line_of, rows)]) + "\n"
    if options.only or (kept == table):
        return 0
    if options.write:
        with destination(str(KEPT)) as write:
            write(f"{before}{BEGIN}{table}{END}{after}")
        return 0
    print(f"differs from {KEPT.relative_to(ROOT)}", file=sys.stderr)
    return REGRESSION


HEAD = (
    "| compiler | build | flags | lines | output, calls, sums, stack | what is said |",
    "|---|---|---|--:|---|---|",
)


def line_of(row: Row) -> str:
    flags = " ".join(flag for flag in row.build.flags if flag not in SECTIONS)
    flags = flags.replace(str(ROOT), "$PWD")
    lines = f"{row.right} of {row.known}" if row.build.lines else "none"
    rest = "right" if not row.wrong else f"{len(row.wrong)} wrong"
    said = "; ".join(text.partition(":")[0] for text in row.said)
    said = re.sub(r" \(CRC .*?\)|(?<!\.)/\S*/", "", said)  # what differs from run to run
    return f"| {row.build.compiler} | {row.build.name} | `{flags}` | {lines} | {rest} | {said} |"
