"""The Play panel: controls beside three lanes, what is said of them, and what connects it all."""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr

from prism.service.piece import ShownPiece
from prism.service.session import Session
from prism.service.sources import Source
from prism.ui.cards import CardsPanel
from prism.ui.controls import Controls
from prism.ui.element import EACH, QUIET
from prism.ui.export import Export, export_panel
from prism.ui.generate import NEW_NEXT, Handlers, empty_player
from prism.ui.mixer import FOLLOW
from prism.ui.player import PianoRollPlayer, Transport, piece_value
from prism.ui.presets import Presets
from prism.ui.redrawing import RedrawBar
from prism.ui.say import Saying
from prism.ui.takes import TakeStrip

# Random seeds stay below 100,000: short enough to read out to somebody.
# The take and what was kept and redrawn belong to the seed before.
_NEW_SEED = "() => [Math.floor(Math.random() * 100000), 0, '', '']"
_PRESS = """() => {
    const button = document.querySelector('.prism-generate');
    button.dataset.seed = 'kept';
    button.click();
}"""
# As the page opens, the lanes show what the controls say: the same again is not what it promises.
_NEW_SEED_IF_WANTED = f"""(fresh, seed, take, keep, redraw, said) => {{
    const button = document.querySelector('.prism-generate');
    const kept = button.dataset.seed === 'kept';
    delete button.dataset.seed;
    const anew = (fresh || said?.kind === '{NEW_NEXT}') && !kept;
    return anew ? ({_NEW_SEED})() : [seed, take, keep, redraw];
}}"""
_RUN_IF_WANTED = f"(link) => {{ if (link?.run) ({_PRESS})(); }}"
# What Generate would do stays as it was.
_SAY = f"kind: said?.kind === '{NEW_NEXT}' ? said.kind : 'calm'"
_SAY_COPIED = f"""(panel, said) => ({{ {_SAY},
    text: panel?.name ? 'Link copied. It does not carry your file.' : 'Link copied.' }})"""
_SAY_SHOWN = f"""(panel, said) => ({{ {_SAY},
    text: 'Copy the link out of its field: Ctrl+C, or hold it.' }})"""
# A complaint about what stood there is out of date as well.
_SAY_CHANGED = "() => ({ kind: 'calm', text: 'Settings changed: press Generate.' })"


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
        stored = handlers.service.stored.examples
        self.presets = Presets(handlers.service)
        look = {"elem_classes": "prism-transport-block", "render": False}
        transport = Transport(_named(sources), **look)
        with gr.Row(elem_classes="prism-first"):
            with gr.Column(scale=0, min_width=300, elem_classes="prism-controls"):
                self.controls = Controls((example.name for example in stored), transport)
            with gr.Column(scale=1, min_width=0, elem_classes="prism-lanes"):
                transport.render()
                self.redraw = RedrawBar({}, elem_classes="prism-redraw-block")
                self.takes = TakeStrip({}, elem_classes="prism-redraw-block")
                with gr.Column(elem_classes=["prism-players", "prism-together"]):
                    seen = stored[0].pieces if stored else {}
                    self.players = {n: _lane(source, seen.get(n)) for n, source in sources.items()}
        self.cards = CardsPanel()
        self.session = gr.State(Session())
        export_panel(Export(handlers.service), self.session)
        self._connect_controls()
        self._connect_instrument()
        self._connect_opening(page)
        self._connect_generate()
        self._connect_stop()
        self._connect_upload()
        self.cards.connect_hearing(handlers.cards, self.session)
        self._connect_presets()
        for player in self.players.values():
            player.connect_files()

    @property
    def drawn_by(self) -> list[gr.components.Component]:
        """What a new seed changes."""
        return [self.controls.settings[name] for name in ("seed", "take", "keep", "redraw")]

    def _connect_controls(self) -> None:
        controls = self.controls
        quick = {"api_visibility": "private"}
        mixed = [controls.composers, controls.mixer]
        controls.composers.change(None, mixed, controls.mixer, js=FOLLOW, **quick)
        drawn_by = self.drawn_by
        controls.dice.click(None, None, drawn_by, js=_NEW_SEED, **quick).then(
            None, None, None, js=_PRESS, **quick
        )
        instrument = controls.settings["instrument"]
        others = [c for c in (*controls.inputs, controls.fresh) if c is not instrument]
        touched = [control.input for control in others]
        gr.on(touched, None, None, controls.status, js=_SAY_CHANGED, **quick)
        for event, said in ((controls.link.copied, _SAY_COPIED), (controls.link.shown, _SAY_SHOWN)):
            event(None, [controls.upload, controls.status], controls.status, js=said, **quick)

    def _connect_instrument(self) -> None:
        """It acts at once: the notes stay."""
        instrument = self.controls.settings["instrument"]
        lanes = [part for player in self.players.values() for part in (player, player.piece)]
        shown = [self.controls.link, *lanes]
        instrument.input(self.handlers.replay, [self.session, instrument], shown, **EACH, **QUIET)

    def _connect_opening(self, page: gr.Blocks) -> None:
        """Fill in controls and lanes when the page is opened; press Generate for a whole link."""
        controls, cards = self.controls, self.cards
        lanes = [part for player in self.players.values() for part in (player, player.piece)]
        shown = [cards.scores, cards.nearest, *lanes]
        page.load(self.handlers.opening, self.session, shown, **QUIET)
        restored = [controls.composers, controls.status, controls.link, *controls.inputs[1:]]
        opened = page.load(self.handlers.welcome, None, restored, queue=False, **QUIET)
        opened.then(None, controls.link, None, js=_RUN_IF_WANTED, api_visibility="private")
        page.load(self.presets.examples, None, controls.examples, queue=False, **QUIET)

    def _connect_generate(self) -> None:
        """One event reads the controls; after it each source fills its player."""
        controls, cards = self.controls, self.cards
        drawn_by = self.drawn_by
        seeded = controls.generate.click(
            None,
            [controls.fresh, *drawn_by, controls.status],
            drawn_by,
            js=_NEW_SEED_IF_WANTED,
            api_visibility="private",
        )
        begun = seeded.then(
            self.handlers.begin,
            [self.session, *controls.inputs],
            [
                *(controls.link, controls.status),
                *(cards.scores, cards.nearest, cards.player, cards.column),
                *(self.redraw, self.takes),
            ],
            # The raw values: the handler knows a better answer to a bad one than Gradio.
            preprocess=False,
            **EACH,
            **QUIET,
        )
        more = {"prism": [controls.status]}
        for name, player in self.players.items():
            outputs = [player, player.piece, *more.get(name, ()), *cards.compared]
            fill = self.handlers.compared(getattr(self.handlers, name), len(outputs))
            # A fill whose click is over ends soon by itself: the next one need not wait for it.
            begun.success(fill, self.session, outputs, **EACH, **QUIET)

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
        recall, filled = self.cards.history.recall, controls.inputs
        recalled = recall(presets.recall, self.session, filled, **EACH, **look)
        recalled.success(self.handlers.current, self.session, controls.upload, **look)
        surprised = controls.surprise.click(presets.surprise, None, filled, **look)
        examples = [
            button.click(presets.example, button, filled, **look) for button in controls.examples
        ]
        line, said = controls.say, Saying(self.handlers.service).said
        line.said(said, line, [line, controls.status, *filled], **EACH, **look)
        redrawn = [
            wanted(presets.redraw, self.session, filled, **EACH, **look)
            for wanted in (self.redraw.edit, *(player.onward for player in self.players.values()))
        ]
        taken = self.takes.keep(presets.take, self.session, filled, **EACH, **look)
        draw = self.handlers.takes.draw
        controls.takes.click(draw, self.session, self.takes, **QUIET)
        for event in (recalled, surprised, *redrawn, taken, *examples):
            event.success(None, None, None, js=_PRESS, api_visibility="private")

    def _connect_stop(self) -> None:
        stop, controls = self.handlers.stop, self.controls
        controls.stop.click(stop, self.session, controls.status, queue=False, **QUIET)


def _named(sources: Mapping[str, Source]) -> list[dict[str, str]]:
    """The lanes, as the transport knows them."""
    return [{"name": name, "title": source.title} for name, source in sources.items()]


def _lane(source: Source, piece: ShownPiece | None) -> PianoRollPlayer:
    value = empty_player(source, hint=source.hint)
    if piece is not None:
        # A page with a link in its address shows no notes but those that it asks for.
        value = piece_value(piece, busy=True) | {"opening": True}
    return PianoRollPlayer(value, elem_classes=f"prism-from-{source.name}")
