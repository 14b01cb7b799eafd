"""Work on a cluster: sent to the workers of a Dask scheduler, results as they come.

What files hold is shipped once to each worker. A worker has to be of the same mcusim, which every
batch asks for itself: workers may join late. Dask gives the batches of a lost worker to others.
"""

from __future__ import annotations

import hashlib
import logging
import math
import pickle
import re
import socket
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import Future as Done
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from simcore.cache import tool_fingerprint
from simcore.errors import ConfigError, McusimError
from simcore.extras import require
from simcore.log_text import one_line
from simcore.parallel import TRIES, lost_work
from simcore.shipping import Parcel, Sent, packed_result, renamed, unpacked

if TYPE_CHECKING:
    from distributed import Client, Future

Item = TypeVar("Item")
Result = TypeVar("Result")

_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://\S+:\d+")
CONNECT_S = 10.0
_SIZE_BYTES, _GREETING_BYTES = 8, 1 << 32
#: How long a scheduler without workers, or one that does not answer, is waited for.
PATIENCE_S = 30.0
#: Work of a batch, so that what a task costs the scheduler (about 1 ms) is little beside it.
BATCH_S = 0.5
#: Batches that each worker has before it: enough never to wait, few enough to be shared out evenly.
AHEAD = 2


class ClusterTeam:
    """The workers of a scheduler, and what files they were sent: once for all rounds of work."""

    def __init__(self, client: Client, address: str) -> None:
        self._client, self._address = client, address
        self._parcel = Parcel()
        self._there: dict[str, Future] = {}  # contents that workers have, by hash

    def run(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        files: Callable[[Item], Iterable[str]],
    ) -> Iterator[tuple[int, Done[Result]]]:
        """As :meth:`simcore.workers.Workers.run`."""
        sent = [self._parcel.add(files(item)) for item in items]
        contents = self._parcel.contents
        yield from _Dispatch(
            self._client, self._address, function, items, sent, contents, self._there
        ).results()


@contextmanager
def cluster_team(address: str) -> Iterator[ClusterTeam]:
    """The workers of the scheduler at ``address``.

    Raises ConfigError when no scheduler answers, it has no worker, or one of another mcusim; its
    rounds raise McusimError when it is lost.
    """
    with _connected(address) as client:
        _check_workers(client, address)
        yield ClusterTeam(client, address)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    require("cluster", "--scheduler")
    if not _ADDRESS.fullmatch(address):
        raise ConfigError(f"--scheduler {address}: not an address such as tcp://127.0.0.1:8786")
    _check_listening(address)
    from distributed import Client

    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # told here in one line
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of other versions of packages: all that counts is ours
            client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        why = one_line(str(error) or type(error).__name__)[:120]
        raise ConfigError(
            f"--scheduler {address}: no Dask scheduler answers there ({why})"
        ) from None
    try:
        yield client
    finally:
        with suppress(Exception):  # of a scheduler that is gone
            client.close(timeout=2)


def _check_listening(address: str) -> None:
    """Refuse an address where nobody listens, which Dask tries for long, or something else than a
    scheduler does, for which it waits for ever."""
    protocol, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S) as connection:
            is_dask = protocol != "tcp" or _greets(connection)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"--scheduler {address}: nobody answers there ({one_line(why)}): start one with 'dask"
            " scheduler', or check the address"
        ) from None
    if not is_dask:
        raise ConfigError(
            f"--scheduler {address}: what answers there is no Dask scheduler: check the address"
        )


def _greets(connection: socket.socket) -> bool:
    """Whether the other side begins as Dask does: unasked, with the size of its greeting in eight
    bytes, which text would make huge."""
    said = b""
    try:
        while len(said) < _SIZE_BYTES and (more := connection.recv(_SIZE_BYTES - len(said))):
            said += more
    except OSError:  # silent for too long, or gone
        return False
    return len(said) == _SIZE_BYTES and int.from_bytes(said, "little") < _GREETING_BYTES


def _check_workers(client: Client, address: str) -> None:
    """Refuse a cluster without workers, and one with a worker of another mcusim."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except TimeoutError:
        raise _without_workers(address) from None
    own = tool_fingerprint()
    for worker, found in client.run(_fingerprint, on_error="return").items():
        if isinstance(found, OSError | TimeoutError):
            continue  # it is gone meanwhile: Dask finds that out
        if found != own:
            raise _other_version(f"--scheduler {address}: worker {worker}", found)


def _fingerprint() -> str:
    return tool_fingerprint()


def _without_workers(address: str) -> McusimError:
    return ConfigError(
        f"--scheduler {address}: it has no workers; start some: dask worker {address}"
    )


def _other_version(where: str, found: object) -> ConfigError:
    has = f"mcusim {found:.17}" if isinstance(found, str) else "no mcusim that answers"
    return ConfigError(
        f"{where} has {has}, and this is mcusim {tool_fingerprint():.17}: install the same"
        " version, with the same Python and packages, on both"
    )


class OtherVersionError(McusimError):
    """A worker is of another mcusim than the one that sent it work."""


class Outcomes(NamedTuple):
    """What a batch gave: of each item whether it went well, and its result or error, pickled."""

    results: list[tuple[bool, bytes]]
    seconds: float


def run_batch(own: str, batch: bytes, contents: Mapping[str, bytes]) -> Outcomes:
    """On a worker: what a function makes of items; ``batch`` is pickled, so that Dask does not look
    into it. Raises OtherVersionError."""
    from distributed import get_worker

    if tool_fingerprint() != own:
        raise OtherVersionError(tool_fingerprint())
    started = time.perf_counter()
    function, items, sent = pickle.loads(batch)
    below = get_worker().local_directory  # Dask clears those of workers that were killed
    results = []
    for item, files in zip(items, sent, strict=True):
        paths = unpacked(files, contents, below)
        try:
            results.append((True, packed_result(function(renamed(item, paths)), paths)))
        except Exception as error:
            results.append((False, packed_result(error, paths)))
    return Outcomes(results, time.perf_counter() - started)


class _Dispatch:
    """Keeps the workers of a client supplied with batches."""

    def __init__(
        self,
        client: Client,
        address: str,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        sent: Sequence[Sequence[Sent]],
        contents: Mapping[str, bytes],
        there: dict[str, Future],
    ) -> None:
        self._client, self._address = client, address
        self._function, self._items, self._sent = function, items, sent
        self._contents, self._there = contents, there
        self._waiting: deque[int] = deque(range(len(items)))
        self._again: deque[list[int]] = deque()
        self._lost = [0] * len(items)
        self._under_way: dict[str, tuple[Future, list[int]]] = {}
        self._ready: Queue[str] = Queue()
        self._seconds, self._done = 0.0, 0
        self._threads, self._asked = 1, 0.0

    def results(self) -> Iterator[tuple[int, Done[Any]]]:
        heard = time.monotonic()
        self._send()
        while self._under_way:
            try:
                key = self._ready.get(timeout=1.0)
            except Empty:
                if time.monotonic() - heard > PATIENCE_S:
                    self._check_alive()
                    heard = time.monotonic()
                continue
            heard = time.monotonic()
            future, batch = self._under_way.pop(key)
            found = list(self._taken(future, batch))
            future.release()
            self._send()
            yield from found

    def _taken(self, future: Future, batch: list[int]) -> Iterator[tuple[int, Done[Any]]]:
        from distributed.scheduler import KilledWorker

        try:
            outcomes = future.result()
        except CancelledError:  # it, or what it needs, is lost with its worker, or all is
            self._check_alive(PATIENCE_S)
            self._there.clear()
            yield from self._once_more(batch)
            return
        except KilledWorker:
            yield from self._once_more(batch, TRIES)
            return
        except OtherVersionError as error:
            where = f"--scheduler {self._address}: a worker"
            raise _other_version(where, str(error)) from None
        except Exception as error:
            text = one_line(f"{type(error).__name__}: {error}")[:200]
            raise McusimError(
                f"--scheduler {self._address}: a worker could not work ({text}); what is finished"
                " is kept"
            ) from None
        self._seconds, self._done = self._seconds + outcomes.seconds, self._done + len(batch)
        for number, (went_well, packed) in zip(batch, outcomes.results, strict=True):
            done: Done[Any] = Done()
            if went_well:
                done.set_result(pickle.loads(packed))
            else:
                done.set_exception(pickle.loads(packed))
            yield number, done

    def _once_more(self, batch: list[int], times: int = 1) -> Iterator[tuple[int, Done[Any]]]:
        """Try a batch whose workers were lost again, one by one; give up what is lost for good."""
        for number in batch:
            self._lost[number] += times if len(batch) == 1 else 1
            if self._lost[number] < TRIES:
                self._again.append([number])
            else:
                given_up: Done[Any] = Done()
                given_up.set_exception(lost_work())
                yield number, given_up

    def _send(self) -> None:
        """Keep every worker supplied with batches of half a second, as work took so far."""
        if time.monotonic() - self._asked > 1:
            self._threads = max(1, sum(self._client.nthreads().values()))
            self._asked = time.monotonic()
        while (self._again or self._waiting) and len(self._under_way) < AHEAD * self._threads:
            self._submit(self._again.popleft() if self._again else self._next())

    def _next(self) -> list[int]:
        size = math.ceil(BATCH_S * self._done / self._seconds) if self._seconds else 1
        even = math.ceil(len(self._waiting) / (AHEAD * self._threads))
        return [self._waiting.popleft() for _ in range(max(1, min(size, even)))]

    def _submit(self, batch: list[int]) -> None:
        files = [self._sent[number] for number in batch]
        needed = {file.sha256 for some in files for file in some if file.sha256}
        for sha256 in sorted(needed - self._there.keys()):
            content = self._contents[sha256]
            self._there[sha256] = self._client.scatter(content, broadcast=True, hash=False)
        work = self._function, [self._items[number] for number in batch], files
        name = hashlib.sha256(repr((id(self), batch, time.monotonic())).encode()).hexdigest()
        future = self._client.submit(
            run_batch,
            tool_fingerprint(),
            pickle.dumps(work),
            {sha256: self._there[sha256] for sha256 in needed},
            key=f"mcusim-{name[:24]}",
            pure=False,
        )
        self._under_way[future.key] = (future, batch)
        future.add_done_callback(lambda one: self._ready.put(one.key))

    def _check_alive(self, patience_s: float = 0.0) -> None:
        """Raise McusimError when the scheduler is gone, or its workers are and no other comes."""
        until = time.monotonic() + patience_s
        while not self._has_workers():
            if self._client.status != "running" or time.monotonic() >= until:
                raise McusimError(
                    f"--scheduler {self._address}: the scheduler or its last worker is gone; what"
                    " is finished is kept: run the same command again"
                )
            time.sleep(0.1)

    def _has_workers(self) -> bool:
        try:
            return self._client.status == "running" and bool(self._client.nthreads())
        except Exception:  # whatever Dask raises of a scheduler that is gone
            return False
