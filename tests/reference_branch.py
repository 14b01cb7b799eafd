"""Slow, obvious twin of branch.c: BTAC, static prediction without one, return stack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from tests.reference_config import Config


class BranchKind(IntEnum):
    """How a block ends (enum branch_kind)."""

    NONE = 0
    CONDITIONAL = 1
    DIRECT = 2
    CALL = 3
    CALL_INDIRECT = 4
    RETURN = 5
    INDIRECT = 6
    TABLE = 7


class Prediction(IntEnum):
    """enum prediction"""

    PREDICTED = 0
    PREDICTED_STATIC = 1
    MISPREDICTED = 2


@dataclass
class Target:
    """What the BTAC knows of a branch: where it went, and 0 to 3: taken is expected from 2 on."""

    address: int
    counter: int


class Predictor:
    def __init__(self, config: Config) -> None:
        self.config = config
        sets = config.btac_entries // config.btac_ways if config.btac_entries else 0
        # Each set maps branch to target, least recently used first, as dicts keep their order.
        self.btac: list[dict[int, Target]] = [{} for _ in range(sets)]
        self.returns: list[int] = []
        self.reads, self.allocates = not config.btac_read_disabled, True
        self.ran_on = False  # fetch went on behind the last branch until that was known to be wrong

    def control(self, actlr: int) -> None:
        """ACTLR was written: DISBTACREAD is bit 13, DISBTACALLOC bit 14."""
        self.reads = not (self.config.btac_read_disabled or actlr >> 13 & 1)
        self.allocates = not actlr >> 14 & 1

    def known(self, branch: int) -> Target | None:
        """The entry of a branch; looking it up counts as a use."""
        if not self.btac:
            return None
        entries = self.btac[branch // 2 % len(self.btac)]
        target = entries.pop(branch, None)
        if target:
            entries[branch] = target
        return target

    def learn(self, branch: int, taken: bool, went: int) -> None:
        entry = self.known(branch)
        if entry and taken:
            entry.counter = min(entry.counter + 1, 3)
            entry.address = went
        elif entry:
            entry.counter = max(entry.counter - 1, 0)
        elif taken and self.btac and self.allocates:
            entries = self.btac[branch // 2 % len(self.btac)]
            if len(entries) == self.config.btac_ways:
                del entries[next(iter(entries))]
            entries[branch] = Target(went, 2)

    def branch(
        self,
        kind: BranchKind,
        conditional: bool,
        branch: int,
        target: int,
        fall_through: int,
        went: int,
    ) -> Prediction:
        """Predicts a branch and learns. target: of a direct branch; went: what ran next."""
        taken = went != fall_through
        self.ran_on = False
        if taken and kind in (BranchKind.CALL, BranchKind.CALL_INDIRECT):
            self.returns.append(fall_through)
            del self.returns[: max(0, len(self.returns) - self.config.return_stack_entries)]
        if taken and kind == BranchKind.RETURN and self.returns:
            right = self.returns.pop() == went
            return Prediction.PREDICTED if right else Prediction.MISPREDICTED
        entry = self.known(branch) if self.reads else None
        if entry:
            right = taken == (entry.counter >= 2) and (not taken or entry.address == went)
            hit = Prediction.PREDICTED
            self.ran_on = entry.counter < 2
        else:
            self.ran_on = taken
            # Decode sees a direct branch: one without a condition is taken. Under a condition one
            # that the BTAC does not know falls through; without a BTAC a backward one is taken.
            direct = kind in (BranchKind.CONDITIONAL, BranchKind.DIRECT, BranchKind.CALL)
            guesses = not self.btac or not self.reads
            expects_taken = direct and (not conditional or (guesses and target <= branch))
            right = taken == expects_taken
            hit = Prediction.PREDICTED_STATIC if taken else Prediction.PREDICTED
        self.learn(branch, taken, went)
        return hit if right else Prediction.MISPREDICTED
