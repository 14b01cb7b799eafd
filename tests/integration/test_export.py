"""A network as C sources: what they cost and compute on a board is what its profile says."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.cli.main import main
from simcore.elf import load_image
from simcore.errors import ExitCode
from simcore.network.graph import Model
from simcore.profiler import profile
from tests.networks.examples_networks import residual, streaming
from tests.networks.writer import write
from tests.tools import run_tool

CHECKOUT = Path(__file__).resolve().parents[2]
STARTUP = CHECKOUT / "kernels" / "startup"


def compiler_flags(folder: Path) -> list[str]:
    """The options that the CMake file gives to files of the network."""
    (line,) = (
        one for one in (folder / "CMakeLists.txt").read_text().splitlines() if "-O2 -ff" in one
    )
    return line.strip(" )").split()[1:]


def built(folder: Path, arm_gcc: Callable[..., Path], *options: str) -> Path:
    """main.c and the network under the start-up code of the prebuilt runners."""
    return arm_gcc(
        folder / "example.elf",
        [
            *compiler_flags(folder), "-Wall", "-Wextra", "-Werror", *options,
            "-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections",
            f"-I{STARTUP}", f"-I{folder}", f"-I{folder}/kernels", f"-L{STARTUP}", "-Tstm32f746.ld",
            *sorted(folder.glob("*.c")), *sorted(folder.glob("kernels/*.c")),
            STARTUP / "startup.c", STARTUP / "semihost.c", "-lm",
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "options"),
    [(residual("int8"), ()), (streaming("int8"), ("--arena", "dtcm"))],
    ids=["residual", "variables and set-up, in DTCM"],
)
def test_the_exported_sources_cost_what_the_profile_says(
    model: Model, options: tuple[str, ...], arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    network, outputs, folder = (tmp_path / name for name in ("net.tflite", "out.bin", "sources"))
    network.write_bytes(write(model))
    arena = options[1:]
    timed = profile(network, outputs=str(outputs), arena=arena)
    told = ["export", str(network), "-o", str(folder), "--expect", str(outputs), *options]
    assert main(told) == ExitCode.OK
    elf = built(folder, arm_gcc, '-DNETWORK_SECTION_DTCM=".dtcm.network"')
    if arena:
        (scratch,) = (one for one in load_image(str(elf)).symbols if one.name == "scratch")
        assert 0x20000000 <= scratch.address < 0x20010000
    built_one = profile(elf)
    assert built_one.exit.status is ExitCode.OK  # main.c compares the outputs
    cycles, real = (
        {op.name: op.cycles for op in one.ops if op.name.startswith("#")}
        for one in (timed, built_one)
    )
    assert list(cycles) == list(real)
    # The first touch of flash and cache lines is another where things lie otherwise.
    assert sum(real.values()) == pytest.approx(sum(cycles.values()), rel=0.01, abs=200)


def test_flags_are_those_of_the_prebuilt_runners(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    network, folder = tmp_path / "net.tflite", tmp_path / "sources"
    network.write_bytes(write(residual("int8")))
    assert main(["export", str(network), "-o", str(folder)]) == ExitCode.OK
    common = tomllib.loads((CHECKOUT / "kernels" / "programs.toml").read_text())["common"]
    flags = [f for f in common["flags"] if not f.startswith(("-W", "-I")) and f != "-g"]
    assert compiler_flags(folder) == flags
    assert f'"{";".join(common["target"])}"' in (folder / "CMakeLists.txt").read_text()
    # Without markers the layers have none.
    no_markers = ["-DNETWORK_MARKERS=0", f"-I{folder}/kernels", "-Wall", "-Werror", "-c"]
    compiled = arm_gcc(tmp_path / "network.o", [*flags, *no_markers, folder / "network.c"])
    symbols = run_tool(["arm-none-eabi-nm", compiled], "binutils-arm-none-eabi")
    assert "compound_literal" in symbols  # buffers and parameters
    assert "mcusim_op" not in symbols
    assert (folder / "LICENSE").read_text() == (CHECKOUT / "LICENSE").read_text()


def test_a_folder_is_kept_or_written_whole(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network, folder = tmp_path / "net.tflite", tmp_path / "sources"
    network.write_bytes(write(residual("int8")))
    folder.mkdir()
    (folder / "mine.c").write_text("int mine;\n")
    command = ["export", str(network), "-o", str(folder)]
    assert main(command) == ExitCode.USAGE
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["mine.c"]
    assert main([*command, "--force"]) == ExitCode.OK
    assert (folder / "mine.c").read_text() == "int mine;\n"
    before = (folder / "network.c").read_text()
    assert main([*command, "--force"]) == ExitCode.OK
    assert (folder / "network.c").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.tflite", "sources"]
    capsys.readouterr()
    for wrong, said in (
        (["export", str(folder / "mine.c"), "-o", "x"], "is no network"),
        (["export", str(tmp_path / "none.tflite"), "-o", "x"], "cannot be read"),
        ([*command, "--force", "--expect", str(network)], "--expect"),
        ([*command, "--force", "--arena", "flash"], "tensors need memory"),
        (["export", str(network), "-o", str(network)], "it is no folder"),
    ):
        assert main(wrong) == ExitCode.USAGE
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
