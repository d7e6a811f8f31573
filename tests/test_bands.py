"""Bands: kinds of pairs, their cosines, their words."""

import dataclasses

import numpy as np
import pytest
from conftest import PitchClasses, make_piece

from prism.corpora.prepared import Corpus
from prism.music.roll import PianoRoll
from prism.music.windows import windows_of
from prism.similarity import bands
from prism.similarity.bands import Band, RealPairs


@pytest.fixture
def held_out() -> Corpus:
    """Two labels with two held-out pieces each, long enough for several windows."""
    pieces = [
        make_piece(f"{label}-{i}", label, beats=120, seed=i + 10 * (label == "Bob"))
        for label in ("Ada", "Bob")
        for i in range(3)
    ]
    return Corpus(tuple(pieces), ("train", "validation", "test") * 2, ("Ada", "Bob"))


def owners(pair, corpus: Corpus) -> list[set[str]]:
    """Which pieces each roll of a pair could have been cut from."""
    return [
        {p.identifier for p in corpus.pieces for w in windows_of(p) if w.roll == roll}
        for roll in pair
    ]


def test_pairs_stand_in_the_relation_they_are_named_for(held_out):
    pairs = RealPairs(held_out)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        (first,), (second,) = owners(pairs.draw("same_piece", rng), held_out)
        assert first == second
        (first,), (second,) = owners(pairs.draw("same_composer", rng), held_out)
        assert first != second and first[:3] == second[:3]
        (first,), (second,) = owners(pairs.draw("other_composer", rng), held_out)
        assert first[:3] != second[:3]


def test_no_training_piece_is_in_a_pair(held_out):
    pairs = RealPairs(held_out)
    for kind in bands.KIND_WORDS:
        for seed in range(10):
            drawn = pairs.draw(kind, np.random.default_rng(seed))
            assert not {"Ada-0", "Bob-0"} & set.union(*owners(drawn, held_out))


def test_shuffling_keeps_notes_and_lengths():
    roll = windows_of(make_piece("a"))[0].roll
    changed = bands.shuffled(roll, np.random.default_rng(0))
    assert changed != roll and changed.tempo == roll.tempo
    # Where two notes of one pitch meet, one is cut or lost, so a few may be missing.
    before, after = (np.bincount(r.arrays()[0], minlength=128) for r in (roll, changed))
    assert (after <= before).all() and after.sum() > 0.8 * before.sum()


def test_noise_has_as_many_notes_all_over_the_keyboard():
    roll = windows_of(make_piece("a"))[0].roll
    random = bands.noise(roll, np.random.default_rng(0))
    assert 0.95 < random.onset.sum() / roll.onset.sum() <= 1
    assert random.arrays()[0].std() > 20
    assert not bands.noise(PianoRoll.empty(), np.random.default_rng(0)).onset.any()


def test_bands_are_counted_and_ordered(held_out, tmp_path):
    measured = bands.measure_bands(PitchClasses(), RealPairs(held_out), 40)
    assert list(measured) == list(bands.KIND_WORDS)
    for band in measured.values():
        assert band.count == 40 and list(band.quantiles) == sorted(band.quantiles)
        assert -1 <= band.quantiles[0] <= band.mean <= band.quantiles[-1] <= 1
    # Shuffling moves notes in time alone, which these features do not see.
    assert measured["shuffled"].mean > 0.98 > measured["noise"].mean
    assert measured == bands.measure_bands(PitchClasses(), RealPairs(held_out), 40)
    bands.save_bands(tmp_path / "bands.json", {"onsets": measured})
    assert bands.load_bands(tmp_path / "bands.json") == {"onsets": measured}


def test_a_cosine_in_words():
    known = {
        kind: Band(kind, 10, middle, (middle - 0.1, middle, middle, middle, middle + 0.1))
        for kind, middle in (("same_composer", 0.8), ("noise", 0.1))
    }
    assert bands.in_words(0.7, known) == "like two pieces by the same composer"
    assert bands.in_words(0.2, known) == "like a piece and random notes"


def test_a_corpus_of_one_label_has_no_pair_by_different_composers(held_out):
    ada = [piece for piece in held_out.pieces if piece.label == "Ada"]
    alone = Corpus(tuple(ada), ("train", "validation", "test"), ("Ada",))
    measured = bands.measure_bands(PitchClasses(), RealPairs(alone), 4)
    assert list(measured) == ["same_piece", "same_composer", "shuffled", "noise"]
    assert bands.in_words(1.0, measured).startswith("like ")
    # A label with one held-out piece is no place for two.
    short = Corpus((*held_out.pieces[:5],), ("train", "validation", "test") * 2, ("Ada", "Bob"))
    pairs = RealPairs(dataclasses.replace(short, splits=short.splits[:5]))
    for seed in range(10):
        (first,), _ = owners(pairs.draw("same_composer", np.random.default_rng(seed)), held_out)
        assert first.startswith("Ada")
