"""What was run before and need not run again: profiles, and the reports of commands.

The room is :mod:`simcore.cache`; here stands what is kept in it of runs, and when.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

from simcore.cache import Room, open_room
from simcore.run.spec import RunSpec, run_spec

if TYPE_CHECKING:
    from simcore.costs.profile import Profile


def profile(
    elf: str | os.PathLike[str] | RunSpec,
    cpu: str | os.PathLike[str] | None = None,
    *,
    cache: bool = True,
    room: Room | None = None,
    **options: Any,
) -> Profile:
    """As :func:`simcore.profiler.profile`; with ``cache`` what was run before is read back.

    A run that is given ``stdin`` or is looked at with ``inspect`` runs. ``room`` is another cache
    than the user's. Raises what that raises, and ConfigError for a cache that is told wrongly.
    """
    from simcore.kept.profiles import Kept
    from simcore.profiler import profile as run

    room = room if room is not None else open_room(cache)
    if not room.is_on or options.get("stdin") is not None:
        return run(elf, cpu, **options)
    streams = {
        name: options.pop(name) for name in ("stdin", "stdout", "progress") if name in options
    }
    log, inspect = options.pop("log", None), options.pop("inspect", None)
    stdout = streams.pop("stdout", None)
    console = stdout if stdout is not None else io.BytesIO()
    spec = run_spec(elf, cpu, options)
    return Kept(room).profile(spec, stdout=console, log=log, inspect=inspect, **streams)
