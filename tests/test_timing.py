"""Metre and tempo of a stretch of music, worked out by hand: of files, pieces and rolls."""

import dataclasses
import json

import numpy as np
import pytest
from conftest import ROOT, make_piece
from hypothesis import given, settings
from hypothesis import strategies as st
from test_midi import TICKS, midi, note_off, note_on, signature, tempo

from prism.cli import corpora as command_line
from prism.corpora.dataset import label_profiles
from prism.corpora.prepared import Corpus
from prism.corpora.shards import read_piece, write_shard
from prism.music.metadata import metre_in
from prism.music.midi import read_midi, write_midi
from prism.music.performance import shaped
from prism.music.roll import Note, PianoRoll, Piece
from prism.music.statistics import describe_structure
from prism.music.timing import named_bar
from prism.music.windows import roll_properties, windows_of

NOTE = note_on(0, 60) + note_off(TICKS, 60)
# 4/4 at 60, and from beat 8 on 3/4 at 140.
SLOW_THEN_FAST = (
    signature(0, 4, 2)
    + tempo(0, 1_000_000)
    + signature(8 * TICKS, 3, 2)
    + tempo(0, round(60_000_000 / 140))
)


def piece_of(conductor: bytes, beats: int = 96) -> Piece:
    return read_midi(midi(conductor, beats * NOTE))


def piece_with_bars(*quarters: int, **fields) -> Piece:
    """A piece whose bars have these lengths; no signature says so."""
    ticks = 24 * np.cumsum([0, *quarters])
    notes = [[24 * beat, 24, 60, 80] for beat in range(sum(quarters))]
    return make_piece(
        "x", notes=np.array(notes, np.int32), bars=ticks[:-1].astype(np.int32), **fields
    )


# ---- metre ----


@pytest.mark.parametrize(
    ("conductor", "bars"),
    [
        # one tick late
        (signature(1, 3, 2), None),
        # from the second bar on: bars at beats 0, 4, 7, 10, …
        (signature(4 * TICKS, 3, 2), (0, *range(16, 256, 12))),
        (signature(0, 4, 2) + signature(4 * TICKS, 3, 2), (0, *range(16, 256, 12))),
        # a pick-up
        (signature(0, 1, 2) + signature(TICKS, 3, 2), None),
        # 42 beats in 3/4, then 22 in 4/4
        (
            signature(0, 3, 2) + signature(42 * TICKS, 4, 2),
            (*range(0, 168, 12), *range(168, 256, 16)),
        ),
    ],
)
def test_a_window_has_the_metre_of_most_of_its_beats(conductor, bars):
    piece = piece_of(conductor)
    roll = windows_of(piece)[0].roll
    assert roll.time_signature == (3, 4) and roll.bars == bars
    assert "3/4" in metre_in(piece, int(piece.bars[0]), roll)


def test_what_lies_after_a_change_has_its_own_metre():
    # 3/4 up to beat 96, then 6/8: the bars are as long, so only the file can tell.
    piece = piece_of(signature(0, 3, 2) + signature(96 * TICKS, 6, 3), 300)
    signatures = [window.roll.time_signature for window in windows_of(piece)]
    # 36 of the 64 beats from beat 60 on are in 3/4, 24 of those from beat 72 on.
    assert signatures[:7] == 6 * [(3, 4)] + [(6, 8)]
    assert piece.time_signature == (6, 8)


def test_bars_tell_the_metre_where_no_signature_does():
    piece = piece_with_bars(4, *30 * [3], time_signature=(4, 4))
    roll = piece.window()
    assert roll.time_signature == (3, 4) and roll.bars == (0, *range(16, 256, 12))
    assert piece.window(96).bars is None
    assert piece_with_bars(3, *30 * [4], time_signature=(3, 4)).window().time_signature == (4, 4)
    # As many beats of either: the piece's own.
    even = piece_with_bars(*8 * [4], *8 * [2], *4 * [4], time_signature=(4, 4))
    assert even.window(8 * 96, 128).time_signature == (4, 4)


@pytest.mark.parametrize(
    ("ticks", "like", "named"),
    [
        (72, (4, 4), (3, 4)),
        (72, (6, 8), (6, 8)),
        (72, (9, 8), (6, 8)),
        (108, (6, 8), (9, 8)),
        (96, (6, 8), (4, 4)),
        (144, (2, 2), (3, 2)),
        (48, (2, 2), (2, 4)),
        (36, (2, 4), (3, 8)),
        (84, (4, 4), (7, 8)),
        (18, (4, 4), (3, 16)),
        (24, (4, 4), (1, 4)),
        (0, (3, 4), (3, 4)),
        (77, (3, 4), (3, 4)),
        # no signature that MIDI can hold
        (96, (25, 6), (4, 4)),
        (77, (25, 6), (4, 4)),
    ],
)
def test_a_bar_is_named_after_its_length_and_its_neighbours(ticks, like, named):
    assert named_bar(ticks, like) == named


@settings(deadline=None)
@given(st.integers(0, 400), st.tuples(st.integers(1, 32), st.integers(1, 64)))
def test_every_name_can_be_written(ticks, like):
    beats, unit = named_bar(ticks, like)
    assert 0 < beats < 256 and unit in (1, 2, 4, 8, 16, 32, 64)


def test_a_short_piece_is_repeated_in_its_usual_bars():
    window = windows_of(piece_of(signature(0, 4, 2) + signature(4 * TICKS, 3, 2), 22))[0]
    assert window.roll.time_signature == (3, 4) and window.roll.bars is None
    assert (window.metre[:, 0] == 12).all()


def test_no_window_of_the_corpus_has_other_bars_than_its_signature(monkeypatch):
    monkeypatch.setattr("prism.music.windows.MAXIMUM_BAR_FRAMES", 10_000)
    pieces = Corpus.load(ROOT / "assets" / "corpus").select("train")[::5]
    for window in (window for piece in pieces for window in windows_of(piece)):
        beats, unit = window.piece.timing.window(window.start_tick, 256)["time_signature"]
        counts = np.bincount(window.metre[:, 0])[1:]  # beats in bars of 1, 2, … frames
        assert counts[16 * beats // unit - 1] >= counts.max() - 1, window.piece.identifier


def test_profiles_count_the_metre_of_most_beats(tmp_path):
    pieces = tuple(
        dataclasses.replace(piece, identifier=str(i), label="Ada")
        for i, piece in enumerate(
            (
                piece_with_bars(4, *30 * [3], time_signature=(4, 4)),
                piece_with_bars(*30 * [4], time_signature=(25, 6)),
                piece_of(SLOW_THEN_FAST),
            )
        )
    )
    Corpus(pieces, ("train",) * 3, ("Ada",)).save(tmp_path)
    profile = label_profiles(Corpus.load(tmp_path))["Ada"]
    assert profile["time_signatures"] == [[3, 4, 0.6667], [4, 4, 0.3333]]


def test_a_model_s_profiles_are_counted_anew(tmp_path, corpus, capsys):
    corpus.save(tmp_path)
    shares = {"density": [1.0, 0.0, 0.0, 0.0]}
    old = {"time_signatures": [[25, 6, 1.0]], "tempo": 100.0, "attributes": shares}
    file = tmp_path / "prism.json"
    file.write_text(json.dumps({"labels": {"Ada": old}, "key_normalised": False}))
    command = ["profiles", "--corpus", str(tmp_path), "--weights", str(tmp_path)]
    command_line.main(command)
    told = json.loads(file.read_text())
    assert told["labels"]["Ada"]["time_signatures"] == [[4, 4, 1.0]]
    assert told["labels"]["Ada"]["attributes"] == shares and told["key_normalised"] is False
    assert "1 of 1 labels changed: Ada" in capsys.readouterr().out
    file.write_text(json.dumps({"labels": {"Eve": old}}))
    with pytest.raises(SystemExit):
        command_line.main(command)
    assert "lacks Eve" in capsys.readouterr().err


# ---- tempo ----


def test_the_tempo_of_a_window_is_the_tempo_there():
    piece = piece_of(SLOW_THEN_FAST)
    late = piece.window(int(piece.bars[4]))  # bars at beats 0, 4, 8, 11, 14
    assert (late.tempo, late.time_signature, round(late.seconds, 1)) == (140, (3, 4), 27.4)
    assert metre_in(piece, int(piece.bars[4]), late) == "3/4 at 140"


def test_a_window_in_which_the_tempo_changes_is_as_long_as_in_the_file():
    piece = piece_of(SLOW_THEN_FAST)
    roll = piece.window()
    # 8 beats in 8 seconds and 56 in 24.
    assert roll.tempo == 120 and roll.seconds == 32
    assert metre_in(piece, 0, roll) == "3/4 at 120, the mean of 60 to 140"
    assert metre_in(piece, 0, roll.with_tempo(90)) == "3/4 at 90"
    # The silence after the last note has no tempo.
    assert piece.window(88 * 24).tempo == 140 and piece_of(SLOW_THEN_FAST, 8).window().tempo == 60


def test_the_tempo_of_a_piece_is_its_mean():
    # 8 beats in 8 seconds and 28 in 12; the rest before the first note is not counted.
    assert piece_of(SLOW_THEN_FAST, 36).tempo == 108
    rest = tempo(0, 2_000_000) + tempo(4 * TICKS, 500_000)
    assert read_midi(midi(rest, note_on(4 * TICKS, 60) + note_off(TICKS, 60))).tempo == 120


def test_a_short_piece_is_repeated_at_its_mean_tempo():
    window = windows_of(piece_of(SLOW_THEN_FAST, 36))[0]
    assert window.roll.tempo == 108


# ---- what is made of it ----


def test_changes_are_stored_and_older_files_are_read(tmp_path):
    changing, plain = piece_of(SLOW_THEN_FAST), make_piece("plain")
    Corpus((plain,), ("train",), ("Ada",)).save(tmp_path / "plain")
    with np.load(tmp_path / "plain" / "corpus.npz") as file:
        assert set(file) == {"notes", "bars", "note_counts", "bar_counts", "records"}
    pieces = (changing, plain, dataclasses.replace(changing, identifier="again"))
    Corpus(pieces, ("train",) * 3, ("Ada",)).save(tmp_path)
    write_shard(tmp_path / "x.shard", pieces, [])
    for loaded in (
        Corpus.load(tmp_path).pieces,
        [read_piece(tmp_path / "x.shard", i) for i in range(3)],
    ):
        assert [piece.window(14 * 24) for piece in loaded] == [p.window(14 * 24) for p in pieces]
        assert [piece.window() for piece in loaded] == [piece.window() for piece in pieces]
        assert (loaded[2].tempo, loaded[2].time_signature) == (changing.tempo, (3, 4))


def test_shards_without_changes_are_read(tmp_path, monkeypatch):
    piece = piece_of(SLOW_THEN_FAST)
    with monkeypatch.context() as older:
        older.setattr("prism.corpora.shards._PARTS", ("notes", "bars", "sketches", "records"))
        older.setattr("prism.corpora.shards.CHANGES", ())
        write_shard(tmp_path / "x.shard", [piece], [])
    loaded = read_piece(tmp_path / "x.shard", 0)
    assert np.array_equal(loaded.notes, piece.notes)
    assert loaded.window(14 * 24).time_signature == (3, 4) and loaded.tempo == piece.tempo


@pytest.mark.parametrize(
    ("bars", "signatures"),
    [
        ((0, 16, 28, 40, 52), [(0, 4, 4), (16, 3, 4)]),
        ((0, 12, 24, 40, 56), [(0, 3, 4), (24, 4, 4)]),
        # The last bar is longer than the one before.
        ((0, 12, 24, 32), [(0, 3, 4), (24, 2, 4), (32, 8, 4)]),
        ((0, 6, 18, 30, 42, 54), [(0, 3, 8), (6, 3, 4)]),
    ],
)
def test_files_have_the_bars_where_they_are(bars, signatures):
    notes = [Note(60 + beat % 3, beat, 1) for beat in range(16)]
    roll = PianoRoll.from_notes(notes, 64, tempo=100.0, time_signature=(3, 4), bars=bars)
    file = write_midi(roll)
    piece = read_midi(file)
    written = [(round(t) // 6, int(n), int(unit)) for t, n, unit in piece.signature_changes]
    if bars[1] > 6:  # else the first bar is a pick-up, of which no signature is kept
        assert written == signatures
    assert piece.window(frames=64).bars == bars
    assert piece.window(frames=64).notes() == roll.notes()


def test_accents_fall_on_the_bars():
    # Bars of 4, 3 and 3 beats, in a phrase of four times 3.
    bars = (0, 16, 28)
    notes = [Note(60, beat, 1) for beat in range(10)]
    roll = PianoRoll.from_notes(notes, 40, time_signature=(3, 4), bars=bars)
    metre = np.array([8, 2, 4, 2, 8, 2, 2, 8, 2, 2])
    phrase = -5 + 10 * np.sin(np.pi * np.arange(10) / 12)
    expected = 80 + np.rint(metre + phrase)
    assert [note.velocity for note in shaped(roll).notes()] == expected.tolist()


def test_bars_are_compared_where_they_are():
    # Bars of 4, 3, 4 and 4 beats; the second and the last begin alike and go on in silence.
    played = [(0, 60), (4, 64), (5, 65), (7, 62), (11, 64), (12, 65)]
    notes = [Note(pitch, beat, 1) for beat, pitch in played]
    roll = PianoRoll.from_notes(notes, 60, time_signature=(4, 4), bars=(0, 16, 28, 44))
    assert describe_structure(roll)["repeated_bars"] == 1 / 4
    regular = PianoRoll.from_notes(notes, 60, time_signature=(4, 4))
    assert describe_structure(regular)["repeated_bars"] == 0


def test_a_window_s_metre_gives_its_roll_the_same_bars():
    window = windows_of(piece_with_bars(4, *30 * [3]))[0]
    assert roll_properties(window.metre)["bars"] == window.roll.bars
    assert roll_properties(windows_of(make_piece("x"))[0].metre)["bars"] is None


@pytest.mark.parametrize("bars", [(), (4, 8), (0, 8, 8), (0, 8, 4), (0, 16)])
def test_bars_that_make_no_sense_are_refused(bars):
    with pytest.raises(ValueError, match="bars: expected rising frames from 0 below 16"):
        PianoRoll.empty(16, bars=bars)
