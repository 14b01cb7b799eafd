"""What to move of a network, as text for the sources that `mcusim export` writes of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.elf import Image, image_of_files
from simcore.errors import ConfigError
from simcore.linking import Build, attributes_text, linker_fragment
from simcore.network.steps import lowered
from simcore.placement import place, program_memory
from simcore.placement.pieces import Piece, all_pieces
from simcore.run.spec import RunSpec
from simcore.simulation.networks import composed_program, network_program
from simcore.study.layers import load_networks
from tests.networks.writer import write

PART = "stm32f746"


@cache
def image() -> Image:
    """ResNet-8 of the study, whose arena has two parts."""
    network = next(one for one in load_networks() if one.name == "resnet-8")
    spec = RunSpec(elf="resnet-8", cpu=PART)
    return image_of_files(composed_program(spec, "resnet-8", lowered(network.lowered.model))[0])


def pieces(*names: str) -> list[tuple[Piece, str]]:
    found = {piece.name: piece for piece in all_pieces(image())}
    return [(found[name], "dtcm") for name in names]


def arena() -> list[str]:
    """Objects of computed tensors."""
    return [
        piece.name
        for piece in all_pieces(image())
        if not piece.is_code
        and (section := image().section_at(piece.address)) is not None
        and section.name.startswith(".arena.")
        and piece.name != "scratch"
    ]


def text(moved: list[tuple[Piece, str]]) -> str:
    setup = RunSpec(elf="resnet-8", cpu=PART).setup(image=image())
    program = program_memory(image(), setup.model)
    return linker_fragment(image(), setup, program, moved, Build()).text


def test_arrays_have_the_names_of_the_export() -> None:
    moved = pieces("conv_2d_0.weights", "scratch", "conv2d_s8", *arena())
    script = text(moved)
    assert "*(.rodata.conv_2d_0_weights)\n" in script
    assert "*(.bss.scratch)\n" in script
    assert "*(.text.conv2d_s8)\n" in script
    assert script.count("*(.bss.arena)") == 1
    assert ".weights" not in script.replace("_weights", "")
    said = attributes_text(image(), moved)
    assert 'conv_2d_0_weights: __attribute__((section(".mcusim_dtcm.const")))' in said


def test_a_part_of_the_arena_is_moved_by_no_linker() -> None:
    first, *others = arena()
    assert others
    script = text(pieces(first, "network.calls"))
    assert "*(.bss" not in script
    assert f"/* {first}, " in script
    assert "--arena" in script
    assert "/* network.calls: " in script
    split = [*pieces(first), *((one, "itcm") for one, _ in pieces(*others))]
    assert "*(.bss" not in text(split)


def test_a_computed_tensor_alone_has_no_place_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"share memory over time: place 'arena', or spread"):
        place(image(), load_cpu_model(PART), ("conv_2d_0.output=dtcm",))


def test_a_file_is_composed_as_its_network(tmp_path: Path) -> None:
    network = next(one for one in load_networks() if one.name == "resnet-8")
    file = tmp_path / "mine.tflite"
    file.write_bytes(write(network.lowered.model))
    files, _, _ = network_program(RunSpec(elf=str(file), cpu=PART))
    assert image_of_files(files).segments == image().segments
