"""Numbering of the Anticipatory Music Transformer's tokens, as published.

After Thickstun, Hall, Donahue & Liang 2023, "Anticipatory Music Transformer", section 3 and
appendix; the numbering is that of the published checkpoints.

Conventions
-----------
event
    Three tokens: arrival time, duration, note.
time, duration
    In centiseconds (10 ms): 0 to 9,999 and 0 to 999.
note
    128 pitches of each of 129 instruments (128 General MIDI programs, then drums).
rest
    An event of duration 0 with the note `REST`; it only says that time has passed.
control
    The same three tokens moved up by `CONTROL_OFFSET`: a note that is given, not generated.
row
    Where a token stands in a model's embedding table. A table sliced to fewer tokens keeps their
    order, so the tokens of one kind are neighbours there too.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

CENTISECONDS_PER_SECOND = 100
MAXIMUM_TIME = 100 * CENTISECONDS_PER_SECOND
MAXIMUM_DURATION = 10 * CENTISECONDS_PER_SECOND
PITCHES = 128
INSTRUMENTS = 129
ANTICIPATION = 5 * CENTISECONDS_PER_SECOND

TIME_OFFSET = 0
DURATION_OFFSET = TIME_OFFSET + MAXIMUM_TIME
NOTE_OFFSET = DURATION_OFFSET + MAXIMUM_DURATION
REST = NOTE_OFFSET + PITCHES * INSTRUMENTS
CONTROL_OFFSET = REST + 1
SEPARATOR = CONTROL_OFFSET + REST
AUTOREGRESS = SEPARATOR + 1
ANTICIPATE = AUTOREGRESS + 1
VOCABULARY_SIZE = ANTICIPATE + 1

TOKENS_PER_EVENT = 3
EVENTS_IN_CONTEXT = 341
CONTEXT = 1 + TOKENS_PER_EVENT * EVENTS_IN_CONTEXT


@dataclasses.dataclass(frozen=True)
class TokenTable:
    """Which published tokens a model knows, and at which rows.

    Times and durations are multiples of `time_step`, in centiseconds; both pitches are included;
    instruments are counted from the piano.
    """

    time_step: int = 1
    lowest_pitch: int = 0
    highest_pitch: int = PITCHES - 1
    instruments: int = INSTRUMENTS

    @functools.cached_property
    def tokens(self) -> np.ndarray:
        """The published number of each row, increasing, int64 array, shape=(rows,)."""
        pitches = np.arange(self.lowest_pitch, self.highest_pitch + 1)
        notes = (PITCHES * np.arange(self.instruments)[:, None] + pitches).ravel()
        events = [
            TIME_OFFSET + np.arange(0, MAXIMUM_TIME, self.time_step),
            DURATION_OFFSET + np.arange(0, MAXIMUM_DURATION, self.time_step),
            NOTE_OFFSET + notes,
        ]
        controls = [CONTROL_OFFSET + kind for kind in events]
        special = [SEPARATOR, AUTOREGRESS, ANTICIPATE]
        return np.concatenate([*events, [REST], *controls, special]).astype(np.int64)

    @functools.cached_property
    def _row_of(self) -> np.ndarray:
        rows = np.full(VOCABULARY_SIZE, -1, np.int64)
        rows[self.tokens] = np.arange(len(self.tokens))
        return rows

    def rows(self, tokens: np.ndarray) -> np.ndarray:
        """Rows of published tokens, same shape; raises ValueError if there is none for one."""
        rows = self._row_of[tokens]
        if (rows < 0).any():
            unknown = np.asarray(tokens)[rows < 0].ravel()[0]
            raise ValueError(f"tokens: this model has no row for token {unknown}")
        return rows

    def row_range(self, first: int, last: int) -> slice:
        """Rows of all tokens from `first` to `last`, both included."""
        low, high = np.searchsorted(self.tokens, [first, last + 1])
        return slice(int(low), int(high))
