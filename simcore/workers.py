"""Where work is done: in processes of this machine, or on the workers of a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from simcore.parallel import Pool, processors

if TYPE_CHECKING:
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")


#: Workers of a cluster, when work is cut into pieces.
CLUSTER_WORKERS = 8


class Team(Protocol):
    """Workers that stay for one round of work after another."""

    def run(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        files: Callable[[Item], Iterable[str]],
    ) -> Iterator[tuple[int, Future[Result]]]:
        """As :meth:`Workers.run`. What a file held when it was first sent holds for all rounds."""


@dataclass(frozen=True, slots=True)
class Workers:
    """As many ``processes`` as there are processors when None; none where a ``scheduler`` is named,
    the address of one of Dask."""

    processes: int | None = None
    scheduler: str | None = None

    @property
    def count(self) -> int:
        """How many there are; of a cluster, whose workers come and go, what it may well have."""
        return (self.processes or processors()) if self.scheduler is None else CLUSTER_WORKERS

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
        if items:
            with self.team() as team:
                yield from team.run(function, items, files)

    @contextmanager
    def team(self) -> Iterator[Team]:
        """Workers for as many rounds of work as there are: processes and what they know stay, and
        what was sent to a cluster is there. Raises as :meth:`run`."""
        if self.scheduler is not None:
            from simcore.cluster import cluster_team

            with cluster_team(self.scheduler) as team:
                yield team
            return
        with Pool(self.processes or processors()) as pool:
            yield _Processes(pool)


class _Processes:
    """A pool of this machine, where all files are."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def run(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        files: Callable[[Item], Iterable[str]],
    ) -> Iterator[tuple[int, Future[Result]]]:
        return self._pool.run(function, items)
