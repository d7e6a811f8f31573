"""Take README's pictures: the real app, in a real browser, into ``assets/pictures``.

``python docs/screenshots.py`` needs the extra dev and Chromium on the path.
"""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[1]
PICTURES = ROOT / "assets" / "pictures"
CHOICE = "?composers=Bach&guidance_scale=2&seed=7"
READY_SECONDS = 120
WAIT_MS = 60_000
LAPTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2}
PROJECTOR = {"viewport": {"width": 1920, "height": 1080}}
# As link previews want it.
PREVIEW = {"viewport": {"width": 1200, "height": 630}}


@contextlib.contextmanager
def running_app() -> Iterator[str]:
    """The app's address; it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = {"GRADIO_SERVER_PORT": port, "GRADIO_SERVER_NAME": "127.0.0.1"}
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=os.environ | settings)
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_until_ready(address)
        yield address
    finally:
        app.terminate()
        app.wait()


def wait_until_ready(address: str) -> None:
    """Ask for its health until it is good."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(address + "healthz"):
            return
        time.sleep(0.2)
    raise SystemExit(f"the app was not ready within {READY_SECONDS} s")


def opened(browser, address: str, **options) -> Page:
    """The page with a whole comparison on it."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(address + CHOICE)
    page.wait_for_function(
        "document.querySelectorAll('.prism-player .files.ready').length >= 3"
        " && document.querySelector('.prism-scores').dataset.scores == 2"
    )
    return page


def tab(page: Page, name: str, ready: str) -> None:
    """Open a tab and wait for what it is about."""
    page.get_by_role("tab", name=name, exact=True).click()
    page.locator(ready).first.wait_for()
    page.wait_for_timeout(2000)  # charts and rolls draw themselves


def save_preview(browser, address: str) -> None:
    """The picture that stands beside a link to the page."""
    taken = Image.open(io.BytesIO(opened(browser, address, **PREVIEW).screenshot()))
    # A palette keeps it small; this way of choosing one keeps the sources' colours, of which there
    # is little on the page.
    small = taken.convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE)
    small.save(PICTURES / "preview.png", optimize=True)


def main() -> None:
    """Take them all."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with running_app() as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = opened(browser, address, **LAPTOP)
        page.screenshot(path=PICTURES / "page.png", full_page=True)
        tab(page, "How it works", ".prism-lessons canvas")
        page.screenshot(path=PICTURES / "lessons.png")
        tab(page, "Evaluate", ".prism-figure img")
        page.screenshot(path=PICTURES / "evaluate.png")
        tab(page, "Corpus", ".prism-corpus")
        page.screenshot(path=PICTURES / "corpus.png")
        phone = opened(browser, address, color_scheme="dark", **PHONE)
        phone.screenshot(path=PICTURES / "phone.png")
        large = opened(browser, address, **PROJECTOR)
        large.get_by_role("button", name="Projector").click()
        large.wait_for_timeout(500)
        large.screenshot(path=PICTURES / "projector.png")
        save_preview(browser, address)
        browser.close()


if __name__ == "__main__":
    main()
