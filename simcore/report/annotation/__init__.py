"""An Annotation as a document: text, JSON or CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simcore.report import RenderOptions

if TYPE_CHECKING:
    from simcore.annotation import Annotation

FORMATS = ("text", "json", "csv")


def render(annotation: Annotation, format_name: str, options: RenderOptions) -> str:
    """The annotation in one of FORMATS."""
    if format_name == "json":
        return annotation.to_json()
    from simcore.report.annotation import csv, text

    if format_name == "csv":
        return csv.render(annotation, options)
    return text.render(annotation, options)
