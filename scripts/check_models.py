#!/usr/bin/env python3
"""Check every file of cpu_models/: each number has value, unit and a source that [sources] cites.

    scripts/check_models.py

Prints one line per problem and ends with 1 if there is any. A shipped file must also call what is
only recalled "assumed", and cite no source that no number of it or of a file below it uses.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from simcore.cpu_model import load_cpu_model
from simcore.cpu_model.check import source_tags
from simcore.cpu_model.schema import Tree, facts
from simcore.cpu_model.tree import load_any_tree, shipped_models, shipped_parts
from simcore.errors import ModelError


def problems() -> list[str]:
    """Everything that is wrong with the shipped models."""
    found: list[str] = []
    used: set[str] = set()
    cited: dict[str, str] = {}
    for name, path in shipped_models().items():
        try:
            tree = load_any_tree(name)
            if name in shipped_parts():
                model = load_cpu_model(name)
                model.timing(model.max_clock_hz)
        except ModelError as error:
            found.append(str(error))
            continue
        found += [f"{path}: {problem}" for problem in tree_problems(tree, name)]
        used |= {tag for _, fact in facts(tree) for tag in source_tags(fact["source"])}
        cited |= {tag: str(path) for tag in own_tags(path)}
    found += [f"{path}: source {tag} is cited by no number" for tag, path in cited.items()
              if tag not in used]  # fmt: skip
    return found


def tree_problems(tree: Tree, name: str) -> list[str]:
    """What the schema allows a user but a shipped model must not do."""
    found = [] if tree["name"] == name else [f"name is '{tree['name']}', not that of the file"]
    for path, fact in facts(tree):
        if fact["source"].startswith("recalled") and fact["status"] != "assumed":
            found.append(f"{'.'.join(path)}: is only recalled but not marked assumed")
    return found


def own_tags(path: Path) -> list[str]:
    """The tags of the [sources] table that stands in this file."""
    table = re.search(
        r"^\[sources\]\n(.*?)(?=^\[|\Z)", path.read_text(encoding="utf-8"), re.M | re.S
    )
    return re.findall(r"^(\w+)\s*=", table[1], re.M) if table else []


def main() -> int:
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
