"""Which network a run was of, and what it was given: two of others are no change of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from simcore.costs.profile import Profile
from simcore.plain import Json, Sha256

_DIGITS = 12  # of a hash that a line shows


@dataclass(frozen=True, slots=True)
class NetworkIdentity:
    """What a run of a network was asked for; left out what is up to a firmware of the user."""

    sha256: Sha256
    """Of the network's file."""
    input: str | None = None
    """Names of files, or random with its seed."""
    input_sha256: Sha256 | None = None
    """Of the values of files."""
    arena: tuple[str, ...] | None = None
    """Memories for tensors that were asked for, best first."""
    inferences: Annotated[int, Json(minimum=1)] | None = None
    """Of a run that was counted whole."""


def network_identity(profile: Profile) -> NetworkIdentity | None:
    """That of a profile, None of a program that is no network."""
    network, runner = profile.network, profile.runner
    if network is not None:
        inferences = network.inferences if profile.scope is None else None
        given = network.input, network.input_sha256
        return NetworkIdentity(network.sha256, *given, network.arena or (), inferences)
    if runner is not None:
        return NetworkIdentity(runner.model_sha256, runner.input, runner.input_sha256)
    return None


def unlike_networks(before: NetworkIdentity | None, after: NetworkIdentity | None) -> Iterator[str]:
    """How what two runs of networks were asked for differs, a few words each."""
    if before is None or after is None:
        return
    if None not in (before.input, after.input) and _values(before) != _values(after):
        same = before.input == after.input
        old, new = (_given(one) if same else one.input for one in (before, after))
        yield f"the input is {old} and {new}"
    for what, old_value, new_value in (
        ("arena", before.arena, after.arena),
        ("number of inferences", before.inferences, after.inferences),
    ):
        if None not in (old_value, new_value) and old_value != new_value:
            yield f"the {what} is {_text(old_value)} and {_text(new_value)}"


def other_network(before: NetworkIdentity | None, after: NetworkIdentity | None) -> str | None:
    """A line on two networks that are not the same file; None where they are, or are none."""
    if before is None or after is None or before.sha256 == after.sha256:
        return None
    old, new = before.sha256[:_DIGITS], after.sha256[:_DIGITS]
    return f"the network is another file, {new}, than before, {old} (SHA-256)"


def _values(one: NetworkIdentity) -> str | None:
    return one.input_sha256 or one.input  # a file may have another name


def _given(one: NetworkIdentity) -> str:
    return f"{one.input}" + (f" ({one.input_sha256[:_DIGITS]})" if one.input_sha256 else "")


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value) if value else "the part's own"
    return f"{value}"
