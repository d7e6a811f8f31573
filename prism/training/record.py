"""training.json: what a run was, so that a reader can judge and repeat it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Sequence

import torch
from torch import nn

from prism.corpora.prepared import Corpus
from prism.corpora.provenance import commit, hardware
from prism.training.files import write_text
from prism.training.loop import Trainer
from prism.training.recipe import AMTRecipe, OriginalRecipe, Recipe, SimilarityRecipe


def common_record(
    recipe: Recipe | AMTRecipe | SimilarityRecipe | OriginalRecipe,
    corpus: Corpus,
    trainers: Sequence[Trainer],
    times: tuple[str, str],
) -> dict:
    """What every run records.

    Parameters
    ----------
    recipe : Recipe, AMTRecipe, SimilarityRecipe or OriginalRecipe
        All settings.
    corpus : Corpus
        Its digest and sizes are recorded.
    trainers : sequence of Trainer
        Their steps, hours and evaluations.
    times : (str, str)
        When the run began and ended, from `utc`.
    """
    progress = {trainer.stage.name: trainer.progress for trainer in trainers}
    return {
        "recipe": dataclasses.asdict(recipe),
        "steps": {name: done.step for name, done in progress.items()},
        "hours": {name: round(done.seconds / 3600, 3) for name, done in progress.items()},
        "hardware": hardware(),
        "torch": torch.__version__,
        "started": times[0],
        "ended": times[1],
        "commit": commit(),
        "corpus_sha256": corpus.digest,
        "pieces": {side: corpus.splits.count(side) for side in sorted(set(corpus.splits))},
        "labels": list(corpus.labels),
        "history": {name: done.history for name, done in progress.items()},
    }


def parameter_count(module: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.numel() for parameter in module.parameters())


def write_record(path: pathlib.Path, record: dict) -> None:
    """Write ``training.json``."""
    write_text(path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
