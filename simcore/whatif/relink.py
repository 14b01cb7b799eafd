"""A placement against the truth: the program relinked by its own build, beside the placed one.

The build is the user's command. It finds the fragment by environment variables:

- MCUSIM_FRAGMENT: the output sections, a file to INCLUDE or to paste;
- MCUSIM_SCRIPT: the linker script of --apply with them in it, where one is given;
- MCUSIM_ELF: where the relinked ELF may go; else it is the program's own path.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from simcore.costs.profile import Profile
from simcore.cpu_model import CpuModel
from simcore.elf import Image, load_image
from simcore.errors import ConfigError, McusimError
from simcore.linking import Fragment, applied, linker_fragment, open_build
from simcore.linking.inputs import Pieces
from simcore.linking.veneers import is_veneer
from simcore.placement import parse_request, program_memory
from simcore.placement.pieces import select
from simcore.plain import filled
from simcore.profiler import profile
from simcore.run.spec import PartSpec, RunSpec
from simcore.shell import run_build
from simcore.simulation.program import open_program
from simcore.whatif.configuration import Configuration
from simcore.whatif.results import Outcome, Relinked, WhatIf

#: Of the instructions: what other addresses of data and a heap that begins elsewhere may change.
TOLERANCE: Final = 0.001
ALONE: Final = "where the stack begins is the linker script's"


@dataclass(frozen=True, slots=True)
class RelinkCommand:
    """How to relink: a command for the shell, and what the program was linked with."""

    command: str
    map_file: str | None = None
    script: str | None = None


def check_relink(
    elves: Sequence[object], configurations: Sequence[Configuration], build: RelinkCommand
) -> None:
    """Refuse what cannot be relinked before anything runs. Raises ConfigError."""
    if len(elves) != 1 or not isinstance(elves[0], str):
        raise ConfigError("--relink builds one program anew: give one ELF")
    placing = [one for one in configurations if one.place]
    if len(placing) != 1:
        raise ConfigError(
            f"--relink builds one placement, and {len(placing) or 'no'} configurations place"
            " something; give one --place or --try"
        )
    open_build(load_image(elves[0]), build.map_file, build.script)


def relink(
    study: WhatIf, configurations: Sequence[Configuration], spec: RunSpec, build: RelinkCommand
) -> WhatIf:
    """The study with the one placement of it relinked; ``spec`` is the program and how it runs.

    Raises ConfigError for a command that fails, that leaves the ELF as it was, whose program does
    other work than the one as linked, or in which something did not move.
    """
    placed = next(one for one in configurations if one.place)
    spec = replace(spec, **_part(replace(placed, place=())))
    elf = str(spec.elf)
    linked = profile(spec)
    program = open_program(elf, spec.cpu)
    image, setup = program.image, spec.setup(image=program.image)
    memory = program_memory(image, setup.model)
    requests = [parse_request(text) for text in placed.place]
    pieces = [(one, r.region) for r in requests for one in select(image, memory, r)]
    pieces.sort(key=lambda entry: entry[0].address)
    known = open_build(image, build.map_file, build.script)
    fragment = linker_fragment(image, setup, memory, pieces, known, linked)
    if not fragment.patterns:
        raise ConfigError(
            f"--relink: nothing of it is moved by a linker: {'; '.join(fragment.stays) or ALONE}"
        )
    script = None if known.script is None else applied(known.script, fragment, image)
    with tempfile.TemporaryDirectory(prefix="mcusim-") as folder:
        new = _run(build.command, elf, image.sha256, fragment, script, Path(folder))
        real = profile(replace(spec, elf=new.path))
    _check(build.command, linked, real, image)
    _check_places(build.command, new, fragment, pieces, setup.model)
    row = next(one for one in study.configurations if one.name == placed.name)
    along = _moved_along(image, new, pieces, setup.model)
    return replace(study, relinked=_relinked(row, linked, real, fragment, image, along))


def _part(configuration: Configuration) -> dict[str, Any]:
    return {name: getattr(configuration, name) for name in PartSpec.__dataclass_fields__}


def _run(
    command: str, elf: str, sha256: str, fragment: Fragment, script: str | None, folder: Path
) -> Image:
    """Run the build; returns the program that it made."""
    named = {"MCUSIM_FRAGMENT": folder / "fragment.ld", "MCUSIM_ELF": folder / "relinked.elf"}
    named["MCUSIM_FRAGMENT"].write_text(fragment.text, encoding="utf-8")
    if script is not None:
        named["MCUSIM_SCRIPT"] = folder / "script.ld"
        named["MCUSIM_SCRIPT"].write_text(script, encoding="utf-8")
    wrong = run_build(command, {key: str(path) for key, path in named.items()})
    if wrong is not None:
        raise ConfigError(f"--relink '{command}': {wrong}")
    made = str(named["MCUSIM_ELF"]) if named["MCUSIM_ELF"].is_file() else elf
    try:
        image = load_image(made)
    except McusimError as error:
        raise ConfigError(f"--relink '{command}': what it made is no program: {error}") from None
    if image.sha256 == sha256:
        raise ConfigError(
            f"--relink '{command}': {elf} is what it was; link with the script in $MCUSIM_SCRIPT"
            " (of --apply FILE.ld) or the output sections in $MCUSIM_FRAGMENT"
        )
    return image


def _work(run: Profile, image: Image) -> dict[str, int]:
    """Instructions by function, without start-up code and veneers."""
    reset = image.reset_handler
    start = None if reset is None else reset.name
    return {
        row.name: row.instructions
        for row in run.functions
        if row.name != start and not is_veneer(row.name)
    }


def _check(command: str, linked: Profile, real: Profile, image: Image) -> None:
    """Refuse a program that does not do the same."""
    if (real.exit.reason, real.exit.code) != (linked.exit.reason, linked.exit.code):
        raise ConfigError(
            f"--relink '{command}': the relinked program does not end as it did: {real.exit.text};"
            " does its start-up code have the loop that 'mcusim advise' prints?"
        )
    before, after = _work(linked, image), _work(real, image)
    total = sum(before.values())
    differs = sum(after.values()) - total
    if abs(differs) > TOLERANCE * total:
        name = max(
            before.keys() | after.keys(),
            key=lambda one: (abs(after.get(one, 0) - before.get(one, 0)), one),
        )
        raise ConfigError(
            f"--relink '{command}': the relinked program executes {differs:+,} of {total:,}"
            f" instructions outside of start-up code and veneers, most in {name}"
            f" ({after.get(name, 0) - before.get(name, 0):+,}): it is another program; build it"
            " with the sources and options of the first"
        )


def _check_places(
    command: str, new: Image, fragment: Fragment, pieces: Pieces, model: CpuModel
) -> None:
    """Refuse a program in which something did not move that the fragment moves."""
    staying = {line.partition(" stays where it is: ")[0] for line in fragment.stays}
    found: dict[str, list[int]] = {}
    for symbol in new.symbols:
        found.setdefault(symbol.name, []).append(symbol.address)
    missed = [
        piece.name
        for piece, name in pieces
        if piece.name not in staying
        and not any(
            model.region(name).base <= at < model.region(name).end
            for at in found.get(piece.symbol or piece.name, ())
        )
    ]
    if missed:
        raise ConfigError(
            f"--relink '{command}': {', '.join(missed[:4])}{' ...' if len(missed) > 4 else ''} did"
            " not move: is the fragment in the link, in front of what takes these sections?"
        )


def _moved_along(image: Image, new: Image, pieces: Pieces, model: CpuModel) -> tuple[str, ...]:
    """What went to another region unasked: it shares an input section with what was to move."""
    asked = {piece.symbol or piece.name for piece, _ in pieces}
    where: list[dict[str, str | None]] = []
    for program in (image, new):
        names = Counter(symbol.name for symbol in program.symbols)
        where.append(
            {
                symbol.name: region.name if (region := model.region_at(symbol.address)) else None
                for symbol in program.symbols
                if symbol.size and names[symbol.name] == 1 and symbol.name not in asked
            }
        )
    before, after = where
    return tuple(sorted(name for name in before.keys() & after if before[name] != after[name]))


def _relinked(
    row: Outcome,
    linked: Profile,
    real: Profile,
    fragment: Fragment,
    image: Image,
    along: tuple[str, ...],
) -> Relinked:
    veneers = [one for one in real.functions if is_veneer(one.name)]
    reset = image.reset_handler
    start_up = [
        next((f.cycles_self for f in run.functions if reset and f.name == reset.name), 0)
        for run in (linked, real)
    ]
    return filled(
        Relinked,
        real,
        placed=row.name,
        linked_cycles=linked.totals.active_cycles,
        placed_cycles=row.active_cycles,
        cycles=real.totals.active_cycles,
        instructions=real.totals.instructions,
        energy_j=real.totals.energy_j,
        start_up_cycles=start_up[1] - start_up[0],
        veneer_calls=sum(one.calls for one in veneers),
        veneer_cycles=sum(one.cycles_self for one in veneers),
        stays=fragment.stays,
        along=along,
    )
