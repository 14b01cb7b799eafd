"""Collapsed stacks, ``outer;inner weight`` a line, for Brendan Gregg's flamegraph.pl and others.

The outermost frame is the task, where a kernel switches between tasks.
"""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.inlined import unfolded
from simcore.report.stacks import CallTree


def render(profile: Profile, options: RenderOptions) -> str:
    """A line for each stack that has costs of its own, weighed by ``options.weight``."""
    tree = CallTree(unfolded(profile))
    weights = tree.weights(options.weight)
    sums: dict[str, int] = {}  # one stack may be reached over several call sites
    for index in tree.order:
        labels = [*tree.tasks[index : index + 1], *(tree.labels[at] for at in tree.stacks[index])]
        stack = ";".join(_frame(label) for label in labels)
        sums[stack] = sums.get(stack, 0) + weights[index]
    return "".join(f"{stack} {weight}\n" for stack, weight in sums.items() if weight)


def _frame(label: str) -> str:
    # A semicolon separates frames, and a line ends a stack.
    return " ".join(label.replace(";", ":").split())
