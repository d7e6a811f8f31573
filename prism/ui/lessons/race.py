"""Autoregression against diffusion in slow motion, from a recording of both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gradio.components import Component

from prism.ui.lessons.lesson import DRAWN, Lesson, composer_control, count_notes, seed_control
from prism.ui.lessons.rolls import Column, Picture, View

if TYPE_CHECKING:
    from prism.amt.pipeline import Growth
    from prism.models.pipeline import Preview
    from prism.music.roll import Note

_STEPS = 16
_PACE_SECONDS = 0.3

PrismTrack = list[tuple[float, "Preview"]]
AMTTrack = list[tuple[float, "Growth"]]


class Race(Lesson):
    """Both models at work, recorded once and played as slowly as one likes."""

    name = "6 Two ways"
    action = "Record both"
    text = """### Note by note, or all at once
Two ways to write 64 beats. The baseline on the right is **autoregressive**: it decides one note
after another from left to right, knows all that it has written, and takes nothing back.
**Diffusion** on the left has all 64 beats in hand from the start and sharpens them together; any of
them may still change until the last step. Both are recorded on this machine, and the clock counts
only the time in which each model works."""

    def controls(self) -> list[Component]:
        """See `Lesson.controls`."""
        return [composer_control(), seed_control()]

    def views(self, *controls: Any) -> Iterator[View]:
        """See `Lesson.views`."""
        composer, seed = self.composer(controls[0]), self.seed(controls[1])
        yield View([], said="Prism draws…")
        drawn = self._prism(composer, seed)
        written: AMTTrack = []
        shown_at = 0.0
        for moment in self._amt(composer, seed):
            written.append(moment)
            if time.monotonic() - shown_at > _PACE_SECONDS:
                shown_at = time.monotonic()
                yield View([], said=f"The baseline writes: beat {int(moment[1].beats)} of 64…")
        yield self._film(composer, seed, drawn, written)

    def _prism(self, composer: str, seed: int) -> PrismTrack:
        from prism.service.lessons import timed

        stream = self.studio.pipeline.get().stream(
            composer, guidance_scale=2.0, num_inference_steps=_STEPS, seed=seed
        )
        return list(self.studio.models.iterate(timed(stream)))

    def _amt(self, composer: str, seed: int) -> Iterator[tuple[float, Growth]]:
        from prism.service.lessons import continued, timed

        amt, corpus = self.studio.amt.get(), self.studio.corpus.get()
        return self.studio.models.iterate(timed(continued(amt, corpus, composer, seed)), cores=1)

    def _film(self, composer: str, seed: int, drawn: PrismTrack, written: AMTTrack) -> View:
        from prism.service.lessons import births

        growth = written[-1][1]
        notes, present = births(growth)
        steps = [seconds for seconds, _ in drawn]
        ends = [seconds for seconds, item in written if not item.done]
        seconds = sorted({0.0, *steps, *ends})
        # How many steps and notes are done at each of these times.
        done = [tuple(sum(s <= now for s in track) for track in (steps, ends)) for now in seconds]
        left = Column(
            self._estimates(composer, seed, drawn),
            at=[max(0, step - 1) for step, _ in done],
            shown=[None if step else 0 for step, _ in done],
        )
        right = Column([self._sample(growth, notes)], shown=[present[note] for _, note in done])
        stops = [
            f"{now:.2f} s: step {step} of {_STEPS}; note {present[note]} of {len(notes)}"
            for now, (step, note) in zip(seconds, done, strict=True)
        ]
        said = f"Recorded: Prism worked {steps[-1]:.1f} s, the baseline {written[-1][0]:.1f} s."
        return View([left, right], stops, "Time", seconds=seconds, said=said)

    def _estimates(self, composer: str, seed: int, drawn: PrismTrack) -> list[Picture]:
        """The clean estimate after each step."""
        rolls = self.studio.models.run(lambda: [preview.rolls[0] for _, preview in drawn])
        words = f"{composer} · seed {seed}"
        return [
            Picture("Diffusion: Prism", roll, f"{words} · {count_notes(roll)}", caption=DRAWN)
            for roll in rolls
        ]

    def _sample(self, growth: Growth, notes: list[Note]) -> Picture:
        return Picture(
            f"Autoregression: {self.studio.amt.get().name}",
            growth.roll,
            f"after another piece's opening · {count_notes(growth.roll)}",
            notes=notes,
            caption="Written by the baseline. No person composed it.",
        )
