"""On what pieces are played: the sound and the file change, the notes do not."""

import mido
import pytest
from conftest import ROOT
from stand_ins import choice_of, service_of

from prism.corpora.prepared import Corpus
from prism.models.settings import SETTINGS, GenerationSettings
from prism.music.instruments import _WRITTEN_FOR, INSTRUMENTS, program_of
from prism.music.midi import read_midi


def programs(path) -> set[int]:
    return {m.program for m in mido.MidiFile(path) if m.type == "program_change"}


def test_every_label_of_the_shipped_corpus_was_written_for_something():
    labels = Corpus.load(ROOT / "assets" / "corpus").labels
    assert set(labels) <= set(_WRITTEN_FOR)
    assert len({program_of("written", label) for label in labels}) > 5


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_instrument_has_a_program(name):
    assert 0 <= program_of(name, "Bach") < 128


def test_the_composer_with_the_largest_share_decides():
    mix = {"composers": ["Haydn", "Irish reels"], "instrument": "Written"}
    assert GenerationSettings(**mix, composer_weights=[30, 70]).program == 110
    assert GenerationSettings(**mix, composer_weights=[70, 30]).program == 48
    assert GenerationSettings("Haydn").program == 0


def test_the_same_notes_with_another_program_and_sound():
    service = service_of()
    first, other, again = (
        [*service.fill("prism", choice_of(instrument=name))][-1].piece
        for name in ("piano", "organ", "piano")
    )
    assert first.roll == other.roll and again is first
    assert (programs(first.files["midi"]), programs(other.files["midi"])) == ({0}, {19})
    assert first.files["wav"].read_bytes() != other.files["wav"].read_bytes()
    notes = [read_midi(piece.files["midi"]).notes.tolist() for piece in (first, other)]
    assert notes[0] == notes[1]


def test_the_notes_are_not_drawn_again():
    service = service_of()
    [*service.fill("prism", choice_of())]
    steps = [*service.fill("prism", choice_of(instrument="guitar"))]
    assert len(steps) == 1 and steps[0].done
    assert choice_of().key_for("amt") == choice_of(instrument="guitar").key_for("amt")
    assert SETTINGS["instrument"].default == "piano"
