"""How a run is carried out, whatever is trained: none of it changes what is learnt.

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
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader, Dataset

if TYPE_CHECKING:
    from accelerate import Accelerator

    from prism.training.loop import Stage

CHECKPOINT_SECONDS = 180.0
_MOST_WORKERS = 32
_PARTS_AHEAD = 4

Tensors = tuple[torch.Tensor, ...]


@dataclasses.dataclass(frozen=True)
class Execution:
    """What is left to choose once the recipe is.

    Parameters
    ----------
    checkpoint_seconds : float
        Time between checkpoints.
    compiled : bool
        Compile the networks first (`torch.compile`; needs a C++ compiler): about 1.2 times as fast
        on a CPU after half a minute, the same up to rounding.
    accumulation : int
        Parts that a process works through for one optimiser step, to save memory.
    workers : int, optional
        Processes that draw batches ahead; by default as many as there are cores to spare (up to
        32) beside a GPU and none without one.
    deadline : float, optional
        Where `time.monotonic` stands when the run is to stop, with a checkpoint.
    shard_size : str
        Largest file of the finished weights, such as ``"15MB"``.
    """

    checkpoint_seconds: float = CHECKPOINT_SECONDS
    compiled: bool = False
    accumulation: int = 1
    workers: int | None = None
    deadline: float | None = None
    shard_size: str = "10GB"

    @property
    def late(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() > self.deadline


def part_rows(batch_size: int, processes: int, accumulation: int, process: int) -> list[slice]:
    """The rows of a batch that one process works on, part by part.

    Raises
    ------
    ValueError
        If the batch cannot be cut into equal parts.
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
    stage: Stage, accelerator: Accelerator, execution: Execution, steps: range
) -> Iterator[Tensors]:
    """All parts of these steps, in order, drawn ahead where there are workers, on the device."""
    rows = part_rows(
        stage.recipe.batch_size,
        accelerator.num_processes,
        execution.accumulation,
        accelerator.process_index,
    )
    workers = execution.workers
    on_gpu = accelerator.device.type == "cuda"
    if workers is None:
        cores = (os.cpu_count() or 1) // accelerator.num_processes - 1
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
