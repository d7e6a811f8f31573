"""Spaces' ZeroGPU, which lends a GPU for the length of a call; everywhere else nothing changes.

There a function marked with ``spaces.GPU`` runs in a forked process. No other thread comes along
into it, so it must not ask a `Scheduler` for anything, and what it yields is pickled on its way
back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)


def gpu_is_lent() -> bool:
    """Whether the host lends its GPU by the call."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


def on_lent_gpu(function: Function, seconds: int) -> Function:
    """The function as one that borrows the GPU; itself where none is lent.

    Its arguments and results, or a generator function's items, must be picklable. `seconds` are the
    most that it takes: a visitor with less than that left is refused.
    """
    if not gpu_is_lent():
        return function
    try:
        import spaces
    except ImportError:  # a copy of a Space's settings on another machine
        return function
    return spaces.GPU(duration=seconds)(function)
