"""Targets that read binary files: ELF, DWARF, HEX and UF2, networks, entries of the cache."""

from __future__ import annotations

import struct
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from scripts.fuzzing.bare import bare_elf, code_seeds
from scripts.fuzzing.mutate import changed_bytes, changed_text, put_number
from scripts.fuzzing.target import Attempt, Target, keep_structs, keep_tool, kept

if TYPE_CHECKING:
    from simcore.elf import Image


def _section_headers(data: bytes) -> list[int]:
    """Offsets of the section headers of a well-formed ELF."""
    if len(data) < 52:
        return []
    (at,), (size, count) = struct.unpack_from("<I", data, 32), struct.unpack_from("<HH", data, 46)
    return [at + n * size for n in range(min(count, 64)) if at + n * size + 40 <= len(data)]


def _named(data: bytes) -> list[tuple[str, int, int]]:
    """Name, offset and size of each section."""
    headers = _section_headers(data)
    (index,) = struct.unpack_from("<H", data, 50) if len(data) >= 52 else (0,)
    if index >= len(headers):
        return []
    (names,) = struct.unpack_from("<I", data, headers[index] + 16)
    found = []
    for header in headers:
        (name,) = struct.unpack_from("<I", data, header)
        offset, size = struct.unpack_from("<II", data, header + 16)
        end = data.find(b"\0", names + name)
        found.append((data[names + name : end].decode("latin-1"), offset, size))
    return found


def _changed_elf(rng: Random, data: bytes, other: bytes) -> bytes:
    """An ELF with fields of its tables changed, or bytes of a section."""
    out = bytearray(data)
    headers = _section_headers(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        match rng.randrange(6):
            case 0:
                put_number(rng, out, rng.choice((24, 28, 32, 36, 40, 42, 44, 46, 48, 50)), 2)
            case 1 if len(out) > 84:
                (at,), (count,) = (
                    struct.unpack_from("<I", data, 28), struct.unpack_from("<H", data, 44),
                )  # fmt: skip
                at += 32 * rng.randrange(min(count, 16) or 1) + 4 * rng.randrange(8)
                put_number(rng, out, at, 4)
            case 2 if headers:
                put_number(rng, out, rng.choice(headers) + 4 * rng.randrange(10), 4)
            case 3 | 4 if headers:
                _, offset, size = rng.choice(_named(data) or [("", 0, len(data))])
                end = min(offset + size, len(out))
                if offset < end:
                    at = rng.randrange(offset, end)
                    if rng.random() < 0.5:
                        put_number(rng, out, at & ~3, 4)
                    else:
                        out[at] = rng.randrange(256)
            case _:
                return changed_bytes(rng, bytes(out), other)
    return bytes(out)


def _changed_dwarf(rng: Random, data: bytes, other: bytes) -> bytes:
    """An ELF with bytes of its debug sections changed, each of them as often, whatever its size."""
    out = bytearray(data)
    debug = [row for row in _named(data) if row[0].startswith(".debug") and row[2]]
    if not debug:
        return _changed_elf(rng, data, other)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        _, offset, size = rng.choice(debug)
        at = offset + (rng.randrange(size) if rng.random() < 0.7 else rng.randrange(min(size, 64)))
        if at >= len(out):
            continue
        match rng.randrange(4):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            case 2:
                put_number(rng, out, at, rng.choice((2, 4)))
            case _:
                size = rng.choice((1, 2, 4, 8))
                begin = offset + rng.randrange(max(1, min(offset + 512, len(out)) - offset))
                out[at : at + size] = out[begin : begin + size].ljust(size, b"\xff")
    return bytes(out[: len(data)])


def _elf(data: bytes, at: Attempt) -> None:
    """Load an image and ask it for what a run asks."""
    from simcore.elf import ProgramFiles, image_of_files
    from simcore.elf.header import open_elf

    keep_structs()
    open_elf(data)
    at.passed = True
    _ask(image_of_files(ProgramFiles("fuzz.elf", data)))


def _ask(image: Image) -> None:
    for function in image.functions[:40]:
        image.function_at(function.start)
        image.object_at(function.start)
        image.file_at(function.start)
        image.read(function.start, 16)
    assert image.reset_handler is None or image.reset is not None


def _dwarf(data: bytes, at: Attempt) -> None:
    """Lines, inlined calls and structures of the code."""
    from simcore.elf import ProgramFiles, image_of_files

    keep_structs()
    image = image_of_files(ProgramFiles("fuzz.elf", data))
    addresses = [a for f in image.functions[:40] for a in (f.start, f.start + 4)]
    lines = [image.line_at(address) for address in addresses]
    at.passed = any(lines)
    image.lacking_lines(addresses)
    image.inlined_at(addresses)
    image.layout("main", ("task", "tskTCB"))


@cache
def _records() -> tuple[bytes, ...]:
    import bincopy

    binary = bincopy.BinFile()
    elf = bare_elf(code_seeds()[0])
    binary.add_binary(elf[84:], 0x0800_0000)
    binary.execution_start_address = 0x0800_0081
    ihex, srec = binary.as_ihex().encode(), binary.as_srec().encode()
    blocks = [elf[84:][n : n + 256] for n in range(0, len(elf) - 84, 256)]
    uf2 = b"".join(
        struct.pack(
            "<8I", 0x0A32_4655, 0x9E5D_5157, 0, 0x0800_0000 + 256 * n, 256, n, len(blocks), 0
        )
        + block.ljust(476, b"\0")
        + struct.pack("<I", 0x0AB1_6F30)
        for n, block in enumerate(blocks)
    )
    return ihex, srec, uf2


def _changed_records(rng: Random, data: bytes, other: bytes) -> bytes:
    """Records with changed fields, their checksums right again three times of four."""
    if data[:4] == b"UF2\n":
        out = bytearray(data)
        for _ in range(rng.choice((1, 1, 2))):
            block = 512 * rng.randrange(max(len(out) // 512, 1))
            put_number(rng, out, block + rng.choice((8, 12, 16, 20, 24, 28, 32, 36, 40, 508)), 4)
        return bytes(out) if rng.random() < 0.9 else changed_bytes(rng, data, other)
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(lines))
        line = lines[at].strip()
        chance = rng.random()
        if chance < 0.1:
            del lines[at : at + 1]
        elif chance < 0.2:
            lines.insert(at, rng.choice(lines))
        elif len(line) > 8:
            digits = bytearray(line)
            where = rng.randrange(1 if rng.random() < 0.1 else 3, len(digits))
            digits[where] = rng.choice(b"0123456789ABCDEF")
            lines[at] = _summed(bytes(digits)) if rng.random() < 0.85 else bytes(digits)
        if not lines:
            return other
    out_text = b"\n".join(lines)
    return out_text if rng.random() < 0.95 else changed_text(rng, out_text, other)


def _summed(line: bytes) -> bytes:
    """A record with the checksum of its bytes."""
    head = 1 if line[:1] == b":" else 2
    try:
        content = bytes.fromhex(line[head:-2].decode())
    except ValueError:
        return line
    total = -sum(content) if head == 1 else ~sum(content)
    return line[:head] + content.hex().upper().encode() + b"%02X" % (total & 0xFF)


def _binary(data: bytes, at: Attempt) -> None:
    """Read Intel HEX, S-records or UF2, and make the image."""
    from simcore.elf import ProgramFiles, image_of_files
    from simcore.elf.binary import read_binary

    at.passed = read_binary(data) is not None
    _ask(image_of_files(ProgramFiles("fuzz.hex", data)))


def _changed_network(rng: Random, data: bytes, other: bytes) -> bytes:
    """A flatbuffer with numbers and offsets changed where they lie.

    Most of its words are offsets, and most changes of these end in the first check: three of four
    changes are made anew, up to six times, until one passes it.
    """
    for _ in range(6 if rng.random() < 0.75 else 0):
        found = _changed_numbers(rng, data, other)
        if _is_network(found):
            return found
    return _changed_numbers(rng, data, other)


def _is_network(data: bytes) -> bool:
    from simcore.errors import McusimError
    from simcore.tflite.reader import read_model

    try:
        read_model(data)
    except McusimError:
        return False
    except Exception:  # a finding, of the attempt that follows
        return True
    return True


def _changed_numbers(rng: Random, data: bytes, other: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(8, max(len(out), 9))
        match rng.randrange(4):
            case 0:
                out[at % len(out)] = rng.choice((0, 1, 2, 3, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            case 1:
                put_number(rng, out, at & ~3, 4)
            case 2:
                put_number(rng, out, at & ~1, 2)
            case _:
                out[at % len(out)] ^= 1 << rng.randrange(8)
    return bytes(out) if rng.random() < 0.95 else changed_bytes(rng, data, other)


def _tflite(data: bytes, at: Attempt) -> None:
    """Read a network, prepare its operators, plan its arena, compose its ELF."""
    from simcore.network.steps import lowered
    from simcore.run.spec import RunSpec
    from simcore.simulation.networks import composed_program
    from simcore.tflite.extent import model_size
    from simcore.tflite.reader import read_model

    model_size(data)
    model = read_model(data)
    at.passed = True
    composed_program(
        RunSpec(elf="fuzz.tflite", cpu="stm32h743"), "fuzz.tflite", lowered(model), data
    )


@cache
def _networks() -> tuple[bytes, ...]:
    return tuple(kept("seeds", "tflite"))


def _changed_entry(rng: Random, data: bytes, other: bytes) -> bytes:
    from scripts.fuzzing.mutate import changed_json

    if rng.random() < 0.1:
        return changed_bytes(rng, data, other)
    return changed_json(rng, data, other)


def _cache(data: bytes, at: Attempt) -> None:
    """An entry whose checksum is right, or not: a report and a run are read back, or made again."""
    from simcore.cache.room import Room
    from simcore.kept.profiles import KIND as RUNS
    from simcore.kept.profiles import Kept
    from simcore.kept.reports import KIND as REPORTS
    from simcore.kept.reports import KeptReports
    from simcore.report import RenderOptions
    from simcore.run.spec import RunSpec

    keep_tool()
    spec = RunSpec(elf=at.file(bare_elf(b""), "fuzz.elf"), cpu="stm32f746")
    folder = at.folder / "cache"
    room = Room(folder, 1 << 28)
    key = f"{len(data):064x}"
    for kind in (RUNS, REPORTS):
        room.put(kind, key, data)
    at.passed = room.get(RUNS, key) == data
    runs = Kept(room)
    runs._load(key, spec)
    reports = KeptReports(room, [spec], "text", RenderOptions())
    reports._key = key
    reports.load()
    path = room._path(RUNS, key)
    path.write_bytes(data)  # no entry at all
    assert room.get(RUNS, key) is None or not path.exists()


@cache
def _entries() -> tuple[bytes, ...]:
    return tuple(kept("seeds", "cache"))


TARGETS = (
    Target("elf", "ELF files: headers, sections, symbols, functions", lambda: kept("seeds", "elf"),
           _changed_elf, _elf),
    Target("dwarf", "debug sections: lines, inlined calls, units, structures",
           lambda: kept("seeds", "dwarf"),
           _changed_dwarf, _dwarf),
    Target("binary", "Intel HEX, S-records, UF2", _records, _changed_records, _binary),
    Target("tflite", "flatbuffers: networks read, prepared, planned, composed", _networks,
           _changed_network, _tflite),
    Target("cache", "entries of the cache: runs and reports read back", _entries,
           _changed_entry, _cache),
)  # fmt: skip
