"""The bar that mixes composers, in a real browser: by pointer, by keyboard and out of a link."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import filled

LINK = "?composers=Bach,Mozart,Haydn&weights=50,30,20&seed=3"


def boundaries(page):
    return page.get_by_role("group", name="Shares of the composers").get_by_role("slider")


def shares(page) -> list[str]:
    return page.locator(".prism-mixer .name").all_text_contents()


def widths(page) -> list[int]:
    """Of the bar's parts, in per cent."""
    bar = page.locator(".prism-mixer .mix").bounding_box()["width"]
    parts = page.locator(".prism-mixer .part").all()
    return [round(100 * part.bounding_box()["width"] / bar) for part in parts]


def drag(page, index: int, percent: float) -> None:
    """Take hold of a boundary and move it by so many per cent of the bar."""
    bar, held = page.locator(".prism-mixer .mix"), boundaries(page).nth(index)
    bar.scroll_into_view_if_needed()
    box, whole = held.bounding_box(), bar.bounding_box()["width"]
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + percent * whole / 200, y)
    page.mouse.move(x + percent * whole / 100, y)
    page.mouse.up()


@pytest.fixture
def mixed(visit):
    """A page that a link with three composers has opened."""

    def open_page(**options):
        page = visit(link=LINK, **options)
        filled(page)
        return page

    return open_page


def test_a_link_shows_its_shares_and_a_drag_changes_them_and_the_link(mixed, visit):
    page = mixed(viewport={"width": 1366, "height": 768})
    assert shares(page) == ["Bach 50 %", "Mozart 30 %", "Haydn 20 %"]
    assert widths(page) == [50, 30, 20]
    drag(page, 0, -20)
    assert shares(page) == ["Bach 30 %", "Mozart 50 %", "Haydn 20 %"]
    assert page.locator(".prism-status").first.text_content() == "Settings changed: press Generate."
    # Nobody is pushed out.
    drag(page, 1, 40)
    assert shares(page) == ["Bach 30 %", "Mozart 65 %", "Haydn 5 %"] and widths(page)[2] == 5
    page.get_by_role("button", name="Generate").click()
    detail = page.locator(".prism-player .detail").first
    detail.filter(has_text="Bach 30 % + Mozart 65 % + Haydn 5 %").wait_for()
    assert "&weights=30,65,5&" in page.url

    other = visit(link=page.url[page.url.index("?") :])
    filled(other)
    assert shares(other) == ["Bach 30 %", "Mozart 65 %", "Haydn 5 %"]


def test_the_keyboard_moves_a_boundary_and_the_shares_can_be_made_equal(mixed):
    page = mixed(viewport={"width": 1366, "height": 768})
    first, second = boundaries(page).all()
    assert first.get_attribute("aria-label") == "Between Bach and Mozart"
    second.press("ArrowLeft")
    second.press("PageDown")
    assert shares(page) == ["Bach 50 %", "Mozart 19 %", "Haydn 31 %"]
    assert second.evaluate("one => one === document.activeElement")
    outline = second.evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    assert second.get_attribute("aria-valuetext") == "Mozart 19 %, Haydn 31 %"
    limits = [second.get_attribute(f"aria-value{part}") for part in ("min", "now", "max")]
    assert limits == ["5", "19", "45"]
    second.press("Home")
    assert shares(page) == ["Bach 50 %", "Mozart 5 %", "Haydn 45 %"]
    equal = page.get_by_role("button", name="Equal shares")
    equal.click()
    assert widths(page) == [33, 33, 33] and equal.is_disabled()


def test_who_stays_keeps_the_share_and_who_comes_gets_the_mean(mixed):
    page = mixed(viewport={"width": 1366, "height": 768})
    painted = """([one, part]) => getComputedStyle(document.querySelector(one), part)
        .backgroundColor"""
    for place in (1, 2, 3):
        chip = f".prism-controls .token:nth-of-type({place})"
        in_bar = page.evaluate(painted, [f".prism-mixer .part:nth-of-type({place})", None])
        assert page.evaluate(painted, [chip, "::before"]) == in_bar
    page.get_by_title("Remove Mozart").click()
    page.wait_for_function("document.querySelectorAll('.prism-mixer .boundary').length === 1")
    assert shares(page) == ["Bach 71 %", "Haydn 29 %"]
    page.get_by_label("Composers", exact=True).click()
    page.get_by_role("option", name="Mozart").click()
    page.wait_for_function("document.querySelectorAll('.prism-mixer .boundary').length === 2")
    # 50, 20 and their mean of 35.
    assert shares(page) == ["Bach 48 %", "Haydn 19 %", "Mozart 33 %"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_room_for_a_finger_and_the_colours_can_be_told_apart(mixed, scheme):
    page = mixed(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    for place in (*boundaries(page).all(), page.get_by_role("button", name="Equal shares")):
        assert place.bounding_box()["height"] >= 44
    parts = page.locator(".prism-mixer .part").all()
    colours = [part.evaluate("one => getComputedStyle(one).backgroundColor") for part in parts]
    assert len(set(colours)) == 3
    found = Axe().run(page, context=".prism-mixer")
    assert not found.violations_count, found.generate_report()
    drag(page, 0, 10)
    assert shares(page) == ["Bach 60 %", "Mozart 20 %", "Haydn 20 %"]
