"""The roofline of the HTML report: where points, ceilings and ticks stand, and which names do."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcore.costs.profile import Profile
from simcore.pipeline.ceilings import CORE, Ceilings
from simcore.report.html.roofline import (
    DOT,
    HEIGHT,
    LETTER,
    LINE,
    MOST_POINTS,
    NAME_LENGTH,
    NARROWEST,
    Roofline,
    labels_with_room,
    roofline,
    roofline_points,
)
from tests.unit.handmade import kernel_profile
from tests.unit.report.test_report_html import CEILINGS, ROOT, Page, hostile_profile, page

RIGHT = 2 * 2000 / 252  # of the plot: twice the MACs per byte of conv1, right of all ceilings' ends


def drawn(profile: Profile | None = None, ceilings: Ceilings = CEILINGS) -> Roofline:
    figure = roofline(profile or kernel_profile(), ceilings)
    assert figure is not None
    return figure


def across(value: float) -> float:
    """From 0.05 MAC/B, as every point is right of 0.1."""
    return 100 * log10(value / 0.05) / log10(RIGHT / 0.05)


def up(value: float, low: float = 0.1, high: float = 3.0) -> float:
    """From 0.1, the flash's 2 B/cycle at 0.05 MAC/B, to one and a half times the peak of 2."""
    return 100 - 100 * log10(value / low) / log10(high / low)


def with_ops(names: list[str], **same: object) -> Profile:
    profile = kernel_profile()
    (op,) = profile.ops
    ops = tuple(replace(op, name=name, **same) for name in names)  # type: ignore[arg-type]
    return replace(profile, ops=ops)


# -- positions -----------------------------------------------------------------------------------


def test_a_point_is_macs_over_the_bytes_of_loads_and_stores_and_over_cycles() -> None:
    """conv1: 2,000 declared MACs in 800 cycles, 240 B from flash and 12 B from ITCM."""
    whole, conv1 = roofline_points(kernel_profile())
    assert (whole.name, conv1.name) == ("whole run", "conv1")
    assert (whole.whole, conv1.whole) == (True, False)
    assert conv1[1:3] == pytest.approx([2000 / 252, 2.5])
    assert whole[1:3] == pytest.approx([2000 / 252, 2000 / 922])


def test_points_stand_at_the_logarithms_of_their_numbers() -> None:
    whole, conv1 = drawn().points
    assert (whole.x, whole.y) == pytest.approx((across(2000 / 252), up(2000 / 922)))
    assert (conv1.x, conv1.y) == pytest.approx((across(2000 / 252), up(2.5)))


def test_ceilings_rise_with_the_bytes_to_the_peak_and_are_flat_from_there() -> None:
    """8, 4 and 2 B/cycle, then 2 and 1 MAC/cycle."""
    roofs = {roof.hint: (roof.x1, roof.y1, roof.x2, roof.y2) for roof in drawn().roofs}
    assert list(roofs) == [
        "TCM and cache hits, 8.00 B/cycle",
        "itcm, 4.00 B/cycle",
        "flash, 2.00 B/cycle",
        "SMLAD, 16-bit, 2.00 MAC/cycle",
        "VFMA.F32, 1.00 MAC/cycle",
    ]
    core, itcm, flash, smlad, vfma = roofs.values()
    assert core == pytest.approx((0, up(0.05 * 8), across(2 / 8), up(2)))
    assert itcm == pytest.approx((0, up(0.05 * 4), across(2 / 4), up(2)))
    assert flash == pytest.approx((0, up(0.05 * 2), across(2 / 2), up(2)))
    assert smlad == pytest.approx((across(2 / 8), up(2), 100, up(2)))
    assert vfma == pytest.approx((across(1 / 8), up(1), 100, up(1)))


def test_ticks_are_round_numbers_of_every_decade() -> None:
    figure = drawn()
    assert [tick.text for tick in figure.across] == [
        *("0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10"),
    ]
    assert [tick.text for tick in figure.across if not tick.minor] == ["0.1", "1", "10"]
    assert [tick.at for tick in figure.across] == pytest.approx(
        [across(float(tick.text)) for tick in figure.across]
    )
    assert [tick.text for tick in figure.up] == ["0.1", "0.2", "0.5", "1", "2"]
    assert [tick.at for tick in figure.up] == pytest.approx(
        [up(0.1 * n) for n in (1, 2, 5, 10, 20)]
    )


def test_an_axis_of_many_decades_has_ticks_at_powers_of_ten_only() -> None:
    figure = drawn(with_ops(["rare"], macs=1, cycles=1_000_000))
    texts = [tick.text for tick in figure.up]
    assert texts == ["1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1", "1"]


def test_regions_of_one_rate_share_a_line() -> None:
    same = Ceilings({"SMLAD": 2.0}, {CORE: 8.0, "itcm": 2.0, "flash": 2.0})
    hints = [roof.hint for roof in drawn(ceilings=same).roofs]
    assert hints[1] in ("itcm, flash, 2.00 B/cycle", "flash, itcm, 2.00 B/cycle")
    assert len(hints) == 3


def test_only_the_costliest_operations_are_drawn() -> None:
    names = [f"op{number}" for number in range(100)]
    points = drawn(with_ops(names)).points
    assert len(points) == MOST_POINTS
    assert points[0].whole
    assert not any(point.whole for point in points[1:])


positive = st.floats(1e-6, 1e6)


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)), min_size=1, max_size=5),
    st.lists(positive, min_size=1, max_size=3),
    st.lists(positive, min_size=2, max_size=2),
)
def test_everything_is_inside_the_plot(
    costs: list[tuple[int, int]], rates: list[float], widths: list[float]
) -> None:
    profile = kernel_profile()
    (op,) = profile.ops
    ops = tuple(replace(op, macs=macs, cycles=cycles) for macs, cycles in costs)
    ceilings = Ceilings(
        {f"mac{n}": rate for n, rate in enumerate(rates)},
        dict(zip((CORE, "flash"), widths, strict=True)),
    )
    figure = drawn(replace(profile, ops=ops), ceilings)
    places = [value for point in figure.points for value in (point.x, point.y)]
    places += [tick.at for tick in (*figure.across, *figure.up)]
    places += [value for r in figure.roofs for value in (r.x1, r.y1, r.x2, r.y2)]
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)


def test_a_program_without_macs_has_no_roofline() -> None:
    profile = kernel_profile()
    idle = replace(profile, ops=(), call_tree=(), totals=replace(profile.totals, macs=0))
    assert "roof" not in {attrs.get("id") for _, attrs in page(idle).elements}


# -- names ---------------------------------------------------------------------------------------


def boxes(points: list[tuple[str, float, float]], width: int) -> list[tuple[float, ...] | None]:
    """left, top, right, bottom of each name in px, as the browser places it."""
    found: list[tuple[float, ...] | None] = []
    for (name, x, y), place in zip(points, labels_with_room(points, width), strict=True):
        if place is None:
            found.append(None)
            continue
        anchor, dx, dy = place
        start = x / 100 * width + dx - (LETTER * len(name) if anchor == "end" else 0)
        bottom = y / 100 * HEIGHT + dy
        found.append((start, bottom - LINE, start + LETTER * len(name), bottom))
    return found


per_cent = st.floats(0, 100)


@given(
    st.lists(st.tuples(st.text("abc", max_size=NAME_LENGTH), per_cent, per_cent), max_size=12),
    st.sampled_from(sorted(NARROWEST.values())),
)
def test_names_leave_no_plot_and_cover_no_point_and_no_name(
    points: list[tuple[str, float, float]], width: int
) -> None:
    shown = [box for box in boxes(points, width) if box and box[0] < box[2]]
    dots = [
        (x - DOT, y - DOT, x + DOT, y + DOT)
        for x, y in ((x / 100 * width, y / 100 * HEIGHT) for _, x, y in points)
    ]
    for left, top, right, bottom in shown:
        assert 0 <= left <= right <= width
        assert 0 <= top <= bottom <= HEIGHT
    for a, b in [*combinations(shown, 2), *((name, dot) for name in shown for dot in dots)]:
        assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


def test_a_name_goes_to_the_other_side_before_it_goes_away() -> None:
    at_the_edge = [("somewhere", 98.0, 50.0)]
    assert labels_with_room(at_the_edge, 560) == [("end", -8, 14)]
    in_the_corner = [("somewhere", 98.0, 99.0)]
    assert labels_with_room(in_the_corner, 560) == [("end", -8, -7)]
    crowd = [(f"name{n}", 50.0, 50.0) for n in range(5)]
    assert [place is not None for place in labels_with_room(crowd, 560)] == [True] * 4 + [False]


def test_the_style_sheet_changes_the_layout_where_the_names_were_placed_for_it() -> None:
    style = (ROOT / "simcore/report/html/static/report.css").read_text(encoding="utf-8")
    assert re.search(r"@container \(max-width: (\d+)px\)", style)[1] == str(  # type: ignore[index]
        NARROWEST["roomy"] - 1
    )


# -- the page ------------------------------------------------------------------------------------


def titles(shown: Page) -> list[str]:
    figure = shown.source[shown.source.index('id="roofline"') :]
    return re.findall(r"<title>(.*?)</title>", figure[: figure.index("</figure>")])


def test_the_page_tells_every_point_and_ceiling_and_names_the_points() -> None:
    shown = page()
    assert titles(shown) == [
        *(roof.hint for roof in drawn().roofs),
        "whole run: 7.94 MAC/B, 2.17 MAC/cycle",
        "conv1: 7.94 MAC/B, 2.50 MAC/cycle",
    ]
    assert re.search(r'<text class="roomy"[^>]*>conv1</text>', shown.source)
    assert re.search(r'<text class="tight"[^>]*>conv1</text>', shown.source)
    stops = [attrs.get("tabindex") for tag, attrs in shown.elements if tag in ("g", "svg")]
    assert [stop for stop in stops if stop] == ["-1"] * 5 + ["0"] + ["-1"]


def test_the_table_of_ceilings_shows_the_colour_of_every_line() -> None:
    shown = page()
    table = shown.source[shown.source.index('id="ceilings"') :]
    found = re.findall(r'<i class="swatch ([\w-]+)">', table[: table.index("</table>")])
    lines = [
        attrs["class"]
        for tag, attrs in shown.elements
        if tag == "line" and "class" in attrs and attrs["class"] != "near"
    ]
    assert found[:2] == ["peak", "below-peak"]
    assert set(found) == set(lines)


def test_hostile_names_are_text_in_the_roofline() -> None:
    shown = page(hostile_profile())
    assert any(title.startswith("&lt;/script&gt;") for title in titles(shown))
    assert len(titles(shown)) == 7
    long = page(with_ops(["<img>" * 20]))
    (cut,) = set(re.findall(r'<text class="\w+"[^>]*>(&lt;[^<]*)</text>', long.source))
    assert cut == "&lt;img&gt;" * 4 + "&lt;im…"
    assert "img" not in {tag for tag, _ in long.elements}
