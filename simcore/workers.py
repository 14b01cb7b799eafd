"""Where work is done: in processes of this machine, or on the workers of a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from simcore.parallel import as_they_come, processors

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Workers:
    """As many ``processes`` as there are processors when None; none where a ``scheduler`` is named,
    the address of one of Dask."""

    processes: int | None = None
    scheduler: str | None = None

    def is_here(self, items: int) -> bool:
        """Whether so many pieces of work are best done in this process, one by one."""
        return self.scheduler is None and min(self.processes or processors(), items) < 2

    def run(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        files: Callable[[Item], Iterable[str]],
    ) -> Iterator[tuple[int, Future[Result]]]:
        """The number of each item with its future, which is done, as they end.

        ``function`` is one of a module of simcore; ``files`` says which files of this machine an
        item names, for workers that are on others. Work of a lost process or worker is done again;
        the third time its future raises LostWorkError.

        Raises ConfigError where a scheduler cannot be used, and McusimError when it is lost.
        """
        if self.scheduler is None:
            yield from as_they_come(function, items, self.processes or processors())
            return
        from simcore.cluster import run_on_cluster

        yield from run_on_cluster(function, items, files, self.scheduler)
