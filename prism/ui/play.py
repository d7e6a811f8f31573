"""The Play panel: controls, three players, what is said of them, and what connects it all."""

from __future__ import annotations

import gradio as gr
from gradio.events import Dependency

from prism.service.session import Session
from prism.service.sources import Source
from prism.ui.cards import CardsPanel
from prism.ui.controls import Controls
from prism.ui.element import EACH, QUIET
from prism.ui.export import Export, export_panel
from prism.ui.generate import Handlers, empty_player
from prism.ui.player import PianoRollPlayer, Transport
from prism.ui.presets import Presets, changed_weights

# Random seeds stay below 100,000: short enough to read out to somebody.
_ROLL_DICE = "() => Math.floor(Math.random() * 100000)"
_PRESS = """() => {
    const button = document.querySelector('.prism-generate');
    button.dataset.seed = 'kept';
    button.click();
}"""
_ROLL_DICE_IF_WANTED = """(fresh, seed) => {
    const button = document.querySelector('.prism-generate');
    const kept = button.dataset.seed === 'kept';
    delete button.dataset.seed;
    return fresh && !kept ? Math.floor(Math.random() * 100000) : seed;
}"""
_RUN_IF_WANTED = f"(link) => {{ if (link?.run) ({_PRESS})(); }}"
_SAY_COPIED = """(panel) => ({ kind: 'calm',
    text: panel?.name ? 'Link copied. It does not carry your file.' : 'Link copied.' })"""
_SAY_SHOWN = "() => ({ kind: 'calm', text: 'Copy the link out of its field: Ctrl+C, or hold it.' })"

_NO_LONGER_BUSY = """(...players) => players.map((player) => player?.busy
    ? { ...player, busy: false, hint: '', message: 'Stopped before it was done.' } : player)"""


class PlayPanel:
    """The panel and what connects it, laid out where this is called inside a ``gr.Blocks``.

    Parameters
    ----------
    page : gr.Blocks
        When it is opened, the controls are filled in.
    handlers : Handlers
        What the events call.
    """

    def __init__(self, page: gr.Blocks, handlers: Handlers) -> None:
        self.handlers, sources = handlers, handlers.service.sources
        self.presets = Presets(handlers.service)
        self.controls = Controls()
        titles = [source.title for source in sources.values()]
        Transport({"sources": titles}, elem_classes="prism-transport-block")
        with gr.Row(equal_height=True, elem_classes=["prism-players", "prism-together"]):
            self.players = {name: _player(source) for name, source in sources.items()}
        self.cards = CardsPanel()
        self.session = gr.State(Session())
        export_panel(Export(handlers.service), self.session)
        self._connect_controls()
        self._connect_opening(page)
        fills = self._connect_generate()
        self._connect_stop(fills)
        self._connect_upload()
        self.cards.connect_hearing(handlers.cards, self.session)
        self._connect_presets()
        for player in self.players.values():
            player.connect_png()

    def _connect_controls(self) -> None:
        controls = self.controls
        mixer = [controls.mixer, *controls.weights]
        controls.composers.change(
            changed_weights, [controls.composers, *mixer], mixer, queue=False, **QUIET
        )
        seed = controls.settings["seed"]
        controls.dice.click(None, None, seed, js=_ROLL_DICE, api_visibility="private")
        for event, said in ((controls.link.copied, _SAY_COPIED), (controls.link.shown, _SAY_SHOWN)):
            event(None, controls.upload, controls.status, js=said, api_visibility="private")

    def _connect_opening(self, page: gr.Blocks) -> None:
        """Fill in the controls when the page is opened, and press Generate for a whole link."""
        controls = self.controls
        restored = [controls.composers, controls.status, controls.link, *controls.filled[1:]]
        opened = page.load(self.handlers.welcome, None, restored, queue=False, **QUIET)
        opened.then(None, controls.link, None, js=_RUN_IF_WANTED, api_visibility="private")
        page.load(self.presets.examples, None, controls.examples, queue=False, **QUIET)

    def _connect_generate(self) -> list[Dependency]:
        """One event reads the controls; after it each source fills its player."""
        controls, cards, seed = self.controls, self.cards, self.controls.settings["seed"]
        seeded = controls.generate.click(
            None,
            [controls.fresh, seed],
            seed,
            js=_ROLL_DICE_IF_WANTED,
            api_visibility="private",
        )
        begun = seeded.then(
            self.handlers.begin,
            [self.session, *controls.chosen],
            [
                *(controls.link, controls.status),
                *(cards.scores, cards.nearest, cards.player, cards.column),
            ],
            # The raw values: the handler knows a better answer to a bad one than Gradio.
            preprocess=False,
            **EACH,
            **QUIET,
        )
        more = {"prism": [controls.status]}
        fills = []
        for name, player in self.players.items():
            outputs = [player, player.piece, *more.get(name, ()), *cards.compared]
            fill = self.handlers.compared(getattr(self.handlers, name), len(outputs))
            # A fill whose click is over ends soon by itself: the next one need not wait for it.
            fills.append(begun.success(fill, self.session, outputs, **EACH, **QUIET))
        return fills

    def _connect_upload(self) -> None:
        upload, corpus = self.controls.upload, self.players["corpus"]
        handlers = self.handlers
        shown = [upload, corpus, corpus.piece, *self.cards.compared]
        for event, handler in (
            (upload.chosen, handlers.chosen),
            (upload.moved, handlers.moved),
            (upload.removed, handlers.removed),
        ):
            event(handlers.compared(handler, len(shown)), self.session, shown, **EACH, **QUIET)

    def _connect_presets(self) -> None:
        """Fill in the controls, then press Generate with the seed that stands there."""
        controls, presets = self.controls, self.presets
        look = {"queue": False, **QUIET}
        recall, filled = self.cards.history.recall, controls.filled
        recalled = recall(presets.recall, self.session, filled, **EACH, **look)
        recalled.success(self.handlers.current, self.session, controls.upload, **look)
        surprised = controls.surprise.click(presets.surprise, None, filled, **look)
        examples = [
            button.click(presets.example, button, filled, **look) for button in controls.examples
        ]
        for event in (recalled, surprised, *examples):
            event.success(None, None, None, js=_PRESS, api_visibility="private")

    def _connect_stop(self, fills: list[Dependency]) -> None:
        stopping = self.controls.stop.click(
            self.handlers.stop,
            self.session,
            self.controls.status,
            cancels=fills,
            queue=False,
            **QUIET,
        )
        players = list(self.players.values())
        # Only then, as an update still on its way would overwrite it; and in the browser, which has
        # the notes.
        stopping.then(None, players, players, js=_NO_LONGER_BUSY, api_visibility="private")
        # What was stopped may have been about to compare the pieces that are there.
        stopping.then(self.handlers.cards.compare, self.session, self.cards.compared, **QUIET)


def _player(source: Source) -> PianoRollPlayer:
    with gr.Column(min_width=320):
        return PianoRollPlayer(empty_player(source, hint=source.hint))
