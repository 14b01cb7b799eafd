"""Serial ports of a run: what they receive, and what is told of it at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from simcore.core.core import Core
from simcore.core.registers import FIRST_INTERRUPT
from simcore.cpu_model import CpuModel
from simcore.devices import cycles_of_byte, heard, serial_port, serial_ports
from simcore.elf.image import printable
from simcore.run.options import RunOptions
from simcore.run.uarts import parse_uarts

if TYPE_CHECKING:
    from simcore.devices.registers import Device


class SerialPorts:
    """The ports of a part as a run is told of them. Raises ConfigError when it cannot be."""

    def __init__(self, model: CpuModel, options: RunOptions) -> None:
        self._uarts = uarts = parse_uarts(options.spec.uart)
        self._model = model
        self._numbers: dict[str, int] = {}  # in the core
        self._fed = {
            serial_port(self._heard, name).name: (source, options.streams.received(name, source))
            for name, source in uarts.fed
        }
        if uarts.heard is not None:
            _ = self._heard  # it may be no port

    @cached_property
    def _heard(self) -> Sequence[Device]:
        return heard(self._model.devices.devices, self._uarts.heard)

    @cached_property
    def _ports(self) -> dict[str, Device]:
        return serial_ports(self._heard)

    @cached_property
    def devices(self) -> Sequence[Device]:
        """The devices of the part as this run has them."""
        return [one.fed() if one.name in self._fed else one for one in self._heard]

    def describe(self, core: Core) -> None:
        """Tell a core, which knows the devices, of the ports and what they receive."""
        devices = self._model.devices
        for name, port in self._ports.items():
            pace = partial(cycles_of_byte, devices.family, port, core.register, devices.crystal)
            self._numbers[name] = core.serial_port(port, pace)
            if name in self._fed:
                core.feed(self._numbers[name], self._fed[name][1])

    def port_of(self, address: int) -> str | None:
        """The port that a register is of."""
        for name, port in self._ports.items():
            if any(port.base + one.offset == address for one in port.registers):
                return name
        return None

    def awaited(self, core: Core, *, asleep: bool) -> str | None:
        """A port whose interrupt would let the program go on if it received something."""
        for name, device in self._ports.items():
            port = device.port
            if port is None or not core.would_take(FIRST_INTERRUPT + port.number, asleep):
                continue
            control = core.register(device.address(port.control))
            if control & port.receives == port.receives and control & port.enable_full:
                return name
        return None

    def advice(self, name: str) -> str:
        """How a port receives what the program waits for."""
        if name in self._fed:
            return f"{name} has received all of {printable(self._fed[name][0])}"
        return f"--uart {name}=FILE gives it input"

    def warnings(self, core: Core) -> Iterator[str]:
        """What became of the input otherwise than a reader may think."""
        for name, (source, data) in self._fed.items():
            if name not in self._numbers:  # it touched no device, and the core was told of none
                if data:
                    yield (
                        f"the program took 0 of {len(data):,} bytes that {name} was given"
                        f" ({source})"
                    )
                continue
            use = core.serial(self._numbers[name])
            if use.taken < use.size:
                yield (
                    f"the program took {use.taken:,} of {len(data):,} bytes that {name} was given"
                    f" ({source})"
                )
            if use.late:
                yield (
                    f"{use.late:,} bytes for {name} waited until the program took the one before;"
                    " a sender that does not wait loses them (overrun)"
                )
