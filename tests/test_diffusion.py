"""Schedules, noising, guidance and samplers against hand-worked cases."""

import pytest
import torch

from prism.models import diffusion


def test_add_noise_is_a_straight_line_between_data_and_noise():
    data, noise = torch.tensor([[2.0], [2.0], [2.0]]), torch.tensor([[4.0], [4.0], [4.0]])
    latents = diffusion.add_noise(data, noise, torch.tensor([0.0, 0.25, 1.0]))
    assert latents.flatten().tolist() == [2.0, 2.5, 4.0]


def test_schedule_runs_from_noise_to_data():
    assert diffusion.schedule(4) == pytest.approx([1.0, 1.5 / 1.75, 1 / 1.5, 0.5 / 1.25, 0.0])


@pytest.mark.parametrize("steps", [1, 3])
def test_euler_is_exact_on_a_straight_flow(steps):
    noise, data = torch.randn(2, 4, 3), torch.randn(2, 4, 3)
    *_, last = diffusion.euler_steps(lambda x, t: noise - data, noise, diffusion.schedule(steps))
    torch.testing.assert_close(last.x_t, data)


def test_every_step_is_yielded_with_its_clean_estimate():
    noise, data = torch.randn(1, 4), torch.randn(1, 4)
    states = diffusion.euler_steps(lambda x, t: noise - data, noise, diffusion.schedule(5))
    seen = list(states)
    assert [state.index for state in seen] == [1, 2, 3, 4, 5]
    assert seen[-1].t == 0.0
    for state in seen:
        torch.testing.assert_close(state.clean, data)


def test_the_sampler_goes_on_with_what_it_is_given():
    states = diffusion.euler_steps(lambda x, t: x, torch.ones(1), [1.0, 0.5, 0.0])
    next(states).replace(torch.full((1,), 4.0))
    last = next(states)
    assert last.x_t == 2.0
    last.replace(torch.zeros(1))
    assert last.clean == 0.0


def test_guidance_by_hand():
    unconditional = torch.tensor([[1.0]])
    conditional = torch.tensor([[[3.0]], [[5.0]]])
    weights = torch.tensor([0.75, 0.25])
    # 1 + 2 · (0.75 · 2 + 0.25 · 4) = 6
    assert diffusion.compose_guidance(unconditional, conditional, weights, 2.0).item() == 6.0
    assert diffusion.compose_guidance(unconditional, conditional, weights, 0.0).item() == 1.0


def test_guidance_of_one_with_one_label_is_the_conditional_flow():
    unconditional, conditional = torch.randn(2, 3), torch.randn(1, 2, 3)
    guided = diffusion.compose_guidance(unconditional, conditional, torch.ones(1), 1.0)
    torch.testing.assert_close(guided, conditional[0])


def test_training_times_stay_inside_and_repeat_with_the_seed():
    draw = lambda: diffusion.sample_times(4000, torch.Generator().manual_seed(3))  # noqa: E731
    t = draw()
    assert torch.equal(t, draw())
    assert t.min() >= 0 and t.max() <= 1
    assert t.mean().item() == pytest.approx(0.5, abs=0.02)
    # Logit-normal times crowd the middle: more than half lie in the middle half.
    assert ((t > 0.25) & (t < 0.75)).float().mean() > 0.6
