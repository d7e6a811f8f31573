"""A file's music, some bars of which are kept while the rest is drawn."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib

import numpy as np

from prism.models.edits import YOURS, Kept, read_bars
from prism.models.setting_types import SettingError
from prism.models.settings import SETTINGS
from prism.music.metadata import metre
from prism.music.midi import read_midi
from prism.music.roll import BEATS, FRAMES_PER_BEAT, TICKS_PER_FRAME, PianoRoll, Piece
from prism.service.piece import ShownPiece
from prism.service.upload import KIND, PLAYED_TEMPO

_KEPT_TICKS = BEATS // 2 * FRAMES_PER_BEAT * TICKS_PER_FRAME


@dataclasses.dataclass(frozen=True)
class KeptBars:
    """One or two groups of a piece's bars, each from the first to the last, counted from 1."""

    piece: Piece
    parts: tuple[tuple[int, int], ...]

    @classmethod
    def read(cls, path: pathlib.Path, bars: str | None = None) -> KeptBars:
        """Bars of a MIDI file, such as ``1-8`` or ``1-4,13-16``; or those in its first 32 beats.

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
            return cls(piece, ((1, max(1, int((within <= _KEPT_TICKS).sum()))),))
        return cls(piece, read_bars(bars, "bars", count, SETTINGS["keep"].most))

    @property
    def roll(self) -> PianoRoll:
        """Their music, and what lies between, at their tempo."""
        starts = np.append(self.piece.bars, self.piece.ticks)
        start, end = (int(starts[n]) for n in (self.parts[0][0] - 1, self.parts[-1][1]))
        roll = self.piece.window(start, max(1, (end - start) // TICKS_PER_FRAME))
        return roll.with_tempo(np.clip(roll.tempo, *PLAYED_TEMPO))

    @property
    def words(self) -> str:
        """Such as ``bars 1-8 of waltz.mid``."""
        return f"bars {self._kept.bars} of {self.piece.source}"

    @property
    def _kept(self) -> Kept:
        token = hashlib.sha256(self.piece.notes.tobytes()).hexdigest()[:12]
        return Kept(YOURS, self.parts, file=token)

    @property
    def setting(self) -> str:
        """The setting `keep`, which counts bars from the first that is kept."""
        before = self.parts[0][0] - 1
        parts = tuple((first - before, last - before) for first, last in self.parts)
        return str(self._kept._replace(parts=parts))

    @property
    def shown(self) -> ShownPiece:
        """What is kept, as a piece without files."""
        first = self.parts[0][0]
        title = self.piece.title if first == 1 else f"{self.piece.title} from bar {first}"
        return ShownPiece(
            kind=KIND,
            title=title,
            detail=metre(self.roll),
            caption=f"From {self.piece.source}.",
            name=title,
            roll=self.roll,
            lines=(f"kept: {self.words}",),
        )
