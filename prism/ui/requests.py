"""Every request that the page answers is limited and logged; see `prism.service.log`."""

from __future__ import annotations

import functools
import inspect
import uuid
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from prism.service.log import RefusedError, Requests

# Nobody waits in Gradio's queue: who goes first is the scheduler's business.
THREADS = 240
_END = object()


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
            with requests.answering(endpoint, _visitor()) as context:
                return context.run(handler, *values)

        return answer

    @functools.wraps(handler)
    def stream(*values: Any) -> Any:
        try:
            with requests.answering(endpoint, _visitor()) as context:
                items = handler(*values)
                # Each item may be asked for in another thread, whose context is not this one.
                while (item := context.run(next, items, _END)) is not _END:
                    yield item
        except RefusedError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return stream


def _visitor() -> str:
    """A session; where a request comes without one (plain HTTP), each is a visitor of its own."""
    request = LocalContext.request.get(None)
    return getattr(request, "session_hash", None) or uuid.uuid4().hex
