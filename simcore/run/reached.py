"""How far a run is, for who watches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Reached(NamedTuple):
    """What of a run is done when its watcher is called."""

    instructions: int  # executed; 0 in a capture, which tells its share
    modelled_s: float  # that the program took so far, at the clock of the first configuration
    share: float | None = None  # of a capture that is timed, 0 to 1


Watcher = Callable[[Reached], None]
