"""Whole training runs, corpus → weights folder: transformer, baseline, similarity."""

from __future__ import annotations

import pathlib

from torch import nn

from prism.amt.pipeline import AMTPipeline
from prism.amt.vocabulary import EVENTS_IN_CONTEXT
from prism.corpora.prepared import Corpus
from prism.music import FRAMES, KEYS
from prism.pipeline import PrismPipeline
from prism.provenance import utc
from prism.similarity.networks import CorpusFeatures
from prism.training.amt import AMTStage
from prism.training.loop import CHECKPOINT_SECONDS, Trainer
from prism.training.recipe import AMTRecipe, Recipe, SimilarityRecipe
from prism.training.record import common_record, write_record
from prism.training.similarity import SimilarityStage
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


def _end_time(trainer: Trainer) -> str:
    """Not the present: a finished run that is started again only writes its results anew."""
    return utc(trainer.log.stat().st_mtime)


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
    windows = sum(len(group) for group in stage.sampler.windows)
    seen = recipe.dit.steps * recipe.dit.batch_size
    # What figure 5 of the original report had, and more.
    record = {
        "model": f"PrismDiT {recipe.size} on BeatAutoencoder latents",
        "image_size": [KEYS, FRAMES],
        "parameters": {"autoencoder": _size(autoencoder), "dit": _size(pipeline.dit)},
        "windows_seen": seen,
        "training_windows": windows,
        "epochs": round(seen / windows, 2),
    }
    record |= common_record(recipe, corpus, histories, (started, _end_time(trainer)))
    write_record(weights / "training.json", record)
    return pipeline


def train_amt(
    recipe: AMTRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    compiled: bool = False,
) -> AMTPipeline:
    """Train the baseline, or go on where an earlier run in `folder` was stopped; see `train`."""
    started = _start_time(folder)
    trainer = Trainer(AMTStage(recipe, corpus), folder, checkpoint_seconds, compiled)
    pipeline = AMTPipeline(trainer.run(), name=f"AMT-{recipe.size}")
    pipeline.save_pretrained(weights)
    sequences = recipe.amt.steps * recipe.amt.batch_size
    record = {
        "model": f"AnticipatoryTransformer {recipe.size}",
        "parameters": {"amt": _size(pipeline.model), "without_embeddings": _size(pipeline.model.h)},
        "sequences_seen": sequences,
        "events_seen": sequences * EVENTS_IN_CONTEXT,
    }
    histories = {"amt": trainer.progress.history}
    record |= common_record(recipe, corpus, histories, (started, _end_time(trainer)))
    write_record(weights / "training.json", record)
    return pipeline


def train_similarity(
    recipe: SimilarityRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    compiled: bool = False,
) -> CorpusFeatures:
    """Train the network that tells composers apart, or go on; see `train`."""
    started = _start_time(folder)
    trainer = Trainer(SimilarityStage(recipe, corpus), folder, checkpoint_seconds, compiled)
    features = CorpusFeatures(trainer.run(), list(corpus.labels))
    features.save_pretrained(weights)
    record = {
        "model": "ComposerNetwork",
        "parameters": {"similarity": _size(features.network)},
        "windows_seen": recipe.similarity.steps * recipe.similarity.batch_size,
    }
    histories = {"similarity": trainer.progress.history}
    record |= common_record(recipe, corpus, histories, (started, _end_time(trainer)))
    write_record(weights / "training.json", record)
    return features
