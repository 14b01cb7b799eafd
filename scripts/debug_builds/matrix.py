"""The builds of scripts/validate builds: flags, what becomes of the ELF, and what is to be said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GCC, CLANG = "gcc", "clang"
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
