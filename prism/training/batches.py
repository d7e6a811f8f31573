"""How batches get from a stage to the loop: cut into parts, drawn ahead, moved to the device.

Conventions
-----------
batch
    A recipe's `batch_size` is that of one optimiser step, over all processes.
part
    What one process works on at once: ``batch_size / (processes · accumulation)`` windows. Every
    random number is drawn for the whole batch and then cut, so losses and weights are the same up
    to rounding however a batch is cut into parts.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from prism.corpora.dataset import Batch
from prism.music.roll import PianoRoll
from prism.training.recipe import StageRecipe

if TYPE_CHECKING:
    from accelerate import Accelerator

WHOLE = slice(None)
_MOST_WORKERS = 32
_PARTS_AHEAD = 4

Tensors = tuple[torch.Tensor, ...]
DrawSamples = Callable[[Sequence[PianoRoll], Sequence[str], pathlib.Path], object]


class Stage(Protocol):
    """What the loop needs to know of a stage; `network` is trained on the corpus of that digest."""

    name: str
    corpus_sha256: str
    recipe: StageRecipe
    network: nn.Module

    def draw(self, step: int, rows: slice) -> Tensors:
        """Some rows of a step's batch, on the CPU."""

    def batch_loss(self, network: nn.Module, batch: Tensors) -> torch.Tensor:
        """The mean loss of what `draw` gave."""

    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]:
        """Named figures of a network on the validation split."""


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """How a run is carried out, whatever is trained; none of it changes what is learnt.

    Parameters
    ----------
    checkpoint_seconds : float
        Time between checkpoints.
    compiled : bool
        Compile the networks first (`torch.compile`; needs a C++ compiler); the same up to rounding.
    accumulation : int
        Parts that a process works through for one optimiser step, to save memory.
    workers : int, optional
        Processes that draw batches ahead; by default none without a GPU, beside one as many as
        there are cores to spare, up to 32.
    deadline : float, optional
        `time.monotonic` at which the run stops, with a checkpoint.
    max_shard_size : str
        Largest file of the finished weights, such as ``"15MB"``.
    draw_samples : callable, optional
        Draws rolls under their titles into a picture at a path, at each evaluation.
    """

    checkpoint_seconds: float = 180.0
    compiled: bool = False
    accumulation: int = 1
    workers: int | None = None
    deadline: float | None = None
    max_shard_size: str = "10GB"
    draw_samples: DrawSamples | None = None


def has_bfloat16(device: str) -> bool:
    """Whether mixed precision pays: without such products a processor takes 50 times as long."""
    return device != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()


def generator_for(seed: int, stream: int, step: int) -> torch.Generator:
    """A generator for one step of one random stream."""
    return torch.Generator().manual_seed((seed * 16 + stream) * 2**32 + step)


def chunks(batch: Batch) -> list[Batch]:
    """Cut a batch into smaller ones."""
    fields = [getattr(batch, field.name).split(32) for field in dataclasses.fields(batch)]
    return [Batch(*row) for row in zip(*fields, strict=True)]


def part_rows(batch_size: int, processes: int, accumulation: int, process: int) -> list[slice]:
    """The rows of a batch that one process works on, part by part.

    Raises ValueError if the batch cannot be cut into equal parts.
    """
    size, rest = divmod(batch_size, processes * accumulation)
    if rest or not size:
        raise ValueError(
            f"a batch of {batch_size} cannot be cut into {processes} (processes) × {accumulation} "
            "(--accumulation) equal parts; choose numbers whose product divides it"
        )
    starts = range(process * size, batch_size, processes * size)
    return [slice(start, start + size) for start in starts]


class _Parts(Dataset):
    """Part `n` of a stage's training: step ``n // accumulation``, its part ``n % accumulation``."""

    def __init__(self, stage: Stage, rows: list[slice]) -> None:
        self._stage, self._rows = stage, rows

    def __getitem__(self, n: int) -> Tensors:
        step, part = divmod(n, len(self._rows))
        return self._stage.draw(step, self._rows[part])


def parts(
    stage: Stage, accelerator: Accelerator, config: RunConfig, steps: range
) -> Iterator[Tensors]:
    """All parts of these steps, in order, drawn ahead where there are workers, on the device."""
    processes = accelerator.num_processes
    rows = part_rows(
        stage.recipe.batch_size, processes, config.accumulation, accelerator.process_index
    )
    on_gpu = accelerator.device.type == "cuda"
    workers = config.workers
    if workers is None:
        cores = (os.cpu_count() or 1) // processes - 1
        workers = min(_MOST_WORKERS, max(1, cores)) if on_gpu else 0
    loader = DataLoader(
        _Parts(stage, rows),
        batch_size=None,
        sampler=range(steps.start * len(rows), steps.stop * len(rows)),
        num_workers=workers,
        prefetch_factor=_PARTS_AHEAD if workers else None,
        pin_memory=on_gpu,
        # Its own seeds come from here rather than from torch's global state.
        generator=torch.Generator(),
    )
    for part in loader:
        yield tuple(tensor.to(accelerator.device, non_blocking=True) for tensor in part)
