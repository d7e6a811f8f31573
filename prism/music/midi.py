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
    A note-off ends the oldest note still sounding on its channel and pitch. A note that is never
    let go is dropped. Data bytes above 127 count as 127.
tempo
    Quarter notes a minute, to a hundredth; 120 until the file names one, as the standard says.
    Where it changes, a piece and each of its windows have their mean (`prism.music.timing`), and so
    are as long as in the file. Files hold whole microseconds a beat, finer than a hundredth up to
    tempo 770.
time signature
    4/4 until the file names one; of several, a piece and each of its windows have the one that most
    of their beats lie in, and bars where they are. A first signature that lasts for a single bar,
    shorter than the bars after it, is a pick-up: its bar is not listed.

Source: Standard MIDI Files 1.0 (RP-001), MIDI Manufacturers Association, 1996.
"""

from __future__ import annotations

import io
import math
import os
import pathlib
import struct
from collections.abc import Iterable

import mido
import numpy as np
import symusic

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
from prism.music.timing import change_rows, named_bar

MAX_FILE_BYTES = 4 * 2**20
MAX_NOTES = 200_000
MAX_BEATS = 20_000
MAX_SIGNATURE_UNIT = 64

_HEADER_BYTES = 14
_CHUNK_HEAD_BYTES = 8
_SMPTE_BIT = 0x8000
_UNNAMED_TEMPO = 120.0
_MICROSECONDS_PER_MINUTE = 60_000_000
_MAX_MICROSECONDS_PER_BEAT = 2**24 - 1
_WRITTEN_TICKS_PER_FRAME = 120


class MidiError(ValueError):
    """A file that cannot be read as MIDI: what is wrong, what was expected, what to do."""


def read_midi(file: str | os.PathLike | bytes) -> Piece:
    """Read a type 0 or type 1 file, from its path or its content; see Conventions.

    Returns
    -------
    Piece
        Named after the file (``"MIDI data"`` for bytes), without a label; possibly silent.

    Raises
    ------
    MidiError
        If the file is empty, truncated or no MIDI, of type 2, timed in SMPTE frames, or beyond
        `MAX_FILE_BYTES`, `MAX_NOTES` or `MAX_BEATS`.
    OSError
        If the path cannot be read.
    """
    path = pathlib.PurePath("MIDI data" if isinstance(file, bytes) else file)
    try:
        score = _parse(file if isinstance(file, bytes) else _load(file))
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
    roll: PianoRoll, path: str | os.PathLike | None = None, *, texts: Iterable[str] = ()
) -> bytes:
    """Write a roll as one piano track; `read_midi(...).window(frames=roll.frames)` gives it back.

    Parameters
    ----------
    roll : PianoRoll
        Its tempo comes back unchanged up to 770 if it has at most two decimals.
    path : path, optional
        Where to write the file as well.
    texts : iterable of str
        Text events at the start, for example what the roll was made with.

    Raises
    ------
    ValueError
        If MIDI has no place for the tempo or the time signature.
    """
    midi = mido.MidiFile(ticks_per_beat=_WRITTEN_TICKS_PER_FRAME * FRAMES_PER_BEAT, charset="utf-8")
    midi.tracks += [_timing_track(roll, texts), _piano_track(roll)]
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
            f"{MAX_SIGNATURE_UNIT}, got {roll.time_signature[0]}/{roll.time_signature[1]}"
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


def _piano_track(roll: PianoRoll) -> mido.MidiTrack:
    """The notes; the track ends where the roll does."""
    track = mido.MidiTrack(
        [
            mido.MetaMessage("track_name", name="Piano"),
            mido.Message("program_change", program=0),
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


def _parse(data: bytes) -> symusic.Score:
    """Check what symusic does not, then let it parse."""
    if not data:
        raise MidiError("the file is empty; expected a MIDI file: get it again from its source")
    if len(data) > MAX_FILE_BYTES:
        raise MidiError(
            f"the file is larger than {MAX_FILE_BYTES} bytes; expected a single piece: "
            "cut it into shorter ones"
        )
    _check_tracks(data, _checked_track_count(data))
    try:
        # Without sanitizing, symusic corrupts its memory on data bytes above 127.
        return symusic.Score.from_midi(data, sanitize_data=True)
    except RuntimeError as error:
        raise MidiError(
            f"the events in a track make no sense ({error}); expected well-formed MIDI events: "
            "export the file again"
        ) from error


def _checked_track_count(data: bytes) -> int:
    """Check the header chunk; the number of tracks it announces."""
    if data[:4] != b"MThd":
        raise MidiError(
            f"the file begins with {data[:4]!r}; expected b'MThd': this is no MIDI file, "
            "or one in a wrapper that has to be unpacked first"
        )
    if len(data) < _HEADER_BYTES:
        raise MidiError(_truncated(f"the header ends after {len(data)} of {_HEADER_BYTES} bytes"))
    length, kind, tracks, division = struct.unpack_from(">IHHH", data, 4)
    if length != _HEADER_BYTES - _CHUNK_HEAD_BYTES:
        raise MidiError(f"the header is {length} bytes long; expected 6: export the file again")
    if kind > 1:
        raise MidiError(f"the file is of type {kind}; expected 0 or 1: export it as type 1")
    if division & _SMPTE_BIT or not division:
        raise MidiError(
            f"the time division is 0x{division:04x}; expected ticks a quarter note, from 1 to "
            "32767, not SMPTE frames: export the file in musical time"
        )
    if not tracks:
        raise MidiError("the header announces no tracks; expected at least 1: export it again")
    return tracks


def _check_tracks(data: bytes, expected: int) -> None:
    """Check that all announced tracks are there in full; symusic would read what it finds."""
    found, position = 0, _HEADER_BYTES
    while found < expected and position + _CHUNK_HEAD_BYTES <= len(data):
        kind, length = struct.unpack_from(">4sI", data, position)
        position += _CHUNK_HEAD_BYTES + length
        found += kind == b"MTrk"
        if position > len(data):
            missing = position - len(data)
            raise MidiError(_truncated(f"chunk {kind!r} lacks its last {missing} bytes"))
    if found < expected:
        raise MidiError(_truncated(f"{found} of {expected} tracks are there"))


def _truncated(what: str) -> str:
    return f"{what}; expected a whole file: it was cut short, get it again from its source"


def _notes(score: symusic.Score) -> np.ndarray:
    """All tracks but drums as one piano, in the columns of `Piece.notes`."""
    tracks = [_track_notes(track) for track in score.tracks if not track.is_drum]
    pitch, start, end, velocity = np.concatenate([np.zeros((4, 0), np.int64), *tracks], axis=1)
    if len(pitch) > MAX_NOTES:
        raise MidiError(
            f"the file has {len(pitch)} notes; expected at most {MAX_NOTES}: thin it out or cut it"
        )
    # symusic counts in 32 bits: what lies beyond them comes back negative.
    if len(pitch) and (start.min() < 0 or end.max() > MAX_BEATS * score.tpq):
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


def _track_notes(track) -> np.ndarray:
    """One track as int64, shape=(4, n): pitch, start, end (file ticks), velocity."""
    notes = {name: column.astype(np.int64) for name, column in track.notes.numpy().items()}
    end = notes["time"] + notes["duration"]
    return np.stack([notes["pitch"], notes["time"], end, notes["velocity"]])


def _to_ticks(times: np.ndarray, ticks_per_beat: int) -> np.ndarray:
    """File ticks to Prism's, to the nearest, halves up."""
    return (2 * TICKS_PER_BEAT * times + ticks_per_beat) // (2 * ticks_per_beat)


def _tempi(score: symusic.Score) -> list[tuple[float, float]]:
    """Ticks and the tempi that hold from there on, the first at tick 0."""
    named = {
        change.time * TICKS_PER_BEAT / score.tpq: _MICROSECONDS_PER_MINUTE / change.mspq
        for change in sorted(score.tempos, key=lambda change: change.time)
        if change.time >= 0 and change.mspq > 0
    }
    return [*({0.0: _UNNAMED_TEMPO} | named).items()]


def _is_signature(numerator: int, denominator: int) -> bool:
    power_of_two = denominator & (denominator - 1) == 0
    return 0 < numerator < 256 and power_of_two and 0 < denominator <= MAX_SIGNATURE_UNIT


def _signatures(score: symusic.Score) -> list[tuple[float, tuple[int, int]]]:
    """Time signatures with the ticks at which they begin, the first at or after tick 0."""
    named = {
        change.time * TICKS_PER_BEAT / score.tpq: (change.numerator, change.denominator)
        for change in sorted(score.time_signatures, key=lambda change: change.time)
        if change.time >= 0 and _is_signature(change.numerator, change.denominator)
    }
    changes = sorted(({0.0: (4, 4)} | named).items())
    if len(changes) > 1:
        (_, first), (second_tick, second) = changes[:2]
        if second_tick <= _bar_ticks(first) < _bar_ticks(second):
            return changes[1:]
    return changes


def _bar_ticks(signature: tuple[int, int]) -> float:
    numerator, denominator = signature
    return numerator * 4 * TICKS_PER_BEAT / denominator


def _bars(signatures: list[tuple[float, tuple[int, int]]], notes: np.ndarray) -> np.ndarray:
    """Ticks at which full bars begin, up to the last note's end; a cut bar is not listed."""
    end = float((notes[:, 0] + notes[:, 1]).max()) if len(notes) else 0.0
    ticks = [tick for tick, _ in signatures]
    bars = [np.zeros(0)]
    for (tick, signature), limit in zip(signatures, [*ticks[1:], math.inf], strict=True):
        length = _bar_ticks(signature)
        bars.append(np.arange(tick, min(end, limit - length + 0.5), length))
    return np.floor(np.concatenate(bars) + 0.5).astype(np.int32)
