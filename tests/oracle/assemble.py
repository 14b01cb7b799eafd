"""Writes and checks the [code] tables of the timing cases with the Arm cross assembler.

Run as `python -m tests.oracle.assemble` to compare (exit status 1 on a difference), with `--write`
to renew the tables. Users without the assembler run the cases from the stored bytes.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.oracle.cases import CASES, Case, load_file
from tests.oracle.measure import ITERATIONS, LOOP_ITERATIONS, programs
from tests.oracle.program import ENTRY, LEAVE

ASSEMBLER = ("arm-none-eabi-as", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mthumb")
MARK = "# Bytes by arm-none-eabi-as, renewed with `python -m tests.oracle.assemble --write`."


def assemble(texts: Iterable[str]) -> dict[str, str]:
    """Each instruction's bytes in memory order as hex. Raises RuntimeError with the tool's text."""
    wanted = list(dict.fromkeys(texts))
    lines = [".syntax unified", ".thumb", ".text"]
    for number, text in enumerate(wanted):
        lines += [f"i{number}:", text]
    lines.append("end:\n")
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "cases.s"), Path(folder, "cases.o")
        source.write_text("\n".join(lines))
        _call(*ASSEMBLER, str(source), "-o", str(binary))
        names = _call("arm-none-eabi-nm", str(binary)).splitlines()
        _call("arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", str(binary), f"{binary}.bin")
        data = Path(f"{binary}.bin").read_bytes()
    address = {name: int(value, 16) for value, _, name in (line.split() for line in names)}
    edges = [address[f"i{number}"] for number in range(len(wanted))] + [address["end"]]
    return {
        text: data[start:end].hex()
        for text, start, end in zip(wanted, edges, edges[1:], strict=False)
    }


def _call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def code_table(cases: Iterable[Case]) -> dict[str, str]:
    """The bytes of every instruction that measuring the cases executes, freshly assembled."""
    needed = [program for case in cases for program in programs(case)]
    plain = {*ENTRY, *LEAVE}
    for program in needed:
        plain.update(program.body[:-1] if program.loops else program.body)
        for iterations in (*ITERATIONS, *LOOP_ITERATIONS):
            plain.update(program.setup(iterations))
    table = assemble(sorted(plain))
    # Back-branches need the lengths of the others.
    branches = {program.texts(table)[-1] for program in needed if program.loops}
    table.update(assemble(sorted(branches)))
    return dict(sorted(table.items()))


def check(path: Path, write: bool = False) -> list[str]:
    """Differences between a case file's [code] and the assembler's output, as lines of text."""
    cases = load_file(path)
    fresh = code_table(cases)
    stored = dict(cases[0].code) if cases else {}
    differences = [
        f"{path.name}: {text!r} is {stored.get(text, 'missing')}, assembler says {fresh.get(text)}"
        for text in sorted(fresh.keys() | stored.keys())
        if fresh.get(text) != stored.get(text)
    ]
    if differences and write:
        head = re.split(rf"(?m)^{re.escape(MARK)}$|^\[code\]$", path.read_text())[0].rstrip()
        rows = "\n".join(f'"{text}" = "{data}"' for text, data in fresh.items())
        path.write_text(f"{head}\n\n{MARK}\n[code]\n{rows}\n")
        return []
    return differences


def main(arguments: list[str]) -> int:
    """Check every case file, or with --write renew it; returns the exit status."""
    differences = [
        line
        for path in sorted(CASES.glob("*.toml"))
        for line in check(path, "--write" in arguments)
    ]
    print("\n".join(differences) or "case bytes agree with the assembler")
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
