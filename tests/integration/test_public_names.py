"""Every module can be imported alone, and the public names do what their commands do."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import simcore
from simcore.checking.plans import RunPlan
from simcore.cli.main import main
from simcore.errors import ConfigError
from simcore.simulation.capture_file import CaptureReader
from tests.integration.programs import FIRMWARE

ELF = FIRMWARE / "calls.elf"


def test_every_module_can_be_imported() -> None:
    # An editable install has what lies beside the checkout in the paths of its packages, too.
    own = Path(simcore.__file__).parent
    folders = [own, *(file.parent for file in own.rglob("*/__init__.py"))]
    names = [
        ".".join((folder.relative_to(own.parent) / module.name).parts)
        for folder in folders
        for module in pkgutil.iter_modules([str(folder)])
    ]
    assert len(names) > 150
    for name in names:
        if name != "simcore.native.build":  # needs CMake around it
            importlib.import_module(name)


def test_every_public_name_is_there_and_no_function_has_a_packages_name() -> None:
    own = [str(Path(simcore.__file__).parent)]
    packages = {m.name for m in pkgutil.iter_modules(own) if m.ispkg}
    for name in simcore.__all__:
        assert getattr(simcore, name) is not None
        assert name not in packages
    assert dir(simcore) == sorted(simcore.__all__)
    with pytest.raises(AttributeError, match="no attribute 'profil'"):
        _ = simcore.profil  # type: ignore[attr-defined]


def test_the_public_functions_agree(tmp_path: Path) -> None:
    live = simcore.profile(ELF, instructions=True)
    assert simcore.profile(simcore.RunSpec(elf=str(ELF), instructions=True)) == live
    assert simcore.compare(live, live).unlike == ()
    capture = tmp_path / "calls.mcu"
    simcore.record(ELF, capture)
    assert simcore.replay(capture, instructions=True) == live
    assert simcore.annotate(capture, ["main"]) == simcore.annotate(ELF, ["main"])
    slow, fast = (simcore.Configuration(name=f"{mhz}", clock_hz=mhz * 10**6) for mhz in (100, 200))
    study = simcore.what_if([str(ELF)], [slow, fast])
    assert [row.name for row in study.configurations] == ["100", "200"]
    request = simcore.Request(plans=(RunPlan(name="calls", elf=str(ELF)),), limits=())
    assert simcore.check(request).result.exit_code == 0


def test_advice_on_a_capture_is_advice_on_its_program(tmp_path: Path) -> None:
    capture = tmp_path / "calls.mcu"
    simcore.record(ELF, capture, clock_hz=100_000_000)
    of_capture = simcore.advise(capture, candidates=2)
    assert of_capture == simcore.advise(ELF, candidates=2, clock_hz=100_000_000)
    written = tmp_path / "advice.json"
    command = ["advise", str(capture), "--candidates", "2", "--format", "json", "-o", str(written)]
    assert main(command) == 0
    assert written.read_text() == of_capture.to_json()


@pytest.mark.parametrize("command", [["annotate"], ["whatif", "--try", "caches=off"], ["replay"]])
def test_a_command_checks_a_capture_no_more_often_than_it_must(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture, checked = tmp_path / "calls.mcu", []
    simcore.record(ELF, capture)

    class Counted(CaptureReader):
        def _check(self, file: BinaryIO) -> None:
            checked.append(self.name)
            super()._check(file)

    monkeypatch.setattr("simcore.simulation.capture.CaptureReader", Counted)
    assert main([command[0], str(capture), *command[1:], "-o", str(tmp_path / "report")]) == 0
    assert len(checked) == 1


def test_what_a_run_does_not_know_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a run has no option 'clock'; did you mean 'clock_hz'"):
        simcore.profile(ELF, clock=1)
    with pytest.raises(TypeError, match="'clock_hz' is a configuration's: give it there"):
        simcore.what_if([str(ELF)], [simcore.Configuration()], clock_hz=1)
    with pytest.raises(TypeError, match="a RunSpec says everything"):
        simcore.profile(simcore.RunSpec(elf=str(ELF)), "stm32f746")
    capture = tmp_path / "calls.mcu"
    simcore.record(ELF, capture)
    behind = {"max-instructions": 5, "entry": "main", "from": "main", "until": "main", "for": 1.0}
    for verb in (simcore.replay, simcore.annotate, simcore.advise):
        for name, value in {**behind, "until-idle": True, "uart": "off"}.items():
            field = {"from": "from_", "for": "for_s"}.get(name, name.replace("-", "_"))
            options: dict[str, Any] = {field: value}
            with pytest.raises(ConfigError, match=f"a capture repeats its run; it takes no {name}"):
                verb(capture, **options)
