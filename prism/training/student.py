"""The student's stage: a step of it leads where several of the guided teacher's do.

In each batch the student draws up to some step of its own (so that it learns from its own states;
Ross et al. 2011), the teacher goes on from there in small steps to the student's next time, and the
student learns the mean flow of that way. Settings are drawn at random; nothing but the teacher is
needed, no music.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from prism.models.diffusion import schedule
from prism.models.dit import PrismDiT
from prism.models.guidance import STRUCTURE_FROM, STRUCTURE_UNTIL, guidance_rows, nearby
from prism.models.pipeline import PrismPipeline
from prism.models.setting_types import METRES
from prism.models.settings import SETTINGS, GenerationSettings
from prism.models.student import (
    MOST_STRUCTURE,
    STUDENT_STEPS,
    Student,
    composer_shares,
    guidance_vector,
    update_merged,
    with_adapters,
)
from prism.music.roll import BEATS, PianoRoll
from prism.music.statistics import mean_description
from prism.training.batches import Tensors, generator_for
from prism.training.recipe import StudentRecipe

VALIDATION_SEEDS = 4
# How often a mixture has 1 to 4 composers, and how often each setting is its default.
_COMPOSERS = (0.6, 0.2, 0.12, 0.08)
_DEFAULT_SHARE = 0.6
_ASKED_SHARE = 0.2


@dataclasses.dataclass
class Rows:
    """The teacher's rows of a batch; their flows times their factors are the guided flow.

    Parameters
    ----------
    item, label : int64 Tensor, shape=(R,)
        Whose row it is, and under which label.
    attributes : int64 Tensor, shape=(R, A)
    metre, nearby : bool Tensor, shape=(R,)
        Whether it is told the metre, and hears nearby beats alone: the last B rows.
    always, structured : Tensor, shape=(R,)
        The factor, and what is added to it where structure guidance acts.
    """

    item: torch.Tensor
    label: torch.Tensor
    attributes: torch.Tensor
    metre: torch.Tensor
    always: torch.Tensor
    structured: torch.Tensor


def teacher_rows(
    dit: PrismDiT, items: Iterable[tuple[GenerationSettings, list[int], torch.Tensor]]
) -> Rows:
    """The rows of `GuidedFlow`, of items that each have their settings, labels and attributes."""
    rows, last = [], []
    for i, (settings, labels, attributes) in enumerate(items):
        *others, free = guidance_rows(dit, settings, labels, attributes)
        rows += [(i, *row, 0.0) for row in others]
        rows.append((i, *free, settings.structure_scale))
        last.append((i, *free._replace(factor=0.0), -settings.structure_scale))
    item, label, attributes, metre, always, structured = zip(*rows, *last, strict=True)
    return Rows(
        torch.tensor(item),
        torch.tensor(label),
        torch.stack(attributes),
        torch.tensor(metre),
        torch.tensor(always, dtype=torch.float32),
        torch.tensor(structured, dtype=torch.float32),
    )


def guided(
    dit: PrismDiT,
    rows: Rows,
    x_t: torch.Tensor,
    t: torch.Tensor,
    metre: torch.Tensor,
    letters: torch.Tensor,
    self_cond: torch.Tensor,
) -> torch.Tensor:
    """The teacher's guided flow of latents (B, N, D), each item at its own t (B,)."""
    acts = (t >= STRUCTURE_UNTIL - 1e-6) & (t <= STRUCTURE_FROM + 1e-6)
    factor = rows.always + rows.structured * acts[rows.item]
    told = metre[rows.item] * rows.metre[:, None, None]
    whole = slice(0, len(rows.item) - len(x_t))
    near = slice(len(rows.item) - len(x_t), None)
    heard = nearby(x_t.shape[1]).to(x_t.device).expand(len(x_t), -1, -1)
    flow = torch.zeros_like(x_t)
    for part, mask in ((whole, None), (near, heard)):
        item = rows.item[part]
        flows = dit(
            x_t[item],
            t[item],
            rows.label[part],
            told[part],
            rows.attributes[part],
            self_cond[item],
            mask,
            letters[item],
        )
        flow.index_add_(0, item, factor[part, None, None] * flows.float())
    return flow


class StudentStage:
    """Trains the adapters of a pipeline's student."""

    name = "student"

    def __init__(self, recipe: StudentRecipe, pipeline: PrismPipeline, corpus_sha256: str) -> None:
        torch.manual_seed(recipe.seed)
        self.settings, self.recipe = recipe, recipe.student
        self.corpus_sha256 = corpus_sha256
        self.pipeline = pipeline
        self.network = with_adapters(pipeline.dit, recipe.rank)
        self.teacher = pipeline.dit
        # Draws with the network's weights of the moment, each added up once a batch.
        self._drawing = Student.of(self.network, self.teacher).dit

    def compile(self) -> None:
        """Compile what is only evaluated; the network itself is the loop's."""
        self.teacher.compile(dynamic=True)
        self._drawing.compile()

    def draw(self, step: int, rows: slice) -> Tensors:
        """Noise, the step to learn, what the student is told, the teacher's rows."""
        size, seed = self.recipe.batch_size, self.settings.seed
        generator = generator_for(seed, 0, step)
        noise = torch.randn(size, BEATS, self.teacher.config.latent_size, generator=generator)
        reached = torch.randint(STUDENT_STEPS, (size,), generator=generator)
        chosen = [self._settings(step, i) for i in range(*rows.indices(size))]
        return noise[rows], reached[rows], *self._told(chosen)

    def _settings(self, step: int, index: int) -> GenerationSettings:
        """One item's, drawn at random."""
        rng = np.random.default_rng([self.settings.seed, step, index])
        composers = rng.permutation(self.pipeline.composers)
        count = min(1 + rng.choice(4, p=_COMPOSERS), len(composers))
        plain = rng.random(4) < _DEFAULT_SHARE
        highest = {"guidance_scale": 8, "structure_scale": MOST_STRUCTURE, "attribute_scale": 3}
        own = {
            name: SETTINGS[name].default if usual else rng.uniform(0, most)
            for (name, most), usual in zip(highest.items(), plain, strict=False)
        }
        for name, values in self.pipeline.attributes.items() if not plain[3] else ():
            if rng.random() < _ASKED_SHARE:
                own[name] = str(rng.choice(values))
        if rng.random() < _ASKED_SHARE:
            own["time_signature"] = str(rng.choice(METRES))
        weights = 1 + 99 * rng.dirichlet(np.ones(count))
        seed = int(rng.integers(2**31))
        return GenerationSettings(composers[:count].tolist(), weights.tolist(), seed=seed, **own)

    def _told(self, chosen: list[GenerationSettings]) -> Tensors:
        pipe, dit = self.pipeline, self.teacher
        properties, *conditions = zip(*(pipe.conditions(s, s.seed) for s in chosen), strict=True)
        metre, attributes, letters = map(torch.stack, conditions)
        labels = [[pipe.composers.index(name) for name in s.composers] for s in chosen]
        shares = [composer_shares(s, k, dit) for s, k in zip(chosen, labels, strict=True)]
        guidance = torch.tensor([guidance_vector(s, dit) for s in chosen])
        rows = teacher_rows(dit, zip(chosen, labels, attributes, strict=True))
        return metre, attributes, letters, torch.stack(shares), guidance, *vars(rows).values()

    def batch_loss(self, network: nn.Module, batch: Tensors) -> torch.Tensor:
        """Squared error of the student's mean flow from its own states to its next times."""
        noise, reached, metre, attributes, letters, shares, guidance, *rows = batch
        times = torch.tensor(schedule(STUDENT_STEPS), device=noise.device)

        given = {"letters": letters, "guidance": guidance}
        with torch.no_grad():
            update_merged(self._drawing, self.network)
            x_t, self_cond = noise, torch.zeros_like(noise)
            for i, t in enumerate(times[:-2]):
                told = (x_t, t.expand(len(x_t)), shares, metre, attributes, self_cond)
                flow = self._drawing(*told, **given).float()
                on = (reached > i)[:, None, None]
                self_cond = torch.where(on, x_t - t * flow, self_cond)
                x_t = torch.where(on, x_t + (times[i + 1] - t) * flow, x_t)
            target = self._mean_flow(x_t, self_cond, reached, times, Rows(*rows), metre, letters)
        told = (x_t, times[reached], shares, metre, attributes, self_cond)
        return ((network(*told, **given).float() - target) ** 2).mean()

    def _mean_flow(self, x_t, self_cond, reached, times, rows, metre, letters) -> torch.Tensor:
        """The teacher's mean flow from each item's time to its next, by steps of its own."""
        start, fine = x_t, torch.tensor(schedule(self.settings.teacher_steps), device=x_t.device)
        each = self.settings.teacher_steps // (len(times) - 1)
        for k in range(each):
            t, t_next = fine[reached * each + k], fine[reached * each + k + 1]
            flow = guided(self.teacher, rows, x_t, t, metre, letters, self_cond)
            self_cond = x_t - t[:, None, None] * flow
            x_t = x_t + (t_next - t)[:, None, None] * flow
        return (start - x_t) / (times[reached] - times[reached + 1])[:, None, None]

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Onset F1 of the student's rolls to its teacher's from the same noise, and statistics."""
        pipe = copy.copy(self.pipeline)
        pipe.student = Student.of(network, self.teacher)
        rolls = self._rolls(pipe, STUDENT_STEPS)
        pairs = zip(rolls, self.validation, strict=True)
        alike = float(np.mean([onset_f1(*pair) for pair in pairs]))
        return {"onset_f1": alike} | mean_description(rolls)

    @functools.cached_property
    def validation(self) -> list[PianoRoll]:
        """The teacher's rolls."""
        return self._rolls(self.pipeline, self.settings.teacher_steps)

    @staticmethod
    def _rolls(pipe: PrismPipeline, steps: int) -> list[PianoRoll]:
        seeds = range(VALIDATION_SEEDS)
        drawn = [pipe(name, seed=seeds, num_inference_steps=steps) for name in pipe.composers]
        return [roll for output in drawn for roll in output.rolls]


def onset_f1(roll: PianoRoll, other: PianoRoll) -> float:
    """Twice the shared onsets over all onsets of both; 1 of two rolls without any."""
    count = int(roll.onset.sum() + other.onset.sum())
    return 2 * int((roll.onset & other.onset).sum()) / count if count else 1.0
