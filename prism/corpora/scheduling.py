"""Work on many files, batch by batch, side by side: on this machine or on a Dask cluster.

Conventions
-----------
batch
    Some files that follow each other. Where one ends depends on the files' names alone, so that a
    file more or less changes one batch and not all that follow.
lost worker
    A batch whose worker died is tried again. Dask does so on another worker; if workers keep dying,
    its files go one by one to a process of their own. A file that kills it is left out, and the
    others are read.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import functools
import importlib
import importlib.util
import multiprocessing
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prism.corpora.files import CorpusError, LeftOut, path_of, tidy

LOCAL, PROCESSES = "local", "processes"
CRASH = "the reading process crashed on it"
FAILED = "its reader failed"
MEAN_FILES = 64
CONNECT_SECONDS = 20
# Contents of a compressed archive travel with their batch; Dask warns above 10 MB.
MAX_BATCH_BYTES = 6 * 2**20
# Batches under way at a time, for each worker: bounds what is held in memory.
_AHEAD = 3
_ALLOWED_FAILURES = 1

Results = list[tuple[str, Any]]


def worked(batch: tuple, read: Callable[[Any], Any], finish: Callable[[tuple, Results], Any]):
    """Read a batch's files, one after another, and finish the batch with their results."""
    return finish(batch, [_result(file, read) for file in batch])


def _result(file: Any, read: Callable[[Any], Any]) -> tuple[str, Any]:
    path = path_of(file)
    if isinstance(file, LeftOut):
        return path, file
    try:
        return path, read(file)
    except Exception as error:  # no file may end a run, whatever it does to its reader
        return path, LeftOut(path, FAILED, tidy(f"{type(error).__name__}: {error}"))


def batches(found: Iterable, mean_files: int = MEAN_FILES) -> Iterator[tuple]:
    """Cut a stream of files; no batch has more than four times `mean_files`.

    A file has a `path`; or it is a `LeftOut`, which is passed on.
    """
    files, size = [], 0
    for file in found:
        files.append(file)
        size += _carried_bytes(file)
        last = zlib.crc32(path_of(file).encode("utf-8", "surrogateescape")) % mean_files == 0
        if last or len(files) >= 4 * mean_files or size > MAX_BATCH_BYTES:
            yield tuple(files)
            files, size = [], 0
    if files:
        yield tuple(files)


def _carried_bytes(file: Any) -> int:
    """Bytes of a file's content that travel with it."""
    arguments = getattr(getattr(file, "read", None), "args", ())
    return sum(len(value) for value in arguments if isinstance(value, bytes))


class _ProcessPool:
    """Processes of this machine, without Dask; see `_DaskPool`."""

    lost = concurrent.futures.BrokenExecutor

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool = concurrent.futures.ProcessPoolExecutor(processes)

    def workers(self) -> int:
        return self._processes

    def submit(self, job: Callable[[], Any]) -> Any:
        try:
            return self._pool.submit(job)
        except self.lost:
            self._pool = concurrent.futures.ProcessPoolExecutor(self._processes)
            return self._pool.submit(job)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


class _DaskPool:
    """A Dask cluster's workers; a future's ``result()`` raises `lost` if its worker died."""

    def __init__(self, client: Any) -> None:
        from distributed import KilledWorker

        self.lost = KilledWorker
        self._client = client

    def workers(self) -> int:
        """How many batches are worked on at a time; workers may come and go."""
        return max(1, sum(self._client.nthreads().values()))

    def submit(self, job: Callable[[], Any]) -> Any:
        # Batches do not come twice, and hashing one to find out would cost time.
        return self._client.submit(job, pure=False)


@contextlib.contextmanager
def opened_pool(scheduler: str = LOCAL, processes: int = 2) -> Iterator[_ProcessPool | _DaskPool]:
    """Where to work.

    Parameters
    ----------
    scheduler : str
        `LOCAL`, a Dask cluster of this machine's processes (plain ones where Dask is not
        installed); `PROCESSES`, plain ones; or a Dask scheduler's address, ``tcp://host:8786``,
        whose workers have Prism installed and see the files and the cache under the same paths.
    processes : int
        How many, on this machine.

    Raises
    ------
    CorpusError
        If the scheduler cannot be reached or used.
    """
    if scheduler not in (LOCAL, PROCESSES) and "://" not in scheduler:
        raise CorpusError(
            f"--scheduler: expected {LOCAL}, {PROCESSES} or an address such as tcp://host:8786; "
            f"got {scheduler!r}"
        )
    has_dask = importlib.util.find_spec("distributed") is not None
    if scheduler == LOCAL and not has_dask:
        print("Dask is not installed (pip install dask distributed): using plain processes")
        scheduler = PROCESSES
    if scheduler == PROCESSES:
        with contextlib.closing(_ProcessPool(processes)) as pool:
            yield pool
    elif not has_dask:
        raise CorpusError(f"--scheduler {scheduler} needs Dask: pip install dask distributed")
    else:
        with _connected(scheduler, processes) as client:
            yield _DaskPool(client)


@contextlib.contextmanager
def _connected(scheduler: str, processes: int) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    settings = {"distributed.scheduler.allowed-failures": _ALLOWED_FAILURES}
    with contextlib.ExitStack() as stack:
        if scheduler == LOCAL:
            stack.enter_context(dask.config.set(settings))
            cluster = LocalCluster(
                n_workers=processes,
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs="CRITICAL",
            )
            scheduler = stack.enter_context(cluster)
        try:
            client = stack.enter_context(Client(scheduler, timeout=CONNECT_SECONDS))
            client.wait_for_workers(1, timeout=3 * CONNECT_SECONDS)
            # Also so that the first batch does not wait for it.
            client.run(importlib.import_module, "prism.corpora.preparation")
        except (OSError, TimeoutError, ImportError, ValueError) as error:
            raise CorpusError(
                f"--scheduler {scheduler}: no worker that has Prism can be reached ({error}); "
                "start the scheduler and its workers, with Prism on their Python path"
            ) from error
        yield client


def run(
    found: Iterable[tuple],
    read: Callable[[Any], Any],
    finish: Callable[[tuple, Results], Any],
    where: tuple[str, int],
) -> Iterator[Any]:
    """Work on batches in other processes, a bounded number of them under way.

    Parameters
    ----------
    found : iterable of tuple
        From `batches`. If there are none, nothing is started.
    read : callable
        From a file to its result.
    finish : callable
        From a batch and its (path, result) to what is yielded, in the order of the batches.
    where : (str, int)
        Scheduler and processes, see `opened_pool`.

    Raises
    ------
    CorpusError
        If the pool cannot be opened or is lost.
    """
    waiting: collections.deque = collections.deque()
    pool = None
    with contextlib.ExitStack() as stack:
        for batch in found:
            pool = pool or stack.enter_context(opened_pool(*where))
            waiting.append((batch, pool.submit(functools.partial(worked, batch, read, finish))))
            while len(waiting) > _AHEAD * pool.workers():
                yield _finished(*waiting.popleft(), read, finish, pool)
        while waiting:
            yield _finished(*waiting.popleft(), read, finish, pool)


def _finished(
    batch: tuple, future: Any, read: Callable, finish: Callable, pool: _ProcessPool | _DaskPool
) -> Any:
    try:
        return future.result()
    except pool.lost:
        return without_crashing_files(batch, read, finish)
    except concurrent.futures.CancelledError as error:
        raise CorpusError(
            "the scheduler was lost; what was read is kept: start again when it is back"
        ) from error


def without_crashing_files(
    batch: tuple, read: Callable[[Any], Any], finish: Callable[[tuple, Results], Any]
) -> Any:
    """A batch's result without the files that kill the process that reads them."""
    results: Results = []
    while len(results) < len(batch):
        # Not forked: Dask's threads may hold locks at this moment.
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as process:
            try:
                for file in batch[len(results) :]:
                    results.append(process.submit(_result, file, read).result())
            except concurrent.futures.BrokenExecutor:
                results.append((path_of(file), LeftOut(path_of(file), CRASH)))
    return finish(batch, results)
