"""The few-step student: a sample in 8 evaluations of one row of the transformer.

It is the transformer with low-rank adapters (Hu et al. 2022) on its linear layers. Guidance,
composers and attributes are conditions of one row (guidance distillation; Meng et al. 2023), and it
predicts the mean flow to the next of its few times, so that a step of it leads where several of the
teacher's do.

Conventions
-----------
guidance
    ``[guidance_scale, structure_scale, attribute_scale · asked …]``, each in units of its default;
    `asked` is 1 for each attribute that is asked for, in the order of `attribute_names`, then for
    the metre.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib

import torch
from safetensors.torch import safe_open, save_file
from torch import nn
from torch.nn.utils import parametrize

from prism.models.dit import PrismDiT
from prism.models.guidance import SampledFlow
from prism.models.settings import SETTINGS, GenerationSettings

STUDENT_FILE = "adapters.safetensors"
STUDENT_STEPS = GenerationSettings.num_inference_steps
# What the teacher needs for as good music.
TEACHER_STEPS = 16
# What it is shown in training; beyond it the teacher draws.
MOST_STRUCTURE = 1.5
LEAST_GUIDANCE = 1.0


class LowRank(nn.Module):
    """A weight (rows, columns) plus the product of two narrow matrices, at first 0."""

    def __init__(self, rows: int, columns: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, columns) * columns**-0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + self.up @ self.down


def guidance_inputs(dit: PrismDiT) -> int:
    """How many numbers tell the student how it is guided."""
    return 2 + len(dit.attribute_names) + 1


def guidance_vector(settings: GenerationSettings, dit: PrismDiT) -> list[float]:
    """How these settings guide; see the module's conventions."""
    asked = [name in settings.attributes for name in dit.attribute_names]
    asked.append(settings.time_signature is not None)
    scale = settings.attribute_scale / SETTINGS["attribute_scale"].default
    return [
        settings.guidance_scale / SETTINGS["guidance_scale"].default,
        settings.structure_scale / SETTINGS["structure_scale"].default,
        *(scale * one for one in asked),
    ]


def composer_shares(settings: GenerationSettings, labels: list[int], dit: PrismDiT) -> torch.Tensor:
    """The share of each label, shape=(labels + 1,)."""
    shares = torch.zeros(dit.config.labels + 1)
    shares[labels] = torch.tensor(settings.composer_weights)
    return shares


def with_adapters(dit: PrismDiT, rank: int) -> PrismDiT:
    """A copy of `dit` of which only new adapters and the embedding of guidance are trained."""
    config = {k: v for k, v in dit.config.items() if not k.startswith("_")}
    grown = PrismDiT(**config | {"guidance_inputs": guidance_inputs(dit), "dropout": 0.0})
    grown.load_state_dict(dit.state_dict() | _guidance_state(grown))
    grown.requires_grad_(False)
    for name, layer in list(grown.named_modules()):
        if isinstance(layer, nn.Linear) and not name.startswith("guidance_embedder"):
            parametrize.register_parametrization(
                layer, "weight", LowRank(*layer.weight.shape, rank)
            )
            layer.parametrizations.weight.original.requires_grad_(False)
    grown.guidance_embedder.requires_grad_(True)
    return grown


def _guidance_state(network: nn.Module) -> dict[str, torch.Tensor]:
    return {k: v for k, v in network.state_dict().items() if k.startswith("guidance_embedder")}


@dataclasses.dataclass
class Student:
    """What the student adds to its teacher, and the network that the two make.

    `state` has the adapters and the embedding of guidance, `teacher` is the digest of the
    transformer whose student it is, and `dit` is both in one, with nothing left of the adapters.
    """

    state: dict[str, torch.Tensor]
    teacher: str
    dit: PrismDiT

    @classmethod
    def of(cls, adapted: PrismDiT, teacher: PrismDiT) -> Student:
        """From a network of `with_adapters`."""
        state = {
            name: value.detach().cpu().half()
            for name, value in adapted.state_dict().items()
            if name.startswith("guidance_embedder") or name.endswith((".up", ".down"))
        }
        return cls(state, digest(teacher), merged(teacher, state))

    def save(self, folder: pathlib.Path) -> None:
        save_file(self.state, folder / STUDENT_FILE, {"teacher": self.teacher})

    @classmethod
    def load(cls, folder: pathlib.Path, teacher: PrismDiT) -> Student:
        """Raises ValueError if it is another transformer's student."""
        with safe_open(folder / STUDENT_FILE, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            owner = (file.metadata() or {}).get("teacher", "")
        if owner != digest(teacher):
            raise ValueError(
                f"{folder} was trained on another transformer than the one beside it; "
                "remove it, or train it again with: prism train student"
            )
        return cls(state, owner, merged(teacher, state))

    def knows(self, settings: GenerationSettings) -> bool:
        """Whether it was trained for these settings, in `STUDENT_STEPS` steps.

        Hardly for those without composers' guidance, and it does not follow collections.
        """
        guided = settings.guidance_scale >= LEAST_GUIDANCE and settings.collection is None
        return guided and settings.structure_scale <= MOST_STRUCTURE


def merged(teacher: PrismDiT, state: dict[str, torch.Tensor]) -> PrismDiT:
    """The teacher with a student's adapters added to its weights."""
    rank = next(value for name, value in state.items() if name.endswith(".down")).shape[0]
    grown = with_adapters(teacher, rank)
    grown.load_state_dict(grown.state_dict() | {k: v.float() for k, v in state.items()})
    for layer in list(grown.modules()):
        if parametrize.is_parametrized(layer):
            parametrize.remove_parametrizations(layer, "weight")
    return grown.requires_grad_(False).eval().to(teacher.device)


def update_merged(dit: PrismDiT, adapted: PrismDiT) -> None:
    """Give a network of `merged` the present weights of one of `with_adapters`."""
    for name, value in dit.named_parameters():
        owner, _, leaf = name.rpartition(".")
        value.copy_(getattr(adapted.get_submodule(owner), leaf))


def digest(network: nn.Module) -> str:
    """SHA-256 of a network's weights in half precision, as they are shipped."""
    total = hashlib.sha256()
    for _, value in sorted(network.state_dict().items()):
        total.update(value.detach().cpu().half().numpy().tobytes())
    return total.hexdigest()


class StudentFlow(SampledFlow):
    """The student's mean flow as a function of latents and t; parameters as `GuidedFlow`'s."""

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
        items = len(metre)
        guidance = guidance_vector(settings, dit)
        shares = composer_shares(settings, labels, dit)
        self._labels = shares.expand(items, -1).to(metre.device)
        self._guidance = torch.tensor(guidance).expand(items, -1).to(metre.device)
        self._told = metre, attributes
        self._letters = letters

    @torch.inference_mode()
    def __call__(self, latents: torch.Tensor, t: float) -> torch.Tensor:
        """The mean flow of latents (B, N, D) from t to the next time, same shape."""
        times = torch.full((len(latents),), t, device=latents.device)
        given = (latents, times, self._labels, *self._told, self._self_cond)
        flow = self._dit(*given, letters=self._letters, guidance=self._guidance)
        return self._followed(flow, latents, t)
