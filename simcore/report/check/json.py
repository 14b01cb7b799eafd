"""A check as a JSON document of schema mcusim.check/1."""

from __future__ import annotations

from simcore.checking.results import CheckResult


def render(result: CheckResult) -> str:
    """The document of :meth:`CheckResult.to_json`."""
    return result.to_json()
