"""Where the data files that ship with mcusim lie: CPU models and prebuilt kernels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from simcore.errors import ConfigError

DataFolder = Literal["cpu_models", "kernels"]

MANIFEST = "kernels.json"


def data_folder(name: DataFolder) -> Path:
    """Return the folder `name` of the installed package, or of the checkout beside it.

    A wheel carries the data folders in `simcore/_data`. An editable install leaves them beside the
    package, where importlib.resources does not look. Raises ConfigError when neither place has it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise ConfigError(f"data folder '{name}' is missing beside {package}: reinstall mcusim")


def prebuilt_kernels(below: str = "prebuilt") -> list[dict[str, Any]]:
    """Name, path, description and part of each prebuilt ELF below kernels. Raises ConfigError."""
    folder = data_folder("kernels") / below
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        rows = manifest["kernels"]
        return [
            {
                "name": row["name"],
                "path": str(_shortest(folder / row["file"])),
                "description": row["description"],
                "part": row["part"],
            }
            for row in rows
        ]
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}: reinstall mcusim") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{folder / MANIFEST}: corrupt list of kernels: reinstall") from None


def _shortest(path: Path) -> Path:
    """The path relative to the working folder when it lies below it, so that it can be pasted."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
