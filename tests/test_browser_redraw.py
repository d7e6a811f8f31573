"""Redrawing bars in a real browser: mark, redraw, undo, redo, and the link."""

from __future__ import annotations

import urllib.parse

from conftest import LANES, at_rest, filled, generate
from test_browser_transport import choose

NOTES = """async () => {
    const file = await fetch(document.querySelector('.prism-player .midi').href);
    return [...new Uint8Array(await file.arrayBuffer())].join();
}"""


def edits(page) -> str:
    """What the address says was redrawn."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query)).get("redraw", "")


def press(page, button: str, key: str = "") -> None:
    """One of the bar, also by a key; waits for the new version, beside which the rest stays."""
    at_rest(page)
    page.evaluate(f"{LANES}[0].dataset.state = 'old'")
    found = page.get_by_role("button", name=button, exact=True)
    if key:
        found.press(key)
    else:
        found.click()
    filled(page, 1)


def detail(page) -> str:
    return page.locator(".prism-player .detail").first.text_content()


def mark(page, left: float = 0.55, right: float = 0.65) -> None:
    """Shift and a drag over Prism's roll."""
    roll = page.locator(".prism-player canvas").first
    roll.scroll_into_view_if_needed()
    box = roll.bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * left, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * right, box["y"] + 50, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")


def test_marked_bars_are_redrawn_undone_and_redone(visit):
    page = visit()
    generate(page)
    bar = page.locator(".prism-redraw")
    assert not bar.is_visible()
    seed = page.url.split("seed=")[1].split("&")[0]
    mark(page)
    assert bar.is_visible() and page.locator(".prism-redraw .undo").is_disabled()

    press(page, "Redraw these bars")
    first = edits(page)
    assert first.count(":") == 1 and f"redrawn {first}" in detail(page)
    assert f"seed={seed}&" in page.url
    # The bars stay marked, so that one can try again.
    press(page, "Redraw these bars")
    both = edits(page)
    assert both.split(",")[1].split(":")[0] == first.split(":")[0]
    assert both.startswith(f"{first},") and both.count(":") == 2

    press(page, "Undo")
    assert edits(page) == first
    press(page, "Undo")
    assert edits(page) == "" and "redrawn" not in detail(page)
    assert page.locator(".prism-redraw .undo").is_disabled()
    press(page, "Redo")
    assert edits(page) == first
    press(page, "Redo")
    assert edits(page) == both and page.locator(".prism-redraw .redo").is_disabled()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    # A new seed is another piece, of which nothing is redrawn.
    page.get_by_role("button", name="New seed", exact=True).click()
    page.wait_for_function("!location.search.includes('redraw')")


def test_bars_can_be_chosen_by_keyboard_and_a_link_brings_the_version_back(visit):
    page = visit()
    generate(page)
    choose(page, "loop", "2")
    press(page, "Redraw these bars", key="Enter")
    assert edits(page).startswith("1-2:")
    shown, notes = detail(page), page.evaluate(NOTES)
    other = visit(link=page.url[page.url.index("?") :])
    other.wait_for_function(
        "text => document.querySelector('.prism-player .detail')?.textContent === text", arg=shown
    )
    filled(other, 2)
    assert other.evaluate(NOTES) == notes
    assert other.locator(".prism-redraw .undo").is_enabled()
