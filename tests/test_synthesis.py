"""Sound: length, level, tail, both synthesisers, and what is said when one is missing."""

import subprocess
import sys
import wave

import numpy as np
import pytest

from prism.music import synthesis
from prism.music.roll import Note, PianoRoll
from prism.music.synthesis import SAMPLE_RATE, TAIL_SECONDS, SynthesisError

SYNTHESISERS = ["fluidsynth", "symusic"]


@pytest.fixture(params=SYNTHESISERS)
def synthesiser(request, monkeypatch):
    """Both ways to sound; the first only where the system library is installed."""
    if request.param == "symusic":
        monkeypatch.setattr(synthesis, "_fluidsynth", lambda: None)
    elif synthesis._fluidsynth() is None:
        pytest.skip("FluidSynth is not installed")
    return request.param


def loudness(samples):
    return float(np.sqrt(np.mean(samples**2)))


def one_note(velocity, tempo=120.0):
    return PianoRoll.from_notes([Note(60, 8, 4, velocity)], tempo=tempo)


def test_length_is_the_roll_and_its_tail(synthesiser):
    samples = synthesis.synthesise(one_note(80))
    assert samples.shape == (round((32 + TAIL_SECONDS) * SAMPLE_RATE),)
    assert samples.dtype == np.float32


def test_sound_begins_with_the_note_and_not_before(synthesiser):
    samples = synthesis.synthesise(one_note(100))
    onset = 4 * SAMPLE_RATE
    assert np.abs(samples[: onset - SAMPLE_RATE // 20]).max() < 1e-3
    assert loudness(samples[onset : onset + SAMPLE_RATE]) > 1e-3


def test_louder_velocity_is_louder_without_peak_normalising(synthesiser):
    soft, loud = (loudness(synthesis.synthesise(one_note(v))) for v in (30, 110))
    assert loud > 4 * soft


def test_both_synthesisers_are_about_as_loud(monkeypatch):
    if synthesis._fluidsynth() is None:
        pytest.skip("FluidSynth is not installed")
    roll = PianoRoll.from_notes([Note(p, b, 1, 80) for b in range(64) for p in (48, 55, 64, 72)])
    first = loudness(synthesis.synthesise(roll))
    monkeypatch.setattr(synthesis, "_fluidsynth", lambda: None)
    assert loudness(synthesis.synthesise(roll)) == pytest.approx(first, rel=0.3)


def test_the_thickest_chord_stays_below_full_scale(synthesiser):
    chord = PianoRoll.from_notes([Note(p, 0, 4, 127) for p in range(30, 100)], frames=32)
    assert np.abs(synthesis.synthesise(chord)).max() <= 1.0


def test_the_last_note_dies_away(synthesiser):
    roll = PianoRoll.from_notes([Note(60, 60, 4, 100)])
    samples = synthesis.synthesise(roll)
    assert np.abs(samples[-SAMPLE_RATE // 10 :]).max() < 2e-3


def test_same_roll_same_samples(synthesiser):
    first, second = (synthesis.synthesise(one_note(90)) for _ in range(2))
    assert np.array_equal(first, second)


def test_silent_roll_needs_no_soundfont(monkeypatch):
    monkeypatch.setenv("PRISM_SOUNDFONT", "nowhere.sf2")
    samples = synthesis.synthesise(PianoRoll.empty(tempo=120.0))
    assert len(samples) == (32 + TAIL_SECONDS) * SAMPLE_RATE
    assert not samples.any()


def test_missing_soundfont_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PRISM_SOUNDFONT", str(tmp_path / "grand.sf2"))
    with pytest.raises(SynthesisError, match="grand.sf2.*PRISM_SOUNDFONT"):
        synthesis.synthesise(one_note(80))


def test_broken_soundfont_is_named(monkeypatch, tmp_path, synthesiser):
    path = tmp_path / "broken.sf2"
    path.write_bytes(b"not a soundfont")
    monkeypatch.setenv("PRISM_SOUNDFONT", str(path))
    with pytest.raises(SynthesisError, match="broken.sf2"):
        synthesis.synthesise(one_note(80))


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Two of the system's soundfonts, and FluidSynth to play them."""
    paths = tuple(tmp_path / f"{name}.sf3" for name in ("missing", "first", "second"))
    for path in paths[1:]:
        path.write_bytes(b"made up")
    monkeypatch.delenv("PRISM_SOUNDFONT", raising=False)
    monkeypatch.setattr(synthesis, "SYSTEM_SOUNDFONTS", paths)
    monkeypatch.setattr(synthesis, "_fluidsynth", lambda: "a synthesiser")
    return paths


def test_the_first_soundfont_that_is_installed_is_taken(installed):
    assert synthesis.soundfont_path() == installed[1]
    assert synthesis.sound_words() == "FluidSynth with the soundfont first.sf3"


def test_a_named_soundfont_goes_first(installed, monkeypatch):
    monkeypatch.setenv("PRISM_SOUNDFONT", str(installed[2]))
    assert synthesis.soundfont_path() == installed[2]


def test_without_any_and_for_symusic_it_is_the_one_from_pip(installed, monkeypatch):
    monkeypatch.setattr(synthesis, "_fluidsynth", lambda: None)
    assert synthesis.sound_words() == "symusic with the soundfont TimGM6mb.sf2"
    monkeypatch.setattr(synthesis, "_fluidsynth", lambda: "a synthesiser")
    monkeypatch.setattr(synthesis, "SYSTEM_SOUNDFONTS", ())
    assert synthesis.soundfont_path().name == "TimGM6mb.sf2"


def test_no_synthesiser_says_what_to_install(monkeypatch):
    monkeypatch.setattr(synthesis, "_fluidsynth", lambda: None)
    monkeypatch.setitem(sys.modules, "symusic", None)
    with pytest.raises(SynthesisError, match="libfluidsynth3.*symusic"):
        synthesis.synthesise(one_note(80))


NO_NUMBER, SILENT, SOFT, RIGHT = np.nan, 0.0, 0.001, 0.1


@pytest.mark.parametrize(
    ("made", "heard"),
    [
        ([RIGHT, RIGHT], True),
        ([SOFT, NO_NUMBER, RIGHT, RIGHT], True),
        ([SILENT, SILENT, RIGHT, RIGHT], True),
        ([RIGHT, NO_NUMBER, SILENT, NO_NUMBER, RIGHT], True),
        ([RIGHT, NO_NUMBER, NO_NUMBER, NO_NUMBER, NO_NUMBER], False),
    ],
)
def test_a_sound_of_symusic_is_taken_once_two_renderings_agree(monkeypatch, made, heard):
    left = iter(made)

    def layered(roll, program, length, soundfont):
        return np.full(length, next(left), np.float32)

    monkeypatch.setattr(synthesis, "_fluidsynth", lambda: None)
    monkeypatch.setattr(synthesis, "_layered", layered)
    if heard:
        assert synthesis.synthesise(one_note(80)).max() == pytest.approx(RIGHT)
    else:
        with pytest.raises(SynthesisError, match="libfluidsynth3"):
            synthesis.synthesise(one_note(80))
    assert next(left, None) is None


def test_the_softest_notes_of_symusic_count_as_heard(monkeypatch):
    monkeypatch.setattr(synthesis, "_fluidsynth", lambda: None)
    notes = [Note(pitch, at, 0.25, 1) for at, pitch in enumerate(range(21, 109, 2))]
    assert np.abs(synthesis.synthesise(PianoRoll.from_notes(notes))).max() > 0


def test_symusic_ends_with_the_highest_notes_of_every_instrument():
    # A process of its own, as a loop without end could not be left.
    script = """
from prism.music import instruments, synthesis
from prism.music.roll import Note, PianoRoll

synthesis._fluidsynth = lambda: None
notes = [Note(pitch, 4 * at, beats, 80) for at, pitch in enumerate(range(96, 109))
         for beats in (0.25, 3)]
roll = PianoRoll.from_notes(notes, tempo=240.0)
for program in set(instruments._PROGRAMS.values()):
    assert abs(synthesis.synthesise(roll, program)).max() > 0.01, program
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_wav_holds_the_samples(tmp_path):
    synthesis.write_wav(np.array([0.0, 1.0, -1.0, 0.5], np.float32), tmp_path / "a.wav")
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (1, SAMPLE_RATE, 4)
        read = np.frombuffer(file.readframes(4), "<i2")
    assert read.tolist() == [0, 32767, -32767, 16384]


def test_another_instrument_sounds_different():
    piano, organ = synthesis.synthesise(one_note(80)), synthesis.synthesise(one_note(80), 19)
    assert len(piano) == len(organ) and loudness(organ) > 0
    assert np.corrcoef(piano, organ)[0, 1] < 0.9
