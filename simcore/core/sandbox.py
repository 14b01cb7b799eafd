"""What the engine's thread may ask of the host: its folder, where the kernel can hold it to that.

A run needs neither network nor processes. The thread that waits for it does: it writes reports,
starts workers and asks git, so that only the engine's thread is confined (native/sandbox.c). That
stops a program which makes the engine call the system, not one that has taken over the process:
threads share their memory. What is told of it stands in docs/security.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from simcore.core.extension import ffi, lib
from simcore.errors import ConfigError

#: Says how runs of this process and of those that it starts are confined, one of CHOICES.
VARIABLE = "MCUSIM_SANDBOX"
CHOICES = ("auto", "require", "off")
CALLS, PATHS = 1, 2  # bits of what holds, as C answers

#: Read by Python, the C library and the dynamic linker when they load a part of themselves.
_OF_THE_SYSTEM = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system/cpu", "/nix/store",
)  # fmt: skip

_told = False


def asked() -> str:
    """What MCUSIM_SANDBOX says, ``off`` without it. Raises ConfigError for anything else."""
    choice = os.environ.get(VARIABLE) or "off"
    if choice not in CHOICES:
        raise ConfigError(f"{VARIABLE}={choice}: it is {', '.join(CHOICES[:-1])} or {CHOICES[-1]}")
    return choice


def confine(folder: Path | None) -> int:
    """Confine the calling thread, as it was asked for, to ``folder`` if any; it cannot be undone.

    The answer is the sum of CALLS and PATHS that hold. Where system calls cannot be denied ``auto``
    says so in one line on stderr, once, and on Linux alone: elsewhere nothing is to be done about
    it. Raises ConfigError when it was required.
    """
    choice = asked()
    if choice == "off":
        return 0
    held, why = _enter(folder)
    if not held & CALLS:
        text = f"this system does not let a thread deny itself system calls ({why})"
        if choice == "require":
            raise ConfigError(
                f"--sandbox require: {text}; --sandbox auto runs the program all the same"
            )
        _tell(text)
    return held


def _enter(folder: Path | None) -> tuple[int, str]:
    """What holds, and why not all of it does."""
    texts = [ffi.new("char[]", os.fsencode(path)) for path in _readable()]
    within = ffi.NULL if folder is None else ffi.new("char[]", os.fsencode(folder))
    held = lib.core_sandbox_enter(ffi.new("char *[]", texts), len(texts), within)
    return int(held), os.strerror(ffi.errno).lower()


def _readable() -> Iterator[str]:
    """Where modules are that are imported only when a program needs them."""
    yield from _OF_THE_SYSTEM
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    package = Path(__file__).parents[1]
    yield str(package)
    # What lies above us is no folder of modules: an editable install leaves such paths, up to "/".
    above = {str(folder) for folder in package.parent.parents}
    yield from (entry for entry in sys.path if os.path.isabs(entry) and entry not in above)  # noqa: PTH117  texts


def _tell(text: str) -> None:
    global _told
    if not _told and sys.platform == "linux":
        _told = True
        sys.stderr.write(f"mcusim: the program runs without a sandbox: {text}\n")


def keep_bytecode(before: set[str]) -> None:
    """Write the bytecode of our modules that a confined thread imported since ``before``.

    It could not write it itself, and the next run would compile them again.
    """
    if sys.dont_write_bytecode:
        return
    for name in [name for name in sys.modules if name.startswith("simcore.")]:
        spec = getattr(sys.modules[name], "__spec__", None)
        if name in before or spec is None or not spec.cached or os.path.exists(spec.cached):  # noqa: PTH110
            continue
        if (get_code := getattr(spec.loader, "get_code", None)) is not None:
            get_code(name)
