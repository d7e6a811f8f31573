"""Training that begins with the weights of another corpus."""

import dataclasses

import pytest
import torch
from test_training import TINY
from test_training_attributes import albums

from prism.corpora.prepared import Corpus
from prism.models.hub import WeightsError
from prism.models.pipeline import PrismPipeline
from prism.training import run
from prism.training.amt import AMTStage
from prism.training.presets import AMT_PRESETS
from prism.training.recipe import StageRecipe
from prism.training.stages import DiTStage

RECIPE = dataclasses.replace(TINY, attributes=("collection", "key"))


@pytest.fixture
def other(corpus):
    """The same and three pieces by a third composer, in no albums."""
    third = [dataclasses.replace(corpus.pieces[k], label="Cleo") for k in (0, 3, 4)]
    splits = (*corpus.splits, "train", "validation", "test")
    return Corpus((*corpus.pieces, *third), splits, (*corpus.labels, "Cleo"))


def test_all_is_taken_over_but_what_the_old_corpus_alone_has(corpus, other, tmp_path):
    old = run.train(RECIPE, albums(corpus), tmp_path / "run", tmp_path / "old")
    began = dataclasses.replace(RECIPE, autoencoder=None, start=str(tmp_path / "old"))
    stage = DiTStage(began, other, old.autoencoder, tmp_path)
    before = PrismPipeline.from_pretrained(tmp_path / "old").dit.state_dict()
    after = stage.network.state_dict()
    # Other's transformer has no collections, so that the table of keys is its first.
    assert stage.network.attribute_names == ("key",)
    assert torch.equal(
        after.pop("attribute_embeddings.0.weight"), before["attribute_embeddings.1.weight"]
    )
    table, known = after.pop("y_embedder.weight"), before["y_embedder.weight"]
    assert len(table) == 4 and torch.equal(table[3], known[2])
    for row in table[:3]:
        torch.testing.assert_close(row, (known[0] + known[1]) / 2)
    assert all(torch.equal(value, before[name]) for name, value in after.items())

    new = run.train(began, other, tmp_path / "run2", tmp_path / "new")
    assert new.composers == list(other.labels)
    kept = PrismPipeline.from_pretrained(tmp_path / "new").autoencoder.state_dict()
    assert all(
        torch.equal(kept[k], v.half().float()) for k, v in old.autoencoder.state_dict().items()
    )


def test_a_baseline_begins_so_too(corpus, other, tmp_path):
    told = dataclasses.replace(AMT_PRESETS["smoke"], amt=StageRecipe(1, 2, 1e-3))
    run.train(told, corpus, tmp_path / "run", tmp_path / "old")
    began = dataclasses.replace(told, start=str(tmp_path / "old"))
    stage = AMTStage(began, other)
    before = AMTStage(began, corpus).network.state_dict()
    after = stage.network.state_dict()
    assert len(after.pop("label.weight")) == 4
    assert all(torch.equal(value, before[name]) for name, value in after.items())


def test_weights_of_another_size_and_none_at_all_are_refused(corpus, tmp_path):
    old = run.train(TINY, corpus, tmp_path / "run", tmp_path / "old")
    wider = dataclasses.replace(TINY, form_share=0.5, start=str(tmp_path / "old"))
    with pytest.raises(WeightsError, match="are of another network than the recipe"):
        DiTStage(wider, corpus, old.autoencoder, tmp_path)
    none = dataclasses.replace(TINY, autoencoder=None, start=str(tmp_path / "no"))
    with pytest.raises(WeightsError, match="no weights to begin with at .*no.autoencoder"):
        run.train(none, corpus, tmp_path / "run2", tmp_path / "new")
