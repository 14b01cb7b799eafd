"""The limit of host memory counts from where a run begins."""

from __future__ import annotations

from simcore.run.memory import MemoryLimit, resident_bytes


def test_what_was_there_before_does_not_count() -> None:
    before = bytearray(b"x" * (32 << 20))
    limit = MemoryLimit(16 << 20)
    assert not limit.is_passed()
    more = bytearray(b"x" * (32 << 20))
    assert limit.is_passed()
    assert resident_bytes() > len(before) + len(more)


def test_without_a_limit_there_is_a_default() -> None:
    assert not MemoryLimit(None).is_passed()
