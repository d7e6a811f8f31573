"""Flow matching as pure functions: schedules, noising, guidance, the sampler.

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

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

import torch

FlowFunction = Callable[[torch.Tensor, float], torch.Tensor]
# Bars return as often with 16 shifted steps as with 32 even ones (docs/experiments.md).
SHIFT = 2.0


@dataclasses.dataclass
class SamplerState:
    """What a sampler yields after each step, of which `index` counts from 1.

    `t` is the time reached, `x_t` the latents at it, with which the sampler goes on, and `clean` an
    estimate of the data.
    """

    index: int
    t: float
    x_t: torch.Tensor
    clean: torch.Tensor

    def replace(self, x_t: torch.Tensor) -> None:
        """Go on with other latents; where no time is left, they are the result."""
        if x_t is not self.x_t:
            self.x_t = x_t
            self.clean = x_t if self.t == 0 else self.clean


def add_noise(data: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Latents at time t, one t a sample; `data` and `noise` shape=(B, ...), `t` shape=(B,)."""
    t = t.view(-1, *[1] * (data.dim() - 1))
    return (1 - t) * data + t * noise


def sample_times(
    count: int, generator: torch.Generator, uniform_share: float = 0.1, mean: float = 0.0
) -> torch.Tensor:
    """Draw training times: logit-normal (Esser et al. 2024, section 3.1), a share uniform.

    The share lets the ends be visited too; above a `mean` of 0, that of the logit of t, noisier
    times are drawn more often.
    """
    t = torch.sigmoid(torch.randn(count, generator=generator) + mean)
    uniform = torch.rand(count, generator=generator)
    return torch.where(torch.rand(count, generator=generator) < uniform_share, uniform, t)


def schedule(num_inference_steps: int) -> list[float]:
    """Times from 1 to 0, `num_inference_steps` + 1 of them.

    ``s · u / (1 + (s − 1) · u)`` of even u (Esser et al. 2024, section 5.3.2): with an s, `SHIFT`,
    above 1 they lie closer where there is more noise.
    """
    even = [1 - i / num_inference_steps for i in range(num_inference_steps + 1)]
    return [SHIFT * u / (1 + (SHIFT - 1) * u) for u in even]


def compose_guidance(
    unconditional: torch.Tensor,
    conditional: torch.Tensor,
    weights: torch.Tensor,
    guidance_scale: float,
) -> torch.Tensor:
    """Classifier-free guidance composed over labels (Ho & Salimans 2022; Liu et al. 2022).

    ``flow = u + g · Σ wᵢ (cᵢ − u)`` of flows u, (B, ...), under the null label and c, (K, B, ...),
    under each label, with weights w, (K,), that sum to 1: 0 ignores the labels, 1 with one label is
    the plain conditional flow.
    """
    weights = weights.view(-1, *[1] * unconditional.dim())
    return unconditional + guidance_scale * (weights * (conditional - unconditional)).sum(0)


def euler_steps(
    flow: FlowFunction, x_t: torch.Tensor, times: Sequence[float]
) -> Iterator[SamplerState]:
    """Follow the flow from noise with one evaluation a step; exact where the flow is constant."""
    for index, (t, t_next) in enumerate(itertools.pairwise(times), start=1):
        slope = flow(x_t, t)
        state = SamplerState(index, t_next, x_t + (t_next - t) * slope, x_t - t * slope)
        yield state
        x_t = state.x_t
