"""The key of a run in a store: a hash of content, so that no path and no machine is in it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from simcore.cache import NO_ROOM, Room, content_key
from simcore.cpu_model import is_model_file
from simcore.errors import McusimError
from simcore.files import sha256_of
from simcore.run.spec import VALUE_FILES, PartSpec, RunSpec, split_runner

SCHEMA = "mcusim.stored-run/1"


def run_key(kind: str, spec: RunSpec, room: Room = NO_ROOM, **more: Any) -> str | None:
    """The key of a run; ``more`` are other plain values that decide it, by name.

    None of a run that something else decides or of which something else comes: standard input, a
    folder of the host, outputs that are written or verified; and of one whose files cannot be read.
    ``room`` remembers the hash of mcusim.
    """
    content = spec_content(spec)
    if content is None:
        return None
    return content_key(
        SCHEMA, {"kind": kind, "run": content, **more}, beside="store/keys.py", room=room
    )


def spec_content(spec: RunSpec) -> dict[str, Any] | None:
    """All that a run is told, as plain values, with the hash of a file in place of its name.

    None as :func:`run_key` says.
    """
    if spec.is_beyond or spec.is_given_input:
        return None
    try:
        found = _hashes(spec)
        told = _without_paths(spec)
    except (OSError, ValueError, McusimError):
        return None
    options = {field.name: repr(getattr(told, field.name)) for field in fields(RunSpec)}
    return {"options": options, "found": found}


def part_content(part: PartSpec) -> list[Any] | None:
    """What decides the memory of a part, as plain values; None when a file cannot be read."""
    try:
        memory = None if part.memory_from is None else sha256_of(part.memory_from)
        return [_part(part.cpu), list(part.overrides), memory]
    except (OSError, ValueError, McusimError):
        return None


def _without_paths(spec: RunSpec) -> RunSpec:
    runner = spec.runner
    if runner is not None:
        file, symbol = split_runner(runner)
        runner = f"{sha256_of(file)}:{symbol}"
    return replace(
        spec,
        elf=sha256_of(spec.elf),
        cpu=_part(spec.cpu),
        linked_for=None if spec.linked_for is None else _part(spec.linked_for),
        memory_from=None if spec.memory_from is None else sha256_of(spec.memory_from),
        symbols=tuple(map(sha256_of, spec.symbols)),
        debug_file=None if spec.debug_file is None else sha256_of(spec.debug_file),
        debug_dir=None,  # what is found in it counts
        svd=None if spec.svd is None else sha256_of(spec.svd),
        uart=tuple(_fed(text) for text in spec.uart),
        input=tuple(sha256_of(n) if n.endswith(VALUE_FILES) else n for n in spec.input),
        runner=runner,
        verbose=False,
    )


def _part(cpu: str) -> str:
    """A part by its name, or by the hashes of its model file and of those that it extends."""
    if not is_model_file(cpu):
        return cpu
    from simcore.cpu_model.tree import model_files

    return "+".join(sha256_of(str(file)) for file in model_files(cpu))


def _fed(text: str) -> str:
    port, equals, file = text.partition("=")
    return f"{port}={sha256_of(file)}" if equals else text


def _hashes(spec: RunSpec) -> list[str]:
    """Of the files with debug information that the program has beside it, in the order of trial."""
    from simcore.elf import debug_places

    hashes = []
    if spec.debug_file is None:
        places: list[str] = []
        with suppress(McusimError):  # no ELF, or one that the run refuses
            places += debug_places(spec.runner_file or spec.elf, spec.debug_dir)
        for name in places:
            with suppress(OSError):
                hashes.append(sha256_of(name))
    return hashes
