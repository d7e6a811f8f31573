"""Flow matching as pure functions: schedules, noising, guidance, samplers.

Conventions
-----------
t
    Diffusion time: 1 is Gaussian noise, 0 is data.
latents at t
    ``(1 − t) · data + t · noise`` (rectified flow; Liu et al. 2022, Lipman et al. 2022).
flow
    ``noise − data``, the derivative of the latents by t, which the network predicts; hence the
    clean estimate is ``latents − t · flow``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch

FlowFunction = Callable[[torch.Tensor, float], torch.Tensor]


class Step(NamedTuple):
    """What a sampler yields after each step.

    `index` counts from 1; `t` is the time reached; `latents` and `clean` (the estimate of the data
    from the flow just computed) have the sampler's shape.
    """

    index: int
    t: float
    latents: torch.Tensor
    clean: torch.Tensor


def add_noise(data: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Latents at time t, one t a sample; `data` and `noise` shape=(B, ...), `t` shape=(B,)."""
    t = t.view(-1, *[1] * (data.dim() - 1))
    return (1 - t) * data + t * noise


def sample_times(
    count: int, generator: torch.Generator, uniform_share: float = 0.1
) -> torch.Tensor:
    """Draw training times: logit-normal (Esser et al. 2024, section 3.1), a share uniform.

    Parameters
    ----------
    count : int
        How many.
    generator : torch.Generator
        Source of randomness.
    uniform_share : float
        Fraction drawn uniformly instead, so that the ends are visited too.
    """
    t = torch.sigmoid(torch.randn(count, generator=generator))
    uniform = torch.rand(count, generator=generator)
    return torch.where(torch.rand(count, generator=generator) < uniform_share, uniform, t)


def schedule(num_inference_steps: int, shift: float = 1.0) -> list[float]:
    """Times from 1 to 0, `num_inference_steps` + 1 of them.

    `shift` above 1 spends more steps near the noise (Esser et al. 2024, equation 23).
    """
    even = [1 - i / num_inference_steps for i in range(num_inference_steps + 1)]
    return [shift * t / (1 + (shift - 1) * t) for t in even]


def compose_guidance(
    unconditional: torch.Tensor,
    conditional: torch.Tensor,
    weights: torch.Tensor,
    guidance_scale: float,
) -> torch.Tensor:
    """Classifier-free guidance composed over labels (Ho & Salimans 2022; Liu et al. 2022).

    ``flow = u + g · Σ wᵢ (cᵢ − u)``: 0 ignores the labels, 1 with one label is the plain
    conditional flow.

    Parameters
    ----------
    unconditional : Tensor, shape=(B, ...)
        Flow under the null label.
    conditional : Tensor, shape=(K, B, ...)
        Flow under each label.
    weights : Tensor, shape=(K,)
        Sum to 1.
    guidance_scale : float
        g, 0 or more.
    """
    weights = weights.view(-1, *[1] * unconditional.dim())
    return unconditional + guidance_scale * (weights * (conditional - unconditional)).sum(0)


def euler_steps(
    flow: FlowFunction, latents: torch.Tensor, times: Sequence[float]
) -> Iterator[Step]:
    """Follow the flow with one evaluation a step; exact where the flow is constant."""
    for index, (t, t_next) in enumerate(itertools.pairwise(times), start=1):
        slope = flow(latents, t)
        clean = latents - t * slope
        latents = latents + (t_next - t) * slope
        yield Step(index, t_next, latents, clean)


def heun_steps(flow: FlowFunction, latents: torch.Tensor, times: Sequence[float]) -> Iterator[Step]:
    """Like `euler_steps`, with a second evaluation at each step's end (Karras et al. 2022)."""
    for index, (t, t_next) in enumerate(itertools.pairwise(times), start=1):
        slope = flow(latents, t)
        clean = latents - t * slope
        ahead = latents + (t_next - t) * slope
        if t_next > 0:
            slope = (slope + flow(ahead, t_next)) / 2
        latents = latents + (t_next - t) * slope
        yield Step(index, t_next, latents, clean)


SAMPLERS = {"euler": euler_steps, "heun": heun_steps}


def sample(
    flow: FlowFunction,
    latents: torch.Tensor,
    times: Sequence[float],
    sampler: str = "euler",
    callback_on_step_end: Callable[[Step], None] | None = None,
) -> torch.Tensor:
    """Run a sampler to the end.

    Parameters
    ----------
    flow : callable
        ``flow(latents, t)`` → Tensor of the same shape.
    latents : Tensor
        Noise to start from.
    times : sequence of float
        From `schedule`.
    sampler : str
        A key of `SAMPLERS`.
    callback_on_step_end : callable, optional
        Called with each `Step`.

    Raises
    ------
    ValueError
        If `sampler` is unknown.
    """
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler: expected one of {', '.join(SAMPLERS)}; got {sampler!r}")
    for step in SAMPLERS[sampler](flow, latents, times):
        latents = step.latents
        if callback_on_step_end is not None:
            callback_on_step_end(step)
    return latents
