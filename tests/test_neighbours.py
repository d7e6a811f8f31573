"""The nearest training music: copies are found, counts agree with plain counting."""

import numpy as np
import pytest
from conftest import make_piece

from prism.corpora.prepared import Corpus
from prism.music.roll import TICKS_PER_BEAT, PianoRoll
from prism.music.windows import filled
from prism.similarity.neighbours import REACH, TrainingIndex


@pytest.fixture(scope="module")
def index() -> TrainingIndex:
    pieces = tuple(make_piece(f"p{i}", beats=70 + 20 * i, seed=i) for i in range(4))
    held_out = make_piece("held-out", seed=9)
    return TrainingIndex(Corpus((*pieces, held_out), ("train",) * 4 + ("test",), ("Ada",)))


def transposed(roll: PianoRoll, semitones: int) -> PianoRoll:
    notes = [note._replace(pitch=note.pitch + semitones) for note in roll.notes()]
    return PianoRoll.from_notes(notes)


@pytest.mark.parametrize("semitones", [-REACH, 0, 5])
@pytest.mark.parametrize("beat", [0, 3, 7])
def test_a_copy_is_found_wherever_it_begins(index, semitones, beat):
    piece = index.pieces[2]
    roll = transposed(piece.window(beat * TICKS_PER_BEAT), semitones)
    found = index.nearest(roll)
    assert (found.piece.identifier, found.start_beat, found.semitones) == ("p2", beat, semitones)
    assert found.overlap > 0.97  # a note held into the window is struck at its first frame
    assert transposed(found.roll, semitones) == roll


def test_overlap_by_hand(index):
    piece = index.pieces[1]
    real = piece.window(0)
    notes = real.notes()
    half = PianoRoll.from_notes(notes[: len(notes) // 2])
    found = index.nearest(half)
    kept, whole = half.onset.sum(), real.onset.sum()
    assert found.piece.identifier == "p1" and found.start_beat == 0
    assert found.overlap == pytest.approx(2 * kept / (kept + whole))


def test_it_agrees_with_looking_at_every_window(index):
    roll = make_piece("other", seed=77).window(0)
    best = 0.0
    for piece in index.pieces:
        last = filled(piece).ticks // TICKS_PER_BEAT
        for beat in range(last):
            window = piece.window(beat * TICKS_PER_BEAT)
            # Only what begins inside counts, not what is held over into it.
            begun = np.zeros_like(window.onset)
            start = (piece.notes[:, 0] + 3) // 6 - 4 * beat
            inside = (start >= 0) & (start < 256)
            begun[piece.notes[inside, 2] - 21, start[inside]] = True
            for shift in range(-REACH, REACH + 1):
                moved = np.zeros_like(roll.onset)
                key, frame = np.nonzero(roll.onset)
                moved[key - shift, frame] = True
                total = moved.sum() + begun.sum()
                best = max(best, 2 * (moved & begun).sum() / total)
    assert index.nearest(roll).overlap == pytest.approx(best)


def test_no_neighbour_begins_after_the_end_of_its_piece(index):
    # Only the second half has notes: they would fit a window that begins before a piece does.
    late = [note for note in index.pieces[3].window(0).notes() if note.start < 32]
    roll = PianoRoll.from_notes([note._replace(start=note.start + 32) for note in late])
    found = index.nearest(roll)
    assert found.start_beat * TICKS_PER_BEAT < found.piece.ticks and found.overlap < 0.6
    both = (found.roll.onset & transposed(roll, -found.semitones).onset).sum()
    total = found.roll.onset.sum() + roll.onset.sum()
    assert found.overlap == pytest.approx(2 * both / total, abs=0.03)


def test_music_of_its_own_is_far_from_all(index):
    other = index.nearest(make_piece("other", seed=77).window(0))
    assert 0 < other.overlap < 0.5 and not other.is_copy


def test_silence_is_near_to_nothing(index):
    assert index.nearest(PianoRoll.empty()).overlap == 0
