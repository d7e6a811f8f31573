"""Measure the page in a real browser with the shipped weights, as a visitor on this machine has it.

notes_at_opening_p50_seconds, lanes_at_opening_p50_seconds
    From asking for the page to three rolls of notes, and to the lanes that play them.
click_to_notes_p50_seconds, click_to_sound_p50_seconds
    From pressing Generate to the first new notes of Prism's lane, and until it could be played.
frames_a_second
    While three lanes play.
opening_kb, click_kb
    What the browser fetched at its first visit and at a click, sound included, thousands of bytes.
axe_violations
    Rules of axe-core that are broken, summed over all tabs, light on a laptop and dark on a phone.

With ``--before FOLDER`` the page of another checkout is measured as well, such as that of the page
before it opened with music: ``git worktree add FOLDER f29e496^``.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import shutil
import statistics
import time
import urllib.request
from collections.abc import Iterator

import report
from axe_playwright_python.sync_playwright import Axe
from latency import start_app
from playwright.sync_api import Browser, Page, sync_playwright

from prism import ROOT
from prism.music.writing import table_text

READY_SECONDS, WAIT_MS = 120, 120_000
_LATE_MS = 2500  # a lane can be played before its sound is there as a whole
LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
LANES = "[...document.querySelectorAll('.prism-together .prism-player')]"
NOTES = f"{LANES}.length === 3 && {LANES}.every(l => +l.querySelector('canvas').dataset.notes > 0)"
FIRST = f"document.querySelectorAll('.prism-opening canvas').length === 3 || {NOTES}"
READY = f"""{LANES}.length === 3 && {LANES}.every(lane => lane.dataset.state === 'ready'
    && lane.querySelector('audio').readyState >= 3)"""
USABLE = "!/^(Load|$)/.test(document.querySelector('.prism-status')?.textContent ?? '')"
# Seconds from here to the first frame in which that is so.
WAITED = """() => new Promise(done => {{
    const look = () => ({so}) ? done(performance.now() / 1000 - {start})
        : requestAnimationFrame(look);
    const start = performance.now() / 1000;
    {act};
    requestAnimationFrame(look);
}})"""
CLICK = f"""{LANES}.forEach(lane => {{ lane.dataset.state = 'old'; }});
    document.querySelector('.prism-generate').click()"""
FRAMES = """seconds => new Promise(done => {
    const until = performance.now() + 1000 * seconds;
    let frames = 0;
    const count = () => performance.now() > until ? done(frames / seconds)
        : requestAnimationFrame(count, frames++);
    requestAnimationFrame(count);
})"""


class Fetched:
    """Counts the bytes that a page fetches, their heads included."""

    def __init__(self, page: Page) -> None:
        self.count = 0
        self._page = page
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.on("Network.loadingFinished", self._add)

    def _add(self, event: dict) -> None:
        self.count += event["encodedDataLength"]

    def taken(self) -> float:
        """Thousands of bytes since the last time, once what is on its way has come."""
        self._page.wait_for_timeout(_LATE_MS)
        count, self.count = self.count, 0
        return round(count / 1000, 1)


@contextlib.contextmanager
def opened(browser: Browser, **options) -> Iterator[Page]:
    """An empty page."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


def opening(browser: Browser, address: str) -> tuple[float | None, float | None, float]:
    """Seconds to the first notes and to their lanes, and thousands of bytes until they play.

    A page that opens without music has no seconds.
    """
    with opened(browser, viewport=LAPTOP) as page:
        fetched = Fetched(page)
        page.goto(address, wait_until="commit")
        first, lanes = (
            page.evaluate(WAITED.format(so=f"{so} || {USABLE}", start=0, act=""))
            for so in (FIRST, NOTES)
        )
        if not page.evaluate(NOTES):
            return None, None, fetched.taken()
        page.wait_for_function(READY)
        return first, lanes, fetched.taken()


def click(page: Page, fetched: Fetched) -> tuple[float, float, float]:
    """Seconds to the first notes and to the sound of Prism's lane, and thousands of bytes."""
    fetched.taken()
    first = f"['rendering', 'ready'].includes({LANES}[0].dataset.state)"
    sound = (
        f"{LANES}[0].dataset.state === 'ready' && {LANES}[0].querySelector('audio').readyState >= 3"
    )
    started = time.monotonic()
    notes = page.evaluate(WAITED.format(so=first, start="start", act=CLICK))
    page.wait_for_function(sound, polling="raf")
    seconds = time.monotonic() - started
    page.wait_for_function(READY)
    return notes, seconds, fetched.taken()


def clicks(browser: Browser, address: str, count: int) -> tuple[list[tuple], float]:
    """One click a seed, after one that warms up; and the frames a second while it plays."""
    with opened(browser, viewport=LAPTOP) as page:
        fetched = Fetched(page)
        page.goto(address)
        page.wait_for_function(USABLE)
        seen = []
        for seed in range(count + 1):
            page.locator(".prism-seed input").fill(str(1000 + seed))
            page.keyboard.press("Tab")
            page.wait_for_timeout(500)
            seen.append(click(page, fetched))
        page.locator(".prism-transport .play").click()
        page.wait_for_timeout(1000)
        return seen[1:], page.evaluate(FRAMES, 5)


def violations(browser: Browser, address: str, views: int) -> int:
    """How many rules axe-core finds broken, in the first so many of its views."""
    found = 0
    for viewport, scheme in ((LAPTOP, "light"), (PHONE, "dark"))[:views]:
        with opened(browser, viewport=viewport, color_scheme=scheme) as page:
            page.goto(address)
            page.wait_for_function(USABLE)
            tabs = page.get_by_role("tab").filter(visible=True)
            for index in range(tabs.count()):
                tabs.nth(index).click()
                page.wait_for_timeout(1500)
                found += Axe().run(page).violations_count
    return found


def wait_until_ready(address: str) -> None:
    """Ask for its health until it is good."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}healthz"):
            return
        time.sleep(0.2)
    raise SystemExit(f"the app was not ready within {READY_SECONDS} s")


def measured(weights: pathlib.Path, folder: pathlib.Path, runs: int) -> dict[str, float | None]:
    """All figures of a checkout's page."""
    app, address, _ = start_app(weights, folder)
    try:
        wait_until_ready(address)
        return seen_in_browser(address, runs)
    finally:
        app.terminate()
        app.wait()


def seen_in_browser(address: str, runs: int) -> dict[str, float | None]:
    """All figures of the page at an address."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        openings = [opening(browser, address) for _ in range(runs)]
        seen, frames = clicks(browser, address, runs)
        broken = violations(browser, address, views=min(2, runs))
        browser.close()
    first, lanes = ([one[place] for one in openings if one[place] is not None] for place in (0, 1))
    notes, sounds, sizes = (statistics.median(one) for one in zip(*seen, strict=True))
    return {
        "notes_at_opening_p50_seconds": round(statistics.median(first), 2) if first else None,
        "lanes_at_opening_p50_seconds": round(statistics.median(lanes), 2) if lanes else None,
        "click_to_notes_p50_seconds": round(notes, 2),
        "click_to_sound_p50_seconds": round(sounds, 2),
        "frames_a_second": round(frames, 1),
        "opening_kb": openings[0][2],  # later visits find much in the cache
        "click_kb": sizes,
        "axe_violations": broken,
    }


def options_of_command_line() -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--before", type=pathlib.Path, help="a checkout whose page is measured too")
    return parser.parse_args()


def main() -> None:
    """Measure and report."""
    options = options_of_command_line()
    runs = 1 if options.quick else 5
    figures = measured(options.weights, ROOT, runs)
    rows, columns = [(name.replace("_", " "), str(n)) for name, n in figures.items()], ("now",)
    if options.before:
        before = measured(options.before / "weights", options.before, runs)
        words = ["no notes" if n is None else str(n) for n in before.values()]
        rows = [(*row, word) for row, word in zip(rows, words, strict=True)]
        columns, figures = ("now", "before"), figures | {"before": before}
    text = (
        f"{table_text(('measured', *columns), rows)}\n\nMedian of {runs} visits and {runs} clicks "
        f"in Chromium on the server's own machine, {report.machine()}."
    )
    report.publish("page", text, figures, options)


if __name__ == "__main__":
    main()
