"""Who goes first: the less urgent gives way while the more urgent works."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator

MOMENT_SECONDS = 0.1


class Turns:
    """Counts who works, by rank; 0 is the most urgent.

    Nobody is stopped: the less urgent asks between two pieces of its work, and its patience is
    limited.

    Examples
    --------
    >>> turns = Turns()
    >>> with turns.take(rank=0), turns.take(rank=1, patience_seconds=0.2) as turn:
    ...     len(list(turn.moments()))
    2
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working: Counter[int] = Counter()

    @contextlib.contextmanager
    def take(
        self, rank: int, patience_seconds: float = 0.0, head_start_seconds: float = 0.0
    ) -> Iterator[Turn]:
        """Work inside ``with``; see `Turn` for the arguments."""
        self._count(rank, 1)
        try:
            yield Turn(self, rank, patience_seconds, head_start_seconds)
        finally:
            self._count(rank, -1)

    def wait(self, rank: int, busy: bool, timeout_seconds: float) -> bool:
        """Wait until it is so or not that somebody more urgent than `rank` works; whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: busy == any(self._working[r] for r in range(rank)), timeout_seconds
            )

    def _count(self, rank: int, change: int) -> None:
        with self._changed:
            self._working[rank] += change
            self._changed.notify_all()


class Turn:
    """One worker's turn.

    Parameters
    ----------
    turns : Turns
        Who else works.
    rank : int
        Lower ranks go first.
    patience_seconds : float
        How long this turn gives way altogether.
    head_start_seconds : float
        How long the first `moments` waits for somebody more urgent to begin: of those who set
        out together, the least urgent may be the first to arrive.
    """

    def __init__(
        self, turns: Turns, rank: int, patience_seconds: float, head_start_seconds: float
    ) -> None:
        self._turns = turns
        self._rank = rank
        self._patience_seconds = patience_seconds
        self._head_start_seconds = head_start_seconds

    def moments(self) -> Iterator[None]:
        """Give way: one item a moment, for as long as somebody more urgent works."""
        if self._head_start_seconds:
            self._turns.wait(self._rank, True, self._head_start_seconds)
            self._head_start_seconds = 0.0
        while self._patience_seconds > 0:
            began = time.monotonic()
            if self._turns.wait(self._rank, False, min(MOMENT_SECONDS, self._patience_seconds)):
                return
            self._patience_seconds -= time.monotonic() - began
            yield
