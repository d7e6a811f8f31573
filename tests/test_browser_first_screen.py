"""The first screen is the demo: what matters is in sight at every size, light and dark."""

from __future__ import annotations

import itertools

import pytest
from conftest import TOO_SMALL, generate, watched

SIZES = {
    "laptop": (1366, 768),
    "tablet": (1024, 768),
    "large": (1920, 1080),
    "phone": (390, 844),
}
LANE = ".prism-together .prism-player"
# Every one of them has to be seen whole; `*` stands for as many as there are.
LANES = {
    "name": ".prism-heading h1",
    "tab*": '.prism-tabs > .tab-wrapper > .tab-container:not(.visually-hidden) > [role="tab"]',
    "play": ".prism-transport .play",
    "position": ".prism-transport .position",
    "options": ".prism-transport .more",
    "ruler": ".prism-transport .ruler",
    "lane's button*": f"{LANE} .play",
    "lane's title*": f"{LANE} .titles",
    "chip*": f"{LANE} .chip",
    "files*": f"{LANE} summary",
    "roll*": f"{LANE} canvas",
    "generate": ".prism-generate",
    "stop": ".prism-actions > button:nth-of-type(2)",
}
CONTROLS = {
    "say it": ".prism-say .words",
    "composers": '.prism-settings [aria-label="Composers"]',
    "guidance": '.prism-settings input[type="range"]',
    "seed": '.prism-seed input[type="number"]',
    "new seed": ".prism-dice",
    "more settings": ".prism-settings button.label-wrap",
    "copy link": ".prism-actions .copy",
    "example*": ".prism-example",
}
COUNTS = {
    "tab*": 5,
    "lane's button*": 3,
    "lane's title*": 3,
    "files*": 3,
    "roll*": 3,
    "chip*": 5,
    "example*": 5,
    "take*": 4,
}
# Where each is, and whether it is what a finger in its middle would touch.
MEASURE = """selectors => Object.entries(selectors).flatMap(([name, selector]) => {
    const all = [...document.querySelectorAll(selector)].filter(place => place.offsetParent);
    return (name.endsWith("*") ? all : all.slice(0, 1)).map((place, index) => {
        const box = place.getBoundingClientRect();
        const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        const foot = document.elementFromPoint(box.x + box.width / 2, box.bottom - 2);
        return { name: name.replace("*", ` ${index + 1}`), kind: name, left: box.left, top: box.top,
                 right: box.right, bottom: box.bottom, free: place.contains(top),
                 isWhole: place.contains(foot) };
    });
})"""
# Text against what lies behind it, by the formula of WCAG 2.
CONTRAST = """selector => [...document.querySelectorAll(selector)].map(place => {
    const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const paint = colour => { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); };
    const grounds = [];
    for (let one = place; one; one = one.parentElement) {
        grounds.unshift(getComputedStyle(one).backgroundColor);
    }
    const light = () => {
        const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map(byte => byte / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    ["white", ...grounds].forEach(paint);
    const ground = light();
    paint(getComputedStyle(place).color);
    const [low, high] = [ground, light()].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
})"""


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request, address, new_page):
    """One page for all sizes, as it opens; the tests stand in the order of a visit."""
    laptop = {"width": 1366, "height": 768}
    page = new_page(viewport=laptop, color_scheme=request.param, has_touch=True)
    with watched(page, address):
        page.goto(address)
        page.wait_for_function("document.querySelector('.prism-status')?.textContent[0] === 'R'")
        yield page


def resize(page, size: str) -> tuple[int, int]:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    # Rolls and tabs are laid out anew a moment later.
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate("() => new Promise(done => setTimeout(done, 250))")
    return width, height


def scored(page) -> None:
    page.wait_for_function(f"document.querySelectorAll('{LANE} .chip').length === 5")


def apart(boxes: list[dict]) -> None:
    """No two of them share a pixel."""
    for one, other in itertools.combinations(boxes, 2):
        width = min(one["right"], other["right"]) - max(one["left"], other["left"])
        height = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
        assert min(width, height) < 1, f"{one['name']} lies over {other['name']}"


def check_screen(page, size: str, controls: dict[str, str] = CONTROLS, least: int = 130) -> None:
    """All of it is seen; a roll is `least` pixels high."""
    width, height = resize(page, size)
    essential = LANES if size == "phone" else LANES | controls
    boxes = page.evaluate(MEASURE, essential)
    kinds = [box["kind"] for box in boxes]
    assert set(kinds) == set(essential)
    for kind in set(COUNTS) & set(essential):
        assert kinds.count(kind) == COUNTS[kind], kind
    for box in boxes:
        assert 0 <= box["left"] < box["right"] <= width, box
        assert 0 <= box["top"] < box["bottom"] <= height, box
        assert box["free"], f"{box['name']} is covered"
    apart(boxes)
    rolls = [box for box in boxes if box["kind"] == "roll*"]
    assert all(roll["isWhole"] for roll in rolls)  # nothing fixed lies over the last one's foot
    (ruler,) = (box for box in boxes if box["kind"] == "ruler")
    # One scale: under one ruler, with equal edges.
    for edge in ("left", "right"):
        assert len({round(box[edge]) for box in (*rolls, ruler)}) == 1
    assert rolls[0]["bottom"] - rolls[0]["top"] >= (90 if size == "phone" else least)
    playhead = page.locator(".playhead").bounding_box()
    assert playhead["y"] <= ruler["bottom"] and rolls[0]["left"] <= playhead["x"]
    assert playhead["y"] + playhead["height"] >= rolls[2]["bottom"]


def test_it_opens_with_music_in_all_lanes(page):
    notes = f"[...document.querySelectorAll('{LANE} canvas')].map(roll => +roll.dataset.notes)"
    assert min(page.evaluate(notes)) > 50
    assert "composers=" not in page.url
    page.wait_for_function(f"[...document.querySelectorAll('{LANE}')].every(p => p.dataset.name)")
    names = page.evaluate(f"[...document.querySelectorAll('{LANE} .who')].map(w => w.textContent)")
    assert names == ["A Prism", "B Real piece", "C AMT"]
    scored(page)
    chips = page.locator(f"{LANE} .chips").all_text_contents()
    for index in (0, 2):
        assert "Music" in chips[index] and "Picture" in chips[index] and ", as " in chips[index]


@pytest.mark.parametrize("size", SIZES)
def test_what_matters_is_in_sight_when_it_opens(page, size):
    scored(page)
    check_screen(page, size)


def test_the_large_button_plays_and_notes_light_up(page):
    resize(page, "laptop")
    play = page.locator(".prism-transport .play")
    assert play.bounding_box()["height"] >= 48
    painted = f"document.querySelector('{LANE} canvas').toDataURL()"
    still = page.evaluate(painted)
    play.click()
    page.wait_for_function(f"document.querySelector('{LANE} audio').currentTime > 0.5")
    # Neither the playhead nor anything else is drawn on the roll but what sounds.
    assert page.evaluate(painted) != still
    play.click()
    page.wait_for_function(f"document.querySelector('{LANE} audio').paused")


def test_text_stands_out(page):
    for text in (
        f"{LANE} :is(.kind, .name, .detail, .chip, .who, summary)",
        ".prism-transport :is(.word, .position, .more)",
        ".prism-controls :is(.info-text, .prism-status, .copy:enabled, button.primary)",
        ".prism-example, .prism-or, .prism-scores .flag",
    ):
        found = page.evaluate(CONTRAST, text)
        assert found and min(found) >= 4.5, (text, found)


def check_settings_unscrolled(page) -> None:
    """With three composers the last of the settings, a visitor's own file, is still in sight."""
    page.wait_for_function("document.querySelectorAll('.prism-mixer .boundary').length === 2")
    hidden = """() => {
        const place = document.querySelector('.prism-settings');
        return place.scrollHeight - place.clientHeight;
    }"""
    assert page.evaluate(hidden) <= 0


def test_four_composers_push_nothing_out(page):
    resize(page, "laptop")
    box = page.get_by_label("Composers", exact=True)
    box.click()
    for place in (3, 2, 1):
        if place == 1:
            check_settings_unscrolled(page)
        page.locator("[role=listbox] [role=option]").nth(place).click()
    box.press("Escape")
    page.wait_for_function("document.querySelectorAll('.prism-mixer .boundary').length === 3")
    page.get_by_text("More settings").click()
    mixer = {"boundary*": ".prism-mixer .boundary", "names": ".prism-mixer .names"}
    wanted = {n: LANES[n] for n in ("generate", "stop")} | {"example*": CONTROLS["example*"]}
    page.evaluate("document.querySelector('.prism-settings').scrollTo(0, 0)")
    boxes = page.evaluate(MEASURE, wanted | mixer)
    assert len(boxes) == 2 + 5 + 3 + 1
    assert all(box["bottom"] <= 768 and box["free"] for box in boxes)
    page.get_by_text("More settings").click()


@pytest.mark.parametrize("size", SIZES)
def test_what_matters_is_in_sight_after_generate(page, size):
    if "composers=" not in page.url:
        generate(page, amt=True)
    scored(page)
    page.evaluate("document.querySelector('.prism-settings').scrollTo(0, 0)")
    # With four composers the last of the settings are scrolled to.
    check_screen(page, size, {n: rule for n, rule in CONTROLS.items() if n != "more settings"})


@pytest.mark.parametrize("size", ("laptop", "tablet", "large"))
def test_four_takes_push_nothing_out(page, size):
    resize(page, size)
    page.get_by_role("button", name="4 takes", exact=True).click()
    page.wait_for_function("document.querySelectorAll('.prism-takes .figure').length === 12")
    page.evaluate("document.querySelector('.prism-settings').scrollTo(0, 0)")
    kept = {name: rule for name, rule in CONTROLS.items() if name != "more settings"}
    strip = {"take*": ".take", "order": ".prism-takes select", "close": ".prism-takes .close"}
    check_screen(page, size, kept | strip, least=100)
    page.get_by_role("button", name="Close", exact=True).click()
    check_screen(page, size, kept)


@pytest.mark.parametrize("size", ("laptop", "tablet"))
def test_what_was_understood_pushes_nothing_out(page, size):
    resize(page, size)
    line = page.get_by_label("Say it")
    line.fill("a soft, sparse waltz in A minor, like Bach with a little Irish reel and bells")
    line.press("Enter")
    page.wait_for_function("document.querySelectorAll('.prism-say li').length === 7")
    page.evaluate("document.querySelector('.prism-settings').scrollTo(0, 0)")
    kept = {name: rule for name, rule in CONTROLS.items() if name != "more settings"}
    check_screen(page, size, kept | {"chip of the line*": ".prism-say li"})


def test_a_phone_has_room_for_fingers_and_generate_stays(page):
    resize(page, "phone")
    assert page.evaluate(TOO_SMALL) == []
    widths = [title.bounding_box()["width"] for title in page.locator(f"{LANE} .titles").all()]
    assert min(widths) > 100  # for more than a word of a title
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    box = page.locator(".prism-generate").bounding_box()
    assert box["height"] == 48 and box["y"] + box["height"] <= 844
