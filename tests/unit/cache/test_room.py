"""Entries on disk: what is read, what is not, what goes first, several processes at once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from simcore.cache import Room
from simcore.cache.room import MAGIC
from simcore.files import UNFINISHED
from tests.tools import GUARD_S

DATA = b'{"cycles": 31}'


def key(number: int, first: str = "a") -> str:
    """A key whose entry lies in the folder of this digit."""
    return first + hashlib.sha256(str(number).encode()).hexdigest()[1:]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path / "cache" / "v1", 1 << 20)


def file_of(room: Room) -> Path:
    (entry,) = room.entries()
    return entry.path


def test_what_was_kept_is_read_and_nothing_else(room: Room) -> None:
    assert room.get("profiles", key(1)) is None
    room.put("profiles", key(1), DATA)
    assert room.get("profiles", key(1)) == DATA
    assert room.get("profiles", key(2)) is None
    assert room.get("intervals", key(1)) is None
    assert room.trouble is None
    room.drop("profiles", key(1))
    assert room.get("profiles", key(1)) is None


def test_folders_and_files_are_the_user_s_alone(room: Room, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        room.put("profiles", key(1), DATA)
    finally:
        os.umask(before)
    assert room.folder is not None
    file = file_of(room)
    assert [path.stat().st_mode & 0o777 for path in (room.folder, file.parent, file)] == [
        0o700,
        0o700,
        0o600,
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:],
        lambda content: content.replace(MAGIC, b"mcusim-cache-2\n"),
        lambda content: MAGIC,
    ],
)
def test_a_damaged_entry_is_a_miss_and_goes(room: Room, damage: Callable[[bytes], bytes]) -> None:
    room.put("profiles", key(1), DATA)
    file = file_of(room)
    file.write_bytes(damage(file.read_bytes()))
    assert room.get("profiles", key(1)) is None
    assert not file.exists()
    room.put("profiles", key(1), DATA)
    assert room.get("profiles", key(1)) == DATA


def test_an_entry_under_another_s_name_is_a_miss(room: Room) -> None:
    room.put("profiles", key(1), DATA)
    file = file_of(room)
    file.rename(file.with_name(f"profiles-{key(2)}"))
    assert room.get("profiles", key(2)) is None


def test_a_file_that_others_may_write_or_that_is_none_is_not_read(
    room: Room, tmp_path: Path
) -> None:
    room.put("profiles", key(1), DATA)
    file = file_of(room)
    file.chmod(0o622)
    assert room.get("profiles", key(1)) is None
    file.chmod(0o600)
    assert room.get("profiles", key(1)) == DATA
    elsewhere = file.rename(tmp_path / "elsewhere")
    file.symlink_to(elsewhere)
    assert room.get("profiles", key(1)) is None
    file.unlink()
    os.mkfifo(file)  # whose reader would wait
    assert room.get("profiles", key(1)) is None


def test_what_belongs_to_another_user_is_not_read(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.put("profiles", key(1), DATA)
    file, other = file_of(room), os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert room.get("profiles", key(1)) is None
    assert room.trouble == f"cache {room.folder}: not used: it belongs to another user"
    assert list(room.entries()) == []
    assert room.clear() == (0, 0)
    monkeypatch.setattr(Room, "_is_ours", lambda *_: True)  # the file's owner is asked for, too
    assert room.get("profiles", key(1)) is None
    assert file.exists()  # it is not ours to remove


def test_a_folder_that_is_open_to_others_is_not_used(room: Room) -> None:
    """Such as one that came with a checkout: git gives folders no mode of their own."""
    room.put("profiles", key(1), DATA)
    assert room.folder is not None
    room.folder.chmod(0o755)
    assert room.get("profiles", key(1)) is None
    assert list(room.entries()) == []
    room.put("profiles", key(2), DATA)
    assert room.trouble == f"cache {room.folder}: not used: open to other users; chmod 700 it"
    room.folder.chmod(0o700)
    assert len(list(room.entries())) == 1


def test_a_folder_that_cannot_be_made_is_said_and_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    room = Room(tmp_path / "file" / "v1", 1 << 20)
    room.put("profiles", key(1), DATA)
    assert room.get("profiles", key(1)) is None
    assert room.trouble == f"cache {room.folder}: cannot be written: File exists"


def test_a_full_disk_leaves_nothing_behind(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.put("profiles", key(1), DATA)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    room.put("profiles", key(2), DATA)
    assert room.trouble == f"cache {room.folder}: cannot be written: No space left on device"
    assert room.folder is not None
    assert [path.name for path in room.folder.rglob("*") if path.is_file()] == [file_of(room).name]


def test_the_least_recently_used_goes_first_and_the_limit_holds(tmp_path: Path) -> None:
    size = 4000  # what cannot be compressed: an entry has 47 bytes more and some of zlib
    room = Room(tmp_path / "v1", 16 * 3 * (size + 100))  # three in each folder
    for number in range(3):
        room.put("profiles", key(number), os.urandom(size))
        (path,) = (e.path for e in room.entries() if e.path.name.endswith(key(number)))
        os.utime(path, (number, number))
    assert room.get("profiles", key(0)) is not None  # used now
    room.put("intervals", key(3), os.urandom(size))
    left = [room.get("profiles", key(number)) is not None for number in range(3)]
    assert left == [True, False, True]
    for number in range(4, 40):
        room.put("profiles", key(number, "0123456789abcdef"[number % 16]), os.urandom(size))
        assert sum(entry.size for entry in room.entries()) <= room.limit_bytes
    assert room.get("profiles", key(39, "7")) is not None


def test_what_is_more_than_a_share_of_the_limit_is_not_kept(tmp_path: Path) -> None:
    room = Room(tmp_path / "v1", 16 * 1000)
    room.put("profiles", key(1), os.urandom(1001))
    assert list(room.entries()) == []
    Room(tmp_path / "v1", 0).put("profiles", key(1), b"")
    assert list(room.entries()) == []


def test_what_a_killed_process_left_goes_after_an_hour(room: Room) -> None:
    room.put("profiles", key(1), DATA)
    shard = file_of(room).parent
    old, new = shard / f"{UNFINISHED}old", shard / f"{UNFINISHED}new"
    old.write_text("half")
    new.write_text("half")
    os.utime(old, (time.time() - 3700,) * 2)
    room.put("profiles", key(2), DATA)
    assert (old.exists(), new.exists()) == (False, True)
    assert room.clear()[0] == 2
    assert not new.exists()


def test_clearing_removes_entries_and_no_other_file(room: Room) -> None:
    for number, digit in enumerate("03f"):
        room.put("profiles", key(number, digit), DATA)
    other = file_of_other(room)
    entries = list(room.entries())
    assert room.clear() == (3, sum(entry.size for entry in entries))
    assert other.exists()
    assert list(room.entries()) == []


def file_of_other(room: Room) -> Path:
    assert room.folder is not None
    path = room.folder / "0" / "notes.txt"
    path.write_text("mine")
    return path


def _fill(folder: Path, start: int) -> int:
    """Put and read entries that other processes put, too; how many were read whole."""
    room, found = Room(folder, 16 * 4096), 0
    for number in range(start, start + 60):
        wanted = number % 20
        room.put("profiles", key(wanted), hashlib.sha256(bytes([wanted])).digest() * 40)
        data = room.get("profiles", key((wanted + 7) % 20))
        assert data in (None, hashlib.sha256(bytes([(wanted + 7) % 20])).digest() * 40)
        found += data is not None
    assert room.trouble is None
    return found


def test_several_processes_share_a_folder(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, get_context("forkserver")) as pool:
        found = list(pool.map(_fill, [tmp_path / "v1"] * 4, (0, 5, 10, 15)))
    assert sum(found) > 0
    room = Room(tmp_path / "v1", 16 * 4096)
    assert room.folder is not None
    assert not [path for path in room.folder.rglob("*") if UNFINISHED in path.name]


def test_no_key_leads_out_of_the_folder(room: Room) -> None:
    for wrong in ("../" + "a" * 61, "A" * 64, "a" * 63):
        with pytest.raises(ValueError, match="no kind and key"):
            room.put("profiles", wrong, DATA)
    with pytest.raises(ValueError, match="no kind and key"):
        room.put("../x", key(1), DATA)


ONCE = """
import sys, time
from pathlib import Path
from simcore import profiler
from tests.unit.handmade import kernel_profile
def executed(spec, stdout, **options):
    with open("executions", "a") as file:
        file.write("one\\n")
    time.sleep(0.3)
    options["inspect"](type("", (), {"options": Options})())
    return kernel_profile()
class Options:
    class streams:
        class stdin_read:
            asked = False
profiler.profile = executed
import simcore.kept
from simcore.cache import Room
room = Room(Path("cache").absolute(), 1 << 20)
while time.time() < float(sys.argv[1]):
    time.sleep(0.001)
assert simcore.kept.profile("k.elf", instructions=True, room=room).totals.cycles == 922
"""


def test_two_processes_that_ask_for_one_run_at_once_execute_it_once(tmp_path: Path) -> None:
    (tmp_path / "k.elf").write_bytes(b"\x7fELF")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    start = str(time.time() + 1)
    both = [
        subprocess.Popen([sys.executable, "-c", ONCE, start], cwd=tmp_path, env=environment)
        for _ in range(2)
    ]
    assert [process.wait(GUARD_S) for process in both] == [0, 0]
    assert (tmp_path / "executions").read_text() == "one\n"
    assert not list((tmp_path / "cache").glob(f"?/{UNFINISHED}*"))


def test_a_key_is_waited_for_no_longer_than_told_and_not_after_its_holder_died(room: Room) -> None:
    kind, started = "profiles", time.monotonic()
    with room.held(kind, key(1), 60), room.held(kind, key(1), 0.05), room.held(kind, key(2), 60):
        pass
    holder = "import os, sys, time; from pathlib import Path; from simcore.cache import Room\n"
    holder += f"with Room(Path({str(room.folder)!r}), 1).held({kind!r}, {key(1)!r}, 1): os._exit(1)"
    assert subprocess.run([sys.executable, "-c", holder], timeout=GUARD_S).returncode == 1
    with room.held(kind, key(1), 60):
        pass
    assert time.monotonic() - started < 60
    with Room(None, 0).held(kind, key(1), 60):
        pass
