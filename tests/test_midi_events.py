"""How the bytes of MIDI files, good and bad, become events."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import damaged_files
from test_midi import END_OF_TRACK, ONE_NOTE, TICKS, chunk, midi, note_off, note_on, rows, tempo

import prism.music.midi_events
from prism.corpora.files import LeftOut
from prism.corpora.folder import read_content
from prism.music.midi import MidiError, read_midi
from prism.music.midi_events import read_events

WHOLE = midi(tempo(0, 600_000), ONE_NOTE)
NOTES = [(0, 24, 60, 80)]


def header(*, length=6, kind=1, count=2, division=TICKS, more=b""):
    return b"MThd" + struct.pack(">IHHH", length, kind, count, division) + more


def test_columns_by_hand():
    second = b"\x83\x60\xb0\x40\x7f" + b"\x00\xc2\x05" + note_on(5, 62) + b"\x07\x3e\x00"
    events = read_events(midi(tempo(0, 600_000), second))
    # The first track begins at byte 22, its content at 26.
    assert list(zip(events.track, events.time, events.status, events.first, strict=True)) == [
        (0, 0, 0xFF, 0x51),
        (0, 0, 0xFF, 0x2F),
        (1, 480, 0xB0, 64),
        (1, 480, 0xC2, 5),
        (1, 485, 0x90, 62),
        (1, 492, 0x90, 62),
        (1, 492, 0xFF, 0x2F),
    ]
    assert events.second.tolist() == [26, 33, 127, 0, 80, 0, len(events.data)]
    assert events.strikes.tolist() == [False] * 4 + [True, False, False]
    assert events.tpq == TICKS and events.tempos == [(0, 600_000)]


def test_a_tempo_however_late_is_no_error():
    late = 40 * (b"\xff\xff\xff\x7f" + b"\xff\x01\x00") + tempo(0, 600_000)
    assert read_midi(midi(late, ONE_NOTE)).tempo == 120


def test_events_that_are_known_are_not_read_again():
    assert read_midi(read_events(WHOLE)).notes.tolist() == [list(note) for note in NOTES]


def test_names_are_the_first_of_each_track():
    events = read_events(midi(b"\x00\xff\x03\x01A\x00\xff\x03\x01B", b"", b"\x00\xff\x03\x01\xe9"))
    assert events.track_names() == {0: b"A", 2: b"\xe9"}


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\xf0\x03\x01\x02\xf7",
        b"\x00\xff\x01\x02hi",
        # what would be notes, were they not in an escape
        b"\x00\xf7\x03\x90\x3e\x50",
        b"\x00\xf7\x00",
        b"\x00\xf2\x01\x02\x00\xf8",
    ],
)
def test_other_events_are_skipped(noise):
    assert rows(midi(noise + b"\x00\xe0\x00\x40" + ONE_NOTE)) == NOTES
    # with running status
    assert rows(midi(note_on(0, 60) + noise + b"\x60\x3c\x00")) == NOTES


def test_the_time_of_system_exclusive_events_counts():
    """In ticks of 480 to the beat, the note belongs at 200: ten of Prism's."""
    sysex = b"\x81\x48\xf7\x03\x43\x12\xf7"
    data = midi(sysex + note_on(0, 60) + note_off(480, 60), division=480)
    assert rows(data) == [(10, 24, 60, 80)]
    assert rows(data.replace(b"\xf7\x03", b"\xf0\x03")) == [(10, 24, 60, 80)]


TRACK = chunk(ONE_NOTE + END_OF_TRACK)
UNENDED = chunk(ONE_NOTE)
WRONG = {n: b"MTrk" + struct.pack(">I", n) + ONE_NOTE + END_OF_TRACK for n in (0, 3, 40, 2**31)}


@pytest.mark.parametrize(
    "data",
    [
        # wrappers
        b"RIFF" + struct.pack("<I", len(WHOLE) + 12) + b"RMIDdata" + bytes(4) + WHOLE,
        bytes(128) + WHOLE,
        WHOLE + bytes(9),
        # headers
        header(length=8, more=b"\0\0") + TRACK,
        header(length=7) + TRACK,
        header(count=9) + TRACK,
        header(count=0) + TRACK,
        header(count=1) + chunk(tempo(0, 600_000) + END_OF_TRACK) + TRACK,
        # other chunks, also with a wrong length
        header() + chunk(b"abcd", b"XFIH") + chunk(b"efg", b"XFKM") + TRACK + chunk(b"", b"XFKM"),
        header() + b"XFIH" + struct.pack(">I", 99) + b"ab" + TRACK,
        # tracks with a wrong length, or without an end
        *(header() + track for track in WRONG.values()),
        *(header() + track + chunk(tempo(0, 600_000)) for track in WRONG.values()),
        header() + UNENDED,
        header() + UNENDED + chunk(END_OF_TRACK),
        header() + UNENDED + bytes(3),
        # what follows the end of a track
        header() + chunk(ONE_NOTE + END_OF_TRACK + note_on(0, 62) + note_off(9, 62)),
    ],
)
def test_variants_are_read(data):
    assert rows(data) == NOTES


def naive(data, monkeypatch):
    """Every event read by itself."""
    with monkeypatch.context() as patch:
        skip = lambda scan, begin, limit, running: (begin, running)  # noqa: E731
        patch.setattr(prism.music.midi_events._Scan, "_skip_run", skip)
        return read_events(data)


def outcome(read, *arguments):
    try:
        events = read(*arguments)
    except MidiError as error:
        return str(error)
    columns = ("track", "time", "status", "first", "second", "size")
    return [getattr(events, name).tolist() for name in columns]


def messages():
    """Bytes of events, most of them sensible."""
    quantity = st.sampled_from(
        [b"\0", b"\x60", b"\x81\x00", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff"]
    )
    status = st.sampled_from(
        [b"", b"", b"\x90", b"\xe1", b"\xc0", b"\xf2", b"\xff\x01\x02", b"\xf7\x01"]
    )
    data = st.binary(max_size=2) | st.sampled_from([b"\x3c\x40", b"\x3c\xc0", b"\xbc\x40", b"\x05"])
    return st.lists(st.tuples(quantity, status, data).map(b"".join), max_size=30).map(b"".join)


@given(messages(), messages())
@settings(deadline=None, max_examples=150)
def test_runs_are_read_as_their_single_events_are(first, second):
    data = midi(note_on(0, 60) + first, second + ONE_NOTE)
    with pytest.MonkeyPatch.context() as patch:
        assert outcome(read_events, data) == outcome(naive, data, patch)


@given(damaged_files())
@settings(deadline=None, max_examples=100)
def test_damaged_files_are_read_or_refused_by_name(data):
    with pytest.MonkeyPatch.context() as patch:
        assert outcome(read_events, data) == outcome(naive, data, patch)
    try:
        piece = read_midi(data)
    except MidiError as error:
        assert "expected" in str(error)
        assert isinstance(read_content(data), LeftOut)
        return
    assert piece.tempo > 0 and (np.diff(piece.bars) > 0).all()
    start, duration, pitch, velocity = piece.notes.T
    assert (start >= 0).all() and (duration >= 1).all() and (np.diff(start) >= 0).all()
    assert ((pitch >= 21) & (pitch <= 108) & (velocity >= 1) & (velocity <= 127)).all()
