"""The loop: schedule, averaging, resuming after a kill; a whole tiny run."""

import dataclasses
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from conftest import ROOT, random_weights

from prism.amt.pipeline import AMTPipeline
from prism.drawing.rolls import save_contact_sheet
from prism.models.diffusion import add_noise
from prism.models.pipeline import PrismPipeline
from prism.training import loop, run
from prism.training.amt import AMTStage
from prism.training.batches import WHOLE, RunConfig
from prism.training.presets import AMT_PRESETS, PRESETS
from prism.training.recipe import Recipe, StageRecipe
from prism.training.stages import AutoencoderStage, DiTStage

TINY = dataclasses.replace(
    PRESETS["smoke"],
    autoencoder=StageRecipe(
        steps=6, batch_size=2, learning_rate=1e-3, warmup_steps=2, evaluate_every=3
    ),
    latent_size=8,
    hidden_size=16,
)


def stage(corpus, recipe: Recipe = TINY) -> AutoencoderStage:
    return AutoencoderStage(recipe, corpus)


def test_learning_rate_by_hand():
    recipe = StageRecipe(steps=100, batch_size=1, learning_rate=1.0, warmup_steps=10)
    rates = [loop.learning_rate(recipe, step) for step in (0, 4, 9, 30, 60, 80, 99)]
    assert rates == pytest.approx([0.1, 0.5, 1.0, 1.0, 1.0, 0.5, 0.025])


def test_average_forgets_the_start_quickly():
    recipe = StageRecipe(steps=100, batch_size=1, learning_rate=1.0, ema_decay=0.9)
    assert loop.decay_at(recipe, 0) == pytest.approx(0.1)
    assert loop.decay_at(recipe, 10_000) == 0.9


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_resumed_run_equals_an_uninterrupted_one(corpus, tmp_path, precision):
    settings = dataclasses.replace(TINY.autoencoder, precision=precision)
    recipe = dataclasses.replace(TINY, autoencoder=settings)
    whole = loop.Trainer(stage(corpus, recipe), tmp_path / "whole").run()
    loop.Trainer(stage(corpus, recipe), tmp_path / "cut").run(stop_after=4)
    resumed = loop.Trainer(stage(corpus, recipe), tmp_path / "cut")
    assert resumed.state.step == 4
    for a, b in zip(whole.parameters(), resumed.run().parameters(), strict=True):
        assert torch.equal(a, b)


def test_mixed_precision_keeps_the_weights_exact(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "has_bfloat16", lambda device: True)
    settings = dataclasses.replace(TINY.autoencoder, precision="bfloat16")
    trainer = loop.Trainer(stage(corpus, dataclasses.replace(TINY, autoencoder=settings)), tmp_path)
    own = trainer.stage
    batch = own.draw(0, WHOLE)
    exact = own.batch_loss(own.network, batch)
    with trainer._precision():
        mixed = own.batch_loss(own.network, batch)
    assert mixed.item() == pytest.approx(exact.item(), rel=0.02) and mixed != exact
    monkeypatch.setattr(loop, "has_bfloat16", lambda device: False)
    with trainer._precision():
        assert own.batch_loss(own.network, batch) == exact
    monkeypatch.setattr(loop, "has_bfloat16", lambda device: True)
    assert {p.dtype for p in trainer.run().parameters()} == {torch.float32}


def test_evaluations_are_kept_across_a_resume(corpus, tmp_path):
    loop.Trainer(stage(corpus), tmp_path).run(stop_after=4)
    loop.Trainer(stage(corpus), tmp_path).run()
    history = json.loads((tmp_path / "autoencoder.json").read_text())
    assert [row["step"] for row in history] == [3, 6]
    assert {"clean_loss", "noisy_onset_f1", "seconds"} <= history[0].keys()


def test_a_loss_of_nan_stops_the_run_and_keeps_the_checkpoint(corpus, tmp_path):
    loop.Trainer(stage(corpus), tmp_path).run(stop_after=2)
    spoiled = stage(corpus)
    spoiled.batch_loss = lambda *_: torch.tensor(float("nan"), requires_grad=True)
    before = (tmp_path / "autoencoder.pt").read_bytes()
    with pytest.raises(ValueError, match="loss of step 3 is nan"):
        loop.Trainer(spoiled, tmp_path).run()
    assert (tmp_path / "autoencoder.pt").read_bytes() == before


def test_a_gradient_of_nan_stops_the_run_before_it_reaches_the_weights(corpus, tmp_path):
    spoiled = stage(corpus)
    loss = spoiled.batch_loss
    # Its value is finite, its slope is not.
    spoiled.batch_loss = lambda *given: loss(*given) + (loss(*given) * 0).sqrt()
    before = [parameter.clone() for parameter in spoiled.network.parameters()]
    with pytest.raises(ValueError, match="gradient norm of step 1 is nan"):
        loop.Trainer(spoiled, tmp_path).run()
    assert all(map(torch.equal, before, spoiled.network.parameters()))


def test_other_settings_do_not_resume(corpus, tmp_path):
    loop.Trainer(stage(corpus), tmp_path).run(stop_after=1)
    longer = dataclasses.replace(TINY.autoencoder, steps=9)
    with pytest.raises(ValueError, match="other settings"):
        loop.Trainer(stage(corpus, dataclasses.replace(TINY, autoencoder=longer)), tmp_path)


def test_the_autoencoder_learns(corpus, tmp_path):
    recipe = dataclasses.replace(
        TINY,
        autoencoder=StageRecipe(
            steps=120,
            batch_size=4,
            learning_rate=4e-3,
            warmup_steps=10,
            ema_decay=0.9,
            evaluate_every=60,
        ),
        hidden_size=64,
    )
    trainer = loop.Trainer(stage(corpus, recipe), tmp_path)
    trainer.run()
    first, last = trainer.state.history[0], trainer.state.history[-1]
    assert last["clean_loss"] < 0.9 * first["clean_loss"]


def test_a_whole_run_gives_weights_that_draw(corpus, tmp_path):
    short = StageRecipe(steps=2, batch_size=2, learning_rate=1e-3, evaluate_every=2)
    recipe = dataclasses.replace(TINY, autoencoder=short, dit=short)
    config = RunConfig(draw_samples=save_contact_sheet)
    run.train(recipe, corpus, tmp_path / "run", tmp_path / "weights", config)
    pipe = PrismPipeline.from_pretrained(tmp_path / "weights")
    assert pipe.composers == ["Ada", "Bob"]
    assert pipe("Ada", num_inference_steps=1).rolls[0].frames == 256
    record = json.loads((tmp_path / "weights" / "training.json").read_text())
    assert record["steps"] == {"autoencoder": 2, "dit": 2}
    # Pieces of 70, 80 and 90 beats under each label: 1, 2 and 2 windows 16 beats apart.
    assert record["windows_seen"] == 4 and record["training_windows"] == 10
    assert record["epochs"] == 0.4 and record["started"] <= record["ended"]
    assert record["recipe"]["size"] == "tiny" and record["history"]["dit"]
    assert (tmp_path / "run" / "samples" / "samples-000002.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_baseline_learns_resumes_and_draws(corpus, tmp_path):
    settings = StageRecipe(
        steps=12, batch_size=2, learning_rate=3e-3, warmup_steps=2, ema_decay=0.5, evaluate_every=6
    )
    recipe = dataclasses.replace(AMT_PRESETS["smoke"], amt=settings)
    loop.Trainer(AMTStage(recipe, corpus), tmp_path / "run").run(stop_after=8)
    amt = run.train(recipe, corpus, tmp_path / "run", tmp_path / "weights")
    whole = loop.Trainer(AMTStage(recipe, corpus), tmp_path / "whole").run()
    for a, b in zip(whole.parameters(), amt.model.parameters(), strict=True):
        assert torch.equal(a, b)
    record = json.loads((tmp_path / "weights" / "training.json").read_text())
    first, last = record["history"]["amt"]
    assert last["free_validation_loss"] < first["free_validation_loss"] < np.log(2380)
    assert last["untold_free_validation_loss"] > 0
    assert record["events_seen"] == 12 * 2 * 341 and record["corpus_sha256"] == corpus.digest
    loaded = AMTPipeline.from_pretrained(tmp_path / "weights")
    assert loaded.composers == ["Ada", "Bob"] and loaded.model.config.key_normalised
    assert loaded.name == "AMT-mini" and loaded(seed=0).rolls[0].frames == 256


def test_the_baseline_s_label_is_left_out_now_and_then(corpus):
    often = dataclasses.replace(AMT_PRESETS["smoke"], label_dropout=0.5)
    often = dataclasses.replace(often, amt=dataclasses.replace(often.amt, batch_size=30))
    labels = AMTStage(often, corpus).draw(0, WHOLE)[1]
    assert set(labels.tolist()) == {0, 1, 2} and 8 < (labels == 2).sum() < 22


def test_a_baseline_that_is_told_nothing_has_no_table(corpus):
    untold = dataclasses.replace(AMT_PRESETS["smoke"], label_dropout=None, dropout=0.0)
    stage = AMTStage(untold, corpus)
    assert stage.network.label is None and stage.network.config.composers == []
    batch = stage.draw(0, WHOLE)
    assert stage.batch_loss(stage.network, batch) == stage.batch_loss(stage.network, batch)
    assert "untold_free_validation_loss" not in stage.evaluate(stage.network.eval(), 0)


@pytest.mark.slow
def test_the_command_survives_a_kill(corpus, tmp_path):
    corpus.save(tmp_path / "corpus")
    command = [
        sys.executable,
        "train.py",
        "--preset",
        "smoke",
        "--corpus",
        str(tmp_path / "corpus"),
        "--output",
        str(tmp_path / "run"),
        "--checkpoint-seconds",
        "0",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "dit.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "run" / "weights" / "prism.json").exists()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    steps = [row["step"] for row in json.loads((tmp_path / "run" / "dit.json").read_text())]
    assert steps == [10, 20]
    assert PrismPipeline.from_pretrained(tmp_path / "run" / "weights").composers


@pytest.mark.parametrize("share, guessed", [(1.0, True), (1e-9, False)])
def test_a_step_with_an_own_estimate_trains_all_weights_as_one_without(
    corpus, tmp_path, share, guessed
):
    """In mixed precision a weight rounded for the first pass must not serve the second."""
    recipe = dataclasses.replace(TINY, self_conditioning_share=share)
    own = DiTStage(recipe, corpus, AutoencoderStage(recipe, corpus).network, tmp_path)
    random_weights(own.network)
    batch = own.draw(0, WHOLE)
    assert batch[6].tolist() == [guessed] * recipe.dit.batch_size
    with torch.autocast("cpu", torch.bfloat16):
        own.batch_loss(own.network, batch).backward()
    idle = {n for n, p in own.network.named_parameters() if p.grad is None or not p.grad.any()}
    assert idle == (set() if guessed else {"self_cond_embedder.weight"})


def test_an_own_estimate_is_what_the_first_pass_says(corpus, tmp_path):
    recipe = dataclasses.replace(TINY, self_conditioning_share=1.0)
    own = DiTStage(recipe, corpus, AutoencoderStage(recipe, corpus).network, tmp_path)
    random_weights(own.network)
    rolls, labels, metre, attributes, noise, t, guessed, *_ = batch = own.draw(0, WHOLE)
    with torch.no_grad():
        data = own.autoencoder.encode(rolls)
        noisy = add_noise(data, noise, t)
        first = own.network(noisy, t, labels, metre, attributes)
        estimate = noisy - t[:, None, None] * first
        second = own.network(noisy, t, labels, metre, attributes, estimate)
    expected = ((second - (noise - data)) ** 2).mean()
    torch.testing.assert_close(own.batch_loss(own.network, batch), expected)
    assert guessed.all()
