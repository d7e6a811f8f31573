"""One training loop for every stage: EMA, schedule, checkpoints, resume.

Everything random in step `n` comes from a generator seeded with (seed, stage, n), so a run that was
killed and resumed sees the same batches and the same noise as one that was not.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import pathlib
import time
from typing import Protocol

import torch
from torch import nn
from tqdm import tqdm

from prism.training.recipe import StageRecipe

CHECKPOINT_SECONDS = 180.0


class Stage(Protocol):
    """What the loop needs to know of a stage.

    ``network`` is trained; ``loss(step)`` is the loss of that step's batch; ``evaluate(network,
    step)`` measures a network on the validation split and returns named figures.
    """

    name: str
    recipe: StageRecipe
    network: nn.Module

    def loss(self, step: int) -> torch.Tensor: ...

    def evaluate(self, network: nn.Module, step: int) -> dict[str, float]: ...


@dataclasses.dataclass
class Progress:
    """Where a stage stands: steps done, seconds spent, evaluations so far."""

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)


def learning_rate(recipe: StageRecipe, step: int) -> float:
    """Rate at a step: linear warm-up, constant, linear decay to 0 at the last step."""
    warmup = min(1.0, (step + 1) / recipe.warmup_steps)
    decay_steps = max(1.0, recipe.decay_share * recipe.steps)
    return recipe.learning_rate * warmup * min(1.0, (recipe.steps - step) / decay_steps)


def decay_at(recipe: StageRecipe, step: int) -> float:
    """EMA decay, ramped up so that the average forgets the initial weights early on."""
    return min(recipe.ema_decay, (1 + step) / (10 + step))


class Trainer:
    """Runs one stage to its last step, resuming from `folder` if it holds a checkpoint.

    Parameters
    ----------
    stage : Stage
        What to train.
    folder : Path
        Receives ``<stage>.pt`` (checkpoint) and ``<stage>.json`` (evaluations).
    checkpoint_seconds : float
        Time between checkpoints.
    compiled : bool
        Compile the network first (`torch.compile`; needs a C++ compiler): about 1.2 times as fast
        on a CPU after half a minute, the same up to rounding.
    """

    def __init__(
        self,
        stage: Stage,
        folder: pathlib.Path,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        compiled: bool = False,
    ) -> None:
        self.stage, self.recipe = stage, stage.recipe
        self.checkpoint = folder / f"{stage.name}.pt"
        self.log = folder / f"{stage.name}.json"
        self.average = copy.deepcopy(stage.network).requires_grad_(False).eval()
        self.optimizer = torch.optim.AdamW(
            stage.network.parameters(),
            lr=self.recipe.learning_rate,
            betas=(0.9, self.recipe.beta2),
            weight_decay=self.recipe.weight_decay,
            fused=True,
        )
        self.checkpoint_seconds = checkpoint_seconds
        self.progress = Progress()
        folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.is_file():
            self._restore()
        if compiled and self.progress.step < self.recipe.steps:
            stage.network.compile()

    def run(self, stop_after: int | None = None) -> nn.Module:
        """Train; return the averaged network.

        Parameters
        ----------
        stop_after : int, optional
            Stop after this step as if interrupted (the checkpoint is kept).
        """
        last = self.recipe.steps if stop_after is None else min(stop_after, self.recipe.steps)
        bar = tqdm(
            total=self.recipe.steps,
            initial=self.progress.step,
            desc=self.stage.name,
            unit="step",
            smoothing=0.05,
            mininterval=1.0,
        )
        saved = time.monotonic()
        with bar:
            while self.progress.step < last:
                bar.set_postfix(loss=f"{self._step():.4f}", refresh=False)
                bar.update()
                done = self.progress.step
                if done % self.recipe.evaluate_every == 0 or done == self.recipe.steps:
                    self._evaluate(bar)
                if time.monotonic() - saved > self.checkpoint_seconds:
                    self._save()
                    saved = time.monotonic()
        self._save()
        return self.average

    def _step(self) -> float:
        started, step = time.monotonic(), self.progress.step
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, step)
        self.stage.network.train()
        with self._precision():
            loss = self.stage.loss(step)
        if not torch.isfinite(loss):
            raise ValueError(
                f"{self.stage.name}: the loss of step {step + 1} is {loss.item()}; the last "
                "checkpoint is kept. Start again without --compile, or with a lower learning rate."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.stage.network.parameters(), self.recipe.gradient_clip)
        self.optimizer.step()
        self._update_average(decay_at(self.recipe, step))
        self.progress.step += 1
        self.progress.seconds += time.monotonic() - started
        return loss.item()

    def _precision(self) -> torch.autocast:
        device = next(self.stage.network.parameters()).device.type
        mixed = self.recipe.precision == "bfloat16"
        return torch.autocast(device, torch.bfloat16, enabled=mixed)

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        average = list(self.average.parameters())
        torch._foreach_lerp_(average, list(self.stage.network.parameters()), 1 - decay)

    def _evaluate(self, bar: tqdm) -> None:
        figures = self.stage.evaluate(self.average, self.progress.step)
        entry = {"step": self.progress.step, "seconds": round(self.progress.seconds, 1), **figures}
        self.progress.history.append(entry)
        self.log.write_text(json.dumps(self.progress.history, indent=1) + "\n")
        bar.write(f"{self.stage.name} " + ", ".join(f"{k} {v:.4g}" for k, v in entry.items()))

    def _save(self) -> None:
        state = {
            "network": self.stage.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": dataclasses.asdict(self.progress),
            "recipe": dataclasses.asdict(self.recipe),
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _restore(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        if state["recipe"] != dataclasses.asdict(self.recipe):
            raise ValueError(
                f"{self.checkpoint} belongs to a run with other settings; "
                "choose another --output folder or delete it"
            )
        self.stage.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
