"""The baseline's network: causal, cache equal to a full pass, published checkpoints load."""

import json

import numpy as np
import pytest
import torch
from conftest import random_weights

from prism.amt import published
from prism.amt.model import AnticipatoryTransformer, KeyValueCache
from prism.amt.vocabulary import CONTROL_OFFSET, VOCABULARY_SIZE
from prism.models.hub import WeightsError

PIANO = {"time_step": 10, "lowest_pitch": 21, "highest_pitch": 108, "instruments": 1}


@pytest.fixture
def model() -> AnticipatoryTransformer:
    return random_weights(AnticipatoryTransformer(width=32, depth=2, heads=2, context=64, **PIANO))


def test_a_token_does_not_see_what_follows(model):
    rows = torch.randint(0, 2000, (2, 40))
    changed = rows.clone()
    changed[:, 20:] = 7
    with torch.inference_mode():
        before, after = model(rows), model(changed)
    assert torch.allclose(before[:, :20], after[:, :20], atol=1e-5)
    assert not torch.allclose(before[:, 20:], after[:, 20:], atol=1e-2)


def test_reading_through_the_cache_equals_reading_at_once(model):
    rows = torch.randint(0, 2000, (1, 30))
    cache = KeyValueCache(model.config)
    with torch.inference_mode():
        parts = [model.hidden(rows[:, :10], cache)]
        parts += [model.hidden(rows[:, i : i + 1], cache) for i in range(10, 30)]
        assert torch.allclose(torch.cat(parts, 1), model.hidden(rows), atol=1e-4)


def test_logits_of_some_rows_are_a_part_of_all(model):
    with torch.inference_mode():
        hidden = model.hidden(torch.tensor([[1, 2, 3]]))
        part = model.logits(hidden, slice(100, 200))
        assert torch.allclose(part, model.logits(hidden)[..., 100:200], atol=1e-5)


TOLD = PIANO | {"labels": 2, "composers": ["Ada", "Bob"]}


def test_a_composer_changes_the_first_token_alone():
    """Without blocks a token's state depends on its own embedding alone."""
    bare = random_weights(AnticipatoryTransformer(32, 0, 2, context=64, **TOLD))
    rows = torch.randint(0, 2000, (2, 5))
    with torch.inference_mode():
        told = bare.hidden(rows, label=bare.label.weight[:2])
        nobody = bare.hidden(rows)
        flag = bare.wte(rows[:, 0]) + bare.wpe.weight[0]
        assert torch.equal(told[:, 1:], nobody[:, 1:])
        assert torch.equal(told[:, 0], bare.ln_f(flag + bare.label.weight[:2]))
        assert torch.equal(nobody[:, 0], bare.ln_f(flag + bare.label.weight[2]))


def test_nobody_s_row_of_zeros_is_a_model_that_is_told_none(model):
    told = AnticipatoryTransformer(width=32, depth=2, heads=2, context=64, **TOLD).eval()
    told.load_state_dict(model.state_dict() | {"label.weight": torch.zeros(3, 32)})
    rows = torch.randint(0, 2000, (2, 40))
    with torch.inference_mode():
        assert torch.equal(told(rows), model(rows))


def test_labels_of_a_batch_are_those_of_its_items():
    told = random_weights(AnticipatoryTransformer(width=32, depth=2, heads=2, context=64, **TOLD))
    rows, labels = torch.randint(0, 2000, (3, 40)), torch.tensor([0, 1, 2])
    with torch.inference_mode():
        whole = told(rows, labels)
        for row, label, expected in zip(rows, labels, whole, strict=True):
            torch.testing.assert_close(told(row[None], label[None])[0], expected)
        assert torch.equal(told(rows)[2], whole[2])
        assert not torch.allclose(whole[0], told(rows[:1])[0], atol=1e-2)


def test_names_and_labels_agree():
    with pytest.raises(ValueError, match="composers: expected 2 names, got 1"):
        AnticipatoryTransformer(32, 1, 2, **TOLD | {"composers": ["Ada"]})


def test_weights_from_before_there_were_labels_load(model, tmp_path):
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for name in ("labels", "composers", "key_normalised", "dropout"):
        del config[name]
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded = published.load(tmp_path)
    rows = torch.randint(0, 2000, (1, 20))
    with torch.inference_mode():
        assert torch.equal(loaded(rows), model(rows))


def test_neighbouring_times_begin_alike():
    fresh = AnticipatoryTransformer(width=64, depth=1, heads=2, **PIANO)
    weight = fresh.wte.weight.detach()
    for start in (0, int(fresh.table.rows(np.array([CONTROL_OFFSET]))[0])):
        near, far = (
            torch.cosine_similarity(weight[start + 500], weight[start + 500 + d], dim=0)
            for d in (1, 300)
        )
        assert near > far + 0.1


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_a_published_checkpoint_gives_the_same_logits(tmp_path, file):
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCABULARY_SIZE,
        n_positions=32,
        n_embd=16,
        n_layer=2,
        n_head=2,
        initializer_range=0.3,
    )
    theirs = GPT2LMHeadModel(config).eval()
    theirs.save_pretrained(tmp_path)
    if file == "pytorch_model.bin":
        (tmp_path / "model.safetensors").unlink()
        torch.save(theirs.state_dict(), tmp_path / file)
    ours = published.load(tmp_path)
    rows = torch.randint(0, VOCABULARY_SIZE, (2, 20))
    with torch.inference_mode():
        expected = theirs(rows).logits
        assert torch.allclose(ours(rows), expected, atol=1e-4)
    assert expected.std() > 0.1


def test_what_is_wrong_with_a_folder_is_said(tmp_path, model):
    with pytest.raises(WeightsError, match="config.json missing.*prism train amt"):
        published.load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 50_257, "n_embd": 8}))
    with pytest.raises(WeightsError, match="expected a vocabulary of 55028 tokens, got 50257"):
        published.load(tmp_path)
    model.save_pretrained(tmp_path / "cut")
    weights = tmp_path / "cut" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read"):
        published.load(tmp_path / "cut")


def test_the_hub_s_absence_is_said(monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(WeightsError, match="no such folder, and not from the Hub"):
        published.load("stanford-crfm/music-small-800k")
