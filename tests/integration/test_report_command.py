"""A saved document becomes what the command that wrote it would have written in that format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import simcore
from simcore.cli.main import main
from simcore.costs.profile import Profile
from simcore.report.profile import FORMATS, document
from tests.integration.programs import FIRMWARE, KERNELS

ELF = FIRMWARE / "markers.elf"
CONV = KERNELS / "conv2d_s8_small.elf"
TABLES = ["--instructions", "--lines"]
WITHOUT_ENERGY = ("callgrind", "pprof")  # by instruction, which no document holds

Written = Callable[..., bytes]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """What a command writes into a file."""

    def run(*command: str | Path, status: int = 0) -> bytes:
        target = tmp_path / "written"
        assert main([*map(str, command), "-o", str(target)]) == status
        return target.read_bytes()

    return run


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile that holds every table."""
    path = tmp_path_factory.mktemp("saved") / "markers.json"
    every = [*TABLES, "--coverage", "--timeline", "--format", "json", "-o", str(path)]
    assert main(["profile", str(ELF), *every]) == 0
    return path


@pytest.mark.parametrize(
    "options",
    [
        *([name] for name in FORMATS if name not in ("html", *WITHOUT_ENERGY, "json")),
        ["json", "--coverage", "--timeline"],
        ["csv", "--section", "ops"],
        ["csv", "--section", "lines"],
        ["collapsed", "--weight", "energy"],
        ["text", "--top", "2", "--objects"],
    ],
    ids=" ".join,
)
def test_a_format_has_the_bytes_of_mcusim_profile(
    saved: Path, written: Written, options: list[str]
) -> None:
    live = written("profile", ELF, *TABLES, "--format", *options)
    later = [option for option in options if option not in ("--coverage", "--timeline")]
    assert written("report", saved, "--format", *later) == live


@pytest.mark.parametrize("format_name", WITHOUT_ENERGY)
def test_energy_that_no_document_holds_by_instruction_stands_at_the_entry(
    saved: Path,
    written: Written,
    format_name: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    report = written("report", saved, "--format", format_name)
    assert "holds no energy by instruction" in capfd.readouterr().err
    live = simcore.profile(ELF, instructions=True, inlines=True)
    assert live.instructions is not None
    rows = tuple(replace(row, femtojoules=0) for row in live.instructions)
    shown = (document(replace(live, instructions=rows), format_name), document(live, format_name))
    assert [report == (text if isinstance(text, bytes) else text.encode()) for text in shown] == [
        True,
        False,
    ]


def test_a_page_differs_in_what_it_lacks_alone(saved: Path, written: Written) -> None:
    """Sections that both have are the same; the run's page has hot loops, and links to them."""
    report, live = (
        written(command, path, *options, "--format", "html").decode()
        for command, path, options in (("report", saved, []), ("profile", ELF, TABLES))
    )
    for section in ("cycles", "ops", "roof", "flame-graph", "memory", "caches-section"):
        start = f'<section id="{section}">'
        parts = [page.partition(start)[2].partition("</section>")[0] for page in (report, live)]
        assert parts[0], section
        assert parts[0] == parts[1], section
    assert 'id="hot"' in live
    assert 'id="hot"' not in report
    assert "a JSON profile holds no hot loops" in report


def test_profiles_of_several_parts_are_compared_again(tmp_path: Path, written: Written) -> None:
    path, command = tmp_path / "both.json", ["profile", ELF, "--cpu", "stm32f746,stm32h743"]
    path.write_bytes(written(*command, "--format", "json"))
    for format_name in ("text", "csv", "json"):
        live = written(*command, "--format", format_name)
        assert written("report", path, "--format", format_name) == live


@pytest.mark.parametrize(
    ("command", "formats", "status"),
    [
        (["annotate", ELF], ("text", "csv"), 0),
        (["whatif", CONV, "--try", "weights=dtcm"], ("text", "csv"), 0),
        (["profile", ELF, "--energy-sweep", "--deadline", "1us"], ("text", "csv"), 3),
        (["advise", ELF, "--candidates", "2"], ("text",), 0),
    ],
)
def test_other_documents_are_shown_as_their_command_shows_them(
    tmp_path: Path,
    written: Written,
    command: list[str | Path],
    formats: tuple[str, ...],
    status: int,
) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(written(*command, "--format", "json", status=status))
    for format_name in (*formats, "json"):
        live = written(*command, "--format", format_name, status=status)
        assert written("report", path, "--format", format_name) == live


def test_a_comparison_and_a_check_are_shown_later(
    saved: Path, tmp_path: Path, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    slower = tmp_path / "slower.json"
    profile = Profile.load(saved)
    function = replace(profile.functions[0], cycles_self=profile.functions[0].cycles_self + 7)
    replace(profile, functions=(function, *profile.functions[1:])).save(slower)
    comparison = tmp_path / "comparison.json"
    comparison.write_bytes(written("compare", saved, slower, "--format", "json"))
    for options in (["text"], ["json"], ["csv"], ["csv", "--section", "metrics"]):
        live = written("compare", saved, slower, "--format", *options)
        assert written("report", comparison, "--format", *options) == live
    assert main(["report", str(comparison), "--format", "html"]) == 2

    monkeypatch.chdir(tmp_path)
    reports = ["json", "junit", "csv", "sarif", "bencher"]
    command = ["check", str(ELF), "--no-baseline", "--limit", "cycles=1"]
    assert main([*command, *(f"--report={name}=check.{name}" for name in reports)]) == 3
    for name in reports:
        shown = written("report", "check.json", "--format", name)
        assert shown == Path(f"check.{name}").read_bytes()
