"""Spaces, limits, fronts and rankings: what a search is told, and what it makes of figures."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from simcore.errors import ConfigError
from simcore.pareto import pareto_front
from simcore.search.ranks import kendall_tau, swapped_share
from simcore.search.scores import load_score
from simcore.search.spec import read_spec

SPACE = """\
[space]
family = "ds-cnn"
inputs = [[9, 7, 3]]
blocks = [1, 2]
widths = { from = 8, to = 24, step = 8 }
"""


def written(folder: Path, text: str) -> str:
    path = folder / "space.toml"
    path.write_text(text)
    return str(path)


def test_a_space_is_read_with_units(tmp_path: Path) -> None:
    more = """
[limits]
latency = "20 ms"
energy = "1.5 mJ"
flash = "256K"
macs = 5_000_000
[search]
objectives = ["score", "energy"]
clock = "100MHz"
trials = 7
sampler = "random"
"""
    spec = read_spec(written(tmp_path, SPACE + more))
    assert spec.space.widths == (8, 16, 24)
    assert dict(spec.limits) == pytest.approx(
        {"latency": 0.02, "energy": 0.0015, "flash": 256 << 10, "macs": 5e6}
    )
    assert (spec.trials, spec.sampler, spec.target.clock_hz) == (7, "random", 100_000_000)
    assert spec.objectives == ("score", "energy")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "[space] is missing"),
        ("[spcae]\n", "there is no spcae; did you mean 'space'?"),
        (SPACE.replace("[1, 2]", "[]"), "the space is empty: blocks"),
        (SPACE.replace("from = 8", "from = 32"), "the space is empty: widths"),
        (SPACE.replace("ds-cnn", "ds-cn"), "space.family: 'ds-cn' is not known"),
        (SPACE.replace("[[9, 7, 3]]", "[[9, 7]]"), "is no [height, width, channels]"),
        (SPACE.replace("[1, 2]", "[0]"), "0 is no number from 1"),
        (SPACE + '[limits]\nlatency = "fast"\n', "limits.latency = 'fast': such as 20ms"),
        (SPACE + "[limits]\nenergy = 0\n", "limits.energy = 0: such as 5mJ, above 0"),
        (SPACE + "[limits]\nspeed = 1\n", "there is no limits.speed"),
        (SPACE + "[search]\ntrials = 0\n", "search.trials is a number of networks"),
        (SPACE + '[search]\nobjectives = ["sorce"]\n', "'sorce' is not known"),
        (SPACE + '[search]\nclock = "quick"\n', "a clock is written such as 100MHz"),
        ("[space", "cannot be read"),
    ],
)
def test_wrong_files_are_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_spec(written(tmp_path, text))
    assert said in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_tau_is_that_of_scipy() -> None:
    # Expected: scipy.stats.kendalltau of scipy 1.16 on the same values, with many ties and few.
    random = Random(1)
    for values, expected in (
        (5, 0.6132111288293989),
        (20, 0.5604970692501319),
        (1000, 0.5026859120896403),
    ):
        first = [float(random.randrange(values)) for _ in range(60)]
        second = [one + random.randrange(values) for one in first]
        assert kendall_tau(first, second) == pytest.approx(expected, abs=1e-12)
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == -1
    assert kendall_tau([1, 1], [1, 2]) == 0
    assert swapped_share([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)


def test_a_front_is_what_no_other_beats() -> None:
    rows = [[1, 5], [2, 2], [3, 3], [5, 1], [2, 2], [1, 6]]
    front = pareto_front(rows)
    assert [at in front for at in range(6)] == [True, True, False, True, True, False]


def test_scores_that_are_not_there_or_raise_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine_raises.py").write_text(
        "def bad(table):\n    raise ValueError('no\\nway')\n"
        "def none(table):\n    return float('nan')\n"
        "def quits(table):\n    raise SystemExit(3)\n"
    )
    (tmp_path / "mine_breaks.py").write_text("import there_is_no_such_module\n")
    (tmp_path / "mine_ends.py").write_text("raise SystemExit\n")
    table: dict[str, Any] = {"name": "n1"}
    for name, said in (
        ("accuracy", "score 'accuracy' is not known: it is parameters, macs or module:function"),
        ("mine_breaks:f", "mine_breaks cannot be imported: ModuleNotFoundError"),
        ("mine_ends:f", "mine_ends cannot be imported: SystemExit"),
        ("mine_raises:other", "mine_raises has no function other"),
    ):
        with pytest.raises(ConfigError) as raised:
            load_score(name, tmp_path)
        assert said in str(raised.value)
    for name, said in (
        ("bad", "of n1 raised ValueError: no way"),
        ("none", "of n1 is nan"),
        ("quits", "of n1 raised SystemExit: 3"),
    ):
        score = load_score(f"mine_raises:{name}", tmp_path)
        with pytest.raises(ConfigError) as raised:
            score(table, None)  # type: ignore[arg-type]
        assert said in str(raised.value)


def test_what_a_score_prints_and_changes_is_not_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine_prints.py").write_text(
        "print('imported')\n"
        "def clears(table):\n"
        "    print('judged')\n"
        "    table['layer'][0].clear()\n"
        "    return len(table.pop('layer'))\n"
    )
    table: dict[str, Any] = {"name": "n1", "layer": [{"kernel": "relu_s8"}]}
    score = load_score("mine_prints:clears", tmp_path)
    assert score(table, None) == 1  # type: ignore[arg-type]
    assert table == {"name": "n1", "layer": [{"kernel": "relu_s8"}]}
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "imported\njudged\n")
