"""The rules of the C core for tests: plain functions on plain structs, compiled once with cffi.

Not by CMake, which builds what is installed: this build has every declared function for Python, an
allocator that can fail (allocator.h), other flags from one variable (scripts/sanitize) and changed
sources (scripts/validate mutants). It is one call of the compiler, and no tool that cffi does not
need.

`load()` compiles all files of simcore/native with all that their headers declare, those of Unicorn
left out, into a folder of the temporary directory named by what went in. MCUSIM_NATIVE_SOURCES
names another folder of them, with a change that a test has to notice (scripts/validate mutants).
The classes below give the C the same face as the twins in tests/reference*.py.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import cffi
import pytest
import unicorn
from filelock import FileLock

from tests.reference import CounterName
from tests.reference_branch import BranchKind, Prediction
from tests.reference_cache import CacheShape
from tests.reference_config import Config, Region

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("MCUSIM_NATIVE_SOURCES") or CHECKOUT / "simcore" / "native")
ALLOCATOR = CHECKOUT / "tests" / "allocator.h"
MODULE = "_mcusim_rules"
ABSENT = 0xFFFF_FFFF  # cache_find() on a miss


def headers() -> dict[str, str]:
    """The headers that Python can read, each behind those that it includes: name and text."""
    found: dict[str, str] = {}

    def add(name: str) -> None:
        text = (FOLDER / name).read_text(encoding="utf-8")
        for included in re.findall(r'^#include "(.*)"$', text, flags=re.MULTILINE):
            if included not in found:
                add(included)
        found[name] = text

    for path in sorted(FOLDER.rglob("*.h")):
        name = path.relative_to(FOLDER).as_posix()
        if name not in found and not re.search(r"#include <(unicorn|pthread)", path.read_text()):
            add(name)
    return found


def declarations(header: str) -> str:
    """A header as cffi takes it: no preprocessor, no bodies of inline functions."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    inline = r"static inline (?:__attribute__\(\(always_inline\)\) )?([^{;]*)\{(?:[^\n]*\}$|.*?^\})"
    return re.sub(inline, r"\1;", text, flags=re.DOTALL | re.MULTILINE)


def build(
    builder: cffi.FFI, sources: Iterable[Path], compiler: list[str], flags: list[str], library: Path
) -> None:
    """Compile the sources and what cffi makes of their border, file by file on all cores."""
    with tempfile.TemporaryDirectory(dir=library.parent) as work:
        wrapper, built = Path(work, f"{MODULE}.c"), Path(work, library.name)
        builder.emit_c_code(str(wrapper))
        include = [f"-I{FOLDER}", f"-I{sysconfig.get_path('include')}"]
        include += ["-isystem", str(Path(unicorn.__file__).parent / "include")]
        include += ["-include", str(ALLOCATOR)]
        inputs = [wrapper, *(path for path in sources if path.suffix == ".c")]
        objects = [Path(work, f"{number}.o") for number in range(len(inputs))]
        own = [flag for flag in flags if flag != "-shared"]
        compile_one = [*compiler, *own, *include, "-c"]

        def run(command: list[str]) -> None:
            subprocess.run(command, check=True, capture_output=True, text=True)

        commands = [
            [*compile_one, str(path), "-o", str(one)]
            for path, one in zip(inputs, objects, strict=True)
        ]
        try:
            with ThreadPoolExecutor() as pool:
                list(pool.map(run, commands))
            run([*compiler, *flags, *map(str, objects), "-o", str(built)])
        except FileNotFoundError:
            pytest.fail(f"no C compiler '{compiler[0]}': install gcc, or name yours in CC")
        except subprocess.CalledProcessError as error:
            pytest.fail(f"the C core does not compile:\n{error.stderr}")
        built.replace(library)  # in one step: a killed run leaves no half of it


@cache
def load() -> tuple[Any, Any]:
    """(ffi, lib) of the C rules. Fails the test when there is no C compiler."""
    read = headers()
    files = [*sorted(FOLDER.rglob("*.[ch]")), ALLOCATOR, ALLOCATOR.with_suffix(".c")]
    sources = {path: path.read_text(encoding="utf-8") for path in files}
    builder = cffi.FFI()
    border = "".join(declarations(text) for text in [*read.values(), sources[ALLOCATOR]])
    builder.cdef(border)
    builder.set_source(MODULE, "".join(f'#include "{name}"\n' for name in read))
    compiler = shlex.split(os.environ.get("CC", "cc"))
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-pthread"]
    flags += shlex.split(os.environ.get("CFLAGS", ""))
    if sys.platform == "darwin":
        flags += ["-undefined", "dynamic_lookup"]
    told = repr((border, sources, compiler, flags, sys.version, cffi.__version__, FOLDER))
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else os.getlogin()
    folder = Path(tempfile.gettempdir()) / f"mcusim-tests-{user}"
    library = folder / f"{MODULE}-{digest}{sysconfig.get_config_var('EXT_SUFFIX')}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with FileLock(library.with_suffix(".lock")):  # as all workers of a run come here at once
        if not library.exists():
            build(builder, sources, compiler, flags, library)
    loader = ExtensionFileLoader(MODULE, str(library))
    spec = spec_from_loader(MODULE, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module.ffi, module.lib


def constants(enum: str, prefix: str) -> dict[str, int]:
    """Names without prefix, in lower case, and values of an enum."""
    ffi, _ = load()
    names = ffi.typeof(f"enum {enum}").relements
    return {name.removeprefix(prefix).lower(): value for name, value in names.items()}


def timing_config(config: Config) -> Any:
    """struct timing_config, zero where the rules do not look."""
    ffi, _ = load()
    return ffi.new("struct timing_config *", asdict(config))


class Cache:
    """struct cache, closed when it is no longer needed. ValueError for a shape that C refuses."""

    def __init__(self, shape: CacheShape) -> None:
        self.ffi, self.lib = load()
        self.c = self.ffi.new("struct cache *")
        status = self.lib.cache_init(self.c, self.ffi.new("struct cache_config *", asdict(shape)))
        if status != self.lib.CORE_OK:
            raise ValueError(status)
        self.c = self.ffi.gc(self.c, self.lib.cache_free)

    def find(self, address: int) -> int | None:
        """The slot that holds an address."""
        slot: int = self.lib.cache_find(self.c, address)
        return None if slot == ABSENT else slot

    def insert(self, address: int, dirty: bool = False) -> tuple[int, bool] | None:
        """The line that was thrown out: its address, whether it was dirty."""
        old: int = self.lib.cache_insert(self.c, address, self.lib.CACHE_DIRTY if dirty else 0)
        if not old & self.lib.CACHE_VALID:
            return None
        return old & ~(self.c.line_bytes - 1), bool(old & self.lib.CACHE_DIRTY)

    def write(self, address: int) -> None:
        """A write that allocates."""
        slot = self.find(address)
        if slot is None:
            self.insert(address, dirty=True)
        else:
            self.lib.cache_mark_dirty(self.c, slot)

    def line_op(self, address: int, clean: bool = False, invalidate: bool = False) -> int:
        """Maintenance by address: lines written back."""
        return int(self.lib.cache_line_op(self.c, address, clean, invalidate))

    def set_way_op(self, operand: int, clean: bool = False, invalidate: bool = False) -> int:
        """Maintenance by set and way: lines written back."""
        return int(self.lib.cache_set_way_op(self.c, operand, clean, invalidate))

    def invalidate_all(self) -> None:
        self.lib.cache_invalidate_all(self.c)

    def read(self, address: int) -> bool:
        """A read that allocates: whether it hit."""
        if self.find(address) is not None:
            return True
        self.insert(address)
        return False


class Memory:
    """struct memory with counters, in the face of reference.Memory. ValueError: C refuses it."""

    def __init__(self, config: Config, regions: list[Region]) -> None:
        self.ffi, self.lib = load()
        names = [field.name for field in fields(Region)]
        values = [{name: int(getattr(region, name)) for name in names} for region in regions]
        width = self.lib.COUNTER_COUNT + len(regions) * self.lib.REGION_COUNTER_COUNT
        self.vector = self.ffi.new("uint64_t[]", width)
        self.config = timing_config(config)
        self.regions = self.ffi.new("struct region_config[]", values)
        self.m = self.ffi.new("struct memory *")
        status = self.lib.memory_init(self.m, self.config, self.regions, len(regions))
        self.m = self.ffi.gc(self.m, self.lib.memory_free)
        if status != self.lib.CORE_OK:
            raise ValueError(status)
        self.m.counters = self.vector
        self.misses = self.ffi.new("uint32_t *")
        self.windows = {write: self.ffi.new("struct window *") for write in (False, True)}

    @property
    def counters(self) -> dict[CounterName, int]:
        """All counters that are not zero."""
        found: dict[CounterName, int] = {}
        for name, at in constants("counter", "COUNTER_").items():
            if at < self.lib.COUNTER_CYCLES and self.vector[at]:
                found[name] = self.vector[at]
        for index in range(self.m.regions):
            first = self.lib.COUNTER_COUNT + index * self.lib.REGION_COUNTER_COUNT
            for name, at in constants("region_counter", "REGION_").items():
                if at < self.lib.REGION_COUNTER_COUNT and self.vector[first + at]:
                    found[index, name] = self.vector[first + at]
        return found

    def read(self, time: int, address: int, size: int, continues: bool = False) -> int:
        """As run_block() reads: what is free by what the site remembers, or all the rules."""
        window = self.windows[False]
        if self.lib.memory_in_window(self.m, window, address) and self.lib.memory_read_free(
            self.m, window, time, address, size
        ):
            return 0
        stall = self.lib.memory_read(self.m, time, address, size, continues)
        self._open(address, size, write=False)
        return int(stall)

    def write(self, time: int, address: int, size: int) -> int:
        """As run_block() writes: what only joins the queue, or all the rules."""
        window = self.windows[True]
        if self.lib.memory_in_window(self.m, window, address) and self.lib.memory_write_joins(
            self.m, window, time
        ):
            return int(self.lib.memory_join_queue(self.m, window, time, address, size))
        stall = self.lib.memory_write(self.m, time, address, size)
        self._open(address, size, write=True)
        return int(stall)

    def _open(self, address: int, size: int, write: bool) -> None:
        everywhere = (0, 0xFFFF_FFFF)
        self.lib.memory_open_window(
            self.m, self.windows[write], address, address, size, write, *everywhere
        )

    def fetch(
        self, time: int, cycles: int, address: int, size: int, redirected: bool
    ) -> tuple[int, int]:
        self.misses[0] = 0
        stall = self.lib.memory_fetch(self.m, time, cycles, address, size, redirected, self.misses)
        return int(stall), int(self.misses[0])

    def fetch_wrong_path(self, time: int, branch_end: int, cycles: int) -> None:
        self.lib.memory_fetch_wrong_path(self.m, time, branch_end, cycles)

    def system_write(self, time: int, address: int, value: int) -> int:
        return int(self.lib.memory_system_write(self.m, time, address, value))

    def drain(self, time: int) -> int:
        return int(self.lib.memory_drain(self.m, time))

    def drain_buffer(self, time: int) -> int:
        return int(self.lib.memory_drain_buffer(self.m, time))

    def synchronize(self, time: int) -> int:
        return int(self.lib.memory_synchronize(self.m, time))


class Predictor:
    """struct predictor, in the face of reference_branch.Predictor. ValueError: C refuses it."""

    def __init__(self, config: Config) -> None:
        self.ffi, self.lib = load()
        self.p = self.ffi.new("struct predictor *")
        status = self.lib.predictor_init(self.p, timing_config(config))
        if status != self.lib.CORE_OK:
            raise ValueError(status)
        self.p = self.ffi.gc(self.p, self.lib.predictor_free)

    def control(self, actlr: int) -> None:
        self.lib.predictor_control(self.p, actlr)

    @property
    def ran_on(self) -> bool:
        return bool(self.p.ran_on)

    def branch(
        self,
        kind: BranchKind,
        conditional: bool,
        branch: int,
        target: int,
        fall_through: int,
        went: int,
    ) -> Prediction:
        return Prediction(
            self.lib.predictor_branch(self.p, kind, conditional, branch, target, fall_through, went)
        )


class Placement:
    """struct placement and sites that remember, in the face of reference_placement.Placement."""

    def __init__(self, moves: list[tuple[int, int, int]], sites: int = 1) -> None:
        self.ffi, self.lib = load()
        self.p = self.ffi.new("struct placement *")
        status = self.lib.placement_init(
            self.p, self.ffi.new("struct core_move[]", moves), len(moves)
        )
        if status != self.lib.CORE_OK:
            raise ValueError(status)
        self.p = self.ffi.gc(self.p, self.lib.placement_free)
        self.sites = self.ffi.new("struct placed[]", sites)

    def at(self, address: int, site: int = 0) -> int:
        """Where an address is timed, asked from an access site."""
        return int(self.lib.placement_at(self.p, self.sites + site, address))

    def of(self, address: int) -> int:
        """Where an address is timed, asked by nobody that remembers."""
        return int(self.lib.placement_of(self.p, address))
