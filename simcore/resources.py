"""Where the data files that ship with mcusim lie: CPU models and prebuilt kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from simcore.errors import ConfigError

DataFolder = Literal["cpu_models", "kernels"]


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
