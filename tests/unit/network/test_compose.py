"""A network and the runner as one ELF: other tools read it, and everything in it has its name."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from simcore.cpu_model import load_cpu_model
from simcore.elf import ProgramFiles, image_of_files
from simcore.errors import NetworkError
from simcore.network.activations import ArenaRoom, beside, plan_arena
from simcore.network.compose import Composed, compose
from simcore.network.graph import Model
from simcore.network.layout import rooms_of
from simcore.network.runners import NETWORKS, runner_for
from simcore.network.steps import Lowered, lowered
from tests.networks.building import Net
from tests.tools import run_tool

PART = load_cpu_model("stm32f746")


def two_layers() -> Model:
    """A fully connected layer, and a RELU that may work in place."""
    net = Net(np.random.default_rng(5))
    given = net.input((1, 24), "int8", 0.5, 3)
    weights = net.constant(net.weights((8, 24), "int8"), 0.01)
    bias = net.constant(np.arange(8, dtype=np.int32), 0.005)
    sums = net.tensor((1, 8), "int8", 0.7, -2)
    net.add("FULLY_CONNECTED", (given, weights, bias), (sums,))
    out = net.tensor((1, 8), "int8", 0.7, -2)
    net.add("RELU", (sums,), (out,))
    return net.model(out)


def composed(network: Lowered, inferences: int = 1) -> Composed:
    runner = runner_for(PART, NETWORKS)
    rooms = rooms_of(PART, runner)
    given = [[bytes(24)]] * min(inferences, 2)
    plan = plan_arena(network, rooms.memories)
    pair = runner, Path(runner.path).read_bytes()
    return compose(network, plan, pair, PART, rooms, given, inferences)


def test_pyelftools_reads_sections_segments_and_symbols() -> None:
    network = lowered(two_layers())
    elf = ELFFile(io.BytesIO(composed(network).elf))
    names = [section.name for section in elf.iter_sections()]
    assert {".weights", ".network", ".arena.sram1", ".input"} <= set(names)
    table = elf.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    symbols = {symbol.name: symbol for symbol in table.iter_symbols()}
    for name, size in (("weights", 8 * 24), ("bias", 8 * 4)):
        symbol = symbols[f"fully_connected_0.{name}"]
        assert symbol["st_size"] == size
        section = elf.get_section(symbol["st_shndx"])
        start = symbol["st_value"] - section["sh_addr"]
        tensor = network.model.main.tensors[{"weights": 1, "bias": 2}[name]]
        assert section.data()[start : start + size] == tensor.data
    loads = list(elf.iter_segments("PT_LOAD"))
    assert sum(row["p_filesz"] for row in loads) < len(composed(network).elf)


def test_binutils_reads_it_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "network.elf"
    path.write_bytes(composed(lowered(two_layers()), inferences=3).elf)
    told = run_tool(["arm-none-eabi-readelf", "-a", "-W", path], "binutils-arm-none-eabi")
    assert "fully_connected_0.weights" in told
    run_tool(["arm-none-eabi-objdump", "-h", "-t", path], "binutils-arm-none-eabi")


def test_our_own_reader_finds_the_objects_where_the_plan_has_them() -> None:
    network = lowered(two_layers())
    made = composed(network)
    image = image_of_files(ProgramFiles("network.tflite", made.elf))
    weights = image.symbol("fully_connected_0.weights")
    assert weights is not None
    assert image.object_at(weights.address) == weights
    assert image.read(weights.address, weights.size) == network.model.main.tensors[1].data
    assert made.first == ("#0 FULLY_CONNECTED t3", "#1 RELU t4")
    assert image.warnings == ()


def test_a_layer_that_may_overwrites_its_input() -> None:
    plan = plan_arena(lowered(two_layers()), [ArenaRoom("sram1", 0, 1 << 20)])
    assert plan.places[0, 4].shares == (0, 3)
    assert plan.places[0, 4].offset == plan.places[0, 3].offset
    assert plan.alive == (24 + 8, 8)
    assert plan.used == {"sram1": 32 + 8}  # tensors begin at multiples of 16


def test_the_first_memory_takes_what_is_used_most_for_each_byte() -> None:
    network = lowered(two_layers())
    # Scratch of the layers is there, too; 16 bytes are left for the 8 that both layers use.
    dtcm = ArenaRoom("dtcm", 0, beside(network) + 16)
    plan = plan_arena(network, [dtcm, ArenaRoom("sram", 1 << 20, 1 << 20)])
    places = {key[1]: place.memory for key, place in plan.places.items()}
    assert places == {0: "sram", 3: "dtcm", 4: "dtcm"}


def test_too_little_flash_is_told_with_numbers() -> None:
    network = lowered(two_layers())
    runner = runner_for(PART, NETWORKS)
    rooms = rooms_of(PART, runner)
    small = replace(rooms, flash=replace(rooms.flash, size=128))
    plan = plan_arena(network, rooms.memories)
    pair = runner, Path(runner.path).read_bytes()
    with pytest.raises(NetworkError) as caught:
        compose(network, plan, pair, PART, small, [[bytes(24)]])
    assert "of flash, flash of stm32f746 has" in str(caught.value)
    assert "largest: fully_connected_0.weights 192 B" in str(caught.value)
