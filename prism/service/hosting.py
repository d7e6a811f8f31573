"""What a host needs: is the process alive, is it of use, and does its memory stay flat?"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from prism.service.loading import Loader

_RETRY_SECONDS = 2

# From glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_ARENAS = 2
_GIVEN_BACK_BYTES = 1 << 22  # a piece's sound is larger, what a sampler step needs is smaller


class Health:
    """Says how far loading has got: ``/livez`` and ``/healthz``.

    Without the parts that are needed there is no page worth showing; it goes on without others.

    Examples
    --------
    >>> health = Health({"model": Loader(lambda: 42)})
    >>> health.report()
    {'status': 'loading', 'parts': {'model': 'loading'}}
    """

    def __init__(
        self, needed: Mapping[str, Loader], others: Mapping[str, Loader] | None = None
    ) -> None:
        self._needed = dict(needed)
        self._parts = self._needed | dict(others or {})

    def report(self) -> dict[str, Any]:
        """``status``: ready, loading or failed; and of every part the same, or what is wrong."""
        states = {loader.state.split(":")[0] for loader in self._needed.values()}
        status = next(s for s in ("failed", "loading", "ready") if s in states)
        return {"status": status, "parts": {n: part.state for n, part in self._parts.items()}}

    def routes(self) -> list[Route]:
        """For ``launch(app_kwargs={"routes": ...})``: there from the first moment on."""
        return [Route("/healthz", self._ready), Route("/livez", _alive)]

    async def _ready(self, request: Request) -> Response:
        report = self.report()
        if report["status"] == "ready":
            return JSONResponse(report)
        return JSONResponse(report, 503, {"Retry-After": str(_RETRY_SECONDS)})


async def _alive(request: Request) -> Response:
    return JSONResponse({"status": "alive"})


def give_memory_back() -> None:
    """Tell glibc to give large blocks back at once, and to keep few heaps; nothing elsewhere.

    By default it makes up to eight heaps a core, and keeps all large blocks in them once one has
    been freed, where they leave gaps.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.mallopt(_M_ARENA_MAX, _ARENAS)
    library.mallopt(_M_MMAP_THRESHOLD, _GIVEN_BACK_BYTES)
