"""Every request that the page answers is limited and logged; see `prism.service.log`.

Whatever a handler does not tell by itself is told in a sentence, and never by Gradio's log, which
would print what a visitor wrote.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from prism.service.log import RefusedError, Requests, fault_words, log_fault

# Nobody waits in Gradio's queue: who goes first is the scheduler's business.
THREADS = 240
_END = object()
_logger = logging.getLogger(__name__)


def log_requests(page: gr.Blocks) -> gr.Blocks:
    """Limit and log the requests of all queued events; the page itself comes back."""
    page.queue(default_concurrency_limit=None)
    requests = Requests()
    for event in page.fns.values():
        if event.fn is not None and event.queue:
            own = "page_" if event.api_visibility == "private" else ""
            event.fn = _logged(event.fn, f"{own}{event.api_name}", requests)
    return page


def _logged(handler: Callable, endpoint: str, requests: Requests) -> Callable:
    if not inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def answer(*values: Any) -> Any:
            with _told(endpoint), requests.answering(endpoint, _visitor()) as context:
                return context.run(handler, *values)

        return answer

    @functools.wraps(handler)
    def stream(*values: Any) -> Any:
        with _told(endpoint), requests.answering(endpoint, _visitor()) as context:
            items = handler(*values)
            # Each item may be asked for in another thread, whose context is not this one.
            while (item := context.run(next, items, _END)) is not _END:
                yield item

    return stream


@contextlib.contextmanager
def _told(endpoint: str) -> Iterator[None]:
    """Tell the visitor whatever goes wrong inside ``with``."""
    try:
        yield
    except gr.Error:
        raise
    except RefusedError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except Exception as error:  # whatever it was, the page goes on
        log_fault(_logger, endpoint, error)
        words = f"That did not work ({fault_words(error)}): try again, or reload the page."
        raise gr.Error(words, print_exception=False) from error


def _visitor() -> str:
    """A session; where a request comes without one (plain HTTP), each is a visitor of its own."""
    request = LocalContext.request.get(None)
    return getattr(request, "session_hash", None) or uuid.uuid4().hex
