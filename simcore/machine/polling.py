"""Loops that wait for a peripheral register, and the value that lets them end.

The value is found from the loop's own test: turns of it are tried with other values of the register
(trial.py). A bit that ends the loop when it flips is enough for most; where the loop compares, the
bits that decide make the operands equal. Of several ways out the one counts after which the
function returns 0, which says that all is well; else that of the loop's closing branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from simcore.devices import ALL_BITS
from simcore.errors import UnknownInstructionError
from simcore.isa import decode_instruction
from simcore.isa.operands import is_core_register, split_operands
from simcore.machine.trial import Turn
from simcore.records import dataclass

MOST_REGISTERS = 3  # that a loop reads and that may be the one it waits for
LATER = 0x4000_0000  # added to a variable: if it is a time, every timeout is over
TURNS_UNTIL_INVERTED = 96  # the second time that a loop is looked at
Try = Callable[..., Turn]


@dataclass(frozen=True, slots=True)
class RegisterWait:
    """What a loop waits for: a word of a peripheral, read at `pc`, and the bits that would end it.

    `source` is the instruction behind which it then ends. `is_input`: they come from outside and
    are not guessed; `is_endless`: nothing else ends it.
    """

    address: int
    pc: int
    value: int
    mask: int
    source: int | None = None
    is_input: bool = False
    is_endless: bool = False


@dataclass(frozen=True, slots=True)
class _Way:
    """A value of a register with which the loop ends: behind the instruction `source`.

    `result` is what the function then returns, None when it does not soon.
    """

    address: int
    value: int
    source: int
    result: int | None


@dataclass(frozen=True, slots=True)
class Registers:
    """What is known of peripherals' words: their values, bits that are described, those of input,
    and whether the program wrote to them.
    """

    value: Callable[[int], int]
    described: Callable[[int], int]
    inputs: Callable[[int], int]
    is_written: Callable[[int], bool]


class WaitingLoop:
    """A loop in front of one of its blocks, and the trials of its turns."""

    def __init__(
        self,
        attempt: Try,
        code: Callable[[int], bytes],
        function_of: Callable[[int], int],
        is_entry: Callable[[int], bool],
        registers: Registers,
    ) -> None:
        """`attempt` is TrialEngine.turn from where the program stands, `function_of` tells the
        functions of addresses apart, `is_entry` where one begins.
        """
        self._is_entry = is_entry
        self._function_of = function_of
        self._registers = registers
        self._code = code
        self._plain = attempt()
        self._loop = frozenset(self._plain.path)
        compares = dict(_compares(sorted(self._loop), code)) if self._plain.returned else {}
        self._attempt = attempt
        self._compares = compares
        if self._plain.returned:
            self._plain = self._turn()
        self._cycle = self._plain.path[self._plain.half :]

    def wait(self, turns: int, value_of: Callable[[int], int | None]) -> RegisterWait | None:
        """What it waits for, None when it is no loop that only waits, or nothing that is known.

        `turns`: how often it went round; `value_of` reads a word of memory.
        """
        plain = self._plain
        if not plain.returned or plain.stores or not 0 < len(plain.reads) <= MOST_REGISTERS:
            return None
        if any(self._is_flag(address, value_of) for address in plain.variables):
            return None
        ways: list[_Way] = []
        deciding = {address: self._deciding_bits(address, ways) for address in plain.reads}
        asked = [address for address, bits in deciding.items() if bits]
        if len({way.address for way in ways if not self._registers.is_written(way.address)}) > 1:
            return None
        if not ways:
            return self._inverted(asked, deciding) if turns >= TURNS_UNTIL_INVERTED else None
        return self._best(ways, value_of)

    def again(
        self, known: RegisterWait, value_of: Callable[[int], int | None]
    ) -> RegisterWait | None:
        """The same wait as one that was found at this place before, None when it may be another.

        A few turns tell that; a driver comes here for every character.
        """
        if not self._plain.returned:
            return None
        if known.is_input:
            return None if self._is_endless(value_of) else replace(known, is_endless=False)
        other = self._registers.value(known.address) ^ known.mask
        turn = self._with(known.address, other)
        if turn.left is None or turn.left != known.source or not self._is_out(turn):
            return None
        return replace(known, value=other & known.mask)

    # --- which values end it ---

    def _turn(self, **changes: object) -> Turn:
        return self._attempt(loop=self._loop, compares=self._compares, **changes)

    def _is_out(self, turn: Turn) -> bool:
        """Whether a turn leaves the loop; one that comes back with nothing done does not."""
        returned = turn.returned and not turn.stores and turn.end == self._plain.end
        return turn.left is not None and not returned

    def _result(self, turn: Turn) -> int | None:
        """What the function that the loop stands in returns behind it, None when it does not."""
        function, in_call = self._function_of(turn.left or 0), False
        for address, r0 in turn.behind:
            if self._function_of(address) == function:
                in_call = False
            elif self._is_entry(address):
                in_call = True
            elif not in_call:
                return r0
        return None

    def _with(self, address: int, value: int) -> Turn:
        return self._turn(values={address: value})

    def _deciding_bits(self, address: int, ways: list[_Way]) -> int:
        """The bits of a word on which the loop's tests hang; values that end it go to `ways`."""
        value = self._registers.value(address)
        # What is described as never coming from outside is waited for all the same.
        inputs = self._registers.inputs(address)
        free = ALL_BITS & (~self._registers.described(address) | inputs)
        plain, bits = self._plain, 0
        differences: list[tuple[int, list[int]]] = []

        def try_value(other: int) -> Turn:
            turn = self._with(address, other)
            if self._is_out(turn):
                ways.append(_Way(address, other, turn.left or 0, self._result(turn)))
            return turn

        for bit in (1 << number for number in range(32)):
            if not bit & free:
                continue
            turn = try_value(value ^ bit)
            if turn.path != plain.path or turn.compared != plain.compared:
                bits |= bit
                differences.append((bit, _differences(plain.compared, turn.compared)))
        if bits:
            for at, (one, other) in enumerate(plain.compared):
                rows = [(bit, found[at]) for bit, found in differences if at < len(found)]
                flips = _flips(rows, one ^ other)
                if flips:
                    try_value(value ^ flips)
        known = [way for way in ways if way.address == address]
        if not any(self._is_closing(way.source) for way in known):
            for other in (value | bits, value & ~bits, value | free, value & ~free, value ^ free):
                if other != value and self._is_out(try_value(other)):
                    bits |= other ^ value
                    break
        return bits

    def _inverted(self, asked: Sequence[int], deciding: Mapping[int, int]) -> RegisterWait | None:
        """A test was seen, but no single turn that ends: the bits inverted, as a last resort."""
        if len(asked) != 1 or self._registers.inputs(asked[0]) & deciding[asked[0]]:
            return None
        (address,) = asked
        mask = ALL_BITS & ~self._registers.described(address)
        value = ~self._registers.value(address) & mask
        return RegisterWait(address, self._plain.reads[address], value, mask)

    # --- which of them is meant ---

    def _best(self, ways: Sequence[_Way], value_of: Callable[[int], int | None]) -> RegisterWait:
        def rank(way: _Way) -> tuple[int, int, int, int, int]:
            flipped = way.value ^ self._registers.value(way.address)
            return (way.result != 0, *self._order(way.source), flipped.bit_count(), flipped)

        best = min(ways, key=rank)
        now = self._registers.value(best.address)
        mask = best.value ^ now
        for bit in (1 << number for number in range(32)):  # leave out what it does not need
            less = mask & ~bit
            if mask & bit and less:
                turn = self._with(best.address, now ^ less)
                mask = less if turn.left == best.source and self._is_out(turn) else mask
        is_input = bool(mask & self._registers.inputs(best.address))
        return RegisterWait(
            best.address,
            self._plain.reads[best.address],
            (now ^ mask) & mask,
            mask,
            best.source,
            is_input,
            is_input and self._is_endless(value_of),
        )

    def _order(self, source: int) -> tuple[int, int]:
        path, function = self._cycle, self._function_of(source)
        head = path.index(min(a for a in path if self._function_of(a) == function))
        return (not self._is_closing(source), (self._at(source) - head) % len(path))

    def _at(self, source: int) -> int:
        return len(self._cycle) - 1 - self._cycle[::-1].index(source)

    def _is_closing(self, source: int) -> bool:
        """Whether the loop goes back behind this instruction, by a branch and not by a return."""
        after = self._cycle[(self._at(source) + 1) % len(self._cycle)]
        return after <= source and self._function_of(after) == self._function_of(source)

    # --- what else may end it ---

    def _is_flag(self, address: int, value_of: Callable[[int], int | None]) -> bool:
        """Whether a variable decides, as one that an interrupt sets; not a time, nor a pointer."""
        value = value_of(address)
        if value is None or value >= LATER // 2:
            return False
        return self._is_out(self._turn(variable=(address, value + 1)))

    def _is_endless(self, value_of: Callable[[int], int | None]) -> bool:
        plain = self._plain
        if plain.reads_clock or not plain.is_same:
            return False
        for address in plain.variables:
            value = value_of(address)
            if value is not None and value < LATER // 2:
                later = self._turn(variable=(address, (value + LATER) & ALL_BITS))
                if later.path != plain.path:
                    return False
        return True


def _compares(
    addresses: Iterable[int], code: Callable[[int], bytes]
) -> Iterator[tuple[int, tuple[str, str]]]:
    """The instructions that compare two operands, with those."""
    for address in addresses:
        try:
            instruction, _ = decode_instruction(address, code(address))
        except UnknownInstructionError:
            continue
        parts = split_operands(instruction.operands)
        name = instruction.mnemonic.partition(".")[0]
        if name == "cmp" and len(parts) == 2 and all(map(_is_operand, parts)):
            yield address, (parts[0], parts[1])
        elif name in ("subs", "eors") and len(parts) == 3 and all(map(_is_operand, parts[1:])):
            yield address, (parts[1], parts[2])


def _is_operand(text: str) -> bool:
    return is_core_register(text) or text.startswith("#")


def _differences(plain: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> list[int]:
    """What a flipped bit of the register flips of the operands, comparison by comparison."""
    pairs = zip(plain, other, strict=False)
    return [(a ^ b) ^ (other_a ^ other_b) for (a, b), (other_a, other_b) in pairs]


def _flips(rows: Sequence[tuple[int, int]], wanted: int) -> int:
    """The bits that together flip what is `wanted`, 0 when none do: elimination over GF(2)."""
    basis: list[tuple[int, int]] = []  # (bits, what they flip), leading bits all different
    for bits, flipped in rows:
        for known_bits, known in basis:
            if flipped ^ known < flipped:
                bits, flipped = bits ^ known_bits, flipped ^ known
        if flipped:
            basis.append((bits, flipped))
            basis.sort(key=lambda row: -row[1])
    found = 0
    for bits, flipped in basis:
        if wanted ^ flipped < wanted:
            found, wanted = found ^ bits, wanted ^ flipped
    return found if not wanted else 0
