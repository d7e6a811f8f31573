"""Say it in a real browser: words become controls, and the controls music."""

from __future__ import annotations

import urllib.parse

from conftest import generate

PHRASE = "a soft, sparse waltz in A minor, like Bach with a little Irish reel"


def say(page, words: str) -> None:
    line = page.get_by_label("Say it")
    line.fill(words)
    before = page.locator(".prism-say .chips").text_content()
    line.press("Enter")
    page.wait_for_function(
        "before => document.querySelector('.prism-say .chips').textContent !== before", arg=before
    )


def status(page) -> str:
    return page.locator(".prism-status").first.text_content()


def chips(page, kind: str = "li") -> list[str]:
    return page.locator(f".prism-say {kind}").all_text_contents()


def holds(page, **values: str) -> None:
    """Wait until the controls of these labels have these values."""
    for label, value in values.items():
        control = page.get_by_label(label, exact=True).element_handle()
        page.wait_for_function("([one, value]) => one.value === value", arg=[control, value])


def composers(page) -> list[str]:
    return [text.strip() for text in page.locator(".prism-settings .token").all_text_contents()]


def asked(page) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


def test_a_phrase_fills_the_controls_and_is_drawn(visit):
    page = visit()
    say(page, f"{PHRASE}, and East Asian bells")
    assert chips(page, "li:not(.unused)") == [
        *("character soft", "density sparse", "metre 3/4", "key A minor"),
        *("Bach 80 %", "Irish reels 20 %"),
    ]
    assert chips(page, ".unused") == ["East Asian bells"]
    assert status(page) == (
        "Settings changed: press Generate. Not used: “East Asian bells” (Prism has no such sound)."
    )
    page.get_by_text("More settings").click()
    holds(page, Metre="3/4", Key="A minor", Density="sparse")
    generate(page)
    told = asked(page)
    assert told["composers"] == "Bach,Irish reels" and told["weights"] == "80,20"
    assert (told["metre"], told["key"], told["character"]) == ("3/4", "A minor", "soft")
    detail = page.locator(".detail").first.text_content()
    assert "Bach 80 % + Irish reels 20 %" in page.locator(".name").first.text_content() + detail
    assert "3/4" in detail and "key A minor" in detail

    # What the line says no more is open again; what it never said stays.
    page.get_by_label("Seed", exact=True).fill("77")
    say(page, "a fast reel")
    holds(page, Metre="2/2", Key="Any", Seed="77", Tempo="144")
    assert composers(page) == ["Irish reels"]


def test_what_is_not_understood_changes_nothing(visit):
    page = visit()
    page.get_by_label("Seed", exact=True).fill("31")
    before = composers(page)
    say(page, "<b>purple</b> gamelan")
    assert status(page).startswith("Nothing was understood, and nothing changed. Not used: “b")
    holds(page, Seed="31")
    assert composers(page) == before and page.get_by_label("Say it").input_value()
    assert page.locator(".prism-say b").count() == 0
