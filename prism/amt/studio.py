"""Pieces in several drawings: kept bars, beats beyond the 64th, bars redrawn; by Prism or AMT.

Examples
--------
>>> studio = Studio(PrismPipeline.from_pretrained("weights"), AMTPipeline.from_pretrained(...))
>>> *_, draft = studio.drafts(GenerationSettings("Bach", seed=7, beats=128, redraw="9-12:77:amt"))
>>> draft.roll.beats
128.0
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from prism.amt.pipeline import AMTPipeline
from prism.amt.prompt import amt_seed
from prism.models.continuation import Draft, drafts_of, moved_on, window_seeds
from prism.models.edits import PRISM, Edit, Kept
from prism.models.known import KnownBeats
from prism.models.pipeline import PrismPipeline
from prism.models.setting_types import SettingError
from prism.models.settings import GenerationSettings
from prism.music.roll import BEATS, FRAMES, FRAMES_PER_BEAT, PianoRoll, top_line
from prism.music.windows import cut


@dataclasses.dataclass(frozen=True)
class Studio:
    """Both models, of which the baseline may be missing where it is not asked for."""

    prism: PrismPipeline
    amt: AMTPipeline | None = None

    def drafts(
        self,
        settings: GenerationSettings,
        kept: PianoRoll | None = None,
        before: PianoRoll | None = None,
    ) -> Iterator[Draft]:
        """Draw what the settings ask for; the last draft has the result.

        Parameters
        ----------
        kept : PianoRoll, optional
            Of what `settings.keep` keeps bars.
        before : PianoRoll, optional
            A piece that is there already, of which only the edits are drawn.

        Raises
        ------
        SettingError
            If there are no such bars, too many beats are redrawn at once, or the baseline is
            missing.
        """
        first = settings.drawn_from(settings.seed)  # an edit has a seed of its own in all takes
        settings = dataclasses.replace(settings, take=None, seed=first)
        roll, edits, frames = before, settings.edits, settings.beats * FRAMES_PER_BEAT
        if roll is None:
            for draft in self._begun(settings, kept):
                ends = draft.done and not edits and draft.roll.frames == frames
                yield draft.ending(ends)
            roll = draft.roll
        for number, edit in enumerate(edits, start=1):
            for draft in self._redrawn(settings.single, roll, edit):
                yield draft.ending(draft.done and number == len(edits))
            roll = draft.roll

    def _begun(self, settings: GenerationSettings, kept: PianoRoll | None) -> Iterator[Draft]:
        """The drafts without edits."""
        one, own, by = settings.single, settings.kept, PRISM
        frames, seeds = settings.beats * FRAMES_PER_BEAT, window_seeds(settings.seed)
        if own is None:
            drafts = drafts_of(self.prism.stream(dataclasses.replace(one, seed=next(seeds))))
        else:
            by, seeds = own.by, window_seeds(one.seed if own.seed is None else own.seed)
            drafts = self._around_bars(one, own, kept, frames, seeds)
        for draft in drafts:
            yield draft
        draw = functools.partial(self._around, by=by)
        yield from moved_on(draft.roll, one, seeds, frames, draw)

    def _around_bars(
        self,
        settings: GenerationSettings,
        own: Kept,
        roll: PianoRoll,
        frames: int,
        seeds: Iterator[int],
    ) -> Iterator[Draft]:
        """64 beats around bars of a roll, or those bars where they are longer."""
        known = KnownBeats.bars(roll, own.parts)
        known.check_metre(settings.time_signature)
        end = int(np.flatnonzero(known.frames)[-1]) + 1
        opens = known.frames[:end].all()
        if end > FRAMES and not opens:
            expected = f"bars within {BEATS} beats, or one group from the first bar on"
            raise SettingError("keep", expected, own.bars)
        if opens and end >= frames:
            beats = frames // FRAMES_PER_BEAT
            expected = f"bars that end before beat {beats}; keep fewer, or ask for more beats"
            raise SettingError("keep", expected, own.bars)
        if opens and end >= FRAMES:
            yield Draft(lambda: cut(roll, 0, end // FRAMES_PER_BEAT * FRAMES_PER_BEAT), "", True)
            return
        mask = np.pad(known.frames, (0, max(0, FRAMES - roll.frames)))[:FRAMES]
        window = KnownBeats(cut(roll, 0), mask, known.key)
        yield from self._around(dataclasses.replace(settings, seed=next(seeds)), window, own.by)

    def _redrawn(
        self, settings: GenerationSettings, roll: PianoRoll, edit: Edit
    ) -> Iterator[Draft]:
        """All of a roll but some bars, which are drawn anew."""
        known = KnownBeats.all_but(roll, edit.first, edit.last)
        start, window = known.window()

        def whole(drawn: PianoRoll) -> PianoRoll:
            return drawn if roll.frames == FRAMES else known.joined(_placed(drawn, start, roll))

        for draft in self._around(dataclasses.replace(settings, seed=edit.seed), window, edit.by):
            yield draft.of(whole, f", bars {str(edit).partition(':')[0]}")

    def _around(self, settings: GenerationSettings, known: KnownBeats, by: str) -> Iterator[Draft]:
        """64 beats around known ones, by one of `prism.models.edits.BY`."""
        if by != PRISM and self.amt is None:
            raise SettingError("redraw, keep", "bars that Prism draws, as AMT is not here", by)
        melody = None
        if by != "amt":
            for draft in drafts_of(self.prism.stream(settings, [settings.seed], known=known)):
                yield dataclasses.replace(draft, done=draft.done and by == PRISM)
            if by == PRISM:
                return
            lead = top_line(draft.roll)
            melody = dataclasses.replace(known, roll=lead, frames=~known.frames).begun
        told = set(settings.composers) <= set(self.amt.composers)
        whose = ("composers", "composer_weights") if told else ()
        for sample in self.amt.stream(
            known=known,
            melody=melody,
            seed=amt_seed(settings.seed),
            tempo=settings.tempo,
            time_signature=settings.time_signature,
            **{name: getattr(settings, name) for name in whose},
        ):
            build = functools.partial(lambda shown: shown.roll, sample)
            yield Draft(build, f"AMT, note {sample.notes}", sample.done)


def _placed(window: PianoRoll, start: int, roll: PianoRoll) -> PianoRoll:
    """A window at its place in a silent roll as long as another."""
    pitch, first, last, velocity = window.arrays()
    return roll.with_notes(pitch, first + start, last + start, velocity)
