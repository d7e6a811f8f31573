"""The Play panel: controls, three players, what is said of them, and what connects it all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from prism.service.sides import Side
from prism.service.visit import Visit
from prism.ui.comparison import Comparison, comparison_panel, connect_comparison
from prism.ui.controls import Controls, lay_out_controls
from prism.ui.export import Export, connect_export, export_panel
from prism.ui.filling import Filling, changed_weights
from prism.ui.generate import Handlers, empty_player
from prism.ui.history import History, HistoryList, history_value, remembered
from prism.ui.judging import Judging
from prism.ui.player import PianoRollPlayer, Transport, connect_png, transport_value
from prism.ui.reference import Reference

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

# The raw values go to the handlers, which know a better answer to a bad one than Gradio.
_RAW = {
    "preprocess": False,
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}
_QUIET = {"api_visibility": "private", "show_progress": "hidden"}


@dataclasses.dataclass(frozen=True)
class Panel:
    """One player with the piece it shows, kept for this visitor alone."""

    player: PianoRollPlayer
    piece: gr.State


def play_panel(handlers: Handlers, judging: Judging) -> Controls:
    """Lay out the panel and connect it; call inside a ``gr.Blocks``."""
    controls = lay_out_controls()
    Transport(
        transport_value(side.title for side in handlers.studio.sides.values()),
        elem_classes="prism-transport-block",
    )
    with gr.Row(equal_height=True, elem_classes=["prism-players", "prism-together"]):
        panels = {name: _panel(side) for name, side in handlers.studio.sides.items()}
    with gr.Column(elem_classes="prism-below"):
        history = HistoryList(history_value(History()))
    below = comparison_panel()
    export = export_panel()
    _connect_controls(controls)
    _connect_link(controls)
    visit = gr.State(Visit())
    clicked = _connect_click(controls, below, handlers, judging, visit)
    fills = _connect_generation(controls, panels, handlers, visit, clicked)
    _connect_stop(controls, panels, handlers, visit, fills)
    reference = Reference(handlers)
    fills += _connect_upload(controls, panels["corpus"], below, reference, judging, visit)
    for scored in connect_comparison(below, judging, visit, fills):
        scored.then(
            remembered,
            visit,
            history,
            trigger_mode="always_last",
            concurrency_id="history",
            concurrency_limit=1,
            **_QUIET,
        )
    _connect_filling(controls, history, Filling(handlers.studio), reference, visit)
    connect_export(export, Export(handlers.studio), visit)
    for shown in (*panels.values(), below):
        connect_png(shown.player, shown.piece)
    return controls


def _panel(side: Side) -> Panel:
    with gr.Column(min_width=320):
        return Panel(PianoRollPlayer(empty_player(side, hint=side.hint)), gr.State(None))


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
    page.load(Filling(handlers.studio).examples, None, controls.examples, queue=False, **_QUIET)


def _connect_click(
    controls: Controls, below: Comparison, handlers: Handlers, judging: Judging, visit: gr.State
) -> Dependency:
    seeded = controls.generate.click(
        None,
        [controls.fresh, controls.settings["seed"]],
        controls.settings["seed"],
        js=_ROLL_DICE_IF_WANTED,
        api_visibility="private",
    )
    seeded.then(handlers.share, controls.chosen, controls.link, **_RAW)
    return seeded.then(judging.clicked, [visit, *controls.chosen], below.outputs, **_RAW)


def _connect_generation(
    controls: Controls,
    panels: dict[str, Panel],
    handlers: Handlers,
    visit: gr.State,
    clicked: Dependency,
) -> list[Dependency]:
    def fill(name: str, handler: Callable, *more: Component, **settings: Any) -> Dependency:
        return clicked.then(
            handler,
            [visit, *controls.chosen],
            [panels[name].player, panels[name].piece, *more],
            api_visibility="private",
            preprocess=False,
            show_progress="hidden",
            trigger_mode="always_last",
            **settings,
        )

    return [
        fill(
            "prism",
            handlers.generate,
            controls.status,
            api_name="page_prism",
            concurrency_limit=1,
            concurrency_id="prism",
        ),
        fill(
            "corpus",
            handlers.real,
            api_name="page_corpus",
            concurrency_limit=2,
            concurrency_id="corpus",
        ),
        fill(
            "amt", handlers.baseline, api_name="page_amt", concurrency_limit=1, concurrency_id="amt"
        ),
    ]


def _connect_upload(
    controls: Controls,
    corpus: Panel,
    below: Comparison,
    reference: Reference,
    judging: Judging,
    visit: gr.State,
) -> list[Dependency]:
    shown = [controls.upload, corpus.player, corpus.piece]
    events = (
        controls.upload.chosen(reference.chosen, visit, shown, concurrency_limit=2, **_QUIET),
        controls.upload.moved(reference.moved, visit, shown, concurrency_limit=2, **_QUIET),
        controls.upload.removed(reference.removed, visit, shown, concurrency_limit=2, **_QUIET),
    )
    cards = [below.scores, below.nearest]
    return [event.then(judging.replaced, visit, cards, **_QUIET) for event in events]


def _connect_filling(
    controls: Controls,
    history: HistoryList,
    filling: Filling,
    reference: Reference,
    visit: gr.State,
) -> None:
    """Fill in the controls, then press Generate with the seed that stands there."""
    recalled = history.recall(filling.recall, visit, controls.filled, queue=False, **_QUIET)
    recalled.success(reference.current, visit, controls.upload, queue=False, **_QUIET)
    for filled in (
        recalled,
        controls.surprise.click(filling.surprise, None, controls.filled, queue=False, **_QUIET),
        *(
            button.click(filling.example, button, controls.filled, queue=False, **_QUIET)
            for button in controls.examples
        ),
    ):
        filled.success(None, None, None, js=_PRESS, api_visibility="private")


def _connect_stop(
    controls: Controls,
    panels: dict[str, Panel],
    handlers: Handlers,
    visit: gr.State,
    events: list[Dependency],
) -> None:
    stopping = controls.stop.click(None, cancels=events, api_visibility="private", queue=False)
    players = [panel.player for panel in panels.values()]
    # Only then: an update still on its way would overwrite what the handler says.
    stopping.then(
        handlers.stop,
        [visit, *players],
        [*players, controls.status],
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
