"""Going on from a lane in a real browser: the real piece, a file, and pieces of 128 beats."""

from __future__ import annotations

from conftest import at_rest, filled, generate, open_menu
from test_browser_play import asked, choose, words
from test_browser_redraw import NOTES, detail, edits, mark, press
from test_midi import midi
from test_ui_upload import quarters


def go_on(page, lane: int, kept: str = "", beats: str = "", by: str = "") -> None:
    """Out of a lane's menu; waits for Prism's new version."""
    at_rest(page)
    open_menu(page, lane)
    menu = page.locator(".prism-players .prism-player .onward").nth(lane)
    for name, wanted in (("kept", kept), ("length", beats), ("by", by)):
        if wanted:
            menu.locator(f".{name}").select_option(label=wanted)
    page.evaluate("document.querySelector('.prism-player').dataset.state = 'old'")
    menu.get_by_role("button", name="Continue").click()
    filled(page, 1)


def test_the_real_piece_goes_on_in_prisms_lane_and_a_link_brings_it_elsewhere(visit):
    page = visit()
    generate(page)
    go_on(page, 1, kept="the first 4 bars", by="AMT")
    first = asked(page)["keep"]
    assert first.startswith("real:1-4:") and first.endswith(":amt")
    assert "keeps bars 1-4 of" in detail(page) and words(page, "detail", 1)
    before = page.evaluate(NOTES)
    go_on(page, 1, kept="the first and last 4 bars")
    assert asked(page)["keep"].split(":")[1].startswith("1-4,")
    press(page, "Undo")
    assert asked(page)["keep"] == first and page.evaluate(NOTES) == before
    # Bars of the version that goes on can be redrawn, too.
    mark(page)
    press(page, "Redraw these bars")
    assert edits(page) and asked(page)["keep"] == first
    after, shown = page.evaluate(NOTES), detail(page)
    other = visit(link=page.url[page.url.index("?") :])
    other.wait_for_function(
        "text => document.querySelector('.prism-player .detail')?.textContent === text", arg=shown
    )
    filled(other, 2)
    assert other.evaluate(NOTES) == after != before
    page.get_by_role("button", name="New seed", exact=True).click()
    page.wait_for_function("!location.search.includes('keep')")


def test_a_file_goes_on_but_not_by_its_link(visit):
    page = visit()
    generate(page)
    page.get_by_text("Your own MIDI file").click()
    choose(page, midi(quarters(64)), "mine.mid")
    page.wait_for_function(
        "document.querySelectorAll('.prism-player .detail')[1].textContent.includes('from bar 1')"
    )
    filled(page, 2)
    go_on(page, 1, kept="all bars, and go on", beats="128 beats")
    assert asked(page)["keep"].startswith("yours-") and "of mine.mid" in detail(page)
    other = visit(link=page.url[page.url.index("?") :])
    fault = other.locator(".prism-status", has_text="your own MIDI file, which links do not carry")
    fault.wait_for()


def test_a_piece_of_128_beats_has_a_ruler_for_all_lanes(visit):
    page = visit()
    generate(page)
    go_on(page, 0, kept="all bars, and go on", beats="128 beats")
    assert asked(page)["beats"] == "128" and "128 beats" in detail(page)
    lane = page.locator(".prism-players .prism-player").first
    assert lane.get_attribute("data-beats") == "128"
    assert "of 128" in page.locator(".prism-transport .position").text_content()
    length = "document.querySelector('.prism-player audio').duration"
    tempo = float(lane.get_attribute("data-tempo"))
    page.wait_for_function(f"{length} > {128 * 60 / tempo - 1}")
    # Where the other lanes have come to their end, they begin anew.
    lane.locator("canvas").focus()
    page.keyboard.press("End")
    page.keyboard.press("2")
    assert "beat 1 of 64" in page.locator(".prism-transport .position").text_content()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    press(page, "Undo")
    assert asked(page)["beats"] == "64"
