"""A user's linker script with a fragment in it: in front of what would take its input sections,
behind the vector table."""

from __future__ import annotations

import re
from typing import Final

from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.linking.again import BEGIN, END, VECTORS
from simcore.linking.fragment import Fragment
from simcore.linking.script import OutputSection, Script, takes
from simcore.log_text import one_line

_HEAD: Final = "/* {} with what mcusim moves. */\n"
_OLD_HEAD: Final = re.compile(r"\A/\* .* with what mcusim moves\. \*/\n")
_NO_REGION: Final = "has no '> REGION', so nothing can be put in front of it"
_NO_PHDR: Final = "names no program header of PHDRS: write its ':NAME' behind its region"
#: What may stand between the name of an output section and its brace when it is cut in two.
_SAME_FOR_BOTH: Final = re.compile(r"\s*:\s*(?:(?:SUB)?ALIGN\s*\([^()]*\)\s*)*")


def applied(script: Script, fragment: Fragment, image: Image) -> str:
    """The script's text with the fragment. Raises ConfigError with the line that is in the way.

    Files that held MEMORY or SECTIONS are in place of their INCLUDE. Where the vector table shares
    an output section with what moves, what stands in front of that is made a section of its own.
    """
    text = script.text
    if not fragment.patterns:
        return text
    names = [name for pattern in fragment.patterns for name in _sections(pattern)]
    reused = fragment.reused
    target = next((s for s in script.those_that_take(names) if s not in reused), None)
    if target is None:
        raise ConfigError(
            f"{one_line(script.path)}: no output section of its SECTIONS takes {names[0]}; give the"
            " script that the program was linked with"
        )
    if target.region is None:
        raise _error(script, target, _NO_REGION)
    if fragment.phdrs and target.phdr is None:
        raise _error(script, target, _NO_PHDR)
    lines = fragment.text.splitlines()
    if not fragment.reused:  # a section of the user's is not to be taken out again
        lines = [BEGIN, *lines, END]
    inserted = "".join(f"    {line}\n" if line else "\n" for line in lines)
    start = text.rfind("\n", 0, target.start) + 1
    if text[start : target.start].strip():
        start = target.start
    if _holds_vectors(image, target, script):
        replacement = _split(script, target, names, inserted)
        edits = [(start, target.end, replacement)]
    else:
        edits = [(start, start, f"{inserted}\n")]
    edits += [(one.start, one.end, "") for one in reused]
    if script.phdrs_end is not None:
        known = text[: script.phdrs_end].split()
        rows = [f"    {name} PT_LOAD;\n" for name in fragment.phdrs if name not in known]
        edits.append((script.phdrs_end, script.phdrs_end, "\n" * bool(rows) + "".join(rows)))
    for at, end, new in sorted(edits, reverse=True):
        text = f"{text[:at]}{new}{text[end:]}"
    if fragment.memory:
        text = f"{text[: script.sections_at]}{fragment.memory}\n{text[script.sections_at :]}"
    name = one_line(script.path).replace("*/", "*?")
    return f"{_HEAD.format(name)}{_OLD_HEAD.sub('', text)}"


def check_editable(script: Script, image: Image) -> None:
    """Refuse before the work what :func:`applied` would refuse of whatever moves out of code and
    constants. Raises ConfigError with the line that is in the way."""
    names = [".text.any", ".rodata.any", ".text", ".rodata"]
    for target in script.those_that_take(names):
        if target.region is None:
            raise _error(script, target, _NO_REGION)
        if script.phdrs_end is not None and target.phdr is None:
            raise _error(script, target, _NO_PHDR)
        if _holds_vectors(image, target, script):
            _split(script, target, names, "")
        return


def _sections(pattern: str) -> list[str]:
    """The names of input sections of a pattern of ours."""
    return pattern[pattern.index("(") + 1 : -1].split()


def _holds_vectors(image: Image, section: OutputSection, script: Script) -> bool:
    if any(one.name == VECTORS for one in script.sections):
        return False  # it was cut for an earlier advice
    if image.vector_table is None:
        return False
    return any(
        one.name == section.name
        and one.load_address <= image.vector_table < one.load_address + one.size
        for one in image.sections
        if one.allocated and one.size
    )


def _split(script: Script, target: OutputSection, names: list[str], inserted: str) -> str:
    """An output section as two with the fragment between them."""
    text = script.text
    if _SAME_FOR_BOTH.fullmatch(target.head) is None:
        raise _error(
            script, target,
            "holds the vector table in front of what moves, and with"
            f" '{' '.join(target.head.split())}' it cannot be split; give the table an output"
            " section of its own",
        )  # fmt: skip
    first = next(at for at, end in script.statements(target) if takes(text[at:end], names))
    front = text[target.body : first].strip()
    if not front:
        raise _error(
            script, target,
            "takes the vector table and what moves by one pattern; give the table an output section"
            " of its own",
        )  # fmt: skip
    rest = text[first : target.body_end].rstrip()
    head = " ".join(target.head.split())
    trailer = text[target.body_end + 1 : target.end]
    return (
        f"    {VECTORS} {head}\n    {{\n        {front}\n    }}{trailer}\n\n{inserted}\n"
        f"    {target.name} {head}\n    {{\n        {rest}\n    }}{trailer}"
    )


def _error(script: Script, target: OutputSection, what: str) -> ConfigError:
    return ConfigError(
        f"{one_line(script.path)}:{script.line(target.start)}: {one_line(target.name)} {what}"
    )
