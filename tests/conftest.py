"""Tiny music and tiny models shared by the tests, and the real app in a real browser.

torch and the models are imported where they are used: the process that only hands tests to workers,
which start after it has read this file, would wait 5 s for them.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import unittest.mock
import urllib.request
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from prism.music.attributes import COLLECTION, attribute_values
from prism.music.roll import TICKS_PER_BEAT, Piece

if TYPE_CHECKING:
    import torch

    from prism.corpora.prepared import Corpus
    from prism.models.pipeline import PrismPipeline

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1280, "height": 900}
# However busy the machine; whoever waits goes on as soon as it is so.
START_SECONDS = 300
WAIT_MS = 120_000
LANES = "[...document.querySelectorAll('.prism-together .prism-player')]"
PROFILES = {
    "Ada": {"time_signatures": [[4, 4, 0.75], [3, 4, 0.25]], "tempo": 80.0},
    "Bob": {"time_signatures": [[6, 8, 1.0]], "tempo": 160.0},
    "Cleo": {"time_signatures": [[2, 4, 1.0]], "tempo": 120.0},
}
COLLECTIONS = ("Ballads", "Dances")


def make_piece(
    identifier: str, label: str = "Ada", beats: int = 100, seed: int = 0, **fields
) -> Piece:
    """A 4/4 piece with a random melody in quarter notes over a held bass."""
    rng = np.random.default_rng(seed)
    melody = [[b * TICKS_PER_BEAT, TICKS_PER_BEAT, rng.integers(60, 80), 80] for b in range(beats)]
    bass = [
        [b * TICKS_PER_BEAT, 4 * TICKS_PER_BEAT, rng.integers(36, 48), 60]
        for b in range(0, beats, 4)
    ]
    notes = np.array(sorted(melody + bass, key=lambda row: (row[0], row[2])), np.int32)
    bars = np.arange(0, beats * TICKS_PER_BEAT, 4 * TICKS_PER_BEAT, dtype=np.int32)
    defaults = {
        "label": label,
        "title": identifier,
        "source": f"{identifier}.xml",
        "terms": "made for the tests",
        "notes": notes,
        "bars": bars,
    }
    return Piece(identifier, **(defaults | fields))


def random_weights(network: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Fill a network with noise, so that no layer is silent as in a new one."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.15 * torch.randn(parameter.shape, generator=generator))
        for module in network.modules():
            if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0  # as training leaves it
    return network.eval()


class PitchClasses:
    """A feature network that can be worked out by hand: how often each pitch class is struck.

    Parameters
    ----------
    name : str
        Whose place it takes.
    """

    def __init__(self, name: str = "imagenet") -> None:
        self.name = name

    def features(self, rolls) -> torch.Tensor:
        """See `prism.similarity.networks.FeatureNetwork`."""
        import torch

        counts = [np.bincount(roll.arrays()[0] % 12, minlength=12) for roll in rolls]
        return torch.tensor(np.array(counts), dtype=torch.float32)


def make_pipeline(
    seed: int = 0,
    knowing: Iterable[str] = (),
    self_conditioning: bool = True,
    profiles: dict[str, dict] = PROFILES,
    latent_size: int = 8,
    letters: int = 0,
    key_normalised: bool = False,
) -> PrismPipeline:
    """A pipeline of tiny random networks that draws a few hundred notes.

    Parameters
    ----------
    seed : int
        Of the networks.
    knowing : iterable of str
        The attributes that can be asked for.
    self_conditioning : bool
        Whether the transformer is given its own estimates.
    profiles : dict
        Of the labels it knows.
    latent_size : int
        Numbers a beat.
    letters : int
        Form letters that the transformer knows.
    key_normalised : bool
        As of `PrismPipeline`.
    """
    import torch

    from prism.models.autoencoder import BeatAutoencoder
    from prism.models.dit import PrismDiT
    from prism.models.pipeline import PrismPipeline

    autoencoder = random_weights(BeatAutoencoder(latent_size, hidden_size=16), seed)
    with torch.no_grad():
        autoencoder.decoder[-1].weight.mul_(8 * (8 / latent_size) ** 0.8)
        autoencoder.decoder[-1].bias.fill_(-2.5)
    values = attribute_values(knowing, COLLECTIONS)
    attributes = {name: len(known) for name, known in values.items()}
    dit = PrismDiT(
        labels=len(profiles),
        latent_size=latent_size,
        width=32,
        depth=2,
        heads=2,
        attributes=attributes,
        self_conditioning=self_conditioning,
        letters=letters,
    )
    collections = values.get(COLLECTION, ())
    random_weights(dit, seed + 1)
    return PrismPipeline(autoencoder, dit, profiles, collections, key_normalised)


def pytest_collection_modifyitems(items):
    """Files that open the browser come last. It stays open from one to the next, with the scripts
    that it has compiled; while it does, no other test can have an event loop of its own.
    """
    in_browser = {item.path for item in items if "browser" in item.fixturenames}
    items.sort(key=lambda item: item.path in in_browser)


@pytest.fixture(autouse=True)
def few_validation_windows(monkeypatch):
    """A training run of a test looks at a few windows now and then, not at hundreds."""
    for name, count in (
        ("stages.VALIDATION_WINDOWS", 16),
        ("similarity.VALIDATION_WINDOWS", 40),
        ("amt.VALIDATION_SEQUENCES", 6),
        ("original.VALIDATION_PICTURES", 32),
    ):
        monkeypatch.setattr(f"prism.training.{name}", count)


@pytest.fixture
def pipeline() -> PrismPipeline:
    """See `make_pipeline`."""
    return make_pipeline()


@pytest.fixture
def corpus() -> Corpus:
    """Two labels with a few pieces on each side of the split."""
    from prism.corpora.prepared import Corpus

    pieces = [
        make_piece(f"{label}-{i}", label, beats=70 + 10 * i, seed=i + 100 * (label == "Bob"))
        for label in ("Ada", "Bob")
        for i in range(5)
    ]
    return Corpus(
        tuple(pieces), ("train", "train", "train", "validation", "test") * 2, ("Ada", "Bob")
    )


@pytest.fixture(scope="session")
def bundled() -> Corpus:
    """The music that is shipped."""
    from prism.corpora.prepared import Corpus

    return Corpus.load(ROOT / "assets" / "corpus")


@pytest.fixture(scope="session", autouse=True)
def gradio_folder(tmp_path_factory):
    """A worker's own folder: Gradio names files by their content and a page that closes deletes
    its own, also from under another worker's page that serves the same.
    """
    with unittest.mock.patch.dict(
        os.environ, GRADIO_TEMP_DIR=str(tmp_path_factory.mktemp("gradio"))
    ):
        yield


@pytest.fixture(scope="session")
def address(tmp_path_factory, bundled):
    """The one page that nearly all browser tests share: see `stand_ins.whole_page`."""
    from stand_ins import whole_page

    with whole_page(tmp_path_factory.mktemp("weights"), bundled) as address:
        yield address


@contextlib.contextmanager
def started(*arguments: str, **settings: str):
    """Runs the app as a host starts it, with these arguments and environment variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    app = subprocess.Popen(
        [sys.executable, "app.py", *arguments], cwd=ROOT, env=os.environ | settings
    )
    try:
        yield wait_for(app, f"http://127.0.0.1:{port}/")
    finally:
        app.terminate()
        app.wait()


def wait_for(app: subprocess.Popen, address: str) -> str:
    started = time.monotonic()
    while time.monotonic() - started < START_SECONDS:
        assert app.poll() is None, "the app ended before it answered"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return address
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the app did not answer within {START_SECONDS} s")


@pytest.fixture(scope="session")
def browser():
    """A headless browser; where there is none, tests are skipped, but fail under ``CI``."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if CHROMIUM is None or sync_playwright is None:
        missing = "Chromium" if CHROMIUM is None else "playwright"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{missing} is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def new_page(browser):
    """Opens an empty page. As many as can share a cache, which saves seconds: size, colours and
    motion are told to the page, and only other options ask for a cache of their own.
    """
    contexts = {}

    def open_page(viewport=DESK, color_scheme="light", reduced_motion="no-preference", **options):
        key = str(options)
        if key not in contexts:
            contexts[key] = browser.new_context(**options)
        page = contexts[key].new_page()
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        return page

    return open_page


@contextlib.contextmanager
def watched(page, home: str):
    """Closes the page at last; by then nothing may have left the machine or been complained about.

    Parameters
    ----------
    page : playwright.sync_api.Page
        Empty as yet.
    home : str
        The address that it is going to show.
    """
    faults = []
    page.set_default_timeout(WAIT_MS)
    page.on("request", lambda r: is_foreign(r.url, home) and faults.append(r.url))
    page.on("console", lambda m: m.type == "error" and faults.append(f"{m.text} {m.location}"))
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        yield page
    finally:
        page.close()
    assert not faults


def settle(page) -> None:
    """Wait until a page that was opened without a link is ready and shows all of its example."""
    page.wait_for_function("document.querySelector('.prism-status')?.textContent[0] === 'R'")
    at_rest(page)


@pytest.fixture
def visit(address, new_page):
    """Opens the page, which is `watched`, after a script of the test's own."""
    with contextlib.ExitStack() as pages:

        def open_page(at: str = "", link: str = "", script: str = "", **options):
            home = at or address
            page = pages.enter_context(watched(new_page(**options), home))
            if script:
                page.add_init_script(script)
            page.goto(home + link)
            # One that is opened by a link may go on to generate, and then says something else.
            if not link:
                settle(page)
            return page

        yield open_page


def is_foreign(url: str, address: str) -> bool:
    return not url.startswith((address, "data:", "blob:"))


# What a finger of 44 px cannot hit for sure.
TOO_SMALL = """() => [...document.querySelectorAll('button, a, select, summary, [role=button], '
        + '.checkbox-container, input[type=number], input[type=range]')]
    .filter(place => place.offsetParent && !place.closest('footer, .visually-hidden'))
    .map(place => [place.className || place.textContent, place.getBoundingClientRect()])
    .filter(([, box]) => Math.round(Math.min(box.width, box.height)) < 44)
    .map(([name]) => name)"""


def choose_tab(page, name: str) -> None:
    """Open a tab."""
    page.get_by_role("tab", name=name, exact=True).click()


def at_rest(page) -> None:
    """Wait until nothing is being made, such as the sound of the example with which it opens."""
    page.wait_for_function(f"{LANES}.every(lane => lane.dataset.state !== 'rendering')")


def generate(page, amt: bool = False, button: str = "Generate") -> None:
    """Ask for new music; wait for the first two players, and for the baseline's if asked to."""
    at_rest(page)
    page.evaluate(f"{LANES}.forEach(lane => {{ lane.dataset.state = 'old'; }})")
    page.get_by_role("button", name=button).click()
    filled(page, 3 if amt else 2)


def open_menu(page, index: int) -> None:
    """Open a player's menu of files."""
    menu = page.locator(".prism-player .files").nth(index)
    if menu.get_attribute("open") is None:
        if page.locator(".prism-player .files[open]").count():
            page.keyboard.press("Escape")  # it may lie over this one
        menu.locator("summary").click()


def filled(page, count: int = 2) -> None:
    """Wait for the first players."""
    from playwright.sync_api import TimeoutError

    try:
        page.wait_for_function(
            """count => document.querySelectorAll('.prism-player').length >= count
                && [...document.querySelectorAll('.prism-player')].slice(0, count)
                    .every(player => player.dataset.state === 'ready')""",
            arg=count,
        )
    except TimeoutError:
        states = page.evaluate(
            """() => [...document.querySelectorAll('.prism-status, .prism-player')]
                .map(place => [place.dataset.state ?? place.textContent, place.dataset.name,
                    place.querySelector('.message')?.textContent])"""
        )
        pytest.fail(f"the first {count} are not ready: {states}, {page.url}")
