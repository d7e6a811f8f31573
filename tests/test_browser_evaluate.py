"""The tabs Evaluate and About the models in a real browser: answers first, the rest folded."""

from __future__ import annotations

import json

import pytest
from conftest import ROOT, choose_tab

from prism.ui.about import MODELS

LAPTOP = {"viewport": {"width": 1366, "height": 768}}
TABS = ("Play", "How it works", "Evaluate", "Corpus", "About the models")
FIGURES = """() => {
  const figures = [...document.querySelectorAll(".prism-figure img")];
  return figures.length === 6 && figures.every(f => f.complete && f.naturalWidth > 300);
}"""


LAID_OUT = """width => document.documentElement.scrollWidth === width
    && [...document.querySelectorAll("[role=tab]")].filter(tab => tab.offsetParent).length >= 5"""


def open_evaluate(page) -> None:
    choose_tab(page, "Evaluate")
    page.get_by_role("heading", name="Which of the two comes nearer").wait_for()


def open_about(page) -> None:
    choose_tab(page, "About the models")
    page.get_by_role("img", name="Diffusion transformer: loss").wait_for()


def shown_tables(page) -> int:
    """Tables that are seen, without the bars and what a live experiment fills."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".prism-table tbody tr, .prism-charts .numbers")]
            .filter(place => place.checkVisibility()).length"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_answers_and_run_stand_in_the_first_screen(visit, scheme):
    page = visit(color_scheme=scheme, **LAPTOP)
    open_evaluate(page)
    page.wait_for_function(FIGURES)
    seen = {"Told from real music": 3, "Nearer, by the picture network": 2}
    for title, bars in (seen | {"Nearer, by the music network": 2}).items():
        block = page.locator(".prism-charts .bars", has_text=title)
        box = block.bounding_box()
        assert box["y"] + box["height"] <= 768 and block.locator("tr").count() == bars
    answer = page.get_by_text("is right in").first.bounding_box()
    assert answer["y"] < page.locator(".prism-charts .bars").first.bounding_box()["y"]
    for name in ("Run", "Cancel"):
        box = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert 0 < box["y"] < box["y"] + box["height"] <= 768
    figure = page.locator(".prism-figure").first.bounding_box()
    assert figure["y"] > box["y"] + box["height"]


def test_every_table_is_folded_and_none_is_lost(visit):
    page = visit(**LAPTOP)
    open_evaluate(page)
    page.wait_for_function(FIGURES)
    assert page.get_by_role("heading", name="Who won").is_visible()
    assert shown_tables(page) == 0
    page.get_by_role("button", name="Nearness to the real piece").click()
    page.get_by_role("row", name="random notes").wait_for()
    page.get_by_role("button", name="Composer by composer").click()
    page.get_by_role("row", name="Beethoven").wait_for()
    assert shown_tables(page) > 15


def test_a_single_run_and_a_live_experiment_that_is_cancelled(visit):
    page = visit()
    open_evaluate(page)
    page.get_by_label("number input for Runs").fill("1")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Done: 1 run.").wait_for()
    page.get_by_label("number input for Runs").fill("20")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("progressbar", name="Progress").wait_for()
    page.get_by_role("row", name="mean").last.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled; the runs above are complete.").wait_for()


def test_about_the_models_is_short_and_the_rest_is_folded(visit):
    page = visit(**LAPTOP)
    open_about(page)
    for _, model, _ in MODELS:
        heading = page.get_by_role("heading", name=model, exact=True)
        block = page.locator(".prism-charts .lines", has=heading)
        assert block.count() == 1 and len(block.locator("p").first.text_content()) > 80
    assert page.evaluate("document.documentElement.scrollHeight") <= 2500
    assert shown_tables(page) == 0 and not page.get_by_text("What was tried").is_visible()
    page.get_by_role("button", name="All settings").click()
    page.get_by_role("heading", name="What was tried").wait_for()
    assert page.get_by_text("recipe: dit: learning rate").is_visible()
    assert page.evaluate("document.documentElement.scrollHeight") > 2500


def test_a_curve_says_its_numbers(visit):
    page = visit(viewport={"width": 360, "height": 740})
    open_about(page)
    curve = page.get_by_role("img", name="Diffusion transformer: loss")
    record = json.loads((ROOT / "weights" / "training.json").read_text(encoding="utf-8"))
    first = record["history"]["dit"][0]["validation_loss"]
    assert f"validation from {first:.4g}" in curve.get_attribute("aria-label").lower()
    assert curve.locator("polyline").count() == 3
    numbers = page.locator(".lines", has=curve).locator("details")
    numbers.locator("summary").press("Enter")
    assert numbers.locator("tbody tr").count() >= 6
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_all_five_tabs_are_reached_on_a_phone_and_fit_it(visit):
    page = visit(viewport={"width": 390, "height": 844})
    for width in (390, 360):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function(LAID_OUT, arg=width)
        for name in TABS:
            tab = page.get_by_role("tab", name=name, exact=True)
            box = tab.bounding_box()
            assert box["height"] >= 44 and box["width"] >= 44 and box["y"] + box["height"] <= 48
            assert box["x"] >= 0 and box["x"] + box["width"] <= width
            assert tab.evaluate("tab => tab.scrollWidth <= tab.clientWidth")
            tab.click()
            assert tab.get_attribute("aria-selected") == "true"
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".prism-tabs > .tab-wrapper .overflow-menu").count() == 0
    open_evaluate(page)
    page.wait_for_function("document.querySelectorAll('.prism-figure img').length === 6")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [390, 360])
def test_all_seven_lessons_are_reached_on_a_phone(visit, width):
    page = visit(viewport={"width": width, "height": 844})
    choose_tab(page, "How it works")
    lessons = page.locator(".prism-lessons > .tab-wrapper").get_by_role("tab")
    assert lessons.count() == 7
    for lesson in lessons.all():
        box = lesson.bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        lesson.click()
        assert lesson.get_attribute("aria-selected") == "true"


SMALL = """() => [...document.querySelectorAll("button, a, select, summary, [role=button], "
        + "input[type=number], input[type=range]")]
    .filter(place => place.offsetParent && !place.closest("footer"))
    .map(place => [place.className || place.textContent, place.getBoundingClientRect()])
    .filter(([, box]) => Math.round(Math.min(box.width, box.height)) < 44)
    .map(([name]) => name)"""


def test_a_phone_has_room_for_fingers(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    for open_tab in (open_evaluate, open_about):
        open_tab(page)
        assert page.evaluate(SMALL) == [], open_tab
