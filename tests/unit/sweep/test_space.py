"""Spaces from files: axes, grids, samples, and what is wrong with them in one line each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from simcore.errors import ConfigError
from simcore.sweep.space import SweepSpace, load_space

AXES = """
[axes]
kernel = ["conv2d_s8", "fully_connected_s8"]
cpu = ["stm32f746", "stm32h743"]
clock = ["100MHz", 216000000]
args = ["", "h=8 w=8", ["one word"]]
place = ["", "conv*=itcm, weights=dtcm", ["input=dtcm"]]
shift = [0, 4]
[axes.set]
"core.dcache.size" = ["4K", "16K"]
"""


def space(tmp_path: Path, text: str) -> SweepSpace:
    file = tmp_path / "space.toml"
    file.write_text(text)
    return load_space(str(file))


def test_a_grid_is_all_combinations_the_last_axis_fastest(tmp_path: Path) -> None:
    made = space(tmp_path, 'max_instructions = "5M"\nargs = ["of all"]\n' + AXES)
    assert [axis.name for axis in made.axes] == [
        "program", "cpu", "clock", "args", "place", "shift", "core.dcache.size",
    ]  # fmt: skip
    places = made.places()
    assert len(places) == made.size == 2 * 2 * 2 * 3 * 3 * 2 * 2
    assert places[:2] == [(0,) * 7, (0,) * 6 + (1,)]
    first, last = made.draft(places[0]), made.draft(places[-1])
    assert first.elf.endswith("conv2d_s8.elf")
    assert last.elf.endswith("fully_connected_s8.elf")
    assert first.options == {"max_instructions": 5_000_000, "args": ()}
    assert last.options["args"] == ("one word",)
    assert (first.configuration.place, first.shift) == ((), 0)
    assert (last.configuration.place, last.shift) == (("input=dtcm",), 4)
    assert last.configuration.clock_hz == 216_000_000
    assert last.configuration.overrides == ("core.dcache.size=16K",)
    assert made.settings(places[-1]) == {
        "program": "fully_connected_s8", "cpu": "stm32h743", "clock": "216000000",
        "args": "one word", "place": "input=dtcm", "shift": "4", "core.dcache.size": "16K",
    }  # fmt: skip


def test_a_sample_is_the_same_by_its_seed_even_and_without_a_point_twice(tmp_path: Path) -> None:
    sampled = [
        space(tmp_path, f'method = "sobol"\nsamples = 64\nseed = {seed}\n{AXES}').places()
        for seed in (1, 1, 2)
    ]
    assert sampled[0] == sampled[1] != sampled[2]
    for places in sampled:
        assert len(set(places)) == len(places) == 64
        for axis, many in enumerate((2, 2, 2, 3, 3, 2, 2)):
            counts = Counter(place[axis] for place in places)
            # Of independent draws the counts of a choice of two would leave 32 by 4 or more in two
            # of five samples, those of a Sobol sequence hardly do.
            assert all(abs(counts[n] - 64 / many) <= 6 for n in range(many))


def test_a_sample_of_more_than_the_space_is_all_of_it(tmp_path: Path) -> None:
    made = space(tmp_path, f"samples = 1000\n{AXES}")
    assert made.method == "sobol"
    assert len(made.places()) == made.size == 288


def test_a_choice_for_each_thing_is_an_axis_each(tmp_path: Path) -> None:
    made = space(
        tmp_path,
        '[axes]\nkernel = ["conv2d_s8"]\n'
        '[axes.place]\n"conv*" = ["", "itcm"]\nweights = ["dtcm"]\n',
    )
    assert [axis.name for axis in made.axes] == ["program", "conv*", "weights"]
    assert [made.draft(place).configuration.place for place in made.places()] == [
        ("weights=dtcm",), ("conv*=itcm", "weights=dtcm"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the space is empty: name programs in [axes]"),
        ("[axes]\n", "the space is empty"),
        ("[axes]\nkernel = []", "kernel: it has no choice: the space is empty"),
        ('[axes]\ncpu = ["stm32f746"]', "the space is empty"),
        ('[axes]\nkernel = ["conv2d_s8"]\ncpu = []', "cpu: it has no choice: the space is empty"),
        ('[axes]\nkernel = ["conv2d"]', "there is no prebuilt kernel 'conv2d'; did you mean"),
        ('[axes]\nkernel = ["conv2d_s8", "conv2d_s8"]', "'conv2d_s8' stands twice"),
        ('[axes]\nkernel = "conv2d_s8"', "kernel: it is a list of choices"),
        ('[axes]\nkernels = ["conv2d_s8"]', "there is no key 'kernels'; did you mean 'kernel'?"),
        ('[axis]\nkernel = ["conv2d_s8"]', "there is no key 'axis'; did you mean 'axes'?"),
        ('axes = ["x"]', "axes: it is a table"),
        ('[axes]\nelf = ["none.elf"]\nclock = ["fast"]', "clock: clock: it is a positive number"),
        ('[axes]\nelf = ["*.elf"]', "matches no file; build first"),
        ('[axes]\nkernel = ["conv2d_s8"]\nshift = [3]', "'3' is no number of bytes by words"),
        ('[axes]\nkernel = ["conv2d_s8"]\nplace = ["itcm"]', "place: --place 'itcm'"),
        (
            '[axes]\nkernel = ["conv2d_s8"]\nset = ["x=1"]',
            "set: 'x=1' is not KEY=VALUE of the model",
        ),
        ('[axes]\nkernel = ["conv2d_s8"]\nargs = [1]', "args: each choice is a list of texts"),
        ('method = "random"\n' + AXES, "method: it is one of grid, sobol"),
        ('method = "sobol"\n' + AXES, "samples: it is missing"),
        ('method = "grid"\nsamples = 5\n' + AXES, "samples: a grid runs all points"),
        ("samples = 0\n" + AXES, "samples: it is a whole number of 1 to 100000"),
        ('objectives = ["speed"]\n' + AXES, "objectives: it is a list of cycles, energy, flash"),
        ("seed = -1\n" + AXES, "seed: it is a whole number"),
        ("uncertainty = true\n" + AXES, "there is no key 'uncertainty'"),
        ('[build]\ncc = ["gcc"]', "build: command: it is a command for the shell"),
        ("[build]\ncommand = []", "build: command: it has no choice: the space is empty"),
        ('[build]\ncommand = "make CC={cc} {elf}"', "nothing fills {cc}: give [build] a list cc"),
        ('[build]\ncommand = "make {elf}"\ncc = ["gcc"]', "build: cc: no command has {cc}"),
        ('[build]\ncommand = "make {flags}"\nflags = []', "flags: it has no choice"),
        ('[build]\ncommand = "make {flags}"\nflags = [2]', "flags: it is a list of texts"),
        ('[build]\ncommand = "make {elf}"\n' + AXES, "programs are built by [build] or named"),
        ('[build]\ncommand = "make {cpu}"\ncpu = ["a"]\n[axes]\ncpu = ["b"]', "two axes have this"),
        ("[axes", "not TOML"),
    ],
)
def test_what_is_wrong_with_a_space_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        space(tmp_path, text)
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "space.toml"))
    assert "\n" not in str(raised.value)


def test_too_large_a_grid_is_to_be_sampled(tmp_path: Path) -> None:
    steps = ", ".join(str(4 * n) for n in range(400))
    clocks = ", ".join(f'"{n}MHz"' for n in range(1, 301))
    axes = f'[axes]\nkernel = ["conv2d_s8"]\nshift = [{steps}]\nclock = [{clocks}]\n'
    with pytest.raises(ConfigError, match=r"a grid of 120,000 points, and 100,000 are the most"):
        space(tmp_path, axes).places()
    assert len(space(tmp_path, f"samples = 10\n{axes}").places()) == 10
