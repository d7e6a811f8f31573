"""Takes in a real browser: draw four, sort them, hear and keep one, the link."""

from __future__ import annotations

from conftest import at_rest, filled, generate

NUMBERS = "[...document.querySelectorAll('.prism-takes .take')].map(b => Number(b.dataset.number))"
FIGURES = "[...document.querySelectorAll('.prism-takes .take .figure')].map(s => s.textContent)"


def test_four_takes_are_drawn_sorted_heard_and_kept(visit):
    page = visit()
    generate(page)
    strip = page.locator(".prism-takes")
    assert not strip.is_visible()
    seed = int(page.url.split("seed=")[1].split("&")[0])
    page.get_by_role("button", name="4 takes", exact=True).click()
    page.wait_for_function(f"{FIGURES}.length === 12")
    assert page.evaluate(NUMBERS) == [1, 2, 3, 4]
    assert page.locator(".take[aria-current=true]").get_attribute("data-number") == "1"
    page.get_by_label("Which take goes first").select_option(label="least like training music")
    shown = [text for text in page.evaluate(FIGURES) if text.startswith("training")]
    assert shown == sorted(shown) and len(shown) == 4

    at_rest(page)
    page.evaluate("document.querySelector('.prism-from-prism .prism-player').dataset.state = 'old'")
    page.locator(".take[data-number='3']").press("Enter")
    filled(page, 1)
    page.wait_for_function("document.querySelector('.prism-transport .play.playing')")
    page.keyboard.press("Space")
    assert f"seed={seed}&" in page.url and "take=3" in page.url
    assert "take 3" in page.locator(".prism-from-prism .detail").text_content()
    assert page.locator(".take[aria-current=true]").get_attribute("data-number") == "3"
    page.get_by_role("button", name="Close", exact=True).click()
    assert not strip.is_visible()
