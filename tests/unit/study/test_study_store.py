"""Finished runs on disk: what is kept, what counts as not there, whose folder it is."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.costs.op_tables import Traffic
from simcore.errors import ConfigError
from simcore.files import UNFINISHED
from simcore.run.setup import Move
from simcore.study.folder import MANIFEST, RUNS, open_folder
from simcore.study.store import Store
from simcore.study.tasks import OpRun, Run, Task, fields
from tests.tools import GUARD_S

TASK = Task("nn.elf", "aa", "stm32f746", "bb", ("relu_s8", "h=4"))
RUN = Run(
    clock_hz=216_000_000,
    voltage_scale="scale1",
    timings=((
        OpRun(
            name="relu_s8", kind="relu_s8", invocations=1, macs=0, ops=16, instructions=20,
            cycles=31, time_s=1.4e-7, energy_j=3e-8, energy_low_j=2e-8, energy_high_j=4e-8,
            param_bytes=0, activation_bytes=32, scratch_bytes=0, refill_bytes=64,
            traffic={"sram1": Traffic(16, 16, 0)},
        ),
    ),),
    console=("relu_s8 name=relu_s8 scratch=0",),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_result_is_read_back_as_it_was(store: Store) -> None:
    store.save(TASK, RUN)
    assert store.load(TASK) == RUN
    assert [file.name for file in store.folder.iterdir()] == [f"{TASK.key}.json"]


def test_a_task_without_result_has_none(store: Store) -> None:
    assert store.load(TASK) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(TASK, elf_sha256="cc"),
        replace(TASK, model_sha256="cc"),
        replace(TASK, args=("relu_s8", "h=5")),
        replace(TASK, args=("relu_s8 h=4",)),
        replace(TASK, layers="relu_s8"),
        replace(TASK, moves=((Move(0, 8, 32),),)),
        replace(TASK, moves=((), ())),
    ],
)
def test_another_elf_model_or_command_has_another_key(store: Store, other: Task) -> None:
    store.save(TASK, RUN)
    assert store.load(other) is None


def test_the_place_of_the_elf_does_not_count() -> None:
    assert replace(TASK, elf="/elsewhere/nn.elf").key == TASK.key


def test_another_mcusim_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = TASK.key
    monkeypatch.setattr("simcore.cache.tool.tool_fingerprint", lambda *_: "other")
    assert TASK.key != before


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", '{"schema": "mcusim.study-run/1"}', "\udc80\udcff", "[" * 100_000,
        '{"schema": "mcusim.study-run/0", "sha256": "", "run": {}}',
    ],
)  # fmt: skip
def test_a_file_that_says_nothing_counts_as_not_there(store: Store, content: str) -> None:
    store.path(TASK).write_bytes(content.encode("utf-8", "surrogateescape"))
    assert store.load(TASK) is None


def test_a_changed_figure_is_not_believed(store: Store) -> None:
    store.save(TASK, RUN)
    path = store.path(TASK)
    path.write_text(path.read_text().replace('"cycles": 31', '"cycles": 30'))
    assert store.load(TASK) is None


def test_a_result_that_fits_its_hash_but_no_run_counts_as_not_there(store: Store) -> None:
    store.save(TASK, RUN)
    plain = json.loads(store.path(TASK).read_text())
    from simcore.study.store import _digest

    del plain["run"]["timings"][0][0]["cycles"]
    plain["sha256"] = _digest(plain["run"])
    store.path(TASK).write_text(json.dumps(plain))
    assert store.load(TASK) is None


def test_half_written_files_are_cleaned_away(store: Store) -> None:
    (store.folder / f"{UNFINISHED}x").write_text("half")
    store.save(TASK, RUN)
    store.clean()
    assert store.load(TASK) == RUN
    assert len(list(store.folder.iterdir())) == 1


def test_fields_are_the_words_with_an_equals_sign() -> None:
    assert fields("relu_s8 name=a=b scratch=7 done") == {"name": "a=b", "scratch": "7"}


def open_and_close(path: Path, study: str = "ops", parts: tuple[str, ...] = ("a",)) -> None:
    with open_folder(str(path), study, parts):
        pass


def test_a_folder_is_made_and_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        with open_folder(str(tmp_path / "x" / "y"), "ops", ["a"]) as folder:
            folder.write("figures/f.svg", b"<svg/>")
    assert (tmp_path / "x" / "y" / "figures" / "f.svg").read_bytes() == b"<svg/>"


@pytest.mark.parametrize(("kept", "was_there"), [(False, False), (True, False), (False, True)])
def test_a_study_that_fails_takes_its_empty_folder_away(
    tmp_path: Path, kept: bool, was_there: bool
) -> None:
    """Neither what it has found nor a folder that was there before."""
    path = tmp_path / "study"
    if was_there:
        open_and_close(path)

    def study() -> None:
        with open_folder(str(path), "ops", ["a"]) as folder:
            if kept:
                (folder.path / RUNS / "result.json").write_text("{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study()
    assert path.exists() == (kept or was_there)


@pytest.mark.parametrize(("study", "parts"), [("networks", ("a",)), ("ops", ("b",))])
def test_the_folder_of_another_study_is_refused(
    tmp_path: Path, study: str, parts: tuple[str, ...]
) -> None:
    open_and_close(tmp_path)
    with pytest.raises(ConfigError, match="it holds 'study ops --cpu a'; choose another folder"):
        open_and_close(tmp_path, study, parts)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ConfigError, match="is not empty and holds no study"):
        open_and_close(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "other/1"}', '{"schema": null}'])
def test_a_foreign_manifest_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(ConfigError, match=r"study\.json: not the file of a study"):
        open_and_close(tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(ConfigError, match="x: it is a file; -o names a folder"):
        open_and_close(tmp_path / "x")
    with pytest.raises(ConfigError, match="cannot make the folder: Not a directory"):
        open_and_close(tmp_path / "x" / "y")


def _hold(path: Path, held: multiprocessing.Queue[str]) -> None:
    try:
        open_and_close(path)
        held.put("")
    except ConfigError as error:
        held.put(str(error))


def test_two_studies_do_not_share_a_folder_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    said: multiprocessing.Queue[str] = context.Queue()
    with open_folder(str(tmp_path), "ops", ["a"]):
        other = context.Process(target=_hold, args=(tmp_path, said))
        other.start()
        assert said.get(timeout=GUARD_S) == f"{tmp_path}: another mcusim study is running there"
        other.join()
    open_and_close(tmp_path)
