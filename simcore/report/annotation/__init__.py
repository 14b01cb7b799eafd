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
    from simcore.report.escaped import document_of

    module = csv if format_name == "csv" else text
    return document_of(lambda found: module.render(found, options), annotation, format_name)
