"""The guided flow: all its conditions in one evaluation of the transformer.

Conventions
-----------
structure
    One more row hears, from each beat, only the beats up to `NEARBY_BEATS` away, and the flow is
    led away from it: ``structure_scale · (f(∅) − f(∅, nearby beats alone))`` is added. What is left
    of that difference is what far beats have to do with each other, such as that a bar returns.
    After perturbed-attention guidance (Ahn et al. 2024), which puts the identity in the place of
    attention. It acts from t = `STRUCTURE_FROM` to `STRUCTURE_UNTIL` (a limited interval, as in
    Kynkäänniemi et al. 2024): earlier it makes every piece alike, later it changes nothing more.
metre
    Where one is asked for, ``attribute_scale · (f(∅) − f(∅, no metre))`` is added: every row but
    the one without is told the metre.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from prism.models.diffusion import compose_guidance
from prism.models.dit import PrismDiT
from prism.models.settings import GenerationSettings

NEARBY_BEATS = 7
STRUCTURE_FROM, STRUCTURE_UNTIL = 0.7, 0.3


def nearby(tokens: int, reach: int = NEARBY_BEATS) -> torch.Tensor:
    """Which beats lie up to `reach` apart, bool, shape=(tokens, tokens)."""
    place = torch.arange(tokens)
    return (place[:, None] - place).abs() <= reach


class GuidanceRow(NamedTuple):
    """A condition of the guided flow, and the factor of the flow under it.

    `attributes` are (..., A); `metre` says whether it is told.
    """

    label: int
    attributes: torch.Tensor
    metre: bool
    factor: float


def guidance_rows(
    dit: PrismDiT, settings: GenerationSettings, labels: list[int], attributes: torch.Tensor
) -> list[GuidanceRow]:
    """The conditions of the guided flow without structure; the factors sum to 1.

    A row a composer, one for each attribute on its own and one without a metre if they are asked
    for and there is a scale for it, and last one under nothing but null values.
    """
    scale, null = settings.attribute_scale, dit.null_label
    nulls = dit.null_attributes.to(attributes.device).expand_as(attributes)
    columns = torch.arange(attributes.shape[-1], device=attributes.device)
    rows = [
        GuidanceRow(label, attributes, True, settings.guidance_scale * weight)
        for label, weight in zip(labels, settings.composer_weights, strict=True)
    ]
    for name in settings.attributes if scale else ():
        alone = torch.where(columns == dit.attribute_names.index(name), attributes, nulls)
        rows.append(GuidanceRow(null, alone, True, scale))
    if scale and settings.time_signature:
        rows.append(GuidanceRow(null, nulls, False, -scale))
    return [*rows, GuidanceRow(null, nulls, True, 1 - sum(row.factor for row in rows))]


class SampledFlow:
    """A network's flow as a function of latents and t, for one run of a sampler.

    A network with self-conditioning is given the estimate of the data that followed from the flow
    before.
    """

    def __init__(self, dit: PrismDiT) -> None:
        self._dit = dit
        self._self_cond: torch.Tensor | None = None
        self._known: tuple[torch.Tensor, torch.Tensor] | None = None

    def hold(self, known: torch.Tensor, data: torch.Tensor, noise: torch.Tensor) -> None:
        """Let known beats, bool (B, N), go straight from `noise` to their `data`, (B, N, D).

        The network is given their data as its estimate, as in training.
        """
        known = known[..., None]
        self._known = known, noise - data
        if self._dit.config.self_conditioning:
            self._self_cond = data * known

    def _followed(self, flow: torch.Tensor, latents: torch.Tensor, t: float) -> torch.Tensor:
        """The flow that is followed at t, whose estimate the next evaluation is given."""
        if self._known is not None:
            flow = torch.where(*self._known, flow)
        if self._dit.config.self_conditioning:
            self._self_cond = latents - t * flow
        return flow


class GuidedFlow(SampledFlow):
    """The transformer's guided flow.

    An item takes the rows of `guidance_rows`, and the last once more for the structure.

    Parameters
    ----------
    labels : list of int
        Of the settings' composers.
    metre, attributes, letters : int64 Tensor, shape=(B, N, 2), (B, A) and (B, N)
        Each item's; see `PrismDiT.forward`. The letters are told in every row.
    """

    def __init__(
        self,
        dit: PrismDiT,
        settings: GenerationSettings,
        labels: list[int],
        metre: torch.Tensor,
        attributes: torch.Tensor,
        letters: torch.Tensor,
    ) -> None:
        super().__init__(dit)
        self._settings, self._items = settings, len(metre)
        rows = guidance_rows(dit, settings, labels, attributes)
        rows.append(rows[-1])  # the last two differ in what they hear
        self._metre_row = next((i for i, row in enumerate(rows) if not row.metre), None)
        labels, attributes, told, _ = zip(*rows, strict=True)
        self._labels = torch.tensor(labels, device=metre.device).repeat_interleave(self._items)
        self._attributes = torch.cat(attributes)
        self._metre = torch.cat([metre * is_told for is_told in told])
        self._heard = torch.ones(len(self._metre), *[metre.shape[1]] * 2, dtype=torch.bool)
        self._heard[-self._items :] = nearby(metre.shape[1])
        self._heard = self._heard.to(metre.device)
        self._weights = torch.tensor(settings.composer_weights, device=metre.device)
        self._letters = letters.repeat(len(rows), 1)

    @torch.inference_mode()
    def __call__(self, latents: torch.Tensor, t: float) -> torch.Tensor:
        """The guided flow of latents (B, N, D), same shape."""
        acts = STRUCTURE_UNTIL <= t <= STRUCTURE_FROM
        structured = self._settings.structure_scale > 0 and acts
        flows = self._flows(latents, t, structured)
        free = flows[-2 if structured else -1]
        flow = self._guided(flows, free)
        if structured:
            flow = flow + self._settings.structure_scale * (free - flows[-1])
        return self._followed(flow, latents, t)

    def _flows(self, latents: torch.Tensor, t: float, structured: bool) -> torch.Tensor:
        """The flow under each condition, shape=(rows, B, N, D)."""
        count = len(self._labels) - (0 if structured else self._items)
        rows, self_cond = count // self._items, self._self_cond
        return self._dit(
            latents.repeat(rows, 1, 1),
            torch.full((count,), t, device=latents.device),
            self._labels[:count],
            self._metre[:count],
            self._attributes[:count],
            None if self_cond is None else self_cond.repeat(rows, 1, 1),
            self._heard if structured else None,
            self._letters[:count],
        ).unflatten(0, (rows, self._items))

    def _guided(self, flows: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
        """Towards the composers, and towards each attribute and the metre on its own."""
        composers, asked = len(self._settings.composers), len(self._settings.attributes)
        guided = compose_guidance(
            free, flows[:composers], self._weights, self._settings.guidance_scale
        )
        if not self._settings.attribute_scale:
            return guided
        away = (flows[composers : composers + asked] - free).sum(0)
        if self._metre_row is not None:
            away = away + free - flows[self._metre_row]
        return guided + self._settings.attribute_scale * away
