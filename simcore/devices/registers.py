"""What a described device is: registers with a value out of reset that follow a few rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from simcore.devices import ALL_BITS

#: Those that say how bits read.
READ_RULES = (
    "mirror", "idle", "sequence", "count", "overflow", "compare", "crc", "keep", "zero_clears",
    "one_clears", "dma",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """What a register does beside keeping what is written: `kind` is one of RULE_KINDS.

    `other` is another register of the device by its name, the register itself when empty, or an
    address. Bits move left by `shift`, right when it is negative; what it is to other kinds stands
    in native/peripherals.h.
    """

    kind: str
    mask: int = ALL_BITS
    other: str | int = ""
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Register:
    """A word at `offset` from the device's base; `ones` always read as ones, `zeros` as zeros."""

    name: str
    offset: int
    reset: int = 0
    rules: tuple[Rule, ...] = ()
    ones: int = 0
    zeros: int = 0

    @property
    def known(self) -> int:
        """Bits that do not read as they were written."""
        known = self.ones | self.zeros
        for rule in self.rules:
            if rule.kind in READ_RULES:
                known |= rule.mask
        return known


@dataclass(frozen=True, slots=True)
class WordRule:
    """A rule with the address of the other register."""

    kind: str
    mask: int
    other: int
    shift: int


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a DMA controller: struct dma_info of native/peripherals.h, with its addresses.

    `kind` is one of CHANNEL_KINDS. `memory` and `peripheral` are the kinds of regions that its two
    ports reach, `cycles` core cycles of an item.
    """

    kind: str
    registers: int
    flags: int
    interrupt: int
    memory: tuple[str, ...]
    peripheral: tuple[str, ...]
    cycles: int
    flags_shift: int = 0
    select: int = 0
    select_shift: int = 0
    select_mask: int = 0
    request: int = 0


@dataclass(frozen=True, slots=True)
class SerialPort:
    """What a serial port receives with: struct serial_port of native/peripherals.h, by names.

    `number` is that of its interrupt, `byte_ticks` the time of a byte in ticks of the port's clock.
    """

    number: int
    control: str
    receives: int
    enable_full: int
    enable_idle: int
    enable_sent: int
    data: str
    send: str
    status: str
    full: int
    idle: int
    clear: str
    clear_idle: int
    drop: str
    drops: int
    fifo: str
    fifo_on: int
    depth: int
    paces: int
    byte_ticks: Callable[[Callable[[str], int]], float]
    level: str = ""
    water_at: int = 0
    count_at: int = 0
    empty: str = ""
    empty_bits: int = 0
    data_empty: int = 0

    def fed_bits(self) -> dict[str, int]:
        """The bits of its registers that follow what is received."""
        return {
            self.status: self.full | self.idle,
            self.data: 0xFF | self.data_empty,
            **({self.level: 7 << self.count_at} if self.level else {}),
            **({self.empty: self.empty_bits} if self.empty else {}),
        }


@dataclass(frozen=True, slots=True)
class Device:
    """A block of registers at `base`; `source` is the manual and section that describe it.

    A DMA controller has `channels`.
    """

    name: str
    base: int
    source: str
    registers: tuple[Register, ...]
    channels: tuple[Channel, ...] = ()
    port: SerialPort | None = None

    def address(self, name: str) -> int:
        """The address of one of its registers. Raises KeyError."""
        for register in self.registers:
            if register.name == name:
                return self.base + register.offset
        raise KeyError(f"{self.name} has no register {name}")

    @property
    def has_text(self) -> bool:
        """Whether what it sends is text of the program."""
        return any(rule.kind == "text" for one in self.registers for rule in one.rules)

    def fed(self) -> Device:
        """The same, a serial port, that receives."""
        assert self.port is not None
        bits = self.port.fed_bits()

        def kept(one: Register) -> Register:
            fed = bits.get(one.name, 0)
            return replace(one, ones=one.ones & ~fed, zeros=one.zeros & ~fed)

        return replace(self, registers=tuple(kept(one) for one in self.registers))

    def silent(self) -> Device:
        """The same without its text."""

        def kept(register: Register) -> Register:
            return replace(register, rules=tuple(r for r in register.rules if r.kind != "text"))

        return replace(self, registers=tuple(kept(one) for one in self.registers))

    def rules(self, register: Register) -> Iterator[WordRule]:
        """The rules of one of its registers."""
        for rule in register.rules:
            other = rule.other
            if isinstance(other, str):
                other = self.address(other or register.name)
            yield WordRule(rule.kind, rule.mask, other, rule.shift)


def bits(*numbers: int) -> int:
    """A mask of these bits."""
    return sum(1 << number for number in numbers)


def follows(flag: int, enable: int, other: str = "", width: int = 1) -> Rule:
    """`width` bits from `flag` on read as those from `enable` on, of `other` if it is named."""
    return Rule("mirror", ((1 << width) - 1) << flag, other, flag - enable)


#: A write of the register may change the core clock.
CLOCK = Rule("clock")
#: A write of the register may change the core's voltage.
POWER = Rule("power")


def ends_at_once(*numbers: int) -> Rule:
    """Bits that start something which has ended when they are read again."""
    return Rule("idle", bits(*numbers))


def unlocks(other: str, first: int, second: int) -> Rule:
    """Two keys that open `other`, whose rules say which bit locks it."""
    return Rule("unlock", first, other, second - (second >> 31 << 32))


def aliases(name: str, offset: int) -> tuple[Register, ...]:
    """The SET, CLR and TOG aliases of an i.MX register, behind it."""
    read = Rule("mirror", ALL_BITS, name)
    kinds = (("SET", "set"), ("CLR", "clear"), ("TOG", "toggle"))
    return tuple(
        Register(f"{name}_{suffix}", offset + 4 * n, rules=(read, Rule(kind, ALL_BITS, name)))
        for n, (suffix, kind) in enumerate(kinds, 1)
    )
