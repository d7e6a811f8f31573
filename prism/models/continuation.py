"""Rolls longer than 64 beats: the window moves on, with its beginning known, its end drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from prism.models.known import KnownBeats
from prism.models.setting_types import Number, SettingError
from prism.models.settings import SETTINGS, GenerationSettings
from prism.music.attributes import key_index
from prism.music.roll import BEATS, FRAMES_PER_BEAT, PianoRoll
from prism.music.windows import bars_until, cut

if TYPE_CHECKING:
    from prism.models.pipeline import PrismPipeline

MOST_BEATS = 256
_KEPT_FRAMES = 16 * FRAMES_PER_BEAT


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
    return _continued(pipeline, cut(known, 0, there * FRAMES_PER_BEAT), settings, frames)


def _continued(
    pipeline: PrismPipeline, roll: PianoRoll, settings: GenerationSettings, frames: int
) -> Iterator[PianoRoll]:
    rng, key = np.random.default_rng([settings.seed, 5]), key_index(roll)
    while roll.frames < frames:
        start = _window_start(roll)
        known = KnownBeats.of(cut(roll, start, roll.frames - start))
        *_, last = pipeline.stream(settings, known=dataclasses.replace(known, key=key))
        roll = _appended(roll, last.rolls[0], start, frames)
        yield roll
        seed = int(rng.integers(SETTINGS["seed"].high))
        settings = dataclasses.replace(settings, seed=seed)


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
