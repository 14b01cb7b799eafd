"""The HTML report as text: self-contained, escaped, the profile's own numbers, the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.costs.tables import LayoutBand, ObjectCosts, ObjectSite, PlacedItem
from simcore.errors import ConfigError
from simcore.log_text import one_line
from simcore.pipeline.ceilings import CORE, Ceilings
from simcore.report import RenderOptions
from simcore.report.html.details import Details, printable
from simcore.report.html.flame import MOST_FRAMES, flame_data, merged_frames
from simcore.report.profile import render
from tests.unit.handmade import FAULT, kernel_profile

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'&amp;{{7*7}}${x}\u202e\x00"
CEILINGS = Ceilings({"SMLAD, 16-bit": 2.0, "VFMA.F32": 1.0}, {CORE: 8.0, "itcm": 4.0, "flash": 2.0})


@dataclass
class Page(HTMLParser):
    """What a browser makes of a page: elements with attributes, texts, scripts by id."""

    source: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    scripts: dict[str | None, str] = field(default_factory=dict)
    rows: dict[str, list[list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._script: str | None = None
        self._table = ""
        self._cell: list[str] | None = None
        self.in_script = False
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.in_script, self._script = True, dict(attrs).get("id")
        elif tag == "table":
            self._table = dict(attrs).get("id") or ""
            self.rows[self._table] = []
        elif tag == "tr":
            self.rows[self._table].append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.in_script = False
        elif tag in ("td", "th") and self._cell is not None:
            self.rows[self._table][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        elif self._cell is not None:
            self._cell.append(data)

    def attribute(self, tag: str, name: str) -> list[str | None]:
        return [attrs[name] for each, attrs in self.elements if each == tag and name in attrs]


def page(profile: Profile | None = None, details: Details | None = None) -> Page:
    details = details or Details(ceilings=CEILINGS)
    return Page(render(profile or kernel_profile(), "html", RenderOptions(details=details)))


def hostile_profile() -> Profile:
    """A profile whose every text that comes from the ELF tries to break out."""
    profile = kernel_profile()
    site = ObjectSite(0x100, HOSTILE, HOSTILE, 3, 5, 0, 2, 7)
    return replace(
        profile,
        elf=replace(profile.elf, name=HOSTILE, compiler=HOSTILE, build_id=HOSTILE),
        cpu=replace(profile.cpu, title=HOSTILE, overrides=(HOSTILE,)),
        exit=Exit("fault", None, replace(FAULT, symbol=HOSTILE, kind=HOSTILE)),
        functions=tuple(replace(f, name=HOSTILE + f.name, file=HOSTILE) for f in profile.functions),
        ops=tuple(replace(op, name=HOSTILE, kind=HOSTILE) for op in profile.ops),
        objects=(ObjectCosts(HOSTILE, "symbol", HOSTILE, 0, 4, 5, 0, 20, 0, 2, 7, (site,)),),
        warnings=(HOSTILE,),
        lines=tuple(replace(line, file=HOSTILE) for line in profile.lines or ()),
        instructions=tuple(
            replace(row, text=HOSTILE, function=HOSTILE) for row in profile.instructions or ()
        ),
    )


# -- one file, no network ------------------------------------------------------------------------


def test_nothing_is_loaded_from_elsewhere() -> None:
    shown = page()
    for name in ("src", "srcset", "data", "poster", "action", "formaction"):
        assert not [value for tag, attrs in shown.elements if (value := attrs.get(name))], name
    assert all((href or "").startswith("#") for href in shown.attribute("a", "href"))
    assert not [tag for tag, _ in shown.elements if tag in ("link", "iframe", "object", "base")]
    style = shown.source[shown.source.index("<style>") : shown.source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_allows_no_network_and_only_these_scripts() -> None:
    shown = page()
    policy = next(
        attrs["content"] or ""
        for tag, attrs in shown.elements
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    scripts = re.search(r"script-src ([^;]*)", policy)
    assert scripts is not None
    digest = hashlib.sha256(shown.scripts[None].encode()).digest()
    assert scripts[1] == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert "unsafe-eval" not in policy
    assert not [attrs for _, attrs in shown.elements if any(k.startswith("on") for k in attrs)]


def test_other_formats_and_commands_import_nothing_of_the_page() -> None:
    """What draws pages takes longer to import than a small program to profile."""
    probe = (
        "import sys; from simcore.cli.main import main\n"
        "assert main(['profile', 'kernels/prebuilt/fully_connected_s8.elf']) == 0\n"
        "heavy = {'jinja2', 'markupsafe', 'numpy', 'scipy', 'matplotlib'}\n"
        "loaded = {name for name in sys.modules if name.startswith('simcore.report.html')}\n"
        "sys.exit(sorted(heavy & set(sys.modules) | loaded) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_same_profile_gives_the_same_bytes() -> None:
    assert page().source == page().source


def test_a_page_is_small() -> None:
    assert len(page().source.encode()) < 100_000


# -- escaping ------------------------------------------------------------------------------------


def test_hostile_names_stay_text() -> None:
    plain, hostile = page(), page(hostile_profile(), Details(ceilings=CEILINGS, output=HOSTILE))
    assert "img" not in {tag for tag, _ in hostile.elements}
    assert hostile.scripts[None] == plain.scripts[None]
    assert "49" not in hostile.source.split("<style>")[0]  # {{7*7}} was not worked out
    names = [row[0] for row in hostile.rows["functions"][1:]]
    assert all(name.startswith("</script></style><img") for name in names)
    names = json.loads(hostile.scripts["flame-data"])["names"]
    assert any(name.startswith(one_line(HOSTILE)) for name in names)
    assert not set("<>&") & set(hostile.scripts["flame-data"])


def test_what_a_program_prints_is_shown_without_its_control_characters() -> None:
    assert printable(b"a\tb\r\nc\x1b[31m\xff\x00") == "a\tb\nc\ufffd[31m\ufffd\ufffd"


# -- numbers -------------------------------------------------------------------------------------


def test_tables_hold_the_numbers_of_the_profile_and_keys_to_sort_them_by() -> None:
    shown, profile = page(), kernel_profile()
    causes = {row[0]: row[1:3] for row in shown.rows["causes"][1:]}
    assert causes["issue"] == ["627", "68.0 %"]
    assert causes["all"] == ["922", "100.0 %"]
    assert "sleep" not in causes
    functions = shown.rows["functions"]
    assert functions[0][:4] == [
        "function",
        "calls (exact)",
        "instructions (exact)",
        "cycles (modelled)",
    ]
    assert [row[0] for row in functions[1:]] == [row.name for row in profile.functions]
    assert functions[1][3] == f"{profile.functions[0].cycles_self:,}"
    (op,) = shown.rows["operations"][1:]
    assert op[:4] == ["conv1 conv2d", "2", "2,000", "800"]
    keys = [attrs["data-v"] for tag, attrs in shown.elements if tag == "td" and "data-v" in attrs]
    assert str(float(profile.functions[0].cycles_self)) in {str(float(k or 0)) for k in keys}


def test_every_column_that_sorts_has_a_button_and_one_says_how_it_is_sorted() -> None:
    shown = page()
    start = shown.source.index('id="functions"')
    head = shown.source[start : shown.source.index("</thead>", start)]
    assert head.count("<th ") == head.count("<button")
    assert head.count('aria-sort="descending"') == 1


def test_a_fault_is_told_with_its_call_stack() -> None:
    source = page(kernel_profile(end=Exit("fault", None, FAULT))).source
    assert "The program stopped with a fault: read of unmapped memory" in source
    assert "0x08000210 main+0x10" in source


def test_placement_and_layout_are_told_when_there_are_any() -> None:
    profile = replace(
        kernel_profile(),
        placement=(PlacedItem("weights", "object", "flash", "dtcm", 0x800_0000, 0x2000_0000, 64),),
        layout=LayoutBand((-2, 0, 2), (930, 922, 925), 922, 925, 930),
    )
    rows = page(profile).rows
    assert rows["placement-table"][1] == [
        *("weights", "object", "flash", "dtcm", "0x20000000", "64 B"),
    ]
    assert rows["layout-table"][1:] == [
        ["-2 B", "930", "+5"],
        ["0 B", "922", "-3"],
        ["2 B", "925", "0"],
    ]


def test_parts_without_content_are_left_out() -> None:
    profile = kernel_profile()
    bare = replace(profile, ops=(), objects=(), memory=(), warnings=(), lines=None,
                   instructions=None, call_tree=(), functions=())  # fmt: skip
    shown = page(bare, Details())
    ids = {attrs.get("id") for _, attrs in shown.elements}
    assert not ids & {"ops", "roof", "memory", "warnings", "hot", "lines-section"}
    assert "summary" in ids
    links = {(href or "")[1:] for href in shown.attribute("a", "href")}
    assert links <= ids


# -- flame graph ---------------------------------------------------------------------------------


def totals_of(data: dict[str, Any]) -> list[int]:
    """calls, own cycles, own fJ, all cycles, all fJ of the root."""
    root: list[int] = data["nodes"][0]
    return root[2:]


def test_the_flame_graph_adds_up_to_the_run() -> None:
    profile = kernel_profile()
    data = flame_data(profile)
    assert totals_of(data)[3] == profile.totals.cycles
    assert totals_of(data)[4] == round(profile.totals.energy_j * 1e15)
    own = [sum(node[3] for node in data["nodes"]), sum(node[4] for node in data["nodes"])]
    assert own == totals_of(data)[3:]
    assert [data["names"][n] for n in data["operations"]] == ["conv1"]
    for index, node in enumerate(data["nodes"]):
        assert node[0] < index


def test_calls_of_one_function_from_one_caller_are_one_frame() -> None:
    profile = kernel_profile()
    twice = replace(
        profile,
        call_tree=(
            profile.call_tree[0],
            *(replace(profile.call_tree[1], parent=0, call_site=site) for site in (0x100, 0x200)),
        ),
    )
    frames = merged_frames([twice])
    assert [frame.calls for frame in frames[-1:]] == [[2 * profile.call_tree[1].calls]]
    assert len(frames) == 3  # everything, main, fib


def test_a_tree_of_too_many_frames_keeps_the_widest_and_stays_a_tree() -> None:
    profile = kernel_profile()
    leaf = replace(profile.call_tree[-1], parent=0, cycles=0, energy_j=0.0)
    names = tuple(
        replace(profile.functions[0], name=f"f{number}") for number in range(2 * MOST_FRAMES)
    )
    many = replace(
        profile,
        functions=(*profile.functions, *names),
        call_tree=(
            *profile.call_tree,
            *(replace(leaf, function=len(profile.functions) + n) for n in range(len(names))),
        ),
    )
    data = flame_data(many)
    assert len(data["nodes"]) == MOST_FRAMES
    assert data["left_out"] > MOST_FRAMES - 10
    assert totals_of(data)[3] == profile.totals.cycles
    assert {"conv1", "dot"} <= set(data["names"])


def test_a_call_chain_of_any_depth_is_drawn() -> None:
    profile = kernel_profile()
    node = replace(profile.call_tree[0], cycles=1)
    chain = tuple(replace(node, parent=None if n == 0 else n - 1) for n in range(3000))
    data = flame_data(replace(profile, call_tree=chain))
    assert totals_of(data)[3] == 3000


def test_a_frame_is_as_hot_as_what_it_calls() -> None:
    """dot: 100 of 600 cycles are no issue; conv1 holds conv, 130 of 200, and dot."""
    profile = kernel_profile()
    data = flame_data(profile)
    heat = {
        data["names"][node[1]]: h for node, h in zip(data["nodes"], data["stalls"], strict=True)
    }
    assert heat["dot"] == pytest.approx(100 / 600, abs=1e-3)
    assert heat["conv1"] == pytest.approx(230 / 800, abs=1e-3)
    issue = profile.totals.cycles_by_cause["issue"]
    assert heat["all"] == pytest.approx(1 - issue / profile.totals.cycles, abs=1e-3)


@pytest.mark.parametrize("change", [{"parent": 7}, {"parent": -1}, {"function": 99}, {"op": 3}])
def test_a_call_tree_that_is_no_tree_is_refused(change: dict[str, int]) -> None:
    profile = kernel_profile()
    broken = (*profile.call_tree[:-1], replace(profile.call_tree[-1], **change))
    name, value = next(iter(change.items()))
    place = rf"call_tree\[{len(broken) - 1}\]\.{name}"
    with pytest.raises(ConfigError, match=rf"corrupt profile: '{place}' is {value}"):
        merged_frames([replace(profile, call_tree=broken)])
