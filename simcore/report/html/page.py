"""One self-contained page: template, style, scripts and plotly in one text that needs no network.

Scripts run only when they hash to what the page's Content-Security-Policy names, so markup that
slipped through the escaping could not run either.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simcore.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).resolve().parent
STYLE = "report.css"
SCRIPTS = ("theme.js", "tables.js", "search.js", "flame.js", "figures.js")  # in this order
#: What could end a script element, or begin markup inside of it.
_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def write_page(template: str, figures: Mapping[str, Any], **values: Any) -> str:
    """The page that a template makes of ``values``; ``figures`` are plotly figures by id."""
    from markupsafe import Markup

    script = _script()
    plotly = _plotly() if figures else b""
    hashes = [_sha256(script.encode()), *([_sha256(plotly)] if plotly else [])]
    policy = (
        "default-src 'none'; script-src " + " ".join(f"'sha256-{hash}'" for hash in hashes) + "; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    packed = base64.b64encode(gzip.compress(plotly, 9, mtime=0)).decode() if plotly else ""
    return (
        _environment()
        .get_template(template)
        .render(
            policy=policy,
            style=Markup(_asset(STYLE)),
            script=Markup(script),
            plotly=packed,
            figures=figures,
            figure_data=as_json(dict(figures)),
            **values,
        )
    )


def as_json(value: Any) -> Markup:
    """JSON that can stand in a script element whatever texts it holds."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_IN_SCRIPT))


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _script() -> str:
    return "(() => {\n'use strict';\n" + "\n".join(map(_asset, SCRIPTS)) + "})();\n"


def _asset(name: str) -> str:
    return (FOLDER / "static" / name).read_text(encoding="utf-8")


def _plotly() -> bytes:
    """plotly.min.js of the installed plotly, whose Python side stays out. Raises ConfigError."""
    from importlib.util import find_spec

    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ConfigError("plotly is missing, which draws the figures: reinstall mcusim")
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_bytes()


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
