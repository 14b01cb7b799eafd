"""Descriptions of a part's registers: CMSIS-SVD files, read by the package cmsis-svd.

Names, addresses and reset values of all registers are read at once, fields only of the peripherals
that are asked for: they are most of a file, and the package takes its time for them. A file comes
from anywhere: no document type, no entities, and nothing that multiplies without bound.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simcore.devices import ALL_BITS
from simcore.errors import ConfigError, nearest
from simcore.extras import require
from simcore.files import read_regular
from simcore.records import dataclass

MAX_FILE_BYTES = 32 << 20
MAX_REGISTERS, MAX_FIELDS, MAX_DERIVED = 25_000, 100_000, 2_000
MAX_DIM = 2_048  # elements of an array: the package keeps the names of all of them with each
_UNUSED = ("enumeratedValues", "interrupt", "access", "protection", "writeConstraint", "cpu",
           "vendorExtensions", "modifiedWriteValues", "readAction")  # fmt: skip
_RECEIVE = re.compile(r"(LP)?U(S)?ART[0-9]*|.*UART.*", re.IGNORECASE)
_RECEIVE_FIELDS = {"RXNE", "RXFNE", "RXNE_RXFNE", "RDRF", "RXRDY", "RXEMPT", "RXCOUNT", "RXFF"}
_PINS = re.compile(r"(GPIO|PORT|PT)\w*", re.IGNORECASE)
_PIN_REGISTERS = {"IDR", "PDIR", "PSR", "DR_IN", "IN", "PDSR"}


@dataclass(frozen=True, slots=True)
class DescribedRegister:
    """A register of a peripheral; size in bits, offsets of fields from its own bit 0."""

    peripheral: str
    name: str
    address: int
    size: int
    reset: int

    @property
    def text(self) -> str:
        """As people name it: RCC_CR."""
        return f"{self.peripheral}_{self.name}"


class Description:
    """A part's registers. Raises ConfigError, one line, for a file that is no SVD."""

    def __init__(self, path: str) -> None:
        require("svd", "--svd")
        self._path = path
        self._root = _read(path)
        self.registers: dict[int, DescribedRegister] = {}
        for register in self._registers(self._parsed(self._root, fields=False)):
            self.registers.setdefault(register.address, register)
        if not self.registers:
            raise ConfigError(f"{path}: an SVD without any register")
        self._fields: dict[str, dict[str, dict[str, int]]] = {}  # masks by peripheral and register

    def name(self, address: int) -> str | None:
        """The name of the register at an address, of a byte of a word too."""
        register = self.registers.get(address) or self._inside(address)
        return None if register is None else register.text

    def bits(self, address: int, mask: int) -> str:
        """The name of the register with the fields that some bits of its word are of."""
        register = self.registers.get(address)
        if register is None:
            return self.name(address) or f"{address:#010x}"
        named = [
            name
            for name, bits in sorted(self.fields(register).items(), key=lambda row: row[1])
            if bits & mask
        ]
        return register.text + (f".{'+'.join(named)}" if 0 < len(named) <= MOST_NAMED else "")

    def fields(self, register: DescribedRegister) -> Mapping[str, int]:
        """The fields of a register and their bits."""
        if register.peripheral not in self._fields:
            self._fields[register.peripheral] = self._fields_of(register.peripheral)
        return self._fields[register.peripheral].get(register.name, {})

    def find(self, name: str) -> tuple[int, int]:
        """Address and bits of PERIPHERAL_REGISTER, or PERIPHERAL.REGISTER, with .FIELD behind it.

        Raises ConfigError with the nearest name.
        """
        wanted = name.replace("->", ".").casefold()
        known = {}
        for register in self.registers.values():
            for text in (register.text, f"{register.peripheral}.{register.name}"):
                known[text.casefold()] = register
        if wanted in known:
            return known[wanted].address, (1 << known[wanted].size) - 1 & ALL_BITS
        whole, dot, field = wanted.rpartition(".")
        if dot and whole in known:
            register = known[whole]
            fields = self.fields(register)
            for each, bits in fields.items():
                if each.casefold() == field:
                    return register.address, bits
            near = nearest(name.rpartition(".")[2], fields)
            raise ConfigError(f"{register.text} has no field of that name{near}")
        names = [register.text for register in self.registers.values()]
        raise ConfigError(f"{self._path} has no register '{name}'{nearest(name, names)}")

    def resets(self) -> Iterator[tuple[int, int]]:
        """Words and what they read after reset, where that is not 0."""
        words: dict[int, int] = {}
        for register in self.registers.values():
            if value := register.reset & (1 << min(register.size, 32)) - 1:
                shift = 8 * (register.address & 3)
                word = register.address & ~3
                words[word] = (words.get(word, 0) | value << shift) & ALL_BITS
        yield from sorted(words.items())

    def input_bits(self, address: int) -> int:
        """The bits of a word that come from outside: received characters, pins."""
        register = self.registers.get(address)
        if register is None:
            return 0
        if _PINS.fullmatch(register.peripheral) and register.name.upper() in _PIN_REGISTERS:
            return ALL_BITS
        if not _RECEIVE.fullmatch(register.peripheral):
            return 0
        fields = self.fields(register).items()
        return sum(bits for name, bits in fields if name.upper() in _RECEIVE_FIELDS)

    # --- reading ---

    def _inside(self, address: int) -> DescribedRegister | None:
        """The register that begins before an address in the same word, or anywhere in a word."""
        near = [self.registers.get((address & ~3) + at) for at in range(4)]
        return next((register for register in near if register is not None), None)

    def _parsed(self, root: Any, fields: bool) -> Any:
        from cmsis_svd.parser import SVDParser
        from lxml import etree

        root = copy.deepcopy(root)
        if not fields:
            etree.strip_elements(root, "fields", with_tail=False)
        try:
            return SVDParser(etree.ElementTree(root)).get_device()
        except Exception as error:  # the package raises what its parts raise
            text = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError(f"{self._path}: not an SVD that can be read: {text}") from None

    def _registers(self, device: Any) -> Iterator[DescribedRegister]:
        for peripheral in device.get_peripherals():
            for name, offset, row in _walk(peripheral.registers or (), 0, ""):
                address = (peripheral.base_address or 0) + offset
                if 0 <= address <= ALL_BITS:
                    size = row.size if row.size in (8, 16, 32) else 32
                    yield DescribedRegister(
                        _name(peripheral), name, address, size, row.reset_value or 0
                    )

    def _fields_of(self, peripheral: str) -> dict[str, dict[str, int]]:
        """The fields of one peripheral, with those from which it is derived."""
        root = copy.deepcopy(self._root)
        kept, names = set(), [peripheral]
        rows = root.findall("./peripherals/peripheral")
        while names:
            name = names.pop()
            if name not in kept:
                kept.add(name)
                names += [
                    row.attrib["derivedFrom"]
                    for row in rows
                    if row.findtext("name", "") == name and "derivedFrom" in row.attrib
                ]
        for row in rows:
            if not _names(row, kept):
                row.getparent().remove(row)
        found: dict[str, dict[str, int]] = {}
        for one in self._parsed(root, fields=True).get_peripherals():
            if _name(one) == peripheral:
                for name, _, row in _walk(one.registers or (), 0, ""):
                    found[name] = {
                        _name(field): (1 << field.bit_width) - 1 << field.bit_offset & ALL_BITS
                        for field in row.get_fields()
                        if 0 <= (field.bit_offset or 0) < 32 and 0 < (field.bit_width or 1) <= 32
                        if field.bit_offset is not None and field.bit_width is not None
                    }
        return found


MOST_NAMED = 4  # fields of a register that a text names


def _name(row: Any) -> str:
    """The name of what the package read, empty where there is none."""
    return row.name or ""


def _names(peripheral: Any, kept: Iterable[str]) -> bool:
    """Whether a peripheral, or an array of them, has one of these names."""
    name = peripheral.findtext("name") or ""
    pattern = ".*".join(map(re.escape, name.split("%s")))
    return any(re.fullmatch(pattern, one) for one in kept)


def _walk(rows: Iterable[Any], base: int, prefix: str) -> Iterator[tuple[str, int, Any]]:
    """Name, offset and row of each register. The package adds a cluster's own offset and name to
    its registers, but not to those of clusters inside.
    """
    for row in rows:
        kind = type(row).__name__
        if kind == "SVDRegister":
            yield (
                prefix + _name(row).replace("[%s]", "").replace("%s", ""),
                base + (row.address_offset or 0),
                row,
            )
        elif kind == "SVDRegisterArray":
            yield from _walk(row.registers, base, prefix)
        elif kind == "SVDRegisterClusterArray":
            yield from _walk(row.clusters, base, prefix)
        else:
            yield from _walk(row.registers, base, prefix)
            yield from _walk(
                row.clusters, base + (row.address_offset or 0), f"{prefix}{_name(row)}_"
            )


def _read(path: str) -> Any:
    """The root of a file that is bounded and has no document type."""
    from lxml import etree

    try:
        data = read_regular(path, MAX_FILE_BYTES)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ConfigError(f"{path}: not an SVD: {' '.join(str(error).split())}") from None
    if root.getroottree().docinfo.doctype:
        raise ConfigError(f"{path}: not an SVD: it has a document type, which an SVD never has")
    if root.tag != "device":
        raise ConfigError(f"{path}: not an SVD: its root is <{root.tag}>, not <device>")
    etree.strip_elements(root, *_UNUSED, with_tail=False)
    _check_bounds(path, root)
    return root


def _check_bounds(path: str, root: Any) -> None:
    """Refuse what would multiply: arrays of arrays, and what is derived from what is derived."""
    derived = root.findall(".//*[@derivedFrom]")
    if len(derived) > MAX_DERIVED:
        raise ConfigError(f"{path}: more than {MAX_DERIVED} elements are derived from others")
    for array in root.iter("dim"):
        if (size := _dim(array.getparent())) > MAX_DIM:
            name = array.getparent().findtext("name") or "?"
            raise ConfigError(f"{path}: an array of {size} elements, {name}; at most {MAX_DIM}")
    for index in root.iter("dimIndex"):
        if (size := _indices((index.text or "").strip())) > MAX_DIM:
            raise ConfigError(f"{path}: an array of {size} indices; at most {MAX_DIM}")
    for kind, most in (("register", MAX_REGISTERS), ("field", MAX_FIELDS * 4)):
        counter = _Counter(root, kind, most)
        if counter.of(root) > most:
            raise ConfigError(f"{path}: describes more than {most} {kind}s")


class _Counter:
    """How many registers or fields an element stands for, arrays and derived ones counted out."""

    def __init__(self, root: Any, kind: str, most: int) -> None:
        self._kind = kind
        self._most = most
        self._known: dict[Any, int] = {}
        self._by_name: dict[tuple[str, str], list[Any]] = {}
        for tag in ("peripheral", "cluster", "register"):
            for row in root.iter(tag):
                self._by_name.setdefault((tag, row.findtext("name") or ""), []).append(row)

    def of(self, row: Any) -> int:
        """A number, beyond the most when it is larger or runs in a circle."""
        if row in self._known:
            return self._known[row]
        self._known[row] = self._most + 1  # of what is derived from itself
        count = int(row.tag == self._kind)
        for child in row:
            if isinstance(child.tag, str):
                count = min(count + self.of(child), self._most + 1)
        if source := row.get("derivedFrom"):
            named = self._by_name.get((row.tag, source.rpartition(".")[2]), ())
            count += max((self.of(one) for one in named if one is not row), default=0)
        self._known[row] = min(count * _dim(row), self._most + 1)
        return self._known[row]


def _dim(row: Any) -> int:
    text = (row.findtext("dim") or "1").strip().lower()
    try:
        return max(1, int(text, 16 if text.startswith("0x") else 10))
    except ValueError:
        return 1


def _indices(text: str) -> int:
    """How many indices a range names, as the package makes them all: 0-31, A-D."""
    first, _, last = text.partition("-")
    try:
        if first.isdigit() and last.isdigit():
            return int(last) - int(first) + 1
        return ord(last) - ord(first) + 1
    except (ValueError, TypeError):  # none, or more than one letter
        return 0
