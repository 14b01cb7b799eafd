"""Documents made of what mcusim found: a package for each kind, and how they are to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.report.html.details import Details
    from simcore.report.source_links import Links

Weight = Literal["cycles", "instructions", "time", "energy"]
#: What collapsed stacks can be weighed by, the first one when nothing is said; ns and nJ.
WEIGHTS: tuple[Weight, ...] = get_args(Weight)


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How to render. Outputs for machines ignore what does not concern them."""

    width: int = 100  # columns of the text output
    color: bool = False
    ascii: bool = True  # text output: no character beyond ASCII
    top: int = 20  # rows of the text output's longer tables; 0: all
    section: str = "functions"  # table of the CSV output, one of the document's SECTIONS
    weight: Weight = WEIGHTS[0]  # of collapsed stacks
    objects: bool = False  # text output: as many data objects as `top` says, not a few
    inlines: bool = False  # text output: a table of inlined functions
    explain: bool = False  # text output: what costs most, and causes and components in plain words
    links: Links | None = None  # HTML output: addresses of source lines
    details: Details | None = None  # HTML output: what it shows beside the profile
