"""Targets that read text: maps, linker scripts, SVD, models, settings, options, documents."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from scripts.fuzzing.bare import bare_elf, code_seeds
from scripts.fuzzing.mutate import changed_json, changed_text
from scripts.fuzzing.target import ROOT, Attempt, Target, keep_parts, kept

if TYPE_CHECKING:
    from simcore.elf import Image

_TAGS = re.compile(r"<[^<>]*>|[^<>]+")


def _map(data: bytes, at: Attempt) -> None:
    from simcore.linking.mapfile import read_map

    found = read_map(at.file(data, "fuzz.map"))
    at.passed = True
    for contribution in found.contributions[:20]:
        found.at(contribution.address)
        assert contribution.file is not None


def _linker(data: bytes, at: Attempt) -> None:
    """The MEMORY block for a part, and the script as an editor of it reads it."""
    from simcore.cpu_model import load_cpu_model
    from simcore.cpu_model.linker_script import memory_entries, read_memory_block
    from simcore.errors import McusimError
    from simcore.linking.script import read_script

    keep_parts()
    path = at.file(data, "fuzz.ld")
    at.passed = bool(memory_entries(path, data.decode("utf-8", "replace")))
    try:
        script = read_script(path)
        for section in script.sections[:20]:
            script.statements(section)
            script.line(section.start)
        list(script.those_that_take((".text", ".data.x", "COMMON")))
    except McusimError:
        read_memory_block(path)
    load_cpu_model("stm32h743", memory_from=path)


def _changed_svd(rng: Random, data: bytes, other: bytes) -> bytes:
    """An SVD with elements dropped, doubled, swapped, or a text changed."""
    parts = _TAGS.findall(data.decode("utf-8", "replace"))
    for _ in range(rng.choice((1, 1, 2, 3))):
        if not parts:
            break
        at = rng.randrange(len(parts))
        chance = rng.random()
        if chance < 0.6:
            texts = [n for n, part in enumerate(parts) if part[:1] != "<" and part.strip()]
            at = rng.choice(texts) if texts else at
            parts[at] = changed_text(rng, parts[at].encode(), other[:200]).decode(
                "utf-8", "replace"
            )
            parts[at] = parts[at].replace("<", "&lt;") if chance < 0.5 else parts[at]
        elif chance < 0.7:
            begin = rng.randrange(len(parts))
            parts[at:at] = parts[begin : begin + rng.randrange(1, 40)]
        elif chance < 0.95:  # an element of a line, whole
            names = [n for n in range(len(parts) - 2) if parts[n + 2 : n + 3] and
                     parts[n + 2].startswith("</")]  # fmt: skip
            if names:
                at = rng.choice(names)
                one = parts[at : at + 3]
                target = rng.choice(names)
                parts[target : target + (3 if rng.random() < 0.5 else 0)] = (
                    one if rng.random() < 0.7 else []
                )
        else:
            del parts[at]
    return "".join(parts).encode("utf-8", "replace")


def _svd(data: bytes, at: Attempt) -> None:
    from simcore.run.svd import Description

    found = Description(at.file(data, "fuzz.svd"))
    at.passed = True
    list(found.resets())
    for register in list(found.registers.values())[:10]:
        found.name(register.address)
        found.name(register.address + 1)
        found.bits(register.address, 0x8001)
        found.fields(register)
        found.input_bits(register.address)
        found.find(register.text)


def _is_toml(data: bytes) -> bool:
    import tomllib

    try:
        tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _model(data: bytes, at: Attempt) -> None:
    """A part file: read, checked, its timing worked out."""
    from simcore.cpu_model import load_cpu_model
    from simcore.run.spec import RunSpec

    keep_parts()
    path = at.file(data, "fuzz-part.toml")
    at.passed = _is_toml(data)
    model = load_cpu_model(path)
    model.operating_point(model.max_clock_hz)
    setup = RunSpec(elf="a.elf", cpu=path).setup()
    setup.check()


def _settings(data: bytes, at: Attempt) -> None:
    """mcusim.toml, the file of a what-if study, a pyproject.toml."""
    from simcore.checking.settings import load_settings
    from simcore.errors import McusimError
    from simcore.whatif.config_file import ConfigFile
    from simcore.whatif.configuration import Configuration

    path = at.file(data, "mcusim.toml")
    at.passed = _is_toml(data)
    try:
        load_settings(Path(path))
    except McusimError:
        file = ConfigFile(path)
        base = file.base(Configuration(name="fuzz"))
        file.configurations(base)
        file.run()
        file.sweeps()


@cache
def _image() -> Image:
    from scripts.fuzzing.target import prebuilt
    from simcore.elf import ProgramFiles, image_of_files

    return image_of_files(ProgramFiles("calls.elf", prebuilt("calls")[0]))


def _words(data: bytes, at: Attempt) -> None:
    """Texts of options and limits: `KIND TEXT`, by the reader that KIND names."""
    from simcore.checking.limits import parse_limits, parse_scoped
    from simcore.cpu_model import load_cpu_model
    from simcore.placement import parse_request
    from simcore.run.interrupts import find_interrupts, split_rates
    from simcore.run.places import find_entry, find_place
    from simcore.run.spec import RunSpec
    from simcore.run.stubs import find_stubs
    from simcore.run.uarts import parse_uarts
    from simcore.units import parse_quantity, parse_seconds
    from simcore.whatif.configuration import Configuration, parse_sweep, parse_try

    keep_parts()
    image, base = _image(), Configuration(name="fuzz")
    model = load_cpu_model("stm32f746")
    readers: dict[str, Callable[[str], object]] = {
        "limit": lambda text: parse_limits(text, "fuzz"),
        "scoped": lambda text: parse_scoped(text, "fuzz"),
        "place": parse_request,
        "sweep": parse_sweep,
        "try": lambda text: parse_try(text, base),
        "set": lambda text: load_cpu_model("stm32f746", (text,)),
        "from": lambda text: find_place(image, "--from", text),
        "entry": lambda text: find_entry(image, text),
        "irq": lambda text: (
            split_rates(text),
            find_interrupts(image, (text,), 98, 216_000_000),
        ),
        "stub": lambda text: find_stubs((text,), image, model),
        "uart": lambda text: parse_uarts((text,)),
        "clock": lambda text: parse_quantity(text, "Hz"),
        "for": parse_seconds,
        "cpu": lambda text: RunSpec(elf="a.elf", cpu=text).setup().check(),
    }
    kind, _, text = data.decode("utf-8", "replace").partition(" ")
    if kind in readers:
        at.passed = "\0" not in text
        readers[kind](text)


def _changed_words(rng: Random, data: bytes, other: bytes) -> bytes:
    kind, _, text = data.partition(b" ")
    return kind + b" " + changed_text(rng, text, other.partition(b" ")[2])


@cache
def _documents() -> tuple[bytes, ...]:
    """Documents of a small program, of every kind that takes no long study."""
    import tempfile

    import simcore

    folder = Path(tempfile.mkdtemp(prefix="mcusim-fuzz-seeds-"))
    elf = folder / "seed.elf"
    elf.write_bytes(bare_elf(code_seeds()[0]))
    calls = ROOT / "tests" / "firmware" / "prebuilt" / "calls.elf"
    few: dict[str, Any] = {"max_instructions": 400}
    first = simcore.profile(elf, cpu="stm32f746", instructions=True, lines=True, **few)
    second = simcore.profile(calls, cpu="stm32f746", **few)
    found = [first.to_json(), second.to_json()]
    found.append(simcore.compare(second, second).to_json())
    sweeps = [simcore.Configuration(name="a"), simcore.Configuration(name="b", caches="off")]
    found.append(simcore.what_if([str(elf)], sweeps, **few).to_json())
    found += [each.decode() for each in kept("seeds", "profile")]
    return tuple(text.encode() for text in found)


def _profile(data: bytes, at: Attempt) -> None:
    """A document of any kind: read, and shown in every format that it has."""
    from simcore.errors import McusimError
    from simcore.report import RenderOptions
    from simcore.report.saved import load

    saved = load(at.file(data, "fuzz.json"))
    at.passed = True
    for name in saved.formats:
        if name in _SLOW_FORMATS and zlib.crc32(data) & 15:
            continue
        try:
            saved.render(name, RenderOptions())
        except McusimError:
            continue


#: A page takes ten times as long as the rest: one document of sixteen is shown as one.
_SLOW_FORMATS = ("html",)


@cache
def _baselines() -> tuple[bytes, ...]:
    from simcore.checking.baselines import new_baseline
    from simcore.comparison.summary import summarize
    from simcore.report.saved import read_document

    profiles = [read_document(json.loads(text), "seed")[1] for text in _documents()[:2]]
    runs = {f"run {n}": summarize(profile) for n, profile in enumerate(profiles)}
    found = [new_baseline(runs).to_json().encode(), *kept("seeds", "baseline")]
    return tuple(found)


def _changed_baseline(rng: Random, data: bytes, other: bytes) -> bytes:
    if b'"commit"' in data[:400] or rng.random() < 0.1:
        return changed_text(rng, data, other)
    return changed_json(rng, data, other)


def _baseline(data: bytes, at: Attempt) -> None:
    """A baseline, compared with itself; a history."""
    from simcore.checking.baselines import load_baseline
    from simcore.checking.history import read_history
    from simcore.comparison.comparison import compare

    path = Path(at.file(data, "fuzz.json"))
    if data[:1] == b"[" or b"mcusim.history" in data[:200]:
        read_history(path)
        at.passed = True
        return
    found = load_baseline(path)
    at.passed = True
    if found is not None:
        runs = list(found.runs.values())
        for before, after in zip(runs, reversed(runs), strict=True):
            compare(before, after)


TARGETS = (
    Target("map", "map files of GNU ld and lld", lambda: kept("seeds", "map"), changed_text, _map),
    Target("linker", "linker scripts: MEMORY blocks and what is edited",
           lambda: kept("seeds", "linker"), changed_text, _linker),
    Target("svd", "register descriptions", lambda: kept("seeds", "svd"), _changed_svd, _svd),
    Target("model", "part files",
           lambda: [*kept("seeds", "model"), (ROOT / "cpu_models" / "stm32f746.toml").read_bytes()],
           changed_text, _model),
    Target("settings", "mcusim.toml and files of what-if studies",
           lambda: kept("seeds", "settings"), changed_text, _settings),
    Target("words", "texts of options, limits and budgets",
           lambda: b"".join(kept("seeds", "words")).splitlines(), _changed_words, _words),
    Target("profile", "saved documents: read and shown in every format", _documents,
           changed_json, _profile),
    Target("baseline", "baselines and histories", _baselines, _changed_baseline, _baseline),
)  # fmt: skip
