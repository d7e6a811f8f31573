"""What a run would need, worked out by hand for small networks; and every preset has a plan."""

import dataclasses

import pytest
import torch
from conftest import ROOT
from torch import nn

from prism.cli import train
from prism.training import plan, run
from prism.training.batches import RunConfig
from prism.training.presets import MODELS, PRESETS, chosen
from prism.training.recipe import StageRecipe, stages_of, with_rate

CARD = plan.Card("by hand", memory=10e9, mixed=2e12, single=1e12, share=0.5)


def two_layers() -> plan.Cost:
    """Linear 10 → 20, then 20 → 5: products of 200 and 100 multiplications."""
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(10, 20), nn.SiLU(), nn.Linear(20, 5))
        return plan.cost_of(network, (torch.zeros(1, 10),), mixed=False)


def test_a_small_network_by_hand():
    cost = two_layers()
    assert cost.parameters == {"0": 220, "2": 105} and cost.size == 325
    assert cost.forward_flops == 2 * (200 + 100)
    # The input, the first layer's output and SiLU's.
    assert cost.kept_bytes == 4 * (10 + 20 + 20)
    assert cost.memory(7) == 22 * 325 + 7 * 200 + 1.5e9


def test_a_transformer_by_hand():
    # Width 64, depth 2, 64 tokens of 48 numbers; a multiplication and an addition each.
    width, tokens, depth = 64, 64, 2
    block = tokens * 12 * width**2 + 2 * tokens**2 * width + 6 * width**2
    ends = 2 * tokens * 48 * width + 2 * width**2
    conditions = (256 + width) * width + tokens * width**2
    cost = plan.costs(PRESETS["smoke"])["dit"]
    assert cost.forward_flops == 2 * (depth * block + ends + conditions)


def test_an_own_estimate_costs_its_layer_and_a_share_of_the_forward_passes():
    plain = plan.costs(PRESETS["smoke"])["dit"]
    recipe = dataclasses.replace(PRESETS["smoke"], self_conditioning_share=0.5)
    asked = plan.costs(recipe)["dit"]
    # 64 tokens of 48 numbers to width 64.
    assert asked.forward_flops - plain.forward_flops == 2 * 64 * 48 * 64
    assert asked.training_flops == 3.5 * asked.forward_flops


def test_hours_and_parts_by_hand():
    cost = plan.Cost({"all": 10**8}, forward_flops=5e9, kept_bytes=1e9)
    recipe = StageRecipe(steps=1000, batch_size=12, learning_rate=1.0)
    # 12,000 samples of 15 GFLOPs at half of 1 TFLOP/s.
    assert cost.hours(recipe, CARD) == pytest.approx(360 / 3600)
    # Half a forward pass more makes 17.5 GFLOPs of 15.
    asked = dataclasses.replace(cost, first_passes=0.5)
    assert asked.hours(recipe, CARD) == pytest.approx(420 / 3600)
    # 2.2 GB of parameters and 1.5 GB beside them leave 5.3 of 9 GB, at 1 GB a sample.
    assert cost.accumulation(12, CARD.memory) == 3
    assert cost.accumulation(12, 4e9) is None


def test_the_originals_setting_fits_16_gigabytes():
    recipe = chosen("prism", "original")
    cost = plan.costs(recipe)["dit"]
    parts = cost.accumulation(recipe.dit.batch_size, 16e9)
    assert parts and cost.memory(recipe.dit.batch_size // parts) < 16e9 < cost.memory(64)
    assert recipe.epochs == 32 and 1e-4 <= recipe.dit.learning_rate <= 1e-3


def test_large_is_as_wide_and_deep_as_the_report_s(capsys):
    train.main(["--plan", "large"])
    text = capsys.readouterr().out
    # The report's 458,065,968, and what the estimate, attributes and letters are told by.
    assert f"dit: {458_065_968 + 49_152 + 43_008 + 17_408:,} parameters (" in text
    assert "blocks 453,356,544" in text
    assert "| H100 80 GB | " in text and "| 2 CPU cores | " in text


@pytest.mark.parametrize("model", MODELS)
def test_every_preset_has_a_plan_a_run_and_a_printed_setting(model):
    for preset in MODELS[model]:
        recipe = chosen(model, preset)
        assert set(plan.costs(recipe)) == set(stages_of(recipe)) and type(recipe) in run.RUNS
        assert '"null_label_share"' in train.printed(recipe, RunConfig()) or model != "prism"


def test_another_rate_is_the_last_stage_s():
    recipe = with_rate(PRESETS["base"], 2e-4)
    assert recipe.dit.learning_rate == 2e-4
    assert recipe.autoencoder == PRESETS["base"].autoencoder


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--plan", "huge"], "--preset: expected one of mini, "),
        (["--autoencoder", "x"], "only the original's presets"),
        (["--learning-rate", "0"], "expected more than 0"),
        (["--preset", "smoke", "--corpus", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_told(arguments, complaint, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as stopped:
        train.main(arguments)
    assert stopped.value.code == 1 and complaint in capsys.readouterr().err
