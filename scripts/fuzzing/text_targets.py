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
from scripts.fuzzing.mutate import NUMBERS, changed_json, changed_text, changed_toml
from scripts.fuzzing.target import ROOT, Attempt, Target, keep_parts, keep_templates, kept

if TYPE_CHECKING:
    from simcore.elf import Image

_NUMBER = re.compile(r"\b(?:0x[0-9a-fA-F]+|[0-9]+[KMkm]?)\b")
_TAGS = re.compile(r"<[^<>]*>|[^<>]+")


def _map(data: bytes, at: Attempt) -> None:
    from simcore.linking.mapfile import read_map

    found = read_map(at.file(data, "fuzz.map"))
    at.passed = True
    for contribution in found.contributions[:20]:
        found.at(contribution.address)
        assert contribution.file is not None


#: What may stand between the lines of a script.
_STATEMENTS = (
    ". = ALIGN(4);", "KEEP(*(.vectors))", "PROVIDE(x = . + 4);", "*(.text*)", "INCLUDE other.ld",
    ".more : { *(.more) } > FLASH", "ASSERT(. < 0x1000, \"too large\")", "x = DEFINED(y) ? 1 : 2M;",
    "OVERLAY : { .a { *(.a) } .b { *(.b) } }", "/DISCARD/ : { *(.x) }", "} > RAM AT> FLASH", "/*",
    "_size = 64K;", "y = ORIGIN(RAM) + LENGTH(RAM);", "FILL(0xff)", "EXTERN(z)", "};", "{",
)  # fmt: skip


def _changed_script(rng: Random, data: bytes, other: bytes) -> bytes:
    """A linker script with numbers and lines changed, or tokens of any kind."""
    if rng.random() < 0.35:
        return changed_text(rng, data, other)
    lines = data.decode("utf-8", "replace").split("\n")
    theirs = other.decode("utf-8", "replace").split("\n")
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        match rng.randrange(6):
            case 0 | 1:
                lines[at] = _NUMBER.sub(lambda found: _other_number(rng, found[0]), lines[at])
            case 2:
                lines.insert(at, rng.choice(_STATEMENTS))
            case 3 if len(lines) > 1:
                del lines[at]
            case 4:
                begin = rng.randrange(len(theirs))
                lines[at:at] = theirs[begin : begin + rng.randrange(1, 6)]
            case _:
                other_line = rng.randrange(len(lines))
                lines[at], lines[other_line] = lines[other_line], lines[at]
    return "\n".join(lines).encode("utf-8", "replace")


def _other_number(rng: Random, was: str) -> str:
    if rng.random() < 0.5:
        return was
    number = rng.choice((*NUMBERS, 16384, 1 << 20, 0x2400_0000))
    return rng.choice((hex(number), str(number), f"{number & 0xFF}K", f"{was} + 4", f"({was})"))


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
    if zlib.crc32(data) & 7 == 0:  # half of the time of all
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
    """A document of any kind: read, and shown in half of the formats that it has."""
    from simcore.errors import McusimError
    from simcore.report import RenderOptions
    from simcore.report.saved import load

    keep_templates()
    saved = load(at.file(data, "fuzz.json"))
    at.passed = True
    chance = zlib.crc32(data)
    for number, name in enumerate(saved.formats):
        if (chance + number) & (15 if name in _SLOW_FORMATS else 1):
            continue
        try:
            saved.render(name, RenderOptions())
        except McusimError:
            continue


#: A page takes longer than the rest: one document of sixteen is shown as one.
_SLOW_FORMATS = ("html",)


@cache
def _baselines() -> tuple[bytes, ...]:
    """A baseline, a history, and what a check reports as JSON Lines."""
    from simcore.checking.baselines import new_baseline
    from simcore.checking.history import new_entry
    from simcore.comparison.summary import summarize
    from simcore.plain import to_plain
    from simcore.report.saved import read_document
    from simcore.repository import Commit

    profiles = [read_document(json.loads(text), "seed")[1] for text in _documents()[:2]]
    runs = {f"run {n}": summarize(profile) for n, profile in enumerate(profiles)}
    entries = [
        new_entry(
            Commit("0" * 39 + str(n), f"2026-01-0{n + 1}T00:00:00Z", f"Change {n}", n == 2),
            {"run 0": runs[f"run {n % 2}"]},
        )
        for n in range(3)
    ]
    history = "\n".join(json.dumps(to_plain(entry)) for entry in entries)
    found = [new_baseline(runs).to_json().encode(), history.encode()]
    return (*found, *kept("seeds", "baseline"))


def _changed_baseline(rng: Random, data: bytes, other: bytes) -> bytes:
    """A baseline or a history, most of the time below its runs: its head takes one text alone."""
    if rng.random() < 0.1:
        return changed_text(rng, data, other)
    if data.count(b"\n{") == 0:
        return _changed_runs(rng, data, other)
    lines, theirs = data.split(b"\n"), other.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(12):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, rng.choice(lines))
        case 2:
            lines.insert(at, rng.choice(theirs))
        case _:
            lines[at] = _changed_runs(rng, lines[at], other)
    return b"\n".join(lines)


def _changed_runs(rng: Random, data: bytes, other: bytes) -> bytes:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        tree = None
    if not isinstance(tree, dict) or "runs" not in tree or rng.random() < 0.25:
        return changed_json(rng, data, other)
    inner = json.dumps(tree["runs"]).encode("utf-8", "replace")
    tree["runs"] = json.loads(changed_json(rng, inner, b""))
    return json.dumps(tree).encode("utf-8", "replace")


def _baseline(data: bytes, at: Attempt) -> None:
    """A baseline, compared with itself; a history or lines of a check, drawn as a trend."""
    from simcore.checking.baselines import load_baseline
    from simcore.comparison.comparison import compare

    path = Path(at.file(data, "fuzz.json"))
    if b"mcusim.history" in data[:200] or data[:9] == b'{"type": ':
        _trend(path, at, zlib.crc32(data))
        return
    found = load_baseline(path)
    at.passed = True
    if found is not None:
        runs = list(found.runs.values())
        for before, after in zip(runs, reversed(runs), strict=True):
            compare(before, after)


def _trend(path: Path, at: Attempt, chance: int) -> None:
    from simcore.checking.trend import read_steps, run_changes
    from simcore.report import RenderOptions
    from simcore.report.trend import render

    keep_templates()
    steps = read_steps([str(path)])
    at.passed = True
    run_changes(steps)
    if steps and not chance & 15:
        render(steps, "html" if chance & 16 else "text", RenderOptions())


TARGETS = (
    Target("map", "map files of GNU ld and lld", lambda: kept("seeds", "map"), changed_text, _map),
    Target("linker", "linker scripts: MEMORY blocks and what is edited",
           lambda: kept("seeds", "linker"), _changed_script, _linker),
    Target("svd", "register descriptions", lambda: kept("seeds", "svd"), _changed_svd, _svd),
    Target("model", "part files",
           lambda: [*kept("seeds", "model"), (ROOT / "cpu_models" / "stm32f746.toml").read_bytes()],
           changed_toml, _model),
    Target("settings", "mcusim.toml and files of what-if studies",
           lambda: kept("seeds", "settings"), changed_toml, _settings),
    Target("words", "texts of options, limits and budgets",
           lambda: b"".join(kept("seeds", "words")).splitlines(), _changed_words, _words),
    Target("profile", "saved documents: read and shown, in every format at every other input",
           _documents, changed_json, _profile),
    Target("baseline", "baselines, histories and their trends",
           _baselines, _changed_baseline, _baseline),
)  # fmt: skip
