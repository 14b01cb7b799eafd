"""What a capture says of its network: read back, and refused where no run makes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simcore.plain import to_plain
from simcore.simulation.recorded_network import RecordedNetwork, read_recorded
from tests.unit.report.test_report_network import network_profile


def recorded() -> dict[str, Any]:
    """Of two inferences; the third layer runs in the first alone."""
    found = network_profile().network
    names = ("#0 CONV_2D t", "#1 <b>ADD", "#2 ADD"), ("#0 (further)", "#1 (further)", None)
    plain: dict[str, Any] = to_plain(RecordedNetwork(found, *names))
    return plain


def test_operations_become_those_of_layers_by_name() -> None:
    told = read_recorded(json.dumps(recorded()).encode()).told(network_profile(), b"")
    assert [(layer.op, layer.further_op) for layer in told.layers] == [
        (0, None), (1, None), (None, None),
    ]  # fmt: skip


def test_names_can_be_shown() -> None:
    plain = recorded()
    plain["network"]["layers"][0]["output"] = "a\x1b[2J\nb"
    found = read_recorded(json.dumps(plain).encode())
    assert found.network is not None
    assert found.network.layers[0].output == "a?[2J?b"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("first",), []),
        (("further",), ["#0"]),
        (("network", "layers", 0, "number"), 1),
        (("network", "layers", 0, "macs"), -1),
        (("network", "layers", 0, "input_shape"), [-4]),
        (("network", "memories", 0, "peak_layer"), 3),
        (("network", "tensors", 0, "last"), 3),
        (("network", "inferences"), 0),
        (("network", "layers"), None),
        (("network", "tflm_arena_bytes"), "many"),
    ],
)
def test_what_no_run_makes_is_refused(place: tuple[Any, ...], value: Any) -> None:
    plain = recorded()
    inside = plain
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    with pytest.raises(ValueError, match=r"\w"):
        read_recorded(json.dumps(plain).encode())
