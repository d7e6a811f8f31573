"""The inputs of the Play panel and how they are laid out."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import gradio as gr
from gradio.components import Component

from prism.models.edits import Typed
from prism.models.setting_types import METRES, Metre, Number, Setting, Word
from prism.models.settings import ATTRIBUTE_SETTINGS, PUBLIC, SETTINGS, TAKES
from prism.service.upload import MAX_BEATS, MAX_BYTES, MAX_NOTES, OwnPiece
from prism.ui.element import Element
from prism.ui.mixer import Mixer, mix_value
from prism.ui.player import StatusLine, Transport, status
from prism.ui.presets import open_or
from prism.ui.say import SayLine, say_value

_LIMITS = (
    f"Up to {MAX_BYTES // 1024} KB, {MAX_NOTES:,} notes and {MAX_BEATS:,} beats. It takes the "
    "real piece's place: 64 beats of it are shown, and the generated pieces are scored against "
    "it. What AMT begins with stays the corpus's. The file stays in this visit: a link to a result "
    "does not carry it."
)


class ShareLink(Element):
    """Puts a click's link into the address bar and copies it; its value is `share_value`'s.

    Its ``copied`` event says that the link is on the clipboard, ``shown`` that it stands in a field
    to be copied by hand.
    """

    asset = "page/share"


def share_value(link: str = "", run: bool = False, opening: bool = False) -> dict[str, Any]:
    """The value of `ShareLink`: a query, and whether Generate should be pressed for it.

    That of the `opening` can be copied, but stays out of the address bar.
    """
    return {"query": link, "run": run, "opening": opening}


class UploadPanel(Element):
    """Lets a visitor choose a file; its value is what `upload_value` returns.

    Its ``chosen`` event carries the file's ``label`` and its ``content`` in base64, ``moved`` the
    ``bar`` to start at; ``removed`` asks for the corpus's piece again.
    """

    asset = "page/upload"


def upload_value(own: OwnPiece | None = None, message: str = "", said: str = "") -> dict[str, Any]:
    """The panel's value: the visitor's piece, what went wrong (`message`), what was done."""
    return {
        "name": own.piece.title if own else "",
        "bar": own.bar if own else 1,
        "bars": len(own.bars) if own else 1,
        "limits": _LIMITS,
        "bytes": MAX_BYTES,
        "message": message,
        "said": said,
        # The page hears of changes alone, and the same complaint twice should be seen twice.
        "when": time.monotonic(),
    }


class Controls:
    """The inputs of the Play panel, laid out where this is called inside a ``gr.Blocks``.

    Parameters
    ----------
    examples : iterable of str
        The names of the stored ones.
    transport : Transport
        The input of the instrument; it stands elsewhere.

    Attributes
    ----------
    settings : dict
        The inputs of all settings but composers and weights, by public name.
    mixer : Mixer
        The composers' weights.
    """

    def __init__(self, examples: Iterable[str], transport: Transport) -> None:
        made: dict[str, Component] = {"instrument": transport}
        self.say = SayLine(say_value(), elem_classes="prism-say-block")
        # What scrolls, and below it what always stays in sight.
        with gr.Column(elem_classes="prism-settings"):
            self._lay_out_choice(made)
            with gr.Accordion("More settings", open=False):
                _lay_out_more(made)
            with gr.Accordion("Your own MIDI file", open=False):
                self.upload = UploadPanel(upload_value())
        with gr.Column(elem_classes="prism-bar"):
            self._lay_out_actions()
        with gr.Row(elem_classes="prism-examples"):
            self._lay_out_examples(examples)
        self.settings = {name: made[s.name] for name, s in PUBLIC.items() if s.name in made}

    def _lay_out_choice(self, made: dict[str, Component]) -> None:
        names = SETTINGS["composers"]
        self.composers = gr.Dropdown(
            [],
            label=names.label,
            info=names.help,
            multiselect=True,
            max_choices=names.most,
            min_width=0,
        )
        self.mixer = Mixer(mix_value())
        made["guidance_scale"] = setting_control(SETTINGS["guidance_scale"])
        with gr.Row(elem_classes="prism-seed"):
            made["seed"] = setting_control(SETTINGS["seed"], info=SETTINGS["seed"].help)
            self.dice = gr.Button("New seed", min_width=90, scale=0, elem_classes="prism-dice")
        self.fresh = gr.Checkbox(False, label="New seed each time", container=False)

    def _lay_out_actions(self) -> None:
        with gr.Row(elem_classes="prism-actions"):
            self.generate = gr.Button(
                "Generate", variant="primary", min_width=90, elem_classes="prism-generate"
            )
            self.stop = gr.Button("Stop", scale=0, min_width=60)
            self.link = ShareLink(share_value(), min_width=60)
        self.status = StatusLine(status("Loading the model, a few seconds…", loading=True))

    def _lay_out_examples(self, names: Iterable[str]) -> None:
        look = {"scale": 0, "min_width": 0}
        gr.HTML("Try one:", elem_classes="prism-or", padding=False)
        self.surprise = gr.Button("Surprise me", elem_classes="prism-surprise", **look)
        self.takes = gr.Button(f"{TAKES} takes", elem_classes="prism-four", **look)
        # Hidden until their composers are known.
        self.examples = [
            gr.Button(name, visible=False, elem_classes="prism-example", **look) for name in names
        ]

    @property
    def inputs(self) -> list[Component]:
        """All inputs: what a click reads, and `prism.ui.presets.filled` fills in."""
        return [self.composers, self.mixer, *self.settings.values()]


def _lay_out_more(made: dict[str, Component]) -> None:
    """Add all settings that have no control yet, the attributes last."""
    elsewhere = ("composers", "composer_weights", *made, *ATTRIBUTE_SETTINGS)
    others = [s for s in PUBLIC.values() if s.name not in elsewhere]
    made |= {setting.name: setting_control(setting) for setting in others}
    for name in ATTRIBUTE_SETTINGS:
        made[name] = setting_control(SETTINGS[name], visible=False)


def setting_control(setting: Setting, **look: Any) -> Component:
    """The input of one setting, as its row says; `look` as the component takes it."""
    is_typed = isinstance(setting, Number) and not setting.step
    info = f"{setting.span}; {setting.help}" if is_typed else setting.help
    info = f"{setting.help}, such as {setting.example}" if isinstance(setting, Typed) else info
    look = {"label": setting.label, "info": info, "min_width": 0} | look
    if isinstance(setting, Number) and setting.step:
        low, high, step = setting.low, setting.high, setting.step
        return gr.Slider(low, high, value=setting.default, step=step, **look)
    if isinstance(setting, Number):
        return gr.Number(setting.public_default, **look)
    if isinstance(setting, Typed):
        return gr.Textbox(setting.public_default, max_lines=1, **look)
    if isinstance(setting, Word):
        choices = [(words, value) for value, words in setting.choices.items()]
    else:
        choices = open_or(METRES if isinstance(setting, Metre) else ())
    # A time signature that is not offered can be typed.
    free = isinstance(setting, Metre)
    return gr.Dropdown(choices, value=setting.public_default, allow_custom_value=free, **look)
