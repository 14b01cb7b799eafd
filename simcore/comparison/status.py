"""What became of a row of which one of two runs may lack its like."""

from __future__ import annotations

from typing import Annotated

from simcore.plain import one_of

Status = Annotated[str, one_of("same", "added", "removed")]


def status_of(before: object | None, after: object | None) -> str:
    """The status of a row that is there before, after, or in both runs."""
    return "added" if before is None else "removed" if after is None else "same"
