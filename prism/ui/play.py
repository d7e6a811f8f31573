"""The Play panel: controls, three players, what is said of them, and what connects it all."""

from __future__ import annotations

import dataclasses

import gradio as gr
from gradio.events import Dependency

from prism.service.session import Session
from prism.service.sources import Source
from prism.ui.cards import CardsPanel, HistoryList, cards_panel, connect_hearing
from prism.ui.controls import Controls, lay_out_controls
from prism.ui.export import Export, connect_export, export_panel
from prism.ui.generate import Handlers, empty_player
from prism.ui.player import PianoRollPlayer, Transport, connect_png, transport_value
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
_QUIET = {"api_visibility": "private", "show_progress": "hidden"}


@dataclasses.dataclass(frozen=True)
class Panel:
    """One player with the piece it shows, kept for this visitor alone."""

    player: PianoRollPlayer
    piece: gr.State


def play_panel(handlers: Handlers) -> Controls:
    """Lay out the panel and connect it; call inside a ``gr.Blocks``."""
    sources = handlers.service.sources
    controls = lay_out_controls()
    titles = [source.title for source in sources.values()]
    Transport(transport_value(titles), elem_classes="prism-transport-block")
    with gr.Row(equal_height=True, elem_classes=["prism-players", "prism-together"]):
        panels = {name: _panel(source) for name, source in sources.items()}
    below = cards_panel()
    export = export_panel()
    session = gr.State(Session())
    _connect_controls(controls)
    _connect_link(controls)
    begun = _connect_begin(controls, below, handlers, session)
    fills = _connect_fills(controls, panels, handlers, session, begun)
    _connect_stop(controls, panels, handlers, session, fills)
    for event in (*fills, *_connect_upload(controls, panels["corpus"], below, handlers, session)):
        event.then(
            handlers.cards.compare, session, below.compared, trigger_mode="always_last", **_QUIET
        )
    connect_hearing(below, handlers.cards, session)
    _connect_presets(controls, below.history, handlers, session)
    connect_export(export, Export(handlers.service), session)
    for shown in (*panels.values(), below):
        connect_png(shown.player, shown.piece)
    return controls


def _panel(source: Source) -> Panel:
    with gr.Column(min_width=320):
        return Panel(PianoRollPlayer(empty_player(source, hint=source.hint)), gr.State(None))


def _connect_controls(controls: Controls) -> None:
    controls.composers.change(
        changed_weights,
        [controls.composers, controls.mixer, *controls.weights],
        [controls.mixer, *controls.weights],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    controls.dice.click(
        None, None, controls.settings["seed"], js=_ROLL_DICE, api_visibility="private"
    )


def _connect_link(controls: Controls) -> None:
    for event, said in ((controls.link.copied, _SAY_COPIED), (controls.link.shown, _SAY_SHOWN)):
        event(None, controls.upload, controls.status, js=said, api_visibility="private")


def connect_opening(page: gr.Blocks, controls: Controls, handlers: Handlers) -> None:
    """Fill in the controls when the page is opened, and press Generate for a whole link."""
    opened = page.load(
        handlers.welcome,
        None,
        controls.restorable,
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    opened.then(None, controls.link, None, js=_RUN_IF_WANTED, api_visibility="private")
    page.load(Presets(handlers.service).examples, None, controls.examples, queue=False, **_QUIET)


def _connect_begin(
    controls: Controls, below: CardsPanel, handlers: Handlers, session: gr.State
) -> Dependency:
    """The one event that reads the controls."""
    seeded = controls.generate.click(
        None,
        [controls.fresh, controls.settings["seed"]],
        controls.settings["seed"],
        js=_ROLL_DICE_IF_WANTED,
        api_visibility="private",
    )
    return seeded.then(
        handlers.begin,
        [session, *controls.chosen],
        [controls.link, controls.status, *below.begun],
        # The raw values: the handler knows a better answer to a bad one than Gradio.
        preprocess=False,
        **_QUIET,
    )


def _connect_fills(
    controls: Controls,
    panels: dict[str, Panel],
    handlers: Handlers,
    session: gr.State,
    begun: Dependency,
) -> list[Dependency]:
    more = {"prism": [controls.status]}
    return [
        begun.success(
            getattr(handlers, name),
            session,
            [panel.player, panel.piece, *more.get(name, ())],
            trigger_mode="always_last",
            **_QUIET,
        )
        for name, panel in panels.items()
    ]


def _connect_upload(
    controls: Controls,
    corpus: Panel,
    below: CardsPanel,
    handlers: Handlers,
    session: gr.State,
) -> list[Dependency]:
    shown = [controls.upload, corpus.player, corpus.piece, below.scores, below.nearest]
    return [
        controls.upload.chosen(handlers.chosen, session, shown, **_QUIET),
        controls.upload.moved(handlers.moved, session, shown, **_QUIET),
        controls.upload.removed(handlers.removed, session, shown, **_QUIET),
    ]


def _connect_presets(
    controls: Controls, history: HistoryList, handlers: Handlers, session: gr.State
) -> None:
    """Fill in the controls, then press Generate with the seed that stands there."""
    presets = Presets(handlers.service)
    recalled = history.recall(presets.recall, session, controls.filled, queue=False, **_QUIET)
    recalled.success(handlers.current, session, controls.upload, queue=False, **_QUIET)
    for filled in (
        recalled,
        controls.surprise.click(presets.surprise, None, controls.filled, queue=False, **_QUIET),
        *(
            button.click(presets.example, button, controls.filled, queue=False, **_QUIET)
            for button in controls.examples
        ),
    ):
        filled.success(None, None, None, js=_PRESS, api_visibility="private")


def _connect_stop(
    controls: Controls,
    panels: dict[str, Panel],
    handlers: Handlers,
    session: gr.State,
    fills: list[Dependency],
) -> None:
    stopping = controls.stop.click(
        handlers.stop, session, controls.status, cancels=fills, queue=False, **_QUIET
    )
    players = [panel.player for panel in panels.values()]
    # Only then, as an update still on its way would overwrite it; and in the browser, which has
    # the notes.
    stopping.then(None, players, players, js=_NO_LONGER_BUSY, api_visibility="private")
