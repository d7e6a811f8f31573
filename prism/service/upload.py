"""A visitor's own MIDI file: read, limited, and ready to stand in for the corpus's piece.

Nothing of it is written to disk before it is played, and it is kept in the visit alone.

Conventions
-----------
bar
    Counted from 1; a pick-up belongs to none. A file without a full bar, or with one longer than
    the window, has a single one, from its first note on.
window
    64 beats from a bar line on. Where the music ends before, silence follows: it is not repeated.
tempo
    One, the mean of the window's own, so that it lasts as long as in the file; see
    `prism.music.timing`. Kept within `PLAYED_TEMPO`: files can say 3.6, which would be 18 minutes
    of sound.
names
    The file's and its tracks' on one line, see `prism.music.metadata`. A track's that cannot be
    read is not shown: one that is neither UTF-8 nor Japanese nor, by its letters, Western.
limits
    Of this size a file takes at most a second to read, whatever it holds; most take milliseconds.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib

import numpy as np

from prism.models.setting_types import Number, SettingError
from prism.models.settings import SETTINGS
from prism.music.metadata import encoding_of, file_stem, metre_in, one_line
from prism.music.midi import MidiError, read_midi
from prism.music.midi_events import DRUM_CHANNEL, MidiEvents, read_events
from prism.music.roll import BEATS, FRAMES_PER_BEAT, TICKS_PER_BEAT, Piece
from prism.service.piece import ShownPiece

MAX_BYTES = 2**19
MAX_NOTES = 20_000
MAX_BEATS = 4_000
PLAYED_TEMPO = (SETTINGS["tempo"].low, SETTINGS["tempo"].high)
LONGEST_NAME = 80
_TRACKS_NAMED = 3
KIND = "Yours"


class UploadError(ValueError):
    """A file that cannot be used: what is wrong, what was expected, what to do."""


@dataclasses.dataclass(frozen=True, eq=False)
class OwnPiece:
    """A visitor's piece and where in it the window begins.

    Parameters
    ----------
    piece : Piece
        The music; its title is the file's name.
    digest : str
        SHA-256 of the file.
    tracks : tuple of str
        The names of its tracks that have one and are no drums.
    bar : int
        Where the window begins.
    """

    piece: Piece
    digest: str
    tracks: tuple[str, ...] = ()
    bar: int = 1

    @property
    def key(self) -> tuple[str, str, int]:
        """Equal for what sounds and is called alike."""
        return self.digest, self.piece.title, self.bar

    @property
    def token(self) -> str:
        """Tells the window from all others in twelve digits, and nobody what is in it."""
        return hashlib.sha256(f"{self.digest} {self.bar}".encode()).hexdigest()[:12]

    @functools.cached_property
    def bars(self) -> np.ndarray:
        """Ticks at which the bars begin, never empty."""
        bars = self.piece.bars
        gaps = np.diff(bars, append=self.piece.ticks)
        if len(bars) and gaps.max() <= BEATS * TICKS_PER_BEAT:
            return bars
        return self.piece.notes[:1, 0]

    def at_first_note(self) -> OwnPiece:
        """The window begins with the bar in which the first note does."""
        bar = int(np.searchsorted(self.bars, self.piece.notes[0, 0], side="right"))
        return dataclasses.replace(self, bar=max(bar, 1))

    def at(self, bar: object) -> OwnPiece:
        """The window begins with another bar.

        Raises
        ------
        UploadError
            If there is no such bar, or no note is struck in the 64 beats from it on.
        """
        told = bar if isinstance(bar, (int, float)) else tidy(bar)
        bars = Number(name="bar to start at", default=1, low=1, high=len(self.bars), whole=True)
        try:
            moved = dataclasses.replace(self, bar=bars.check(told))
        except SettingError as error:
            raise UploadError(f"{error}: change it.") from error
        if not moved.piece.window(moved.start_tick).onset.any():
            raise UploadError(
                f"From bar {moved.bar} on there are {BEATS} beats without a note: start at another "
                "bar."
            )
        return moved

    @property
    def start_tick(self) -> int:
        """Where the window begins."""
        return int(self.bars[self.bar - 1])

    def shown(self, tempo: float | None = None) -> ShownPiece:
        """The window as a piece for the page, still without files, at its own tempo by default."""
        roll = self.piece.window(self.start_tick)
        roll = roll.with_tempo(tempo or np.clip(roll.tempo, *PLAYED_TEMPO))
        timing = metre_in(self.piece, self.start_tick, roll)
        sounds = np.flatnonzero(roll.active.any(axis=0))[-1] // FRAMES_PER_BEAT + 1
        silence = "" if sounds == BEATS else f" · silent after beat {sounds}"
        return ShownPiece(
            kind=KIND,
            title=self.piece.title,
            detail=f"from bar {self.bar} of {len(self.bars)} · {timing}{silence}",
            caption=f"Your own file{self._tracks()}. It stays in this visit: nobody else sees it, "
            "links do not carry it, and nothing is trained on it.",
            name=file_stem("yours", self.piece.title, end=f"bar-{self.bar}"),
            roll=roll,
            lines=("A visitor's own file",),
            source="corpus",
        )

    def _tracks(self) -> str:
        if not self.tracks:
            return ""
        named = ", ".join(f"“{name}”" for name in self.tracks[:_TRACKS_NAMED])
        more = len(self.tracks) - _TRACKS_NAMED
        return f", tracks {named}{f' and {more} more' if more > 0 else ''}"


def read_upload(name: object, content: object) -> OwnPiece:
    """Read what a browser sends: a file's name, and what is in it as base64.

    Raises
    ------
    UploadError
        In words for the visitor.
    """
    title = tidy(name) or "A file without a name"
    try:
        return _read(title, _decoded(content))
    except (MidiError, UploadError) as error:
        # The cause has no name before it, and the name is the title.
        raise UploadError(f"{title} cannot be used: {error.__cause__ or error}.") from error


def tidy(text: object) -> str:
    """A stranger's text on one line: no control or direction characters, not too long."""
    line = one_line(str(text or ""))
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"


def _decoded(content: object) -> bytes:
    text = content if isinstance(content, str) else ""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise UploadError(
            "what arrived is not what the page sends; expected a file in base64: choose the file "
            "again"
        ) from None
    if len(data) > MAX_BYTES:
        raise UploadError(
            f"it has {len(data) // 1024:,} KB; expected at most {MAX_BYTES // 1024} KB: cut the "
            "piece, or remove lyrics and other extra data"
        )
    return data


def _read(title: str, data: bytes) -> OwnPiece:
    score = read_events(data)
    piece = dataclasses.replace(
        read_midi(score), identifier=title, title=title, label="yours", source=title
    )
    if not len(piece.notes):
        raise UploadError(_silent(score))
    if len(piece.notes) > MAX_NOTES:
        raise UploadError(
            f"it has {len(piece.notes):,} notes; expected at most {MAX_NOTES:,}: cut it into "
            "shorter pieces"
        )
    beats = -(-piece.ticks // TICKS_PER_BEAT)
    if beats > MAX_BEATS:
        raise UploadError(
            f"it is {beats:,} beats long; expected at most {MAX_BEATS:,}: cut it into shorter "
            "pieces"
        )
    return OwnPiece(piece, hashlib.sha256(data).hexdigest(), _track_names(score)).at_first_note()


def _track_names(score: MidiEvents) -> tuple[str, ...]:
    """Of the tracks with notes that are no drums; without those that cannot be read."""
    named = score.track_names()
    tracks = np.unique(score.track[score.strikes & (score.channel != DRUM_CHANNEL)]).tolist()
    return tuple(filter(None, (_readable(named[track]) for track in tracks if track in named)))


def _readable(raw: bytes) -> str:
    """A name of no stated encoding; empty if it cannot be read."""
    encoding = encoding_of(raw, "cp1252")
    text = raw.decode(encoding, "replace")
    letters = [c for c in text if c.isalpha()]
    # Cyrillic or Greek read as Western: hardly a letter without an accent.
    odd = encoding == "cp1252" and 2 * sum(not c.isascii() for c in letters) > len(letters)
    return "" if odd or "\ufffd" in text else tidy(text)


def _silent(score: MidiEvents) -> str:
    """Why nothing of a whole file can be heard on a piano."""
    is_drum = score.channel[score.strikes] == DRUM_CHANNEL
    if not len(is_drum):
        return "there is no note in it; expected at least one: export it again with its notes"
    if is_drum.all():
        return "it has drums alone; expected notes of pitch: choose one with other instruments"
    return (
        "all its notes lie outside the piano's 88 keys; expected MIDI pitches 21 to 108: transpose "
        "it"
    )
