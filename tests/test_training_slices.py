"""Training in slices: each stops in time, goes on where the last one stopped, leaves weights."""

import dataclasses
import json
import time

import pytest
from conftest import make_pipeline
from test_training import TINY

from prism.cli import train
from prism.models.pipeline import PrismPipeline
from prism.training import presets, run
from prism.training.batches import RunConfig
from prism.training.loop import Trainer
from prism.training.recipe import StageRecipe
from prism.training.stages import AutoencoderStage

SHORT = StageRecipe(steps=3, batch_size=2, learning_rate=1e-3, evaluate_every=9)
RECIPE = dataclasses.replace(TINY, autoencoder=SHORT, dit=SHORT)


def test_slices(corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(presets.MODELS["prism"], "base", RECIPE)
    corpus.save(tmp_path / "corpus")
    command = ["--preset", "base", "--max-shard-size", "15MB"]
    command += ["--corpus", str(tmp_path / "corpus"), "--output", str(tmp_path / "run")]
    train.main([*command, "--minutes", "0"])
    out = capsys.readouterr().out
    assert '"max_shard_size": "15MB"' in out
    assert "autoencoder: 0 of 3 steps done; run again to go on" in out
    train.main([*command, "--minutes", "9"])
    weights = tmp_path / "run" / "weights"
    assert json.loads((weights / "training.json").read_text())["steps"]["dit"] == 3
    assert PrismPipeline.from_pretrained(weights).composers == ["Ada", "Bob"]


def test_a_deadline_in_the_transformer_s_turn_leaves_what_is_learnt(corpus, tmp_path):
    folder, weights = tmp_path / "run", tmp_path / "weights"
    with pytest.raises(run.Unfinished):
        run.train(RECIPE, corpus, folder, weights, RunConfig(deadline=time.monotonic()))
    Trainer(AutoencoderStage(RECIPE, corpus), folder).run()
    run.train(RECIPE, corpus, folder, weights, RunConfig(deadline=time.monotonic()))
    record = json.loads((weights / "training.json").read_text())
    assert record["steps"] == {"autoencoder": 3, "dit": 0} and record["history"]["dit"] == []
    assert PrismPipeline.from_pretrained(weights).composers


def test_weights_in_small_files_load_back(tmp_path):
    pipe = make_pipeline()
    pipe.save_pretrained(tmp_path, "20KB")
    files = list(tmp_path.glob("dit/*.safetensors"))
    assert len(files) > 2 and max(file.stat().st_size for file in files) < 30_000
    assert pipe("Ada", seed=3, num_inference_steps=2).rolls[0].frames == 256
    loaded = PrismPipeline.from_pretrained(tmp_path)
    for a, b in zip(pipe.dit.parameters(), loaded.dit.parameters(), strict=True):
        assert (a - b).abs().max() < 1e-3
