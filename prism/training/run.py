"""Whole training runs, corpus → weights folder: Prism, the baseline, similarity, the original."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from torch import nn

from prism.amt.pipeline import AMTPipeline
from prism.amt.vocabulary import EVENTS_IN_CONTEXT
from prism.corpora.prepared import Corpus
from prism.corpora.provenance import commit, hardware, utc
from prism.models.pipeline import PrismPipeline
from prism.models.student import Student
from prism.music.midipic import SHAPE
from prism.music.roll import FRAMES, KEYS
from prism.music.writing import folder_beside, make_folder, sole_writer, write_json, write_text
from prism.similarity.networks import CorpusFeatures
from prism.training.amt import AMTStage
from prism.training.batches import RunConfig, Stage
from prism.training.beginning import autoencoder_of
from prism.training.files import RECORD_FILE, SAMPLES_FILE, collect_samples
from prism.training.loop import Trainer
from prism.training.plan import parameter_count
from prism.training.recipe import (
    AMTRecipe,
    AnyRecipe,
    OriginalRecipe,
    Recipe,
    SimilarityRecipe,
    StudentRecipe,
)
from prism.training.similarity import SimilarityStage
from prism.training.stages import AutoencoderStage, DiTStage
from prism.training.student import StudentStage

if TYPE_CHECKING:
    from prism.models.original import OriginalPipeline


class Unfinished(Exception):
    """The deadline came before there was a model to write; the message says how far it got."""


class _Run:
    """The stages of one run, trained one after the other, and the record of it; see `train`."""

    def __init__(
        self, corpus: Corpus, folder: pathlib.Path, weights: pathlib.Path, config: RunConfig
    ) -> None:
        self.corpus, self.folder, self.weights, self.config = corpus, folder, weights, config
        self._trainers: list[Trainer] = []
        make_folder(weights)  # not when they are trained
        started = folder / "started"
        if not started.is_file():
            write_text(started, utc())
        self._started = started.read_text()

    def train(self, stage: Stage) -> Trainer:
        """Train a stage as far as the deadline allows."""
        trainer = Trainer(stage, self.folder, self.config)
        trainer.run()
        self._trainers.append(trainer)
        return trainer

    def train_whole(self, stage: Stage) -> nn.Module:
        """Train a stage to its end, as it is of no use before; raises `Unfinished`."""
        trainer = self.train(stage)
        if not trainer.finished:
            raise Unfinished(
                f"{stage.name}: {trainer.state.step:,} of {trainer.recipe.steps:,} steps done; "
                "run again to go on"
            )
        return trainer.average

    def write(
        self, save: Callable[[pathlib.Path], None], recipe: AnyRecipe, model: str, **own: Any
    ) -> None:
        """Write the finished model, all of it or nothing, in the one process that writes.

        Into a folder goes what `save` writes there, and ``training.json``: the `model`, what is its
        `own`, then what all runs record.
        """
        if not self._trainers[-1].is_main:
            return
        record = {"model": model} | own | self._record(recipe)
        with folder_beside(self.weights) as folder:
            try:
                save(folder)
            except SafetensorError as error:  # also its word for a full disk
                raise OSError(str(error)) from error
            write_json(folder / RECORD_FILE, record)

    def _record(self, recipe: AnyRecipe) -> dict[str, Any]:
        states = {trainer.stage.name: trainer.state for trainer in self._trainers}
        # Not the present: a finished run that is started again only writes its results anew.
        last = self._trainers[-1]
        ended = (last.log if last.finished else last.checkpoints.latest).stat().st_mtime
        splits = self.corpus.splits
        return {
            "recipe": dataclasses.asdict(recipe),
            "steps": {name: state.step for name, state in states.items()},
            "hours": {name: round(state.seconds / 3600, 3) for name, state in states.items()},
            "hardware": hardware(),
            "torch": torch.__version__,
            "started": self._started,
            "ended": utc(ended),
            "commit": commit(),
            "corpus_sha256": self.corpus.digest,
            "pieces": {split: splits.count(split) for split in sorted(set(splits))},
            "labels": list(self.corpus.labels),
            "history": {name: state.history for name, state in states.items()},
        }


def train(
    recipe: AnyRecipe,
    corpus: Corpus,
    folder: pathlib.Path,
    weights: pathlib.Path,
    config: RunConfig | None = None,
) -> Any:
    """Train all stages of a recipe, or go on where an earlier run in `folder` was stopped.

    Parameters
    ----------
    recipe, corpus
        What is learnt, and from what.
    folder : Path
        Checkpoints, logs and samples.
    weights : Path
        Receives the finished model and its ``training.json``; Prism's also the sample drawn at
        each evaluation, ``samples.json``.
    config : RunConfig, optional
        How to go about it. A deadline leaves weights of Prism's and the original's transformer
        after the steps that are done.

    Returns
    -------
    PrismPipeline, AMTPipeline, CorpusFeatures, Student or OriginalPipeline
        What was trained.

    Raises
    ------
    Unfinished
        If the deadline came before there was a model.
    CheckpointError
        If the folder holds another run, such as one on another corpus; see `Trainer`.
    WriteError
        If files cannot be written, or another process is at work in the folder.
    WeightsError
        If the original's autoencoder cannot be had.
    """
    from accelerate import PartialState

    make_folder(folder)
    is_main = PartialState().is_main_process
    with sole_writer(folder) if is_main else contextlib.nullcontext():
        run = _Run(corpus, folder, weights, config or RunConfig())
        return RUNS[type(recipe)](run, recipe)


def _train_prism(run: _Run, recipe: Recipe) -> PrismPipeline:
    draw = run.config.draw_samples
    if recipe.autoencoder:
        autoencoder = run.train_whole(AutoencoderStage(recipe, run.corpus))
    else:
        autoencoder = autoencoder_of(recipe.start)
    stage = DiTStage(recipe, run.corpus, autoencoder, run.folder / "samples", draw)
    trainer = run.train(stage)
    pipeline = stage.pipeline(trainer.average)

    def save(folder: pathlib.Path) -> None:
        pipeline.save_pretrained(folder, run.config.max_shard_size)
        collect_samples(stage.samples, folder / SAMPLES_FILE)

    windows = sum(len(group) for group in stage.sampler.windows)
    seen = trainer.state.step * recipe.dit.batch_size
    # What figure 5 of the original report had, and more.
    run.write(
        save,
        recipe,
        f"PrismDiT {recipe.size} on BeatAutoencoder latents",
        image_size=[KEYS, FRAMES],
        parameters={
            "autoencoder": parameter_count(autoencoder),
            "dit": parameter_count(pipeline.dit),
        },
        windows_seen=seen,
        training_windows=windows,
        epochs=round(seen / windows, 2),
    )
    return pipeline


def _train_amt(run: _Run, recipe: AMTRecipe) -> AMTPipeline:
    network = run.train_whole(AMTStage(recipe, run.corpus))
    pipeline = AMTPipeline(network, name=f"AMT-{recipe.size}")
    sequences = recipe.amt.steps * recipe.amt.batch_size
    run.write(
        pipeline.save_pretrained,
        recipe,
        f"AnticipatoryTransformer {recipe.size}",
        parameters={
            "amt": parameter_count(network),
            "without_embeddings": parameter_count(network.h),
        },
        sequences_seen=sequences,
        events_seen=sequences * EVENTS_IN_CONTEXT,
    )
    return pipeline


def _train_similarity(run: _Run, recipe: SimilarityRecipe) -> CorpusFeatures:
    network = run.train_whole(SimilarityStage(recipe, run.corpus))
    features = CorpusFeatures(network, list(run.corpus.labels))
    run.write(
        features.save_pretrained,
        recipe,
        "ComposerNetwork",
        parameters={"similarity": parameter_count(network)},
        windows_seen=recipe.similarity.steps * recipe.similarity.batch_size,
    )
    return features


def _train_student(run: _Run, recipe: StudentRecipe) -> Student:
    pipeline = PrismPipeline.from_pretrained(recipe.teacher, with_student=False)
    stage = StudentStage(recipe, pipeline, run.corpus.digest)
    if run.config.compiled:
        stage.compile()
    trainer = run.train(stage)
    student = Student.of(trainer.average, pipeline.dit)
    run.write(
        student.save,
        recipe,
        f"student of the transformer in {recipe.teacher}",
        parameters={"student": sum(value.numel() for value in student.state.values())},
        samples_seen=trainer.state.step * recipe.student.batch_size,
    )
    return student


def _train_original(run: _Run, recipe: OriginalRecipe) -> OriginalPipeline:
    # They import transformers where it is installed, which takes seconds.
    from prism.models.original import OriginalPipeline, load_autoencoder
    from prism.training.original import OriginalStage

    autoencoder = load_autoencoder(recipe.autoencoder)
    stage = OriginalStage(recipe, run.corpus, autoencoder, run.folder, run.config.draw_samples)
    network = run.train(stage).average
    labels = list(run.corpus.labels)
    pipeline = OriginalPipeline(stage.autoencoder, network, labels, recipe.autoencoder)
    run.write(
        lambda folder: pipeline.save_pretrained(folder, run.config.max_shard_size),
        stage.settings,
        f"DiT {recipe.size}/{recipe.patch_size} on latents of midipic pictures",
        image_size=list(SHAPE[:2]),
        parameters={"dit": parameter_count(network)},
        training_pictures=len(stage.training.labels),
    )
    return pipeline


RUNS = {
    Recipe: _train_prism,
    AMTRecipe: _train_amt,
    SimilarityRecipe: _train_similarity,
    StudentRecipe: _train_student,
    OriginalRecipe: _train_original,
}
