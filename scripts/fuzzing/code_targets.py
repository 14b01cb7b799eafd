"""Targets that take Thumb code: decode and schedule it, execute it, replay what was recorded."""

from __future__ import annotations

import io
import itertools
import struct
import tempfile
import zlib
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from scripts.fuzzing.bare import bare_elf, changed_code, code_seeds
from scripts.fuzzing.mutate import changed_bytes, changed_json
from scripts.fuzzing.target import Attempt, Target, keep_structs, kept

if TYPE_CHECKING:
    from simcore.pipeline import Pipeline
    from simcore.simulation.simulation import Simulation

MAX_INSTRUCTIONS = 2_000
PARTS = ("stm32f746", "stm32h743", "stm32h723")


_SCHEDULED = itertools.count()


@lru_cache(maxsize=1)
def _pipeline(number: int) -> Pipeline:
    """The pipeline of a few thousand inputs: it keeps what it scheduled, as long as a run lasts."""
    from simcore.cpu_model import load_cpu_model
    from simcore.pipeline import make_pipeline

    return make_pipeline(load_cpu_model(PARTS[0]).core.pipeline)


def _thumb(data: bytes, at: Attempt) -> None:
    """Decode as blocks, whole and from each halfword, and schedule them from several states."""
    from simcore.errors import UnknownInstructionError
    from simcore.isa import decode_block

    pipeline = _pipeline(next(_SCHEDULED) >> 12)
    state = pipeline.reset_state
    address, code = 0x0800_0000, data
    for _ in range(12):
        try:
            block = decode_block(address, code[:64], code[0] if code[:1] > b"\xf8" else 0)
        except UnknownInstructionError:
            if at.passed:
                return
            raise
        at.passed = True
        for variant in (0, (1 << len(block.probes)) - 1):
            for stretch in pipeline.stretches(block):
                made = pipeline.schedule_stretch(stretch, state, variant)
                state = made.after_next
        pipeline.describe_state(state)
        used = sum(instruction.size for instruction in block.instructions)
        address, code = address + used, code[used:]
        if len(code) < 2:
            return


def _profile_of(simulation: Simulation, data: bytes) -> None:
    """The profile of what ran; one of four with instructions and lines, of sixteen as text too."""
    from simcore.report import RenderOptions
    from simcore.report.profile import document

    which = zlib.crc32(data)
    rows = which & 3 == 0
    profile = simulation.profile(instructions=rows, lines=rows, inlines=rows)
    assert sum(profile.totals.cycles_by_cause.values()) == profile.totals.cycles
    if which & 3 == 1:
        document(profile, "json", RenderOptions())
    if which & 15 == 2:
        document(profile, "text", RenderOptions())


def _run(data: bytes, at: Attempt) -> None:
    """Execute up to 2,000 instructions on a part and make the profile."""
    from simcore.elf import load_image
    from simcore.run.options import Streams
    from simcore.run.spec import RunSpec
    from simcore.simulation.live import simulate_once

    keep_structs()
    first = data[0] if data else 0
    spec = RunSpec(
        elf="fuzz.elf",
        cpu=PARTS[first % 3],
        caches="off" if first & 8 else "on",
        max_instructions=MAX_INSTRUCTIONS,
        timeout_s=20,
    )
    image = load_image(at.file(bare_elf(data[1:]), "fuzz.elf"))
    streams = Streams(io.BytesIO(), io.BytesIO())
    (simulation,) = simulate_once(image, [spec.setup(image=image)], spec, streams)
    assert simulation.result.exit_reason != "timeout", "no limit of instructions ends it"
    # 26 of them give r0 to r12 their values.
    at.passed = simulation.result.counters.total()["instructions"] >= 26 + 8
    _profile_of(simulation, data)


@cache
def _captures() -> tuple[bytes, ...]:
    from simcore.run.spec import RunSpec
    from simcore.simulation.capture import record_run

    found = []
    folder = Attempt(_scratch())
    for number, code in enumerate(code_seeds()[::5]):
        spec = RunSpec(
            elf=folder.file(bare_elf(code), "seed.elf"),
            cpu=PARTS[number % 3],
            max_instructions=300,
        )
        file = io.BytesIO()
        record_run(spec, file)
        found.append(file.getvalue())
    return tuple(found)


def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="mcusim-fuzz-seeds-"))


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk of a capture."""
    found, at = [], 12
    while at + 12 <= len(data):
        kind, size, _ = struct.unpack_from("<4sII", data, at)
        try:
            found.append((kind, zlib.decompress(data[at + 12 : at + 12 + size])))
        except zlib.error:
            break
        at += 12 + size
    return found


def _changed_capture(rng: Random, data: bytes, other: bytes) -> bytes:
    """A capture with the content of a chunk changed and its checksum right again."""
    chunks, more = _chunks(data), _chunks(other)
    if not chunks or rng.random() < 0.05:
        return changed_bytes(rng, data, other)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(chunks))
        kind, content = chunks[at]
        chance = rng.random()
        if chance < 0.04:
            del chunks[at]
        elif chance < 0.08:
            chunks.insert(at, chunks[rng.randrange(len(chunks))])
        elif chance < 0.12 and more:
            chunks[at] = rng.choice(more)
        elif kind in (b"HEAD", b"TAIL", b"NETW"):
            chunks[at] = kind, changed_json(rng, content, content)
        elif kind == b"ELF " and rng.random() < 0.7:
            chunks[at] = kind, changed_bytes(rng, content, content, 84 + 128)
        else:
            chunks[at] = kind, changed_bytes(rng, content, content)
        if not chunks:
            break
    return pack_capture(chunks)


def pack_capture(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A capture of chunks, its checksums right."""
    from simcore.simulation.capture_file import CaptureWriter

    out = io.BytesIO()
    writer = CaptureWriter(out)
    for kind, content in chunks:
        writer.add(kind, content)
    return out.getvalue()


def _capture(data: bytes, at: Attempt) -> None:
    """Replay a capture under what it was recorded with, and make the profile."""
    from simcore.simulation.capture import Capture

    keep_structs()
    capture = Capture(at.file(data, "fuzz.capture"))
    at.passed = True
    (simulation,) = capture.simulate([capture.setup()])
    _profile_of(simulation, data)


TARGETS = (
    Target(
        "thumb", "bytes as code: blocks decoded and scheduled",
        lambda: [*code_seeds(), *kept("seeds", "thumb")], changed_code, _thumb,
    ),
    Target(
        "run", "bytes as code: executed for at most 2,000 instructions, all tables",
        lambda: [bytes([n]) + code for n, code in enumerate(code_seeds())],
        lambda rng, data, other: (
            bytes([data[0] ^ (rng.getrandbits(4) if rng.random() < 0.1 else 0)])
            + changed_code(rng, data[1:], other[1:])
            if data
            else other
        ),
        _run,
    ),
    Target(
        "capture", "captures with changed contents and right checksums: read, replayed, all tables",
        _captures, _changed_capture, _capture,
    ),
)  # fmt: skip
