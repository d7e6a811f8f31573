"""The transport in a real browser: three players at one beat, heard one at a time."""

from __future__ import annotations

import statistics

import pytest
from conftest import DESK, filled, watched
from stand_ins import GROWING_SEEDS
from test_browser import painted

# Two composers of different tempo: Prism takes a mean, the real piece has its own.
LINK = f"?composers=Bach,Irish%20reels&weights=50,50&seed={GROWING_SEEDS[2]}"
SIDES = """[...document.querySelectorAll('.prism-player')].slice(0, 3).map(player => {
    const audio = player.querySelector('audio');
    const tempo = Number(player.dataset.tempo);
    return { tempo, beat: audio.currentTime * tempo / 60, rate: audio.playbackRate,
             muted: audio.muted, paused: audio.paused, volume: audio.volume };
})"""
RUN_TOGETHER = f"""() => {{
    const beats = ({SIDES}).filter(side => !side.paused).map(side => side.beat);
    return beats.length === 3 && Math.max(...beats) - Math.min(...beats) < .05;
}}"""


def sides(page) -> list[dict]:
    """What each player's sound does."""
    return page.evaluate(SIDES)


def said(page) -> str:
    """What a screen reader was told last."""
    return page.locator(".prism-transport .said").text_content()


def options(page, shown: bool = True) -> None:
    """Fold the transport's options out or in."""
    button = page.locator(".prism-transport .more")
    if (button.get_attribute("aria-expanded") == "true") != shown:
        button.click()


def choose(page, control: str, value: str) -> None:
    options(page)
    page.locator(f".prism-transport .{control}").select_option(value)


def slide(page, control: str, value: int) -> None:
    page.locator(f".prism-transport .{control}").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def play(page) -> None:
    """Let all players run together."""
    page.keyboard.press(" ")
    page.wait_for_function(RUN_TOGETHER)


@pytest.fixture(scope="module")
def opened(address, new_page):
    """One page for all tests, as music takes a while; nothing may be complained about."""
    with watched(new_page(), address) as page:
        page.goto(address + LINK)
        filled(page, 2)
        yield page


@pytest.fixture
def page(opened):
    """The page with music in all players, at rest and as it was at first."""
    yield opened
    opened.set_viewport_size(DESK)
    opened.evaluate("document.activeElement.blur()")
    if not sides(opened)[0]["paused"]:
        opened.keyboard.press(" ")
    opened.keyboard.press("1")
    for control, value in {"loop": "off", "zoom": "64", "colours": "velocity"}.items():
        choose(opened, control, value)
    slide(opened, "tempo", 100)
    options(opened, shown=False)
    opened.locator(".prism-player canvas").first.press("Home")
    opened.evaluate("document.activeElement.blur()")


def test_a_side_whose_sound_comes_late_joins_in_time(page):
    page.keyboard.press(" ")
    page.wait_for_function("!document.querySelector('.prism-player audio').paused")
    page.keyboard.press("3")
    if sides(page)[2]["paused"]:
        assert said(page) == "AMT has no sound yet."
    filled(page, 3)
    page.wait_for_function(RUN_TOGETHER)
    assert [side["muted"] for side in sides(page)].count(False) == 1


def test_another_instrument_sounds_on_and_draws_nothing(page):
    filled(page, 3)
    lanes = """[...document.querySelectorAll('.prism-together .prism-player')].map(lane =>
        [lane.querySelector('canvas').dataset.notes, lane.querySelector('audio').src])"""
    before, sent = page.evaluate(lanes), []
    play(page)
    page.wait_for_function(f"({SIDES})[0].beat > 2")
    page.on("request", lambda r: "queue/join" in r.url and sent.append(r.url))
    page.get_by_label("Instrument").select_option("As the music was")
    assert said(page) == "Instrument: As the music was"
    page.wait_for_function(
        f"before => ({lanes}).every(([, sound], place) => sound && sound !== before[place][1])",
        arg=before,
    )
    page.wait_for_function(RUN_TOGETHER)
    assert sides(page)[0]["beat"] > 2
    assert [notes for notes, _ in page.evaluate(lanes)] == [notes for notes, _ in before]
    assert "instrument=written" in page.url and len(sent) == 1
    page.get_by_label("Instrument").select_option("Piano")
    page.wait_for_function(f"before => `${{{lanes}}}` === `${{before}}`", arg=before)


def test_the_playhead_stands_where_the_sound_is(page):
    play(page)
    choose(page, "zoom", "8")
    apart_seconds = page.evaluate(
        """async () => {
            const player = document.querySelector(".prism-player");
            const [canvas, audio] = ["canvas", "audio"].map(name => player.querySelector(name));
            const playhead = document.querySelector(".playhead");
            const apart = [];
            for (let frame = 0; frame < 40; frame += 1) {
              await new Promise(requestAnimationFrame);
              const [line, roll] = [playhead, canvas].map(place => place.getBoundingClientRect());
              const drawn = (8 * (line.x + 1 - roll.x - 36)) / (roll.width - 36);
              const heard = audio.currentTime * player.dataset.tempo / 60;
              apart.push(Math.abs(heard % 8 - drawn) * 60 / player.dataset.tempo);
            }
            return apart;
        }"""
    )
    assert statistics.median(apart_seconds) < 0.05


def test_a_switch_keeps_the_beat_and_stops_nothing(page):
    play(page)
    tempos = {side["tempo"] for side in sides(page)}
    assert len(tempos) > 1
    for key, name in (("2", "Real piece"), ("3", "AMT"), ("1", "Prism")):
        before, after = page.evaluate(
            f"""key => {{
                const heard = () => ({SIDES}).find(side => !side.muted).beat;
                const before = heard();
                document.body.dispatchEvent(new KeyboardEvent("keydown", {{ key, bubbles: true }}));
                return [before, heard()];
            }}""",
            key,
        )
        assert abs(after - before) < 0.1
        shown = sides(page)
        assert [side["muted"] for side in shown] == [key != own for own in "123"]
        assert not any(side["paused"] for side in shown)
        assert shown[int(key) - 1]["rate"] == 1  # the heard side goes at its own tempo
        assert said(page).startswith(f"{name}, beat ")
    page.get_by_role("button", name="Play Real piece").click()
    assert [side["muted"] for side in sides(page)] == [True, False, True]


def test_tempo_and_volume_act_at_once_on_all(page):
    play(page)
    slide(page, "tempo", 150)
    shown = sides(page)
    assert shown[0]["rate"] == 1.5
    for side in shown[1:]:  # the silent ones may be catching up by a half
        assert side["rate"] * side["tempo"] == pytest.approx(1.5 * shown[0]["tempo"], rel=0.51)
    page.wait_for_function(RUN_TOGETHER)
    assert "150 %" in page.locator(".tempo-said").text_content()
    slide(page, "volume", 40)
    assert [side["volume"] for side in sides(page)] == [0.4] * 3


def test_a_loop_returns_to_its_first_bar(page):
    play(page)
    slide(page, "tempo", 200)
    choose(page, "loop", "1")
    # A busy machine shows few frames of the end: the best of four times.
    first, last = page.evaluate(
        f"""async () => {{
            const heard = () => ({SIDES})[0].beat;
            const [firsts, lasts] = [[], []];
            let before = heard();
            while (lasts.length < 4) {{
              await new Promise(requestAnimationFrame);
              if (heard() < before - .5) {{
                firsts.push(heard());
                lasts.push(before);
              }}
              before = heard();
            }}
            return [Math.min(...firsts), Math.max(...lasts)];
        }}"""
    )
    bar = page.evaluate("Number(document.querySelector('.prism-player').dataset.bar)")
    # Of the bar that sounded when the loop was chosen: the first, unless the machine is slow.
    begin = bar * round(first / bar)
    assert first == pytest.approx(begin, abs=0.5) and last == pytest.approx(begin + bar, abs=0.5)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("l")
    assert said(page) == "Loop off"


def test_bars_marked_on_a_roll_are_looped(page):
    roll = page.locator(".prism-player canvas").first
    roll.scroll_into_view_if_needed()
    box = roll.bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.65, box["y"] + 60, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    marked = page.locator(".prism-transport .loop option[value=marked]")
    assert marked.text_content().startswith("Bars ")
    start = float(marked.get_attribute("data-from"))
    assert 28 <= start <= 36
    assert sides(page)[0]["beat"] == pytest.approx(start, abs=0.01)


def test_zoom_scroll_and_colours_are_shared(page):
    whole = painted(page, 2)
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert said(page) == "16 beats visible"
    assert painted(page, 2) != whole
    canvas = page.locator(".prism-player canvas").nth(1)
    box = canvas.bounding_box()
    canvas.click(position={"x": 36 + (box["width"] - 36) / 2, "y": 20})
    assert sides(page)[2]["beat"] == pytest.approx(8, abs=0.1)
    page.mouse.wheel(box["width"] - 36, 0)
    canvas.click(position={"x": 40, "y": 20})
    assert sides(page)[0]["beat"] == pytest.approx(16, abs=0.3)
    plain = painted(page, 0)
    choose(page, "colours", "pitch")
    assert painted(page, 0) != plain
    assert "F♯" in page.locator(".prism-transport .swatches").text_content()


def test_everything_by_keyboard(page):
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    bar = page.evaluate("Number(document.querySelector('.prism-player').dataset.bar)")
    assert said(page) == f"Beat {1 + bar + 1:g}"
    field = page.get_by_label("Seed", exact=True)
    field.focus()
    page.keyboard.press("2")
    page.keyboard.press(" ")
    assert all(side["paused"] for side in sides(page)) and not sides(page)[0]["muted"]
    page.locator(".prism-transport .play").focus()
    page.keyboard.press(" ")  # of the button, once
    page.wait_for_function(RUN_TOGETHER)
    page.locator(".prism-player canvas").first.focus()
    page.keyboard.press("Tab")  # to the next lane's button
    page.keyboard.press("Enter")
    assert said(page).startswith("Real piece, beat ")
    ring = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(ring) == "solid"
    # A button clicked with the mouse leaves the space bar to the transport.
    page.locator(".prism-transport .projector").click()
    page.keyboard.press(" ")
    assert said(page).startswith("Paused, beat ")
    page.keyboard.press("p")
    assert said(page) == "Projector mode off"


def test_the_nearest_music_pauses_the_transport_and_the_other_way_round(page):
    play(page)
    page.locator(".prism-nearest .hear").first.click()
    page.wait_for_function("document.querySelectorAll('.prism-player')[3]?.dataset.state==='ready'")
    page.locator(".prism-player .play").nth(3).click()
    fourth = "document.querySelectorAll('.prism-player')[3].querySelector('audio')"
    page.wait_for_function(f"!{fourth}.paused")
    assert all(side["paused"] for side in sides(page))
    page.locator(".prism-player .play").nth(1).click()
    page.wait_for_function(RUN_TOGETHER)
    assert page.evaluate(f"{fourth}.paused")
    assert [side["muted"] for side in sides(page)] == [True, False, True]


def test_a_phone_has_room_for_it(page):
    page.set_viewport_size({"width": 360, "height": 740})
    # The tabs fold away a moment later.
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
    options(page)
    controls = page.locator(".prism-transport :is(button, select, input, summary):visible")
    assert controls.count() >= 8
    assert min(control.bounding_box()["height"] for control in controls.all()) >= 44


def test_projector_mode_is_large_and_fits_a_projector(page):
    page.set_viewport_size({"width": 1920, "height": 1080})
    size = "parseFloat(getComputedStyle(document.querySelector('.prism-player .name')).fontSize)"
    usual = page.evaluate(size)
    page.keyboard.press("p")
    assert page.evaluate(size) >= 1.4 * usual
    assert page.evaluate("document.documentElement.scrollWidth") <= 1920
    assert not page.locator(".prism-player .caption").first.is_visible()
    boxes = [row.bounding_box() for row in page.locator(".prism-transport, .prism-together").all()]
    assert min(box["y"] for box in boxes) > -1
    assert max(box["y"] + box["height"] for box in boxes) <= 1080
    page.keyboard.press("p")
    assert page.evaluate(size) == usual
