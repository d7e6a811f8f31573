"""The How it works tab in a real browser, with the shipped weights: every lesson once."""

from __future__ import annotations

import pytest
from conftest import choose_tab, started

# It starts the app as a host does.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address():
    """The shipped weights: tiny random ones decode to silence, which no lesson can show."""
    with started() as at:
        yield at


SHOWN = "[...document.querySelectorAll('.prism-lesson')].find(lesson => lesson.offsetParent)"


def lesson(page, name: str, columns: int) -> None:
    """Open a lesson and wait until it has filled so many columns."""
    choose_tab(page, name, ".prism-lessons")
    filled(page, columns)


def filled(page, columns: int) -> None:
    page.wait_for_function(
        f"""count => {SHOWN}?.dataset.state === 'ready'
            && {SHOWN}.querySelectorAll('canvas').length === count""",
        arg=columns,
    )


def notes(page) -> list[int]:
    """How many notes each of the lesson's rolls shows."""
    counts = f"[...{SHOWN}.querySelectorAll('canvas')].map(canvas => +canvas.dataset.notes)"
    return page.evaluate(counts)


def text(page, part: str) -> str:
    return page.evaluate(f"part => {SHOWN}.querySelector(part).textContent", part)


def contrast(page) -> float:
    """Of the strongest note on the lesson's first roll, with what it lies on."""
    return page.evaluate(
        f"""() => {{
            const roll = {SHOWN}.querySelector('canvas');
            const light = ([r, g, b]) => [0.2126 * r, 0.7152 * g, 0.0722 * b]
                .reduce((sum, part) => sum + part, 0);
            const linear = byte =>
                byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4;
            const ground = getComputedStyle(roll).backgroundColor.match(/[0-9.]+/g).slice(0, 3);
            const pen = roll.getContext('2d');
            const {{ data }} = pen.getImageData(0, 20, roll.width, roll.height - 20);
            const lights = [];
            for (let at = 0; at < data.length; at += 4) {{
                // Of what is opaque and coloured: bar lines are grey.
                const colour = [...data.slice(at, at + 3)];
                if (data[at + 3] === 255 && Math.max(...colour) - Math.min(...colour) > 40) {{
                    lights.push(light(colour.map(linear)));
                }}
            }}
            const behind = light(ground.map(Number).map(linear)) + 0.05;
            return Math.max(...[Math.min(...lights), Math.max(...lights)]
                .map(one => Math.max((one + 0.05) / behind, behind / (one + 0.05))));
        }}"""
    )


def hear(page, words: str) -> None:
    """Press the button and wait for the sound."""
    page.get_by_role("button", name=f"Hear it: {words}").click()
    page.wait_for_function(
        """words => {
            const player = document.querySelector('.prism-lesson-heard .prism-player');
            return player?.querySelector('.name').textContent === words
                && player.querySelector('audio').currentTime > 0.1;
        }""",
        arg=words,
    )


def test_every_lesson_runs_and_sounds(visit):
    page = visit(reduced_motion="reduce")
    assert page.locator(".prism-lesson").count() == 0  # nothing is there before it is opened
    choose_tab(page, "How it works")
    filled(page, 1)
    slider = page.get_by_role("slider", name="Diffusion time t")
    slider.press("End")
    assert text(page, ".stop") == "t = 1.00: 0 % music, 100 % noise"
    slider.press("Home")
    assert "still there: " in text(page, ".meter") and notes(page)[0] > 10
    hear(page, "t = 0.00")

    lesson(page, "2 Steps", 2)
    page.wait_for_function("!document.querySelector('.prism-lesson-heard audio')")
    steps = page.get_by_role("slider", name="Sampler step")
    first = notes(page)
    steps.press("End")
    assert notes(page)[0] == notes(page)[1] and notes(page) != first
    hear(page, "Clean estimate, step 16")

    lesson(page, "3 Guidance", 5)
    assert all(count > 0 for count in notes(page))
    assert contrast(page) >= 3

    lesson(page, "4 Mixing", 1)
    page.wait_for_function(f"{SHOWN}.querySelector('input').max === '4'")
    assert " 50 % + " in text(page, ".stop")

    lesson(page, "5 Numbers", 2)
    before = notes(page)
    page.get_by_role("button", name="Turn all over").click()
    page.wait_for_function(
        f"before => {SHOWN}.querySelectorAll('canvas')[1].dataset.notes != before", arg=before[1]
    )
    assert notes(page)[0] == before[0]

    lesson(page, "6 Two ways", 2)
    time = page.get_by_role("slider", name="Time")
    # Nothing moves by itself for those who want no motion.
    assert page.evaluate(f"{SHOWN}.dataset.stop") == time.get_attribute("max")
    time.press("Home")
    assert notes(page) == [0, 0]
    page.get_by_role("button", name="One on").click()
    assert sum(notes(page)) > 0
    page.evaluate(f"{SHOWN}.querySelector('.run').click()")
    page.wait_for_function(f"{SHOWN}.dataset.stop > 5")

    lesson(page, "7 Scores", 8)
    assert "1.00, like two parts of one piece" in text(page, ".meter")


def test_lessons_fit_a_phone_and_work_by_keyboard(visit):
    page = visit(viewport={"width": 360, "height": 740})
    choose_tab(page, "How it works")
    filled(page, 1)
    lesson(page, "5 Numbers", 2)
    bars = page.get_by_role("slider", name="Numbers of beat 9")
    bars.press("ArrowRight")
    bars.press("ArrowUp")
    assert bars.get_attribute("aria-valuetext").startswith("Number 2 of 48: ")
    page.get_by_role("button", name="Undo changes").click()
    assert page.get_by_role("button", name="Undo changes").is_disabled()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
