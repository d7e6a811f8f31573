"""What a run would need: parameters, memory and hours, before anything is started.

Conventions
-----------
FLOPs
    Of matrix products, two for a multiplication and an addition, counted by torch on a network
    without data.

The formulas for memory and hours are in docs/training.md, "The plan".
"""

from __future__ import annotations

import dataclasses
import os

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prism.amt.vocabulary import CONTEXT
from prism.models.autoencoder import CHANNELS, BeatAutoencoder
from prism.models.student import STUDENT_STEPS, with_adapters
from prism.music.roll import BEATS, FRAMES, KEYS
from prism.music.writing import table_text
from prism.similarity.networks import ComposerNetwork
from prism.training.amt import new_amt
from prism.training.batches import has_bfloat16
from prism.training.presets import PRESETS
from prism.training.recipe import (
    AMTRecipe,
    AnyRecipe,
    OriginalRecipe,
    Recipe,
    SimilarityRecipe,
    StageRecipe,
    StudentRecipe,
    main_stage,
    stages_of,
)
from prism.training.stages import new_dit

# Five float32 numbers (weight, gradient, AdamW's two, running average) and a bfloat16 copy.
BYTES_PER_PARAMETER = 22
OVERHEAD_BYTES = 1.5e9  # CUDA, and the products' scratch space
# Of float32's bytes kept: of PrismDiT mini's 13.6 MB a sample, mixed precision kept 9.5 MB.
MIXED_SHARE = 0.7
_FILL = 0.9  # of a card's memory
_BACKWARD = 3  # a training step's products over those of its forward pass
LABELS = 15  # of the bundled corpus
_TEACHER_ROWS = 3  # of one composer: guided, unguided, and hearing nearby beats alone


@dataclasses.dataclass(frozen=True)
class Card:
    """A processor, its memory in bytes, and its peak of bfloat16 and of float32 products in FLOP/s.

    By the maker's data sheet, dense; both are equal where there is no bfloat16. `share` of the peak
    is what training is assumed to reach.
    """

    name: str
    memory: float
    mixed: float
    single: float
    share: float = 0.35


CARDS = (
    Card("H100 80 GB", 80e9, 989e12, 67e12),
    Card("A100 80 GB", 80e9, 312e12, 19.5e12),
    Card("RTX 4090 24 GB", 24e9, 165e12, 82.6e12),
    Card("V100 16 GB (no bfloat16)", 16e9, 15.7e12, 15.7e12),
    Card("T4 16 GB (no bfloat16)", 16e9, 8.1e12, 8.1e12),
    # Measured on one machine with small products; benchmarks/training.py measures another.
    Card("2 CPU cores", 16e9, 0.24e12, 0.12e12, 0.7),
)


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one network costs to train: numbers to learn, by module, and the work for one sample.

    `kept_bytes` are kept for the backward pass, in the stage's precision; `first_passes` are
    forward passes without a backward one.
    """

    parameters: dict[str, int]
    forward_flops: float
    kept_bytes: float
    first_passes: float = 0.0

    @property
    def size(self) -> int:
        """All parameters."""
        return sum(self.parameters.values())

    @property
    def training_flops(self) -> float:
        """Of one sample in one step."""
        return (_BACKWARD + self.first_passes) * self.forward_flops

    def memory(self, samples: int) -> float:
        """Bytes needed to work on so many samples at once."""
        return BYTES_PER_PARAMETER * self.size + self.kept_bytes * samples + OVERHEAD_BYTES

    def hours(self, recipe: StageRecipe, card: Card) -> float:
        """Time on one card for all steps."""
        flops = recipe.steps * recipe.batch_size * self.training_flops
        peak = card.mixed if recipe.precision == "bfloat16" else card.single
        return flops / (card.share * peak) / 3600

    def accumulation(self, batch_size: int, memory: float) -> int | None:
        """Into how few equal parts a batch must be cut for this memory; None if none will do."""
        for parts in range(1, batch_size + 1):
            if batch_size % parts == 0 and self.memory(batch_size // parts) <= _FILL * memory:
                return parts
        return None


def this_machine() -> Card:
    """The card of this machine, or its cores, which count as many times two as there are.

    A GPU that is not in `CARDS` counts as the last of them, so that it takes less than said.
    """
    *gpus, cores = CARDS
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        return next((card for card in gpus if card.name.split()[0] in name), gpus[-1])
    count = os.cpu_count() or 1
    single = cores.single * count / 2
    mixed = cores.mixed * count / 2 if has_bfloat16("cpu") else single
    peaks = {"mixed": mixed, "single": single}
    return dataclasses.replace(cores, name=f"{count} CPU cores", **peaks)


def hours_on(recipe: AnyRecipe, card: Card) -> float:
    """Time that all stages of a recipe take on one card."""
    stages = stages_of(recipe)
    return sum(cost.hours(stages[name], card) for name, cost in costs(recipe).items())


def parameter_count(module: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.numel() for parameter in module.parameters())


def cost_of(
    network: nn.Module, inputs: tuple[torch.Tensor, ...], mixed: bool, first_passes: float = 0.0
) -> Cost:
    """Count what a network costs by running it without data.

    The network and the `inputs` of one sample are on the device ``meta``; `mixed` says whether it
    is trained in mixed precision; for `first_passes` see `Cost`.
    """
    sizes = {name: parameter_count(child) for name, child in network.named_children()}
    sizes["other"] = parameter_count(network) - sum(sizes.values())
    sizes = {name: size for name, size in sizes.items() if size}
    own = {parameter.untyped_storage()._cdata for parameter in network.parameters()}
    kept: dict[int, tuple[int, torch.Tensor]] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            # Held, so that no later storage gets the same number.
            kept[storage._cdata] = storage.nbytes(), tensor
        return tensor

    counter = FlopCounterMode(display=False)
    with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(*inputs)
    kept_bytes = sum(size for size, _ in kept.values()) * (MIXED_SHARE if mixed else 1)
    return Cost(sizes, counter.get_total_flops(), kept_bytes, first_passes)


def costs(recipe: AnyRecipe) -> dict[str, Cost]:
    """The cost of each stage's network, by the names of `stages_of`."""
    found = {}
    with torch.device("meta"):
        built = _built(recipe)
        for name, stage in stages_of(recipe).items():
            first = _first_passes(recipe, name)
            found[name] = cost_of(*built[name], stage.precision == "bfloat16", first)
    return found


def _first_passes(recipe: AnyRecipe, stage: str) -> float:
    """See `Cost`; a student draws up to its last step, and of the teacher's each has rows."""
    if isinstance(recipe, StudentRecipe):
        return STUDENT_STEPS - 1 + _TEACHER_ROWS * recipe.teacher_steps / STUDENT_STEPS
    asked = isinstance(recipe, Recipe) and stage != "autoencoder"
    return recipe.self_conditioning_share if asked else 0.0


def _built(recipe: AnyRecipe) -> dict[str, tuple[nn.Module, tuple[torch.Tensor, ...]]]:
    """Networks and the inputs of one sample, without data."""
    label = torch.zeros(1, dtype=torch.int64)
    rolls = torch.zeros(1, CHANNELS, KEYS, FRAMES)
    if isinstance(recipe, OriginalRecipe):
        # It imports transformers where it is installed, which takes seconds.
        from prism.models.original import LATENT_SIZE, new_transformer

        network = new_transformer(LABELS, recipe.size, recipe.patch_size, LATENT_SIZE)
        picture = torch.zeros(1, 4, LATENT_SIZE, LATENT_SIZE)
        return {"dit": (network, (picture, label, label))}
    if isinstance(recipe, AMTRecipe):
        tokens = torch.zeros(1, CONTEXT, dtype=torch.int64)
        return {"amt": (new_amt(recipe, [""] * LABELS), (tokens,))}
    if isinstance(recipe, SimilarityRecipe):
        return {"similarity": (ComposerNetwork(labels=LABELS, width=recipe.width), (rolls,))}
    if isinstance(recipe, StudentRecipe):
        # Of the usual transformer.
        dit, inputs = _built(PRESETS["mini"])["dit"]
        return {"student": (with_adapters(dit, recipe.rank), inputs)}
    latents = torch.zeros(1, BEATS, recipe.latent_size)
    metre = torch.zeros(1, BEATS, 2, dtype=torch.int64)
    dit = new_dit(recipe, LABELS)
    attributes = torch.zeros(1, len(dit.attribute_names), dtype=torch.int64)
    self_cond = latents if recipe.self_conditioning_share else None
    inputs = (latents, torch.zeros(1), label, metre, attributes, self_cond)
    coder = BeatAutoencoder(latent_size=recipe.latent_size, hidden_size=recipe.hidden_size)
    return {"autoencoder": (coder, (rolls,)), "dit": (dit, inputs)}


def fitting(recipe: AnyRecipe, processes: int = 1) -> int:
    """Into how few parts each process must cut a batch to fit its GPU; 1 where there is none."""
    if not torch.cuda.is_available():
        return 1
    name = main_stage(recipe)
    memory = torch.cuda.get_device_properties(0).total_memory
    share = stages_of(recipe)[name].batch_size // processes
    return costs(recipe)[name].accumulation(share, memory) or share


def report(recipe: AnyRecipe) -> str:
    """The plan in words and tables, Markdown."""
    stages, found = stages_of(recipe), costs(recipe)
    lines = []
    for name, cost in found.items():
        stage = stages[name]
        modules = ", ".join(f"{module} {size:,}" for module, size in cost.parameters.items())
        lines += [
            f"{name}: {cost.size:,} parameters ({modules})",
            f"  {stage.steps:,} steps of {stage.batch_size}, {stage.precision}; a sample: "
            f"{cost.training_flops / 1e9:,.1f} GFLOPs to train, "
            f"{cost.kept_bytes / 1e6:,.1f} MB kept; parameters, gradients, optimiser and average: "
            f"{BYTES_PER_PARAMETER * cost.size / 1e9:,.2f} GB",
        ]
    main = main_stage(recipe)
    batch = stages[main].batch_size
    memory = f"memory, GB, the batch of {batch} at once"
    head, rows = ["one card", "hours", memory, "--accumulation", "GB"], []
    cost = found[main]
    for card in CARDS:
        hours = sum(each.hours(stages[name], card) for name, each in found.items())
        digits = 2 if hours < 10 else 0
        parts = cost.accumulation(batch, card.memory)
        memory = f"{cost.memory(batch) / 1e9:.1f}"
        part = f"{cost.memory(batch // parts) / 1e9:.1f}" if parts else "–"
        rows.append([card.name, f"{hours:,.{digits}f}", memory, parts or "does not fit", part])
    return "\n".join([*lines, "", table_text(head, rows)])
