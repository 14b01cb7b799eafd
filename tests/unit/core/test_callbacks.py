"""No exception of a callback crosses C: it is kept for who called C, and C is told."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from simcore.core import core  # noqa: F401  makes the callbacks
from simcore.core.extension import ffi, lib


class Full:
    """What a recording is handed to."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.handle = ffi.new_handle(self)

    def write(self, piece: bytes) -> None:
        raise OSError(f"no room for {len(piece)} bytes")


def test_what_a_callback_raises_is_kept_the_first_of_several() -> None:
    writer = Full()
    assert lib.core_py_write(writer.handle, b"ab", 2) == lib.CORE_ERR_CALLBACK
    assert lib.core_py_write(writer.handle, b"abc", 3) == lib.CORE_ERR_CALLBACK
    assert str(writer.error) == "no room for 2 bytes"


def test_ctrl_c_in_front_of_a_callbacks_first_line_is_kept(
    capfd: pytest.CaptureFixture[str],
) -> None:
    writer, before = Full(), sys.gettrace()

    def press(frame: FrameType, _event: str, _: object) -> None:
        if frame.f_code.co_name == "core_py_write":
            raise KeyboardInterrupt

    sys.settrace(press)
    try:
        status = lib.core_py_write(writer.handle, b"ab", 2)
    finally:
        sys.settrace(before)
    assert status == lib.CORE_ERR_CALLBACK
    assert isinstance(writer.error, KeyboardInterrupt)
    assert capfd.readouterr().err == ""
