"""Scores of several rolls against one, by several networks."""

import pytest
import torch
from conftest import PitchClasses, make_piece, random_weights

from prism.models.hub import WeightsError
from prism.music.roll import Note, PianoRoll
from prism.music.windows import windows_of
from prism.similarity.bands import Band, save_bands
from prism.similarity.networks import ComposerNetwork, CorpusFeatures
from prism.similarity.scorer import BANDS_FILE, SimilarityScorer

BANDS = {
    kind: Band(kind, 4, middle, (middle,) * 5)
    for kind, middle in (("same_composer", 0.9), ("noise", 0.0))
}


def test_scores_by_hand():
    scorer = SimilarityScorer([PitchClasses("classes")], {"classes": BANDS})
    third, fifth = (PianoRoll.from_notes([Note(60, 0, 1), Note(p, 1, 1)]) for p in (64, 67))
    far = PianoRoll.from_notes([Note(61, 0, 1)])
    found = scorer.scores(third, {"fifth": fifth, "far": far})
    (near,), (off,) = found["fifth"], found["far"]
    assert near.cosine == pytest.approx(0.5) and off.cosine == 0  # one of two classes in common
    assert near.network == "classes"
    assert near.words == "like two pieces by the same composer"
    assert off.words == "like a piece and random notes"
    assert scorer.scores(third, {}) == {}


def test_a_saved_scorer_gives_the_same_scores(tmp_path):
    network = random_weights(ComposerNetwork(labels=2, width=8, feature_size=16)).half().float()
    corpus = CorpusFeatures(network, ["Ada", "Bob"])
    corpus.save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="prism evaluate bands"):
        SimilarityScorer.from_pretrained(tmp_path, ["Ada", "Bob"])
    save_bands(tmp_path / BANDS_FILE, {"imagenet": BANDS, "corpus": BANDS})
    scorer = SimilarityScorer.from_pretrained(tmp_path, ["Ada", "Bob"])
    a, b = (windows_of(make_piece(f"p{i}", seed=i))[0].roll for i in range(2))
    scores = scorer.scores(a, {"b": b})["b"]
    assert [score.network for score in scores] == ["imagenet", "corpus"]
    expected = torch.cosine_similarity(*corpus.features([a, b]), dim=0)
    assert scores[1].cosine == pytest.approx(expected.item(), abs=1e-5)
