"""Rolls as written music: hands, voices, spelling, note values; what another program reads."""

from __future__ import annotations

import concurrent.futures
import sys
from xml.etree import ElementTree as ET

import music21
import numpy as np
import pytest
from hypothesis import given, settings
from strategies import rolls

from prism import ASSETS
from prism.corpora.prepared import Corpus
from prism.drawing.engraving import EngravingError, save_score
from prism.music.hands import key_fifths, spelt, split_points, two_hands
from prism.music.musicxml import musicxml
from prism.music.roll import Note, PianoRoll

WINDOWS = 20


def read(text: str) -> list[tuple[int, float, float]]:
    """(pitch, start, duration) as music21 reads them, with tied notes joined."""
    score = music21.converter.parseData(text, format="musicxml")
    heads = []
    for element in score.recurse().notes:
        start, length = element.getOffsetInHierarchy(score), element.duration.quarterLength
        for note in element.notes if element.isChord else [element]:
            goes_on = note.tie is not None and note.tie.type in ("stop", "continue")
            heads.append((note.pitch.midi, float(start), float(length), goes_on))
    notes: list[tuple[int, float, float]] = []
    for pitch, start, length, goes_on in sorted(heads):
        if goes_on:
            before = notes.pop()
            assert (before[0], before[1] + before[2]) == (pitch, start)
            pitch, start, length = pitch, before[1], before[2] + length
        notes.append((pitch, start, length))
    return notes


def notes_of(roll: PianoRoll) -> list[tuple[int, float, float]]:
    return sorted((n.pitch, n.start, n.duration) for n in roll.notes())


def written(roll: PianoRoll) -> list[list[tuple]]:
    """Of each bar (staff, voice, name or rest, type with dots, tie ways, accidental, beams)."""
    root = ET.fromstring(musicxml(roll).split("\n", 2)[2])
    return [[_row(note) for note in bar.iter("note")] for bar in root.iter("measure")]


def _row(note: ET.Element) -> tuple:
    name = "".join(note.findtext(f"pitch/{part}", "") for part in ("step", "alter", "octave"))
    return (
        *(int(note.findtext("staff")), int(note.findtext("voice")), name or "rest"),
        note.findtext("type", "bar") + "." * len(note.findall("dot")),
        *(" ".join(t.get("type") for t in note.findall("tie")), note.findtext("accidental", "")),
        " ".join(beam.text for beam in note.findall("beam")),
    )


def real_windows() -> list[PianoRoll]:
    """Of every label one, then more of the first ones, from the middle of what there is."""
    corpus = Corpus.load(ASSETS / "corpus")
    found = [corpus.windows("validation", label) for label in corpus.labels]
    places = [(w, i) for i in (2, 3) for w in found]
    return [windows[len(windows) // i].roll for windows, i in places][:WINDOWS]


def test_real_windows_read_back_to_the_same_notes():
    windows = real_windows()
    assert len(windows) == WINDOWS
    for roll in windows:
        assert read(musicxml(roll, "A title", ("source: one",))) == notes_of(roll)


@settings(max_examples=25)
@given(rolls())
def test_every_bar_is_full_and_no_note_is_lost(roll):
    root = ET.fromstring(musicxml(roll).split("\n", 2)[2])
    ends = [*roll.bar_starts.tolist(), roll.frames]
    for measure, length in zip(root.iter("measure"), np.diff(ends), strict=True):
        voices: dict[str, int] = {}
        for note in measure.iter("note"):
            if note.find("chord") is None:
                voice = note.findtext("voice")
                voices[voice] = voices.get(voice, 0) + int(note.findtext("duration"))
        assert set(voices.values()) == {length}
    begun = [n for n in root.iter("note") if n.find("pitch") is not None]
    begun = [n for n in begun if n.find("tie[@type='stop']") is None]
    assert len(begun) == len(roll.notes())


def test_two_hands_voices_ties_rests_and_beams():
    # Four four: a held C5 over moving eighths, and a bass from the third beat into the next bar.
    notes = [Note(72, 0, 3), Note(64, 0, 0.5), Note(65, 0.5, 0.5), Note(67, 1, 2)]
    notes += [Note(36, 2, 3), Note(48, 2, 3)]
    first, second = written(PianoRoll.from_notes(notes, frames=32))
    assert first == [
        (1, 1, "C05", "half.", "", "", ""),
        (1, 1, "rest", "quarter", "", "", ""),
        (1, 2, "E04", "eighth", "", "", "begin"),
        (1, 2, "F04", "eighth", "", "", "end"),
        (1, 2, "G04", "half", "", "", ""),
        (1, 2, "rest", "quarter", "", "", ""),
        (2, 3, "rest", "half", "", "", ""),
        (2, 3, "C02", "half", "start", "", ""),
        (2, 3, "C03", "half", "start", "", ""),
    ]
    assert second == [
        (1, 1, "rest", "bar", "", "", ""),
        (2, 3, "C02", "quarter", "stop", "", ""),
        (2, 3, "C03", "quarter", "stop", "", ""),
        (2, 3, "rest", "quarter", "", "", ""),
        (2, 3, "rest", "half", "", "", ""),
    ]


def test_sixteenths_and_lengths_without_a_value():
    # A dotted eighth and a sixteenth, an eighth between sixteenths, then five frames.
    notes = [Note(72, 0, 0.75), Note(74, 0.75, 0.25), Note(76, 1, 0.25), Note(77, 1.25, 0.5)]
    notes += [Note(76, 1.75, 0.25), Note(72, 2, 1.25)]
    (bar,) = written(PianoRoll.from_notes(notes, frames=16))
    upper = [row[2:5] + row[6:] for row in bar if row[0] == 1]
    assert upper == [
        ("C05", "eighth.", "", "begin"),
        ("D05", "16th", "", "end backward hook"),
        ("E05", "16th", "", "begin forward hook"),
        ("F05", "eighth", "", "continue"),
        ("E05", "16th", "", "end backward hook"),
        ("C05", "quarter", "start", ""),
        ("C05", "16th", "stop", ""),
        ("rest", "16th", "", ""),
        ("rest", "eighth", "", ""),
    ]


def test_a_sign_stands_once_a_bar_and_is_taken_back():
    # In G major: F sharp is in the signature; F natural and back, C sharp twice, next bar again.
    scale = [67, 71, 74, 66, 65, 66, 73, 73] + [67, 73, 67, 71, 74, 71, 67, 67]
    roll = PianoRoll.from_notes([Note(p, i * 0.5, 0.5) for i, p in enumerate(scale)], frames=32)
    first, second = ([(r[2], r[5]) for r in bar if r[0] == 1] for bar in written(roll))
    assert first[3:] == [
        *[("F14", ""), ("F04", "natural"), ("F14", "sharp"), ("C15", "sharp"), ("C15", "")]
    ]
    assert second[:3] == [("G04", ""), ("C15", "sharp"), ("G04", "")]


@pytest.mark.parametrize(
    ("pitch", "key", "name"),
    [
        *[(61, 0, "D-14"), (66, 0, "F14"), (70, 7, "B-14"), (73, 2, "C15"), (59, 11, "B03")],
        *[(63, 12 + 9, "D14"), (68, 12 + 9, "G14"), (71, 12, "B04"), (59, 6, "B03")],
        *[(65, 6, "E14"), (60, 6, "B13"), (60, None, "C04"), (64, 1, "F-14"), (71, 1, "C-15")],
    ],
)
def test_spelling(pitch, key, name):
    found = spelt(pitch, key)
    semitones = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[found.step]
    assert 12 * (found.octave + 1) + semitones + found.alter == pitch
    assert f"{found.step}{found.alter}{found.octave}" == name


def test_key_signatures_are_the_circle_of_fifths():
    majors = [key_fifths(key) for key in range(12)]
    assert majors == [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5]
    assert [key_fifths(12 + (key + 9) % 12) for key in range(12)] == majors


def test_a_tune_stays_in_one_hand_and_chords_are_shared_out():
    tune = PianoRoll.from_notes([Note(55 + i % 12, i, 1) for i in range(64)])
    upper, lower = two_hands(tune)
    assert len(upper) == 1 and len(upper[0]) == 64 and not lower
    low = tune.transposed(-24)
    assert not two_hands(low)[0] and len(two_hands(low)[1][0]) == 64
    chords = [Note(p, 0, 4) for p in (36, 43, 52, 64, 67, 72)]
    upper, lower = two_hands(PianoRoll.from_notes(chords, frames=16))
    assert [p for p, _ in upper[0][0].notes] == [64, 67, 72]
    assert [p for p, _ in lower[0][0].notes] == [36, 43, 52]


def test_the_hands_part_where_there_is_room():
    # A line around middle C over a low bass is not torn apart.
    notes = [Note(p, i, 1) for i, p in enumerate([60, 59, 60, 59] * 2)]
    notes += [Note(45, i, 1) for i in range(8)]
    assert (split_points(PianoRoll.from_notes(notes, frames=32)) <= 59).all()


def test_silence_and_odd_bars_can_be_written():
    empty = PianoRoll.empty(32, time_signature=(3, 4))
    assert read(musicxml(empty)) == []
    odd = PianoRoll.from_notes([Note(60, i, 1) for i in range(16)], frames=64, bars=(0, 6, 22))
    assert read(musicxml(odd)) == notes_of(odd)


def test_title_and_origin_are_escaped_and_kept():
    text = musicxml(PianoRoll.empty(16), "A & B\n <1>\x07", ("terms: “free”",))
    root = ET.fromstring(text.split("\n", 2)[2])
    assert root.findtext("work/work-title") == "A & B <1>"
    assert root.findtext("identification/miscellaneous/miscellaneous-field") == "terms: “free”"


def test_the_picture_has_every_note(tmp_path):
    roll = real_windows()[0]
    save_score(roll, tmp_path / "a.svg", "Title")
    save_score(roll, tmp_path / "b.svg", "Title")
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    ET.fromstring(text)
    heads = sum(row[2] != "rest" for bar in written(roll) for row in bar)
    assert text.count('class="note"') == heads and "Title" in text


def test_any_thread_can_engrave(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        paths = [tmp_path / f"{number}.svg" for number in range(3)]
        list(threads.map(lambda path: save_score(PianoRoll.empty(16), path), paths))
    assert all(path.read_text().startswith("<svg") for path in paths)


def test_without_verovio_a_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "verovio", None)
    with pytest.raises(EngravingError, match="pip install verovio"):
        save_score(PianoRoll.empty(16), tmp_path / "a.svg")
