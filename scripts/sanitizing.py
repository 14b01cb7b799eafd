"""What scripts/sanitize runs, in a process that a sanitizer watches, with the core built for it.

    scripts/sanitizing.py captures FOLDER    record what the thread sanitizer times, without one
    scripts/sanitizing.py asan FOLDER        tests of the C rules, then programs through the engine
    scripts/sanitizing.py tsan FOLDER        tests of the C rules, then captures timed side by side

All in one process: children would not have the extension. Leaks are the business of the tests of
failing allocations; those of Python would hide others. Exit status 1 when a test fails or a program
ends otherwise than it should; a finding of the sanitizer ends the process.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS, FIRMWARE = Path("kernels/prebuilt"), Path("tests/firmware/prebuilt")
#: Command lines of mcusim and how each ends.
PROGRAMS: tuple[tuple[int, str], ...] = (
    (0, f"profile {KERNELS}/conv2d_s8_small.elf --format json --instructions --lines"),
    (0, f"profile {KERNELS}/conv2d_s8_small.elf --caches off --format trace"),
    (1, f"profile {FIRMWARE}/hello_printf.elf -- 3 a"),
    (0, f"profile {FIRMWARE}/it_blocks.elf"),
    (0, f"profile {FIRMWARE}/ldm_stm.elf"),
    (0, f"profile {FIRMWARE}/divides.elf"),
    (0, f"profile {FIRMWARE}/calls.elf --format callgrind"),
    (0, f"profile {FIRMWARE}/markers.elf"),
    (0, f"profile {FIRMWARE}/sleep.elf"),
    (0, f"profile {FIRMWARE}/ticks.elf --format trace"),
    (0, f"profile {FIRMWARE}/self_timing.elf"),
    (0, f"profile {FIRMWARE}/drivers_f7.elf"),
    (0, f"profile {FIRMWARE}/drivers_h7.elf --cpu stm32h743"),
    (0, f"profile {FIRMWARE}/faults.elf -- odd-self-modifying"),
    (0, f"profile {FIRMWARE}/faults.elf -- odd-peripherals"),
    (4, f"profile {FIRMWARE}/faults.elf --strict --set devices.family=none -- odd-peripherals"),
    (4, f"profile {FIRMWARE}/faults.elf -- read"),
    (4, f"profile {FIRMWARE}/faults.elf -- stack"),
    (4, f"profile {FIRMWARE}/faults.elf -- undefined"),
    (4, f"profile {FIRMWARE}/faults.elf -- divide"),
    (4, f"profile {FIRMWARE}/faults.elf -- unaligned-double"),
    (4, f"profile {FIRMWARE}/faults.elf -- flash-write"),
    (0, f"whatif {KERNELS}/conv2d_s8_small.elf --sweep .text=flash,itcm --sweep caches=on,off"),
)
#: What is recorded for the thread sanitizer, and what it is timed under, side by side.
CAPTURES = {
    f"{KERNELS}/conv2d_s8_small.elf": "--sweep .text=flash,itcm --sweep input+output=sram1,dtcm",
    f"{KERNELS}/mixed.elf": "--sweep caches=on,off --sweep .text=flash,itcm"
    " --sweep clock=216MHz,100MHz --sweep core.dcache.size=4K,16K",
}


def main() -> int:
    """Do what the command line says; the exit status."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    sys.path.insert(0, str(ROOT))
    if what == "captures":
        return max(_mcusim(0, f"record {elf} -o {_capture(folder, elf)}") for elf in CAPTURES)
    _load_extension(folder / what)
    import pytest

    from tests import native

    native.load()  # not in a test, whose time is limited: it compiles
    tests = str(ROOT / "tests" / "unit" / "native")
    status = pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", tests])
    if status:
        return int(status)
    if what == "asan":
        return max(_mcusim(ends, line) for ends, line in PROGRAMS)
    return max(
        _mcusim(0, f"whatif {_capture(folder, elf)} {sweeps}") for elf, sweeps in CAPTURES.items()
    )


def _capture(folder: Path, elf: str) -> Path:
    return folder / Path(elf).with_suffix(".capture").name


def _load_extension(folder: Path) -> None:
    """Put the extension of a folder where simcore looks for its own."""
    if hasattr(os, "RTLD_DEEPBIND"):
        del os.RTLD_DEEPBIND  # capstone would use it, which no sanitizer allows
    (path,) = (folder / "simcore").glob("_core*.so")
    loader = ExtensionFileLoader("simcore._core", str(path))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[loader.name] = module
    import simcore.core.extension

    assert simcore.core.extension.lib is module.lib


def _mcusim(ends: int, line: str) -> int:
    """Run the command in this process; 1 when it ends otherwise than it should."""
    from simcore.cli.main import main as command

    sys.argv = ["mcusim", *line.split()]
    printed = io.BytesIO()
    stream = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        status = command()
    print(
        f"{'ok' if status == ends else f'FAILED with {status}, not {ends}'}: mcusim {line}",
        flush=True,
    )
    if status != ends:
        print(printed.getvalue().decode())
    return int(status != ends)


if __name__ == "__main__":
    sys.exit(main())
