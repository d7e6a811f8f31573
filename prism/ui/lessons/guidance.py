"""Guidance: one seed under several guidance scales."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradio.components import Component

from prism.ui.lessons.lesson import (
    DRAWN,
    Lesson,
    composer_control,
    count_notes,
    percent,
    seed_control,
)
from prism.ui.lessons.rolls import Meter, Picture, View, side_by_side

SCALES = (0.0, 1.0, 2.0, 4.0, 8.0)


class Guidance(Lesson):
    """Five rolls side by side."""

    name = "3 Guidance"
    action = "Draw five"
    text = """### How much to listen to the name
At every step the model guesses twice: once knowing the composer, once not. The **guidance scale**
says how far to go from the second guess towards the first, and beyond it: 0 ignores the name, 1
trusts it as it is, more exaggerates it. The seed is the same, so all else is equal. The bar shows
how sure another network, trained on real pieces, is of the composer. Too much guidance makes the
music crowded."""

    def controls(self) -> list[Component]:
        """See `Lesson.controls`."""
        return [composer_control(), seed_control()]

    def views(self, *controls: Any) -> Iterator[View]:
        """See `Lesson.views`."""
        composer, seed = self.composer(controls[0]), self.seed(controls[1])
        pictures: list[Picture] = []
        for scale in SCALES:
            roll = self.drawn([composer], [1.0], scale, seed)
            share = self.recognised(roll).get(composer, 0.0)
            meter = Meter(composer, percent(share), share)
            title = f"Guidance {scale:g}"
            pictures.append(Picture(title, roll, count_notes(roll), (meter,), caption=DRAWN))
            done = len(pictures) == len(SCALES)
            yield side_by_side(pictures, "" if done else f"{len(pictures)} of {len(SCALES)}…")
