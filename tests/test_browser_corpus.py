"""The Corpus tab in a real browser: find, hear, read, with mouse and with keys alone."""

from __future__ import annotations

from conftest import choose_tab


def open_corpus(page) -> None:
    choose_tab(page, "Corpus")
    page.wait_for_function("document.querySelector('.prism-corpus')?.dataset.pieces > 0")


def titles(page) -> list[str]:
    return page.locator(".prism-corpus .title").all_text_contents()


def heard(page):
    return page.locator(".prism-chosen .prism-player")


def ready(page, detail: str) -> None:
    page.wait_for_function(
        """detail => {
            const player = document.querySelector('.prism-chosen .prism-player');
            return player.dataset.state === 'ready'
                && player.querySelector('.detail').textContent.includes(detail);
        }""",
        arg=detail,
    )


def is_narrow_enough(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_piece_is_found_heard_and_moved_along(visit):
    page = visit()
    open_corpus(page)
    assert "of 4,936 pieces" in page.locator(".prism-corpus .count").text_content()
    page.get_by_label("Composer or collection", exact=True).select_option("Bach")
    assert "of 407 pieces" in page.locator(".prism-corpus .count").text_content()
    page.get_by_label("Sort by", exact=True).select_option("Length in beats")
    shortest = titles(page)
    page.get_by_role("button", name="Reverse").click()
    assert titles(page) != shortest and len(titles(page)) == 10
    page.get_by_label("Search", exact=True).fill("BWV1.6")
    page.locator(".prism-corpus .piece", has_text="bach/bwv1.6.mxl").click()
    ready(page, "Bach · from the pick-up · 4/4 at 76")
    assert int(heard(page).locator("canvas").get_attribute("data-notes")) > 100
    facts = page.locator(".prism-chosen .prism-charts dl").text_content()
    assert "Title in the file" in facts
    assert "distributed with music21" in facts and "The networks learned from it" in facts
    bar = page.get_by_label("number input for Start at bar")
    bar.fill("5")
    bar.press("Tab")
    ready(page, "from bar 5 of 20")
    heard(page).get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('.prism-chosen audio').currentTime > 0.2")


def test_a_chorale_is_found_by_its_name_and_by_its_number(visit):
    page = visit()
    open_corpus(page)
    first = page.locator(".prism-corpus .piece").first.text_content()
    assert "distributed with music21" not in first and titles(page)[0] == "1st Turks March"
    for words in ("allein zu dir, herr", "BWV 33.6", "bwv33.6"):
        page.get_by_label("Search", exact=True).fill(words)
        assert "Allein zu dir, Herr Jesu Christ, BWV 33.6" in titles(page)
    page.get_by_label("Search", exact=True).fill("wie schon leuchtet 436")
    assert titles(page) == ["Wie schön leuchtet der Morgenstern, BWV 436"]
    page.get_by_label("Sort by", exact=True).select_option("Terms")
    assert "distributed with music21" in page.locator(".prism-corpus .piece").text_content()


def test_of_two_pieces_chosen_at_once_the_second_is_heard(visit):
    page = visit()
    open_corpus(page)
    pieces = page.locator(".prism-corpus .piece")
    first, second = (pieces.nth(place) for place in (0, 1))
    assert first.text_content() != second.text_content()
    first.click()
    second.click()
    page.wait_for_function(
        """title => {
            const player = document.querySelector('.prism-chosen .prism-player');
            return player?.dataset.state === 'ready'
                && player.querySelector('.name').textContent === title;
        }""",
        arg=titles(page)[1],
    )


def test_by_keys_alone(visit):
    page = visit()
    open_corpus(page)
    page.get_by_label("Search", exact=True).focus()
    page.keyboard.type("no such piece")
    page.wait_for_function("document.querySelectorAll('.prism-corpus .piece').length === 0")
    assert "No piece matches" in page.locator(".prism-corpus .count").text_content()
    page.keyboard.press("Control+A")
    page.keyboard.type("yanky doodle")
    page.keyboard.press("Tab")  # to the order
    page.keyboard.press("Tab")  # to the direction
    page.keyboard.press("Tab")  # to the first piece
    page.keyboard.press("Enter")
    ready(page, "Scottish airs")
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"


def test_the_corpus_in_figures_stands_below(visit):
    page = visit(viewport={"width": 360, "height": 740}, color_scheme="dark")
    open_corpus(page)
    chart = page.get_by_role("img", name="Pitches: 88 bars")
    chart.scroll_into_view_if_needed()
    assert chart.locator("rect").count() == 88
    row = page.locator("tr", has=page.get_by_role("rowheader", name="Scottish airs")).first
    assert row.locator("td.number").text_content() == "1,178"
    assert is_narrow_enough(page)
