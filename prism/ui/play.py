"""The Play panel: controls, three players, what is said of them, and what connects it all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from prism.amt.beginning import AMT_STARTS
from prism.ui.choice import (
    GUIDANCE_RANGE,
    MAXIMUM_COMPOSERS,
    STEPS_RANGE,
    TEMPO_RANGE,
    WEIGHT_RANGE,
)
from prism.ui.comparison import Comparison, comparison_panel, connect_comparison
from prism.ui.element import Element
from prism.ui.generate import Handlers, empty_player, share_value, weights_for
from prism.ui.judging import Judging
from prism.ui.player import PianoRollPlayer, StatusLine, status
from prism.ui.sharing import USUAL, USUAL_WEIGHT
from prism.ui.sides import Side
from prism.ui.visit import Visit

# Random seeds stay below 100,000: short enough to read out to somebody.
_ROLL_DICE = "() => Math.floor(Math.random() * 100000)"
_ROLL_DICE_IF_WANTED = "(fresh, seed) => fresh ? Math.floor(Math.random() * 100000) : seed"
_RUN_IF_WANTED = "(link) => { if (link?.run) document.querySelector('.prism-generate').click(); }"
_SAY_COPIED = "() => ({ kind: 'calm', text: 'Link copied.' })"
_SAY_SHOWN = "() => ({ kind: 'calm', text: 'Copy the link out of its field: Ctrl+C, or hold it.' })"

# The raw values go to the handlers, which know a better answer to a bad one than Gradio.
_RAW = {
    "preprocess": False,
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}


class ShareLink(Element):
    """Puts a click's link into the address bar and copies it; its value is `share_value`'s.

    Its ``copied`` event says that the link is on the clipboard, ``shown`` that it stands in a field
    to be copied by hand.
    """

    asset = "page/share"


@dataclasses.dataclass(frozen=True)
class Controls:
    """The inputs of the Play panel."""

    composers: gr.Dropdown
    weights: list[gr.Slider]
    guidance_scale: gr.Slider
    seed: gr.Number
    dice: gr.Button
    fresh: gr.Checkbox
    num_inference_steps: gr.Slider
    tempo: gr.Number
    amt_start: gr.Dropdown
    generate: gr.Button
    stop: gr.Button
    link: ShareLink
    status: StatusLine
    mixer: gr.State  # the composers whose weights the sliders show

    @property
    def restorable(self) -> list[Component]:
        """What a new page fills in, as `Handlers.welcome` gives it."""
        return [self.composers, self.status, self.link, self.mixer, *self.weights,
                self.guidance_scale, self.seed, self.num_inference_steps, self.tempo,
                self.amt_start]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Panel:
    """One player with the piece it shows, kept for this visitor alone."""

    player: PianoRollPlayer
    piece: gr.State


def play_panel(handlers: Handlers, judging: Judging) -> Controls:
    """Lay out the panel and connect it; call inside a ``gr.Blocks``."""
    controls = _controls()
    with gr.Row(equal_height=True, elem_classes="prism-players"):
        panels = {name: _panel(side) for name, side in handlers.studio.sides.items()}
    below = comparison_panel()
    _connect_controls(controls)
    _connect_link(controls)
    visit = gr.State(Visit())
    clicked = _connect_click(controls, below, handlers, judging, visit)
    fills = _connect_generation(controls, panels, handlers, visit, clicked)
    _connect_stop(controls, panels, handlers, visit, fills)
    connect_comparison(below, judging, visit, fills)
    for shown in (*panels.values(), below):
        _connect_picture(shown, handlers)
    return controls


def _controls() -> Controls:
    with gr.Column(elem_classes="prism-controls"):
        with gr.Row(equal_height=True):
            composers = gr.Dropdown(
                [],
                label="Composers",
                info="one to four",
                multiselect=True,
                max_choices=MAXIMUM_COMPOSERS,
                scale=3,
                min_width=260,
            )
            guidance_scale = gr.Slider(
                *GUIDANCE_RANGE,
                value=USUAL.guidance_scale,
                step=0.1,
                label="Guidance scale",
                info="0 ignores the composers",
                scale=2,
                min_width=220,
            )
            with gr.Column(scale=2, min_width=240, elem_classes="prism-seed-column"):
                seed, dice, fresh = _seed_controls()
        weights = _weight_sliders()
        num_inference_steps, tempo, amt_start = _more_settings()
        with gr.Row(elem_classes="prism-actions"):
            generate = gr.Button(
                "Generate", variant="primary", scale=0, min_width=180, elem_classes="prism-generate"
            )
            stop = gr.Button("Stop", scale=0, min_width=90)
            link = ShareLink(share_value(), min_width=120)
            line = StatusLine(status("Loading the model, a few seconds…"), min_width=220)
    return Controls(
        composers, weights, guidance_scale, seed, dice, fresh, num_inference_steps, tempo,
        amt_start, generate, stop, link, line, gr.State([]),
    )  # fmt: skip


def _seed_controls() -> tuple[gr.Number, gr.Button, gr.Checkbox]:
    with gr.Row(elem_classes="prism-seed"):
        seed = gr.Number(
            USUAL.seed, label="Seed", info="same seed, same notes", min_width=110, scale=3
        )
        dice = gr.Button("Roll dice", min_width=100, scale=0, elem_classes="prism-dice")
    fresh = gr.Checkbox(False, label="New seed each time", container=False)
    return seed, dice, fresh


def _more_settings() -> tuple[gr.Slider, gr.Number, gr.Dropdown]:
    with gr.Accordion("More settings", open=False), gr.Row():
        num_inference_steps = gr.Slider(
            *STEPS_RANGE, value=USUAL.num_inference_steps, step=1, label="Steps",
            info="how finely it is drawn", min_width=220,
        )  # fmt: skip
        tempo = gr.Number(
            USUAL.tempo,
            label="Tempo",
            info=f"{TEMPO_RANGE[0]:g} to {TEMPO_RANGE[1]:g} beats a minute; 0 for the music's own",
            min_width=220,
        )
        amt_start = gr.Dropdown(
            [(words, name) for name, words in AMT_STARTS.items()],
            value=USUAL.amt_start,
            label="AMT starts from",
            info="an opening is neither played nor scored",
            min_width=220,
        )
    return num_inference_steps, tempo, amt_start


def _weight_sliders() -> list[gr.Slider]:
    with gr.Row():
        return [
            gr.Slider(
                *WEIGHT_RANGE, USUAL_WEIGHT, step=1, label="Weight", visible=False, min_width=200
            )
            for _ in range(MAXIMUM_COMPOSERS)
        ]


def _panel(side: Side) -> Panel:
    with gr.Column(min_width=320):
        return Panel(PianoRollPlayer(empty_player(side, hint=side.hint)), gr.State(None))


def _connect_controls(controls: Controls) -> None:
    controls.composers.change(
        weights_for,
        [controls.composers, controls.mixer, *controls.weights],
        [controls.mixer, *controls.weights],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    controls.dice.click(None, None, controls.seed, js=_ROLL_DICE, api_visibility="private")


def _connect_link(controls: Controls) -> None:
    for event, said in ((controls.link.copied, _SAY_COPIED), (controls.link.shown, _SAY_SHOWN)):
        event(None, None, controls.status, js=said, api_visibility="private")


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


def _roll_controls(controls: Controls) -> list[Component]:
    return [controls.composers, *controls.weights, controls.guidance_scale, controls.seed,
            controls.num_inference_steps, controls.tempo]  # fmt: skip


def _connect_click(
    controls: Controls, below: Comparison, handlers: Handlers, judging: Judging, visit: gr.State
) -> Dependency:
    seeded = controls.generate.click(
        None,
        [controls.fresh, controls.seed],
        controls.seed,
        js=_ROLL_DICE_IF_WANTED,
        api_visibility="private",
    )
    chosen = [*_roll_controls(controls), controls.amt_start]
    seeded.then(handlers.share, chosen, controls.link, **_RAW)
    return seeded.then(judging.clicked, [visit, *chosen], below.outputs, **_RAW)


def _connect_generation(
    controls: Controls,
    panels: dict[str, Panel],
    handlers: Handlers,
    visit: gr.State,
    clicked: Dependency,
) -> list[Dependency]:
    def fill(name: str, handler: Callable, inputs: list, *more: Component,
             **settings: Any) -> Dependency:  # fmt: skip
        return clicked.then(
            handler,
            [*inputs, visit],
            [panels[name].player, panels[name].piece, *more],
            preprocess=False,
            show_progress="hidden",
            trigger_mode="always_last",
            **settings,
        )

    mix, roll = [controls.composers, *controls.weights], _roll_controls(controls)
    return [
        fill("prism", handlers.generate, roll, controls.status,
             api_name="generate", concurrency_limit=1),
        fill("corpus", handlers.real, [*mix, controls.seed, controls.tempo],
             api_name="corpus", concurrency_limit=2),
        fill("amt", handlers.baseline, [*roll, controls.amt_start],
             api_name="amt", concurrency_limit=1),
    ]  # fmt: skip


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


def _connect_picture(shown: Panel | Comparison, handlers: Handlers) -> None:
    shown.player.picture(
        handlers.picture,
        shown.piece,
        shown.player,
        api_visibility="private",
        show_progress="hidden",
    )
