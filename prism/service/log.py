"""What an operator reads: one line for every finished request, and nothing about who asked.

A line is ``request`` and pairs, for example::

    request endpoint=generate outcome=done waited=0.4 worked=0.9 pieces=1 cached=0 waiting=3

A fault has a line of its own, from `log_fault`. No address, session, composer, seed, text or file
name of a visitor is ever in a line. docs/hosting.md says what each pair is.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import logging
import os
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator

from prism.corpora.files import CorpusError
from prism.models.hub import WeightsError
from prism.music.synthesis import SynthesisError

REQUESTS = 200  # a click on the page is three requests, and three when they are done
REQUESTS_PER_VISITOR = 24
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_logger = logging.getLogger(__name__)
# Their messages are about the server's own files.
_OWN_FAULTS = (WeightsError, CorpusError, SynthesisError)


class RefusedError(RuntimeError):
    """Too many requests at once."""


@dataclasses.dataclass
class Work:
    """What has come of the request that is being answered; cancelled until it is answered."""

    visitor: str = ""
    outcome: str = "cancelled"
    waited: float = 0.0
    pieces: int = 0
    cached: int = 0


_work: contextvars.ContextVar[Work | None] = contextvars.ContextVar("prism_work", default=None)


def visitor() -> str:
    """Whose request is being answered; empty for nobody's."""
    work = _work.get()
    return work.visitor if work else ""


def note_piece(cached: bool) -> None:
    """Count a piece for the request that is being answered, if there is one."""
    if work := _work.get():
        work.pieces += 1
        work.cached += cached


def note_wait(seconds: float) -> None:
    """Count time that the request that is being answered has waited, if there is one."""
    if work := _work.get():
        work.waited += seconds


class Requests:
    """The requests that are being answered; limits them and logs each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._working: Counter[str] = Counter()

    @contextlib.contextmanager
    def answering(self, endpoint: str, visitor: str) -> Iterator[contextvars.Context]:
        """Answer a request inside ``with``; all of the work belongs into the context given.

        Raises RefusedError if too many are being answered, in words for the visitor.
        """
        work, began = Work(visitor), time.monotonic()
        context = contextvars.copy_context()
        context.run(_work.set, work)
        try:
            self._admit(visitor)
            yield context
            work.outcome = "done"
        except Exception as error:
            work.outcome = "refused" if isinstance(error, RefusedError) else "failed"
            raise
        finally:
            with self._lock:
                self._working[visitor] -= work.outcome != "refused"
                self._working += Counter()  # forgets whoever has nothing left
                others = self._working.total()
            _log_request(endpoint, work, time.monotonic() - began, others)

    def _admit(self, visitor: str) -> None:
        with self._lock:
            total, own = self._working.total(), self._working[visitor]
            if total >= REQUESTS:
                raise RefusedError(
                    f"{total} requests are waiting, as many as may: try again in a minute."
                )
            if visitor and own >= REQUESTS_PER_VISITOR:
                raise RefusedError(
                    f"{own} of your requests are waiting: wait until one is answered."
                )
            self._working[visitor] += 1


def _log_request(endpoint: str, work: Work, seconds: float, others: int) -> None:
    level = logging.INFO if work.outcome in ("done", "cancelled") else logging.WARNING
    text = (
        f"request endpoint={endpoint} outcome={work.outcome} waited={work.waited:.3f} "
        f"worked={seconds - work.waited:.3f} pieces={work.pieces} cached={work.cached} "
        f"waiting={others}"
    )
    _logger.log(level, text)


def log_fault(logger: logging.Logger, place: str, error: Exception) -> None:
    """Log what went wrong in a request, and where in the code if Prism did not foresee it.

    The error's own words are left out unless they are about the server: others quote what a visitor
    chose, and paths end in the name of his file.
    """
    words = type(error).__name__
    if isinstance(error, _OWN_FAULTS):
        words = str(error)
    elif isinstance(error, OSError) and error.strerror:
        folder = os.path.dirname(os.fspath(error.filename or ""))
        words = f"{words}: {error.strerror}{f' in {folder}' if folder else ''}"
    foreseen = isinstance(error, (ValueError, OSError, SynthesisError))
    stack = [] if foreseen else ["\n", *traceback.format_tb(error.__traceback__)]
    logger.error("%s: %s%s", place, words, "".join(stack).rstrip())


def fault_words(error: Exception) -> str:
    """What went wrong, for a visitor: an error's words without the server's folders."""
    if isinstance(error, OSError) and error.strerror:
        name = os.path.basename(os.fspath(error.filename or ""))
        return f"{error.strerror}: {name}" if name else error.strerror
    return str(error) or type(error).__name__


def configure_logging() -> None:
    """Write Prism's own log to stderr, from the level ``PRISM_LOG`` upwards (default: INFO).

    Raises ValueError if there is no such level.
    """
    level = os.environ.get("PRISM_LOG", "INFO").upper()
    if level not in LEVELS:
        raise ValueError(f"PRISM_LOG: expected one of {', '.join(LEVELS)}, got {level}")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("prism")
    logger.setLevel(level)
    logger.handlers = [handler]
    logger.propagate = False
