"""A loss that spirals stops the run, and the state from before is kept."""

import dataclasses
import itertools

import pytest
import torch
from test_training import TINY, stage

from prism.training.execution import Execution
from prism.training.loop import LossError, Trainer
from prism.training.watch import SPIRAL_FACTOR, LossWatch


def watched(*losses: float) -> LossWatch:
    watch = LossWatch()
    for loss in losses:
        watch.update(loss)
    return watch


def test_the_running_mean_by_hand():
    watch = watched(1.0, 2.0, 0.5)
    assert watch.average == pytest.approx(0.98 * (0.98 * 1 + 0.02 * 2) + 0.02 * 0.5)
    assert watch.best == 1.0


def test_one_odd_batch_is_no_spiral_but_a_loss_that_stays_high_is():
    calm = [1.0] * 50
    assert not watched(*calm, 1e9, *calm).exceeds(SPIRAL_FACTOR)
    assert watched(*calm, *[100.0] * 20).exceeds(SPIRAL_FACTOR)
    assert not watched(*[100.0 / n for n in range(1, 200)]).exceeds(1.0)


def spiralling(corpus, folder, rate: float = 1e-3) -> Trainer:
    """Calm for ten steps, then worse and worse, and saved after every step."""
    recipe = dataclasses.replace(TINY.autoencoder, steps=200, evaluate_every=999)
    recipe = dataclasses.replace(recipe, learning_rate=rate)
    tiny = stage(corpus, dataclasses.replace(TINY, autoencoder=recipe))
    calls, loss = itertools.count(), tiny.batch_loss

    def worse(network, batch):
        return loss(network, batch) * (1.15 ** max(0, next(calls) - 10))

    tiny.batch_loss = worse
    return Trainer(tiny, folder, Execution(checkpoint_seconds=0))


def test_the_last_calm_state_survives_the_ones_saved_after_it(corpus, tmp_path):
    trainer = spiralling(corpus, tmp_path)
    with pytest.raises(LossError, match=r"loss spirals.*--learning-rate 0\.0005"):
        trainer.run()
    stopped = trainer.progress.step
    again = spiralling(corpus, tmp_path, rate=5e-4)
    assert 10 <= again.progress.step < stopped
    assert not again.progress.watch.exceeds(1.5) and again.recipe.learning_rate == 5e-4
    assert not trainer.calm_checkpoint.exists()


def test_a_checkpoint_from_before_there_was_a_watch_goes_on(corpus, tmp_path):
    trainer = Trainer(stage(corpus), tmp_path)
    trainer.run(stop_after=2)
    state = torch.load(trainer.checkpoint, weights_only=True)
    del state["progress"]["watch"]
    torch.save(state, trainer.checkpoint)
    assert Trainer(stage(corpus), tmp_path).progress.step == 2
