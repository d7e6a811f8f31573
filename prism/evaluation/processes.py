"""Work that is shared among processes of this machine, on one copy of the models."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch


def usual_processes() -> int:
    """One a core, two at most; one with a GPU, which cannot be shared in this way."""
    return 1 if torch.cuda.is_available() else min(2, os.cpu_count() or 1)


def in_processes(
    function: Callable[[Any], Any], items: Sequence[Any], processes: int = 1
) -> Iterator[Any]:
    """What `function` gives for each item, in their order.

    With several processes each computes in a single thread: that is quicker than several threads
    for networks as small as these. Items and results travel between processes.
    """
    if processes == 1:
        yield from map(function, items)
        return
    # Threads of this process's own products would be missing in those forked from it.
    torch.set_num_threads(1)
    context = multiprocessing.get_context("fork")
    # Forked, they have the function as it is: a closure could not be sent to them.
    with ProcessPoolExecutor(processes, context, _begin, (function,)) as pool:
        try:
            yield from pool.map(_call, items)
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(function: Callable[[Any], Any]) -> None:
    """Give a new process its work."""
    torch.set_num_threads(1)
    _call.work = function


def _call(item: Any) -> Any:
    return _call.work(item)
