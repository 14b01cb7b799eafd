"""A linker script that mcusim wrote before: its advice is taken out again, or it is refused."""

from __future__ import annotations

import re
from typing import Final

from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.linking.script import Script, parse_script, without_comments
from simcore.log_text import one_line

BEGIN: Final = "/* mcusim: the advice begins here; the next one takes its place. */"
END: Final = "/* mcusim: the advice ends here. */"
#: The first part of an output section that is cut for the fragment, which stays.
VECTORS: Final = ".mcusim_vectors"
_BLOCK: Final = re.compile(
    rf"[ \t]*{re.escape(BEGIN)}.*?{re.escape(END)}[ \t]*\n?(?:[ \t]*\n)?", re.DOTALL
)


def without_advice(script: Script) -> Script:
    """The script without what an earlier advice put in. Raises ConfigError where that is not marked
    as a whole: patterns in an output section of the user's own, or pasted by hand."""
    text = _BLOCK.sub("", script.text)
    rest = script if text == script.text else parse_script(script.path, text)
    found = next(
        (one for one in rest.sections if one.name.startswith(".mcusim_") and one.name != VECTORS),
        None,
    )
    if found is None and "__mcusim_" in without_comments(rest.text):
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
