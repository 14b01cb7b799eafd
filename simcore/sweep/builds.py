"""Programs that a sweep builds: one run of the user's own command for each choice of flags.

The command is one for the shell, run in the folder of the sweep's file, with what it has in braces
filled in. It writes the program to {elf}, also in $MCUSIM_ELF, in a temporary folder of its own
({folder}, $MCUSIM_FOLDER); or to where ``elf`` says, from where it is taken behind each run.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from simcore.errors import ConfigError
from simcore.run.written import SettingsTable, read_text
from simcore.shell import run_build
from simcore.sweep.axes import Axis, AxisChoice, Draft

_PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z_][a-z0-9_]*)\}")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
#: What is filled in without being varied.
_GIVEN = ("elf", "folder")


class SweepBuild(NamedTuple):
    """A command with placeholders; ``elf`` is where it leaves the program, if it takes no {elf}."""

    where: str  # file and table, for messages
    command: str
    folder: Path
    elf: str | None

    def run(self, choices: Mapping[str, str], folder: Path) -> str:
        """Build one program in a folder; the path of the ELF. Raises ConfigError when it fails."""
        folder.mkdir(parents=True)
        made = folder / "program.elf"
        filled = {**choices, "elf": str(made), "folder": str(folder)}
        command = _filled(choices.get("command", self.command), filled)
        told = {"MCUSIM_ELF": str(made), "MCUSIM_FOLDER": str(folder)}
        failed = run_build(command, told, self.folder)
        if failed is not None:
            raise ConfigError(f"{self.where}'{command}' {failed}")
        if self.elf is not None:
            try:
                shutil.copyfile(self.folder / _filled(self.elf, filled), made)
            except OSError as error:
                raise ConfigError(
                    f"{self.where}'{command}' left no {error.filename}: {error.strerror}"
                ) from None
        if not made.is_file():
            raise ConfigError(
                f"{self.where}'{command}' wrote no program: let it write to {{elf}}, or say with"
                ' elf = "FILE" where it leaves it'
            )
        return str(made)


def build_of(table: SettingsTable) -> SweepBuild:
    """The build that the table [build] says. Raises ConfigError."""
    told = table.values.get("command")
    commands: list[Any] = told if isinstance(told, list) else [told]
    elf = None if "elf" not in table.values else table.get("elf", read_text)
    placeholders = [key for key in table.values if key not in ("command", "elf")]
    for key in placeholders:
        if not _NAME.fullmatch(key) or key in _GIVEN:
            raise table.error(key, "it is no name of a placeholder: letters, digits and _")
    if not commands:
        raise table.error("command", "it has no choice: the space is empty")
    for one in commands:
        if not isinstance(one, str) or not one.strip():
            raise table.error("command", "it is a command for the shell, or a list of such")
        for name in _PLACEHOLDER.findall(one):
            if name not in (*placeholders, *_GIVEN):
                raise table.error(
                    "command", f"nothing fills {{{name}}}: give [build] a list {name} = [...]"
                )
    for key in placeholders:
        if not any(f"{{{key}}}" in text for text in (*commands, elf or "")):
            raise table.error(key, f"no command has {{{key}}}")
    where = f"{table.file}: {table.where}"
    return SweepBuild(where, commands[0], table.file.parent, elf)


def build_axes(table: SettingsTable) -> list[Axis]:
    """What is varied of a build: each placeholder, and the commands where there are several."""
    axes = []
    for key, value in table.values.items():
        if key == "elf" or (key == "command" and not isinstance(value, list)):
            continue
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise table.error(key, "it is a list of texts")
        axes.append(Axis(key, tuple(_choice(key, one) for one in values)))
    return axes


def _choice(key: str, value: str) -> AxisChoice:
    def applied(draft: Draft) -> Draft:
        return replace(draft, build={**draft.build, key: value})

    return AxisChoice(value.strip() or "none", applied)


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)
