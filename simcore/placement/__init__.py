"""Placement of a program's memory elsewhere without relinking: WHAT=REGION to moves for timing.

``place`` finds what is named, a free place for it as a linker would, and refuses with the numbers
what cannot be. The program still runs where it was linked; see simcore/run/setup.py.
"""

from __future__ import annotations

from simcore.placement.placer import Placement, place, place_pieces, program_memory, tcm_bytes
from simcore.placement.request import PlaceRequest, parse_request

__all__ = [
    "PlaceRequest",
    "Placement",
    "parse_request",
    "place",
    "place_pieces",
    "program_memory",
    "tcm_bytes",
]
