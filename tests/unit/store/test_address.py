"""A file of SQLite on a network folder, by the mounts that Linux lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from simcore.store import database
from simcore.store.address import network_type
from simcore.store.database import open_store

#: As of proc(5); the last two hide each other's.
MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:40 / /home/team rw shared:2 - nfs4 server:/team rw,vers=4.2
41 40 0:41 / /home/team/fast rw - xfs /dev/nvme0n1 rw
42 22 0:42 / /mnt/with\040blank rw - fuse.sshfs me@there: rw
45 22 0:45 / /mnt/größe rw - 9p host rw
43 22 0:43 / /twice rw - cifs //server/share rw
44 22 0:44 / /twice rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/team/runs.db", "nfs4"), ("/home/team", "nfs4"), ("/home/teams/runs.db", None),
        ("/home/team/fast/runs.db", None), ("/mnt/with blank/runs.db", "fuse.sshfs"),
        ("/mnt/größe/runs.db", "9p"),
        ("/twice/runs.db", None), ("/runs.db", None),
    ],
)  # fmt: skip
def test_the_mount_that_is_nearest_says_it(path: str, kind: str | None, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, "utf-8")
    assert network_type(path, mounts) == kind


def test_nothing_is_said_where_the_system_does_not_tell(tmp_path: Path) -> None:
    assert network_type("/runs.db", tmp_path / "nothing") is None


def test_a_store_on_a_network_folder_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "network_type", lambda path: "nfs")
    (warning,) = open_store(str(tmp_path / "runs.db")).warnings
    assert "lies on a network folder (nfs): locks of SQLite cannot be relied on there" in warning
