"""The inputs of the Play panel and how they are laid out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection
from typing import Any

import gradio as gr
from gradio.components import Component

from prism.models.setting_types import METRES, Metre, Number, Setting, Word
from prism.models.settings import ATTRIBUTE_SETTINGS, PUBLIC, SETTINGS
from prism.service.examples import EXAMPLES
from prism.service.upload import MAX_BEATS, MAX_BYTES, MAX_NOTES, OwnPiece
from prism.ui.element import Element
from prism.ui.player import StatusLine, status
from prism.ui.presets import open_or

_LIMITS = (
    f"Up to {MAX_BYTES // 1024} KB, {MAX_NOTES:,} notes and {MAX_BEATS:,} beats. It takes the "
    "corpus piece's place: 64 beats of it are shown, and the generated pieces are scored against "
    "it. What AMT starts from stays the corpus's. The file stays in this visit: a link to a result "
    "does not carry it."
)


class ShareLink(Element):
    """Puts a click's link into the address bar and copies it; its value is `share_value`'s.

    Its ``copied`` event says that the link is on the clipboard, ``shown`` that it stands in a field
    to be copied by hand.
    """

    asset = "page/share"


def share_value(link: str = "", run: bool = False) -> dict[str, Any]:
    """The value of the share link's element.

    Parameters
    ----------
    link : str
        The query to put behind the page's address; empty for none.
    run : bool
        Whether Generate should run by itself.
    """
    return {"query": link, "run": run}


class UploadPanel(Element):
    """Lets a visitor choose a file; its value is what `upload_value` returns.

    Its ``chosen`` event carries the file's ``label`` and its ``content`` in base64, ``moved`` the
    ``bar`` to start at; ``removed`` asks for the corpus's piece again.
    """

    asset = "page/upload"


def upload_value(own: OwnPiece | None = None, message: str = "", said: str = "") -> dict[str, Any]:
    """The panel's value.

    Parameters
    ----------
    own : OwnPiece, optional
        What stands in for the corpus's piece.
    message, said : str
        What went wrong; what was done.
    """
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


@dataclasses.dataclass(frozen=True)
class Controls:
    """The inputs of the Play panel."""

    composers: gr.Dropdown
    weights: list[gr.Slider]
    settings: dict[str, Component]  # all others of the page, by public name
    dice: gr.Button
    fresh: gr.Checkbox
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
        """What an example or an earlier result fills in, as `prism.ui.presets.filled` gives it."""
        return [self.composers, self.mixer, *self.weights, *self.settings.values()]

    @property
    def chosen(self) -> list[Component]:
        """What a click asks for, as `Service.read` takes it."""
        return [self.composers, *self.weights, *self.settings.values()]


def lay_out_controls() -> Controls:
    """Call inside a ``gr.Blocks``."""
    names = SETTINGS["composers"]
    made: dict[str, Component] = {}
    with gr.Column(elem_classes="prism-controls"):
        with gr.Row(equal_height=True):
            composers = gr.Dropdown(
                [],
                label=names.label,
                info=names.help,
                multiselect=True,
                max_choices=names.most,
                scale=3,
                min_width=260,
            )
            made["guidance_scale"] = setting_control("guidance_scale", scale=2)
            with gr.Column(scale=2, min_width=240, elem_classes="prism-seed-column"):
                with gr.Row(elem_classes="prism-seed"):
                    made["seed"] = setting_control("seed", min_width=110, scale=3)
                    dice = gr.Button("Roll dice", min_width=100, scale=0, elem_classes="prism-dice")
                fresh = gr.Checkbox(False, label="New seed each time", container=False)
        with gr.Row():
            weights = [
                setting_control("composer_weights", visible=False, min_width=200)
                for _ in range(names.most)
            ]
        with gr.Accordion("More settings", open=False):
            made |= _more_settings(made)
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
    settings = {name: made[s.name] for name, s in PUBLIC.items() if s.name in made}
    return Controls(
        composers,
        weights,
        settings,
        dice,
        fresh,
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


def _more_settings(before: Collection[str]) -> dict[str, Component]:
    """All settings that have no control yet, three a row, then the attributes."""
    made = {}
    mixed = ("composers", "composer_weights", *before, *ATTRIBUTE_SETTINGS)
    names = [setting.name for setting in PUBLIC.values() if setting.name not in mixed]
    for row in (names[i : i + 3] for i in range(0, len(names), 3)):
        with gr.Row():
            made |= {name: setting_control(name) for name in row}
    with gr.Row():
        made |= {name: setting_control(name, visible=False) for name in ATTRIBUTE_SETTINGS}
    return made


def setting_control(name: str, **look: Any) -> Component:
    """The input of one setting, as its row says; `look` as the component takes it."""
    setting = SETTINGS[name]
    look = {"label": setting.label, "info": setting.help, "min_width": 220} | look
    if isinstance(setting, Number) and setting.step:
        low, high, step = setting.low, setting.high, setting.step
        return gr.Slider(low, high, value=setting.default, step=step, **look)
    if isinstance(setting, Number):
        return gr.Number(setting.public_default, **look | {"info": _number_info(setting)})
    choices = _choices(setting)
    # A time signature that is not offered can be typed.
    free = isinstance(setting, Metre)
    return gr.Dropdown(choices, value=setting.public_default, allow_custom_value=free, **look)


def _number_info(setting: Number) -> str:
    if not setting.unit:
        return setting.help
    return f"{setting.low:g} to {setting.high:g} {setting.unit}; {setting.help}"


def _choices(setting: Setting) -> list[tuple[str, str]]:
    if isinstance(setting, Word):
        return [(words, value) for value, words in setting.choices.items()]
    return open_or(METRES if isinstance(setting, Metre) else ())
