"""What pipelines said in runs before: facts of blocks, schedules and states, as a file of arrays.

A block is found by its bytes and by where they lie in a fetch group, a schedule by the state in
which a stretch is entered, so that a program that was built anew has those of all that is as it
was. The file is little-endian and has, behind a head of counts, a row per state, block and
schedule, then the bytes that rows point to. What a file says is checked as far as anything is read
by it; what does not hold is made again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from simcore.core.facts import COSTS, HEAD, BlockFacts, Told

if TYPE_CHECKING:
    from simcore.core.schedules import FactsKey, Scheduler
    from simcore.pipeline import Pipeline

MOST_BYTES = 24 << 20  # of a file; blocks beyond it are made again each time
MOST_STATES = 1 << 16
_MAGIC = b"mcsched1"
_COUNTS = struct.Struct("<8s4I")  # states, blocks, schedules, bytes behind the rows
_STATE = struct.Struct("<2I")  # where its bytes begin, and how many
_BLOCK = struct.Struct("<2I4B4I")  # code, key, facts, first schedule and how many
_SCHEDULE = struct.Struct("<7IQ")  # stretch, state, three states behind it, costs, unused; variant
_ALIGNMENT = 8


class _BlockRow(NamedTuple):
    """Of a block: where its code and facts lie behind the rows, its key, its schedules."""

    code: int
    code_bytes: int
    it_state: int
    address: int  # modulo the pipeline's alignment
    place: int
    unused: int
    facts: int
    facts_bytes: int
    schedule: int
    schedules: int


class DamagedFileError(ValueError):
    """No such file as keep() writes."""


class KeptFacts:
    """A file's blocks by key, for one pipeline, whose states are interned as it is read.

    Raises DamagedFileError.
    """

    def __init__(self, data: bytes, pipeline: Pipeline) -> None:
        self._data = data
        try:
            self._read(pipeline)
        except (struct.error, ValueError, IndexError, OverflowError, MemoryError):
            raise DamagedFileError from None

    def _read(self, pipeline: Pipeline) -> None:
        data = self._data
        magic, self.states, blocks, self.schedules, size = _COUNTS.unpack_from(data)
        states_at = _COUNTS.size
        blocks_at = states_at + self.states * _STATE.size
        self._schedules_at = blocks_at + blocks * _BLOCK.size
        self._bytes_at = _padded(self._schedules_at + self.schedules * _SCHEDULE.size)
        if magic != _MAGIC or len(data) != self._bytes_at + size or self.states > MOST_STATES:
            raise DamagedFileError
        rows = list(map(_BlockRow._make, _BLOCK.iter_unpack(data[blocks_at : self._schedules_at])))
        base = self._bytes_at
        self._rows: dict[FactsKey, _BlockRow] = {
            (data[base + r.code : base + r.code + r.code_bytes], r.it_state, r.address, r.place): r
            for r in rows
        }
        states = [self._bytes(*row) for row in _STATE.iter_unpack(data[states_at:blocks_at])]
        pipeline.adopt(states)

    def _bytes(self, at: int, size: int) -> bytes:
        found = self._data[self._bytes_at + at : self._bytes_at + at + size]
        if len(found) != size:
            raise DamagedFileError
        return found

    def __len__(self) -> int:
        """Blocks that nobody has taken."""
        return len(self._rows)

    def take(self, key: FactsKey) -> BlockFacts | None:
        """The facts of a block, which the file has no more."""
        row = self._rows.pop(key, None)
        return None if row is None else self._found(row)

    def _found(self, row: _BlockRow) -> BlockFacts | None:
        """What a row says, None when it does not hold."""
        try:
            return self._facts(row)
        except (struct.error, DamagedFileError):
            return None

    def rest(self) -> Iterator[tuple[FactsKey, BlockFacts]]:
        """The blocks that nobody took."""
        for key, row in self._rows.items():
            if (found := self._found(row)) is not None:
                yield key, found

    def _facts(self, row: _BlockRow) -> BlockFacts:
        if row.facts_bytes < HEAD.size:
            raise DamagedFileError
        facts = BlockFacts(self._bytes(row.facts, row.facts_bytes))
        timed = facts.timed()
        if not 0 <= row.schedule <= row.schedule + row.schedules <= self.schedules:
            raise DamagedFileError
        at = self._schedules_at + row.schedule * _SCHEDULE.size
        end = at + row.schedules * _SCHEDULE.size
        for stretch, state, *behind, costs, _, variant in _SCHEDULE.iter_unpack(self._data[at:end]):
            if stretch >= len(timed) or max(state, *behind) >= self.states:
                raise DamagedFileError
            size = COSTS.size + 2 * timed[stretch]
            facts.told[stretch, state, variant] = Told._make((*behind, self._bytes(costs, size)))
        facts.kept = 1 + len(facts.told)
        return facts


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


class _Pile:
    """Bytes one behind the other, each at a multiple of 8."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, part: bytes) -> int:
        """Where the bytes lie."""
        at, size = self.size, _padded(len(part))
        self.parts.append(part.ljust(size, b"\0"))
        self.size += size
        return at


def file_of(scheduler: Scheduler, kept: KeptFacts | None) -> bytes | None:
    """The file of all that a scheduler knows and of what else a file had.

    None: it is too much, or a part has numbers that no field holds.
    """
    try:
        return _file_of(scheduler, kept)
    except struct.error:
        return None


def _file_of(scheduler: Scheduler, kept: KeptFacts | None) -> bytes | None:
    packed_states = scheduler.pipeline.packed_states()
    if len(packed_states) > MOST_STATES:
        return None
    pile = _Pile()
    blocks: list[bytes] = []
    schedules: list[bytes] = []
    states = [_STATE.pack(pile.add(state), len(state)) for state in packed_states]
    for is_rest, source in enumerate((scheduler.facts.items(), kept.rest() if kept else ())):
        for (code, *key), facts in source:
            if pile.size > MOST_BYTES:
                if is_rest:
                    break
                return None
            where = pile.add(code), len(code), *key, 0
            facts_at = pile.add(facts.packed), len(facts.packed)
            blocks.append(_BLOCK.pack(*where, *facts_at, len(schedules), len(facts.told)))
            schedules += [
                _SCHEDULE.pack(stretch, state, *told[:3], pile.add(told.costs), 0, variant)
                for (stretch, state, variant), told in facts.told.items()
            ]
    head = _COUNTS.pack(_MAGIC, len(states), len(blocks), len(schedules), pile.size)
    rows = b"".join((head, *states, *blocks, *schedules))
    return rows.ljust(_padded(len(rows)), b"\0") + b"".join(pile.parts)
