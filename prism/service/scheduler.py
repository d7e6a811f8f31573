"""One thread for all the models' work, the most urgent first.

Gradio answers every item of a handler in another thread, and GNU OpenMP gives each thread that
computes a team of its own; with more threads than cores, the baseline's many small products pay for
waking them. So the models compute in one thread. Work comes as generators: after each item the most
urgent one goes on, so that a click's first preview waits for one note of somebody's baseline at
most, never for its end. What is most urgent goes by priority; then by how much work the visitor has
there already, so that one who asks for fifty pieces keeps nobody waiting for fifty; then first
come, first served.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import heapq
import itertools
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from prism.service.log import note_wait, visitor

Result = TypeVar("Result")
_END = object()


class Priority(enum.IntEnum):
    """What goes first; background is whatever no click waits for."""

    GENERATE = 0
    BASELINE = 1
    SCORE = 2
    NEAREST = 3
    BACKGROUND = 4


@dataclasses.dataclass
class _Job:
    """A generator, whose it is, and the items nobody has taken yet."""

    steps: Iterator[Any]
    owner: tuple[Priority, str]
    cores: int | None
    items: queue.SimpleQueue = dataclasses.field(default_factory=queue.SimpleQueue)
    cancelled: bool = False
    asked: float = dataclasses.field(default_factory=time.monotonic)
    begun: float | None = None

    def step(self) -> bool:
        """Make the next item; whether there may be more."""
        self.begun = self.begun or time.monotonic()
        try:
            if self.cancelled:
                close = getattr(self.steps, "close", None)
                close and close()
                return False
            with _limited_to(self.cores):
                item = next(self.steps, _END)
        except BaseException as error:  # whatever it was, it is raised where the item is wanted
            self.items.put((None, error))
            return False
        if item is not None:
            self.items.put((item, None))
        return item is not _END


class Scheduler:
    """Runs what it is given in a thread of its own.

    Nothing that runs in it may wait for something else that is asked of it.

    Examples
    --------
    >>> scheduler = Scheduler()
    >>> scheduler.run(sum, [1, 2]), list(scheduler.iterate(iter("ab")))
    (3, ['a', 'b'])
    """

    def __init__(self, name: str = "prism-models") -> None:
        self._changed = threading.Condition()
        self._jobs: list[tuple[tuple[int, int, int], _Job]] = []  # a heap in order
        self._numbers = itertools.count()
        self._pending: Counter[tuple[Priority, str]] = Counter()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def run(
        self,
        function: Callable[..., Result],
        *arguments: object,
        priority: Priority = Priority.BACKGROUND,
        **settings: object,
    ) -> Result:
        """Call it and wait for the result; what it raises is raised here."""

        def call() -> Iterator[tuple[Result]]:
            yield (function(*arguments, **settings),)

        ((result,),) = self.iterate(call(), priority)
        return result

    def iterate(
        self,
        steps: Iterator[Result | None],
        priority: Priority = Priority.BACKGROUND,
        cores: int | None = None,
        heartbeat_seconds: float | None = None,
    ) -> Iterator[Result | None]:
        """The generator's items, made ahead of whoever takes them; closed with this one.

        Parameters
        ----------
        steps : iterator
            Makes them. Where it yields None, others may go first and nothing arrives here.
        cores : int, optional
            On how many to compute, as many as torch takes by default. Many small products are
            slower on two than on one as soon as something else wants the second now and then.
        heartbeat_seconds : float, optional
            None arrives when there is no item for so long: Gradio can stop a handler only between
            two of its items.
        """
        job = self._put(steps, priority, cores)
        try:
            while True:
                try:
                    item, error = job.items.get(timeout=heartbeat_seconds)
                except queue.Empty:
                    yield None
                    continue
                if error is not None:
                    raise error
                if item is _END:
                    return
                yield item
        finally:
            job.cancelled = True
            note_wait((job.begun or time.monotonic()) - job.asked)

    def give_way(self, priority: Priority) -> None:
        """Wait until this visitor has nothing here that is more urgent than `priority`."""
        whose = visitor()
        urgent = [(other, whose) for other in Priority if other < priority and whose]
        with self._changed:
            self._changed.wait_for(lambda: not any(self._pending[key] for key in urgent))

    def _put(self, steps: Iterator[Any], priority: Priority, cores: int | None) -> _Job:
        job = _Job(steps, (priority, visitor()), cores)
        with self._changed:
            ahead = self._pending[job.owner] if visitor() else 0
            self._pending[job.owner] += 1
            heapq.heappush(self._jobs, ((priority, ahead, next(self._numbers)), job))
            self._changed.notify_all()
        return job

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs)
                place, job = heapq.heappop(self._jobs)
            goes_on = job.step()
            with self._changed:
                if goes_on:
                    heapq.heappush(self._jobs, (place, job))
                else:
                    self._pending[job.owner] -= 1
                    self._pending += Counter()  # forgets whoever has nothing left
                    self._changed.notify_all()
            del job  # with what its generator holds


@contextlib.contextmanager
def _limited_to(cores: int | None) -> Iterator[None]:
    """Let torch compute on so many cores."""
    if cores is None:
        yield
        return
    import torch  # known to be there: somebody has made the generator

    before = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        yield
    finally:
        torch.set_num_threads(before)
