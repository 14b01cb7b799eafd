"""Commands without the packages of an extra: told in one line, before anything runs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from simcore.advisor import advise
from simcore.cli.main import main
from simcore.errors import ConfigError
from simcore.extras import PACKAGES, require

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "kernels" / "prebuilt" / "fully_connected_s8.elf"
HEAVY = ("numpy", "scipy", "matplotlib", "sqlalchemy", "pyarrow", "distributed")


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As if these packages were not installed: an import of them fails."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(
    ("hidden", "missing"),
    [(("scipy",), "scipy"), (("numpy",), "numpy"), (("scipy", "numpy"), "scipy and numpy")],
)
def test_advise_names_its_extra_before_the_program_runs(
    hidden: tuple[str, ...],
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    hide(monkeypatch, *hidden)

    def run(*_: object, **__: object) -> None:
        raise AssertionError("the program ran")

    monkeypatch.setattr(sys.modules[advise.__module__], "record_run", run)
    assert main(["advise", str(KERNEL)]) == 2
    captured = capfd.readouterr()
    remedy = "pip install 'mcusim[advise]'"
    assert captured.err == f"mcusim: error: mcusim advise needs {missing}: {remedy}\n"
    assert captured.out == ""
    with pytest.raises(ConfigError, match="mcusim advise needs"):
        advise(KERNEL)


@pytest.mark.parametrize("command", ["ops", "networks"])
def test_study_names_its_extra_before_anything_runs_or_is_written(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    hide(monkeypatch, "matplotlib")
    folder = tmp_path / "study"
    assert main(["study", command, "-o", str(folder)]) == 2
    assert capfd.readouterr().err == (
        f"mcusim: error: mcusim study {command} needs matplotlib: pip install 'mcusim[study]', or"
        " --no-figures for the tables alone\n"
    )
    assert not folder.exists()


def test_a_study_without_figures_needs_no_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, *HEAVY)
    asked = ["study", "ops", "--only", "copy", "--size", "small", "--no-figures", "--jobs", "1"]
    assert main([*asked, "-o", str(tmp_path / "study")]) == 0
    assert (tmp_path / "study" / "ops.csv").is_file()


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        (["results", "runs.db"], "mcusim results"),
        (["profile", str(KERNEL), "--store", "runs.db"], "mcusim profile --store"),
        (["whatif", str(KERNEL), "--place", ".text=itcm", "--store", "runs.db"], "mcusim whatif"),
    ],
)
def test_a_store_names_its_extra(
    asked: list[str],
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    hide(monkeypatch, "pyarrow")
    monkeypatch.chdir(tmp_path)
    assert main(asked) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"mcusim: error: {command}")
    assert said.endswith(" needs pyarrow: pip install 'mcusim[store]'\n")
    assert not list(tmp_path.iterdir())


def test_nothing_is_said_when_everything_is_there() -> None:
    for extra in PACKAGES:
        require(extra, "this")


def test_the_extras_install_what_their_commands_need() -> None:
    optional = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert set(PACKAGES) <= set(optional)
    for extra, packages in PACKAGES.items():
        named = {Requirement(line).name.replace("-", "_") for line in optional[extra]}
        assert named == set(packages)


def plain_installation() -> set[str]:
    """The packages that pip installs for mcusim without an extra."""
    found: set[str] = set()
    waiting = ["mcusim"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            wanted = map(Requirement, distribution(name).requires or ())
            waiting += [r.name for r in wanted if not r.marker or r.marker.evaluate({"extra": ""})]
    return found


def test_the_plain_installation_is_small() -> None:
    """At most 110 MB with pip and setuptools, which take 26."""
    packages = plain_installation()
    assert not packages & set(HEAVY)
    files = [file for name in packages for file in distribution(name).files or ()]
    sizes = [file.size or 0 for file in files if file.suffix != ".pyc"]
    assert 30e6 < sum(sizes) < 84e6


def test_the_core_commands_import_none_of_the_extras(tmp_path: Path) -> None:
    """All commands that the plain installation has, in one process without the packages."""
    script = f"""
import sys
for name in {HEAVY}:
    sys.modules[name] = None
from simcore.cli.main import main
elf, folder = {str(KERNEL)!r}, {str(tmp_path)!r}
for command in (
    ["profile", elf, "--format", "html"],
    ["profile", elf, "--format", "json", "-o", folder + "/a.json"],
    ["profile", elf, "--energy-sweep"],
    ["profile", elf, "--cpu", "stm32f746,stm32h743"],
    ["check", elf, "--save-baseline", "main"],
    ["check", elf, "--baseline", "main"],
    ["whatif", elf, "--place", ".text=itcm"],
    ["compare", folder + "/a.json", folder + "/a.json", "--format", "html"],
    ["annotate", elf],
    ["record", elf, "-o", folder + "/run.mcu"],
    ["replay", folder + "/run.mcu"],
    ["cpus"],
    ["kernels"],
):
    assert main(command) == 0, command
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_is_missing_by_the_name_under_which_it_is_imported() -> None:
    known = packages_distributions()
    assert {name for names in PACKAGES.values() for name in names} <= set(known)


def test_windows_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("simcore.cli.main.WINDOWS", True)
        assert main(["profile", str(KERNEL)]) == 2
    error = "mcusim: error: mcusim runs on Linux and macOS; on Windows use WSL\n"
    assert capfd.readouterr() == ("", error)
