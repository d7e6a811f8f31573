"""Training in one key, on form letters and known beats."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from conftest import random_weights
from test_training import TINY

from prism.corpora.dataset import form_plans, tensor_roll
from prism.models.diffusion import add_noise, sample_times
from prism.models.pipeline import PrismPipeline
from prism.music.attributes import key_index, normalising_shift
from prism.music.form import LETTERS
from prism.training import run
from prism.training.batches import WHOLE
from prism.training.recipe import StageRecipe
from prism.training.stages import AutoencoderStage, DiTStage

SIZE = 64
FEW = slice(0, 8)
RECIPE = dataclasses.replace(
    TINY,
    dit=StageRecipe(steps=2, batch_size=SIZE, learning_rate=1e-3, evaluate_every=2),
    attributes=("key", "repetition"),
    drawn_attributes=("key",),
    self_conditioning_share=1.0,
    key_normalised=True,
    form_share=0.7,
    known_share=0.5,
)


def dit_stage(corpus, tmp_path, **changes) -> DiTStage:
    recipe = dataclasses.replace(RECIPE, **changes)
    stage = DiTStage(recipe, corpus, AutoencoderStage(recipe, corpus).network.eval(), tmp_path)
    random_weights(stage.autoencoder, 1)
    random_weights(stage.network)
    return stage


def test_without_the_new_fields_the_loss_is_the_plain_one(corpus, tmp_path):
    plain = {"key_normalised": False, "form_share": 0.0, "known_share": 0.0}
    stage = dit_stage(corpus, tmp_path, self_conditioning_share=0.0, **plain)
    rolls, labels, metre, attributes, noise, t, _, letters, known = batch = stage.draw(0, FEW)
    assert not letters.any() and not known.any() and stage.network.letter_embedder is None
    with torch.no_grad():
        data = stage.autoencoder.encode(rolls)
        flow = stage.network(add_noise(data, noise, t), t, labels, metre, attributes)
        expected = F.mse_loss(flow, noise - data)
        torch.testing.assert_close(stage.batch_loss(stage.network, batch), expected)


def test_the_new_fields_leave_noise_times_and_labels_as_they_are(corpus, tmp_path):
    plain = {"form_share": 0.0, "known_share": 0.0, "key_normalised": False}
    new, old = (dit_stage(corpus, tmp_path, **changes).draw(0, FEW) for changes in ({}, plain))
    for k in (1, 2, 4, 5, 6):
        assert torch.equal(new[k], old[k])


def test_parts_of_a_batch_are_those_of_the_whole(corpus, tmp_path):
    stage = dit_stage(corpus, tmp_path)
    whole, parts = stage.draw(3, WHOLE), [stage.draw(3, slice(k, k + 16)) for k in range(0, 64, 16)]
    for value, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(value, torch.cat(pieces))
    with torch.no_grad():
        losses = [stage.batch_loss(stage.network, part) for part in parts]
        expected = stage.batch_loss(stage.network, whole)
    torch.testing.assert_close(torch.stack(losses).mean(), expected)


def test_known_beats_are_a_span_or_all_but_one_as_often_as_asked(corpus, tmp_path):
    stage = dit_stage(corpus, tmp_path)
    known = torch.cat([stage._known(step) for step in range(40)])
    assert known.shape == (40 * SIZE, 64) and known.dtype == torch.bool
    steps = F.pad(known, (1, 1)).diff(dim=1).sum(1)  # ends of spans
    assert set(steps.tolist()) <= {0, 2, 4}
    assert known.any(1).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert known.float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert not dit_stage(corpus, tmp_path, known_share=0.0)._known(0).any()


def with_known(batch, beats: slice):
    known = torch.zeros_like(batch[8])
    known[:, beats] = True
    return (*batch[:8], known)


def test_the_loss_leaves_known_beats_out(corpus, tmp_path):
    """A network that is wrong there by any amount has the same loss; elsewhere it has not."""
    stage = dit_stage(corpus, tmp_path)
    batch = with_known(stage.draw(0, FEW), slice(16, 40))

    def wrong(beats: slice):
        def network(*given, **told):
            flow = stage.network(*given, **told).clone()
            flow[:, beats] += 5
            return flow

        return network

    with torch.no_grad():
        right = stage.batch_loss(stage.network, batch)
        # Beats that are known keep their data as the estimate, so that the error goes nowhere.
        assert torch.equal(stage.batch_loss(wrong(slice(16, 40)), batch), right)
        assert stage.batch_loss(wrong(slice(15, 16)), batch) != right
        everything = with_known(batch, slice(None))
        assert stage.batch_loss(stage.network, everything) == 0


def test_the_loss_is_the_mean_over_the_beats_that_are_not_known(corpus, tmp_path):
    """Each item counts as much as another, however many of its beats are known."""
    stage = dit_stage(corpus, tmp_path)
    batch = stage.draw(0, slice(0, 2))
    known = torch.zeros(2, 64, dtype=torch.bool)
    known[0, :48] = True
    with torch.no_grad():
        target = batch[4] - stage.autoencoder.encode(batch[0])

    def network(x_t, *given, **told):
        wrong = torch.zeros_like(x_t)
        wrong[0], wrong[0, :48], wrong[1] = 1, 9, 3
        return target + wrong

    loss = stage.batch_loss(network, (*batch[:8], known))
    assert loss.item() == pytest.approx((1 + 9) / 2, rel=1e-5)


@pytest.mark.parametrize("share", [1.0, 1e-9])
def test_the_estimate_of_known_beats_is_their_data(corpus, tmp_path, share):
    stage, seen = dit_stage(corpus, tmp_path, self_conditioning_share=share), []
    batch = with_known(stage.draw(0, FEW), slice(16, 40))
    network = stage.network

    def watch(*given, **told):
        seen.append(given)
        return network(*given, **told)

    with torch.no_grad():
        stage.batch_loss(watch, batch)
        data = stage.autoencoder.encode(batch[0])
    assert len(seen) == (2 if share == 1 else 1)
    assert all(torch.equal(given[5][:, 16:40], data[:, 16:40]) for given in seen)
    first, last = seen[0], seen[-1]
    assert not first[5][:, :16].any() and not first[5][:, 40:].any()
    if share == 1:
        x_t, t = first[:2]
        with torch.no_grad():
            guess = x_t - t[:, None, None] * network(*first, letters=batch[7])
        torch.testing.assert_close(last[5][:, 40:], guess[:, 40:])
    assert torch.equal(first[0], add_noise(data, batch[4], batch[5]))  # noised, as the others


def test_letters_are_dropped_or_renamed_for_each_window(corpus, tmp_path):
    stage = dit_stage(corpus, tmp_path)
    plain = stage.sampler.batch(SIZE, stage.settings.seed, 0).letters
    letters = stage.draw(0, WHOLE)[7]
    told, known = letters.any(1), plain.any(1)  # a window with an unknown end has none
    assert not told[~known].any()
    assert told[known].float().mean().item() == pytest.approx(0.7, abs=0.15)
    assert letters.max() <= LETTERS and (letters != plain)[told].any()
    for old, new in zip(plain[told].tolist(), letters[told].tolist(), strict=True):
        pairs = set(zip(old, new, strict=True))
        assert len(pairs) == len(set(old)) == len(set(new))  # one new letter for each old one
        assert all((a == 0) == (b == 0) for a, b in pairs)
    assert len(set(letters[told][:, 0].tolist())) > 4  # the first bar's is not always the same


def test_windows_are_in_one_key_and_told_their_own(corpus, tmp_path):
    stage = dit_stage(corpus, tmp_path)
    batch = stage.sampler.batch(16, 0, 0)
    found = stage._attributes(batch)[:, 0].tolist()
    keyless = stage.network.null_attributes[0].item()
    for roll, shift, key in zip(batch.rolls, batch.shifts.tolist(), found, strict=True):
        moved = key_index(tensor_roll(roll))
        assert moved in (0, 21, None) and shift == normalising_shift(key)
        assert (moved is None) == (key == keyless)
    assert len(set(found)) > 2


def test_the_mean_moves_the_times_by_its_logit():
    plain, later = (
        sample_times(2000, torch.Generator().manual_seed(0), 0.0, mean) for mean in (0.0, 0.4)
    )
    torch.testing.assert_close(later.logit(), plain.logit() + 0.4, atol=1e-3, rtol=1e-3)
    ends = [sample_times(50, torch.Generator().manual_seed(0), 1.0, mean) for mean in (0.0, 0.4)]
    assert torch.equal(*ends)  # the uniform share is not moved


def test_a_run_gives_weights_that_draw_by_plans_in_a_key(corpus, tmp_path):
    dit = StageRecipe(steps=2, batch_size=2, learning_rate=1e-3, evaluate_every=2)
    recipe = dataclasses.replace(
        RECIPE, autoencoder=dit, dit=dit, dropout=0.1, label_power=0.75, t_mean=0.4
    )
    run.train(recipe, corpus, tmp_path / "run", tmp_path / "weights")
    pipe = PrismPipeline.from_pretrained(tmp_path / "weights")
    assert pipe.key_normalised and pipe.dit.config.letters == LETTERS
    assert pipe.dit.config.dropout == 0.1 and not pipe.dit.training
    plans = form_plans(corpus)
    assert {label: pipe.profiles[label]["plans"] for label in plans} == plans
    call = {"key": "D major", "num_inference_steps": 1, "time_signature": (4, 4), "tempo": 90}
    output = pipe("Ada", **call)
    (still,) = pipe.decode(output.latents, [{"time_signature": (4, 4), "tempo": 90}])
    assert output.rolls == [still.transposed(2)]
