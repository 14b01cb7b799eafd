"""Profiles as documents: one file per output, each with ``render(profile, options)``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from simcore.costs.profile import Profile
    from simcore.report.html.details import Details

Weight = Literal["cycles", "instructions", "time", "energy"]
Section = Literal["functions", "ops", "memory", "objects", "lines", "instructions"]

#: Output formats; each is the name of a module of profile/.
FORMATS = (
    "text", "json", "csv", "html", "callgrind", "pprof", "speedscope", "collapsed", "trace", "lcov",
)  # fmt: skip
#: Formats whose documents are bytes and no text.
BINARY_FORMATS = ("pprof",)
#: Formats that can hold profiles of several parts; see ``parts``.
SEVERAL_PARTS = ("text", "json", "csv")
#: Tables on request that a format cannot do without, as arguments of ``simcore.profile()``.
NEEDS: dict[str, tuple[str, ...]] = {
    "callgrind": ("instructions",),
    "pprof": ("instructions",),
    "trace": ("timeline",),
    "lcov": ("coverage",),
}
#: What collapsed stacks can be weighed by, the first one when nothing is said; ns and nJ.
WEIGHTS: tuple[Weight, ...] = get_args(Weight)
#: Tables that the CSV output can hold, the first one when none is asked for.
SECTIONS: tuple[Section, ...] = get_args(Section)

ComparisonSection = Literal["functions", "ops", "metrics", "causes", "components", "lines"]

#: Output formats of a comparison of two profiles.
COMPARISON_FORMATS = ("text", "json", "csv", "html")
#: Tables of a comparison that its CSV output can hold, the first one when none is asked for.
COMPARISON_SECTIONS: tuple[ComparisonSection, ...] = get_args(ComparisonSection)


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How to render. Outputs for machines ignore what does not concern them."""

    width: int = 100  # columns of the text output
    color: bool = False
    ascii: bool = True  # text output: no character beyond ASCII
    top: int = 20  # rows of the text output's longer tables; 0: all
    section: Section = SECTIONS[0]  # table of the CSV output
    weight: Weight = WEIGHTS[0]  # of collapsed stacks
    objects: bool = False  # text output: as many data objects as `top` says, not a few
    details: Details | None = None  # HTML output: what it shows beside the profile


def render(profile: Profile, format_name: str, options: RenderOptions | None = None) -> str:
    """Render a profile in one of FORMATS whose documents are text; see :func:`document`."""
    text = document(profile, format_name, options)
    if not isinstance(text, str):
        raise TypeError(f"{format_name} is no text: use document()")
    return text


def document(
    profile: Profile, format_name: str, options: RenderOptions | None = None
) -> str | bytes:
    """Render a profile in one of FORMATS: text, or bytes for one of BINARY_FORMATS.

    Raises ConfigError when the profile does not hold what the format NEEDS.
    """
    module = import_module(f"simcore.report.profile.{format_name}")
    rendered: str | bytes = module.render(profile, options or RenderOptions())
    return rendered
