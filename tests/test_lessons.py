"""What the lessons compute, against what the pipeline draws and what can be worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from conftest import make_pipeline
from stand_ins import StandInAMT, choice_of, service_of, tiny_corpus

from prism.corpora.dataset import corpus_sample, prompt_sample
from prism.corpora.prepared import Corpus
from prism.models.settings import GenerationSettings
from prism.music.roll import Note, PianoRoll
from prism.music.windows import cut
from prism.service.lessons import (
    bars_around,
    births,
    changed,
    decode,
    decoded_states,
    dissolved,
    encode,
    gaussian,
    relatives,
    timed,
)

PIPELINE = make_pipeline()


@pytest.fixture
def real() -> PianoRoll:
    return corpus_sample(tiny_corpus(), ["Ada"], 1).roll


def test_music_dissolves_from_its_own_decoding_into_decoded_noise(real):
    first, middle, last = dissolved(PIPELINE, real, [0.0, 0.5, 1.0])
    latents = encode(PIPELINE, real)
    assert first == decode(PIPELINE, latents, real)
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
    assert last == decode(PIPELINE, noise, real)
    assert middle == decode(PIPELINE, 0.5 * latents + 0.5 * noise, real)
    assert last == dissolved(PIPELINE, real.transposed(1), [1.0])[0]
    assert (first.tempo, first.time_signature) == (real.tempo, real.time_signature)


def test_the_sampler_begins_with_the_seeds_noise_and_ends_with_the_pipelines_roll():
    settings = {"guidance_scale": 2.0, "num_inference_steps": 5, "seed": 11}
    steps = list(decoded_states(PIPELINE.stream(GenerationSettings("Ada", **settings)), 11))
    assert [m.step for m in steps] == [0, 1, 2, 3, 4, 5]
    assert [m.t for m in steps] == pytest.approx([1, 8 / 9, 3 / 4, 4 / 7, 1 / 3, 0])
    result = PIPELINE("Ada", **settings).rolls[0]
    assert steps[-1].x_t == steps[-1].clean == result
    noise = gaussian(torch.empty(64, PIPELINE.autoencoder.config.latent_size), 11)
    assert steps[0].x_t == decode(PIPELINE, noise, result)
    previews = [
        preview.rolls[0] for preview in PIPELINE.stream(GenerationSettings("Ada", **settings))
    ]
    assert [m.clean for m in steps[:-1]] == previews


def test_x_t_goes_the_step_from_noise_to_the_estimate():
    """Two steps: after the first, two thirds of noise and a third of the first estimate."""
    settings = {"num_inference_steps": 2, "seed": 4}
    first = next(PIPELINE.stream(GenerationSettings("Bob", **settings))).latents
    mixed = 2 / 3 * gaussian(first[0], 4) + 1 / 3 * first[0]
    x_t = list(decoded_states(PIPELINE.stream(GenerationSettings("Bob", **settings)), 4))[1].x_t
    assert x_t == decode(PIPELINE, mixed, x_t)


def test_unchanged_numbers_change_nothing_and_others_only_their_surroundings(real):
    latents = encode(PIPELINE, real)
    plain = decode(PIPELINE, latents, real)
    own = latents[20].tolist()
    assert changed(PIPELINE, real, 20, own) == plain
    other = changed(PIPELINE, real, 20, [3.0] * len(own))
    differs = np.flatnonzero((other.active != plain.active).any(axis=0))
    # The decoder sees a beat and both its neighbours.
    assert differs.size and differs.min() >= 19 * 4 and differs.max() < 22 * 4
    noisy = changed(PIPELINE, real, 20, own, noise_scale=0.5)
    assert noisy == decode(PIPELINE, latents + 0.5 * gaussian(latents, 0), real)


@pytest.mark.parametrize(
    ("beat", "numbers", "message"),
    [
        (64, [0.0] * 8, "beat: expected 0 to 63, got 64"),
        (0, [0.0] * 7, "expected 8 finite numbers"),
        (0, [float("nan")] * 8, "expected 8 finite numbers"),
    ],
)
def test_wrong_numbers_are_refused(real, beat, numbers, message):
    with pytest.raises(ValueError, match=message):
        changed(PIPELINE, real, beat, numbers)


def test_an_excerpt_strikes_held_notes_again_and_cuts_the_last():
    roll = PianoRoll.from_notes([Note(60, 0, 6, 70), Note(62, 5, 1), Note(64, 7, 4)])
    assert cut(roll, 16, 16).notes() == [Note(60, 0, 2, 70), Note(62, 1, 1), Note(64, 3, 1)]


def test_bars_around_stay_inside():
    waltz = PianoRoll.empty(time_signature=(3, 4))
    assert bars_around(waltz, 0) == (0, 36)
    assert bars_around(waltz, 7) == (12, 36)  # beat 7 lies in the bar from 6, after that from 3
    assert bars_around(waltz, 63) == (240, 16)
    assert bars_around(PianoRoll.empty(), 63) == (224, 32)


def test_a_delay_cuts_what_leaves():
    roll = PianoRoll.from_notes([Note(60, 0, 1), Note(62, 63, 1)])
    assert cut(roll, -4, 256).notes() == [Note(60, 1, 1)]


def test_relatives_are_what_their_names_say(corpus):
    window = corpus_sample(corpus, ["Ada"], 1)
    rolls = relatives(corpus, window, 1)
    assert list(rolls) == [
        "The same roll",
        "A semitone higher",
        "An octave higher",
        "A beat later",
        "Its notes shuffled",
        "Another piece: Ada",
        "Another composer: Bob",
        "Random notes",
    ]
    pitch, start, end, velocity = window.roll.arrays()
    moved = [rolls[name].arrays() for name in ("A semitone higher", "An octave higher")]
    assert (moved[0][0] == pitch + 1).all() and (moved[1][0] == pitch + 12).all()
    assert (moved[0][1] == start).all() and (moved[1][2] == end).all()
    assert rolls["The same roll"] == window.roll
    assert all(roll != window.roll for name, roll in rolls.items() if name != "The same roll")
    keys = np.unique(pitch)
    assert set(rolls["Its notes shuffled"].arrays()[0]) <= set(keys)
    assert relatives(corpus, window, 1) == rolls


def test_only_work_is_timed():
    marks = timed(iter("abc"))
    (first, _), (second, _) = next(marks), next(marks)
    assert 0 <= first <= second
    assert [item for _, item in itertools.chain(timed("xy"))] == ["x", "y"]


def test_notes_are_born_in_the_order_of_writing():
    corpus = tiny_corpus()
    amt = StandInAMT(notes=5)
    baseline, settings = service_of(amt=lambda: amt).sources["amt"], choice_of(seed=3)
    *_, last = baseline.stream(settings, baseline.prompt(settings))
    shown = corpus_sample(corpus, ["Ada"], 3)
    prompt = amt.calls[0]["prompt"]
    opening = prompt_sample(corpus, shown, 3)
    assert prompt == opening.piece.window(opening.start_tick, 64) and prompt.beats == 16
    notes, present = births(last)
    assert [note.pitch for note in notes] == [60, 61, 62, 63, 64]
    assert present == [0, 1, 2, 3, 4, 5]


def test_notes_on_a_key_that_is_down_are_counted_once():
    class PartialSample:
        notes = 3
        written = (Note(60, 2, 1), Note(60, 2, 2), Note(55, 1, 1))

        def build(self, count):
            return PianoRoll.from_notes(self.written[:count])

        @property
        def roll(self):
            return self.build(3)

    notes, present = births(PartialSample())
    assert notes == [Note(60, 2, 2), Note(55, 1, 1)]
    assert present == [0, 1, 1, 2]


def test_one_composer_alone_has_relatives_too(corpus):
    own = Corpus(corpus.pieces[:5], corpus.splits[:5], ("Ada",))
    names = list(relatives(own, corpus_sample(own, ["Ada"], 1), 1))
    assert "Another piece: Ada" in names and "Random notes" in names
    assert not [name for name in names if name.startswith("Another composer")]
