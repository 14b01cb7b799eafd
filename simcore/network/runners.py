"""Which prebuilt runner ELF fits a part: the one whose memories the part has at the same places.

There is one of single operations, for studies, and one of networks from files.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.elf import Image, load_image
from simcore.errors import ConfigError

OPERATIONS = "nn"  # a runner's name; variants are called NAME_PART
NETWORKS = "runner"
_FOLDERS = {OPERATIONS: "prebuilt", NETWORKS: "runner/prebuilt"}  # below kernels
_ARENA_END = "__arena_end"  # symbol at the end of the memory that its tensors may take


def runner_for(model: CpuModel, name: str = OPERATIONS) -> Image:
    """The runner ELF for a part. Raises ConfigError when none fits its memory map.

    What the ELF has in flash, SRAM and DTCM must be flash, SRAM and DTCM of the part too. Of
    several that fit, one whose whole tensor arena is there goes first, then one built for the part.
    """
    rows = _rows(name)
    # Of all that fit none goes before the one built for the part, if its whole arena is there.
    for row in rows:
        if row[1] == model.name and _holds(model, _image(row[2]), True, name):
            return _image(row[2])
    fitting = [
        (not _holds(model, image, True, name), built_for != model.name, variant, image)
        for variant, built_for, path in rows
        if _holds(model, image := _image(path), False, name)
    ]
    if not fitting:
        known = ", ".join(built_for for _, built_for, _ in rows)
        raise ConfigError(
            f"{model.name}: no prebuilt {name}.elf fits its memory map (there are those for"
            f" {known}); it needs a part that has flash, SRAM and DTCM where one of them has"
        )
    return min(fitting, key=lambda row: row[:3])[3]


@cache
def _rows(name: str) -> tuple[tuple[str, str, str], ...]:
    """Name, part and path of each prebuilt runner, by name."""
    from simcore.resources import prebuilt_kernels

    return tuple(
        (row["name"], row["part"], str(Path(row["path"]).resolve()))
        for row in sorted(prebuilt_kernels(_FOLDERS[name]), key=lambda row: row["name"])
        if row["name"] == name or row["name"].startswith(f"{name}_")
    )


@cache
def _image(path: str) -> Image:
    """The image of a runner; to read one takes longer than all else here."""
    return load_image(path)


def _holds(model: CpuModel, image: Image, whole_arena: bool, runner: str) -> bool:
    """Whether the part has the memories that an image uses, of the same kinds.

    The kinds are those of the part that the image was built for, so an address in SRAM there that
    is DTCM here does not pass.
    """
    built_for = _part_of(image, runner)
    for start, end in _ranges(image, whole_arena):
        here, there = model.region_at(start), built_for.region_at(start)
        if here is None or there is None or here.kind != there.kind:
            return False
        while here is not None and end > here.end:  # regions that stand side by side
            behind = model.region_at(here.end)
            here = behind if behind is not None and behind.kind == there.kind else None
        if here is None:
            return False
    return True


def _ranges(image: Image, whole_arena: bool) -> Iterator[tuple[int, int]]:
    """Addresses that the image needs: segments, zeroed memory, the stack's top, the arena."""
    for segment in image.segments:
        yield segment.address, segment.address + len(segment.data)
        yield segment.run_address, segment.run_address + segment.memory_size
    if image.initial_sp:
        yield image.initial_sp - 1, image.initial_sp
    if whole_arena:
        for symbol in image.symbols:
            if symbol.name == _ARENA_END:
                yield symbol.address - 1, symbol.address


def _part_of(image: Image, runner: str) -> CpuModel:
    (part,) = (part for _, part, path in _rows(runner) if path == image.path)
    return load_cpu_model(part)
