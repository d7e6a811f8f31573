"""Modes to be seen from afar: the kiosk, which plays by itself, and the projector."""

from __future__ import annotations

import io

import pytest
from conftest import LANES, at_rest
from PIL import Image

KIOSK = "document.documentElement.classList.contains('prism-kiosk')"
STATUS = "document.querySelector('.prism-status')"
CODE = ".prism-kiosk-side img[src]"


def test_the_kiosk_draws_by_itself_and_gives_way(visit):
    zxingcpp = pytest.importorskip("zxingcpp", reason="the decoder is not installed")
    page = visit(link="?mode=kiosk", viewport={"width": 1366, "height": 768})
    page.locator(CODE).wait_for()
    assert page.evaluate(KIOSK) and not page.locator(".prism-generate").is_visible()
    assert "composers=" in page.url and "mode=" not in page.url
    page.wait_for_function(f"document.querySelector('{CODE}').naturalWidth > 0")
    picture = Image.open(io.BytesIO(page.locator(CODE).screenshot()))
    (found,) = zxingcpp.read_barcodes(picture)
    assert found.text == page.url
    page.keyboard.press("p")  # does nothing but wake it
    assert not page.evaluate(KIOSK) and page.locator(".prism-generate").is_visible()
    at_rest(page)


def test_after_a_minute_without_anybody_a_new_piece_is_drawn(visit):
    # A size of its own: pages of one size share a clock.
    page = visit(link="?mode=kiosk", viewport={"width": 1020, "height": 768})
    page.locator(CODE).wait_for()
    side = page.locator(".prism-kiosk-side").bounding_box()
    for lane in page.locator(".prism-together .prism-player").all():
        box = lane.bounding_box()
        assert box["x"] + box["width"] <= side["x"] and box["y"] + box["height"] <= 768
    page.keyboard.press("Escape")
    page.clock.install()
    at_rest(page)
    first = page.url
    page.keyboard.press("Escape")  # by this clock
    page.clock.run_for(59_000)
    assert not page.evaluate(KIOSK) and page.url == first
    # It goes by what the status line says of itself, in whatever words it speaks.
    page.evaluate(f"{STATUS}.dataset.busy = true; {STATUS}.textContent = 'Fertig.'")
    page.clock.run_for(2000)
    assert not page.evaluate(KIOSK) and page.url == first
    page.evaluate(f"{STATUS}.dataset.busy = false; {STATUS}.textContent = 'Drawn.'")
    page.clock.run_for(2000)
    page.wait_for_function("first => location.href !== first", arg=first)
    assert page.evaluate(KIOSK)
    at_rest(page)


def test_a_projector_of_1024_shows_all_lanes_with_their_scores_in_large_type(visit):
    page = visit(viewport={"width": 1024, "height": 768})
    page.wait_for_function("document.querySelectorAll('.prism-together .chip').length === 5")
    page.get_by_role("button", name="Projector").click()
    page.wait_for_timeout(300)
    boxes = page.evaluate(
        f"""{LANES}.flatMap(lane => [...lane.querySelectorAll('.play, .titles, .chip, canvas')])
            .map(part => {{ const box = part.getBoundingClientRect();
                const size = parseFloat(getComputedStyle(part).fontSize);
                return [part.className || part.tagName, box.left, box.top, box.right, box.bottom,
                    part.scrollWidth - part.clientWidth, size];
            }})"""
    )
    assert len(boxes) == 3 * 3 + 5
    for name, left, top, right, bottom, hidden, size in boxes:
        assert 0 <= left < right <= 1024 and 0 <= top < bottom <= 768, name
        # What a title's line cannot hold ends in "…".
        written = name.partition(" ")[0] in ("play", "chip")
        assert not written or (hidden <= 1 and size >= 17), (name, hidden, size)
