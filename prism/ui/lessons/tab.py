"""The How it works tab: seven lessons, of which the open one alone computes, and their player."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from prism.service.studio import Studio
from prism.ui.lessons.autoencoder import Autoencoder
from prism.ui.lessons.cosine import Cosine
from prism.ui.lessons.forward import Forward
from prism.ui.lessons.guidance import Guidance
from prism.ui.lessons.lesson import Lesson
from prism.ui.lessons.mixing import Mixing
from prism.ui.lessons.race import Race
from prism.ui.lessons.reverse import Reverse
from prism.ui.player import PianoRollPlayer, connect_png, player_value

LESSONS: tuple[type[Lesson], ...] = (
    Forward,
    Reverse,
    Guidance,
    Mixing,
    Autoencoder,
    Race,
    Cosine,
)
_INTRODUCTION = """## How it works, hands on
Seven small experiments with the models that draw and write on the Play tab. Each runs here and now,
and every roll can be heard."""
_HEARD = ["prism-players", "prism-lesson-heard"]
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

# The player may have been put on the page this very moment.
_PLAY = """() => {
  let tries = 120;
  const play = () => {
    const player = document.querySelector('.prism-lesson-heard .prism-player');
    const button = player?.querySelector('.play');
    if (!button || button.disabled) { if (tries--) requestAnimationFrame(play); return; }
    player.scrollIntoView({ block: 'nearest' });
    if (player.querySelector('audio').paused) button.click();
  };
  play();
}"""


def lessons_tab(studio: Studio) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    lessons = [lesson(studio) for lesson in LESSONS]
    with gr.Tab("How it works") as tab:
        gr.Markdown(_INTRODUCTION, elem_classes="prism-prose")
        with gr.Tabs(elem_classes="prism-lessons"):
            panels = [lesson.lay_out() for lesson in lessons]
        with gr.Column(visible=False, elem_classes=_HEARD) as column:
            player, piece = PianoRollPlayer(player_value("")), gr.State(None)
    dropdowns = [dropdown for panel in panels for dropdown in panel.composers]
    defaults = [place for lesson in lessons for place in lesson.defaults]
    # The first lesson runs by itself: a panel that is seen counts as selected.
    tab.select(
        partial(_filled, studio, defaults), dropdowns[0], dropdowns, preprocess=False, **_QUIET
    )
    for lesson, panel in zip(lessons, panels, strict=True):
        # What sounds is another lesson's.
        panel.tab.select(lambda: gr.update(visible=False), None, column, queue=False, **_QUIET)
        panel.rolls.hear(lesson.hear, panel.view, [player, piece, column], **_QUIET).then(
            None, None, None, js=_PLAY, api_visibility="private"
        )
    connect_png(player, piece)


def _filled(studio: Studio, defaults: list[int], chosen: str | None) -> list[Any]:
    """The composers for every choice of one, unless they are there."""
    try:
        names = [] if chosen else studio.composers
    except (ValueError, OSError):
        # The lessons say what is wrong.
        names = []
    if not names:
        return [gr.skip() for _ in defaults]
    return [gr.update(choices=names, value=names[place]) for place in defaults]
