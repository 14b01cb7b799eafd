"""What judges a network: a proxy of its own figures, or a Python function of the user."""

from __future__ import annotations

import copy
import importlib
import math
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

from simcore.errors import ConfigError
from simcore.estimation.estimator import Estimate

#: Null proxies: a larger network is taken for a better one.
PROXIES: Final[Mapping[str, Callable[[Estimate], float]]] = {
    "parameters": lambda one: float(one.parameters),
    "macs": lambda one: float(one.macs),
}

Score = Callable[[Mapping[str, Any], Estimate], float]


def load_score(name: str, folder: Path) -> Score:
    """A score by its name: a proxy, or ``module:function``, which is given the layer list.

    The module is found in ``folder`` too, that of the search's file. Its code is run; what that
    prints goes to standard error, and the layer list is its own. Raises ConfigError for one that is
    not there.
    """
    if name in PROXIES:
        proxy = PROXIES[name]
        return lambda _, estimate: proxy(estimate)
    module_name, colon, function_name = name.partition(":")
    if not colon or not module_name or not function_name:
        raise ConfigError(
            f"score '{name}' is not known: it is {', '.join(PROXIES)} or module:function"
        )
    place = str(folder.resolve())
    sys.path.insert(0, place)
    try:
        with redirect_stdout(sys.stderr):
            module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises
        raise ConfigError(
            f"score '{name}': {module_name} cannot be imported: {_told(error)}"
        ) from None
    finally:
        sys.path.remove(place)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ConfigError(f"score '{name}': {module_name} has no function {function_name}")

    def scored(table: Mapping[str, Any], _: Estimate) -> float:
        try:
            with redirect_stdout(sys.stderr):
                value = float(function(copy.deepcopy(table)))
        except (Exception, SystemExit) as error:  # whatever a stranger's function raises
            raise ConfigError(f"score '{name}' of {table['name']} raised {_told(error)}") from None
        if not math.isfinite(value):
            raise ConfigError(f"score '{name}' of {table['name']} is {value}: no finite number")
        return value

    return scored


def _told(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
