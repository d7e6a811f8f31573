"""axe-core finds nothing to complain about on any tab, and the focus can always be seen."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import at_rest, choose_tab

TABS = ("Play", "How it works", "Evaluate", "Corpus", "About the models")
SIZES = {
    "laptop": {"width": 1366, "height": 768},
    "tablet": {"width": 1024, "height": 768},
    "large": {"width": 1920, "height": 1080},
    "phone": {"width": 390, "height": 844},
}
# The tab holds something, and nothing has come since the last look.
SETTLED = """() => {
    const panel = [...document.querySelectorAll("[role=tabpanel]")].find(one => one.offsetParent);
    const size = panel?.innerHTML.length ?? 0;
    const settled = size > 2000 && size === window.sizeBefore;
    window.sizeBefore = size;
    return settled;
}"""
VIEWS = [
    ("light", ("laptop",)),
    ("dark", ("phone",)),
    pytest.param("light", ("tablet", "large", "phone"), marks=pytest.mark.slow),
    pytest.param("dark", ("laptop", "tablet", "large"), marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("scheme", "sizes"), VIEWS)
def test_no_tab_has_a_violation(visit, scheme, sizes):
    page = visit(viewport=SIZES[sizes[0]], color_scheme=scheme)
    found = []
    for size in sizes:
        page.set_viewport_size(SIZES[size])
        for name in TABS:
            choose_tab(page, name)
            page.wait_for_function(SETTLED, polling=700)
            at_rest(page)
            violations = Axe().run(page)
            if violations.violations_count:
                found.append(f"{name}, {size}: {violations.generate_report()}")
    assert not found, "\n".join(found)


# What has the focus, and whether a line of at least a pixel is drawn around it.
FOCUSED = """() => {
    const place = document.activeElement;
    const style = getComputedStyle(place);
    const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    const name = place.getAttribute("aria-label") || place.textContent.trim() || place.className;
    return [`${place.tagName} ${name}`.slice(0, 80), seen || place === document.body];
}"""


def test_all_that_can_have_the_focus_on_the_play_tab_shows_it(visit):
    page = visit(viewport={"width": 1366, "height": 768})
    for folded in ("More settings", "Your own MIDI file", "Options"):
        page.get_by_role("button", name=folded).click()
    page.get_by_role("tab", name="Play").focus()
    steps = []
    while not steps or steps[-1][0] != "BUTTON Use via API":  # the last one of the page
        page.keyboard.press("Tab")
        steps.append(page.evaluate(FOCUSED))
        assert len(steps) < 200
    reached = " ".join(name for name, _ in steps)
    for part in ("Composers", "Generate", "Position", "tempo", "Save", "Surprise me"):
        assert part in reached
    assert [name for name, seen in steps if not seen] == []
