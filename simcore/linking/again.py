"""A linker script that mcusim wrote before: its advice is taken out again, or it is refused."""

from __future__ import annotations

import re
from typing import Final

from simcore.cpu_model.linker_script import without_comments
from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.linking.script import Script, parse_script
from simcore.log_text import one_line

BEGIN: Final = "/* mcusim: the advice begins here; the next one takes its place. */"
END: Final = "/* mcusim: the advice ends here. */"
#: The first part of an output section that is cut for the fragment, which stays.
VECTORS: Final = ".mcusim_vectors"
_BEHIND: Final = re.compile(r"[ \t]*+\n?(?:[ \t]*+\n)?")


def without_advice(script: Script) -> Script:
    """The script without what an earlier advice put in. Raises ConfigError where that is not marked
    as a whole: patterns in an output section of the user's own, or pasted by hand."""
    text = _without_blocks(script.text)
    rest = script if text == script.text else parse_script(script.path, text)
    found = next(
        (one for one in rest.sections if one.name.startswith(".mcusim_") and one.name != VECTORS),
        None,
    )
    if found is None and "__mcusim_" in without_comments(rest.text, lambda _: " "):
        found = next(
            (one for one in rest.sections if "__mcusim_" in rest.text[one.body : one.body_end]),
            None,
        )
    if found is not None:
        raise ConfigError(
            f"{one_line(script.path)}:{rest.line(found.start)}: {one_line(found.name)} holds what"
            " mcusim moved before; give the script without it"
        )
    return rest


def check_linked_without(image: Image, script: Script) -> None:
    """Refuse a program that was linked with advice: a script without it would take that back.
    Raises ConfigError."""
    for section in image.sections:
        is_advised = section.name.startswith(".mcusim_") and section.name != VECTORS
        if is_advised and section.allocated and section.size:
            raise ConfigError(
                f"{image.path}: was linked with advice, as its {section.name} shows; give the ELF"
                f" that was linked without it, and {one_line(script.path)} gets the new one"
            )


def _without_blocks(text: str) -> str:
    kept, at = [], 0
    while (begin := text.find(BEGIN, at)) >= 0 and (end := text.find(END, begin)) >= 0:
        kept.append(text[at:begin].rstrip(" \t"))
        behind = _BEHIND.match(text, end + len(END))
        at = end + len(END) if behind is None else behind.end()
    return "".join((*kept, text[at:]))
