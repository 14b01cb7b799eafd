"""Call trees for the flame graph: one run's, or two runs' merged frame by frame.

Frames of the same name below the same frame are one, whatever the call site. Values are whole
cycles and whole femtojoules, so that sums in the browser are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simcore.costs.profile import Profile
from simcore.report.asleep import asleep as asleep_of
from simcore.report.stacks import check_call_tree

MOST_FRAMES = 4000  # what a browser draws and a reader finds his way in; the widest stay
ROOT = "all"

SLEEP = ("sleep", "sleep")  # the frame of what a function slept

Key = tuple[str, str]  # kind (task, function, operation or sleep) and name


@dataclass(slots=True)
class FlameFrame:
    """A frame: costs without callees per run, in cycles and femtojoules, and calls per run."""

    key: Key
    parent: int | None
    calls: list[int]
    own: list[list[int]]  # per run: cycles, femtojoules
    whole: list[list[int]] = field(default_factory=list)  # the same with callees


def flame_data(profile: Profile) -> dict[str, Any]:
    """What the browser draws of one run; colours are the share of stalls, callees included.

    A call tree holds no causes: each frame has the share of its function, over all of its calls.
    """
    stalls = {
        row.name: 1 - row.cycles_by_cause.get("issue", 0) / awake
        for row in profile.functions
        if (awake := row.cycles_self - row.cycles_by_cause.get("sleep", 0))
    }
    return _data([profile], stalls)


def differential_data(old: Profile, new: Profile) -> dict[str, Any]:
    """What the browser draws of two runs: widths of the new one, colours by the change."""
    return _data([old, new], {})


def _data(profiles: Sequence[Profile], stalls: dict[str, float]) -> dict[str, Any]:
    frames = merged_frames(profiles)
    kept = _widest(frames, MOST_FRAMES)
    order = _in_order(frames, kept)
    number_of = {old: new for new, old in enumerate(order)}
    names: dict[Key, int] = {}
    for index in order:
        names.setdefault(frames[index].key, len(names))
    heat = _stall_shares(frames, stalls)
    nodes = []
    for index in order:
        frame = frames[index]
        parent = -1 if frame.parent is None else number_of[frame.parent]
        runs = zip(frame.calls, frame.own, frame.whole, strict=True)
        nodes.append(
            [parent, names[frame.key]]
            + [n for calls, own, whole in runs for n in (calls, *own, *whole)]
        )
    return {
        "runs": len(profiles),
        "clock_hz": profiles[-1].cpu.clock_hz,
        "names": [name for _, name in names],
        "operations": [number for (kind, _), number in names.items() if kind == "operation"],
        "sleep": [number for key, number in names.items() if key == SLEEP],
        "stalls": [round(heat[index], 3) for index in order],
        "nodes": nodes,
        "left_out": len(frames) - len(kept),
    }


def merged_frames(profiles: Sequence[Profile]) -> list[FlameFrame]:
    """The frames of all runs in one tree; parents stand before their children.

    Raises ConfigError when a call tree, which may come from a file, is none.
    """
    runs = len(profiles)
    frames = [FlameFrame(("root", ROOT), None, [0] * runs, [[0, 0] for _ in profiles])]
    found: dict[tuple[int, Key], int] = {}
    slept = [asleep_of(profile) for profile in profiles]

    def frame_of(parent: int, key: Key) -> int:
        known = found.get((parent, key))
        if known is None:
            known = found[parent, key] = len(frames)
            frames.append(FlameFrame(key, parent, [0] * runs, [[0, 0] for _ in profiles]))
        return known

    for run, profile in enumerate(profiles):
        check_call_tree(profile)
        at: list[int] = []
        for node in profile.call_tree:
            index = 0 if node.parent is None else at[node.parent]
            keys = [_key(profile, node.function, node.op)]
            if node.parent == 0 and profile.has_tasks:
                keys.insert(0, ("task", profile.tasks[node.task].name))
            for key in keys:
                if key is None:
                    continue
                index = frame_of(index, key)
            at.append(index)
            asleep = min(node.sleep_cycles or 0, node.cycles)
            whole_fj = round(node.energy_j * 1e15)
            asleep_fj = min(round(asleep * slept[run].energy_per_cycle_j * 1e15), whole_fj)
            frame = frames[index]
            frame.calls[run] += node.calls
            frame.own[run][0] += node.cycles - asleep
            frame.own[run][1] += whole_fj - asleep_fj
            if asleep:
                below = frame_of(index, SLEEP)
                frames[below].own[run][0] += asleep
                frames[below].own[run][1] += asleep_fj
    for frame in frames:
        frame.whole = [list(own) for own in frame.own]
    for frame in reversed(frames):  # every child is complete before its parent
        if frame.parent is not None:
            above = frames[frame.parent].whole
            for run, whole in enumerate(frame.whole):
                above[run][0] += whole[0]
                above[run][1] += whole[1]
    return frames


def _stall_shares(frames: Sequence[FlameFrame], stalls: Mapping[str, float]) -> list[float]:
    """For each frame the share of stalls in its cycles awake, callees included."""
    awake = [0 if frame.key == SLEEP else frame.own[-1][0] for frame in frames]
    stalled = [n * stalls.get(frame.key[1], 0.0) for n, frame in zip(awake, frames, strict=True)]
    for index in reversed(range(len(frames))):
        parent = frames[index].parent
        if parent is not None:
            stalled[parent] += stalled[index]
            awake[parent] += awake[index]
    return [part / whole if whole else 0.0 for part, whole in zip(stalled, awake, strict=True)]


def _key(profile: Profile, function: int | None, op: int | None) -> Key | None:
    if op is not None:
        return "operation", profile.ops[op].name
    return None if function is None else ("function", profile.functions[function].name)


def _widest(frames: Sequence[FlameFrame], most: int) -> set[int]:
    """The frames of the largest share in either cost; a parent is never narrower than its child."""
    everything = [max(1, *(whole[n] for whole in frames[0].whole)) for n in (0, 1)]

    def width(index: int) -> float:
        whole = frames[index].whole
        return max(run[n] / everything[n] for run in whole for n in (0, 1))

    # sorted() is stable and parents come first, so equal widths tear nothing apart.
    return set(sorted(range(len(frames)), key=lambda index: -width(index))[:most])


def _in_order(frames: Sequence[FlameFrame], kept: set[int]) -> list[int]:
    """Depth first, siblings by falling cycles of the last run."""
    children: dict[int, list[int]] = {}
    for index, frame in enumerate(frames):
        if index in kept and frame.parent is not None:
            children.setdefault(frame.parent, []).append(index)
    order, stack = [], [0]
    while stack:
        index = stack.pop()
        order.append(index)
        below = children.get(index, [])
        below.sort(key=lambda child: (-frames[child].whole[-1][0], frames[child].key))
        stack.extend(reversed(below))
    return order
