"""What a network gave out: taken from memory at the end of a run, saved, and compared."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.costs.network import Verification
from simcore.errors import ConfigError
from simcore.files import destination
from simcore.network.graph import Model
from simcore.network.inputs import npy
from simcore.run.options import ReadMemory
from simcore.run.spec import RunSpec


class NetworkOutputs:
    """The outputs of the last inference of a run: at ``places``, each an address and bytes.

    ``path`` and ``data`` are the network's file.
    """

    def __init__(
        self,
        path: str,
        data: bytes,
        model: Model,
        places: Sequence[tuple[int, int]],
        spec: RunSpec,
    ) -> None:
        self._path, self._data, self._main = path, data, model.main
        self._places, self._spec = places, spec
        self.values: tuple[bytes, ...] | None = None

    def ended(self, read: ReadMemory) -> None:
        """Take them from memory at the end of the run."""
        found = [read(address, size) for address, size in self._places]
        self.values = tuple(data or b"" for data in found)

    def save(self, path: str) -> None:
        """Write them: .npy of one, else all behind each other. Raises ConfigError."""
        found = self.values or ()
        data = b"".join(found)
        if path.endswith(".npy"):
            if len(found) != 1:
                raise ConfigError(
                    f"--outputs {path}: the network has {len(found)} outputs and a .npy file holds"
                    " one; give a .bin file for all behind each other"
                )
            data = npy(self._main.tensors[self._main.outputs[0]], data)
        with destination(path, self._spec.files) as write:
            write(data)

    def verification(
        self, fed: Sequence[tuple[bytes, ...]], inferences: int, additions: int
    ) -> Verification | None:
        """Beside those of the reference, which is fed the same; None when the run left none.

        ``fed`` are used again from the first where there are more ``inferences``; ``additions``
        are those behind one value of an output, of one inference.
        """
        from simcore.network.verify import verified

        if self.values is None:
            return None
        types = [self._main.tensors[index].type for index in self._main.outputs]
        rows = [fed[number % len(fed)] for number in range(inferences)]
        terms = inferences * additions
        return verified(self._path, self._data, rows, self.values, types, terms)
