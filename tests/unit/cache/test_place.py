"""Where the cache is: variables, the user's cache folder, never the working folder."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from simcore.cache import NO_ROOM, open_room
from simcore.errors import ConfigError


def test_the_variable_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "here"))
    room = open_room()
    assert (room.folder, room.limit_bytes) == (tmp_path / "here" / "v1", 1 << 30)
    assert not (tmp_path / "here").exists()  # before something is kept
    assert open_room(wanted=False) is NO_ROOM


@pytest.mark.parametrize("word", ["off", "OFF"])
def test_off_keeps_nothing(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", word)
    room = open_room()
    room.put("profiles", "a" * 64, b"x")
    assert (room.is_on, room.get("profiles", "a" * 64), list(room.entries())) == (False, None, [])
    assert room.clear() == (0, 0)


@pytest.mark.parametrize("home", [None, "", "  ", "/elsewhere/cache", "relative/cache"])
def test_without_it_it_is_where_platformdirs_has_it(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", home)
    assert open_room().folder == platformdirs.user_cache_path("mcusim", appauthor=False) / "v1"


@pytest.mark.parametrize("told", ["cache", "./cache", "../cache", "~/cache", "0"])
def test_the_working_folder_is_none(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", told)
    with pytest.raises(ConfigError, match=r"^MCUSIM_CACHE=.*: not an absolute path; give one"):
        open_room()


@pytest.mark.parametrize(
    ("told", "limit"),
    [("4096", 4096), ("16K", 16 << 10), ("256M", 256 << 20), ("2GiB", 2 << 30), ("1 tb", 1 << 40)],
)
def test_the_limit_is_in_bytes(told: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", "/nowhere")
    monkeypatch.setenv("MCUSIM_CACHE_SIZE", told)
    assert open_room().limit_bytes == limit


@pytest.mark.parametrize("told", ["much", "-1", "1.5G", "G"])
def test_a_limit_that_is_none_is_refused(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", "/nowhere")
    monkeypatch.setenv("MCUSIM_CACHE_SIZE", told)
    with pytest.raises(ConfigError, match="no size such as 256M or 2G"):
        open_room()
