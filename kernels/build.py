"""Builds the programs of programs.toml into their prebuilt folders, or checks that they are fresh.

The same sources and the same compiler give the same bytes: paths in debug information are relative
to the repository, nothing carries a time, and the build id is a hash of the content. So `--check`
builds into a temporary folder and compares byte by byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLES = tuple(
    ROOT / folder / "programs.toml"
    for folder in ("kernels", "kernels/runner", "kernels/corpus", "tests/firmware")
)


class BuildError(Exception):
    """A build that cannot go on; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Program:
    """One ELF to build."""

    name: str
    folder: Path  # where its prebuilt ELF lives, relative to the repository
    description: str
    part: str
    command: tuple[str, ...]  # compiler and flags, without the output
    objects: tuple[tuple[str, ...], ...]  # what compiles each C++ source, without the output
    data: tuple[str, ...]  # arguments of layers.py, empty when it has no data

    @property
    def elf(self) -> Path:
        """The prebuilt ELF, relative to the repository."""
        return self.folder / f"{self.name}.elf"


def load_programs() -> list[Program]:
    """Reads every programs.toml; the common flags stand in the first."""
    tables = [(path, tomllib.loads(path.read_text())) for path in TABLES]
    common = tables[0][1]["common"]
    entries = {entry["name"]: entry for _, table in tables for entry in table["program"]}
    programs = []
    for path, table in tables:
        folder, each = path.parent.relative_to(ROOT) / "prebuilt", table.get("each", {})
        for entry in table["program"]:
            whole = {**each, **entries.get(entry.get("like"), {}), **entry}
            for one in at_levels(whole, common["levels"]):
                programs.append(program_from(one, common, folder))
    return programs


def at_levels(entry: dict[str, Any], flags: dict[str, list[str]]) -> list[dict[str, Any]]:
    """An entry once for each level that it names, with its flags, or as it is without any."""
    return [
        {
            **entry,
            "name": f"{entry['name']}_{level}",
            "description": f"{entry['description']} ({level})",
            "flags": [*entry.get("flags", []), *flags[level]],
        }
        for level in entry.get("levels", [])
    ] or [entry]


def program_from(entry: dict[str, Any], common: dict[str, Any], folder: Path) -> Program:
    """One entry of a table with the common flags put in."""
    sources = [*globbed(entry["sources"]), *common["sources"]]
    match entry.get("start", "reset"):
        case "reset":
            script = entry.get("script", entry["part"])
            start = ["-nostartfiles", "--specs=nano.specs", f"-T{script}.ld"]
        case "newlib":
            # newlib's heap grows towards the stack: with the stack below it there would be none
            stack = "-Wl,--defsym=__stack_top=ORIGIN(SRAM)+LENGTH(SRAM)"
            start = ["-DLIBC_START", "--specs=rdimon.specs", f"-T{entry['part']}.ld", stack]
        case "entry":
            start, sources = ["--specs=rdimon.specs"], entry["sources"]
        case other:
            raise BuildError(f"{entry['name']}: start is {other}, not reset, newlib or entry")
    plus = [source for source in sources if source.endswith(".cpp")]
    sources = [source for source in sources if source not in plus]
    target = entry.get("target", common["target"])
    defines = [f'LAYER_NAME="{entry["name"]}"', *entry.get("defines", [])]
    flags = [*common["flags"], *(f"-D{define}" for define in defines), *entry.get("flags", [])]
    cpp_flags = [flag for flag in flags if not flag.startswith("-std=")]
    return Program(
        name=entry["name"],
        folder=folder,
        description=entry["description"],
        part=entry["part"],
        command=(
            common["compiler"],
            *target,
            *flags,
            *start,
            *sources,
            *common["link"],
            *entry.get("link", []),
        ),
        objects=tuple(
            (common["compiler"], *target, *cpp_flags, *common["cpp_flags"], "-c", source)
            for source in plus
        ),
        data=tuple(entry.get("data", [])),
    )


def globbed(sources: list[str]) -> list[str]:
    """Sources with patterns replaced by the files that match, by name."""
    return [
        path
        for source in sources
        for path in (
            sorted(str(found.relative_to(ROOT)) for found in ROOT.glob(source))
            if "*" in source
            else [source]
        )
    ]


def build(program: Program, out: Path) -> Path:
    """Builds one program below the folder out and returns its ELF."""
    work = out / program.name
    work.mkdir(parents=True)
    if program.data:
        layers = [sys.executable, str(ROOT / "kernels" / "layers.py"), *program.data]
        (work / "layer_data.h").write_text(run(layers, program.name))
    elf = work / f"{program.name}.elf"
    maps = [f"-ffile-prefix-map={ROOT}=.", f"-ffile-prefix-map={work}=generated"]
    maps.append(f"-Wa,--debug-prefix-map={ROOT}=.")  # the assembler keeps its own
    objects = []
    for compiler, *rest in program.objects:
        objects.append(str(work / f"{len(objects)}.o"))
        run([compiler, f"-I{work}", *maps, *rest, "-o", objects[-1]], program.name)
    compiler, *rest = program.command
    run([compiler, f"-I{work}", *maps, *objects, *rest, "-o", str(elf)], program.name)
    return elf


def run(command: list[str], name: str) -> str:
    """Runs a command in the repository and returns what it prints."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(f"{name}: {command[0]} failed:\n{done.stderr.strip()}")
    return done.stdout


def build_all(programs: list[Program], out: Path) -> dict[Path, bytes]:
    """Builds programs, two at a time; prebuilt path -> content, with the lists of each folder."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        elves = list(pool.map(lambda program: build(program, out), programs))
    files = {program.elf: elf.read_bytes() for program, elf in zip(programs, elves, strict=True)}
    compiler = compiler_version(programs[0].command[0])
    for folder in sorted({program.folder for program in programs}):
        members = [program for program in programs if program.folder == folder]
        listing = {"compiler": compiler, "kernels": [describe(member) for member in members]}
        files[folder / "kernels.json"] = (json.dumps(listing, indent=2) + "\n").encode()
        sums = [f"{hashlib.sha256(files[m.elf]).hexdigest()}  {m.elf.name}\n" for m in members]
        files[folder / "checksums"] = "".join(sums).encode()
    return files


def describe(program: Program) -> dict[str, str]:
    """What kernels.json says of a program."""
    return {
        "name": program.name,
        "file": program.elf.name,
        "description": program.description,
        "part": program.part,
    }


def compiler_version(compiler: str) -> str:
    """First line of the compiler's version text."""
    return run([compiler, "--version"], compiler).splitlines()[0]


def compare(files: dict[Path, bytes]) -> list[str]:
    """One line for every prebuilt file that differs from a fresh build."""
    wrong = []
    for path, content in files.items():
        prebuilt = ROOT / path
        if not prebuilt.exists():
            wrong.append(f"{path} is missing")
        elif prebuilt.read_bytes() != content:
            wrong.append(f"{path} no longer matches its sources")
    return wrong


def other_compiler(files: dict[Path, bytes]) -> str | None:
    """Says so when the prebuilt ELFs were made with another compiler than the one found here."""
    for path, content in files.items():
        if path.name == "kernels.json" and (ROOT / path).exists():
            made, here = json.loads((ROOT / path).read_text()), json.loads(content)
            if made["compiler"] != here["compiler"]:
                return f"built with {made['compiler']}, found here {here['compiler']}"
    return None


def main() -> int:
    """Command line of scripts/build-kernels; 0 done, 1 a prebuilt file is stale, 2 no build."""
    parser = argparse.ArgumentParser(prog="build-kernels", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    arguments = parser.parse_args()
    try:
        programs = load_programs()
        if shutil.which(programs[0].command[0]) is None:
            raise BuildError(
                f"{programs[0].command[0]} is not installed; "
                "on Debian: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
            )
        with tempfile.TemporaryDirectory(prefix="build-kernels-") as folder:
            files = build_all(programs, Path(folder))
    except BuildError as error:
        print(f"build-kernels: {error}", file=sys.stderr)
        return 2
    if arguments.check:
        wrong = compare(files)
        for line in wrong:
            print(f"build-kernels: {line}", file=sys.stderr)
        if wrong and (reason := other_compiler(files)):
            print(f"build-kernels: {reason}", file=sys.stderr)
        return 1 if wrong else 0
    for path, content in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_bytes(content)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
