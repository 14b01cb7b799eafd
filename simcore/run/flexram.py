"""FlexRAM: banks of RAM that a program divides into ITCM, DTCM and OCRAM, and how much of each it
needs.

Start-up code writes the division to a register before anything lies in the memory that it makes.
What it will be is known from the ELF: from the symbol that such start-up code takes it from, else
from what lies where.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simcore.cpu_model import CpuModel
from simcore.cpu_model.around import FlexRam
from simcore.errors import ConfigError

if TYPE_CHECKING:
    from simcore.elf import Image

BITS = 2  # of the register for each bank: 0 for none, else 1 + its place in FlexRam.regions
CONFIG_SYMBOL = "_flexram_bank_config"
#: Labels that are the end of a memory which begins at 0, where numbers look like one too.
LOW_ENDS = ("__top_SRAM_ITC",)

Banks = tuple[int, ...]  # of each of FlexRam.regions


def divided(model: CpuModel, image: Image) -> CpuModel:
    """The part with its FlexRAM as the program divides it; `division` says how, if not as usual.

    Raises ConfigError when no division holds the program.
    """
    flexram = model.flexram
    if flexram is None:
        return model
    usual = tuple(model.region(name).size // flexram.bank_size for name in flexram.regions)
    symbol = image.symbol(CONFIG_SYMBOL)
    if symbol is not None and not symbol.section:
        banks = banks_of(flexram, symbol.address)
        return _with_banks(model, banks, f", as {CONFIG_SYMBOL} has it")
    linked, told = (_needed(model, flexram, image, ends) for ends in (False, True))
    needed = told if sum(told) <= flexram.banks else linked
    if sum(needed) > flexram.banks:
        raise ConfigError(
            f"{image.path}: needs {_text(flexram, needed)} of FlexRAM, more than the"
            f" {flexram.banks * flexram.bank_size >> 10} KiB of {model.name}; check the linker"
            " script"
        )
    if all(need <= size for need, size in zip(needed, usual, strict=True)):
        return model
    return _with_banks(model, _shared(flexram, needed, usual), ", as the program needs it")


def banks_of(flexram: FlexRam, config: int) -> Banks:
    """How many banks a value of the register gives to each of the regions."""
    codes = [config >> BITS * bank & (1 << BITS) - 1 for bank in range(flexram.banks)]
    return tuple(codes.count(code) for code in range(1, len(flexram.regions) + 1))


def config_warnings(model: CpuModel, written: int) -> Iterator[str]:
    """What a program's value of the register says against the division that it ran with."""
    flexram = model.flexram
    if flexram is None or not written:
        return
    sizes = {region.name: region.size for region in model.regions}
    ran = tuple(sizes.get(name, 0) // flexram.bank_size for name in flexram.regions)
    asked = banks_of(flexram, written)
    if asked != ran:
        yield (
            f"the program divides its FlexRAM into {_text(flexram, asked)} ({written:#010x} at"
            f" {flexram.config_register:#010x}), and the run had {_text(flexram, ran)}; give the"
            " sizes with --set region.NAME.size"
        )


def _needed(model: CpuModel, flexram: FlexRam, image: Image, ends: bool) -> Banks:
    """Banks for what lies in each region; with `ends`, and for what the linker script calls one."""
    places = [segment.run_address + segment.memory_size for segment in image.segments]
    places += [
        symbol.address + symbol.size for symbol in image.symbols if symbol.section and symbol.size
    ]
    if image.initial_sp is not None:
        places.append(image.initial_sp)
    labels = [(s.name, s.address) for s in image.symbols if not s.size] if ends else []
    needed = []
    for name in flexram.regions:
        base = model.region(name).base
        own = places + [at for symbol, at in labels if base or symbol in LOW_ENDS]
        most = flexram.banks * flexram.bank_size
        used = max((end - base for end in own if 0 < end - base <= most), default=0)
        needed.append(-(-used // flexram.bank_size))
    return tuple(needed)


def _shared(flexram: FlexRam, needed: Banks, usual: Banks) -> Banks:
    """The usual banks where they are left, from the first region on; what is needed in any case."""
    banks, left = list(needed), flexram.banks - sum(needed)
    for index, size in reversed(list(enumerate(usual))):
        more = min(max(0, size - banks[index]), left)
        banks[index] += more
        left -= more
    return tuple(banks)


def _with_banks(model: CpuModel, banks: Banks, why: str) -> CpuModel:
    flexram = model.flexram
    assert flexram is not None
    sizes = {
        name: count * flexram.bank_size for name, count in zip(flexram.regions, banks, strict=True)
    }
    regions = tuple(
        replace(region, size=sizes.get(region.name, region.size))
        for region in model.regions
        if sizes.get(region.name, region.size)
    )
    division = f"FlexRAM of {_text(flexram, banks)}{why}"
    return replace(model, regions=regions, division=division)


def _text(flexram: FlexRam, banks: Sequence[int]) -> str:
    """Sizes in words: 64 KiB ITCM, 448 KiB DTCM and 0 KiB OCRAM."""
    sizes = [
        f"{count * flexram.bank_size >> 10} KiB {name.upper()}"
        for name, count in reversed(list(zip(flexram.regions, banks, strict=True)))
    ]
    return f"{', '.join(sizes[:-1])} and {sizes[-1]}"
