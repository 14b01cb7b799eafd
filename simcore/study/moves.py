"""Placements as moves for the timing side: one execution, timed as if it lay elsewhere.

The runner executes with weights in flash, activations at the start of its SRAM arena, scratch in
DTCM and code in flash. What a placement wants elsewhere is timed elsewhere, where the runner itself
or a linker would have put it.
"""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath

from simcore.cpu_model import CpuModel
from simcore.elf import Function, Image
from simcore.errors import ConfigError
from simcore.run.setup import Move
from simcore.study.grid import Case, GridPlacement
from simcore.study.operators import read_arguments, split
from simcore.study.tensors import Tensors, lines, tensors_of

KERNELS = PurePosixPath("kernels/src")  # where the runner's sources of kernels are
_LIBRARY = ("memcpy", "memset")  # that kernels call
_FORMATS = ("s8", "s16", "f32")
_NULL_BYTES = 8  # of ITCM, so that no function has the null pointer's address


def moves_of(
    image: Image, model: CpuModel, case: Case, placement: GridPlacement
) -> tuple[Move, ...] | None:
    """The moves of a placement, sorted; None when the part has no room for it."""
    tensors = tensors_of(case.operation.kernel, read_arguments(case.shape))
    places = _tensor_moves(image, model, case, placement, tensors)
    if places is None:
        return None
    if placement.code == "itcm":
        code = _code_moves(image, model, case)
        if code is None:
            return None
        places += code
    return tuple(sorted(places))


def leaves_room(image: Image, moves: tuple[Move, ...], scratch_bytes: int) -> bool:
    """Whether what was moved keeps off the scratch buffer at the start of DTCM."""
    start = lines(_address(image, "__dtcm_end"))
    scratch = range(start, start + scratch_bytes)
    return not any(scratch.start < move.to + move.size and move.to < scratch.stop for move in moves)


def _tensor_moves(
    image: Image, model: CpuModel, case: Case, placement: GridPlacement, tensors: Tensors
) -> list[Move] | None:
    """DTCM fills from below its stack downwards, so that scratch keeps its place at the start."""
    sram, dtcm = lines(_address(image, "__bss_end")), lines(_address(image, "__dtcm_end"))
    top = (_address(image, "__stack_top") - _address(image, "__stack_size")) // 32 * 32
    moves = []
    behind = sram + tensors.activations
    if placement.activations == "dtcm":
        top -= tensors.activations
        moves.append(Move(sram, tensors.activations, top))
        behind = sram
    if tensors.weights and placement.weights != "flash":
        symbol = "flash_weights_f32" if case.operation.kernel.endswith("f32") else "flash_weights"
        size = lines(tensors.weights)
        to = behind
        if placement.weights == "dtcm":
            top -= size
            to = top
        else:
            region = model.region_at(to)
            if region is None or to + size > min(region.end, _address(image, "__arena_end")):
                return None
        moves.append(Move(_address(image, symbol), size, to))
    return None if top < dtcm else moves


def _code_moves(image: Image, model: CpuModel, case: Case) -> list[Move] | None:
    """Every function of the kernel, and of those like it, one behind the other in ITCM."""
    itcm = next((region for region in model.regions if region.kind == "itcm"), None)
    if itcm is None:
        return None
    moves, at = [], itcm.base + _NULL_BYTES
    for function in image.functions:
        if _belongs(image, function, case):
            at += (function.start - at) % 8  # the same place in a fetch group
            moves.append(Move(function.start, function.end - function.start, at))
            at += function.end - function.start
    return moves if at <= itcm.end else None


def _belongs(image: Image, function: Function, case: Case) -> bool:
    """Whether the code is of the case's variant and number format, or of the library."""
    if function.name in _LIBRARY:
        return True
    file = _kernel_files(image).get(function.start)
    if file is None:
        return False
    if case.variant == "plain":  # a file may hold both variants and what they share
        return file in _files_with_plain(image)
    number_format = split(file)[1]
    wanted = split(case.operation.kernel)[1]
    return not file.endswith("_plain") and (
        number_format == wanted or number_format not in _FORMATS
    )


@cache
def _kernel_files(image: Image) -> dict[int, str]:
    """Start of each function that begins in a source file of the kernels, with the file's name."""
    files = {}
    for function in image.functions:
        line = image.line_at(function.start)
        if line is not None and PurePosixPath(line[0]).parent == KERNELS:
            files[function.start] = PurePosixPath(line[0]).stem
    return files


@cache
def _files_with_plain(image: Image) -> frozenset[str]:
    """The files that hold plain variants."""
    files = _kernel_files(image)
    plain = (function for function in image.functions if function.name.endswith("_plain"))
    return frozenset(files[function.start] for function in plain if function.start in files)


def _address(image: Image, name: str) -> int:
    symbol = image.symbol(name)
    if symbol is None:
        raise ConfigError(f"{image.path}: it has no symbol '{name}', so it is no runner of studies")
    return symbol.address
