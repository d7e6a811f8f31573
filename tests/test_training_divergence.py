"""A loss that diverges stops the run, and the state from before is kept."""

import dataclasses
import itertools
import pathlib

import pytest
from test_training import TINY, stage

from prism.training.batches import RunConfig
from prism.training.loop import DIVERGED_FACTOR, Divergence, LossError, Trainer


def after(*losses: float) -> Divergence:
    divergence = Divergence()
    for loss in losses:
        divergence.update(loss)
    return divergence


def test_the_running_mean_by_hand():
    mean = after(1.0, 2.0, 0.5)
    assert mean.average == pytest.approx(0.98 * (0.98 * 1 + 0.02 * 2) + 0.02 * 0.5)
    assert mean.best == 1.0


def test_one_odd_batch_does_not_diverge_but_a_loss_that_stays_high_is():
    calm = [1.0] * 50
    assert not after(*calm, 1e9, *calm).exceeds(DIVERGED_FACTOR)
    assert after(*calm, *[100.0] * 20).exceeds(DIVERGED_FACTOR)
    assert not after(*[100.0 / n for n in range(1, 200)]).exceeds(1.0)


def diverging(corpus, folder, rate: float = 1e-3) -> Trainer:
    """Calm for ten steps, then worse and worse, and saved after every step."""
    recipe = dataclasses.replace(TINY.autoencoder, steps=200, evaluate_every=999)
    recipe = dataclasses.replace(recipe, learning_rate=rate)
    tiny = stage(corpus, dataclasses.replace(TINY, autoencoder=recipe))
    calls, loss = itertools.count(), tiny.batch_loss

    def worse(network, batch):
        return loss(network, batch) * (1.15 ** max(0, next(calls) - 10))

    tiny.batch_loss = worse
    return Trainer(tiny, folder, RunConfig(checkpoint_seconds=0))


def test_the_last_calm_state_survives_the_ones_saved_after_it(corpus, tmp_path):
    trainer = diverging(corpus, tmp_path)
    with pytest.raises(LossError, match=r"loss diverges.*--learning-rate 0\.0005"):
        trainer.run()
    stopped = trainer.state.step
    again = diverging(corpus, tmp_path, rate=5e-4)
    assert 10 <= again.state.step < stopped
    assert not again.state.divergence.exceeds(1.5) and again.recipe.learning_rate == 5e-4
    assert not trainer.checkpoints.calm.exists()


def test_a_disk_without_hard_links_gets_a_copy_of_the_calm_state(corpus, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(pathlib.Path, "hardlink_to", refused)
    trainer = diverging(corpus, tmp_path)
    with pytest.raises(LossError, match="loss diverges"):
        trainer.run()
    assert 10 <= diverging(corpus, tmp_path, rate=5e-4).state.step < trainer.state.step
