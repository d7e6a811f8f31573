"""Instruments: whose they are, what they change in the files, and what they leave alone."""

import csv
import io

import mido
import numpy as np
import pytest
from stand_ins import choice_of, service_of

from prism import ASSETS
from prism.models.settings import GenerationSettings
from prism.music import instruments, synthesis
from prism.music.instruments import INSTRUMENTS, program_of
from prism.music.midi import read_midi, write_midi
from prism.music.roll import Note, PianoRoll
from prism.service.session import Session
from prism.ui.generate import Handlers

ROLL = PianoRoll.from_notes([Note(60, 0, 4, 80), Note(67, 4, 4, 80)], tempo=120.0)


def shipped_labels():
    with (ASSETS / "corpus" / "provenance.csv").open(newline="") as file:
        return {row["label"] for row in csv.DictReader(file)}


def test_the_table_has_every_label_that_is_shipped():
    assert shipped_labels() <= set(instruments._WRITTEN_FOR)


@pytest.mark.parametrize(
    ("instrument", "label", "program"),
    [
        ("piano", "Bach", 0),
        ("harpsichord", "Bach", 6),
        ("music box", "Bach", 10),
        ("organ", "Haydn", 19),
        ("guitar", "Haydn", 24),
        ("strings", "Bach", 48),
        ("written", "Bach", 19),
        ("written", "Haydn", 48),
        ("written", "Irish reels", 110),
        ("written", "Irish hornpipes and marches", 110),
        ("written", "Scottish airs", 73),
        ("written", "somebody else", 0),
    ],
)
def test_programs(instrument, label, program):
    assert program_of(instrument, label) == program


def test_the_composer_with_the_largest_share_decides():
    settings = GenerationSettings(["Bach", "Irish reels"], [30, 70], instrument="written")
    assert settings.program == 110


def test_the_instrument_decides_no_notes():
    keys = [
        [
            GenerationSettings(["Bach"], instrument=one).key_for(s)
            for s in ("prism", "corpus", "amt")
        ]
        for one in INSTRUMENTS
    ]
    assert all(key == keys[0] for key in keys)


def test_a_link_without_an_instrument_has_the_piano():
    assert GenerationSettings(["Bach"]).program == 0


def test_midi_has_the_program_and_the_same_notes():
    content = write_midi(ROLL, program=19)
    messages = [m for t in mido.MidiFile(file=io.BytesIO(content)).tracks for m in t]
    assert [m.program for m in messages if m.type == "program_change"] == [19]
    assert read_midi(content).window() == read_midi(write_midi(ROLL)).window()


@pytest.mark.parametrize("plain", [False, True])
def test_every_program_sounds_and_differs_from_the_piano(monkeypatch, plain):
    if plain:
        monkeypatch.setattr(synthesis, "_fluidsynth", lambda: None)
    elif synthesis._fluidsynth() is None:
        pytest.skip("FluidSynth is not installed")
    piano = synthesis.synthesise(ROLL)
    for program in set(instruments._PROGRAMS.values()) - {0}:
        other = synthesis.synthesise(ROLL, program)
        assert other.shape == piano.shape
        assert np.abs(other).max() > 0.01
        assert np.abs(other - piano).max() > 0.01


def test_another_instrument_is_heard_at_once_and_the_notes_stay():
    service = service_of()
    handlers, session = Handlers(service), Session()
    generation = session.begin(service.settings(composers=["Ada"], weights=[50], seed=3))
    list(handlers.prism(session))
    piano = generation.pieces["prism"]
    *updates, _ = handlers.replay(session, "organ")
    organ = generation.pieces["prism"]
    assert organ.roll is piano.roll
    assert organ.files["wav"].read_bytes() != piano.files["wav"].read_bytes()
    assert "instrument=organ" in updates[0][0]["query"]
    assert generation.settings.key_for("prism") == service.settings(
        composers=["Ada"], weights=[50], seed=3
    ).key_for("prism")


def test_the_same_notes_sound_otherwise_and_are_not_drawn_again():
    service = service_of()
    first, other, again = (
        [*service.fill("prism", choice_of(instrument=name))] for name in ("piano", "organ", "piano")
    )
    assert len(other) == len(again) == 1 and again[-1].piece is first[-1].piece
    assert other[-1].piece.roll == first[-1].piece.roll
    sounds = [found[-1].piece.files["wav"].read_bytes() for found in (first, other)]
    assert sounds[0] != sounds[1]
