"""The Play panel: controls above, two players below, and what connects them."""

from __future__ import annotations

import dataclasses

import gradio as gr

from prism.ui.choice import GUIDANCE_RANGE, MAXIMUM_COMPOSERS, STEPS_RANGE, TEMPO_RANGE
from prism.ui.generate import CORPUS_HINT, PRISM_HINT, Handlers
from prism.ui.player import PianoRollPlayer, StatusLine, player_value, status

# Random seeds stay below 100,000: short enough to read out to somebody.
_ROLL_DICE = "() => Math.floor(Math.random() * 100000)"
_ROLL_DICE_IF_WANTED = "(fresh, seed) => fresh ? Math.floor(Math.random() * 100000) : seed"


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
    generate: gr.Button
    stop: gr.Button
    status: StatusLine


@dataclasses.dataclass(frozen=True)
class Side:
    """One player with the piece it shows, kept for this visitor alone."""

    player: PianoRollPlayer
    piece: gr.State


def play_panel(handlers: Handlers) -> Controls:
    """Lay out the panel and connect it; call inside a ``gr.Blocks``."""
    controls = _controls()
    with gr.Row(equal_height=True, elem_classes="prism-players"):
        prism = _side("Generated", "Prism", PRISM_HINT)
        corpus = _side("Real", "Corpus", CORPUS_HINT)
    _connect_controls(controls)
    _connect_generation(controls, prism, corpus, handlers)
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
                value=2.0,
                step=0.1,
                label="Guidance scale",
                info="0 ignores the composers",
                scale=2,
                min_width=220,
            )
            with gr.Column(scale=2, min_width=240, elem_classes="prism-seed-column"):
                seed, dice, fresh = _seed_controls()
        weights = _weight_sliders()
        with gr.Accordion("More settings", open=False), gr.Row():
            num_inference_steps = gr.Slider(
                *STEPS_RANGE, value=16, step=1, label="Steps", info="how finely it is drawn",
                min_width=220,
            )  # fmt: skip
            tempo = gr.Number(
                0,
                label="Tempo",
                info=f"{TEMPO_RANGE[0]:g} to {TEMPO_RANGE[1]:g} beats a minute; "
                "0 for the music's own",
                min_width=220,
            )
        with gr.Row(elem_classes="prism-actions"):
            generate = gr.Button("Generate", variant="primary", scale=0, min_width=180)
            stop = gr.Button("Stop", scale=0, min_width=90)
            line = StatusLine(status("Loading the model, a few seconds…"), min_width=220)
    return Controls(
        composers, weights, guidance_scale, seed, dice, fresh, num_inference_steps, tempo,
        generate, stop, line,
    )  # fmt: skip


def _seed_controls() -> tuple[gr.Number, gr.Button, gr.Checkbox]:
    with gr.Row(elem_classes="prism-seed"):
        seed = gr.Number(1, label="Seed", info="same seed, same notes", min_width=110, scale=3)
        dice = gr.Button("Roll dice", min_width=100, scale=0, elem_classes="prism-dice")
    fresh = gr.Checkbox(False, label="New seed each time", container=False)
    return seed, dice, fresh


def _weight_sliders() -> list[gr.Slider]:
    with gr.Row():
        return [
            gr.Slider(0, 100, 50, step=1, label="Weight", visible=False, min_width=200)
            for _ in range(MAXIMUM_COMPOSERS)
        ]


def _side(kind: str, title: str, hint: str) -> Side:
    with gr.Column(min_width=320):
        return Side(PianoRollPlayer(player_value(title, kind=kind, hint=hint)), gr.State(None))


def _connect_controls(controls: Controls) -> None:
    names = gr.State([])
    controls.composers.change(
        weights_for,
        [controls.composers, names, *controls.weights],
        [names, *controls.weights],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    controls.dice.click(None, None, controls.seed, js=_ROLL_DICE, api_visibility="private")


def weights_for(composers: list[str], before: list[str], *weights: float) -> list:
    """One slider a composer once there are two; a composer keeps its weight when others go."""
    kept = dict(zip(before, weights, strict=False))
    sliders = [
        gr.update(visible=len(composers) > 1, label=f"{name}, weight", value=kept.get(name, 50))
        for name in composers[:MAXIMUM_COMPOSERS]
    ]
    hidden = [gr.update(visible=False)] * (MAXIMUM_COMPOSERS - len(sliders))
    return [composers, *sliders, *hidden]


def _connect_generation(controls: Controls, prism: Side, corpus: Side, handlers: Handlers) -> None:
    mix = [controls.composers, *controls.weights]
    # The raw values go to the handlers, which know a better answer to a bad one than Gradio does.
    settings = {"preprocess": False, "show_progress": "hidden"}
    click = controls.generate.click(
        None,
        [controls.fresh, controls.seed],
        controls.seed,
        js=_ROLL_DICE_IF_WANTED,
        api_visibility="private",
    )
    drawing = click.then(
        handlers.generate,
        [*mix, controls.guidance_scale, controls.seed, controls.num_inference_steps,
         controls.tempo],
        [prism.player, prism.piece, controls.status],
        api_name="generate",
        concurrency_limit=1,
        trigger_mode="always_last",
        **settings,
    )  # fmt: skip
    looking_up = click.then(
        handlers.real,
        [*mix, controls.seed, controls.tempo],
        [corpus.player, corpus.piece],
        api_name="corpus",
        concurrency_limit=2,
        **settings,
    )
    stopping = controls.stop.click(
        None, cancels=[drawing, looking_up], api_visibility="private", queue=False
    )
    # Only then: an update still on its way would overwrite what the handler says.
    stopping.then(
        handlers.stop,
        [prism.player, corpus.player],
        [prism.player, corpus.player, controls.status],
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
    for side in (prism, corpus):
        side.player.picture(
            handlers.picture,
            side.piece,
            side.player,
            api_visibility="private",
            show_progress="hidden",
        )
