"""scripts/fuzz itself: it finds what is there, names what ends a process, repeats by its seed."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from scripts.fuzzing import campaign as campaigns
from scripts.fuzzing import counts
from scripts.fuzzing.campaign import campaign
from scripts.fuzzing.mutate import changed_bytes, changed_json, changed_text
from scripts.fuzzing.target import ROOT, Attempt, Target
from scripts.fuzzing.targets import TARGETS
from scripts.fuzzing.worker import Done, Job, Worker
from simcore.errors import ConfigError, McusimError


def _refuses(data: bytes, at: Attempt) -> None:
    at.passed = data[:1] == b"a"
    if b"?" in data:
        raise ConfigError("a question")
    if b"!" in data:
        raise LookupError("loud")
    if b"\n" in data:
        raise ConfigError("x" * 10_000)


def _changed(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data + rng.choice((b"?", b"!", b"\n", b"b"))


def test_an_exception_that_is_not_ours_is_a_finding_minimised_and_counted(tmp_path: Path) -> None:
    target = Target("made-up", "", lambda: [b"abc", b"xyz"], _changed, _refuses)
    done = Worker(target, Job("made-up", 1, str(tmp_path), runs=200)).run()
    (finding,) = done.findings
    assert finding.what == "LookupError"
    assert finding.times > 10
    assert Path(finding.file).read_bytes() == b"!"
    assert done.runs == 200
    assert 0 < done.passed < 200
    assert done.refused > 10


def test_two_campaigns_of_one_seed_are_the_same(tmp_path: Path) -> None:
    one, other = (campaign("binary", 7, 60, None, tmp_path / name, False) for name in "ab")
    assert (one.passed, one.refused, one.ways) == (other.passed, other.refused, other.ways)
    kept = [sorted(p.name for p in (tmp_path / name / "kept").iterdir()) for name in "ab"]
    assert kept[0] == kept[1]
    assert one.ways > 100


def test_a_worker_that_dies_is_named_with_its_input_and_another_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, os, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from scripts.fuzzing.worker import HEADER\n"
        "job = json.loads(sys.argv[-1])\n"
        "if job['first'] == 0:\n"
        "    Path(job['folder'], 'now').write_bytes(HEADER.pack(4, 5, 3) + b'abc')\n"
        "    os.kill(os.getpid(), 11)\n"
        "print(json.dumps({'runs': 10 - job['first'], 'findings': []}))\n"
    )
    monkeypatch.setattr(campaigns, "WORKER", (str(script),))
    done = campaign("elf", 1, 10, None, tmp_path / "folder", False)
    (finding,) = done.findings
    assert finding.what == "SIGSEGV"
    assert Path(finding.file).read_bytes() == b"abc"
    assert done.runs == 10


def test_changes_hang_on_the_numbers_alone_and_keep_most_of_an_input() -> None:
    text = b'{"a": [1, 2, 3], "b": "text", "c": {"d": 0.5}}'
    for change in (changed_bytes, changed_json, changed_text):
        first = [change(random.Random(n), text, text) for n in range(50)]
        assert first == [change(random.Random(n), text, text) for n in range(50)]
        assert len(set(first)) > 25


def test_inputs_are_counted_until_code_that_they_reach_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "ROOT", tmp_path)
    kept = tmp_path / "counts.json"
    for name in "abc":
        (tmp_path / f"{name}.py").write_text("1")
    one = Done(runs=10, passed=5, cpu_s=1.5, ways=7, entered=["a.py", "b.py"])
    counts.add({"one": one, "other": Done(runs=1, entered=["c.py"])}, kept)
    counts.add({"one": Done(runs=20, ways=6, entered=["a.py"])}, kept)
    told = {name: (done.runs, done.passed, done.ways, same) for name, done, same in
            counts.kept(kept)}  # fmt: skip
    assert told == {"one": (30, 5, 7, True), "other": (1, 0, 0, True)}
    assert counts.add({"other": Done(runs=9)}, kept) == ["other"]  # its workers died
    (tmp_path / "b.py").write_text("2")
    assert {name: same for name, _, same in counts.kept(kept)} == {"one": False, "other": True}
    counts.add({"one": one}, kept)
    assert [(done.runs, same) for _, done, same in counts.kept(kept)] == [(10, True), (1, True)]


def test_a_campaign_says_which_files_it_called_functions_of(tmp_path: Path) -> None:
    done = campaign("map", 1, 20, None, tmp_path, False)
    assert "simcore/linking/mapfile.py" in done.entered
    assert "simcore/files.py" in done.entered
    assert not [file for file in done.entered if file.startswith(("simcore/core/", "simcore/cli"))]


def test_most_inputs_are_made_of_those_that_passed_the_first_check(tmp_path: Path) -> None:
    refused = [b"z" * n for n in range(1, 10)]
    made: list[bytes] = []

    def change(rng: random.Random, data: bytes, other: bytes) -> bytes:
        made.append(data)
        return data

    target = Target("made-up", "", lambda: [b"abc"], change, _refuses)
    worker = Worker(target, Job("made-up", 1, str(tmp_path), runs=400))
    for data in refused:
        (tmp_path / "before" / data.decode()).parent.mkdir(exist_ok=True)
        (tmp_path / "before" / data.decode()).write_bytes(data)
    done = worker.run()
    assert 0.65 < done.passed / done.runs < 0.9
    assert set(refused) < set(made)


@pytest.mark.parametrize(
    ("name", "least"), [("model", 0.5), ("settings", 0.5), ("tflite", 0.5), ("linker", 0.4)]
)
def test_changes_of_a_document_leave_its_form(name: str, least: float, tmp_path: Path) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    passed = 0
    for number in range(100):
        rng = random.Random(number)
        attempt = Attempt(tmp_path)
        with contextlib.suppress(McusimError):
            target.run(target.change(rng, rng.choice(seeds), rng.choice(seeds)), attempt)
        passed += attempt.passed
    assert passed >= 100 * least
