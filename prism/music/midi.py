"""MIDI files in and out.

Conventions
-----------
time
    Read in beats: a tempo change moves nothing on the grid. File ticks round to the nearest of
    `TICKS_PER_BEAT` (halves up), and a note lasts at least one.
tracks
    All merged into one piano, by the overlap rule of `prism.music.roll`; channel 10 (drums) is
    dropped, and so are pitches outside 21 to 108. The pedal is ignored.
notes
    A note-off ends the oldest note still sounding on its track, channel and pitch, so notes may
    overlap there as long as all are let go. Where one never is, note-offs are missing, and it is
    not known whose: from the pitch's last rest on, each strike lasts to the next note-off, or to
    the next strike if that comes first or no note-off does, then `FORGOTTEN_BEATS` at most. No
    strike is lost.
tempo
    Quarter notes a minute, to a hundredth; 120 until the file names one, as the standard says.
    Where it changes, a piece and each of its windows have their mean (`prism.music.timing`), and so
    are as long as in the file. Files hold whole microseconds a beat, finer than a hundredth up to
    tempo 770.
time signature
    4/4 until the file names one; of several, a piece and each of its windows have the one that most
    of their beats lie in, and bars where they are. A first signature that lasts for a single bar,
    shorter than the bars after it, is a pick-up: its bar is not listed.

What of a file's bytes counts is in `prism.music.midi_events`.
"""

from __future__ import annotations

import io
import math
import os
import pathlib
from collections.abc import Iterable

import mido
import numpy as np

from prism.music.midi_events import DRUM_CHANNEL, MidiError, MidiEvents, read_events
from prism.music.roll import (
    FRAMES_PER_BEAT,
    KEYS,
    LOWEST_PITCH,
    TICKS_PER_BEAT,
    TICKS_PER_FRAME,
    PianoRoll,
    Piece,
    without_overlaps,
)
from prism.music.timing import MIDI_UNITS, bar_ticks, change_rows, named_bar

MAX_FILE_BYTES = 4 * 2**20
MAX_NOTES = 200_000
MAX_BEATS = 20_000
FORGOTTEN_BEATS = 4

_UNNAMED_TEMPO = 120.0
_MICROSECONDS_PER_MINUTE = 60_000_000
_MAX_MICROSECONDS_PER_BEAT = 2**24 - 1
_WRITTEN_TICKS_PER_FRAME = 120


def read_midi(file: str | os.PathLike | bytes | MidiEvents) -> Piece:
    """Read a type 0 or type 1 file, from its path, content or events; see Conventions.

    Returns
    -------
    Piece
        Named after the file (``"MIDI data"`` without a path), without a label; possibly silent.

    Raises
    ------
    MidiError
        If the file is empty, truncated or no MIDI, of type 2, timed in SMPTE frames, or beyond
        `MAX_FILE_BYTES`, `MAX_NOTES` or `MAX_BEATS`.
    OSError
        If the path cannot be read.
    """
    path = pathlib.PurePath("MIDI data" if isinstance(file, bytes | MidiEvents) else file)
    try:
        score = file if isinstance(file, MidiEvents) else _parse(file)
        notes = _notes(score)
    except MidiError as error:
        raise MidiError(f"{path.name}: {error}") from error
    signatures = _signatures(score)
    tempi = _tempi(score)
    piece = Piece(
        identifier=path.name,
        title=path.stem,
        label="",
        source=path.name,
        terms="",
        notes=notes,
        bars=_bars(signatures, notes),
        tempo=round(tempi[0][1], 2),
        time_signature=signatures[0][1],
        tempo_changes=change_rows(tempi),
        signature_changes=change_rows([(tick, *named) for tick, named in signatures]),
    )
    return piece.summed_up()


def write_midi(
    roll: PianoRoll,
    path: str | os.PathLike | None = None,
    *,
    texts: Iterable[str] = (),
    program: int = 0,
) -> bytes:
    """Write a roll as one track; `read_midi(...).window(frames=roll.frames)` gives it back.

    Its tempo comes back unchanged up to 770 if it has at most two decimals. `texts` are events at
    the start, for example what the roll was made with; `program` is the instrument, as of
    `prism.music.instruments`. Without a path the file is only returned.

    Raises
    ------
    ValueError
        If MIDI has no place for the tempo or the time signature.
    """
    midi = mido.MidiFile(ticks_per_beat=_WRITTEN_TICKS_PER_FRAME * FRAMES_PER_BEAT, charset="utf-8")
    midi.tracks += [_timing_track(roll, texts), _note_track(roll, program)]
    content = io.BytesIO()
    midi.save(file=content)
    if path is not None:
        pathlib.Path(path).write_bytes(content.getvalue())
    return content.getvalue()


def _timing_track(roll: PianoRoll, texts: Iterable[str]) -> mido.MidiTrack:
    microseconds = round(_MICROSECONDS_PER_MINUTE / roll.tempo)
    if not 1 <= microseconds <= _MAX_MICROSECONDS_PER_BEAT:
        lowest = _MICROSECONDS_PER_MINUTE / _MAX_MICROSECONDS_PER_BEAT
        raise ValueError(
            f"tempo: MIDI holds {lowest:.2f} to {_MICROSECONDS_PER_MINUTE}, got {roll.tempo}"
        )
    if not _is_signature(*roll.time_signature):
        raise ValueError(
            "time_signature: MIDI holds 1 to 255 beats over a power of two up to "
            f"{MIDI_UNITS[-1]}, got {roll.time_signature[0]}/{roll.time_signature[1]}"
        )
    first, *changes = _written_signatures(roll)
    return mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=microseconds),
            first,
            *(mido.MetaMessage("text", text=text) for text in texts),
            *changes,
            mido.MetaMessage("end_of_track"),
        ]
    )


def _written_signatures(roll: PianoRoll) -> list[mido.MetaMessage]:
    """The time signature of the first bar, and of each that is longer or shorter than the last."""
    changes = [(0, roll.time_signature)]
    if roll.bars is not None:
        starts = roll.bar_starts
        ends = np.append(starts[1:], max(roll.frames, starts[-1] + roll.bar_frames))
        if len(starts) > 1 and roll.frames - starts[-1] <= starts[-1] - starts[-2]:
            ends = ends[:-1]  # the last bar is cut: it may be as long as the one before
        lengths = (ends - starts[: len(ends)]) * TICKS_PER_FRAME
        changes = [
            (start, named_bar(int(length), roll.time_signature))
            for start, length, before in zip(starts, lengths, [0, *lengths], strict=False)
            if length != before
        ]
    waits = np.diff([start for start, _ in changes], prepend=0) * _WRITTEN_TICKS_PER_FRAME
    return [
        mido.MetaMessage("time_signature", numerator=beats, denominator=unit, time=int(wait))
        for wait, (_, (beats, unit)) in zip(waits, changes, strict=True)
    ]


def _note_track(roll: PianoRoll, program: int) -> mido.MidiTrack:
    """The notes; the track ends where the roll does."""
    track = mido.MidiTrack(
        [
            mido.MetaMessage("track_name", name="Music" if program else "Piano"),
            mido.Message("program_change", program=program),
        ]
    )
    # Of what happens in one frame, keys are let go before any is struck: that is velocity 0.
    events = sorted(
        event
        for pitch, start, end, velocity in zip(*(a.tolist() for a in roll.arrays()), strict=True)
        for event in ((start, velocity, pitch), (end, 0, pitch))
    )
    now = 0
    for frame, velocity, pitch in events:
        time = (frame - now) * _WRITTEN_TICKS_PER_FRAME
        track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=time))
        now = frame
    rest = (roll.frames - now) * _WRITTEN_TICKS_PER_FRAME
    track.append(mido.MetaMessage("end_of_track", time=rest))
    return track


def _load(path: str | os.PathLike) -> bytes:
    """A file's content, at most one byte more than is allowed."""
    with open(path, "rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _parse(file: str | os.PathLike | bytes) -> MidiEvents:
    data = file if isinstance(file, bytes) else _load(file)
    if len(data) > MAX_FILE_BYTES:
        raise MidiError(
            f"the file is larger than {MAX_FILE_BYTES} bytes; expected a single piece: "
            "cut it into shorter ones"
        )
    return read_events(data)


def _notes(score: MidiEvents) -> np.ndarray:
    """All tracks but drums as one piano, in the columns of `Piece.notes`."""
    pitch, start, end, velocity = _paired(score)
    if len(pitch) > MAX_NOTES:
        raise MidiError(
            f"the file has {len(pitch)} notes; expected at most {MAX_NOTES}: thin it out or cut it"
        )
    if len(pitch) and end.max() > MAX_BEATS * score.tpq:
        raise MidiError(
            f"notes lie beyond beat {MAX_BEATS}; expected a single piece: cut away the silence "
            "or export the file again"
        )
    keep = (pitch >= LOWEST_PITCH) & (pitch < LOWEST_PITCH + KEYS)
    start, end = (_to_ticks(times, score.tpq) for times in (start, end))
    end = np.maximum(end, start + 1)
    pitch, start, end, velocity = without_overlaps(
        *(column[keep] for column in (pitch, start, end, velocity))
    )
    notes = np.stack([start, end - start, pitch, velocity], axis=1).astype(np.int32)
    return notes[np.lexsort((pitch, start))]


def _paired(score: MidiEvents) -> tuple[np.ndarray, ...]:
    """Strikes and note-offs as notes: pitch, start, end (file ticks), velocity; see Conventions."""
    rows = np.flatnonzero(score.is_note & (score.channel != DRUM_CHANNEL))
    key = (score.track[rows] << 4 | score.channel[rows]) << 7 | score.first[rows]
    # NumPy sorts 16 bits several times as fast.
    order = np.argsort(key.astype(np.min_scalar_type(key.max(initial=0))), kind="stable")
    rows, key = rows[order], key[order]
    time = np.minimum(score.time[rows], MAX_BEATS * score.tpq + 1)
    strike = score.strikes[rows]
    stray, unsure = _unpaired(key, strike)
    end = np.zeros_like(time)
    sure = ~stray & ~unsure
    # Of each key there are as many of one as of the other.
    end[sure & strike] = time[sure & ~strike]
    longest = FORGOTTEN_BEATS * score.tpq
    end[unsure & strike] = _guessed_ends(key[unsure], time[unsure], strike[unsure], longest)
    return score.first[rows][strike], time[strike], end[strike], score.second[rows][strike]


def _unpaired(key: np.ndarray, strike: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Note-offs that end nothing, and what follows the last rest of a key that is not let go.

    Of note-ons and note-offs sorted by key, those of one key in the order of time.
    """
    count = np.arange(len(key))
    opens = np.diff(key, prepend=-1) != 0
    group = np.cumsum(opens) - 1
    # A key's balance lies below all of the key before, so that running minima are its own.
    floor = -2 * len(key) * group
    step = np.where(strike, 1, -1)
    total = np.cumsum(step)
    balance = floor + total - (total - step)[opens][group]
    lowest = np.minimum(np.minimum.accumulate(balance), floor)
    stray = balance < np.where(opens, floor, np.roll(lowest, 1))
    rest = np.where(balance == lowest, count, np.where(opens, count - 1, -1))
    last_rest = np.maximum.accumulate(rest)[np.roll(opens, -1)]
    return stray, count > last_rest[group]


def _guessed_ends(
    key: np.ndarray, time: np.ndarray, strike: np.ndarray, longest: int
) -> np.ndarray:
    """When strikes end whose own note-offs cannot be told; arguments as for `_unpaired`."""
    # One key's time line behind the other's, so far apart that no strike reaches the next.
    span = int(time.max(initial=0)) + longest + 1
    begin = span * np.cumsum(np.diff(key, prepend=-1) != 0)
    strikes, offs = (begin + time)[strike], (begin + time)[~strike]
    never = np.iinfo(np.int64).max
    struck_again = np.append(strikes, never)[1:]
    let_go = np.append(offs, never)[np.searchsorted(offs, strikes, side="right")]
    is_let_go = (let_go <= struck_again) & (let_go < begin[strike] + span)
    end = np.where(is_let_go, let_go, np.minimum(struck_again, strikes + longest))
    return end - begin[strike]


def _to_ticks(times: np.ndarray, ticks_per_beat: int) -> np.ndarray:
    """File ticks to Prism's, to the nearest, halves up."""
    return (2 * TICKS_PER_BEAT * times + ticks_per_beat) // (2 * ticks_per_beat)


def _tempi(score: MidiEvents) -> list[tuple[float, float]]:
    """Ticks and the tempi that hold from there on, the first at tick 0."""
    named = {
        change.time * TICKS_PER_BEAT / score.tpq: _MICROSECONDS_PER_MINUTE / change.mspq
        for change in sorted(score.tempos, key=lambda change: change.time)
    }
    return [*({0.0: _UNNAMED_TEMPO} | named).items()]


def _is_signature(numerator: int, denominator: int) -> bool:
    return 0 < numerator < 256 and denominator in MIDI_UNITS


def _signatures(score: MidiEvents) -> list[tuple[float, tuple[int, int]]]:
    """Time signatures with the ticks at which they begin, the first at or after tick 0."""
    named = {
        change.time * TICKS_PER_BEAT / score.tpq: (change.numerator, change.denominator)
        for change in sorted(score.time_signatures, key=lambda change: change.time)
        if _is_signature(change.numerator, change.denominator)
    }
    changes = sorted(({0.0: (4, 4)} | named).items())
    if len(changes) > 1:
        (_, first), (second_tick, second) = changes[:2]
        if second_tick <= bar_ticks(first) < bar_ticks(second):
            return changes[1:]
    return changes


def _bars(signatures: list[tuple[float, tuple[int, int]]], notes: np.ndarray) -> np.ndarray:
    """Ticks at which full bars begin, up to the last note's end; a cut bar is not listed."""
    end = float((notes[:, 0] + notes[:, 1]).max()) if len(notes) else 0.0
    ticks = [tick for tick, _ in signatures]
    bars = [np.zeros(0)]
    for (tick, signature), limit in zip(signatures, [*ticks[1:], math.inf], strict=True):
        length = bar_ticks(signature)
        bars.append(np.arange(tick, min(end, limit - length + 0.5), length))
    return np.floor(np.concatenate(bars) + 0.5).astype(np.int32)
