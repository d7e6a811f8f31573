"""Whole training runs, corpus → weights folder: transformer, baseline, similarity."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prism.amt.pipeline import AMTPipeline
from prism.amt.vocabulary import EVENTS_IN_CONTEXT
from prism.corpora.collections import collections_in
from prism.corpora.prepared import Corpus
from prism.corpora.provenance import utc
from prism.models.pipeline import PrismPipeline
from prism.music.midipic import SHAPE
from prism.music.roll import FRAMES, KEYS
from prism.similarity.networks import CorpusFeatures
from prism.training.amt import AMTStage
from prism.training.execution import Execution
from prism.training.files import write_text
from prism.training.loop import Stage, Trainer
from prism.training.recipe import AMTRecipe, OriginalRecipe, Recipe, SimilarityRecipe
from prism.training.record import common_record, parameter_count, write_record
from prism.training.samples import SAMPLES_FILE, collect_samples
from prism.training.similarity import SimilarityStage
from prism.training.stages import AutoencoderStage, CollectionStage, DiTStage

if TYPE_CHECKING:
    from prism.models.original import OriginalPipeline
    from prism.training.presets import AnyRecipe


def _start_time(folder: pathlib.Path) -> str:
    """When the run in this folder first began."""
    marker = folder / "started"
    if not marker.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_text(marker, utc())
    return marker.read_text()


class Unfinished(Exception):
    """The deadline came before there was a model to write; the message says how far it got."""


def trained(stage: Stage, folder: pathlib.Path, execution: Execution) -> Trainer:
    """Train a stage on which others build, to its end.

    Raises
    ------
    Unfinished
        If the deadline came first.
    """
    trainer = Trainer(stage, folder, execution)
    trainer.run()
    if not trainer.finished:
        raise Unfinished(_how_far(trainer))
    return trainer


def _how_far(trainer: Trainer) -> str:
    done, steps = trainer.progress.step, trainer.recipe.steps
    return f"{trainer.stage.name}: {done:,} of {steps:,} steps done; run again to go on"


def _end_time(trainer: Trainer) -> str:
    """Not the present: a finished run that is started again only writes its results anew."""
    last = trainer.log if trainer.finished else trainer.checkpoint
    return utc(last.stat().st_mtime)


def _finish(
    weights: pathlib.Path,
    own: dict[str, Any],
    recipe: AnyRecipe,
    corpus: Corpus,
    trainers: Sequence[Trainer],
    started: str,
) -> None:
    """Write the record beside the weights: what is this model's `own`, then what all record."""
    common = common_record(recipe, corpus, trainers, (started, _end_time(trainers[-1])))
    write_record(weights / "training.json", own | common)


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    execution: Execution | None = None,
) -> PrismPipeline:
    """Train all stages, or go on where an earlier run in `folder` was stopped.

    Parameters
    ----------
    recipe : Recipe
        All settings.
    corpus : Corpus
        Prepared corpus.
    folder : Path
        Checkpoints, logs and sheets of samples.
    weights : Path
        Receives the finished model, its ``training.json``, and the sample drawn at each
        evaluation, ``samples.json``.
    execution : Execution
        How to go about it. A deadline leaves weights of the steps that are done.

    Raises
    ------
    Unfinished
        If the deadline came before the transformer's turn.
    """
    execution = execution or Execution()
    started = _start_time(folder)
    coder = trained(AutoencoderStage(recipe, corpus), folder, execution)
    stage = DiTStage(recipe, corpus, coder.average, folder / "samples")
    trainer = Trainer(stage, folder, execution)
    trainers = [coder, trainer]
    pipeline = PrismPipeline(coder.average, trainer.run(), stage.profiles, stage.collections)
    if recipe.collection and trainer.finished and collections_in(corpus):
        pipeline, last = _with_collections(recipe, corpus, pipeline, folder, execution)
        trainers.append(last)
    if not trainer.is_main:
        return pipeline
    pipeline.save_pretrained(weights, execution.shard_size)
    collect_samples(stage.pictures, weights / SAMPLES_FILE)
    windows = sum(len(group) for group in stage.sampler.windows)
    seen = trainer.progress.step * recipe.dit.batch_size
    # What figure 5 of the original report had, and more.
    record = {
        "model": f"PrismDiT {recipe.size} on BeatAutoencoder latents",
        "image_size": [KEYS, FRAMES],
        "parameters": {
            "autoencoder": parameter_count(coder.average),
            "dit": parameter_count(pipeline.dit),
        },
        "windows_seen": seen,
        "training_windows": windows,
        "epochs": round(seen / windows, 2),
    }
    _finish(weights, record, recipe, corpus, trainers, started)
    return pipeline


def _with_collections(
    recipe: Recipe,
    corpus: Corpus,
    pipeline: PrismPipeline,
    folder: pathlib.Path,
    execution: Execution,
) -> tuple[PrismPipeline, Trainer]:
    """The same model once it has learnt the collections."""
    stage = CollectionStage(recipe, corpus, pipeline, folder / "collection-samples")
    trainer = Trainer(stage, folder, execution)
    learnt = PrismPipeline(
        pipeline.autoencoder, trainer.run(), pipeline.profiles, stage.collections
    )
    return learnt, trainer


def train_amt(
    recipe: AMTRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    execution: Execution | None = None,
) -> AMTPipeline:
    """Train the baseline, or go on where an earlier run in `folder` was stopped; see `train`."""
    started = _start_time(folder)
    trainer = trained(AMTStage(recipe, corpus), folder, execution or Execution())
    pipeline = AMTPipeline(trainer.average, name=f"AMT-{recipe.size}")
    if not trainer.is_main:
        return pipeline
    pipeline.save_pretrained(weights)
    sequences = recipe.amt.steps * recipe.amt.batch_size
    record = {
        "model": f"AnticipatoryTransformer {recipe.size}",
        "parameters": {
            "amt": parameter_count(pipeline.model),
            "without_embeddings": parameter_count(pipeline.model.h),
        },
        "sequences_seen": sequences,
        "events_seen": sequences * EVENTS_IN_CONTEXT,
    }
    _finish(weights, record, recipe, corpus, (trainer,), started)
    return pipeline


def train_similarity(
    recipe: SimilarityRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    execution: Execution | None = None,
) -> CorpusFeatures:
    """Train the network that tells composers apart, or go on; see `train`."""
    started = _start_time(folder)
    trainer = trained(SimilarityStage(recipe, corpus), folder, execution or Execution())
    features = CorpusFeatures(trainer.average, list(corpus.labels))
    if not trainer.is_main:
        return features
    features.save_pretrained(weights)
    record = {
        "model": "ComposerNetwork",
        "parameters": {"similarity": parameter_count(features.network)},
        "windows_seen": recipe.similarity.steps * recipe.similarity.batch_size,
    }
    _finish(weights, record, recipe, corpus, (trainer,), started)
    return features


def train_original(
    recipe: OriginalRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    execution: Execution | None = None,
) -> OriginalPipeline:
    """Train the original's route, or go on; see `train`.

    Raises
    ------
    WeightsError
        If the autoencoder cannot be had.
    """
    # They import transformers where it is installed, which takes seconds.
    from prism.models.original import OriginalPipeline, load_autoencoder
    from prism.training.original import OriginalStage

    execution = execution or Execution()
    started = _start_time(folder)
    stage = OriginalStage(recipe, corpus, load_autoencoder(recipe.autoencoder), folder)
    trainer = Trainer(stage, folder, execution)
    pipeline = OriginalPipeline(
        stage.autoencoder, trainer.run(), list(corpus.labels), recipe.autoencoder
    )
    if not trainer.is_main:
        return pipeline
    pipeline.save_pretrained(weights, execution.shard_size)
    record = {
        "model": f"DiT {recipe.size}/{recipe.patch_size} on latents of midipic pictures",
        "image_size": list(SHAPE[:2]),
        "parameters": {"dit": parameter_count(pipeline.transformer)},
        "training_pictures": len(stage.training.labels),
    }
    _finish(weights, record, stage.settings, corpus, (trainer,), started)
    return pipeline
