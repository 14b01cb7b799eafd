"""What of mcusim decides results is in every key."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from simcore import __version__
from simcore.cache import Room, content_key, tool_fingerprint
from simcore.cache import tool as module


def files() -> dict[str, Path]:
    return dict(module._files())


def test_code_parts_programs_and_the_core_are_in_it() -> None:
    found = files()
    assert {
        "plain.py", "machine/execution.py", "devices/dma.py", "pipeline/schedule.py", "_core",
        "cpu_models/stm32f746.toml", "prebuilt/kernels.json", "runner/prebuilt/kernels.json",
        "elf/__init__.py",
    } <= found.keys()  # fmt: skip
    assert not [name for name in found if name.startswith(("cli/", "kept/", "report/", "study/"))]
    shown = set(dict(module._files(shown=True))) - set(found)
    assert {"kept/reports.py", "cli/profile.py", "report/profile/text.py"} <= shown
    assert not [name for name in shown if name.startswith("study/")]
    assert found["_core"].suffix == ".so"
    assert tool_fingerprint().startswith(f"{__version__}+")


def test_a_changed_file_changes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Path(module.__file__).resolve().parent.parent
    shutil.copytree(package / "cache", tmp_path / "cache", ignore=shutil.ignore_patterns("__py*"))
    monkeypatch.setattr(module, "_package", lambda: tmp_path)
    fresh = tool_fingerprint.__wrapped__
    before = fresh()
    assert fresh() == before
    with (tmp_path / "cache" / "room.py").open("a") as file:
        file.write("\n")
    changed = fresh()
    assert changed != before
    (tmp_path / "cache" / "room.py").rename(tmp_path / "cache" / "other.py")
    assert fresh() not in (before, changed)


def test_a_room_remembers_it_until_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, room = tmp_path / "package", Room(tmp_path / "cache", 1 << 20)
    shutil.copytree(Path(module.__file__).resolve().parent, package / "cache")
    monkeypatch.setattr(module, "_package", lambda: package)
    read: list[Path] = []
    sha256 = module._sha256

    def counted(file: Path) -> str:
        read.append(file)
        return sha256(file)

    monkeypatch.setattr(module, "_sha256", counted)
    fresh = tool_fingerprint.__wrapped__
    before = fresh(room)
    assert len(read) == len(files())
    assert fresh(room) == before == fresh()
    assert len(read) == 2 * len(files())  # of the one that has no room
    file = package / "cache" / "room.py"
    state, content = file.stat(), file.read_bytes()
    file.write_bytes(content.replace(b"Entries", b"entries", 1))  # as long, and of the same time
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert fresh(room) == fresh() != before


def test_other_packages_change_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(name.startswith("capstone-5.") for name in module._packages())
    assert any(name.startswith("unicorn-2.1.3") for name in module._packages())
    (tmp_path / "capstone-5.0.99.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert module._packages() == {"capstone-5.0.99"}


def test_a_key_hangs_on_kind_content_and_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    first = content_key("a", {"x": 1, "y": [2]})
    assert first == content_key("a", {"y": [2], "x": 1})
    others = {
        content_key("b", {"x": 1, "y": [2]}),
        content_key("a", {"x": 1, "y": [3]}),
        content_key("a", {"x": 1, "y": [2]}, beside="kept/profiles.py"),
    }
    monkeypatch.setattr(module, "tool_fingerprint", lambda *_: "other")
    others.add(content_key("a", {"x": 1, "y": [2]}))
    assert len(others | {first}) == 5
