"""The events of a MIDI file, from its bytes, read as tolerantly as is honest.

Files are strangers', so no compiled reader sees them: symusic's can be crashed by some, and mido
takes dozens of times as long. Runs of channel messages, which are nearly everything, are cut into
events at once, by counting bytes below 128; whatever else there is, is read one by one.

Conventions
-----------
before the header
    Whatever stands before ``MThd`` is skipped, up to `MAX_WRAPPER_BYTES`: RMID files and those of
    old Macs have such wrappers. A header may be longer than 6 bytes, and its number of tracks is
    not believed: all that are there are read.
tracks
    End with their End of Track event, or else with their chunk. A chunk's length is believed if
    the chunk ends with that event or a track or the file's end follows; otherwise the chunk goes
    on to the next track. Other chunks are skipped.
running status
    Goes on after meta and system exclusive events.
system exclusive
    F0 and F7 events are skipped by their length; their time counts.
data bytes
    Above 127 count as 127.
meta events
    Too short for their kind are ignored; of longer ones the first bytes count.

Source: Standard MIDI Files 1.0 (RP-001), MIDI Manufacturers Association, 1996.
"""

from __future__ import annotations

import dataclasses
import functools
import struct
from typing import NamedTuple

import numpy as np

MAX_WRAPPER_BYTES = 1024
NOTE_ON, PROGRAM, META = 0x90, 0xC0, 0xFF
DRUM_CHANNEL = 9

_HEADER_BYTES = 14
_CHUNK_HEAD_BYTES = 8
_SMPTE_BIT = 0x8000
_TRACK = b"MTrk"
_END_OF_TRACK = b"\xff\x2f\x00"
_TRACK_NAME, _END, _TEMPO, _TIME_SIGNATURE = 0x03, 0x2F, 0x51, 0x58
# Data bytes after a system message; those without a row have none.
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_MAX_QUANTITY_BYTES = 4
# Columns of an event, its place in the file first.
_COLUMNS = ("place", "delta", "status", "first", "second", "size")


class MidiError(ValueError):
    """A file that cannot be read as MIDI: what is wrong, what was expected, what to do."""


class TempoChange(NamedTuple):
    """Microseconds a quarter note from a tick of the file on."""

    time: int
    mspq: int


class SignatureChange(NamedTuple):
    """A time signature from a tick of the file on, as it stands there, sensible or not."""

    time: int
    numerator: int
    denominator: int


@dataclasses.dataclass(frozen=True, eq=False)
class MidiEvents:
    """All events of a file, track by track, each track in the order of time.

    Parameters
    ----------
    data : bytes
        The file.
    tpq : int
        Ticks a quarter note.
    track, time, status, first, second, size : ndarray of int64, shape=(n,)
        `time` is in ticks from the beginning. A channel message has two data bytes, or one and 0.
        Of a meta event (status `META`) they are its kind, and where in `data` its `size` bytes
        begin.
    """

    data: bytes
    tpq: int
    track: np.ndarray
    time: np.ndarray
    status: np.ndarray
    first: np.ndarray
    second: np.ndarray
    size: np.ndarray

    @property
    def channel(self) -> np.ndarray:
        """Of each channel message, 0 to 15."""
        return self.status & 0x0F

    @property
    def is_note(self) -> np.ndarray:
        """Which are note-ons or note-offs, which `strikes` tells apart."""
        return self.status < NOTE_ON + 0x10

    @property
    def strikes(self) -> np.ndarray:
        """Which are note-ons of a velocity above 0: the others let go."""
        return self.is_note & (self.status >= NOTE_ON) & (self.second > 0)

    @property
    def tempos(self) -> list[TempoChange]:
        """Tempo changes, without those of 0 microseconds."""
        rows = self._metas(_TEMPO, 3)
        microseconds = self._contents(rows, 3) @ [2**16, 2**8, 1]
        pairs = zip(self.time[rows].tolist(), microseconds.tolist(), strict=True)
        return [TempoChange(time, mspq) for time, mspq in pairs if mspq]

    @property
    def time_signatures(self) -> list[SignatureChange]:
        """Time signatures."""
        rows = self._metas(_TIME_SIGNATURE, 4)
        pairs = zip(self.time[rows].tolist(), self._contents(rows, 2).tolist(), strict=True)
        return [SignatureChange(time, beats, 2**power) for time, (beats, power) in pairs]

    def track_names(self) -> dict[int, bytes]:
        """The tracks that have a name, by number from 0; the first name of each."""
        rows = self._metas(_TRACK_NAME, 1)[::-1]
        spans = zip(self.track[rows].tolist(), self.second[rows], self.size[rows], strict=True)
        return {track: self.data[begin : begin + size] for track, begin, size in spans}

    def _metas(self, kind: int, size: int) -> np.ndarray:
        """The rows of meta events that have at least a size."""
        return np.flatnonzero((self.status == META) & (self.first == kind) & (self.size >= size))

    def _contents(self, rows: np.ndarray, size: int) -> np.ndarray:
        """The first bytes of meta events as int64, shape=(rows, size)."""
        content = np.frombuffer(self.data, np.uint8)[self.second[rows, None] + np.arange(size)]
        return content.astype(np.int64)


def read_events(data: bytes) -> MidiEvents:
    """Read a type 0 or type 1 file; see Conventions.

    Raises MidiError if it is empty, cut short or no MIDI, of type 2, timed in SMPTE frames, or a
    track's bytes are no events.
    """
    if not data:
        raise MidiError("the file is empty; expected a MIDI file: get it again from its source")
    data = data[max(0, data.find(b"MThd", 0, MAX_WRAPPER_BYTES + 4)) :]
    count, tpq, position = _header(data)
    scan = _Scan(data)
    tracks = scan.tracks(position)
    if not len(tracks):
        none = "the file has no tracks; expected at least 1: export it again"
        raise MidiError(_truncated(f"0 of {count} tracks are there") if count else none)
    rows = scan.events()
    track = np.searchsorted(tracks, rows["place"], side="right") - 1
    ticks = np.cumsum(rows["delta"])
    before = np.append(0, ticks)[np.searchsorted(rows["place"], tracks)]
    columns = (rows[name] for name in _COLUMNS[2:])
    return MidiEvents(data, tpq, track, ticks - before[track], *columns)


def _header(data: bytes) -> tuple[int, int, int]:
    """Number of tracks, ticks a quarter note, and where the first chunk begins."""
    if data[:4] != b"MThd":
        raise MidiError(
            "this is not a MIDI file; expected a file whose name ends in .mid: export the music as "
            "MIDI"
        )
    if len(data) < _HEADER_BYTES:
        raise MidiError(_truncated(f"the header ends after {len(data)} of {_HEADER_BYTES} bytes"))
    length, kind, tracks, division = struct.unpack_from(">IHHH", data, 4)
    if length < _HEADER_BYTES - _CHUNK_HEAD_BYTES:
        raise MidiError(f"the header is {length} bytes long; expected 6: export the file again")
    if kind > 1:
        raise MidiError(f"the file is of type {kind}; expected 0 or 1: export it as type 1")
    if division & _SMPTE_BIT or not division:
        raise MidiError(
            f"the time division is 0x{division:04x}; expected ticks a quarter note, from 1 to "
            "32767, not SMPTE frames: export the file in musical time"
        )
    end = _CHUNK_HEAD_BYTES + length
    # Kinds of chunks are four letters or digits.
    follows = data[end : end + 4].isalnum()
    return tracks, division, end if follows else _next_track(data, _HEADER_BYTES)


def _truncated(what: str) -> str:
    return f"{what}; expected a whole file: it was cut short, get it again from its source"


def _next_track(data: bytes, position: int) -> int:
    """Where the next track's chunk begins, or the file's end."""
    found = data.find(_TRACK, position)
    return found if found >= 0 else len(data)


class _Nonsense(ValueError):
    """Bytes that are no event."""


class _Scan:
    """One pass over a file: single events, and runs of channel messages of two data bytes.

    In such a run every event has three bytes below 128: the last of its delta time, and two of
    data. Only deltas and status bytes are higher.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, np.uint8)
        is_low = self.bytes < 0x80
        self.lows = np.flatnonzero(is_low)
        self.lows_before = np.append(0, np.cumsum(is_low, dtype=np.int32))
        self.rows: list[tuple[int, ...]] = []
        self.runs: list[tuple[int, int, int, int]] = []
        self._known_marks: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def tracks(self, position: int) -> np.ndarray:
        """Read all tracks from a place on; the places where they begin."""
        found = []
        while position + _CHUNK_HEAD_BYTES <= len(self.data):
            kind, length = struct.unpack_from(">4sI", self.data, position)
            begin = position + _CHUNK_HEAD_BYTES
            end = self._chunk_end(kind, begin, length)
            if kind == _TRACK:
                found.append(begin)
                end = self._read_track(len(found), begin, begin + length, end)
            position = end
        return np.array(found, np.int64)

    def _chunk_end(self, kind: bytes, begin: int, length: int) -> int:
        """Where a chunk ends, by its length if that can be true; see Conventions."""
        data, end = self.data, begin + length
        follows = data[end : end + 4]
        if kind == _TRACK:
            ends = follows == _TRACK or data[max(begin, end - 3) : end] == _END_OF_TRACK
        else:
            ends = follows.isalnum()
        if end == len(data) or end < len(data) and ends:
            return end
        return _next_track(data, begin)

    def _read_track(self, number: int, begin: int, told: int, limit: int) -> int:
        """Read a track's events; where the next chunk begins. `told` is the end it claims."""
        try:
            position, ended = self._read_events(begin, limit)
        except _Nonsense as error:
            self._check_whole(told, limit)
            raise MidiError(
                f"the events in track {number} make no sense ({error}); expected well-formed MIDI "
                "events: export the file again"
            ) from None
        if not ended:
            self._check_whole(told, limit)
        return position if self.data.startswith(_TRACK, position) else limit

    def _check_whole(self, told: int, limit: int) -> None:
        if told > limit == len(self.data):
            raise MidiError(_truncated(f"the last track lacks its last {told - limit} bytes"))

    def _read_events(self, position: int, limit: int) -> tuple[int, bool]:
        """Read up to a limit; where that ended, and whether with an End of Track."""
        running = 0
        while position < limit:
            position, row = _event(self.data, position, limit, running)
            self.rows.append(row)
            status = row[2]
            if status < 0xF0:
                running = status
            elif status == META and row[3] == _END:
                return position, True
            if running and running & 0xE0 != PROGRAM:
                position, running = self._skip_run(position, limit, running)
        return position, False

    def _skip_run(self, begin: int, limit: int, running: int) -> tuple[int, int]:
        """Note down the whole events of a run, if any; where it ends, and its last status."""
        low = int(self.lows_before[begin])
        stops, statuses = self._marks(low % 3)
        stop = min(limit, int(stops[stops.searchsorted(begin)]))
        count = (int(self.lows_before[stop]) - low) // 3
        if not count:
            return begin, running
        self.runs.append((begin, low, count, running))
        end = int(self.lows[low + 3 * count - 1]) + 1
        last = int(statuses[statuses.searchsorted(end) - 1])
        return end, self.data[last] if begin < last < end else running

    def _marks(self, begun: int) -> tuple[np.ndarray, np.ndarray]:
        """Places where runs have to stop and where they have statuses, and the end of the file.

        They depend on the number of lows before a run, mod 3. It stops at bytes above 127 that
        are data, the fourth of a delta, or no status of two data bytes right behind a delta.
        """
        if begun not in self._known_marks:
            place, lows, is_status, is_delta = self._highs
            part = (lows - begun) % 3
            stops = ~np.choose(part, [is_delta, is_status, False])
            marks = (stops, is_status & (part == 1))
            ends = (np.append(place[mark], len(self.data)) for mark in marks)
            self._known_marks[begun] = tuple(ends)
        return self._known_marks[begun]

    @functools.cached_property
    def _highs(self) -> tuple[np.ndarray, ...]:
        """Bytes above 127: place, lows before, whether it can be a run's status, or in a delta."""
        place = np.flatnonzero(self.bytes >= 0x80)
        lows = self.lows_before[place]
        highs = place - np.append(-1, self.lows)[lows]
        status = self.bytes[place]
        is_long = (status < PROGRAM) | (status & 0xF0 == 0xE0)
        return place, lows, is_long & (highs == 1), highs < _MAX_QUANTITY_BYTES

    def events(self) -> dict[str, np.ndarray]:
        """All events' columns, in the order of the file."""
        single = np.array(self.rows, np.int64).reshape(-1, len(_COLUMNS)).T
        columns = np.concatenate([single, self._run_events()], axis=1)
        return dict(zip(_COLUMNS, columns[:, columns[0].argsort(kind="stable")], strict=True))

    def _run_events(self) -> np.ndarray:
        """The columns of the runs' events."""
        begin, low, count, running = np.array(self.runs, np.int64).reshape(-1, 4).T
        opens = np.cumsum(count) - count
        places = [self.lows[:0], *(self.lows[a : a + 3 * n] for _, a, n, _ in self.runs)]
        places = np.concatenate(places).reshape(-1, 3)
        delta_end = places[:, 0]
        columns = np.zeros((len(_COLUMNS), len(places)), np.int64)
        _, delta, status, first, second, _ = columns
        delta[:], first[:], second[:] = self.bytes[places].T
        # An event begins behind the second data byte of the one before.
        columns[0, 1:] = places[:-1, 2] + 1
        columns[0, opens] = begin
        for back in range(1, _MAX_QUANTITY_BYTES):
            longer = np.flatnonzero(delta_end - columns[0] >= back)
            delta[longer] += (self.bytes[delta_end[longer] - back] & 0x7F).astype(
                np.int64
            ) << 7 * back
        status[:] = self.bytes[delta_end + 1]
        told = status >= 0x80
        status[opens] = np.where(told[opens], status[opens], running)
        told[opens] = True
        status[:] = status[told][np.cumsum(told) - 1]
        return columns


def _event(data: bytes, begin: int, limit: int, running: int) -> tuple[int, tuple[int, ...]]:
    """One event of any kind: where it ends, and its columns."""
    delta, position = _quantity(data, begin, limit)
    status = data[position] if position < limit else 0
    if status >= 0x80:
        position += 1
    elif running:
        status = running
    else:
        raise _Nonsense("a message without a status")
    first = second = size = 0
    if status < 0xF0:
        first, second, end = _message(data, position, status)
    elif status == META:
        size, second = _quantity(data, position + 1, limit)
        first, end = data[position], second + size
    elif status in (0xF0, 0xF7):
        size, second = _quantity(data, position, limit)
        end = second + size
    else:
        end = position + _SYSTEM_BYTES.get(status, 0)
    if end > limit:
        raise _Nonsense("an event that goes beyond the end")
    return end, (begin, delta, status, first, second, size)


def _message(data: bytes, position: int, status: int) -> tuple[int, int, int]:
    """The data of a channel message, and where it ends."""
    end = position + (1 if status & 0xE0 == PROGRAM else 2)
    first, second, *_ = (*data[position:end], 0, 0)
    return min(first, 127), min(second, 127), end


def _quantity(data: bytes, position: int, limit: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    # Nearly all have one byte.
    if position < limit and data[position] < 0x80:
        return data[position], position + 1
    value = 0
    for place in range(position, min(position + _MAX_QUANTITY_BYTES, limit)):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    raise _Nonsense("a number that does not end")
