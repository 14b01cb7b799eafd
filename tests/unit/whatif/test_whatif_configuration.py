"""Configurations of a study as text and as a file: what they mean, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.errors import ConfigError
from simcore.whatif.config_file import ConfigFile
from simcore.whatif.configuration import (
    Configuration,
    check_names,
    combinations,
    parse_sweep,
    parse_try,
)

BASE = Configuration()


def test_a_try_mixes_placements_settings_and_numbers_of_the_model() -> None:
    text = "fast: conv*=itcm, file:strip.c=itcm, clock=200 MHz, caches=on, core.dcache.size=2K"
    assert parse_try(text, BASE) == Configuration(
        name="fast",
        clock_hz=200_000_000,
        caches="on",
        overrides=("core.dcache.size=2K",),
        place=("conv*=itcm", "file:strip.c=itcm"),
    )


def test_a_try_without_a_name_is_called_what_it_says() -> None:
    assert parse_try("weights=dtcm,caches=off", BASE).name == "weights=dtcm, caches=off"
    # The colon of a kind is followed by no blank, so that it ends no name.
    assert parse_try("file:strip.c=itcm", BASE).place == ("file:strip.c=itcm",)
    assert parse_try("cpu=stm32h743, voltage-scale=vos1", BASE).voltage_scale == "vos1"


def test_a_try_adds_to_what_all_begin_with() -> None:
    base = Configuration(place=("stack=dtcm",), overrides=("core.icache.size=2K",))
    found = parse_try("w=itcm, core.dcache.size=4K", base)
    assert found.place == ("stack=dtcm", "w=itcm")
    assert found.overrides == ("core.icache.size=2K", "core.dcache.size=4K")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a setting is missing"),
        ("a=b,,c=d", "a setting is missing"),
        ("clock=fast", "clock: it is a positive number such as 5000000 or '100MHz'"),
        ("caches=of", "did you mean 'off'"),
        ("weights", "not WHAT=REGION"),
    ],
)
def test_a_try_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_try(text, BASE)


def test_sweeps_make_every_combination_with_the_last_changing_fastest() -> None:
    sweeps = [parse_sweep("w=flash,dtcm"), parse_sweep("code: conv*+run=flash,itcm")]
    found = combinations(sweeps, Configuration(caches="on"))
    assert [row.name for row in found] == [
        "w=flash code=flash", "w=flash code=itcm", "w=dtcm code=flash", "w=dtcm code=itcm",
    ]  # fmt: skip
    assert found[3].place == ("w=dtcm", "conv*+run=itcm")
    assert {row.caches for row in found} == {"on"}
    assert [row.clock_hz for row in combinations([parse_sweep("clock=1MHz,2MHz")], BASE)] == [
        1_000_000, 2_000_000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [("w", "not KEY=VALUE,VALUE"), ("w=a,", "not KEY=VALUE"), ("w=a,a", "a value stands twice")],
)
def test_a_sweep_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_sweep(text)


def test_two_configurations_of_one_name_and_none_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="two configurations are called 'as linked'"):
        check_names([BASE, BASE])
    with pytest.raises(ConfigError, match="no configuration to compare: give --place"):
        check_names([])


def read(tmp_path: Path, text: str) -> ConfigFile:
    path = tmp_path / "study.toml"
    path.write_text(text)
    return ConfigFile(str(path))


def test_a_file_gives_what_holds_for_all_then_each_configuration(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        """
        cpu = "stm32h743"
        clock = "200MHz"
        place = ["stack=dtcm"]
        sweep = ["w=flash,dtcm"]
        [[configuration]]
        name = "small"
        set = ["core.dcache.size=2K"]
        [[configuration]]
        name = "slow"
        clock = 100_000_000
        place = ["w=itcm"]
        """,
    )
    base = file.base(BASE)
    assert (base.cpu, base.clock_hz, base.place) == ("stm32h743", 200_000_000, ("stack=dtcm",))
    small, slow = file.configurations(base)
    assert (small.name, small.overrides) == ("small", ("core.dcache.size=2K",))
    assert (slow.clock_hz, slow.place) == (100_000_000, ("stack=dtcm", "w=itcm"))
    assert file.sweeps() == [parse_sweep("w=flash,dtcm")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clok = 1", r"study.toml: there is no key 'clok'; did you mean 'clock'"),
        ("zzz = 1", "no key 'zzz'; the keys are cpu, clock"),
        (
            "[[configuration]]\nname = 'a'\nplaec = []",
            "configuration 1: there is no key 'plaec'; did",
        ),
        ("[[configuration]]\nplace = []", "configuration 1: name: it is missing"),
        ("ops = 'conv*'", "there is no key 'ops'"),
        ("[[configuration]]\nname = 'a'\nstrict = true", "1: there is no key 'strict'"),
        ("configuration = 3", r"write \[\[configuration\]\]"),
        ("clock = true", "clock: it is a positive number"),
        ("clock = 'fast'", "clock: it is a positive number"),
        ("caches = 'of'", "caches: it is one of auto, on, off; did you mean 'off'"),
        ("place = 3", "place: it is a list of texts"),
        ("place = ['a']", "place: .*not WHAT=REGION"),
        ("set = ['a=b']", "set: 'a=b' is not KEY=VALUE of the model"),
        ("a = ", "not TOML"),
        ("\x00", "not TOML"),
    ],
)
def test_a_file_that_holds_something_else_is_refused_with_its_name(
    text: str, message: str, tmp_path: Path
) -> None:
    def configurations() -> None:
        file = read(tmp_path, text)
        file.configurations(file.base(BASE))

    with pytest.raises(ConfigError, match=message) as caught:
        configurations()
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        ConfigFile(str(tmp_path / "none.toml"))
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        ConfigFile(str(tmp_path / "latin.toml"))
    (tmp_path / "large.toml").write_text("#" * (1 << 20) + "\n")
    with pytest.raises(ConfigError, match=r"large\.toml: cannot be read: more than 1048576 bytes"):
        ConfigFile(str(tmp_path / "large.toml"))


def test_paths_of_a_file_are_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("studies").mkdir()
    base = read(Path("studies"), 'cpu = "own.toml"\nmemory_from = "own.ld"\n').base(BASE)
    assert (base.cpu, base.memory_from) == ("studies/own.toml", "studies/own.ld")
