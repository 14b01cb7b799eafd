"""The layouts over which a choice is judged: [layouts] of the core's file.

A relink moves functions, so that branches collide elsewhere in the predictor and loops begin
elsewhere in a fetch group: at one layout a move may gain by chance. Each layout has the functions
in another order and all code shifted by other words of a cache line; every other one is timed under
another answer to what no source decides of the branch predictor and the caches. What a linker makes
of the advised choice is more certain than that: the order stays and gaps close.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.errors import ModelError
from simcore.linking import LinkMap
from simcore.linking.relayout import relaid
from simcore.linking.sections import BEHIND
from simcore.placement.orders import closed, first_function, reordered
from simcore.placement.pieces import LINE
from simcore.run.setup import WORD, Move, TimingSetup
from simcore.run.spec import RunSpec

#: Bytes by which code and constants may lie higher than the map tells: alignment of what is put in
#: front, and a line of the caches.
_EXACT = (0, 8, 16, 24, LINE)
#: Bytes by which data in RAM may, with caches: what start-up code reads when it copies makes other
#: lines of the D-cache the victims of all that follows, as data does that lies a line higher.
_SHIFTED = (LINE, 2 * LINE, 3 * LINE)


@dataclass(frozen=True, slots=True)
class JudgedLayout:
    """One of the set: the number of an order, bytes of shift, and the part's model."""

    number: int
    offset: int
    model: CpuModel
    answer: str | None = None  # settings of another answer; None: the model's own

    def setup(self, image: Image, setup: TimingSetup, moves: Sequence[Move]) -> TimingSetup:
        """Some moves in this layout; as near to it as the memories have room."""
        model = self.model
        data = setup.caches != "off"  # without a cache all places in a memory are alike
        found = reordered(image, model, moves, self.number, self.offset, data=data)
        found = found or reordered(image, model, moves, self.number, 0, data=data)
        found = found or tuple(moves)
        return replace(setup, model=model, moves=found)


def layouts(spec: RunSpec, setup: TimingSetup, image: Image) -> list[JudgedLayout]:
    """The layouts that [layouts] of the part's model asks for, in their order."""
    asked = setup.model.layouts
    words = setup.model.core.icache.line_bytes // WORD
    found = []
    others = list(islice(_answers(spec, setup, image), asked.orders // 2))
    for number in range(asked.orders):
        model, answer = setup.model, None
        if number % 2 and others:
            answer, model = others[number // 2 % len(others)]
        found.append(JudgedLayout(number, WORD * (number % words), model, answer))
    return found


def relinked_setups(
    image: Image, setup: TimingSetup, moves: Sequence[Move], found: LinkMap | None = None
) -> list[TimingSetup]:
    """What a linker makes of a choice: gaps closed, and what stays shifted by double words of a
    line, or by words where code does not begin on a double word: the fragment ends on one.

    By the linker's map it is known what stands in front.
    """
    if found is not None and moves:
        asked = [(offset, 0) for offset in _EXACT]
        asked += [(0, shift) for shift in _SHIFTED if setup.caches != "off"]
        known = [relaid(image, setup.model, found, moves, *one) for one in asked]
        exact = [replace(setup, moves=one) for one in known if one is not None]
        if len(exact) == len(asked):
            return exact
    setups = []
    # The fragment ends on a double word. Code behind it begins on one, and stays where it is else.
    places = {0, -first_function(image) % BEHIND}
    for offset in range(0, setup.model.core.icache.line_bytes + WORD, WORD):
        if offset % BEHIND not in places:
            continue
        packed = closed(image, setup.model, moves, offset)
        if packed is not None:
            setups.append(replace(setup, moves=packed))
    return setups or [replace(setup, moves=tuple(moves))]


def _answers(spec: RunSpec, setup: TimingSetup, image: Image) -> Iterator[tuple[str, CpuModel]]:
    """(settings, model) of the other answers, the first of each question before the second."""
    known = {one.name: one.answers for one in setup.model.undecided}
    asked = [known[name] for name in setup.model.layouts.questions if name in known]
    for turn in range(max(map(len, asked), default=0)):
        for answers in asked:
            if turn < len(answers):
                settings = answers[turn]
                try:
                    other = replace(spec, overrides=(*spec.overrides, *settings)).setup(
                        setup.moves, image
                    )
                except ModelError:
                    continue  # a part of the user's that has no such key
                if other.model.sha256 != setup.model.sha256:
                    yield " ".join(settings), other.model
