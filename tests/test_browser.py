"""The page in a real browser: what a visitor sees, hears and does.

The models are tiny; test_browser_lessons.py runs the app with the shipped weights.
"""

from __future__ import annotations

import io
import pathlib
import urllib.request
import wave

import numpy as np
import pytest
from conftest import DESK, generate, open_menu, settle, watched
from stand_ins import GROWING_SEEDS, SLOW_SEED, served, tiny_corpus

from prism.service.loading import Loader, load_amt, load_scorer


def player_text(page, index: int, part: str) -> str:
    return page.locator(f".prism-player .{part}").nth(index).text_content()


def painted(page, index: int = 0) -> int:
    """A checksum of a player's canvas."""
    return page.evaluate(
        """index => {
            const canvas = document.querySelectorAll('.prism-player canvas')[index];
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return data.data.reduce((sum, byte, i) => (sum * 31 + byte + i) % 1000000007, 7);
        }""",
        index,
    )


def heard(page, index: int) -> np.ndarray:
    """The samples behind a player's sound."""
    url = page.locator(".prism-player audio").nth(index).get_attribute("src")
    with urllib.request.urlopen(url) as answer, wave.open(io.BytesIO(answer.read())) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


@pytest.fixture(scope="module")
def opened(address, new_page):
    """A page with a new piece, as both take seconds."""
    with watched(new_page(), address) as page:
        page.goto(address)
        settle(page)
        generate(page)
        yield page


@pytest.fixture
def drawn(opened):
    """The same for tests that look, listen and save but change nothing; silent and as it was."""
    yield opened
    opened.set_viewport_size(DESK)
    if not opened.evaluate("document.querySelector('.prism-player audio').paused"):
        opened.keyboard.press(" ")
    opened.locator(".prism-player canvas").first.press("Home")
    opened.evaluate("document.activeElement.blur()")


def test_a_click_draws_both_rolls_and_they_sound(visit):
    page = visit()
    before = painted(page)
    seed = page.get_by_label("Seed", exact=True)
    assert seed.input_value() == "7" and "seed 7" in player_text(page, 0, "detail")
    # The tiny model's music is all but silent with some seeds.
    page.evaluate("Math.random = () => .2")
    generate(page)
    assert painted(page) != before
    # A new piece, as was promised.
    assert seed.input_value() != "7" and f"seed={seed.input_value()}&" in page.url
    for index in (0, 1):
        assert int(page.locator(".prism-player canvas").nth(index).get_attribute("data-notes")) > 10
        assert np.sqrt(np.mean(heard(page, index) ** 2)) > 0.003
    assert "Done" in page.locator(".prism-status").text_content()
    footer = page.locator(".prism-footer.prose").text_content()
    assert "press Generate" in footer and "generated" in footer


def test_the_roll_appears_while_it_is_drawn(visit):
    page = visit()
    page.get_by_text("More settings").click()
    page.get_by_label("number input for Steps").fill("64")
    page.evaluate(
        """() => {
            window.drawn = new Set();
            const canvas = document.querySelector('.prism-player canvas');
            new MutationObserver(() => {
                const state = document.querySelector('.prism-player').dataset.state;
                if (state === 'rendering') window.drawn.add(canvas.dataset.notes);
            }).observe(canvas, { attributes: true });
        }"""
    )
    generate(page, button="New seed")
    assert page.evaluate("window.drawn.size") >= 2
    seed = page.get_by_label("Seed", exact=True).input_value()
    assert f"seed {seed}" in player_text(page, 0, "detail") and f"seed={seed}&" in page.url


def test_playing_moves_the_playhead_with_the_sound(drawn):
    page = drawn
    player = page.locator(".prism-player").first
    slider = player.get_by_role("slider")
    still = page.locator(".playhead").bounding_box()["x"]
    player.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('.prism-player audio').currentTime > 1.5")
    assert int(slider.get_attribute("aria-valuenow")) >= 1
    assert page.locator(".playhead").bounding_box()["x"] > still
    player.get_by_role("button", name="Pause").click()
    assert page.evaluate("document.querySelector('.prism-player audio').paused")


def play_in_turn(page, count: int) -> None:
    for index in range(count):
        page.locator(".prism-player .play").nth(index).click()
        page.wait_for_function(
            "index => !document.querySelectorAll('.prism-player audio')[index].paused", arg=index
        )
    # The others run along in silence.
    silent = """[...document.querySelectorAll('.prism-player audio')]
        .map(audio => audio.paused || audio.muted)"""
    assert page.evaluate(silent)[:count] == [True] * (count - 1) + [False]


def test_the_baseline_grows_and_plays_like_the_others(visit, tmp_path):
    page = visit()
    page.evaluate(
        """() => {
            window.grown = [];
            const canvas = document.querySelectorAll('.prism-player canvas')[2];
            new MutationObserver(() => window.grown.push(Number(canvas.dataset.notes)))
                .observe(canvas, { attributeFilter: ['data-notes'] });
        }"""
    )
    page.get_by_label("Seed", exact=True).fill(str(GROWING_SEEDS[0]))
    generate(page, amt=True)
    assert len(set(page.evaluate("window.grown"))) >= 3
    assert int(page.locator(".prism-player canvas").nth(2).get_attribute("data-notes")) > 10
    assert np.sqrt(np.mean(heard(page, 2) ** 2)) > 0.003
    assert "prompted with the opening of" in player_text(page, 2, "detail")
    assert "No person composed it" in player_text(page, 2, "caption")
    play_in_turn(page, 3)
    downloads_are_named_files(page, 2, tmp_path)


def test_a_new_click_ends_what_the_baseline_still_writes(visit):
    page = visit()
    page.get_by_label("Seed", exact=True).fill(str(GROWING_SEEDS[1]))
    page.get_by_role("button", name="Generate").click()
    writing = "document.querySelectorAll('.prism-player')[2].dataset.state === 'rendering'"
    page.wait_for_function(writing)
    page.get_by_label("Seed", exact=True).fill(str(SLOW_SEED))
    page.get_by_role("button", name="Generate").click()
    page.wait_for_function(
        "seed => document.querySelectorAll('.detail')[2].textContent.includes(`(from ${seed})`)",
        arg=SLOW_SEED,
    )
    page.wait_for_function(
        """seed => {
            const [drawn] = document.querySelectorAll('.prism-player');
            return drawn.textContent.includes(`seed ${seed}`) && drawn.dataset.state === 'ready';
        }""",
        arg=SLOW_SEED,
    )
    page.get_by_role("button", name="Stop").click()
    page.wait_for_function("document.querySelectorAll('.message')[2].textContent !== ''")
    assert "Stopped" in player_text(page, 2, "message")
    assert player_text(page, 0, "message") == ""


def card_text(page, part: str) -> str:
    return page.locator(f".prism-scores .{part}").text_content()


def scored(page, count: int) -> None:
    """Wait until so many pieces have their scores."""
    page.wait_for_function(
        "count => Number(document.querySelector('.prism-scores').dataset.scores) === count",
        arg=count,
    )


def test_the_scores_stand_beside_real_pairs(drawn):
    page = drawn
    page.wait_for_function("document.querySelector('.prism-scores').dataset.scores > 0")
    charts = page.locator(".prism-scores").get_by_role("img")
    assert charts.count() == 2
    assert "Picture network (ImageNet): Prism 0." in charts.first.get_attribute("aria-label")
    said = page.locator(".prism-scores .said").first.text_content()
    assert said.startswith("Prism: ") and ", like " in said
    assert "not how good the music is" in card_text(page, "summary")


def test_a_new_click_takes_the_scores_away_until_its_own_are_there(visit):
    page = visit()
    generate(page, amt=True)
    scored(page, 2)
    page.get_by_label("Seed", exact=True).fill("4321")
    page.get_by_role("button", name="Generate").click()
    scored(page, 0)
    scored(page, 2)
    assert "(from 4321)" in player_text(page, 2, "detail")


def test_missing_weights_are_explained_where_their_answers_would_stand(visit, tmp_path):
    missing = {
        "amt": lambda: load_amt(tmp_path / "nowhere"),
        "scorer": lambda: load_scorer(tmp_path / "similarity", Loader(tiny_corpus)),
    }
    with served(**missing) as at:
        page = visit(at)
        generate(page)
        page.wait_for_function("document.querySelectorAll('.message')[2].textContent !== ''")
        assert "nowhere" in player_text(page, 2, "message")
        assert "prism train amt" in player_text(page, 2, "message")
        page.wait_for_function("document.querySelector('.prism-scores .message').textContent")
        assert "prism train similarity" in card_text(page, "message")
        assert page.locator(".prism-scores .chart").count() == 0
        assert "Done" in page.locator(".prism-status").text_content()
        page.close()


def test_the_nearest_training_music_is_heard_until_the_next_click(visit):
    page = visit()
    generate(page)
    row = page.locator(".prism-nearest .row[data-source=corpus]")
    row.get_by_role("button", name="Hear it").click()
    fourth = "document.querySelectorAll('.prism-player')[3]"
    page.wait_for_function(f"{fourth}?.dataset.state === 'ready'")
    assert player_text(page, 3, "name") in row.locator(".where").text_content()
    assert f"{row.locator('.overlap').text_content()} overlap" in player_text(page, 3, "detail")
    assert np.sqrt(np.mean(heard(page, 3) ** 2)) > 0.003
    page.evaluate(f"window.sounding = {fourth}.querySelector('audio')")
    page.locator(".prism-player .play").nth(3).click()
    page.wait_for_function("!window.sounding.paused")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_function("document.querySelectorAll('.prism-player').length === 3")
    page.wait_for_function("window.sounding.paused")


def test_seeking_by_mouse_and_keyboard(drawn):
    page = drawn
    slider = page.locator(".prism-player canvas").first
    box = slider.bounding_box()
    slider.click(position={"x": box["width"] / 2, "y": 20})
    assert 28 <= int(slider.get_attribute("aria-valuenow")) <= 34
    expected = {"Home": 0, "ArrowRight": 1, "End": 64, "ArrowLeft": 63}
    for key, beat in expected.items():
        slider.press(key)
        assert abs(int(slider.get_attribute("aria-valuenow")) - beat) <= 1
    slider.press("Home")
    slider.press(" ")
    page.wait_for_function("!document.querySelector('.prism-player audio').paused")


def test_downloads_are_named_files_of_their_kind(drawn, tmp_path):
    for index in (0, 1):
        downloads_are_named_files(drawn, index, tmp_path)


def downloads_are_named_files(page, index: int, folder: pathlib.Path) -> None:
    starts = {
        ".midi": b"MThd",
        ".wav": b"RIFF",
        ".png": b"\x89PNG",
        ".musicxml": b"<?xml",
        ".score": b"<svg",
    }
    for part, start in starts.items():
        open_menu(page, index)
        with page.expect_download() as download:
            page.locator(f".prism-player {part}").nth(index).click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        assert path.suffix == {".midi": ".mid", ".score": ".svg"}.get(part, part)
        assert path.read_bytes().startswith(start)


def test_no_composer_is_an_error_that_loses_nothing(visit):
    page = visit()
    generate(page)
    before = painted(page)
    page.get_by_label("Composers", exact=True).press("Backspace")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_function("document.querySelector('.prism-status').dataset.kind === 'error'")
    assert "No composer is chosen" in page.locator(".prism-status").text_content()
    assert painted(page) == before
    assert page.locator(".prism-player .play").first.is_enabled()
    # Said once, and no longer than it is so.
    assert page.locator(".toast-body").count() == 0
    page.get_by_label("Composers", exact=True).click()
    page.get_by_role("option").first.click()
    page.wait_for_function("document.querySelector('.prism-status').dataset.kind === 'calm'")
    changed = page.locator(".prism-status").first.text_content()
    assert changed == "Settings changed: press Generate."


def test_a_second_composer_brings_the_mixer(visit):
    page = visit()
    assert page.locator(".prism-mixer").is_hidden()
    box = page.get_by_label("Composers", exact=True)
    box.click()
    page.get_by_role("option").nth(2).click()
    box.press("Escape")
    page.locator(".prism-mixer .boundary").wait_for()
    generate(page)
    assert "50 % +" in page.locator(".prism-player .detail").first.text_content()


def test_stop_ends_the_drawing_and_generate_works_again(visit):
    page = visit()
    page.get_by_text("More settings").click()
    page.get_by_label("number input for Steps").fill("200")
    page.get_by_label("Seed", exact=True).fill(str(SLOW_SEED))
    page.get_by_role("button", name="Generate").click()
    page.wait_for_function("document.querySelector('.prism-player').dataset.state === 'rendering'")
    page.wait_for_function("document.querySelector('.prism-status').dataset.busy === 'true'")
    page.get_by_role("button", name="Stop").click()
    page.locator(".prism-status[data-busy=false]", has_text="Stopped.").wait_for()
    # The baseline may not have begun when all was stopped: first its word, then that all are still.
    page.locator(".prism-player .message").nth(2).filter(has_text="Stopped").wait_for()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.prism-player')].slice(0, 3)
            .every(player => player.dataset.state !== 'rendering')"""
    )
    # The real piece is only looked up.
    assert player_text(page, 1, "message") == ""
    page.get_by_role("button", name="New seed").click()
    # Ready, if the roll was complete before it was stopped.
    done = "document.querySelector('.prism-status').textContent.match(/^(Done|Ready)/)"
    page.wait_for_function(done)
    page.wait_for_function("document.querySelectorAll('.message')[2].textContent === ''")


def test_no_horizontal_scroll(drawn):
    page = drawn
    for width in (360, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(300)  # the canvases follow
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [canvas.bounding_box() for canvas in page.locator(".prism-player canvas").all()]
        assert len(boxes) == 3 and all(box["width"] > 250 for box in boxes)
        # Under each other everywhere, so that one playhead goes through all.
        assert len({round(box["x"]) for box in boxes}) == 1


def test_dark_mode_is_drawn_in_its_own_colours(visit):
    pages = [visit(color_scheme=scheme) for scheme in ("light", "dark")]
    corner = "document.querySelector('.prism-player canvas').getContext('2d')"
    light, dark = (
        page.evaluate(f"Array.from({corner}.getImageData(30, 40, 1, 1).data)") for page in pages
    )
    assert light != dark
