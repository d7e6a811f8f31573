"""A whole training run: corpus → autoencoder → transformer → weights folder."""

from __future__ import annotations

import pathlib

from torch import nn

from prism.corpora.prepared import Corpus
from prism.pipeline import PrismPipeline
from prism.training.loop import CHECKPOINT_SECONDS, Trainer
from prism.training.recipe import Recipe
from prism.training.record import utc, write_record
from prism.training.stages import AutoencoderStage, DiTStage


def _size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _start_time(folder: pathlib.Path) -> str:
    """When the run in this folder first began."""
    marker = folder / "started"
    if not marker.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        marker.write_text(utc())
    return marker.read_text()


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    compiled: bool = False,
) -> PrismPipeline:
    """Train both stages, or go on where an earlier run in `folder` was stopped.

    Parameters
    ----------
    recipe : Recipe
        All settings.
    corpus : Corpus
        Prepared corpus.
    folder : Path
        Checkpoints, logs and sheets of samples.
    weights : Path
        Receives the finished model and its ``training.json``.
    checkpoint_seconds : float
        Time between checkpoints.
    compiled : bool
        See `Trainer`.
    """
    started = _start_time(folder)
    coder = Trainer(AutoencoderStage(recipe, corpus), folder, checkpoint_seconds, compiled)
    autoencoder = coder.run()
    stage = DiTStage(recipe, corpus, autoencoder, folder / "samples")
    trainer = Trainer(stage, folder, checkpoint_seconds, compiled)
    pipeline = PrismPipeline(autoencoder, trainer.run(), stage.profiles)
    pipeline.save_pretrained(weights)
    histories = {"autoencoder": coder.progress.history, "dit": trainer.progress.history}
    sizes = {"autoencoder": _size(autoencoder), "dit": _size(pipeline.dit)}
    windows = sum(len(group) for group in stage.sampler.windows)
    # Not the present: a finished run that is started again only writes its results anew.
    times = started, utc(trainer.log.stat().st_mtime)
    write_record(weights / "training.json", recipe, corpus, histories, sizes, windows, times)
    return pipeline
