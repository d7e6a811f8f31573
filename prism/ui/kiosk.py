"""A page for a poster session: ``?mode=kiosk`` draws and plays by itself until somebody comes.

Its script is ``assets/page/kiosk.js``; here is the QR code that it shows.
"""

from __future__ import annotations

import io

import segno
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_MOST_BYTES = 2953  # that a code can hold


def kiosk_routes() -> list[Route]:
    """For ``launch(app_kwargs={"routes": ...})``: ``/qr.svg?link=…``."""
    return [Route("/qr.svg", _code)]


async def _code(request: Request) -> Response:
    link = request.query_params.get("link", "")
    if not 0 < len(link.encode()) <= _MOST_BYTES:
        return PlainTextResponse(f"link: expected 1 to {_MOST_BYTES} bytes", 400)
    drawn = io.BytesIO()
    segno.make_qr(link, error="l").save(drawn, kind="svg", scale=8, border=4, light="white")
    return Response(drawn.getvalue(), media_type="image/svg+xml")
