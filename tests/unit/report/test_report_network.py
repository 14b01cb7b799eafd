"""Figures of a network: layers as wide as they cost, tensors where and while they are alive."""

from __future__ import annotations

import json
from dataclasses import replace

from simcore.core.arenas import TensorArena
from simcore.costs.network import (
    ArenaMemory,
    ArenaTensor,
    NetworkCosts,
    NetworkLayer,
    Verification,
)
from simcore.costs.profile import Profile
from simcore.costs.tables import ObjectCosts, ObjectPart
from simcore.report import RenderOptions
from simcore.report.arenas import arena_rows
from simcore.report.html.network import network_figure
from simcore.report.profile import parts, render
from simcore.study.measured import measured_table
from tests.unit.handmade import kernel_profile


def network_profile() -> Profile:
    """Two inferences of layers of 300 and 100 cycles, 1 and 3 pJ; a third one never ran."""
    profile = kernel_profile()
    (op,) = profile.ops
    ops = (
        replace(op, name="#0 CONV_2D t", cycles=300, energy_j=1e-12, invocations=1),
        replace(op, name="#1 <b>ADD", cycles=100, energy_j=3e-12, invocations=1),
    )
    first = NetworkLayer(
        0, "CONV_2D", "conv_2d_0", "</div>", "int8", (1, 4), (1, 8), "op_conv2d_s8", True, 32, 10,
        12, False, 0, None,
    )  # fmt: skip
    second = replace(first, number=1, operator="ADD", layer="add_1", activation_bytes=16, op=1)
    never = replace(second, number=2, op=None, activation_bytes=8)
    tensors = (
        ArenaTensor("input", "in", "sram1", 0, 4, 0, 0, None),
        ArenaTensor("conv_2d_0.output", "t", "sram1", 8, 8, 0, 1, None),
        ArenaTensor("add_1.output", "out", "sram1", 8, 8, 1, 2, "conv_2d_0.output"),
    )
    memory = ArenaMemory("sram1", 100, 16, "greedy by size", 1, 16, ("conv_2d_0.output",), 12)
    network = NetworkCosts(
        "0" * 64, "ours", 1, "random", (first, second, never), ("flash",), 10, 0, 0, 24, (memory,),
        tensors,
    )  # fmt: skip
    return replace(profile, ops=ops, network=network)


def test_published_times_of_the_same_file_and_part_stand_beside_its_own() -> None:
    """Those of docs/sources/silicon.md 4; the layers take 4 pJ."""
    profile = network_profile()
    assert profile.network is not None
    (sha256,) = (key for key, name in measured_table()["files"].items() if name == "autoencoder")
    known = replace(profile, network=replace(profile.network, sha256=sha256))
    text = render(replace(known, cpu=replace(profile.cpu, name="stm32h7a3")), "text")
    table = text[text.index("Published") :].splitlines()
    assert table[2].split() == ["this", "run", "100", "MHz", *table[2].split()[4:6], "4.00", "pJ"]
    assert table[3].split() == ["X-CUBE-AI", "7.1.0", "280", "MHz", "2.28", "ms", "349", "uJ"]
    assert "Published" not in render(replace(known, cpu=profile.cpu), "text")
    assert "Published" not in render(profile, "text")


def test_several_parts_say_once_that_outputs_are_equal_or_each_what_differs() -> None:
    profile = network_profile()
    assert profile.network is not None
    equal = Verification("tflite-micro 1", 8, 0, 0, 0)
    first, other = (
        replace(profile, network=replace(profile.network, verification=found))
        for found in (equal, replace(equal, differing=2, largest_difference=3))
    )
    text = parts.render([first, first], "text", RenderOptions(width=200))
    assert text.count("Outputs equal those of tflite-micro 1 (8 values).") == 1
    name = profile.cpu.name
    text = parts.render([first, other], "text", RenderOptions(width=200))
    assert f"{name}: Outputs equal those of" in text
    assert f"{name}: Outputs differ from those of tflite-micro 1: 2 of 8 values, by up to 3" in text
    assert "Outputs" not in parts.render([profile, profile], "text", RenderOptions())


def test_layers_are_as_wide_as_they_cost() -> None:
    figure = network_figure(network_profile())
    assert figure is not None
    assert [box.spans["cycles"] for box in figure.layers] == [(0, 75), (75, 25)]
    assert [box.spans["energy"] for box in figure.layers] == [(0, 25), (25, 75)]
    assert [box.spans["layers"] for box in figure.layers] == [(0, 50), (50, 50)]
    assert figure.kinds == [("CONV_2D", "k-0", "75.0 %"), ("ADD", "k-1", "25.0 %")]
    assert [(box.high, box.color) for box in figure.alive] == [(75, ""), (100, "peak")]
    assert (figure.peak, figure.peak_text) == ("16 B", "#1 ADD")


def test_tensors_stand_at_their_addresses_while_they_are_alive() -> None:
    figure = network_figure(network_profile())
    assert figure is not None
    (memory,) = figure.maps
    assert memory.height == 180
    found = [(box.name, box.low, box.high, box.spans["cycles"], box.color) for box in memory.boxes]
    assert found == [
        ("input", 0, 25, (0, 75), ""),
        ("conv_2d_0.output", 50, 100, (0, 100), ""),
        ("add_1.output", 50, 100, (75, 25), "shared"),
    ]


def test_the_page_has_the_figure_and_no_markup_of_a_network_file() -> None:
    page = render(network_profile(), "html")
    assert 'id="network-figure"' in page
    assert page.count('class="box ') == 2 + 2 + 3
    assert "&lt;/div&gt;" in page
    assert "<b>ADD" not in page
    assert 'id="network-figure"' not in render(kernel_profile(), "html")


def test_a_trace_has_tensors_over_the_time_of_their_layers() -> None:
    """The operation of the call tree's node 4 ran from cycle 100 to 300 at 100 MHz: 1 to 3 us."""
    document = json.loads(render(network_profile(), "trace"))
    events = [event for event in document["traceEvents"] if event["pid"] == 2]
    alive = [(e["ts"], e["args"]["B"]) for e in events if e["ph"] == "C"]
    assert alive == [(1, 12), (3, 0)]
    spans = [(e["name"], e["ph"], e["ts"]) for e in events if e["ph"] in "be"]
    assert spans == [
        ("input", "b", 1), ("input", "e", 3),
        ("conv_2d_0.output", "b", 1), ("conv_2d_0.output", "e", 3),
    ]  # fmt: skip


def test_a_network_that_did_not_run_has_no_figure() -> None:
    profile = network_profile()
    assert profile.network is not None
    none = tuple(replace(layer, op=None) for layer in profile.network.layers)
    assert network_figure(replace(profile, network=replace(profile.network, layers=none))) is None


def test_the_summary_goes_by_the_macs_of_the_layers() -> None:
    """Two layers of 32 and 3 MACs; what kernels multiply beside is told apart."""
    profile = network_profile()
    conv, add = profile.ops
    profile = replace(profile, ops=(replace(conv, macs=32), replace(add, macs=3)))
    totals = replace(profile.totals, macs=50, cycles=350, energy_j=7e-9)
    text = render(replace(profile, totals=totals), "text")
    summary = text[text.index("Summary") : text.index("Cycles by cause")].splitlines()
    rows = [line.split() for line in summary if "MAC" in line]
    assert rows == [
        ["MACs", "35", "exact,", "of", "its", "layers"],
        ["MACs", "counted", "50", "exact"],
        ["cycles", "per", "MAC", "10.00", "modelled"],
        ["energy", "per", "MAC", "200", "pJ", "estimated"],
    ]
    counted = render(replace(profile, totals=totals, network=None), "text")
    assert "MACs counted" not in counted


def test_models_that_share_an_arena_have_what_stays_of_their_own() -> None:
    """Two interpreters in the same 100 bytes, of which 30 and 10 stay at the end."""
    profile = kernel_profile()
    stays = [ObjectPart("(persistent)", "persistent", at, 100 - at, *(1,) * 6) for at in (70, 90)]
    rests = [ObjectPart("(scratch)", "scratch", 0, size, *(2,) * 6) for size in (70, 90)]
    parts = (*stays, *rests)
    row = ObjectCosts("arena", "arena", "sram1", 0, 100, *(6,) * 6, (), parts=parts)
    profile = replace(profile, objects=(row,))
    for size in (30, 10):
        arena = TensorArena("model", 0, "arena", 0, 100, 20, size, ())
        rows = arena_rows(profile, arena)
        assert sorted(one.size for one in rows) == [size, 100 - size]
