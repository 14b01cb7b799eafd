"""A project with its own linker script and start-up code (tests/builds/relink), built and relinked
by GNU ld or LLVM's lld."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import simcore
from simcore.costs.profile import Profile
from simcore.linking.startup import ASSEMBLY_LOOP
from simcore.linking.veneers import is_veneer
from tests.integration.programs import CHECKOUT
from tests.tools import GUARD_S, needs

SOURCES = CHECKOUT / "tests" / "builds" / "relink"
SCRIPT = SOURCES / "project.ld"
TARGET = ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16", "-O2", "-g")


@dataclass
class Project:
    """Objects in ``folder``, and the command that links them; ``flags`` are the compiler's."""

    folder: Path
    sources: Sequence[str]
    flags: Sequence[str] = ("-ffunction-sections", "-fdata-sections")
    libraries: Sequence[str] = ()
    assembly: bool = False  # start-up code fills by the loop in assembly
    objects: list[str] = field(default_factory=list)

    def compile(self) -> None:
        needs("arm-none-eabi-gcc", "gcc-arm-none-eabi")
        plus = ("-fno-exceptions", "-fno-rtti")
        fill = ("-DFILL_IN_ASSEMBLY",) if self.assembly else ()
        jobs: list[tuple[Path, Sequence[str]]] = [
            (SOURCES / name, plus if name.endswith(".cpp") else fill)
            for name in ("startup.c", *self.sources)
        ]
        if self.assembly:
            head = ".syntax unified\n.thumb_func\n.global fill\nfill:\n"
            (self.folder / "fill.S").write_text(f"{head}{ASSEMBLY_LOOP}    bx lr\n.ltorg\n")
            jobs.append((self.folder / "fill.S", ()))
        for source, more in jobs:
            made = self.folder / f"{source.stem}.o"
            run(["arm-none-eabi-gcc", *TARGET, *self.flags, *more, "-c", source, "-o", made])
            self.objects.append(str(made))

    def command(self, script: str, elf: str, *, lld: bool = False) -> str:
        """What links it, for a shell; ``script`` and ``elf`` may be variables of it."""
        words = ["arm-none-eabi-gcc", *TARGET]
        if lld:
            needs("ld.lld", "lld")
            (self.folder / "lld").mkdir(exist_ok=True)
            (self.folder / "lld" / "ld").unlink(missing_ok=True)
            (self.folder / "lld" / "ld").symlink_to(str(shutil.which("ld.lld")))
            words.append(f"-B{self.folder / 'lld'}")
        words += ["-nostartfiles", "--specs=nosys.specs", "-Wl,--gc-sections", *self.objects]
        words += self.libraries
        return f'{shlex.join(words)} -T "{script}" -o "{elf}" "-Wl,-Map={elf}.map"'

    def link(self, script: Path, name: str, *, lld: bool = False) -> Path:
        elf = self.folder / name
        run(["sh", "-c", self.command(str(script), str(elf), lld=lld)])
        return elf


def run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=GUARD_S
    )
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Relinked:
    """A relinked program beside the one as linked: cycles without what start-up code fills."""

    linked: int
    cycles: int
    veneer_cycles: int

    @property
    def gain(self) -> int:
        return self.linked - self.cycles


def compared(linked: Path, real: Path, start_up: str = "Reset_Handler|fill") -> Relinked:
    """Both profiled; they have to execute the same but for start-up code, veneers and what strings
    at other addresses change in strlen() and its like."""
    profiles = [simcore.profile(linked), simcore.profile(real)]
    work = [rest(profile, start_up) for profile in profiles]
    assert abs(work[0][1] - work[1][1]) <= 0.001 * work[0][1]
    veneers = sum(f.cycles_self for f in profiles[1].functions if is_veneer(f.name))
    return Relinked(work[0][0], work[1][0], veneers)


def rest(profile: Profile, start_up: str) -> tuple[int, int]:
    """Cycles without start-up code, veneers with them; instructions without either."""
    assert profile.exit.code == 0
    rows = [row for row in profile.functions if not re.fullmatch(start_up, row.name)]
    own = [row for row in rows if not is_veneer(row.name)]
    return sum(row.cycles_self for row in rows), sum(row.instructions for row in own)
