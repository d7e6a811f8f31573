"""Attributes in training: what is dropped, what is told, a whole tiny run."""

import dataclasses

import numpy as np
import pytest
import torch
from test_training import TINY

from prism.corpora.dataset import Batch, WindowSampler, attribute_shares, roll_tensor
from prism.corpora.prepared import Corpus
from prism.models.pipeline import PrismPipeline
from prism.music.attributes import ATTRIBUTES
from prism.music.roll import Note, PianoRoll
from prism.music.windows import regular_metre
from prism.training import run
from prism.training.batches import WHOLE
from prism.training.recipe import StageRecipe
from prism.training.stages import AutoencoderStage, DiTStage

NAMES = ("density", "key")
RECIPE = dataclasses.replace(
    TINY,
    dit=StageRecipe(steps=2, batch_size=2, learning_rate=1e-3, evaluate_every=2),
    attributes=NAMES,
    drawn_attributes=("key",),
)


def dit_stage(corpus, tmp_path, recipe=RECIPE) -> DiTStage:
    coder = AutoencoderStage(recipe, corpus).network
    return DiTStage(recipe, corpus, coder, tmp_path)


def test_the_stage_measures_what_a_roll_has(corpus, tmp_path):
    stage = dit_stage(corpus, tmp_path)
    window = stage.sampler.windows[0][0]
    batch = stage.sampler.batch(4, 0, 0)
    found = stage._attributes(batch)
    assert found.shape == (4, 2) and (found[:, 0] < 3).all()
    density = ATTRIBUTES["density"].rule(window.roll)
    assert density == ATTRIBUTES["density"].rule(window.transposed(3))


def test_bars_are_those_of_the_window(corpus, tmp_path):
    """A pulse with a rest in every third beat repeats its bars of three beats, not of four."""
    recipe = dataclasses.replace(RECIPE, attributes=("repetition",), drawn_attributes=())
    stage = dit_stage(corpus, tmp_path, recipe)
    struck = [Note(60 + k // 12, k, 1) for k in range(64) if k % 3]
    rolls = torch.stack([roll_tensor(PianoRoll.from_notes(struck, 256))] * 3)
    metre = np.stack([regular_metre(pair) for pair in ((3, 4), (4, 4), (12, 4))])
    nothing = torch.zeros(3, dtype=torch.int64)
    letters = torch.zeros(3, 64, dtype=torch.int64)
    batch = Batch(rolls, nothing, torch.from_numpy(metre), nothing, shifts=nothing, letters=letters)
    assert stage._attributes(batch)[:, 0].tolist() == [3, 0, 0]


def albums(corpus):
    """The same pieces in two albums, and the last one of each label in none."""
    pieces = [
        dataclasses.replace(
            piece, source=f"music/{piece.label}/{'AB'[k % 2]}/{k}.mid" if k % 5 < 4 else "x.mid"
        )
        for k, piece in enumerate(corpus.pieces)
    ]
    return Corpus(tuple(pieces), corpus.splits, corpus.labels)


def test_a_batch_says_which_collections_its_windows_are_from(corpus):
    sampler = WindowSampler(albums(corpus), "train", ["A", "B"])
    windows = [w for some in sampler.windows for w in some]
    sources = {roll_tensor(w.roll).numpy().tobytes(): w.piece.source for w in windows}
    batch = sampler.fixed(8)
    for roll, index in zip(batch.rolls, batch.collections.tolist(), strict=True):
        assert ["A", "B"][index] == sources[roll.numpy().tobytes()].split("/")[2]
    # Who tells fewer apart has none for the others.
    fewer = WindowSampler(albums(corpus), "train", ["B"]).fixed(8)
    assert set(fewer.collections.tolist()) == {0, 1}


def test_a_run_learns_the_collections_of_its_corpus(corpus, tmp_path):
    recipe = dataclasses.replace(RECIPE, attributes=("collection", "key"), drawn_attributes=())
    run.train(recipe, albums(corpus), tmp_path / "run", tmp_path / "weights")
    pipe = PrismPipeline.from_pretrained(tmp_path / "weights")
    assert pipe.attributes["collection"] == ("A", "B")
    # One without any cannot be asked for them.
    assert dit_stage(corpus, tmp_path, recipe).network.attribute_names == ("key",)


def test_attributes_are_dropped_as_often_as_the_recipe_says(corpus, tmp_path):
    stage = dit_stage(corpus, tmp_path)
    count = 4000
    stage.recipe = dataclasses.replace(stage.recipe, batch_size=count)
    given = torch.zeros(count, 2, dtype=torch.int64)
    labels = torch.arange(count) % 2 * stage.network.null_label
    dropped = stage._dropped(given, labels, 7, WHOLE) != 0
    # None at all: .3, or .5 under the null label, and .3² of the rest.
    for k, alone in ((0, 0.3), (1, 0.5)):
        mine = dropped[labels == k * stage.network.null_label]
        every, one = mine.all(1).float().mean().item(), mine[:, 0].float().mean().item()
        assert every == pytest.approx(alone + (1 - alone) * 0.09, abs=0.03)
        assert one == pytest.approx(alone + (1 - alone) * 0.3, abs=0.03)


def test_without_attributes_the_loss_is_what_it_was(corpus, tmp_path):
    plain = dataclasses.replace(RECIPE, attributes=(), drawn_attributes=())
    stage = dit_stage(corpus, tmp_path, plain)
    assert (
        stage.network.attribute_names == ()
        and stage.batch_loss(stage.network, stage.draw(0, WHOLE)).isfinite()
    )
    assert "informed_validation_loss" not in stage.evaluate(stage.network, 0)


def test_a_run_with_attributes_can_be_asked_for_them(corpus, tmp_path):
    run.train(RECIPE, corpus, tmp_path / "run", tmp_path / "weights")
    pipe = PrismPipeline.from_pretrained(tmp_path / "weights")
    assert tuple(pipe.attributes) == NAMES
    share = pipe.profiles[corpus.labels[0]]["attributes"]["key"]
    assert len(share) == 25 and sum(share) == pytest.approx(1)
    roll = pipe(corpus.labels[0], key="A minor", num_inference_steps=1).rolls[0]
    assert roll.frames == 256


def test_shares_are_counted_by_label(corpus):
    shares = attribute_shares(corpus, ["density"])
    assert set(shares) == set(corpus.labels)
    assert attribute_shares(corpus, []) == {}
