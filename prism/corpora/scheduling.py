"""Work on many files, batch by batch, side by side: on this machine or on a Dask cluster.

Conventions
-----------
batch
    Some files that follow each other. Where one ends depends on the files' names alone, so that a
    file more or less changes one batch and not all that follow.
lost worker
    A batch whose worker died is tried again. Dask does so on another worker; if workers keep dying,
    the batch is halved, in processes of its own, until the file that kills them is found. That
    file is left out, and the others are read.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import importlib
import importlib.util
import multiprocessing
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from prism.corpora.files import CorpusError, LeftOut, MidiFile, load, tidy

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

Read = Callable[[Any], Any]
Results = list[tuple[str, Any]]


class FileBatch(NamedTuple):
    """Files that are worked on together.

    Parameters
    ----------
    files : tuple
        Each has a `path`; or is a `LeftOut`, which is passed on.
    crashed : tuple of str
        Paths that are not to be read again.
    """

    files: tuple
    crashed: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Task:
    """What is done with a batch, in another process.

    Parameters
    ----------
    read : callable
        From a file to its result.
    finish : callable
        From a batch and its results, as ``(path, result)``, to what comes back.
    """

    read: Read
    finish: Callable[[FileBatch, Results], Any]

    def __call__(self, batch: FileBatch) -> Any:
        """Read a batch's files, one after another."""
        return self.finish(batch, [self._result(file, batch.crashed) for file in batch.files])

    def _result(self, file: Any, crashed: tuple[str, ...]) -> tuple[str, Any]:
        if isinstance(file, LeftOut):
            return file.file, file
        if file.path in crashed:
            return file.path, LeftOut(tidy(file.path), CRASH)
        try:
            return file.path, self.read(file)
        except Exception as error:  # no file may end a run, whatever it does to its reader
            detail = tidy(f"{type(error).__name__}: {error}")
            return file.path, LeftOut(tidy(file.path), FAILED, detail)


def batches(found: Iterable, mean_files: int = MEAN_FILES) -> Iterator[FileBatch]:
    """Cut a stream of files; no batch has more than four times `mean_files`."""
    files, size = [], 0
    for file in found:
        files.append(file)
        size += _carried_bytes(file)
        path = file.file if isinstance(file, LeftOut) else file.path
        last = zlib.crc32(path.encode("utf-8", "surrogateescape")) % mean_files == 0
        if last or len(files) >= 4 * mean_files or size > MAX_BATCH_BYTES:
            yield FileBatch(tuple(files))
            files, size = [], 0
    if files:
        yield FileBatch(tuple(files))


def _carried_bytes(file: Any) -> int:
    """Bytes of a file's content that travel with it."""
    arguments = getattr(getattr(file, "read", None), "args", ())
    return sum(len(value) for value in arguments if isinstance(value, bytes))


class Pool(Protocol):
    """Where tasks run."""

    lost: tuple[type[Exception], ...]

    def workers(self) -> int:
        """How many batches are worked on at a time."""

    def submit(self, task: Task, batch: FileBatch) -> Any:
        """Begin; the future's ``result()`` raises one of `lost` if the worker died."""


class ProcessPool:
    """Processes of this machine, without Dask."""

    lost = (concurrent.futures.BrokenExecutor,)

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool = concurrent.futures.ProcessPoolExecutor(processes)

    def workers(self) -> int:
        """See `Pool`."""
        return self._processes

    def submit(self, task: Task, batch: FileBatch) -> concurrent.futures.Future:
        """See `Pool`; a pool that broke is replaced."""
        try:
            return self._pool.submit(task, batch)
        except concurrent.futures.BrokenExecutor:
            self._pool = concurrent.futures.ProcessPoolExecutor(self._processes)
            return self._pool.submit(task, batch)

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(cancel_futures=True)


class DaskPool:
    """A Dask cluster's workers.

    Parameters
    ----------
    client : distributed.Client
        Connected.
    """

    def __init__(self, client: Any) -> None:
        from distributed import KilledWorker

        self.lost = (KilledWorker,)
        self._client = client

    def workers(self) -> int:
        """See `Pool`; workers may come and go."""
        return max(1, sum(self._client.nthreads().values()))

    def submit(self, task: Task, batch: FileBatch) -> Any:
        """See `Pool`."""
        # Batches do not come twice, and hashing one to find out would cost time.
        return self._client.submit(task, batch, pure=False)


@contextlib.contextmanager
def opened_pool(scheduler: str = LOCAL, processes: int = 2) -> Iterator[Pool]:
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
        with contextlib.closing(ProcessPool(processes)) as pool:
            yield pool
    elif not has_dask:
        raise CorpusError(f"--scheduler {scheduler} needs Dask: pip install dask distributed")
    else:
        with _connected(scheduler, processes) as client:
            yield DaskPool(client)


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


def run(found: Iterable[FileBatch], task: Task, pool: Pool) -> Iterator[Any]:
    """Results in the order of the batches, with a bounded number of them under way.

    Raises
    ------
    CorpusError
        If the pool itself is lost.
    """
    waiting: collections.deque = collections.deque()
    for batch in found:
        waiting.append((batch, pool.submit(task, batch)))
        while len(waiting) > _AHEAD * pool.workers():
            yield _finished(*waiting.popleft(), task, pool)
    while waiting:
        yield _finished(*waiting.popleft(), task, pool)


def _finished(batch: FileBatch, future: Any, task: Task, pool: Pool) -> Any:
    try:
        return future.result()
    except pool.lost:
        return without_crashing_files(batch, task)
    except concurrent.futures.CancelledError as error:
        raise CorpusError(
            "the scheduler was lost; what was read is kept: start again when it is back"
        ) from error


def without_crashing_files(batch: FileBatch, task: Task) -> Any:
    """A batch's result without the files that kill the process that reads them."""
    survived, result = _alone(batch, task)
    if survived:
        return result
    probe = dataclasses.replace(task, finish=_nothing)
    crashed = tuple(_halved(batch.files, probe))
    survived, result = _alone(batch._replace(crashed=crashed), task)
    if survived:
        return result
    # Each of the files can be read, but not all of them: none can be blamed, and none be trusted.
    everything = tuple(file.path for file in batch.files if not isinstance(file, LeftOut))
    return task(batch._replace(crashed=everything))


def _crashing(files: tuple, probe: Task) -> Iterator[str]:
    """Paths of the files that kill their reader."""
    if files and not _alone(FileBatch(files), probe)[0]:
        yield from _halved(files, probe)


def _halved(files: tuple, probe: Task) -> Iterator[str]:
    """As `_crashing`, for files of which some kill their reader."""
    files = tuple(file for file in files if not isinstance(file, LeftOut))
    if len(files) == 1:
        yield files[0].path
        return
    middle = len(files) // 2
    yield from _crashing(files[:middle], probe)
    yield from _crashing(files[middle:], probe)


def _alone(batch: FileBatch, task: Task) -> tuple[bool, Any]:
    """Whether a process of its own survives a batch, and the result."""
    # Not forked: Dask's threads may hold locks at this moment.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return True, pool.submit(task, batch).result()
        except concurrent.futures.BrokenExecutor:
            return False, None


def _nothing(batch: FileBatch, results: Results) -> None:
    """What a probe comes back with."""


def read_side_by_side(
    found: Iterable[MidiFile | LeftOut],
    read: Callable[[bytes], Any],
    processes: int,
) -> Iterator[tuple[str, Any]]:
    """Paths and results in the order of `found`.

    Parameters
    ----------
    found : iterable
        As `prism.corpora.files.entries` gives.
    read : callable
        From a file's content to a result; called in another process.
    processes : int
        How many.
    """
    task = Task(functools.partial(_read_content, read=read), _results)
    with opened_pool(PROCESSES, processes) as pool:
        for results in run(batches(found), task, pool):
            yield from results


def _read_content(entry: MidiFile, read: Callable[[bytes], Any]) -> Any:
    content = load(entry)
    return content if isinstance(content, LeftOut) else read(content)


def _results(batch: FileBatch, results: Results) -> Results:
    return results
