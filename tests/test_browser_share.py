"""Share links in a real browser: from the address bar of one visitor to the page of another."""

from __future__ import annotations

import pathlib
import re
import urllib.parse

import pytest
from conftest import filled, generate, make_pipeline, open_menu
from stand_ins import served

WISHES = ("Key", "Density", "Register", "Character")


@pytest.fixture(scope="module")
def plain():
    """The address of a page whose model can be asked for composers alone."""
    with served(make_pipeline) as address:
        yield address


def status(page) -> str:
    return page.locator(".prism-status").first.text_content()


def midi(page, folder: pathlib.Path, index: int = 0) -> bytes:
    """A player's notes."""
    open_menu(page, index)
    with page.expect_download() as download:
        page.locator(".prism-player .midi").nth(index).click()
    path = folder / f"{id(page)}-{index}"
    download.value.save_as(path)
    return path.read_bytes()


def shares(page):
    """The boundary between two composers in the mixer, there once there are two."""
    return page.get_by_role("slider", name=re.compile("^Between "))


def choose(page) -> None:
    """A second composer, and something else than usual everywhere."""
    # First of all: what stands in it settles a moment after it was opened, faster than a visitor.
    page.get_by_text("More settings").click()
    box = page.get_by_label("Composers", exact=True)
    box.click()
    page.get_by_role("option").nth(2).click()
    box.press("Escape")
    for label, value in (("Guidance scale", "3.5"), ("Steps", "9"), ("Repetition", "1.5")):
        page.get_by_label(f"number input for {label}").fill(value)
    for _ in range(3):
        shares(page).press("PageUp")
    page.get_by_label("Seed", exact=True).fill("314")
    page.get_by_label("Tempo", exact=True).fill("96")
    page.get_by_label("Tempo", exact=True).press("Tab")


def test_a_link_gives_another_visitor_the_same_notes(visit, tmp_path):
    first = visit(permissions=["clipboard-read", "clipboard-write"])
    choose(first)
    generate(first)
    address = urllib.parse.urlsplit(first.url)
    held = dict(urllib.parse.parse_qsl(address.query))
    expected = {
        "weights": "80,20",
        "guidance_scale": "3.5",
        "seed": "314",
        "tempo": "96",
        "num_inference_steps": "9",
        "amt_start": "opening",
        "structure_scale": "1.5",
    }
    assert {name: held.get(name) for name in expected} == expected
    first.get_by_role("button", name="Copy link").click()
    first.wait_for_function("document.querySelector('.prism-status').textContent.includes('Link')")
    assert status(first) == "Link copied."
    assert first.evaluate("navigator.clipboard.readText()") == first.url

    second = visit(link=f"?{address.query}")
    filled(second)
    for index in (0, 1):
        assert midi(second, tmp_path, index) == midi(first, tmp_path, index)
    assert second.locator(".detail").first.text_content() == (
        first.locator(".detail").first.text_content()
    )
    assert second.url == first.url
    second.get_by_text("More settings").click()
    assert second.get_by_label("Seed", exact=True).input_value() == "314"
    assert second.get_by_label("number input for Steps").input_value() == "9"
    assert second.get_by_label("number input for Repetition").input_value() == "1.5"
    assert shares(second).get_attribute("aria-valuenow") == "80"


def test_the_link_of_what_the_page_opens_with_gives_the_same_notes(visit, tmp_path):
    first = visit(permissions=["clipboard-read", "clipboard-write"])
    filled(first, 3)
    first.get_by_role("button", name="Copy link").click()
    first.wait_for_function("document.querySelector('.prism-status').textContent.includes('Link')")
    link = urllib.parse.urlsplit(first.evaluate("navigator.clipboard.readText()"))
    # The address bar holds what was asked for.
    assert "composers=" in link.query and "composers=" not in first.url

    second = visit(link=f"?{link.query}")
    filled(second, 3)
    for index in range(3):
        assert midi(second, tmp_path, index) == midi(first, tmp_path, index)

    # A new piece is still what Generate promises.
    generate(first)
    assert "seed=7&" in link.query and "seed=7&" not in first.url


def test_a_mistake_in_a_link_is_told_and_the_page_works(visit):
    page = visit(link="?composers=Nobody&seed=12")
    page.wait_for_function("document.querySelector('.prism-status')?.dataset.kind === 'error'")
    assert "The link's composers: expected some of Bach, " in status(page)
    assert "got 'Nobody'. All else stands as the link asks: press Generate." in status(page)
    assert page.locator(".prism-player[data-state=empty]").count() == 3
    generate(page)
    assert "seed 12" in page.locator(".detail").first.text_content()


def test_without_a_clipboard_the_link_can_be_copied_by_hand(visit):
    page = visit()
    page.evaluate("() => { delete Navigator.prototype.clipboard; }")
    generate(page)
    page.get_by_role("button", name="Copy link").click()
    field = page.get_by_label("Link to this result")
    field.wait_for()
    assert field.input_value() == page.url and "Copy the link" in status(page)


def ask(page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=value, exact=True).click()


def test_what_is_asked_for_is_drawn_named_and_restored_by_a_link(visit, tmp_path):
    first = visit(viewport={"width": 360, "height": 740})
    generate(first)
    before = midi(first, tmp_path)
    first.get_by_text("More settings").click()
    ask(first, "Metre", "3/4")
    ask(first, "Key", "B♭ minor")
    assert first.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    first.get_by_role("button", name="Generate").click()
    # Until then the piece before stands there.
    first.locator(".detail", has_text="asked for").wait_for()
    filled(first)
    words = first.locator(".detail").first.text_content()
    assert "3/4 at 80 · asked for key B♭ minor" in words
    assert midi(first, tmp_path) != before

    second = visit(link=f"?{urllib.parse.urlsplit(first.url).query}")
    filled(second, 3)
    assert midi(second, tmp_path) == midi(first, tmp_path)
    assert second.locator(".detail").first.text_content() == words
    second.get_by_text("More settings").click()
    held = [second.get_by_label(label, exact=True).input_value() for label in WISHES]
    assert held == ["B♭ minor", "Any", "Any", "Any"]
    assert second.get_by_label("Metre", exact=True).input_value() == "3/4"

    # A surprise leaves it as it is; an earlier result brings its own back.
    first.get_by_role("button", name="Surprise me").click()
    entries = first.locator(".prism-history .entry")
    entries.nth(2).wait_for()
    assert "metre=3/4&key=B" in first.url
    entries.nth(2).click()
    first.wait_for_function("!location.search.includes('key=')")
    held = [first.get_by_label(label, exact=True).input_value() for label in ("Metre", "Key")]
    assert held == ["Any"] * 2


def test_what_a_model_does_not_know_is_not_offered(visit, plain):
    page = visit(at=plain)
    page.get_by_text("More settings").click()
    page.get_by_label("Metre", exact=True).wait_for()
    assert not any(page.get_by_label(label, exact=True).count() for label in WISHES)
