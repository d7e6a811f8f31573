"""The forward process: a real roll dissolves in noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradio.components import Component

from prism.music.naming import held_out_words
from prism.ui.lessons.lesson import (
    Lesson,
    composer_control,
    count_notes,
    percent,
    piece_control,
    window_title,
)
from prism.ui.lessons.rolls import Column, Meter, Picture, View

_TIMES = [k / 20 for k in range(21)]


class Forward(Lesson):
    """A slider from music to noise."""

    name = "1 Noise"
    action = "Show"
    text = """### Music dissolves
Every beat of this real piece is written as a row of numbers. The slider sets the diffusion time
**t**: the numbers are mixed, (1 − t) parts music and t parts noise, and turned back into notes. At
0 you hear the piece, at 1 nothing of it is left. Training is no more than this: the model sees such
mixtures at every t, and learns to tell which way the music lies."""

    def controls(self) -> list[Component]:
        """See `Lesson.controls`."""
        return [composer_control(), piece_control()]

    def views(self, *controls: Any) -> Iterator[View]:
        """See `Lesson.views`."""
        from prism.service.lessons import dissolved

        composer, piece = controls
        window = self.window(self.composer(composer), piece)
        real, title, terms = window.roll, window_title(window), held_out_words(window.piece)
        pipeline = self.studio.pipeline.get()
        rolls = self.studio.models.run(dissolved, pipeline, real, _TIMES)
        pictures = []
        for t, roll in zip(_TIMES, rolls, strict=True):
            kept = float((roll.onset & real.onset).sum() / max(1, real.onset.sum()))
            meter = Meter("Notes of the piece still there", percent(kept), kept)
            words = f"{title} · {count_notes(roll)}"
            pictures.append(Picture(f"t = {t:.2f}", roll, words, (meter,), caption=terms))
        stops = [f"t = {t:.2f}: {percent(1 - t)} music, {percent(t)} noise" for t in _TIMES]
        yield View([Column(pictures)], stops, "Diffusion time t", said="Drag the slider.")
