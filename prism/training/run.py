"""Whole training runs, corpus → weights folder: Prism, the baseline, similarity, the original."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import TYPE_CHECKING, Any

import torch

from prism.amt.pipeline import AMTPipeline
from prism.amt.vocabulary import EVENTS_IN_CONTEXT
from prism.corpora.collections import collections_in
from prism.corpora.prepared import Corpus
from prism.corpora.provenance import commit, hardware, utc
from prism.models.pipeline import PrismPipeline
from prism.music.midipic import SHAPE
from prism.music.roll import FRAMES, KEYS
from prism.similarity.networks import CorpusFeatures
from prism.training.amt import AMTStage
from prism.training.batches import RunConfig, Stage
from prism.training.files import RECORD_FILE, SAMPLES_FILE, collect_samples, write_text
from prism.training.loop import Trainer
from prism.training.plan import parameter_count
from prism.training.recipe import AMTRecipe, AnyRecipe, OriginalRecipe, Recipe, SimilarityRecipe
from prism.training.similarity import SimilarityStage
from prism.training.stages import AutoencoderStage, CollectionStage, DiTStage

if TYPE_CHECKING:
    from prism.models.original import OriginalPipeline


class Unfinished(Exception):
    """The deadline came before there was a model to write; the message says how far it got."""


class _Run:
    """The stages of one run, trained one after the other, and the record of it.

    Parameters
    ----------
    corpus : Corpus
        What is learnt.
    folder : Path
        As of `train`.
    config : RunConfig, optional
        How to go about it.
    """

    def __init__(self, corpus: Corpus, folder: pathlib.Path, config: RunConfig | None) -> None:
        self.config = config or RunConfig()
        self._corpus, self._folder = corpus, folder
        self._trainers: list[Trainer] = []
        started = folder / "started"
        if not started.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            write_text(started, utc())
        self._started = started.read_text()

    def train(self, stage: Stage) -> Trainer:
        """Train a stage as far as the deadline allows."""
        trainer = Trainer(stage, self._folder, self.config)
        trainer.run()
        self._trainers.append(trainer)
        return trainer

    def train_whole(self, stage: Stage) -> Trainer:
        """Train a stage to its end, as it is of no use before.

        Raises
        ------
        Unfinished
            If the deadline came first.
        """
        trainer = self.train(stage)
        if not trainer.finished:
            raise Unfinished(
                f"{stage.name}: {trainer.state.step:,} of {trainer.recipe.steps:,} steps done; "
                "run again to go on"
            )
        return trainer

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return self._trainers[-1].is_main

    def write_record(self, weights: pathlib.Path, recipe: AnyRecipe, own: dict[str, Any]) -> None:
        """Write ``training.json``: what is this model's `own`, then what all runs record."""
        states = {trainer.stage.name: trainer.state for trainer in self._trainers}
        splits = self._corpus.splits
        record = own | {
            "recipe": dataclasses.asdict(recipe),
            "steps": {name: state.step for name, state in states.items()},
            "hours": {name: round(state.seconds / 3600, 3) for name, state in states.items()},
            "hardware": hardware(),
            "torch": torch.__version__,
            "started": self._started,
            "ended": self._ended(),
            "commit": commit(),
            "corpus_sha256": self._corpus.digest,
            "pieces": {split: splits.count(split) for split in sorted(set(splits))},
            "labels": list(self._corpus.labels),
            "history": {name: state.history for name, state in states.items()},
        }
        text = json.dumps(record, indent=1, ensure_ascii=False)
        write_text(weights / RECORD_FILE, text + "\n")

    def _ended(self) -> str:
        """Not the present: a finished run that is started again only writes its results anew."""
        last = self._trainers[-1]
        return utc((last.log if last.finished else last.checkpoint).stat().st_mtime)


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    config: RunConfig | None = None,
) -> PrismPipeline:
    """Train all stages, or go on where an earlier run in `folder` was stopped.

    Parameters
    ----------
    recipe : Recipe
        What is learnt, and how.
    corpus : Corpus
        Prepared corpus.
    folder : Path
        Checkpoints, logs and samples.
    weights : Path
        Receives the finished model, its ``training.json``, and the sample drawn at each
        evaluation, ``samples.json``.
    config : RunConfig, optional
        How to go about it. A deadline leaves weights of the steps that are done.

    Raises
    ------
    Unfinished
        If the deadline came before the transformer's turn.
    """
    run = _Run(corpus, folder, config)
    draw = run.config.draw_samples
    autoencoder = run.train_whole(AutoencoderStage(recipe, corpus)).average
    stage = DiTStage(recipe, corpus, autoencoder, folder / "samples", draw)
    trainer = run.train(stage)
    pipeline = stage.pipeline(trainer.average)
    if recipe.collection and trainer.finished and collections_in(corpus):
        last = CollectionStage(recipe, corpus, pipeline, folder / "collection-samples", draw)
        pipeline = last.pipeline(run.train(last).average)
    if not run.is_main:
        return pipeline
    pipeline.save_pretrained(weights, run.config.max_shard_size)
    collect_samples(stage.samples, weights / SAMPLES_FILE)
    windows = sum(len(group) for group in stage.sampler.windows)
    seen = trainer.state.step * recipe.dit.batch_size
    # What figure 5 of the original report had, and more.
    record = {
        "model": f"PrismDiT {recipe.size} on BeatAutoencoder latents",
        "image_size": [KEYS, FRAMES],
        "parameters": {
            "autoencoder": parameter_count(autoencoder),
            "dit": parameter_count(pipeline.dit),
        },
        "windows_seen": seen,
        "training_windows": windows,
        "epochs": round(seen / windows, 2),
    }
    run.write_record(weights, recipe, record)
    return pipeline


def train_amt(
    recipe: AMTRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    config: RunConfig | None = None,
) -> AMTPipeline:
    """Train the baseline; see `train`."""
    run = _Run(corpus, folder, config)
    network = run.train_whole(AMTStage(recipe, corpus)).average
    pipeline = AMTPipeline(network, name=f"AMT-{recipe.size}")
    if not run.is_main:
        return pipeline
    pipeline.save_pretrained(weights)
    sequences = recipe.amt.steps * recipe.amt.batch_size
    record = {
        "model": f"AnticipatoryTransformer {recipe.size}",
        "parameters": {
            "amt": parameter_count(network),
            "without_embeddings": parameter_count(network.h),
        },
        "sequences_seen": sequences,
        "events_seen": sequences * EVENTS_IN_CONTEXT,
    }
    run.write_record(weights, recipe, record)
    return pipeline


def train_similarity(
    recipe: SimilarityRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    config: RunConfig | None = None,
) -> CorpusFeatures:
    """Train the network that tells composers apart; see `train`."""
    run = _Run(corpus, folder, config)
    network = run.train_whole(SimilarityStage(recipe, corpus)).average
    features = CorpusFeatures(network, list(corpus.labels))
    if not run.is_main:
        return features
    features.save_pretrained(weights)
    record = {
        "model": "ComposerNetwork",
        "parameters": {"similarity": parameter_count(network)},
        "windows_seen": recipe.similarity.steps * recipe.similarity.batch_size,
    }
    run.write_record(weights, recipe, record)
    return features


def train_original(
    recipe: OriginalRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    config: RunConfig | None = None,
) -> OriginalPipeline:
    """Train the original's route; see `train`.

    Raises
    ------
    WeightsError
        If the autoencoder cannot be had.
    """
    # They import transformers where it is installed, which takes seconds.
    from prism.models.original import OriginalPipeline, load_autoencoder
    from prism.training.original import OriginalStage

    run = _Run(corpus, folder, config)
    autoencoder = load_autoencoder(recipe.autoencoder)
    stage = OriginalStage(recipe, corpus, autoencoder, folder, run.config.draw_samples)
    network = run.train(stage).average
    pipeline = OriginalPipeline(stage.autoencoder, network, list(corpus.labels), recipe.autoencoder)
    if not run.is_main:
        return pipeline
    pipeline.save_pretrained(weights, run.config.max_shard_size)
    record = {
        "model": f"DiT {recipe.size}/{recipe.patch_size} on latents of midipic pictures",
        "image_size": list(SHAPE[:2]),
        "parameters": {"dit": parameter_count(network)},
        "training_pictures": len(stage.training.labels),
    }
    run.write_record(weights, stage.settings, record)
    return pipeline


_RUNS = {
    Recipe: train,
    AMTRecipe: train_amt,
    SimilarityRecipe: train_similarity,
    OriginalRecipe: train_original,
}


def train_any(
    recipe: AnyRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    config: RunConfig,
) -> Any:
    """Train what the recipe is for; see `train`."""
    return _RUNS[type(recipe)](recipe, corpus, folder, weights, config)
