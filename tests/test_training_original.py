"""The original's route on a tiny autoencoder made here: latents, training, samples, rolls."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from diffusers.models.embeddings import LabelEmbedding

from prism.corpora.dataset import windows_by_label
from prism.models import original
from prism.models.hub import WeightsError
from prism.music.midipic import from_picture, to_picture
from prism.training import original as latents
from prism.training.batches import RunConfig
from prism.training.loop import Trainer
from prism.training.original import OriginalStage
from prism.training.presets import ORIGINAL_PRESETS
from prism.training.run import train


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> str:
    """A folder with an autoencoder of Stable Diffusion's shape: 256 × 256 × 3 → 32 × 32 × 4."""
    torch.manual_seed(0)
    block = {"down": "DownEncoderBlock2D", "up": "UpDecoderBlock2D"}
    tiny = AutoencoderKL(
        down_block_types=[block["down"]] * 4,
        up_block_types=[block["up"]] * 4,
        block_out_channels=[4] * 4,
        norm_num_groups=2,
        latent_channels=4,
        sample_size=256,
        layers_per_block=1,
    )
    folder = tmp_path_factory.mktemp("autoencoder")
    tiny.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def recipe(source):
    preset = ORIGINAL_PRESETS["original-smoke"]
    dit = dataclasses.replace(preset.dit, evaluate_every=100)
    return dataclasses.replace(preset, autoencoder=source, dit=dit, sample_steps=2)


def test_pictures_survive_the_scaling(corpus):
    roll = windows_by_label(corpus, "train")["Ada"][0].roll
    pictures = to_picture(roll)[None]
    tensor = original.picture_tensor(pictures)
    assert tensor.shape == (1, 3, 256, 256) and -1 <= tensor.min() < tensor.max() <= 1
    back = original.tensor_pictures(tensor)
    assert np.array_equal(back, pictures) and from_picture(back[0]) == roll


def test_a_new_transformer_predicts_nothing_and_drops_no_label():
    network = original.new_transformer(2, "tiny", 4, 8).train()
    t, label = torch.tensor([5]), torch.tensor([1])
    assert (network(torch.randn(1, 4, 8, 8), t, label).sample == 0).all()
    drops = [m.dropout_prob for m in network.modules() if isinstance(m, LabelEmbedding)]
    assert drops and set(drops) == {0.0}


def test_train_stop_resume_sample_roll(corpus, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(latents, "SHARD_PICTURES", 4)
    folder = tmp_path / "run"
    # 10 windows once, 4 at a time: three steps; stopped after the first.
    stage = OriginalStage(recipe, corpus, original.load_autoencoder(recipe.autoencoder), folder)
    assert stage.recipe.steps == 3
    Trainer(stage, folder).run(stop_after=1)
    shards = sorted(path.name for path in (folder / "latents" / "train").glob("*.npy"))
    assert shards == ["latents-00000.npy", "latents-00001.npy", "latents-00002.npy"]
    # Frozen: nothing is encoded again.
    monkeypatch.setattr(latents, "moments", None)
    pipe = train(recipe, corpus, folder, tmp_path / "weights", RunConfig(accumulation=2))
    record = json.loads((tmp_path / "weights" / "training.json").read_text())
    assert record["steps"] == {"original": 3} and record["training_pictures"] == 10
    assert record["recipe"]["epochs"] == 1 and record["history"]["original"][0]["step"] == 3
    loaded = original.OriginalPipeline.from_pretrained(tmp_path / "weights")
    assert loaded.composers == ["Ada", "Bob"]
    drawn, again = (p(["Ada", "Bob"], num_inference_steps=2, seed=3) for p in (pipe, loaded))
    assert [roll.frames for roll in drawn] == [256, 256] and drawn == again
    with pytest.raises(ValueError, match="unknown 'Eve'; choose from Ada, Bob"):
        loaded("Eve")


def test_an_epoch_has_every_picture_once(corpus, recipe, tmp_path):
    stage = OriginalStage(
        recipe, corpus, original.load_autoencoder(recipe.autoencoder), tmp_path / "run"
    )
    indices = np.concatenate([stage.training.epoch_indices(0, 4, step) for step in range(5)])
    assert sorted(indices[:10]) == sorted(indices[10:]) == list(range(10))
    assert list(indices[:10]) != list(indices[10:])
    whole, half = stage.draw(1, slice(None)), stage.draw(1, slice(0, 2))
    assert all(torch.equal(w[:2], h) for w, h in zip(whole, half, strict=True))


def test_latents_of_something_else_are_refused(corpus, tmp_path):
    latents.LabelledLatents(corpus, "validation", tmp_path, "a")
    with pytest.raises(ValueError, match="holds latents of .*choose another --output"):
        latents.LabelledLatents(corpus, "validation", tmp_path, "b")


@pytest.mark.parametrize("damage", [b"", b"nonsense", "half"])
def test_damaged_latents_are_made_again(corpus, recipe, tmp_path, damage):
    vae = original.load_autoencoder(recipe.autoencoder)
    (path,) = OriginalStage(recipe, corpus, vae, tmp_path).training.paths
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage == "half" else damage)
    OriginalStage(recipe, corpus, vae, tmp_path)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("damage", ["", "[1]", "{"])
def test_latents_of_what_is_not_known_are_refused(corpus, tmp_path, damage):
    latents.LabelledLatents(corpus, "validation", tmp_path, "a")
    (tmp_path / "latents.json").write_text(damage)
    with pytest.raises(ValueError, match="their autoencoder is not known, expected a; choose"):
        latents.LabelledLatents(corpus, "validation", tmp_path, "a")


def test_a_run_on_another_corpus_is_refused(corpus, recipe, tmp_path):
    first, second = (dataclasses.replace(corpus, digest=letter * 64) for letter in "ab")
    vae = original.load_autoencoder(recipe.autoencoder)
    Trainer(OriginalStage(recipe, first, vae, tmp_path), tmp_path).run(stop_after=1)
    with pytest.raises(ValueError, match="holds latents of .*aaaa.*bbbb.*choose another --output"):
        OriginalStage(recipe, second, vae, tmp_path)
    elsewhere = OriginalStage(recipe, second, vae, tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="on another corpus .SHA-256 aaaa.*bbbb.; choose another"):
        Trainer(elsewhere, tmp_path)


def test_missing_parts_are_named(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match="prism train --preset original"):
        original.OriginalPipeline.from_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="no such folder, and not from the Hub"):
        original.load_autoencoder(str(tmp_path))
