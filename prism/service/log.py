"""What an operator reads: one line for every finished request, and nothing about who asked.

Conventions
-----------
A line is ``request`` and pairs, for example::

    request endpoint=generate outcome=done waited=0.4 worked=0.9 pieces=1 cached=0 waiting=3

endpoint
    The event's name in the API, or that of the page's handler.
outcome
    ``done``; ``failed`` (the visitor was told why); ``cancelled`` while it worked; ``refused``
    because the line was full.
waited, worked
    Seconds in the line, and from then on.
pieces, cached
    Pieces of music asked for, and how many of them were there already.
waiting
    Requests in all lines when it ended.

No address, session, composer, seed, text or file name of a visitor is ever in it.
"""

from __future__ import annotations

import contextvars
import dataclasses
import logging
import os

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_logger = logging.getLogger(__name__)


@dataclasses.dataclass
class Work:
    """What has come of the request that is being answered; cancelled until it is answered."""

    outcome: str = "cancelled"
    pieces: int = 0
    cached: int = 0


_work: contextvars.ContextVar[Work | None] = contextvars.ContextVar("prism_work", default=None)


def begin_work() -> Work:
    """What is noted from now on in this task, and in the threads it sets to work."""
    work = Work()
    _work.set(work)
    return work


def note_piece(cached: bool) -> None:
    """Count a piece for the request that is being answered, if there is one."""
    work = _work.get()
    if work is not None:
        work.pieces += 1
        work.cached += cached


def note_outcome(success: bool) -> None:
    """Say how the request ended that is being answered."""
    work = _work.get()
    if work is not None:
        work.outcome = "done" if success else "failed"


def log_request(endpoint: str, work: Work, waited: float, worked: float, waiting: int) -> None:
    """Write a request's line; see the conventions above."""
    _logger.log(
        logging.INFO if work.outcome in ("done", "cancelled") else logging.WARNING,
        "request endpoint=%s outcome=%s waited=%.3f worked=%.3f pieces=%d cached=%d waiting=%d",
        endpoint,
        work.outcome,
        waited,
        worked,
        work.pieces,
        work.cached,
        waiting,
    )


def configure_logging() -> None:
    """Write Prism's own log to stderr, from the level ``PRISM_LOG`` upwards (default: INFO).

    Raises
    ------
    ValueError
        If there is no such level.
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
