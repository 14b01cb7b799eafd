"""One self-contained page: template, style and script in one text that needs no network.

The script runs only because it hashes to what the page's Content-Security-Policy names, so markup
that slipped through the escaping could not run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simcore.report.html.colors import color_rules

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).resolve().parent
STYLE = "report.css"
FLAME = "flame.js"
SCRIPTS = ("theme.js", "tables.js", "rows.js", "search.js", FLAME, "figures.js")  # in this order
#: What could end a script element, or begin markup inside of it.
_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def write_page(template: str, *, has_flame: bool = True, **values: Any) -> str:
    """The page that a template makes of ``values``; without a flame graph it lacks its script."""
    from markupsafe import Markup

    script = _script([name for name in SCRIPTS if has_flame or name != FLAME])
    policy = (
        f"default-src 'none'; script-src 'sha256-{_sha256(script)}'; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            policy=policy,
            style=Markup(_asset(STYLE) + color_rules()),
            script=Markup(script),
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


def _script(names: Iterable[str]) -> str:
    return "(() => {\n'use strict';\n" + "\n".join(map(_asset, names)) + "})();\n"


def _asset(name: str) -> str:
    return (FOLDER / "static" / name).read_text(encoding="utf-8")


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
