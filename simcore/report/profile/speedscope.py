"""The speedscope file format (www.speedscope.app): the call tree by cycles and by energy."""

from __future__ import annotations

import json
from typing import Any

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.inlined import unfolded
from simcore.report.stacks import CallTree
from simcore.units import clock

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def render(profile: Profile, options: RenderOptions) -> str:
    """A document with two sampled profiles, cycles and energy in nanojoules, and one for each task.

    A sample is a node of the call tree with its own costs; their order is that of first calls.
    """
    tree = CallTree(unfolded(profile))
    frames: dict[tuple[str, str | None, int | None], int] = {}
    stacks = [[frames.setdefault(_frame(tree, node), len(frames)) for node in tree.stacks[index]]
              for index in tree.order]  # fmt: skip
    cycles, energy = (tree.weights(weight) for weight in ("cycles", "energy"))
    name = f"{profile.elf.name} on {profile.cpu.name} at {clock(profile.cpu.clock_hz)}"
    document = {
        "$schema": SCHEMA,
        "name": name,
        "exporter": f"{profile.tool.name}@{profile.tool.version}",
        "activeProfileIndex": 0,
        "shared": {
            "frames": [
                {"name": label}
                | ({} if file is None else {"file": file})
                | ({} if line is None else {"line": line})
                for label, file, line in frames
            ]
        },
        "profiles": [
            _sampled("cycles", stacks, [cycles[index] for index in tree.order]),
            _sampled("energy (nJ)", stacks, [energy[index] for index in tree.order]),
            *(
                _sampled(
                    f"cycles of {task}",
                    stacks,
                    [cycles[index] if tree.tasks[index] == task else 0 for index in tree.order],
                )
                for task in dict.fromkeys(tree.tasks)
            ),
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _frame(tree: CallTree, index: int) -> tuple[str, str | None, int | None]:
    node = tree.nodes[index]
    if node.op is not None or node.function is None:
        return tree.labels[index], None, None
    function = tree.profile.functions[node.function]
    return function.name, function.file, function.line


def _sampled(name: str, stacks: list[list[int]], weights: list[int]) -> dict[str, Any]:
    samples = [(stack, weight) for stack, weight in zip(stacks, weights, strict=True) if weight]
    return {
        "type": "sampled",
        "name": name,
        "unit": "none",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": [stack for stack, _ in samples],
        "weights": [weight for _, weight in samples],
    }
