"""An LCOV tracefile: which lines and functions ran, for lcov, genhtml and CI services.

Records: man geninfo, FILES. Files are named from the root of the repository around the working
folder. Sources that are not on this machine, a library's, are left out: genhtml stops at them.
Where none is here, the file is for another machine and has all of them as recorded.
"""

from __future__ import annotations

from collections.abc import Iterator

from simcore.costs.coverage import FileCoverage
from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from simcore.report import RenderOptions
from simcore.repository import Checkout


def render(profile: Profile, options: RenderOptions) -> str:
    """A record for each source file.

    Raises ConfigError when the profile holds no coverage, or that of a program without lines.
    """
    if profile.coverage is None:
        raise ConfigError("the profile holds no coverage: profile the ELF again with coverage")
    if not profile.coverage:
        raise ConfigError(
            f"{profile.elf.name} has no source lines: compile with -g and do not strip it"
        )
    checkout = Checkout()
    found = [file for file in profile.coverage if checkout.find(file.file) is not None]
    return "".join(
        f"{line}\n" for file in found or profile.coverage for line in _record(file, checkout)
    )


def _record(file: FileCoverage, checkout: Checkout) -> Iterator[str]:
    yield "TN:"
    yield f"SF:{checkout.name(file.file)}"
    for function in file.functions:
        yield f"FN:{function.line},{function.name}"
    for function in file.functions:
        yield f"FNDA:{function.calls},{function.name}"
    yield f"FNF:{len(file.functions)}"
    yield f"FNH:{sum(function.calls > 0 for function in file.functions)}"
    for line in file.lines:
        yield f"DA:{line.line},{line.executions}"
    yield f"LF:{len(file.lines)}"
    yield f"LH:{sum(line.executions > 0 for line in file.lines)}"
    yield "end_of_record"
