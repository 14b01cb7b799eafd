"""An LCOV tracefile: which lines and functions ran, for lcov, genhtml and CI services.

Records: man geninfo, FILES. Files are named from the root of the repository around the working
folder. Sources that are not on this machine, a library's, are left out: genhtml stops at them.
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

    Raises ConfigError when the profile holds no coverage, that of a program without lines, or none
    of a source that is here.
    """
    if profile.coverage is None:
        raise ConfigError("the profile holds no coverage: profile the ELF again with coverage")
    if not profile.coverage:
        raise ConfigError(
            f"{profile.elf.name} has no source lines: compile with -g and do not strip it"
        )
    checkout = Checkout()
    found = [file for file in profile.coverage if checkout.find(file.file) is not None]
    if not found:
        raise ConfigError(
            f"{profile.elf.name}: none of its {len(profile.coverage)} source files is here, such as"
            f" {profile.coverage[0].file}; run mcusim in the repository that it was built from"
        )
    return "".join(f"{line}\n" for file in found for line in _record(file, checkout))


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
