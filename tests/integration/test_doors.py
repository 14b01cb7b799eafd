"""Programs in Intel HEX, S-records and UF2, with names of ELF files beside them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import simcore
from simcore.cli.main import main
from simcore.costs.profile import Profile
from simcore.elf import load_image
from simcore.elf.binary import read_binary
from simcore.errors import ElfError
from tests.integration.assembled import PROLOGUE
from tests.integration.programs import FIRMWARE
from tests.unit.elf.test_binary import ihex, uf2

CALLS, OTHER = FIRMWARE / "calls.elf", FIRMWARE / "sleep.elf"
OBJCOPY, STRIP = "arm-none-eabi-objcopy", "arm-none-eabi-strip"

#: Goes to the program whose vector table stands at 0x08010000.
BOOT = (
    PROLOGUE
    + """
    bl prepare
    ldr r0, =0x08010000
    ldr r1, =0xe000ed08
    str r0, [r1]
    ldr sp, [r0]
    ldr r0, [r0, #4]
    bx r0
    .ltorg
    .size reset, . - reset
    .type prepare, %function
prepare:
    ldr r0, =counter
    ldr r1, [r0]
    str r1, [r0]
    bx lr
    .ltorg
    .size prepare, . - prepare
    .bss
    .type boot_counter, %object
boot_counter:
counter: .space 4
    .size boot_counter, 4
"""
)
APPLICATION = (
    PROLOGUE
    + """
    bl work
    movs r0, #9
    b exit_r0
    .size reset, . - reset
    .type work, %function
work:
    ldr r0, =state
    ldr r1, [r0]
    bx lr
    .ltorg
    .size work, . - work
    .bss
    .type state, %object
state: .space 4
    .size state, 4
"""
)


@pytest.fixture
def made(tmp_path: Path, arm_gcc: Callable[..., Path]) -> Callable[[str], Path]:
    """calls.elf in another form, in a file of the same name, for the program sees its name."""

    def make(form: str) -> Path:
        (tmp_path / form).mkdir()
        file = tmp_path / form / CALLS.name
        if form == "stripped":
            subprocess.run([STRIP, str(CALLS), "-o", str(file)], check=True)
            return file
        subprocess.run([OBJCOPY, "-O", "srec", str(CALLS), str(file)], check=True)
        found = read_binary(file.read_bytes())
        assert found is not None
        if form == "ihex":
            file.write_text(ihex(found.ranges, found.entry))
        elif form == "uf2":
            blocks = [
                (at + n, data[n : n + 256])
                for at, data in found.ranges
                for n in range(0, len(data), 256)
            ]
            file.write_bytes(uf2(blocks))
        return file

    return make


def program_apart(profile: Profile) -> Profile:
    """The profile without what it says of the file itself."""
    elf = replace(profile.elf, sha256="", load_bytes=0, ram_bytes=0)
    return replace(profile, elf=elf)


@pytest.mark.parametrize("form", ["ihex", "srec", "uf2", "stripped"])
def test_with_names_the_profile_is_that_of_the_elf(made: Callable[[str], Path], form: str) -> None:
    file = made(form)
    found = simcore.profile(file, symbols=[CALLS], instructions=True, lines=True)
    assert program_apart(found) == program_apart(
        simcore.profile(CALLS, instructions=True, lines=True)
    )


@pytest.mark.parametrize("form", ["ihex", "uf2"])
def test_without_names_it_runs_all_the_same(made: Callable[[str], Path], form: str) -> None:
    found, elf = simcore.profile(made(form)), simcore.profile(CALLS)
    assert (found.exit, found.totals.instructions) == (elf.exit, elf.totals.instructions)
    assert {row.name.partition("+")[0] for row in found.functions} == {"segment@0x08000000"}


def test_a_capture_keeps_the_names(made: Callable[[str], Path], tmp_path: Path) -> None:
    file, capture = made("ihex"), tmp_path / "run.mcu"
    simcore.record(file, capture, symbols=[CALLS])
    assert simcore.replay(capture) == simcore.profile(file, symbols=[CALLS])


def test_a_settings_file_names_the_names(
    made: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made("ihex")
    (file.parent / "names.elf").write_bytes(CALLS.read_bytes())
    (file.parent / "mcusim.toml").write_text(
        f"symbols = 'names.elf'\nlimits = 'function=main:cycles=1M'\n[[run]]\nelf = '{file.name}'\n"
    )
    assert main(["check", "--config", str(file.parent / "mcusim.toml"), "--no-baseline"]) == 0


def test_names_of_another_build_are_told(made: Callable[[str], Path], tmp_path: Path) -> None:
    other = tmp_path / "other.elf"
    image = load_image(CALLS)
    data = bytearray(CALLS.read_bytes())
    at = data.index(image.segments[0].data) + 0x200  # in the code
    data[at] ^= 1
    other.write_bytes(data)
    profile = simcore.profile(made("ihex"), symbols=[other])
    address = image.segments[0].address + 0x200
    assert any(f"which differs at {address:#010x}" in text for text in profile.warnings)


def test_names_that_are_none_are_refused(made: Callable[[str], Path]) -> None:
    file = made("ihex")
    with pytest.raises(ElfError, match="has no names for --symbols"):
        simcore.profile(CALLS, symbols=[file])


@pytest.fixture
def both(arm_gcc: Callable[..., Path], tmp_path: Path) -> dict[str, Path]:
    """A boot loader, its application, and a HEX file of both."""
    made = {}
    for name, text, start in (("boot", BOOT, 0x0800_0000), ("app", APPLICATION, 0x0801_0000)):
        source = tmp_path / f"{name}.S"
        source.write_text(text)
        link = f"-Wl,--entry=reset,--section-start=.isr_vector={start:#x},-Ttext={start + 256:#x}"
        options = ["-nostdlib", "-g", link, "-Wl,-Tbss=0x20000000", source]
        made[name] = arm_gcc(tmp_path / f"{name}.elf", options)
    ranges = [
        (segment.address, segment.data)
        for name in ("boot", "app")
        for segment in load_image(made[name]).segments
        if segment.data
    ]
    made["both"] = tmp_path / "both.hex"
    made["both"].write_text(ihex(ranges))
    return made


def test_a_boot_loader_and_its_application_have_both_their_names(both: dict[str, Path]) -> None:
    symbols = [both["app"], both["boot"]]
    profile = simcore.profile(both["both"], symbols=symbols, lines=True)
    assert profile.exit.code == 9
    rows = {(row.symbol or row.name, row.address) for row in profile.functions}
    names = {name for name, _ in rows}
    assert {"reset", "prepare", "work", "exit_r0"} <= names
    assert len([name for name, _ in rows if name == "reset"]) == 2  # one of each
    assert profile.lines is not None
    assert {Path(row.file).name for row in profile.lines} == {"boot.S", "app.S"}
    # Both use the same RAM: the first that was named counts.
    assert {row.name for row in profile.objects if row.kind == "symbol"} == {"state"}
    assert profile.warnings == ()


def test_the_application_starts_by_its_vector_table(both: dict[str, Path]) -> None:
    profile = simcore.profile(both["both"], symbols=[both["app"]], entry="0x08010000")
    assert profile.exit.code == 9
    assert "prepare" not in {row.name for row in profile.functions}


def test_an_application_gets_the_names_of_its_boot_loader(both: dict[str, Path]) -> None:
    """Named once for all: code that the program does not have gets no name."""
    image = load_image(both["app"], [both["boot"]])
    assert {function.name for function in image.functions} >= {"work", "reset"}
    assert "prepare" not in {function.name for function in image.functions}
    assert any("names nothing that" in text for text in image.warnings)
