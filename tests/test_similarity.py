"""The two feature networks and their cosine."""

import dataclasses
import json
from functools import partial

import numpy as np
import pytest
import torch
from conftest import make_piece, random_weights

from prism.corpora.dataset import WindowSampler
from prism.models.hub import WeightsError
from prism.music.roll import Note, PianoRoll
from prism.music.windows import windows_of
from prism.similarity.bands import Band
from prism.similarity.networks import (
    ComposerNetwork,
    CorpusFeatures,
    ImageNetFeatures,
    picture,
)
from prism.similarity.scorer import SimilarityScorer
from prism.training import loop, run
from prism.training.recipe import SimilarityRecipe, StageRecipe
from prism.training.similarity import SimilarityStage, with_nonsense


@pytest.fixture(scope="module")
def corpus_network() -> CorpusFeatures:
    network = random_weights(ComposerNetwork(labels=2, width=8, feature_size=16))
    return CorpusFeatures(network, ["Ada", "Bob"])


@pytest.fixture(scope="module")
def imagenet() -> ImageNetFeatures:
    return ImageNetFeatures()


def similarity(a: PianoRoll, b: PianoRoll, network) -> float:
    bands = {"noise": Band("noise", 1, 0.0, (0.0,) * 5)}
    scorer = SimilarityScorer([network], {network.name: bands})
    return scorer.scores(a, {"b": b})["b"][0].cosine


def rolls(count: int = 3) -> list[PianoRoll]:
    return [windows_of(make_piece(f"p{i}", beats=80, seed=i))[0].roll for i in range(count)]


@pytest.mark.parametrize("name", ["imagenet", "corpus_network"])
def test_similarity_is_a_cosine(name, request):
    network = request.getfixturevalue(name)
    a, b, _ = rolls()
    empty = PianoRoll.empty()
    assert similarity(a, a, network) == pytest.approx(1, abs=1e-5)
    assert similarity(a, b, network) == pytest.approx(similarity(b, a, network), abs=1e-5)
    assert -1 <= similarity(a, empty, network) < similarity(a, b, network) < 1
    features = network.features([a, b])
    expected = (features[0] @ features[1]) / (features[0].norm() * features[1].norm())
    assert similarity(a, b, network) == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("name", ["imagenet", "corpus_network"])
def test_a_batch_equals_its_items(name, request):
    network = request.getfixturevalue(name)
    many = rolls(3)
    together = network.features(many)
    alone = torch.cat([network.features([roll]) for roll in many])
    assert torch.allclose(together, alone, atol=1e-4)


def test_imagenet_features_are_the_published_network_s(imagenet):
    assert imagenet.features(rolls(1)).shape == (1, 1280)
    assert sum(p.numel() for p in imagenet.network.parameters()) == 4_652_008  # Lite0


def test_every_source_is_drawn_alike():
    quiet = PianoRoll.from_notes([Note(60, 0, 4, velocity=10)])
    loud = PianoRoll.from_notes([Note(60, 0, 4, velocity=127)], tempo=200.0)
    assert np.array_equal(picture(quiet), picture(loud))
    assert picture(quiet).shape == (256, 256, 3) and picture(quiet).any()


def test_a_transposition_changes_the_corpus_features_little(corpus_network):
    roll = rolls(1)[0]
    moved = dataclasses.replace(
        roll,
        onset=np.roll(roll.onset, 2, 0),
        sustain=np.roll(roll.sustain, 2, 0),
        velocity=np.roll(roll.velocity, 2, 0),
    )
    other = PianoRoll.from_notes([Note(40 + i % 40, i / 2, 0.25) for i in range(120)])
    assert similarity(roll, moved, corpus_network) > similarity(roll, other, corpus_network)


def test_probabilities_are_shares(corpus_network):
    shares = corpus_network.probabilities(rolls())
    assert shares.shape == (3, 2) and (shares > 0).all()
    assert (shares.sum(1) < 1).all()  # the rest: how likely it is no music


def test_nonsense_is_labelled_so_and_keeps_its_notes(corpus):
    batch = WindowSampler(corpus).batch(8, 0, 0)
    draw = partial(with_nonsense, batch, label=2, rng=np.random.default_rng(0))
    same, labels = draw(share=0.0)
    assert torch.equal(same, batch.rolls) and torch.equal(labels, batch.labels)
    changed, labels = draw(share=1.0)
    assert (labels == 2).all()
    for before, after in zip(batch.rolls, changed, strict=True):
        assert not torch.equal(before, after)
        # Notes that meet on one key are merged, so a few may be missing.
        assert 0.8 < after[0].sum() / before[0].sum() <= 1


def test_it_learns_to_tell_two_composers_apart(corpus, tmp_path):
    """One writes as the fixture does, the other a fourth higher and twice as fast."""
    fast = [
        dataclasses.replace(piece, notes=piece.notes // [2, 2, 1, 1] + [0, 0, 5, 0])
        if piece.label == "Bob"
        else piece
        for piece in corpus.pieces
    ]
    pieces = dataclasses.replace(corpus, pieces=tuple(fast))
    settings = StageRecipe(
        steps=60, batch_size=4, learning_rate=3e-3, warmup_steps=5, ema_decay=0.9, evaluate_every=30
    )
    recipe = SimilarityRecipe(similarity=settings, width=8)
    loop.Trainer(SimilarityStage(recipe, pieces), tmp_path / "run").run(stop_after=20)
    features = run.train(recipe, pieces, tmp_path / "run", tmp_path / "weights")
    whole = loop.Trainer(SimilarityStage(recipe, pieces), tmp_path / "whole").run()
    for a, b in zip(whole.parameters(), features.network.parameters(), strict=True):
        assert torch.equal(a, b)
    record = json.loads((tmp_path / "weights" / "training.json").read_text())
    assert record["history"]["similarity"][-1]["validation_accuracy"] == 1
    held_out = [windows_of(piece)[0].roll for piece in pieces.select("test")]
    assert features.probabilities(held_out).argmax(1).tolist() == [0, 1]


def test_saving_and_loading(corpus_network, tmp_path):
    corpus_network.save_pretrained(tmp_path)
    loaded = CorpusFeatures.from_pretrained(tmp_path, ["Ada", "Bob"])
    close = torch.allclose(
        loaded.features(rolls()), corpus_network.features(rolls()), rtol=0.01, atol=0.01
    )
    assert close
    with pytest.raises(WeightsError, match="expected 3 labels, got 2"):
        CorpusFeatures.from_pretrained(tmp_path, ["Ada", "Bob", "Cleo"])
    with pytest.raises(WeightsError, match="prism train similarity"):
        CorpusFeatures.from_pretrained(tmp_path / "nowhere", ["Ada"])
    weights = tmp_path / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(WeightsError, match="cannot be read"):
        CorpusFeatures.from_pretrained(tmp_path, ["Ada", "Bob"])
