"""Packages that only some commands need, by the extra of mcusim that installs them."""

from __future__ import annotations

from typing import Literal

from simcore.errors import ConfigError

Extra = Literal["advise", "cluster", "search", "store", "study", "svd", "sweep", "verify"]

#: What each extra of pyproject.toml is there for.
PACKAGES: dict[Extra, tuple[str, ...]] = {
    "advise": ("scipy", "numpy"),
    "cluster": ("distributed",),
    "search": ("optuna",),
    "store": ("sqlalchemy", "pyarrow"),
    "study": ("matplotlib",),
    "sweep": ("scipy", "numpy"),
    "svd": ("cmsis_svd", "lxml"),
    "verify": ("tflite_micro",),
}


def require(extra: Extra, command: str, otherwise: str = "") -> None:
    """Raise ConfigError when a package of an extra is missing; to be called before any long work.

    ``command`` is what needs it, ``otherwise`` what would work without. Nothing is imported.
    """
    from importlib.util import find_spec

    missing = " and ".join(name for name in PACKAGES[extra] if find_spec(name) is None)
    if missing:
        remedy = f"pip install 'mcusim[{extra}]'" + (f", or {otherwise}" if otherwise else "")
        raise ConfigError(f"{command} needs {missing}: {remedy}")
