"""Rolls longer than 64 beats: the window moves on, with its beginning known, its end drawn."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from prism.models.known import KnownBeats
from prism.models.setting_types import Number, SettingError
from prism.models.settings import SETTINGS, GenerationSettings
from prism.music.attributes import key_index
from prism.music.roll import BEATS, FRAMES_PER_BEAT, PianoRoll
from prism.music.windows import bars_until, cut

if TYPE_CHECKING:
    from prism.models.pipeline import Preview, PrismPipeline

MOST_BEATS = SETTINGS["beats"].high
_KEPT_FRAMES = 16 * FRAMES_PER_BEAT


@dataclasses.dataclass(frozen=True)
class Draft:
    """A roll on its way, and in words how far it has come.

    `done` says that all its beats are drawn, though more may follow; `last`, that none do.
    """

    build: Callable[[], PianoRoll]
    words: str
    done: bool
    last: bool = False

    @functools.cached_property
    def roll(self) -> PianoRoll:
        """Built when first asked for."""
        return self.build()

    def of(self, whole: Callable[[PianoRoll], PianoRoll], words: str = "") -> Draft:
        """The draft of what `whole` makes of this one's roll."""
        return Draft(lambda: whole(self.roll), self.words + words, self.done, self.last)

    def ending(self, last: bool) -> Draft:
        """The same as the last of all, or not."""
        return Draft(lambda: self.roll, self.words, self.done, last)


Draw = Callable[[GenerationSettings, KnownBeats], Iterator[Draft]]


def drafts_of(previews: Iterable[Preview]) -> Iterator[Draft]:
    """The first item of each preview of a pipeline's stream."""
    for preview in previews:
        step, steps = preview.step, preview.num_inference_steps
        build = functools.partial(lambda shown: shown.rolls[0], preview)
        yield Draft(build, f"step {step} of {steps}", step == steps)


def window_seeds(seed: int) -> Iterator[int]:
    """The seed of the first window and those that follow from it, of the others."""
    rng = np.random.default_rng([seed, 5])
    while True:
        yield seed
        seed = int(rng.integers(SETTINGS["seed"].high))


def continued(
    pipeline: PrismPipeline, known: PianoRoll, settings: GenerationSettings, beats: int = BEATS
) -> Iterator[PianoRoll]:
    """Draw on from a roll's whole beats until there are `beats`; yields what there is so far.

    Of a roll of more than 48 beats, the last 16 are known to the model, or fewer, so that the
    window begins with a bar; the next 48 are drawn to them, and so on, in the key of the whole
    roll. The first window has the settings' seed, the others have seeds that follow from it.

    Raises SettingError if `beats` is out of range, or the settings ask for another metre than the
    roll's or for a redraw.
    """
    if settings.redraw:
        raise SettingError("redraw", "nothing where a roll goes on", settings.redraw)
    there = known.frames // FRAMES_PER_BEAT
    wanted = Number(name="beats", default=BEATS, low=there + 1, high=MOST_BEATS, whole=True)
    frames = wanted.check(beats) * FRAMES_PER_BEAT

    def draw(settings: GenerationSettings, around: KnownBeats) -> Iterator[Draft]:
        return drafts_of(pipeline.stream(settings, known=around))

    seeds = window_seeds(settings.seed)
    roll = cut(known, 0, there * FRAMES_PER_BEAT)
    return (d.roll for d in moved_on(roll, settings, seeds, frames, draw) if d.done)


def moved_on(
    roll: PianoRoll,
    settings: GenerationSettings,
    seeds: Iterator[int],
    frames: int,
    draw: Draw,
) -> Iterator[Draft]:
    """The drafts of each window, with all before it, until there are so many frames."""
    key = key_index(roll)
    while roll.frames < frames:
        start = _window_start(roll)
        form = None if start else settings.form  # which is that of the first window
        window = dataclasses.replace(settings, seed=next(seeds), form=form)
        around = KnownBeats.of(cut(roll, start, roll.frames - start))
        whole = functools.partial(_appended, roll, start=start, most=frames)
        told = f", beyond beat {roll.frames // FRAMES_PER_BEAT}"
        for drawn in draw(window, dataclasses.replace(around, key=key)):
            draft = drawn.of(whole, told)
            yield draft
        roll = draft.roll


def _window_start(roll: PianoRoll) -> int:
    """The frame from which on a roll stays known: a beat on which a bar begins, if there is one."""
    first = roll.frames - _KEPT_FRAMES
    if roll.frames <= BEATS * FRAMES_PER_BEAT - _KEPT_FRAMES:
        return 0
    bars = roll.bar_starts
    return int(min([b for b in bars if b >= first and b % FRAMES_PER_BEAT == 0], default=first))


def _appended(roll: PianoRoll, window: PianoRoll, start: int, most: int) -> PianoRoll:
    """A roll and what is new in a window that begins at one of its frames, up to so many frames."""
    new = slice(roll.frames - start, most - start)
    cells = [
        np.concatenate([getattr(roll, name), getattr(window, name)[:, new]], axis=1)
        for name in ("onset", "sustain", "velocity")
    ]
    frames = cells[0].shape[1]
    bars = None if roll.bars is None else tuple(bars_until(roll, frames).tolist())
    return PianoRoll(*cells, window.tempo, roll.time_signature, bars)
