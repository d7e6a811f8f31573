"""What a link to the page looks like elsewhere, as a program that makes previews reads it."""

from __future__ import annotations

import html.parser
import io
import urllib.parse
import xml.etree.ElementTree as ET

import httpx
import pytest
from PIL import Image
from stand_ins import served

from prism.ui.preview import with_head


class Head(html.parser.HTMLParser):
    """Of each name or property all contents, in order; and the links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.metas: dict[str, list[str]] = {}
        self.links: dict[str, str] = {}
        self.feed(page.partition("</head>")[0])

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if tag == "meta" and (name := given.get("property") or given.get("name")):
            self.metas.setdefault(name, []).append(given["content"])
        if tag == "link":
            self.links[given["rel"]] = given["href"]


@pytest.fixture(scope="module")
def address():
    with served() as address:
        yield address


@pytest.fixture(scope="module")
def head(address) -> Head:
    return Head(httpx.get(f"{address}?composers=Ada").text)


def test_a_link_is_told_by_its_own_words_once(head, address):
    (title,), (description,) = head.metas["og:title"], head.metas["og:description"]
    assert title.startswith("Prism") and "piano" in description
    assert head.metas["description"] == [description] and 50 < len(description) < 200
    assert head.metas["og:url"] == [address]
    assert "gradio" not in str(head.metas).lower()


def test_the_picture_is_small_and_as_large_as_previews_want_it(head, address):
    (picture,) = head.metas["og:image"]
    answer = httpx.get(picture)
    assert picture.startswith(address) and answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (1200, 630)
    assert len(answer.content) < 150_000


def test_the_mark_is_the_icon_and_stands_in_the_header(head, address):
    answer = httpx.get(urllib.parse.urljoin(address, head.links["icon"]))
    assert answer.headers["content-type"].startswith("image/svg+xml")
    mark = ET.fromstring(answer.text)
    assert mark.tag.endswith("svg") and len(mark) == 4  # the prism and what comes out of it


def test_a_page_at_another_address_names_that_one():
    page = b'<meta property="og:title" content="Gradio" /><p>"root":"https://a.b/c"</p></head>x'
    head = Head(with_head(page).decode())
    assert head.metas["og:image"] == ["https://a.b/c/preview.png"]
    assert len(head.metas["og:title"]) == 1
