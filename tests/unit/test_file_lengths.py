"""A file has one duty: past 420 lines ask what second one moved in."""

from __future__ import annotations

from pathlib import Path

SIMCORE = Path(__file__).parents[2] / "simcore"
LIMIT = 420


def test_no_file_of_the_package_is_longer_than_its_limit() -> None:
    paths = [path for path in SIMCORE.rglob("*") if path.suffix in (".py", ".c", ".h")]
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert len(lines) > 200
    long = {str(path.relative_to(SIMCORE)): count for path, count in lines.items() if count > LIMIT}
    assert long == {}
