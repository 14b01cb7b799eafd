"""Inlined functions in profiles: exact by context, sums as without them, every format."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import simcore
from simcore.cli.main import main
from simcore.costs.profile import Profile
from simcore.report.inlined import MARK, unfolded
from simcore.report.profile import render
from simcore.report.stacks import CallTree, femtojoules
from tests.integration.programs import CHECKOUT, FIRMWARE, KERNELS
from tests.schemas import assert_fits

STARTUP = CHECKOUT / "kernels" / "startup"
MIXED = KERNELS / "mixed.elf"
MARKERS = FIRMWARE / "markers.elf"


@pytest.fixture(scope="module")
def mixed() -> Profile:
    return simcore.profile(MIXED, inlines=True, instructions=True)


def stacks(profile: Profile, weight: str = "instructions") -> dict[str, int]:
    """Instructions of each stack of the unfolded profile."""
    tree = CallTree(unfolded(profile))
    found: Counter[str] = Counter()
    for index in tree.order:
        name = ";".join(tree.labels[node] for node in tree.stacks[index])
        found[name] += getattr(tree.nodes[index], weight)
    return dict(found)


def test_instructions_are_exact_in_every_context(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    sources = [CHECKOUT / "tests/firmware/inlined.c", STARTUP / "startup.c", STARTUP / "semihost.c"]
    script = [f"-T{STARTUP / 'stm32f746.ld'}", f"-L{STARTUP}", "-nostartfiles"]
    options = ["-O1", "-g", f"-I{STARTUP}", *script, *sources]
    profile = simcore.profile(arm_gcc(tmp_path / "inlined.elf", options), inlines=True)
    assert profile.exit.code == 0
    found = {name.partition("main;")[2]: count for name, count in stacks(profile).items()}
    for caller, rounds in (("few", 10), ("many", 1000)):
        # Three NOPs a round inside the loop, and three behind it.
        assert found[f"{caller};both;walk{MARK};step{MARK}"] == 3 * rounds
        assert found[f"{caller};both;step{MARK}"] == 3
        # note() is called from inlined code: a NOP and its return
        assert found[f"{caller};both;walk{MARK};note"] == 2
    # A round of the loop is the same in both contexts, by what differs between them.
    loops = [found[f"{caller};both;walk{MARK}"] for caller in ("few", "many")]
    assert (loops[1] - loops[0]) % 990 == 0
    assert 1 < (loops[1] - loops[0]) // 990 < 5
    assert profile.inlines is not None
    assert {(f.name, f.line, f.parent is None) for f in profile.inlines.frames} >= {
        ("walk", 32, True), ("step", 20, False), ("step", 32, True),
    }  # fmt: skip


def test_nodes_and_what_was_inlined_into_them_sum_to_the_nodes(mixed: Profile) -> None:
    assert mixed.inlines is not None
    for name in ("instructions", "cycles"):
        spent: Counter[int] = Counter()
        for cost in mixed.inlines.costs:
            spent[cost.node] += getattr(cost, name)
        assert all(spent[n] <= getattr(mixed.call_tree[n], name) for n in spent)
        assert sum(stacks(mixed, name).values()) == getattr(mixed.totals, name)
    whole = unfolded(mixed)
    assert sum(femtojoules(node.energy_j) for node in whole.call_tree) == femtojoules(
        mixed.totals.energy_j
    )
    # inclusive costs of what is out of line are what they were
    before, after = CallTree(mixed), CallTree(whole)
    inclusive = [tree.inclusive([n.cycles for n in tree.nodes]) for tree in (before, after)]
    kept = [i for i, node in enumerate(whole.call_tree) if node.function is None
            or not whole.functions[node.function].name.endswith(MARK)]  # fmt: skip
    assert [inclusive[1][i] for i in kept] == inclusive[0]


def test_a_profile_with_inlines_is_a_document(mixed: Profile) -> None:
    assert Profile.from_json(mixed.to_json()).inlines == mixed.inlines
    assert_fits(mixed.to_json())
    assert simcore.profile(MARKERS).inlines is None


def test_callgrind_sums_to_what_it_had_without(mixed: Profile) -> None:
    def sums(text: str) -> tuple[str, dict[str, int]]:
        own: Counter[str] = Counter()
        names: dict[str, str] = {}
        function, is_call = "", False
        for line in text.splitlines():
            named = re.fullmatch(r"c?fn=\((\d+)\)(?: (.+))?", line)
            if named:
                names.setdefault(named[1], named[2] or "")
                function = function if line.startswith("cfn") else names[named[1]]
            elif line.startswith("calls="):
                is_call = True
            elif line.startswith("0x"):
                if not is_call:
                    own[function] += int((line.split() + ["0"] * 10)[9])
                is_call = False
        return next(line for line in text.splitlines() if line.startswith("totals:")), own

    with_, without = (
        sums(render(each, "callgrind")) for each in (mixed, replace(mixed, inlines=None))
    )
    assert with_[0] == without[0]
    inlined = sum(cycles for name, cycles in with_[1].items() if name.endswith(MARK))
    assert inlined > 0.9 * sum(with_[1].values())
    assert sum(with_[1].values()) == sum(without[1].values())


def test_pprof_has_several_lines_at_an_address(mixed: Profile, tmp_path: Path) -> None:
    out = tmp_path / "out.pb.gz"
    assert main(["profile", str(MARKERS), "--format", "pprof", "-o", str(out)]) == 0
    data = gzip.decompress(out.read_bytes())
    lines = [location.count(4) for location in messages(data, 4)]
    assert max(lines) == 3  # other_operation() in main() in the reset handler
    assert min(lines) == 1


def messages(data: bytes, wanted: int) -> list[list[int]]:
    """The numbers of the fields of each message of a field (protobuf's wire format)."""

    def varint(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = data[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value, at

    def fields(at: int, end: int) -> list[tuple[int, int, int]]:
        found = []
        while at < end:
            key, at = varint(at)
            if key & 7 == 2:
                size, at = varint(at)
                found.append((key >> 3, at, at + size))
                at += size
            else:
                _, after = varint(at)
                found.append((key >> 3, at, after))
                at = after
        return found

    top = fields(0, len(data))
    return [[n for n, *_ in fields(at, end)] for number, at, end in top if number == wanted]


def test_formats_show_inlined_functions_unless_told_not_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(*options: str) -> str:
        assert main(["profile", str(MARKERS), *options]) == 0
        return capsys.readouterr().out

    assert f"Reset_Handler;main{MARK};op:outer;op:inner " in shown("--format", "collapsed")
    assert MARK not in shown("--format", "collapsed", "--no-inlines")
    frames = json.loads(shown("--format", "speedscope"))["shared"]["frames"]
    assert f"zero{MARK}" in {frame["name"] for frame in frames}
    assert f"zero{MARK}" in shown("--format", "html")
    assert "Inlined functions" not in shown()
    table = shown("--inlines").partition("Inlined functions")[2].splitlines()
    assert table[2].split()[:2] == ["main", "Reset_Handler"]
    assert main(["profile", str(MARKERS), "--format", "csv", "--inlines"]) == 2
    assert "--inlines goes with" in capsys.readouterr().err


def test_a_saved_profile_shows_them_or_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "markers.json"
    assert main(["profile", str(MARKERS), "--format", "json", "-o", str(path)]) == 0
    every = (
        ["--format", "collapsed"],
        ["--inlines"],
        ["--format", "collapsed", "--no-inlines"],
    )
    for options in every:
        found = []
        for command in (["report", str(path)], ["profile", str(MARKERS)]):
            assert main([*command, *options]) == 0
            found.append(capsys.readouterr().out)
        assert found[0] == found[1]


@pytest.mark.parametrize(
    ("table", "row", "change"),
    [
        ("costs", 0, {"node": 9999}), ("costs", 0, {"frame": 9999}), ("costs", 0, {"node": 0}),
        ("frames", 0, {"parent": 3}), ("frames", 0, {"function": 9999}),
        ("ranges", 0, {"frame": 9999}), ("ranges", 0, {"end": 0xFFFFFFFF}),
    ],
)  # fmt: skip
def test_a_corrupt_document_is_refused(
    mixed: Profile,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    table: str,
    row: int,
    change: dict[str, int],
) -> None:
    plain = json.loads(mixed.to_json())
    plain["inlines"][table][row].update(change)
    path = tmp_path / "spoilt.json"
    path.write_text(json.dumps(plain))
    assert main(["report", str(path), "--format", "collapsed"]) == 2
    assert f"'inlines.{table}" in capsys.readouterr().err
