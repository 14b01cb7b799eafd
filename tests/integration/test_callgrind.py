"""callgrind.out, read by Valgrind's callgrind_annotate and by the grammar of KCachegrind."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from simcore.costs.profile import Profile
from simcore.report.profile import render
from simcore.report.profile.places import places
from simcore.report.stacks import femtojoules
from tests.integration.profiled import each_program, named, recursive
from tests.integration.programs import CHECKOUT, Program
from tests.tools import run_tool

EVENTS = ["Ir", "Dr", "Dw", "I1mr", "D1mr", "D1mw", "Mispredicts", "Cycles", "Energy"]

NUMBER = r"(?:[\d,]+|\.)"


def totals_of(profile: Profile) -> list[int]:
    totals, caches = profile.totals, profile.caches
    return [
        totals.instructions, totals.reads, totals.writes,
        caches.icache.misses, caches.dcache.read_misses, caches.dcache.write_misses,
        totals.mispredicts, totals.cycles, round(totals.energy_j * 1e12),
    ]  # fmt: skip


# -- callgrind_annotate ----------------------------------------------------------------------------


def annotated(
    profile: Profile, folder: Path, *options: str
) -> tuple[list[int], dict[str, Counter[str]]]:
    """Program totals, and (Ir, Cycles) by function, then by file, as callgrind_annotate says."""
    out = folder / "callgrind.out"
    out.write_text(render(profile, "callgrind"))
    command: list[str | Path] = ["callgrind_annotate", "--threshold=100", "--show-percs=no"]
    text = run_tool([*command, "--auto=no", *options, out], "valgrind", cwd=CHECKOUT)
    _, _, table = text.partition("Events shown:")
    totals: list[int] = []
    functions: dict[str, Counter[str]] = {}
    for line in table.splitlines():
        row = re.fullmatch(rf"\s*({NUMBER}(?:\s+{NUMBER})*)\s+([^\s\d.].*)", line)
        if row is None:
            continue
        numbers = [int(n.replace(",", "")) if n != "." else 0 for n in row[1].split()]
        if row[2] == "PROGRAM TOTALS":
            totals = numbers
        elif len(numbers) == len(totals):
            file, _, name = row[2].removesuffix(f" [{profile.elf.name}]").partition(":")
            functions.setdefault(name, Counter())[file] += numbers[0]
    return totals, functions


@each_program
def test_callgrind_annotate_reads_the_totals(program: Program, tmp_path: Path) -> None:
    totals, _ = annotated(program.profile(), tmp_path)
    assert totals == totals_of(program.profile())


@each_program
def test_callgrind_annotate_reads_the_cycles_of_each_function(
    program: Program, tmp_path: Path
) -> None:
    profile = program.profile()
    _, functions = annotated(profile, tmp_path, "--show=Cycles", "--sort=Cycles")
    expected: Counter[str] = Counter()
    for function in profile.functions:
        expected[function.name] += function.cycles_self
    assert {name: files.total() for name, files in functions.items()} == dict(+expected)


@each_program
def test_callgrind_annotate_reads_inclusive_cycles(program: Program, tmp_path: Path) -> None:
    profile = program.profile()
    _, functions = annotated(profile, tmp_path, "--inclusive=yes", "--show=Cycles", "--sort=Cycles")
    tree = profile.call_tree
    called = {
        node.function
        for node in tree
        if node.op is None and node.parent is not None and tree[node.parent].function is not None
    }
    for index, function in enumerate(profile.functions):
        files = functions.get(function.name)
        # It adds up what nobody calls by file, without code inlined from other files.
        if files and index in called and function.name not in recursive(profile):
            assert files[function.file or "???"] == function.cycles_total, function.name


def test_callgrind_annotate_shows_cycles_beside_the_source(tmp_path: Path) -> None:
    profile = named("mixed")
    assert profile.lines is not None
    hottest = max(
        (line for line in profile.lines if line.file.startswith("kernels/")),
        key=lambda line: line.cycles,
    )
    out = tmp_path / "callgrind.out"
    out.write_text(render(profile, "callgrind"))
    command: list[str | Path] = ["callgrind_annotate", "--show=Cycles", "--show-percs=no"]
    text = run_tool([*command, "--sort=Cycles", out], "valgrind", cwd=CHECKOUT)
    source = (CHECKOUT / hottest.file).read_text().splitlines()[hottest.line - 1]
    (shown,) = [line for line in text.splitlines() if line.endswith(source) and source.strip()
                and f"{hottest.cycles:,}" in line]  # fmt: skip
    assert shown.split()[0] == f"{hottest.cycles:,}"


# -- the grammar of cl-format.html -----------------------------------------------------------------


@dataclass
class Parsed:
    """A file as KCachegrind's loader reads it; a name that was not spelt out before is an error."""

    header: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    self_costs: Counter[tuple[str, str, int]] = field(default_factory=Counter)  # function, event
    lines: set[tuple[int, int]] = field(default_factory=set)  # address, line
    calls: list[tuple[str, str, int, int, list[int]]] = field(default_factory=list)
    total: list[int] = field(default_factory=lambda: [0] * len(EVENTS))

    def name(self, kind: str, text: str) -> str:
        found = re.fullmatch(r"\((\d+)\)(?: (.+))?", text)
        assert found, text
        known = self.names.setdefault(
            {"cfn": "fn", "fi": "fl", "fe": "fl", "cfi": "fl"}.get(kind, kind), {}
        )
        if found[2] is not None:
            assert found[1] not in known
            known[found[1]] = found[2]
        return known[found[1]]


def costs(words: list[str]) -> list[int]:
    numbers = [int(word) for word in words]
    assert len(numbers) <= len(EVENTS)
    assert all(number >= 0 for number in numbers)
    return numbers + [0] * (len(EVENTS) - len(numbers))


def parse(text: str) -> Parsed:
    result = Parsed()
    place = {"ob": "", "fl": "", "fn": "", "cfn": "", "cfi": ""}
    call: tuple[int, int] | None = None
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        header = re.fullmatch(
            r"(version|creator|cmd|part|desc|event|events|positions|summary|totals): (.*)", line
        )
        spec = re.fullmatch(r"(ob|fl|fi|fe|fn|cfi|cfn)=(.*)", line)
        if header:
            result.header.setdefault(header[1], []).append(header[2])
        elif spec:
            place["fl" if spec[1] in ("fi", "fe") else spec[1]] = result.name(spec[1], spec[2])
        elif line.startswith("calls="):
            count, target, target_line = line.removeprefix("calls=").split()
            assert int(target, 16) >= 0
            assert int(target_line) >= 0
            call = int(count), int(target, 16)
        else:
            address, number, *rest = line.split()
            if call is not None:
                made = (place["fn"], place["cfn"], int(address, 16), call[0], costs(rest))
                result.calls.append(made)
                call = None
                continue
            result.lines.add((int(address, 16), int(number)))
            for event, cost in enumerate(costs(rest)):
                result.self_costs[place["fl"], place["fn"], event] += cost
                result.total[event] += cost
    assert call is None
    return result


@each_program
def test_the_grammar_is_kept_and_the_costs_sum_to_the_summary(program: Program) -> None:
    profile = program.profile()
    parsed = parse(render(profile, "callgrind"))
    assert parsed.header["version"] == ["1"]
    assert parsed.header["positions"] == ["instr line"]
    assert parsed.header["events"] == [" ".join(EVENTS)]
    for sums in ("summary", "totals"):
        assert [costs(line.split()) for line in parsed.header[sums]] == [parsed.total]
    assert parsed.total == totals_of(profile)
    assert {event.split(" : ")[0] for event in parsed.header["event"]} == {
        "Mispredicts", "Cycles", "Energy",
    }  # fmt: skip


@each_program
def test_every_instruction_stands_at_its_address_and_line(program: Program) -> None:
    profile = program.profile()
    assert profile.instructions is not None
    parsed = parse(render(profile, "callgrind"))
    assert {(row.address, row.line or 0) for row in profile.instructions} <= parsed.lines


@each_program
def test_the_energy_of_instructions_sums_to_their_function(program: Program) -> None:
    profile = program.profile()
    for function, (entry, *rows) in zip(profile.functions, places(profile), strict=True):
        assert all(row.femtojoules > 0 for row in rows)
        whole = femtojoules(function.energy_j_self)
        assert entry.femtojoules == whole - sum(row.femtojoules for row in rows)
        # Only sleep, exception entry and cache maintenance are no instruction's.
        assert (entry.femtojoules > 0) == (entry.cycles > 0), function.name


@each_program
def test_calls_stand_at_their_sites_with_inclusive_costs(program: Program) -> None:
    profile = program.profile()
    assert profile.instructions is not None
    parsed = parse(render(profile, "callgrind"))
    texts = {row.address: row.text for row in profile.instructions}
    run_on = {
        profile.functions[node.function].name
        for node in profile.call_tree
        if node.function is not None and not node.calls
    }
    for _, callee, site, _, _ in parsed.calls:
        # Hardware calls handlers, and has no instruction for it; nor has code that runs on.
        assert texts[site].startswith("b") or callee.endswith("_Handler") or callee in run_on
    for function in profile.functions:
        calls = [call for call in parsed.calls if call[1] == function.name]
        if calls and function.name not in recursive(profile):
            ways = len({site for _, _, site, _, _ in calls}) if function.name in run_on else 0
            assert function.calls <= sum(count for *_, count, _ in calls) <= function.calls + ways
            cycles = sum(inclusive[EVENTS.index("Cycles")] for *_, inclusive in calls)
            assert cycles == function.cycles_total


def test_without_debug_information_functions_and_addresses_remain() -> None:
    profile = named("calls")
    assert profile.instructions is not None
    bare = replace(
        profile,
        functions=tuple(replace(f, file=None, line=None) for f in profile.functions),
        instructions=tuple(replace(r, file=None, line=None) for r in profile.instructions),
    )
    parsed = parse(render(bare, "callgrind"))
    assert set(parsed.names["fl"].values()) == {"???"}
    assert {line for _, line in parsed.lines} == {0}
    assert parsed.total == totals_of(profile)
