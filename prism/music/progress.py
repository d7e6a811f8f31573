"""Progress bars that a program of many stages can gather into one line.

Within `gathered` nothing is drawn or written above a bar; a listener gets its state instead.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tqdm import tqdm

# Told a bar's `tqdm.format_dict` each time it would be drawn.
Listener = Callable[[dict[str, Any]], object]
_LISTENER: contextvars.ContextVar[Listener | None] = contextvars.ContextVar(
    "listener", default=None
)


class ProgressBar(tqdm):
    """A tqdm bar that also tells a listener, even where no terminal shows it."""

    def __init__(self, iterable: Iterable | None = None, desc: str | None = None, *rest, **named):
        self._listener = _LISTENER.get()
        if self._listener is not None:
            named |= {"file": io.StringIO(), "disable": named.get("disable") is True}
        super().__init__(iterable, desc, *rest, **named)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Draw, or tell the listener."""
        if self._listener is None:
            return super().display(msg, pos)
        if msg is None:  # not while it is cleared away
            self._listener(self.format_dict)
        return True

    @classmethod
    def write(cls, text: str, *rest: Any, **named: Any) -> None:
        """Write above the bars; nothing where they are gathered."""
        if _LISTENER.get() is None:
            super().write(text, *rest, **named)


@contextlib.contextmanager
def gathered(listener: Listener) -> Iterator[None]:
    """Let a listener be told of all bars that are made meanwhile, by this thread."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)
