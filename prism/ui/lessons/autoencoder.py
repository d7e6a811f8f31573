"""The autoencoder: a beat as a few numbers, which can be changed and heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.components import Component

from prism.music.naming import held_out_words
from prism.music.roll import BEATS, FRAMES_PER_BEAT, PianoRoll
from prism.ui.element import Element
from prism.ui.lessons.lesson import (
    Lesson,
    composer_control,
    count_notes,
    piece_control,
    window_title,
)
from prism.ui.lessons.rolls import Column, Picture, View


class LessonNumbers(Element):
    """The numbers of one beat as bars to be dragged.

    Its value holds ``key`` (whose they are), ``numbers`` and ``own`` (as the music has them). Its
    ``changed`` event says that the visitor has moved one.
    """

    asset = "page/lesson-numbers"


class Autoencoder(Lesson):
    """One beat's numbers, and the bars around it before and after."""

    name = "5 Numbers"
    action = "Show"
    outputs = 4
    text = """### A beat is a few numbers
The model never sees notes. A small network, the **autoencoder**, writes each beat as a row of
numbers, the bars below, and turns rows back into notes. Pick a beat and drag across its bars: no
number is a note or a chord, and one alone seldom changes anything, but several do. That is why the
music stays clean when all numbers are a little off: **σ** adds noise to every beat, and up to about
0.3 hardly a note is lost."""

    def controls(self) -> list[Component]:
        """See `Lesson.controls`."""
        return [
            composer_control(),
            piece_control(),
            gr.Slider(1, BEATS, 9, step=1, label="Beat", min_width=180),
            gr.Slider(0, 1, 0, step=0.05, label="Noise σ", min_width=180),
        ]

    def more(self) -> list[Component]:
        """See `Lesson.more`."""
        return [LessonNumbers({"key": [], "numbers": [], "own": []})]

    def triggers(self, controls: list[Component], more: list[Component]) -> list[Callable]:
        """See `Lesson.triggers`."""
        *_, beat, noise = controls
        return [beat.input, noise.input, more[0].changed]

    def views(self, *controls: Any) -> Iterator[View]:
        """See `Lesson.views`; without numbers, or with another beat's, the music's own are used."""
        from prism.service.lessons import bars_around, changed, encode, excerpt

        composer, piece, beat, noise_scale, *given = controls
        composer, piece = self.composer(composer), self.seed(piece, "Piece")
        beat = self.number("Beat", beat, 1, BEATS, whole=True)
        noise_scale = self.number("Noise σ", noise_scale, 0.0, 1.0)
        window = self.window(composer, piece)
        models, pipeline = self.studio.models, self.studio.pipeline.get()
        own = models.run(encode, pipeline, window.roll)[beat - 1].tolist()
        key = [composer, piece, beat]
        kept = bool(given) and (given[0] or {}).get("key") == key
        numbers = given[0]["numbers"] if kept else own
        after = models.run(changed, pipeline, window.roll, beat - 1, numbers, noise_scale)
        first, frames = bars_around(window.roll, beat - 1)
        start = beat - 1 - first / FRAMES_PER_BEAT

        def picture(title: str, roll: PianoRoll) -> Picture:
            part = excerpt(roll, first, frames)
            words = f"around beat {beat} · {count_notes(part)}"
            mark = (start, start + 1)
            return Picture(title, part, words, mark=mark, caption=held_out_words(window.piece))

        columns = [
            Column([picture("The piece", window.roll)]),
            Column([picture("Decoded from the numbers", after)]),
        ]
        value = gr.skip() if kept else {"key": key, "numbers": own, "own": own}
        said = f"{window_title(window)} · {len(own)} numbers a beat; beat {beat} is shaded."
        yield View(columns, said=said, more=(value,))
