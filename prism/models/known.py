"""Known beats: the part of a roll that stays while the model draws the rest.

Conventions
-----------
seam
    Where known beats and drawn ones meet. Every note that lies among known beats stays as it is. A
    note of the known roll that crosses a seam is held as long as the drawn side holds it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from prism.models.setting_types import SettingError
from prism.music.attributes import key_index
from prism.music.metadata import signature
from prism.music.roll import BEATS, FRAMES, FRAMES_PER_BEAT, PianoRoll, orphans
from prism.music.windows import cut, roll_metre

Beats = slice | Sequence[int] | Sequence[bool] | np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class KnownBeats:
    """A roll, which of its frames are known, bool, shape=(frames,), and a key to go on in.

    The key is as from `prism.music.attributes.key_index`. Models draw around one of 64 beats, for
    which a longer one has a `window`.
    """

    roll: PianoRoll
    frames: np.ndarray
    key: int | None = None

    @classmethod
    def of(cls, roll: PianoRoll | KnownBeats, beats: Beats | None = None) -> KnownBeats:
        """The whole beats of a roll of up to 64, or some of them: a slice, a mask or a list.

        The key is that of the notes that begin in them; known beats stay as they are. Raises
        SettingError if the roll is longer, or has no such beats.
        """
        if isinstance(roll, cls):
            return roll
        if not isinstance(roll, PianoRoll) or roll.frames > FRAMES:
            got = roll.beats if isinstance(roll, PianoRoll) else roll
            raise SettingError("known", f"a piano roll of at most {BEATS} beats", got)
        there = roll.frames // FRAMES_PER_BEAT
        mask = np.zeros(BEATS, bool)
        mask[:there][_checked(slice(None) if beats is None else beats, there)] = True
        known = cls(cut(roll, 0), np.repeat(mask, FRAMES_PER_BEAT))
        return dataclasses.replace(known, key=key_index(known.begun))

    @classmethod
    def bars(cls, roll: PianoRoll, parts: Sequence[tuple[int, int]]) -> KnownBeats:
        """Some bars of a roll, from the first to the last of each part, counted from 1.

        Raises SettingError if it has no such bars.
        """
        known = cls(roll, _of_bars(roll, parts, "keep"))
        return dataclasses.replace(known, key=key_index(known.begun))

    @classmethod
    def all_but(cls, roll: PianoRoll, first: int, last: int) -> KnownBeats:
        """All of a roll, whose key it is, but the bars from one to another; raises as `bars`."""
        return cls(roll, ~_of_bars(roll, [(first, last)], "redraw"), key_index(roll))

    def window(self) -> tuple[int, KnownBeats]:
        """64 beats with all that is not known, as far from their ends as may be; whence they are.

        Raises
        ------
        SettingError
            If more than that is not known.
        """
        if len(self.frames) <= FRAMES:
            return 0, self
        drawn = np.flatnonzero(~self.frames)
        first, last = int(drawn[0]), int(drawn[-1])
        low, high = max(0, last + 1 - FRAMES), min(first, len(self.frames) - FRAMES)
        if low > high:
            raise SettingError(
                "redraw", f"at most {BEATS} beats at once", (last + 1 - first) / FRAMES_PER_BEAT
            )
        middle = (first + last - FRAMES) // 2
        starts = [b for b in self.roll.bar_starts if low <= b <= high and b % FRAMES_PER_BEAT == 0]
        beat = int(np.clip(middle, low, high)) // FRAMES_PER_BEAT * FRAMES_PER_BEAT
        start = int(min(starts, key=lambda begins: abs(begins - middle), default=beat))
        part = KnownBeats(cut(self.roll, start), self.frames[start : start + FRAMES], self.key)
        return start, part

    @property
    def mask(self) -> np.ndarray:
        """Which beats are known in whole, bool, shape=(beats,)."""
        return self.frames.reshape(-1, FRAMES_PER_BEAT).all(1)

    @property
    def metre(self) -> np.ndarray:
        """As of `prism.music.windows.Window`."""
        return roll_metre(self.roll)

    @property
    def sounds(self) -> bool:
        """Whether a note begins in a known beat."""
        return bool(self.begun.onset.any())

    @property
    def begun(self) -> PianoRoll:
        """The notes that begin in known beats, as long as they are in the roll."""
        columns = self.roll.arrays()
        begins = self.frames[columns[1]]
        return self.roll.with_notes(*(column[begins] for column in columns))

    def check_metre(self, asked: tuple[int, int] | None) -> None:
        """Raise `SettingError` where another time signature than the roll's is asked for."""
        own = self.roll.time_signature
        if asked is not None and tuple(asked) != tuple(own):
            expected = f"nothing or {signature(own)}, that of the known beats"
            raise SettingError("time_signature", expected, signature(asked))

    def joined(self, drawn: PianoRoll) -> PianoRoll:
        """A drawn roll with the known beats' own notes in their places, at its own tempo."""
        kept, roll = self.frames, self.roll
        onset, sustain, velocity = (
            np.where(kept, mine, theirs)
            for mine, theirs in (
                (roll.onset, drawn.onset),
                (roll.sustain, drawn.sustain),
                (roll.velocity, drawn.velocity),
            )
        )
        ends = np.flatnonzero(kept[:-1] & ~kept[1:]) + 1  # the first drawn frame after known ones
        begins = np.flatnonzero(~kept[:-1] & kept[1:]) + 1
        sustain[:, ends] &= roll.sustain[:, ends]
        _drop_unstruck(onset, sustain)
        for seam in begins:  # a drawn note of which the seam leaves a single frame
            stub = onset[:, seam - 1] & drawn.sustain[:, seam] & ~sustain[:, seam]
            onset[stub, seam - 1], velocity[stub, seam - 1] = False, 0
        for seam in ends:  # a known note likewise: it keeps its length
            stub = onset[:, seam - 1] & roll.sustain[:, seam]
            for key in np.flatnonzero(stub & ~(onset | sustain)[:, seam]):
                held = roll.sustain[key, seam:] & ~onset[key, seam:]
                sustain[key, seam : seam + _run(held)] = True
        return PianoRoll(onset, sustain, velocity, drawn.tempo, roll.time_signature, roll.bars)


def _of_bars(roll: PianoRoll, parts: Sequence[tuple[int, int]], setting: str) -> np.ndarray:
    """The frames of some bars, bool, shape=(frames,)."""
    starts = np.append(roll.bar_starts, roll.frames)
    frames = np.zeros(roll.frames, bool)
    for first, last in parts:
        if last >= len(starts):
            expected = f"bars from 1 to {len(starts) - 1}, as there are no others"
            raise SettingError(setting, expected, f"{first}-{last}")
        frames[starts[first - 1] : starts[last]] = True
    return frames


def _checked(beats: Beats, there: int) -> np.ndarray:
    """Indices of beats of a roll with so many."""
    if isinstance(beats, slice):
        return np.arange(there)[beats]
    expected = f"a slice, {there} truth values or beats from 0 to {there - 1}"
    given = np.asarray(beats)
    if given.dtype == bool and given.shape == (there,):
        return np.flatnonzero(given)
    inside = given.ndim == 1 and not given.size
    if given.ndim == 1 and np.issubdtype(given.dtype, np.integer):
        inside = ((given >= 0) & (given < there)).all()
    if not inside:
        raise SettingError("known_beats", expected, beats)
    return given.astype(np.int64)


def _drop_unstruck(onset: np.ndarray, sustain: np.ndarray) -> None:
    """Take away, in place, what is held without having been struck."""
    for key, frame in np.argwhere(orphans(onset, sustain)):
        sustain[key, frame : frame + _run(sustain[key, frame:])] = False


def _run(held: np.ndarray) -> int:
    """How many frames are held from the first on."""
    return int(np.append(held, False).argmin())
