"""What --store names: a file of SQLite, or the URL of a database as SQLAlchemy has them."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: File systems of Linux that other machines serve; locks of SQLite cannot be relied on there
#: (sqlite.org, "How To Corrupt An SQLite Database File", 2.1).
NETWORK_TYPES = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "gpfs", "lustre", "ncpfs",
    "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3", "smbfs", "virtiofs",
    "fuse.ceph", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs",
}  # fmt: skip
MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")  # how it writes blanks and their like


def is_url(text: str) -> bool:
    """Whether a text is no path."""
    return "://" in text


def network_type(path: str, mounts: Path = MOUNTS) -> str | None:
    """The kind of file system that a path lies on, where other machines serve it; else None.

    None where the system does not tell, as on macOS. The format is that of proc(5).
    """
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return None
    where = os.fsencode(os.path.realpath(path))
    found, depth = "", -1
    for line in lines:
        before, _, behind = line.partition(b" - ")
        words = before.split(b" ")
        if len(words) < 5 or not behind:
            continue
        point = _OCTAL.sub(lambda byte: bytes([int(byte[1], 8)]), words[4])
        inside = where == point or where.startswith(point.rstrip(b"/") + b"/")
        if inside and len(point) >= depth:  # the last that is mounted on a place hides others
            found, depth = os.fsdecode(behind.split(b" ")[0]), len(point)
    return found if found in NETWORK_TYPES else None
