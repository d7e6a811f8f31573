"""Every request that the page answers is limited and logged; see `prism.service.log`.

Whatever a handler does not tell by itself is told in a sentence, and never by Gradio's log, which
would print what a visitor wrote.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.context import LocalContext
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from prism.models.setting_types import Setting, SettingError
from prism.service.log import RefusedError, Requests, fault_words, log_fault

# Nobody waits in Gradio's queue: who goes first is the scheduler's business.
THREADS = 240
_END = object()
_logger = logging.getLogger(__name__)
# The page itself calls its unqueued events under the name of predict.
_CALL = re.compile(r"/gradio_api/(?:(?P<named>call/v2)|call|run|api)/(?!predict)(?P<name>[^/]+)")


def log_requests(page: gr.Blocks) -> gr.Blocks:
    """Limit and log the requests of all queued events; the page itself comes back."""
    # Only calls that go through the queue are limited, so there is no other way in.
    page.queue(default_concurrency_limit=None, api_open=False)
    requests = Requests()
    for event in page.fns.values():
        if event.fn is not None and event.queue:
            own = "page_" if event.api_visibility == "private" else ""
            event.fn = _logged(event.fn, f"{own}{event.api_name}", requests)
        elif event.fn is not None:
            event.fn = _told(str(event.api_name))(event.fn)
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


class CheckedCalls:
    """ASGI middleware: tells what is wrong with a call over plain HTTP that reaches no handler.

    Gradio looks at names, missing arguments and the JSON itself before there is an event that could
    say so, and answers with a bare 500.

    Parameters
    ----------
    app : ASGI application
        What answers all other requests.
    endpoints : mapping of str to sequence of Setting
        What each endpoint takes, in order.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Sequence[Setting]]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        posted = scope["type"] == "http" and scope["method"] == "POST"
        call = _CALL.search(scope["path"]) if posted else None
        if call is None:
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        try:
            self._check(call["name"], bool(call["named"]), body)
        except ValueError as error:
            code = 400 if call["name"] in self._endpoints else 404
            await JSONResponse({"error": str(error)}, code)(scope, receive, send)
            return
        sent = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> dict[str, Any]:
            return next(sent, None) or await receive()

        await self._app(scope, again, send)

    def _check(self, endpoint: str, named: bool, body: bytes) -> None:
        """Raise a ValueError in words for what Gradio would fail at."""
        if endpoint not in self._endpoints:
            raise SettingError("endpoint", f"one of {', '.join(self._endpoints)}", endpoint)
        names = {setting.public_name: setting for setting in self._endpoints[endpoint]}
        given = _json_object(body)
        if not named:
            _check_positional(given, list(names))
            return
        unknown = [name for name in given if name not in names]
        if unknown:
            expected = f"no arguments but {', '.join(names)}" if names else "no arguments"
            raise SettingError(f"/{endpoint}", expected, ", ".join(unknown))
        for name, setting in names.items():
            if setting.needed and name not in given:
                setting.check(None)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        text = body.decode(errors="replace")
        raise SettingError("body", 'a JSON object such as {"composers": ["Bach"]}', text)
    return given


def _check_positional(given: Mapping[str, Any], names: Sequence[str]) -> None:
    values = given.get("data")
    if not isinstance(values, list) or len(values) != len(names):
        told = f" ({', '.join(names)})" if names else ""
        raise SettingError("data", f"a list of {len(names)} values{told}", values)


def _visitor() -> str:
    """A session; where a request comes without one (plain HTTP), each is a visitor of its own."""
    request = LocalContext.request.get(None)
    return getattr(request, "session_hash", None) or uuid.uuid4().hex
