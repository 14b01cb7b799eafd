"""How near outputs must come to those of the reference, whose values are given here."""

from __future__ import annotations

import struct

import pytest

from simcore.costs.network import Verification
from simcore.errors import NetworkError
from simcore.network import verify
from simcore.report.profile.network_tables import verified_line

TERMS = 64  # 2^-17 of the largest value is allowed


def compared(
    monkeypatch: pytest.MonkeyPatch, mine: list[bytes], theirs: list[bytes], types: list[str]
) -> Verification:
    monkeypatch.setattr(verify, "require_reference", lambda: None)
    monkeypatch.setattr(verify, "_reference", lambda *_: theirs)
    return verify.verified("n.tflite", b"", [[b""]], mine, types, TERMS)


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def test_sums_in_another_order_are_equal_and_how_near_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    near, far = 2.0**-16, 2.0**-15  # of 4.0, of which 2^-15 is allowed
    found = compared(monkeypatch, [floats(4.0, 1.0 + near)], [floats(4.0, 1.0)], ["float32"])
    assert found.is_equal
    assert (found.largest_difference, found.allowed_difference) == (near, far)
    found = compared(monkeypatch, [floats(4.0, 1.0 + 2 * far)], [floats(4.0, 1.0)], ["float32"])
    assert (found.is_equal, found.differing) == (False, 1)


def test_integers_beside_floats_are_to_be_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    types = ["float32", "int8"]
    big = floats(2.0**24)
    assert compared(monkeypatch, [big, b"\1"], [big, b"\1"], types).is_equal
    assert compared(monkeypatch, [big, b"\2"], [big, b"\1"], types).differing == 1


def test_what_is_no_number_is_equal_to_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    nan, inf = float("nan"), float("inf")
    one = floats(nan, inf, 1.0)
    assert compared(monkeypatch, [one], [one], ["float32"]).is_equal
    found = compared(monkeypatch, [floats(1.0, 1.0, nan)], [one], ["float32"])
    assert found.differing == 3
    assert found.largest_difference > 1e300  # finite, as JSON has no other


def test_a_reference_that_refuses_leaves_nothing_compared_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The profile of the run stays; its status is that of outputs that differ."""
    found = compared(monkeypatch, [b"\1\2"], [b"\1"], ["int8"])
    assert not found.is_equal
    assert found.trouble == (
        "outputs are not compared: tflite-micro gives 1 bytes of output, 2 were computed"
    )

    def refuses(path: str, *_: object) -> list[bytes]:
        raise NetworkError(f"{path}: --verify: tflite-micro refuses the model: no")

    monkeypatch.setattr(verify, "_reference", refuses)
    found = verify.verified("n.tflite", b"", [[b""]], [b"\1"], ["int8"], TERMS)
    assert (found.refused, found.elements) == ("tflite-micro refuses the model: no", 0)
    assert verified_line(found).plain == f"Outputs are not compared: {found.refused}."
