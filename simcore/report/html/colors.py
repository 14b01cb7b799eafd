"""Colours of the words in a page's charts: one word has one colour everywhere, and it alone has it.

A colour stands for a cause of cycles, a component of energy, a kind of traffic, an operator of a
network or a ceiling of the part; the word that is a cause and a component too keeps its colour. All
are at least 0.07 apart in OKLab (Ottosson, "A perceptual color space for image processing", 2020),
where 0.02 is a just visible step, and stand out from the paper of both themes; the first ones are
Tableau's, the others were found by moving each in turn as far from all as it can go.
"""

from __future__ import annotations

from collections.abc import Iterable

#: By word: causes, then components that are no causes, then what moves between core and memory.
WORDS = {
    "issue": "#4e79a7", "dependency": "#b07aa1", "load_use": "#edc948", "execute": "#9c755f",
    "branch": "#59a14f", "fetch": "#76b7b2", "load": "#e15759", "store": "#f28e2b",
    "sleep": "#a9a5a1",
    "always_on": "#694b69", "clock": "#a596ff", "core": "#b42d78", "pipeline": "#ffb4a5",
    "data": "#b49600",
    "fetched": "#006969", "read": "#87c32d", "written": "#a52d00",
}  # fmt: skip
#: Of operators, the costliest first; the others share the hatching of class k-other.
OPERATORS = (
    "#6978f0", "#b4c387", "#d269d2", "#009696", "#b4c3ff", "#874bb4", "#00d2ff", "#ff96ff",
)  # fmt: skip
#: Of a roofline's memories, the fastest first; the others share the dots of class r-other.
CEILINGS = ("#1e4bb4", "#00a5f0", "#007800", "#ff78a5", "#695a0f", "#00e1a5")


def word_class(word: str) -> str:
    """The class that has the colour of a word; of one without a colour that of no word."""
    return f"c-{word}" if word in WORDS else "c-unknown"


def operator_class(rank: int) -> str:
    return f"k-{rank}" if rank < len(OPERATORS) else "k-other"


def ceiling_class(rank: int) -> str:
    return f"r-{rank}" if rank < len(CEILINGS) else "r-other"


def legend(words: Iterable[str]) -> dict[str, str]:
    """The classes of words, as figures take them."""
    return {word: word_class(word) for word in words}


def color_rules() -> str:
    """The style rules of all classes: a background, and a stroke for lines of a drawing."""
    colors = {word_class(word): color for word, color in WORDS.items()}
    colors |= {operator_class(rank): color for rank, color in enumerate(OPERATORS)}
    colors |= {ceiling_class(rank): color for rank, color in enumerate(CEILINGS)}
    return "\n".join(
        f".{name} {{ background: {color}; stroke: {color}; }}" for name, color in colors.items()
    )
