"""Examples, surprise, history and a visitor's own file in a real browser."""

from __future__ import annotations

import urllib.parse

from conftest import filled, generate
from test_midi import midi
from test_ui_upload import MARKUP, named, quarters


def asked(page) -> dict[str, str]:
    """The choice in the address bar."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


def words(page, name: str, index: int = 0) -> str:
    return page.locator(f".prism-player .{name}").nth(index).text_content()


def wait_for_words(page, name: str, index: int, text: str) -> None:
    page.wait_for_function(
        """([name, index, text]) => document.querySelectorAll(`.prism-player .${name}`)[index]
            .textContent.includes(text)""",
        arg=[name, index, text],
    )


def entries(page):
    return page.locator(".prism-history .entry")


def choose(page, content: bytes, name: str) -> None:
    picker = page.locator(".prism-upload input[type=file]")
    picker.set_input_files({"name": name, "mimeType": "audio/midi", "buffer": content})


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_example_fills_in_the_controls_and_a_result_comes_back(visit):
    page = visit()
    page.get_by_label("New seed each time").check()
    generate(page, amt=True, button="Mozart with some Beethoven")
    assert "Mozart 60 % + Beethoven 40 %" in words(page, "detail")
    # Neither a new seed nor the weights that stood there before.
    first = asked(page)
    assert (first["composers"], first["weights"]) == ("Mozart,Beethoven", "60,40")
    assert first["seed"] == "7" and "(from 7)" in words(page, "detail", 2)
    entries(page).first.wait_for()
    shown = [words(page, "detail", index) for index in range(3)]

    page.get_by_role("button", name="Surprise me").click()
    page.wait_for_function("document.querySelectorAll('.prism-history .entry').length === 2")
    second = asked(page)
    assert second != first and 1.5 <= float(second["guidance_scale"]) <= 3
    assert words(page, "detail", 0) != shown[0]

    # By the keyboard; the list says which one is shown.
    entries(page).nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelectorAll('.prism-history .entry')[1].ariaCurrent === 'true'"
    )
    wait_for_words(page, "detail", 2, "(from 7)")
    filled(page, 3)
    assert [words(page, "detail", index) for index in range(3)] == shown and asked(page) == first
    assert entries(page).count() == 2
    inked = """() => [...document.querySelectorAll('.prism-history canvas')].map(canvas =>
        canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
            .some(byte => byte))"""
    assert page.evaluate(inked) == [True, True]


def test_a_visitors_own_file_is_compared_with_and_its_markup_stays_text(visit):
    page = visit()
    generate(page)
    title = page.title()
    page.get_by_text("Your own MIDI file").click()
    choose(page, midi(named(MARKUP.encode()) + quarters(200)), f"{MARKUP}.mid")
    wait_for_words(page, "kind", 1, "Yours")
    assert words(page, "name", 1) == f"{MARKUP}.mid"
    assert f"tracks “{MARKUP}”" in words(page, "caption", 1)
    page.wait_for_function(
        "document.querySelector('.prism-scores .against').textContent === 'your piece'"
        " && document.querySelector('.prism-scores').dataset.scores > 0"
    )
    assert page.locator("[class^=prism-] img").count() == 0 and page.title() == title
    assert MARKUP not in urllib.parse.unquote(page.url)
    entries(page).filter(has_text=f"beside {MARKUP}.mid").wait_for()

    page.get_by_label("start at bar").fill("30")
    page.get_by_label("start at bar").press("Tab")
    wait_for_words(page, "detail", 1, "from bar 30 of 50")
    choose(page, b"no music", "letter.mid")
    page.locator(".prism-upload .fault:not(:empty)").wait_for()
    assert "letter.mid cannot be used" in page.locator(".prism-upload .fault").text_content()
    choose(page, bytes(600_000), "big.mid")
    page.get_by_text("big.mid has 586 KB; expected at most 512 KB").wait_for()
    assert words(page, "kind", 1) == "Yours"
    page.get_by_role("button", name="Remove", exact=True).click()
    wait_for_words(page, "kind", 1, "Real")


def test_the_newest_file_bar_and_click_win(visit):
    page = visit()
    page.get_by_text("Your own MIDI file").click()
    for count, name in ((400, "first.mid"), (200, "second.mid")):
        choose(page, midi(quarters(count)), name)
        page.wait_for_timeout(100)
    wait_for_words(page, "name", 1, "second.mid")
    filled_corpus = "document.querySelectorAll('.prism-player')[1].dataset.state === 'ready'"
    page.wait_for_function(filled_corpus)
    bar = page.get_by_label("start at bar")
    for number in (20, 30, 40):
        # At one go: an answer to the bar before may set the field between two.
        bar.evaluate("(f, bar) => { f.value = bar; f.dispatchEvent(new Event('change')); }", number)
        page.wait_for_timeout(50)
    wait_for_words(page, "detail", 1, "from bar 40 of 50")
    page.wait_for_function(filled_corpus)
    assert words(page, "name", 1) == "second.mid" and bar.input_value() == "40"
    choose(page, midi(quarters(400)), "third.mid")
    page.get_by_role("button", name="Remove", exact=True).click()
    for seed in (11, 12, 13):
        page.get_by_label("Seed", exact=True).fill(str(seed))
        page.get_by_label("Seed", exact=True).press("Tab")
        page.get_by_role("button", name="Generate").click()
    wait_for_words(page, "detail", 2, "(from 13)")
    filled(page, 3)
    assert asked(page)["seed"] == "13" and "seed 13" in words(page, "detail", 0)
    assert words(page, "kind", 1) == "Real"


def test_it_fits_a_phone(visit):
    page = visit(viewport={"width": 360, "height": 740})
    for count, name in enumerate(("A Bach chorale", "An Irish jig"), start=1):
        page.get_by_role("button", name=name).click()
        entries(page).nth(count - 1).wait_for()
    page.get_by_text("Your own MIDI file").click()
    assert entries(page).count() == 2 and fits(page)
