"""The inputs of the Play panel and how they are laid out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import gradio as gr
from gradio.components import Component

from prism.amt.prompt import AMT_STARTS
from prism.models.settings import METRES
from prism.music.attributes import NAMES
from prism.service.choice import (
    GUIDANCE_RANGE,
    MAXIMUM_COMPOSERS,
    STEPS_RANGE,
    STRUCTURE_RANGE,
    TEMPO_RANGE,
    WEIGHT_RANGE,
)
from prism.service.examples import EXAMPLES
from prism.service.sharing import USUAL, USUAL_WEIGHT
from prism.ui.element import Element
from prism.ui.filling import wishes
from prism.ui.generate import share_value
from prism.ui.player import StatusLine, status
from prism.ui.reference import UploadPanel, upload_value


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
    structure_scale: gr.Slider
    metre: gr.Dropdown
    attributes: list[gr.Dropdown]  # in the order of `prism.music.attributes.NAMES`
    generate: gr.Button
    stop: gr.Button
    link: ShareLink
    status: StatusLine
    surprise: gr.Button
    examples: list[gr.Button]  # hidden until their composers are known
    upload: UploadPanel
    mixer: gr.State  # the composers whose weights the sliders show

    @property
    def restorable(self) -> list[Component]:
        """What a new page fills in, as `Handlers.welcome` gives it."""
        composers, *others = self.filled
        return [composers, self.status, self.link, *others]

    @property
    def filled(self) -> list[Component]:
        """What an example or an earlier result fills in, as `prism.ui.filling.filled` gives it."""
        return [self.composers, self.mixer, *self.weights, *self.settings]

    @property
    def chosen(self) -> list[Component]:
        """What a click asks for, as `Studio.read` takes it."""
        return [self.composers, *self.weights, *self.settings]

    @property
    def settings(self) -> list[Component]:
        """All but composers and weights, in the order of `Shared.settings`."""
        return [
            self.guidance_scale,
            self.seed,
            self.num_inference_steps,
            self.tempo,
            self.amt_start,
            self.structure_scale,
            self.metre,
            *self.attributes,
        ]


def lay_out_controls() -> Controls:
    """Call inside a ``gr.Blocks``."""
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
        with gr.Accordion("More settings", open=False):
            num_inference_steps, tempo, amt_start, structure_scale, metre = _more_settings()
            with gr.Row():
                attributes = [_wish(name, visible=False) for name in NAMES]
        with gr.Accordion("Your own MIDI file", open=False):
            upload = UploadPanel(upload_value())
        with gr.Row(elem_classes="prism-actions"):
            generate = gr.Button(
                "Generate", variant="primary", scale=0, min_width=180, elem_classes="prism-generate"
            )
            stop = gr.Button("Stop", scale=0, min_width=90)
            link = ShareLink(share_value(), min_width=120)
            line = StatusLine(status("Loading the model, a few seconds…"), min_width=220)
        surprise, examples = _example_buttons()
    return Controls(
        composers,
        weights,
        guidance_scale,
        seed,
        dice,
        fresh,
        num_inference_steps,
        tempo,
        amt_start,
        structure_scale,
        metre,
        attributes,
        generate,
        stop,
        link,
        line,
        surprise,
        examples,
        upload,
        gr.State([]),
    )


def _example_buttons() -> tuple[gr.Button, list[gr.Button]]:
    with gr.Row(elem_classes="prism-examples"):
        surprise = gr.Button("Surprise me", scale=0, min_width=0, elem_classes="prism-surprise")
        gr.HTML("or hear at once", elem_classes="prism-or", padding=False)
        examples = [
            gr.Button(name, scale=0, min_width=0, visible=False, elem_classes="prism-example")
            for name in EXAMPLES
        ]
    return surprise, examples


def _seed_controls() -> tuple[gr.Number, gr.Button, gr.Checkbox]:
    with gr.Row(elem_classes="prism-seed"):
        seed = gr.Number(
            USUAL.seed, label="Seed", info="same seed, same notes", min_width=110, scale=3
        )
        dice = gr.Button("Roll dice", min_width=100, scale=0, elem_classes="prism-dice")
    fresh = gr.Checkbox(False, label="New seed each time", container=False)
    return seed, dice, fresh


def _more_settings() -> tuple[gr.Slider, gr.Number, gr.Dropdown, gr.Slider, gr.Dropdown]:
    with gr.Row():
        num_inference_steps = gr.Slider(
            *STEPS_RANGE,
            value=USUAL.num_inference_steps,
            step=1,
            label="Steps",
            info="how finely it is drawn",
            min_width=220,
        )
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
    with gr.Row():
        structure_scale = gr.Slider(
            *STRUCTURE_RANGE,
            value=USUAL.structure_scale,
            step=0.05,
            label="Structure",
            info="how much bars are led to return",
            min_width=220,
        )
        metre = _wish("metre", METRES, info="time signature")
    return num_inference_steps, tempo, amt_start, structure_scale, metre


def _wish(name: str, values: Iterable[str] = (), **look: Any) -> gr.Dropdown:
    return gr.Dropdown(
        wishes(values),
        value="",
        label=name.capitalize(),
        min_width=220,
        **look,
    )


def _weight_sliders() -> list[gr.Slider]:
    with gr.Row():
        return [
            gr.Slider(
                *WEIGHT_RANGE, USUAL_WEIGHT, step=1, label="Weight", visible=False, min_width=200
            )
            for _ in range(MAXIMUM_COMPOSERS)
        ]
