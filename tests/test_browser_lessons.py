"""The app with the shipped weights in a real browser: a click, and every lesson once."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import TOO_SMALL, choose_tab, generate, started
from test_browser import heard, scored

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
    choose_tab(page, name)
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


# For all sources and velocities: how much notes stand out from the lesson's canvases.
CONTRASTS = f"""() => {{
    const linear = byte => byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4;
    const pen = new OffscreenCanvas(1, 1).getContext('2d', {{ willReadFrequently: true }});
    const light = colour => {{
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map(linear);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    }};
    const [roll] = {SHOWN}.querySelectorAll('canvas');
    return ['prism', 'corpus', 'amt'].flatMap(source => {{
        roll.parentElement.className = `prism-from-${{source}}`;
        const style = getComputedStyle(roll);
        const ground = light(style.backgroundColor);
        const [soft, loud] = ['soft', 'loud'].map(n => style.getPropertyValue(`--prism-${{n}}`));
        return [0, 25, 50, 75, 100].map(share => {{
            const note = light(`color-mix(in oklab, ${{loud}} ${{share}}%, ${{soft}})`);
            return Math.max(note / ground, ground / note);
        }});
    }});
}}"""
# Of the first roll of the lesson: how many of its notes' pixels have the colour of a source.
PAINTED = f"""() => {{
    const roll = {SHOWN}.querySelector('canvas');
    const {{ data }} = roll.getContext('2d').getImageData(0, 20, roll.width, roll.height - 20);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {{
        const colour = [...data.slice(at, at + 3)];
        count += data[at + 3] === 255 && Math.max(...colour) - Math.min(...colour) > 20;
    }}
    return count;
}}"""


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


def test_the_app_with_the_shipped_weights_draws_sounds_and_scores(visit):
    page = visit()
    generate(page, amt=True)
    for index in range(3):
        canvas = page.locator(".prism-player canvas").nth(index)
        assert int(canvas.get_attribute("data-notes")) > 10
        assert np.sqrt(np.mean(heard(page, index) ** 2)) > 0.003
    scored(page, 2)
    assert "Picture network (ImageNet): Prism 0." in (
        page.locator(".prism-scores").get_by_role("img").first.get_attribute("aria-label")
    )
    page.locator(".prism-nearest .row[data-source=corpus]").wait_for()


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
    # Nothing moves by itself for those who want no motion.
    end = steps.get_attribute("max")
    assert page.evaluate(f"{SHOWN}.dataset.stop") == end
    assert text(page, ".run") == "Play"
    last = notes(page)
    assert last[0] == last[1]
    steps.press("Home")
    assert notes(page) != last
    steps.press("End")
    hear(page, f"Clean estimate, step {end}")

    lesson(page, "3 Guidance", 5)
    assert all(count > 0 for count in notes(page))
    assert page.evaluate(PAINTED) > 100

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
    sources = page.locator(".prism-lesson figure:visible")
    assert [s.get_attribute("class") for s in sources.all()] == [
        "prism-from-prism",
        "prism-from-amt",
    ]
    assert page.evaluate(f"{SHOWN}.dataset.stop") == time.get_attribute("max")
    time.press("Home")
    assert notes(page) == [0, 0]
    page.get_by_role("button", name="One on").click()
    assert sum(notes(page)) > 0
    page.evaluate(f"{SHOWN}.querySelector('.run').click()")
    page.wait_for_function(f"{SHOWN}.dataset.stop > 5")

    lesson(page, "7 Scores", 8)
    assert "1.00, like two parts of one piece" in text(page, ".meter")


# The sixth takes long and is laid out as the second.
COLUMNS = {
    "1 Noise": 1,
    "2 Steps": 2,
    "3 Guidance": 5,
    "4 Mixing": 1,
    "5 Numbers": 2,
    "7 Scores": 8,
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_roll_is_beside_its_text_and_can_be_seen(visit, scheme):
    page = visit(viewport={"width": 1366, "height": 768}, color_scheme=scheme)
    choose_tab(page, "How it works")
    for name, columns in COLUMNS.items():
        lesson(page, name, columns)
        page.evaluate("scrollTo(0, 0)")
        roll = page.locator(".prism-lesson canvas:visible").first.bounding_box()
        words = page.locator(".prism-lesson-text:visible").bounding_box()
        assert words["x"] + words["width"] <= roll["x"], name
        assert roll["y"] + roll["height"] <= 768 and roll["height"] >= 90, name
        assert min(page.evaluate(CONTRASTS)) >= 3, name


def test_the_reverse_process_plays_by_itself_while_it_is_seen(visit):
    page = visit(viewport={"width": 390, "height": 844})
    choose_tab(page, "How it works")
    lesson(page, "2 Steps", 2)
    text, roll = (page.locator(f"{part}:visible") for part in (".prism-lesson-text", "canvas"))
    # On a phone the rolls lie below the text.
    above = text.bounding_box()
    assert above["y"] + above["height"] <= roll.first.bounding_box()["y"]
    run = page.locator(".prism-lesson .run:visible")
    roll.first.scroll_into_view_if_needed()
    page.wait_for_function(f"{SHOWN}.dataset.stop > 1")
    run.click()
    assert run.text_content() == "Play"
    paused = page.evaluate(f"{SHOWN}.dataset.stop")
    assert page.evaluate(TOO_SMALL) == []
    # What the visitor has stopped does not start again.
    lesson(page, "1 Noise", 1)
    lesson(page, "2 Steps", 2)
    roll.first.scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    assert page.evaluate(f"{SHOWN}.dataset.stop") == paused
    run.click()
    page.wait_for_function(f"{SHOWN}.dataset.stop === {SHOWN}.querySelector('input').max")
    assert run.text_content() == "Play"


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
    assert page.evaluate(TOO_SMALL) == []
