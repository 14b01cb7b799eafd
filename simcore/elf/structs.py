"""Members of a structure type, from DWARF: name -> offset and size, in bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import islice
from typing import Any, Final

from simcore.elf.debug_sections import DebugSections
from simcore.elf.image import Member, StructAt
from simcore.elf.stream import BoundedStream, Budget, attempt
from simcore.elf.units import Unit, Units

_MAX_MEMBERS: Final = 1000
_MAX_TYPES: Final = 100_000  # of one unit
_READS: Final = 1 << 16
_SECTIONS: Final = (
    "info", "abbrev", "str", "line_str", "aranges", "ranges", "rnglists", "addr", "str_offsets",
)  # fmt: skip
_NOT_NEEDED: Final = (
    "debug_line", "debug_frame", "eh_frame", "debug_loc", "debug_pubtypes", "debug_pubnames",
    "debug_loclists", "debug_sup", "gnu_debugaltlink", "debug_types",
)  # fmt: skip
_PLUS_UCONST: Final = 0x23  # DW_OP_plus_uconst (DWARF 5, 7.7.1)


def struct_reader(sections: DebugSections) -> StructAt:
    """Reads structures of the unit that holds a function; of broken or missing tables nothing."""

    @cache
    def struct_at(address: int, names: tuple[str, ...]) -> dict[str, Member]:
        nothing: dict[str, Member] = {}
        return attempt(partial(_members, sections, address, names), nothing)

    return struct_at


def _open(sections: DebugSections) -> Any:
    """A pyelftools DWARFInfo, whose reads are counted."""
    from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo

    contents = {name: bytes(sections.get(name)) for name in _SECTIONS}
    budget = Budget(_READS + sum(map(len, contents.values())))
    given: dict[str, Any] = dict.fromkeys(f"{name}_sec" for name in _NOT_NEEDED)
    given.update(dict.fromkeys(f"debug_{name}_sec" for name in _SECTIONS))
    for name, data in contents.items():
        if data:
            stream = BoundedStream(data, budget)
            given[f"debug_{name}_sec"] = DebugSectionDescriptor(
                stream, f".debug_{name}", None, len(data), 0
            )
    return DWARFInfo(DwarfConfig(True, "ARM", 4), **given)


def _members(sections: DebugSections, address: int, names: Sequence[str]) -> dict[str, Member]:
    dwarf = _open(sections)
    unit = dwarf.get_CU_at(_unit_of(sections, address).offset)
    wanted = {name.encode() for name in names}
    for die in islice(unit.iter_DIE_children(unit.get_top_DIE()), _MAX_TYPES):
        if die.tag != "DW_TAG_structure_type" or "DW_AT_declaration" in die.attributes:
            continue
        if "DW_AT_name" in die.attributes and die.attributes["DW_AT_name"].value in wanted:
            return dict(_fields(die))
    return {}


def _unit_of(sections: DebugSections, address: int) -> Unit:
    units = Units(sections.get)
    for unit in units:
        if any(start <= address < end for start, end in units.ranges(unit)):
            return unit
    raise LookupError(address)


def _fields(die: Any) -> Iterator[tuple[str, Member]]:
    for child in islice(die.iter_children(), _MAX_MEMBERS):
        attributes = child.attributes
        if child.tag != "DW_TAG_member" or "DW_AT_name" not in attributes:
            continue
        where = attributes.get("DW_AT_data_member_location")
        offset = 0 if where is None else where.value
        if isinstance(offset, list):
            offset = _constant(offset)
        name = attributes["DW_AT_name"].value.decode("utf-8", "replace")
        yield name, Member(offset, attempt(partial(_size, child), 0))


def _constant(expression: list[int]) -> int:
    """The constant of DW_OP_plus_uconst, as DWARF 2 wrote offsets."""
    if not expression or expression[0] != _PLUS_UCONST:
        raise ValueError(expression)
    return sum((byte & 0x7F) << 7 * at for at, byte in enumerate(expression[1:]))


def _size(die: Any) -> int:
    """Bytes of a member: those of its type, or of all elements of an array."""
    count = 1
    for _ in range(16):
        die = die.get_DIE_from_attribute("DW_AT_type")
        if die.tag == "DW_TAG_array_type":
            for bound in die.iter_children():
                attributes = bound.attributes
                if "DW_AT_count" in attributes:
                    count *= attributes["DW_AT_count"].value
                elif "DW_AT_upper_bound" in attributes:
                    count *= attributes["DW_AT_upper_bound"].value + 1
        elif "DW_AT_byte_size" in die.attributes:
            return int(count * die.attributes["DW_AT_byte_size"].value)
    return 0
