"""A placement as text for a build: output sections of GNU ld and lld, start-up code that fills
them, an edited linker script; and what is read of a build for that: its map file and script."""

from __future__ import annotations

from simcore.linking.build import Build, open_build
from simcore.linking.fragment import Fragment, attributes_text, linker_fragment
from simcore.linking.mapfile import LinkMap, find_map, read_map
from simcore.linking.rewrite import applied, check_editable
from simcore.linking.script import Script, read_script
from simcore.linking.units import as_linked

__all__ = [
    "Build",
    "Fragment",
    "LinkMap",
    "Script",
    "applied",
    "as_linked",
    "attributes_text",
    "check_editable",
    "find_map",
    "linker_fragment",
    "open_build",
    "read_map",
    "read_script",
]
