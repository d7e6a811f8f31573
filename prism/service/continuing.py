"""A file's music, some bars of which are kept, and what Prism draws after them."""

from __future__ import annotations

import dataclasses
import pathlib
import re

import numpy as np

from prism.models.continuation import MOST_BEATS, continued
from prism.models.setting_types import SettingError
from prism.models.settings import GenerationSettings
from prism.music.metadata import file_stem
from prism.music.midi import read_midi
from prism.music.roll import BEATS, FRAMES_PER_BEAT, TICKS_PER_FRAME, PianoRoll, Piece
from prism.service.piece import ShownPiece
from prism.service.sources import PrismSource
from prism.service.upload import PLAYED_TEMPO

_KEPT_TICKS = BEATS // 2 * FRAMES_PER_BEAT * TICKS_PER_FRAME
_BARS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class KeptBars:
    """Bars of a piece, from the first to the last, counted from 1."""

    piece: Piece
    first: int
    last: int

    @classmethod
    def read(cls, path: pathlib.Path, bars: str | None = None) -> KeptBars:
        """Some bars of a MIDI file, such as ``1-8``; without, those within its first 32 beats.

        Raises
        ------
        ValueError, OSError
            If the file cannot be read, or has no such bars.
        """
        piece = read_midi(path)
        count = len(piece.bars)
        if not count:
            raise SettingError("keep", "a MIDI file with at least one full bar", str(path))
        if bars is None:
            within = piece.bars + np.diff(piece.bars, append=piece.ticks) - piece.bars[0]
            return cls(piece, 1, max(1, int((within <= _KEPT_TICKS).sum())))
        found = _BARS.fullmatch(bars.strip())
        first, last = (int(n) for n in found.groups(found[1])) if found else (0, 0)
        if not 1 <= first <= last <= count:
            raise SettingError("bars", f"one or two from 1 to {count}, such as 1-{count}", bars)
        return cls(piece, first, last)

    @property
    def roll(self) -> PianoRoll:
        """Their music, at their tempo."""
        starts = np.append(self.piece.bars, self.piece.ticks)
        start, end = (int(starts[n]) for n in (self.first - 1, self.last))
        roll = self.piece.window(start, max(1, (end - start) // TICKS_PER_FRAME))
        return roll.with_tempo(np.clip(roll.tempo, *PLAYED_TEMPO))

    @property
    def words(self) -> str:
        """Such as ``bars 1-8 of waltz.mid``."""
        return f"bars {self.first}-{self.last} of {self.piece.source}"


def continued_piece(
    prism: PrismSource, settings: GenerationSettings, kept: KeptBars, beats: int | str = BEATS
) -> ShownPiece:
    """These bars and what Prism draws after it, so many beats in all; raises as `continued`."""
    roll = kept.roll
    if roll.beats >= MOST_BEATS:
        raise SettingError("bars", f"fewer than {MOST_BEATS} beats", roll.beats)
    *_, roll = continued(prism.pipeline.get(), roll, settings, beats)
    piece, words = prism.shown(settings, roll, known=True), kept.words
    end = f"{kept.piece.title}-bars-{kept.first}-{kept.last}-seed-{settings.seed}"
    return dataclasses.replace(
        piece,
        detail=f"{piece.detail} · goes on from {words}",
        caption=f"Begins with {words}; Prism's model drew the rest.",
        name=file_stem("prism", *settings.composers, end=end),
        lines=(f"Begins with {words}; Prism generated what follows.", *piece.lines[1:]),
    ).played_on(settings.program)
