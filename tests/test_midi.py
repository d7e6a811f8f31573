import io
import struct

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rolls

import prism.music.midi
from prism.music.midi import MidiError, read_midi, write_midi
from prism.music.roll import Note, PianoRoll

# Ticks a beat of the files made here: four to one of Prism's.
TICKS = 96

END_OF_TRACK = b"\x00\xff\x2f\x00"


def delta(ticks):
    """A variable-length quantity."""
    parts = [ticks & 0x7F]
    while ticks := ticks >> 7:
        parts.append(ticks & 0x7F | 0x80)
    return bytes(reversed(parts))


def note_on(wait, pitch, velocity=80, channel=0):
    return delta(wait) + bytes([0x90 | channel, pitch, velocity])


def note_off(wait, pitch, channel=0):
    return delta(wait) + bytes([0x80 | channel, pitch, 64])


def pedal(wait, value):
    return delta(wait) + bytes([0xB0, 64, value])


def tempo(wait, microseconds):
    return delta(wait) + b"\xff\x51\x03" + microseconds.to_bytes(3, "big")


def signature(wait, numerator, power):
    return delta(wait) + b"\xff\x58\x04" + bytes([numerator, power, 24, 8])


def chunk(events, kind=b"MTrk"):
    return kind + struct.pack(">I", len(events)) + events


def midi(*tracks, kind=None, count=None, division=TICKS):
    """A file of the given tracks, each a bytes of events; type 0 if it is just one."""
    kind = int(len(tracks) > 1) if kind is None else kind
    header = struct.pack(">HHH", kind, len(tracks) if count is None else count, division)
    return chunk(header, b"MThd") + b"".join(chunk(track + END_OF_TRACK) for track in tracks)


ONE_NOTE = note_on(0, 60) + note_off(TICKS, 60)


def rows(data):
    """Notes as (start, duration, pitch, velocity), ticks of 24 a beat."""
    return [tuple(row) for row in read_midi(data).notes.tolist()]


def test_type_0():
    assert rows(midi(ONE_NOTE + note_on(48, 64, 100) + note_off(24, 64))) == [
        (0, 24, 60, 80),
        (36, 6, 64, 100),
    ]


def test_type_1_tracks_and_channels_become_one_piano():
    second = note_on(0, 72, 50, channel=3) + note_off(48, 72, channel=3)
    assert rows(midi(signature(0, 3, 2), ONE_NOTE, second)) == [(0, 24, 60, 80), (0, 12, 72, 50)]


def test_drums_are_dropped():
    drums = note_on(0, 36, channel=9) + note_off(TICKS, 36, channel=9)
    assert rows(midi(drums + ONE_NOTE)) == [(24, 24, 60, 80)]


def test_running_status_and_note_on_of_velocity_0():
    running = note_on(0, 60) + delta(48) + bytes([60, 0]) + delta(0) + bytes([62, 90])
    assert rows(midi(running + delta(24) + bytes([62, 0]))) == [(0, 12, 60, 80), (12, 6, 62, 90)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # struck again while it sounds: cut
        (
            note_on(0, 60, 80) + note_on(48, 60, 81) + note_off(48, 60) + note_off(48, 60),
            [(0, 12, 60, 80), (12, 24, 60, 81)],
        ),
        # struck twice at once: the longer
        (
            note_on(0, 60, 80) + note_on(0, 60, 81) + note_off(48, 60) + note_off(48, 60),
            [(0, 24, 60, 81)],
        ),
        # the note-off after the note-on of the same tick
        (
            note_on(0, 60, 80) + note_on(48, 60, 81) + note_off(0, 60) + note_off(48, 60),
            [(0, 12, 60, 80), (12, 12, 60, 81)],
        ),
        # let go at once: one tick
        (note_on(0, 60) + note_off(0, 60), [(0, 1, 60, 80)]),
        # never struck
        (note_off(0, 60) + ONE_NOTE, [(0, 24, 60, 80)]),
        # outside the piano
        (note_on(0, 20) + note_off(9, 20) + note_on(0, 109) + note_off(9, 109), []),
        (
            note_on(0, 21) + note_on(0, 108) + note_off(8, 21) + note_off(0, 108),
            [(0, 2, 21, 80), (0, 2, 108, 80)],
        ),
        # a third of a beat, and rounding halves up
        (note_on(32, 60) + note_off(32, 60), [(8, 8, 60, 80)]),
        (note_on(2, 60) + note_off(4, 60), [(1, 1, 60, 80)]),
        # a loudness and a pitch no byte can hold
        (note_on(0, 60, 200) + note_on(0, 188) + note_off(8, 60), [(0, 2, 60, 127)]),
    ],
)
def test_notes(events, expected):
    assert rows(midi(events)) == expected


def test_overlaps_across_tracks_are_resolved():
    second = note_on(48, 60, 50, channel=1) + note_off(96, 60, channel=1)
    assert rows(midi(ONE_NOTE, second)) == [(0, 12, 60, 80), (12, 24, 60, 50)]


FORGOTTEN = note_on(0, 60, 81) + note_on(48, 60, 82) + note_off(48, 60)
OVERLAP = (
    note_on(0, 60, 83) + note_on(24, 60, 84) + note_off(24, 60) + note_off(48, 60) + pedal(288, 0)
)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # each strike to the next one or to a note-off that comes before
        (
            3 * (FORGOTTEN + pedal(288, 0)),
            [(96 * bar + at, 12, 60, 81 + at // 12) for bar in range(3) for at in (0, 12)],
        ),
        # nothing follows, or only a bar and more later: a bar
        (note_on(0, 60) + ONE_NOTE.replace(b"\x3c", b"\x3e"), [(0, 96, 60, 80), (0, 24, 62, 80)]),
        (note_on(0, 60, 81) + pedal(768, 0) + ONE_NOTE, [(0, 96, 60, 81), (192, 24, 60, 80)]),
        # a note-off that comes late is believed
        (FORGOTTEN[:-4] + note_off(960, 60), [(0, 12, 60, 81), (12, 240, 60, 82)]),
        # what overlaps honestly before stays, up to the last rest of the pitch
        (
            OVERLAP + FORGOTTEN,
            [(0, 6, 60, 83), (6, 18, 60, 84), (96, 12, 60, 81), (108, 12, 60, 82)],
        ),
        # on another pitch, channel or track it stays anyhow
        (
            note_on(0, 61) + OVERLAP,
            [(0, 6, 60, 83), (0, 96, 61, 80), (6, 18, 60, 84)],
        ),
        (
            note_on(0, 61, 80, channel=1) + OVERLAP,
            [(0, 6, 60, 83), (0, 96, 61, 80), (6, 18, 60, 84)],
        ),
        # struck again before it is let go at the same moment: the last one is let go nowhere
        (
            note_on(0, 60) + 3 * (note_on(48, 60) + note_off(0, 60)),
            [(0, 12, 60, 80), (12, 12, 60, 80), (24, 12, 60, 80), (36, 96, 60, 80)],
        ),
    ],
)
def test_no_strike_is_lost_where_note_offs_are_missing(events, expected):
    assert rows(midi(events)) == expected


def test_tracks_let_go_their_own_notes_only():
    forgotten = note_on(0, 60, 81)
    assert rows(midi(forgotten, pedal(96, 0) + ONE_NOTE)) == [(0, 24, 60, 81), (24, 24, 60, 80)]


def test_the_pedal_is_ignored():
    events = pedal(0, 127) + ONE_NOTE + pedal(96, 0) + note_on(0, 64) + note_off(24, 64)
    assert rows(midi(events)) == [(0, 24, 60, 80), (48, 6, 64, 80)]


def test_tempo_change_moves_nothing_in_beats():
    conductor = tempo(0, 500_000) + tempo(TICKS, 1_000_000)
    piece = read_midi(midi(conductor, ONE_NOTE + ONE_NOTE + ONE_NOTE))
    assert piece.notes[:, 0].tolist() == [0, 24, 48]
    assert piece.tempo == 72.0  # three beats in 2.5 seconds


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (ONE_NOTE, 120.0),
        (tempo(0, 600_000) + tempo(TICKS, 500_000) + note_on(0, 60) + note_off(9, 60), 120.0),
        (tempo(0, 616_650) + ONE_NOTE, 97.3),
        (tempo(0, 0) + ONE_NOTE, 120.0),
        (tempo(0, 600_000), 100.0),
        # too short for a tempo; longer ones begin with it
        (b"\x00\xff\x51\x01\x07" + ONE_NOTE, 120.0),
        (tempo(0, 600_000) + b"\x00\xff\x51\x02\x07\xa1" + ONE_NOTE, 100.0),
        (b"\x00\xff\x51\x04\x09\x27\xc0\x00" + ONE_NOTE, 100.0),
    ],
)
def test_tempo_where_the_first_note_begins(events, expected):
    assert read_midi(midi(events)).tempo == expected


LONG_NOTE = note_on(0, 60) + note_off(8 * TICKS, 60)


@pytest.mark.parametrize(
    ("conductor", "time_signature", "bars"),
    [
        (b"", (4, 4), [0, 96]),
        (signature(0, 3, 2), (3, 4), [0, 72, 144]),
        (signature(0, 6, 3), (6, 8), [0, 72, 144]),
        (signature(0, 4, 2) + signature(4 * TICKS, 2, 2), (4, 4), [0, 96, 144]),
        # a pick-up
        (signature(0, 1, 2) + signature(TICKS, 3, 2), (3, 4), [24, 96, 168]),
        # a change inside a bar, which is then not full
        (signature(0, 3, 2) + signature(4 * TICKS, 4, 2), (3, 4), [0, 96]),
        # no metre at all
        (signature(0, 0, 2), (4, 4), [0, 96]),
        (signature(0, 3, 9), (4, 4), [0, 96]),
        # too short for a metre; a longer one begins with it
        (b"\x00\xff\x58\x01\x03", (4, 4), [0, 96]),
        (b"\x00\xff\x58\x05\x03\x02\x18\x08\x00", (3, 4), [0, 72, 144]),
    ],
)
def test_bars(conductor, time_signature, bars):
    piece = read_midi(midi(conductor, LONG_NOTE))
    assert piece.time_signature == time_signature
    assert piece.bars.tolist() == bars


def test_a_file_without_notes_is_a_silent_piece():
    piece = read_midi(midi(b""))
    assert (piece.notes.shape, piece.notes.dtype, piece.bars.tolist()) == ((0, 4), np.int32, [])
    assert piece.window() == PianoRoll.empty(tempo=120.0)


def test_names_come_from_the_path(tmp_path):
    path = tmp_path / "Air on G.mid"
    path.write_bytes(midi(ONE_NOTE))
    piece = read_midi(path)
    assert (piece.identifier, piece.title, piece.source) == ("Air on G.mid", "Air on G", path.name)
    assert (piece.label, piece.terms, piece.group) == ("", "", "")
    assert read_midi(str(path)).identifier == "Air on G.mid"
    assert read_midi(midi(ONE_NOTE)).title == "MIDI data"


WHOLE = midi(ONE_NOTE, ONE_NOTE)
FAR = 2**28 - 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"hello, this is not music", "this is not a MIDI file"),
        (bytes(1025) + WHOLE, "this is not a MIDI file"),
        (b"MThd\0\0\0\6\0", "header ends after 9 of 14 bytes"),
        (WHOLE[:7] + b"\5" + WHOLE[8:], "header is 5 bytes long; expected 6"),
        (midi(ONE_NOTE, kind=2), "type 2; expected 0 or 1"),
        (midi(ONE_NOTE, kind=7), "type 7; expected 0 or 1"),
        (midi(ONE_NOTE, division=0xE728), "0xe728; expected ticks a quarter note.*not SMPTE"),
        (midi(ONE_NOTE, division=0), "0x0000; expected ticks a quarter note"),
        (midi(count=0), "has no tracks; expected at least 1"),
        (WHOLE[:14], "0 of 2 tracks are there; expected a whole file"),
        (WHOLE[:-3], "lacks its last 3 bytes; expected a whole file"),
        (WHOLE[:-4], "lacks its last 4 bytes; expected a whole file"),
        (midi(b"\0\x3c\x40"), "track 1 make no sense .a message without a status"),
        (midi(ONE_NOTE, b"\0\xff\x01\x7fhi"), "track 2 make no sense .an event that goes beyond"),
        (midi(b"\xff\xff\xff\xff\x7f" + ONE_NOTE), "make no sense .a number that does not end"),
        (
            midi(note_on(TICKS * prism.music.midi.MAX_BEATS, 60) + note_off(9, 60)),
            "beyond beat 20000",
        ),
        (
            midi(note_on(0, 60) + note_off(FAR, 60) + 8 * (note_on(FAR, 60) + note_off(FAR, 60))),
            "beyond beat 20000",
        ),
        (WHOLE + bytes(prism.music.midi.MAX_FILE_BYTES), "larger than 4194304 bytes"),
    ],
)
def test_broken_files_are_named_errors(tmp_path, data, message):
    path = tmp_path / "broken.mid"
    path.write_bytes(data)
    with pytest.raises(MidiError, match=message) as caught:
        read_midi(data)
    assert "b'" not in str(caught.value) and "\\x" not in str(caught.value)
    with pytest.raises(MidiError, match="broken.mid: .*" + message):
        read_midi(path)


def test_too_many_notes(monkeypatch):
    monkeypatch.setattr(prism.music.midi, "MAX_NOTES", 1)
    with pytest.raises(MidiError, match="has 2 notes; expected at most 1"):
        read_midi(midi(ONE_NOTE + ONE_NOTE))


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_midi(tmp_path / "none.mid")


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_damage_is_an_error_or_a_piece(data):
    content = bytearray(midi(tempo(0, 500_000) + signature(0, 3, 2), pedal(0, 99) + 9 * ONE_NOTE))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        piece = read_midi(bytes(content))
    except MidiError:
        return
    assert piece.tempo > 0
    assert np.all((piece.notes[:, 3] >= 1) & (piece.notes[:, 3] <= 127) & (piece.notes[:, 1] >= 1))
    piece.window()


@given(rolls())
@settings(deadline=None, max_examples=40)
def test_roll_to_file_to_roll_is_exact(roll):
    assert read_midi(write_midi(roll)).window() == roll


@given(rolls(frames=24), st.floats(4.0, 1000.0))
@settings(deadline=None, max_examples=40)
def test_any_tempo_comes_back_rounded(roll, any_tempo):
    back = read_midi(write_midi(roll.with_tempo(any_tempo))).window(frames=24)
    # Half a microsecond a beat, then half a hundredth.
    assert abs(back.tempo - any_tempo) < any_tempo**2 / 6e7 + 0.00501
    assert back.with_tempo(roll.tempo) == roll


def test_written_file(tmp_path):
    roll = PianoRoll.from_notes([Note(60, 1.0, 0.5, 90)], tempo=120.0, time_signature=(3, 4))
    path = tmp_path / "roll.mid"
    content = write_midi(roll, path, texts=["Dvořák 0.7, Bach 0.3", "seed 7"])
    assert path.read_bytes() == content
    file = pretty_midi.PrettyMIDI(str(path), charset="utf-8")
    assert [text.text for text in file.text_events] == ["Dvořák 0.7, Bach 0.3", "seed 7"]
    (piano,) = file.instruments
    (note,) = piano.notes
    assert (note.pitch, note.velocity, note.start, note.end) == (60, 90, 0.5, 0.75)
    assert (piano.program, piano.is_drum) == (0, False)
    signature = file.time_signature_changes[0]
    assert (signature.numerator, signature.denominator) == (3, 4)


@pytest.mark.parametrize("frames", [4, 100, 256])
def test_silence_at_the_end_is_kept(frames):
    roll = PianoRoll.from_notes([Note(60, 0, 0.25)], frames, tempo=90.0)
    file = mido.MidiFile(file=io.BytesIO(write_midi(roll)))
    assert file.length == pytest.approx(roll.seconds, abs=1e-4)


def test_written_bytes():
    """Worked by hand: a struck and a repeated key at tempo 100 are 600,000 microseconds a beat."""
    notes = [Note(60, 0, 1, 80), Note(60, 1, 0.5, 64)]
    roll = PianoRoll.from_notes(notes, frames=8, tempo=100.0, time_signature=(3, 4))
    timing = (
        "00 ff 51 03 09 27 c0"  # tempo
        "00 ff 58 04 03 02 18 08"  # 3/4
        "00 ff 01 02 c3 a9"  # é in UTF-8
        "00 ff 2f 00"
    )
    piano = (
        "00 ff 03 05 50 69 61 6e 6f"  # its name
        "00 c0 00"  # program
        "00 90 3c 50"
        "83 60 3c 00"  # let go after 480 ticks, before it is struck again
        "00 3c 40"
        "81 70 3c 00"  # after 240 ticks
        "81 70 ff 2f 00"  # the roll ends after 240 more
    )
    head = "4d 54 68 64 00 00 00 06 00 01 00 02 01 e0"
    tracks = [bytes.fromhex(track) for track in (timing, piano)]
    expected = bytes.fromhex(head) + b"".join(
        b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks
    )
    assert write_midi(roll, texts=["é"]) == expected


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"tempo": 3.0}, "tempo: MIDI holds 3.58 to"),
        ({"tempo": 2e8}, "tempo: MIDI holds 3.58 to"),
        ({"time_signature": (4, 3)}, "time_signature: MIDI holds"),
        ({"time_signature": (4, 128)}, "time_signature: MIDI holds"),
        ({"time_signature": (0, 4)}, "time_signature: MIDI holds"),
        ({"time_signature": (300, 4)}, "time_signature: MIDI holds"),
    ],
)
def test_what_midi_cannot_hold_is_refused(properties, message):
    with pytest.raises(ValueError, match=message):
        write_midi(PianoRoll.empty(**properties))
