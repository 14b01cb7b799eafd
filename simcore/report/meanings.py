"""What causes of cycles and components of energy mean, in plain words, and what helps against them.

The one place for these words: pages show them where a word is pointed at or focused, the text
report with --explain, and the glossary has them word for word.
"""

from __future__ import annotations

from collections.abc import Mapping

from simcore.records import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """``words`` say what it is, ``doing`` what a function does then, ``remedy`` what to try."""

    words: str
    doing: str = ""
    remedy: str = ""


#: In the order of counters.CAUSES.
CAUSES: Mapping[str, Meaning] = {
    "issue": Meaning(
        "an instruction, or a pair of them, was issued: the work itself",
        "issuing instructions",
        "fewer instructions: another algorithm, SIMD, more optimisation",
    ),
    "dependency": Meaning(
        "an instruction waited for the result of an earlier one",
        "waiting for results",
        "independent work between the two, such as a second accumulator",
    ),
    "load_use": Meaning(
        "an instruction waited for a value that was just loaded, though TCM or cache had it",
        "waiting for values just loaded",
        "loading earlier, by unrolling the loop or more optimisation",
    ),
    "execute": Meaning(
        "an instruction went on for further cycles, as divides and double precision do",
        "in long instructions",
        "multiplying by a reciprocal, float in place of double, a table",
    ),
    "branch": Meaning(
        "a branch was taken or predicted wrongly, and the pipeline filled again",
        "refilling behind branches",
        "fewer branches: unrolled loops, inlined calls, conditional instructions",
    ),
    "fetch": Meaning(
        "the next instruction was not there yet: wait states of the flash, or a cache miss",
        "waiting for instructions",
        "its code in ITCM, or the instruction cache on",
    ),
    "load": Meaning(
        "a load waited for memory: a miss of the data cache, or memory that is not cached",
        "waiting for loads",
        "its data in DTCM, or the data cache on, or accesses in the order of addresses",
    ),
    "store": Meaning(
        "a store waited because the store buffer was full: memory took stores more slowly",
        "waiting for stores",
        "its data in DTCM, or fewer and wider stores",
    ),
    "sleep": Meaning("the core slept, after WFI or WFE, until an event woke it"),
}

#: In the order of energy.COMPONENTS.
COMPONENTS: Mapping[str, Meaning] = {
    "always_on": Meaning("leakage and the regulator, all of the time, asleep too"),
    "clock": Meaning("the clock tree, in each cycle awake"),
    "core": Meaning("the core, in each cycle awake, waiting or not"),
    "pipeline": Meaning("the pipeline, in each cycle in which it does not wait for memory"),
    "issue": Meaning("the instructions themselves, each by its class"),
    "fetch": Meaning("bringing instructions, by where they were found"),
    "data": Meaning("loads and stores, by where they went"),
    "sleep": Meaning("the clock tree, in each cycle asleep"),
}


def told(words: Mapping[str, Meaning], name: str) -> str:
    """What a cause or component means, and what to try; nothing of one that is not known here."""
    found = words.get(name)
    if found is None:
        return ""
    remedy = f". Try {found.remedy}" if found.remedy else ""
    return f"{name.replace('_', ' ')}: {found.words}{remedy}."
