"""What the page's HTML says before Gradio's page stands.

That is what a link to it looks like elsewhere, the mode in which it opens, and the stored example's
rolls. Gradio's page calls itself Gradio, and its own ``head`` comes after that, where nobody looks,
and when the page has been seen already.
"""

from __future__ import annotations

import functools
import html
import json
import re

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prism import ASSETS

MARK = ASSETS / "page" / "mark.svg"
PICTURE = ASSETS / "pictures" / "preview.png"
TITLE = "Prism: a diffusion transformer draws piano music"
DESCRIPTION = (
    "Mix composers and press Generate: a diffusion transformer draws 64 beats of piano music in "
    "about a second. Hear it beside a real piece and beside a model that writes note by note."
)
_SEEN_FIRST = ("page/make", "player/palette", "player/view", "player/roll", "page/opening")
_PICTURE_PATH = "/preview.png"
_GRADIOS = re.compile(rb'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')
_ROOT = re.compile(rb'"root":"([^"]*)"')
_HEAD_END = b"</head>"
_BODY = re.compile(rb"<body[^>]*>")


def preview_routes() -> list[Route]:
    """For ``launch(app_kwargs={"routes": ...})``: the picture."""

    async def picture(request: Request) -> FileResponse:
        return FileResponse(PICTURE)

    return [Route(_PICTURE_PATH, picture)]


class LinkPreview:
    """ASGI middleware: what the page's HTML says before Gradio's page stands.

    Parameters
    ----------
    app : ASGI application
        Gradio's, whose page comes in one message.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        started: Message = {}

        async def described(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start" and _is_page(message):
                started = message  # it holds the length, which changes
                return
            if started:
                message = {**message, "body": with_opening(with_head(message["body"]))}
                MutableHeaders(scope=started)["content-length"] = str(len(message["body"]))
                await send(started)
                started = {}
            await send(message)

        await self._app(scope, receive, described)


def _is_page(start: Message) -> bool:
    return MutableHeaders(scope=start).get("content-type", "").startswith("text/html")


def with_head(page: bytes) -> bytes:
    """The page's HTML with our words in place of Gradio's; its own address stands in it."""
    head, end, rest = page.partition(_HEAD_END)
    root = _ROOT.search(head)
    address = root[1].decode() if root else ""
    return _GRADIOS.sub(b"", head) + _tags(address).encode() + end + rest


def _tags(root: str) -> str:
    properties = {
        "og:title": TITLE,
        "og:description": DESCRIPTION,
        "og:type": "website",
        "og:url": f"{root}/",
        "og:image": f"{root}{_PICTURE_PATH}",
        "og:image:alt": "Three piano rolls, one below the other: Prism's, a real piece, AMT's",
    }
    names = {"description": DESCRIPTION, "twitter:card": "summary_large_image"}
    lines = [
        f'<meta {kind}="{name}" content="{html.escape(text)}" />'
        for kind, given in (("property", properties), ("name", names))
        for name, text in given.items()
    ]
    icon = '<link rel="icon" type="image/svg+xml" href="./favicon.ico" />'
    return "\n".join([icon, *lines, f"<script>{_asset('page/mode.js')}</script>"])


def with_opening(page: bytes) -> bytes:
    """The page's HTML that shows the rolls which came with it, at the beginning of its body."""
    return _BODY.sub(lambda body: body[0] + _opening().encode(), page, count=1)


def _opening() -> str:
    """The theme is Gradio's own, which its page loads as well."""
    styles = "".join(_asset(f"page/{name}.css") for name in ("colours", "opening"))
    mark = f"const MARK = {json.dumps(_asset('page/mark.svg'))};\n"
    scripts = mark + "".join(_asset(f"{name}.js") for name in _SEEN_FIRST)
    theme = '<link rel="stylesheet" href="theme.css" />'
    return f"{theme}<style>{styles}</style><script>(() => {{\n{scripts}}})();</script>"


@functools.cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
