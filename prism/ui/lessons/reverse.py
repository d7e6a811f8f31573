"""The reverse process: from noise to music, a step at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gradio.components import Component

from prism.ui.lessons.lesson import DRAWN, Lesson, composer_control, count_notes, seed_control
from prism.ui.lessons.rolls import Column, Picture, View

if TYPE_CHECKING:
    from prism.music.roll import PianoRoll

_STEPS = 16


class Reverse(Lesson):
    """A slider through the sampler's steps."""

    name = "2 Steps"
    action = "Draw"
    text = """### Noise becomes music
Generating runs the film backwards. The sampler begins with pure noise, the seed's. At each step the
model looks at what is held and guesses the finished music: the **clean estimate**. The sampler goes
only a small way towards it, then asks again. Early guesses are vague, because much is still
possible; at the end both are the same roll."""

    def controls(self) -> list[Component]:
        """See `Lesson.controls`."""
        return [composer_control(), seed_control()]

    def views(self, *controls: Any) -> Iterator[View]:
        """See `Lesson.views`."""
        from prism.service.lessons import moments

        composer, seed = controls
        composer, seed = self.composer(composer), self.seed(seed)
        stream = self.studio.pipeline.get().stream(
            composer, guidance_scale=2.0, num_inference_steps=_STEPS, seed=seed
        )
        found = list(self.studio.models.iterate(moments(stream, seed)))
        held, clean = (
            [
                _picture(f"{title}, step {m.step}", getattr(m, side), f"{composer} · seed {seed}")
                for m in found
            ]
            for side, title in (("held", "What it holds"), ("clean", "Its clean estimate"))
        )
        stops = [f"step {m.step} of {_STEPS}, t = {m.t:.2f}" for m in found]
        yield View([Column(held), Column(clean)], stops, "Sampler step", said="Drag the slider.")


def _picture(title: str, roll: PianoRoll, words: str) -> Picture:
    return Picture(title, roll, f"{words} · {count_notes(roll)}", caption=DRAWN)
