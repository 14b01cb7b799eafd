"""What a run is told of single registers of peripherals: ``ADDRESS|NAME=VALUE[/MASK]``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simcore.cpu_model import CpuModel
from simcore.devices import ALL_BITS, register_names
from simcore.errors import ConfigError, nearest
from simcore.plain import Address, Count
from simcore.records import dataclass
from simcore.run.faults import Frame

if TYPE_CHECKING:
    from simcore.elf import Image
    from simcore.run.svd import Description

WORD = 4


@dataclass(frozen=True, slots=True)
class Guess:
    """What a register of a peripheral was let read, so that a loop that waits for it ends."""

    address: Address
    name: str | None
    """As the program or a description of the part names it."""
    value: Count
    mask: Count
    """The bits that were guessed."""
    count: Count
    """How often it was guessed here."""
    place: Frame
    """Where the loop reads it."""

    @property
    def text(self) -> str:
        """What was guessed, how often and where, in one line."""
        name = (
            f"{self.address:#010x}" if self.name is None else f"{self.name} ({self.address:#010x})"
        )
        often = "once" if self.count == 1 else f"{self.count:,} times"
        return f"{name} reads {self.value:#x}/{self.mask:#x}, guessed {often} in {self.place.text}"


def guessed(guesses: Sequence[Guess]) -> str:
    """How many registers were guessed."""
    number = len({guess.address for guess in guesses})
    return f"Guessed {number} register{'s' * (number > 1)} so that the program goes on"


_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}|0[bB][01]{1,32}|[0-9]{1,10}")
_KEYS = ("register", "value", "mask")


@dataclass(frozen=True, slots=True)
class Stub:
    """Bits of a register that read so, whatever is written; `address` is a multiple of four."""

    address: int
    value: int
    mask: int


def stub_text(table: Mapping[str, Any]) -> str:
    """What --stub has, of a ``[[stub]]`` table. Raises ConfigError."""
    for key, value in table.items():
        if key not in _KEYS:
            raise ConfigError(f"a stub has no key '{key}'{nearest(key, _KEYS)}")
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ConfigError(f"{key} of a stub is a number or a text")
    if not {"register", "value"} <= table.keys():
        raise ConfigError("a stub has a register and a value")
    register = table["register"]
    name = hex(register) if isinstance(register, int) else register
    mask = f"/{table['mask']}" if "mask" in table else ""
    return f"{name}={table['value']}{mask}"


def find_stubs(
    texts: Iterable[str], image: Image, model: CpuModel, described: Description | None = None
) -> tuple[Stub, ...]:
    """The stubs that a run is told, by address, those of one register as one.

    A name is one of the program's symbols, of the part's devices, or of a description of the part.
    Raises ConfigError for what is no register of a peripheral, and for bits that are told twice.
    """

    def locate(name: str) -> tuple[int, int]:
        symbol = image.symbol(name)
        if symbol is not None:
            return symbol.address, ALL_BITS
        own = register_names(model.devices.devices)
        devices = {known.casefold(): address for address, known in own.items()}
        if (address := devices.get(name.replace(".", "_").casefold())) is not None:
            return address, ALL_BITS
        if described is not None:
            return described.find(name)
        symbols = (s.name for s in image.symbols if is_peripheral(model, s.address))
        known = [*own.values(), *symbols]
        raise ConfigError(
            f"{model.name} has no known register and {image.path} no symbol of that name"
            f"{nearest(name, known)}; give the register as ADDRESS, or the part's with --svd"
        )

    found: dict[int, Stub] = {}
    for text in texts:
        try:
            stub = _stub(text, locate, model)
            known = found.setdefault(stub.address, Stub(stub.address, 0, 0))
            if known.mask & stub.mask:
                raise ConfigError(f"bits {known.mask & stub.mask:#x} of it are told twice")
        except ConfigError as error:
            raise ConfigError(f"--stub '{text}': {error}") from None
        found[stub.address] = Stub(stub.address, known.value | stub.value, known.mask | stub.mask)
    return tuple(found[address] for address in sorted(found))


def _stub(text: str, locate: Callable[[str], tuple[int, int]], model: CpuModel) -> Stub:
    name, equals, told = text.partition("=")
    value_text, slash, mask_text = told.partition("/")
    value = _number(value_text)
    mask = _number(mask_text) if slash else ALL_BITS
    if not (name and equals) or value is None or mask is None:
        raise ConfigError("not ADDRESS=VALUE or NAME=VALUE, with /MASK for some of its bits")
    number = _number(name)
    address, bits = locate(name) if number is None else (number, ALL_BITS)
    shift = (bits & -bits).bit_length() - 1 if bits else 0
    if slash and bits != ALL_BITS:
        raise ConfigError("a mask goes with a whole register, a field has its own")
    mask = bits if bits != ALL_BITS else mask
    value <<= shift
    if value & ~mask:
        raise ConfigError(f"the value has bits outside the mask {mask >> shift:#x}")
    if address % WORD and bits != ALL_BITS:  # a narrow register that a description names
        value, mask = value << 8 * (address % WORD), mask << 8 * (address % WORD)
        address -= address % WORD
    _check_address(address, model)
    return Stub(address, value, mask)


def _check_address(address: int, model: CpuModel) -> None:
    if address % WORD:
        raise ConfigError(f"{address:#010x} is no multiple of four: give the word and a mask")
    region = model.region_at(address)
    if region is not None and region.kind == "system":
        raise ConfigError(f"{address:#010x} is a register of the core, which is modelled")
    if region is None or region.kind != "peripheral":
        where = "no memory" if region is None else f"{region.name}, which is no peripheral"
        raise ConfigError(f"{address:#010x} of {model.name} is {where}")
    if address == model.flash_control.address:
        raise ConfigError(f"{address:#010x} is FLASH_ACR, which is modelled")


def is_peripheral(model: CpuModel, address: int) -> bool:
    """Whether a part has a peripheral at an address."""
    region = model.region_at(address)
    return region is not None and region.kind == "peripheral"


def _number(text: str) -> int | None:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = int(text, 0) if text[:2].lower() in ("0x", "0b") else int(text)
    return number if number <= ALL_BITS else None
