"""One training loop for every stage: schedule, EMA, divergence, checkpoints, resume.

Everything random in step `n` comes from a generator seeded with (seed, stage, n), so a run that was
killed and resumed sees the same batches and the same noise as one that was not.

Devices and processes are accelerate's (Gugger et al. 2022). Precision and checkpoints are not:
accelerate keeps one precision for all of a program, and a checkpoint here is one file, which is
whole or not there.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from prism.music.progress import ProgressBar
from prism.music.writing import write_json
from prism.training.batches import RunConfig, Stage, Tensors, has_bfloat16, parts
from prism.training.checkpoints import CheckpointError, Checkpoints
from prism.training.files import StepLog
from prism.training.recipe import StageRecipe

_SMOOTHING = 0.98
# A loss has diverged when its running mean is so many times its best. The original's did, and its
# training went on for hours.
DIVERGED_FACTOR = 3.0
# Below this the state is worth keeping in case the loss diverges later.
CALM_FACTOR = 1.5
# A single batch counts for at most so many times the running mean.
_SPIKE_FACTOR = 10.0


class LossError(ValueError):
    """Training was stopped because of its loss; the message says how to go on."""


@dataclasses.dataclass
class Divergence:
    """The exponential running mean of a loss, and the lowest it has been; None at first."""

    average: float | None = None
    best: float | None = None

    def update(self, loss: float) -> None:
        """Take one more loss, which is finite, into account."""
        if self.average is None:
            self.average = self.best = loss
        bounded = min(loss, _SPIKE_FACTOR * self.average)
        self.average = _SMOOTHING * self.average + (1 - _SMOOTHING) * bounded
        self.best = min(self.best, self.average)

    def exceeds(self, factor: float) -> bool:
        """Whether the running mean is above `factor` times its best."""
        return self.average is not None and self.average > factor * self.best


@dataclasses.dataclass
class TrainerState:
    """Where a stage stands: steps done, seconds spent, evaluations and the loss so far."""

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    divergence: Divergence = dataclasses.field(default_factory=Divergence)


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
        Receives ``<stage>.pt`` and others (see `Checkpoints`), ``<stage>.json`` (evaluations) and
        ``<stage>.csv`` (see `StepLog`). Processes share it.
    config : RunConfig
        How to go about it.

    Raises
    ------
    CheckpointError
        If the folder's checkpoints are damaged, or of other settings or another corpus.
    """

    def __init__(self, stage: Stage, folder: pathlib.Path, config: RunConfig | None = None) -> None:
        # Only training needs it.
        from accelerate import Accelerator

        self.stage, self.recipe = stage, stage.recipe
        self.config = config or RunConfig()
        self.accelerator = Accelerator(mixed_precision="no")
        self.is_main = self.accelerator.is_main_process  # the one process that writes
        self.checkpoints = Checkpoints(folder, stage.name)
        self.log = folder / f"{stage.name}.json"
        self.state = TrainerState()
        folder.mkdir(parents=True, exist_ok=True)
        network = stage.network.to(self.accelerator.device)
        self.average = copy.deepcopy(network).requires_grad_(False).eval()
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=self.recipe.learning_rate,
            betas=(0.9, self.recipe.beta2),
            weight_decay=self.recipe.weight_decay,
            fused=True,
        )
        self._restore()
        if self.config.compiled and not self.finished:
            stage.network.compile()
        self._model = self.accelerator.prepare_model(stage.network)

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.state.step >= self.recipe.steps

    def run(self, stop_after: int | None = None) -> nn.Module:
        """Train, or stop after a step as if interrupted; return the averaged network.

        Raises
        ------
        LossError
            If the loss or its gradient is NaN or infinite, or the loss diverges: its running mean
            exceeds three times its best. The last checkpoint from before is kept.
        """
        last = self.recipe.steps if stop_after is None else min(stop_after, self.recipe.steps)
        log = StepLog(self.log.with_suffix(".csv"), self.state.step) if self.is_main else None
        bar = ProgressBar(
            total=self.recipe.steps,
            initial=self.state.step,
            desc=self.stage.name,
            unit="step",
            smoothing=0.05,
            mininterval=1.0,
            disable=None if self.is_main else True,
        )
        try:
            with bar:
                self._train(last, bar, log)
        finally:
            if log is not None:
                log.flush()
        return self.average

    def _train(self, last: int, bar: ProgressBar, log: StepLog | None) -> None:
        saved, kept = time.monotonic(), None
        steps = range(self.state.step, last)
        batches = parts(self.stage, self.accelerator, self.config, steps)
        while self.state.step < last and not self._is_late():
            row = self._step(batches)
            if log is not None:
                log.add(**row)
            bar.set_postfix(loss=f"{row['loss']:.4f}", refresh=False)
            bar.update()
            done = self.state.step
            is_due = time.monotonic() - saved > self.config.checkpoint_seconds
            if done % self.recipe.evaluate_every == 0 or done == self.recipe.steps:
                self._evaluate(bar)
                is_due = True  # a short run, too, has a checkpoint before its last
            if is_due:
                self._save(log)
                saved, kept = time.monotonic(), done
        if kept != self.state.step:
            self._save(log)

    def _is_late(self) -> bool:
        """Whether the deadline has passed on any process: all must stop at the same step."""
        if self.config.deadline is None:
            return False
        passed = float(time.monotonic() > self.config.deadline)
        late = torch.tensor(passed, device=self.accelerator.device)
        return bool(self.accelerator.reduce(late, "sum") > 0)

    def _step(self, batches: Iterator[Tensors]) -> dict[str, float]:
        started, step = time.monotonic(), self.state.step
        rate = learning_rate(self.recipe, step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.stage.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss, waited = self._gradients(batches)
        clip = self.recipe.gradient_clip
        norm = nn.utils.clip_grad_norm_(self._model.parameters(), clip).item()
        self._check(loss, norm)
        self.optimizer.step()
        self._update_average(decay_at(self.recipe, step))
        self.state.step += 1
        seconds = time.monotonic() - started
        self.state.seconds += seconds
        return {
            "step": step + 1,
            "loss": loss,
            "learning_rate": rate,
            "gradient_norm": norm,
            "seconds": seconds,
            "wait_seconds": waited,
        }

    def _gradients(self, batches: Iterator[Tensors]) -> tuple[float, float]:
        """Work through a batch's parts; mean loss over all processes, and seconds waited."""
        count, losses, waited = self.config.accumulation, [], 0.0
        for part in range(count):
            asked = time.monotonic()
            batch = next(batches)
            waited += time.monotonic() - asked
            # Gradients of several processes are averaged once, with the last part.
            last = part == count - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self._model):
                with self._precision():
                    loss = self.stage.batch_loss(self._model, batch) / count
                self.accelerator.backward(loss)
            losses.append(loss.detach())
        mean = self.accelerator.reduce(torch.stack(losses).sum(), "mean")
        return mean.item(), waited

    def _check(self, loss: float, norm: float) -> None:
        """Stop before a bad loss or gradient changes the weights."""
        divergence, step = self.state.divergence, self.state.step + 1
        for name, value in (("loss", loss), ("gradient norm", norm)):
            if not math.isfinite(value):
                raise LossError(
                    f"{self.stage.name}: the {name} of step {step} is {value}; {self._last_good()} "
                    "Start again without --compile, or with a lower --learning-rate."
                )
        divergence.update(loss)
        if divergence.exceeds(DIVERGED_FACTOR):
            raise LossError(
                f"{self.stage.name}: the loss diverges: at step {step} its running mean is "
                f"{divergence.average:.4g}, its best was {divergence.best:.4g}; "
                f"{self._last_good()} Go on with a lower rate, such as "
                f"--learning-rate {self.recipe.learning_rate / 2:g}"
            )

    def _last_good(self) -> str:
        """Put the checkpoint from before the loss rose in the place of a later one."""
        if self.is_main:
            self.checkpoints.go_back()
        return "the last good checkpoint is kept."

    def _precision(self) -> torch.autocast:
        device = self.accelerator.device.type
        mixed = self.recipe.precision == "bfloat16" and has_bfloat16(device)
        return torch.autocast(device, torch.bfloat16, enabled=mixed)

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        average = list(self.average.parameters())
        torch._foreach_lerp_(average, list(self.stage.network.parameters()), 1 - decay)

    def _evaluate(self, bar: ProgressBar) -> None:
        if self.is_main:
            figures = self.stage.evaluate(self.average, self.state.step)
            seconds = round(self.state.seconds, 1)
            entry = {"step": self.state.step, "seconds": seconds, **figures}
            self.state.history.append(entry)
            write_json(self.log, self.state.history)
            bar.write(f"{self.stage.name} " + ", ".join(f"{k} {v:.4g}" for k, v in entry.items()))
        self.accelerator.wait_for_everyone()

    def _save(self, log: StepLog | None) -> None:
        if log is not None:
            log.flush()
            # While the loss is high, the last checkpoint from before it rose is kept as well.
            is_high = self.state.divergence.exceeds(CALM_FACTOR)
            if is_high:
                self.checkpoints.keep_calm()
            self.checkpoints.write(self._checkpoint())
            if not is_high:
                self.checkpoints.drop_calm()
        self.accelerator.wait_for_everyone()

    def _checkpoint(self) -> dict[str, Any]:
        return {
            "network": self.stage.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": dataclasses.asdict(self.state),
            "recipe": dataclasses.asdict(self.recipe),
            "corpus_sha256": self.stage.corpus_sha256,
        }

    def _restore(self) -> None:
        found = self.checkpoints.read()
        if found is None:
            return
        state, news = found
        self._check_owner(state)
        if self.is_main and news:
            print(*news, sep="\n", file=sys.stderr)
        try:
            self._load(state)
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise self._foreign("of another network, as another version of Prism has") from error

    def _load(self, state: dict[str, Any]) -> None:
        self.stage.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        progress = dict(state["progress"])
        divergence = Divergence(**progress.pop("divergence"))
        self.state = TrainerState(**progress, divergence=divergence)

    def _check_owner(self, state: dict[str, Any]) -> None:
        """Refuse the checkpoint of another run."""
        own, found = self.stage.corpus_sha256, state["corpus_sha256"]
        if found != own:
            digests = f"SHA-256 {found or 'not known'}, of this one {own or 'not known'}"
            raise self._foreign(f"on another corpus ({digests})")
        # The one setting that may change, as that is how a diverging run is saved.
        change = {"learning_rate": self.recipe.learning_rate}
        if state["recipe"] | change != dataclasses.asdict(self.recipe):
            raise self._foreign("with other settings")

    def _foreign(self, what: str) -> CheckpointError:
        return CheckpointError(
            f"{self.checkpoints.latest} belongs to a run {what}; choose another --output folder or "
            "delete this one"
        )
