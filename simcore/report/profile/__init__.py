"""Profiles as documents: a file per --format, each with ``render(profile, options)``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Literal, get_args

from simcore.log_text import harmless
from simcore.report import RenderOptions
from simcore.report.escaped import rendered_safely

if TYPE_CHECKING:
    from simcore.costs.profile import Profile

Section = Literal[
    "functions", "ops", "memory", "objects", "lines", "instructions", "interrupts", "tasks",
    "layers",
]  # fmt: skip

#: Output formats; each is the name of a module of this package.
FORMATS = (
    "text", "json", "csv", "html", "callgrind", "pprof", "speedscope", "collapsed", "trace", "lcov",
    "mltk", "tflm",
)  # fmt: skip
#: Formats whose documents are bytes and no text.
BINARY_FORMATS = ("pprof",)
#: Formats that can hold profiles of several parts; see ``parts``.
SEVERAL_PARTS = ("text", "json", "csv")
#: Formats that keep every table on request, for those that need one later.
KEEPING = ("json",)
#: Tables on request that a format cannot do without, as arguments of ``simcore.profile()``.
NEEDS: dict[str, tuple[str, ...]] = {
    "callgrind": ("instructions",),
    "pprof": ("instructions",),
    "trace": ("timeline",),
    "lcov": ("coverage",),
}
#: Formats that show inlined functions unless told not to.
INLINING = ("html", "callgrind", "pprof", "speedscope", "collapsed", "json")
#: Tables that the CSV output can hold, the first one when none is asked for.
SECTIONS: tuple[Section, ...] = get_args(Section)


def needed(format_name: str, section: str) -> tuple[str, ...]:
    """The tables on request that a document cannot do without; ``section`` is that of CSV."""
    if format_name == "csv" and section in ("lines", "instructions"):
        return (section,)
    return NEEDS.get(format_name, ())


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
    look = options or RenderOptions()
    # A line end in a name is none of the text's; others quote it, or have a blank in its place.
    # Other controls are seen in what was rendered.
    is_text = format_name == "text"
    escapes = is_text and (look.color or not all(map(str.isprintable, _names(profile))))
    made = rendered_safely(lambda one: module.render(one, look), profile, escapes=escapes)
    if is_text and isinstance(made, str):
        return "\n".join(map(harmless, made.split("\n")))
    return made


def _names(profile: Profile) -> Iterator[str]:
    """Names that whoever wrote the program chose."""
    yield profile.elf.name
    yield from profile.warnings
    for table in (profile.functions, profile.ops, profile.objects, profile.tasks or ()):
        for row in table:
            yield row.name
            yield getattr(row, "file", None) or ""
