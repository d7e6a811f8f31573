"""The stored example's rolls are seen before Gradio's page stands, in the places of its lanes."""

from __future__ import annotations

import pytest
from conftest import LANES, settle, watched
from test_browser_first_screen import SIZES

FIRST = "[...document.querySelectorAll('.prism-opening .lane')]"
# Where each lane and its roll are, what is written beside it, and the roll's picture.
SEEN = """({lanes}).map(lane => {{
    const place = box => [box.x, box.y, box.width, box.height].map(Math.round);
    const roll = lane.querySelector('canvas');
    return [place(lane.getBoundingClientRect()), place(roll.getBoundingClientRect()),
        roll.toDataURL()];
}})"""
KINDS = "{lanes}.map(lane => lane.querySelector('.kind').textContent)"


class Held:
    """Keeps Gradio's scripts back, as a slow line would."""

    def __init__(self, page) -> None:
        self.waiting: list | None = []
        page.route("**/assets/*.js", self._ask)

    def _ask(self, route) -> None:
        route.continue_() if self.waiting is None else self.waiting.append(route)

    def release(self) -> None:
        """Let them through."""
        waiting, self.waiting = self.waiting, None
        for route in waiting:
            route.continue_()


@pytest.fixture
def early(address, new_page):
    """A page without Gradio's scripts, and what lets them through."""
    with watched(page := new_page(), address):
        yield page, Held(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_rolls_are_painted_before_the_page_stands_and_stay_where_they_are(
    early, address, size, scheme
):
    page, held = early
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    page.goto(address, wait_until="commit")
    page.wait_for_function(f"{FIRST}.length === 3")
    first = page.evaluate(SEEN.format(lanes=FIRST))
    assert page.locator(".gradio-container").count() == 0
    assert len({picture for *_, picture in first}) == 3
    assert page.locator("body.dark").count() == (scheme == "dark")
    held.release()
    settle(page)
    assert page.locator(".prism-opening").count() == 0
    assert page.evaluate(SEEN.format(lanes=LANES)) == first


def test_it_says_what_a_lane_says(early, address):
    page, held = early
    page.goto(address, wait_until="commit")
    page.wait_for_function(f"{FIRST}.length === 3")
    first = page.evaluate(KINDS.format(lanes=FIRST))
    assert "BWV" in page.locator(".prism-opening .lane").nth(1).text_content()
    held.release()
    settle(page)
    assert first == page.evaluate(KINDS.format(lanes=LANES)) and all(first)


@pytest.mark.parametrize("link", ["?composers=Bach", "?mode=blind", "?mode=kiosk"])
def test_who_asks_for_other_music_does_not_see_it(early, address, link):
    page, held = early
    page.goto(address + link, wait_until="commit")
    page.wait_for_function("window.gradio_config !== undefined && document.body !== null")
    assert page.locator(".prism-opening").count() == 0
    held.release()
    page.locator(".prism-tabs").wait_for()
    assert page.locator(".prism-opening").count() == 0
