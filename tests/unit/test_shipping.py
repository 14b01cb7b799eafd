"""Files that go with work to another machine, and paths there and back."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from simcore.errors import ConfigError, ElfError
from simcore.run.needed import needed_files
from simcore.run.spec import RunSpec
from simcore.shipping import Parcel, packed_result, renamed, unpacked


def test_paths_are_exchanged_wherever_a_run_has_them() -> None:
    spec = RunSpec(
        elf="a.elf", symbols=("b.elf", "other"), uart=("USART1=in.txt",), runner="fw.elf:model",
        cpu="part.toml", place=("a.elf=itcm",),
    )  # fmt: skip
    names = ("a.elf", "b.elf", "in.txt", "fw.elf", "part.toml")
    there = renamed((spec, {"n": [1, "a.elf", None]}), {name: f"/w/{name}" for name in names})
    assert there == (
        RunSpec(
            elf="/w/a.elf", symbols=("/w/b.elf", "other"), uart=("USART1=/w/in.txt",),
            runner="/w/fw.elf:model", cpu="/w/part.toml", place=("a.elf=itcm",),
        ),
        {"n": [1, "/w/a.elf", None]},
    )  # fmt: skip


def test_results_and_errors_have_the_names_that_files_have_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("build").mkdir()
    Path("build/a.elf").write_bytes(b"program")
    Path("build/a.debug").write_bytes(b"lines")
    parcel = Parcel()
    sent = parcel.add(["build/a.elf", "build/a.debug", "build", "build/a.elf"])
    assert set(parcel.contents.values()) == {b"program", b"lines"}
    paths = unpacked(sent, parcel.contents)
    assert unpacked(sent, parcel.contents) == paths  # written once
    place = Path(paths["build/a.elf"])
    assert place.read_bytes() == b"program"
    assert place.with_suffix(".debug").read_bytes() == b"lines"  # beside it, as at home
    result = RunSpec(elf=str(place), args=(f"said {place}:3",))
    assert pickle.loads(packed_result(result, paths)) == RunSpec(
        elf="build/a.elf", args=("said build/a.elf:3",)
    )
    error = pickle.loads(packed_result(ElfError(f"{place}: no ELF"), paths))
    assert (type(error), str(error)) == (ElfError, "build/a.elf: no ELF")
    Path("build/a.elf").write_bytes(b"another")
    other = Parcel()
    sent = other.add(["build/a.elf"])
    assert Path(unpacked(sent, other.contents)["build/a.elf"]).read_bytes() == b"another"
    with pytest.raises(ConfigError, match=r"none\.elf: cannot be read: No such file"):
        parcel.add(["none.elf"])


def test_what_a_run_reads_goes_with_it_and_what_it_would_write_is_refused(tmp_path: Path) -> None:
    part = tmp_path / "own.toml"
    part.write_text('extends = "stm32f746"\ntitle = "mine"\n')
    elf = tmp_path / "none.elf"
    needed = needed_files(RunSpec(elf=str(elf), cpu=str(part), svd="part.svd"))
    assert {str(elf), str(part), "part.svd"} <= set(needed)
    assert any(name.endswith("stm32f746.toml") for name in needed)  # what it extends
    for told in ({"semihost_dir": "."}, {"outputs": "o.npy"}, {"uart": ("USART1=-",)}):
        with pytest.raises(ConfigError, match="--scheduler: what runs on other machines"):
            needed_files(RunSpec(elf=str(elf), **told))
