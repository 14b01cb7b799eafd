"""`mcusim check --explain`: what a check would run, compare with and fail on, as text."""

from __future__ import annotations


def plan_text(request: object, width: int) -> str:
    return ""
