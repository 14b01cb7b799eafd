"""Makes a build of matrix.py: compiled, linked, and what becomes of the ELF behind that."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from scripts.debug_builds.matrix import CLANG, GCC, ROOT, Build

STARTUP = ROOT / "kernels" / "startup"
SOURCES = (
    STARTUP / "startup.c", STARTUP / "semihost.c",
    ROOT / "tests" / "builds" / "program.c", ROOT / "tests" / "builds" / "parts.c",
)  # fmt: skip
TARGETS = {
    GCC: ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard"),
    CLANG: ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m7", "-fno-sanitize=all"),
}


class BuildError(Exception):
    """A compiler or tool that failed."""


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
    if compiler == GCC:
        return ["arm-none-eabi-gcc"]
    if find_spec("ziglang") is None:
        raise BuildError("needs ziglang: scripts/_venv builds, or its folder on PYTHONPATH")
    return [sys.executable, "-m", "ziglang", "cc"]


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
