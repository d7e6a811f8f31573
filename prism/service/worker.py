"""One thread for all the models' work.

Gradio takes another thread for every item of a handler, and GNU OpenMP gives every thread that
computes a team of its own. With more threads in the teams than cores, its waiting threads go to
sleep almost at once, and the baseline's many small products pay for waking them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")
_END = object()


class Worker:
    """Runs whatever it is given in its own thread, in the order of asking.

    Those who ask for one item at a time share it fairly. Nothing that runs in it may wait for
    somebody else who asks for it.

    Examples
    --------
    >>> worker = Worker()
    >>> worker.run(sum, [1, 2]), list(worker.iterate(iter("ab")))
    (3, ['a', 'b'])
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prism-models")

    def run(
        self, function: Callable[..., Result], *arguments: object, **settings: object
    ) -> Result:
        """Call it and wait for the result; what it raises is raised here."""
        return self._executor.submit(function, *arguments, **settings).result()

    def iterate(self, generator: Iterator[Result], cores: int | None = None) -> Iterator[Result]:
        """The generator's items, each made when it is asked for; closed with this one.

        Parameters
        ----------
        generator : iterator
            Makes them.
        cores : int, optional
            On how many to compute, as many as torch takes by default. Many small products are
            slower on two than on one as soon as something else wants the second now and then.
        """
        step = partial(_on_cores, cores, next) if cores else next
        try:
            while (item := self.run(step, generator, _END)) is not _END:
                yield item
        finally:
            if hasattr(generator, "close"):
                self.run(generator.close)


def _on_cores(cores: int, function: Callable[..., Result], *arguments: object) -> Result:
    """Call it with torch limited to so many cores."""
    # Known to be there: somebody has made the generator.
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        return function(*arguments)
    finally:
        torch.set_num_threads(before)
