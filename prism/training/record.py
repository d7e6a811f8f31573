"""training.json: what a run was, so that a reader can judge and repeat it."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import torch

from prism.corpora.prepared import Corpus
from prism.provenance import commit, hardware
from prism.training.recipe import AMTRecipe, Recipe, SimilarityRecipe


def common_record(
    recipe: Recipe | AMTRecipe | SimilarityRecipe,
    corpus: Corpus,
    histories: dict[str, list[dict]],
    times: tuple[str, str],
) -> dict:
    """What every run records.

    Parameters
    ----------
    recipe : Recipe, AMTRecipe or SimilarityRecipe
        All settings.
    corpus : Corpus
        Its digest and sizes are recorded.
    histories : dict
        Evaluations of each stage, as in `Progress.history`.
    times : (str, str)
        When the run began and ended, from `utc`.
    """
    return {
        "recipe": dataclasses.asdict(recipe),
        "steps": {name: rows[-1]["step"] for name, rows in histories.items()},
        "hours": {name: round(rows[-1]["seconds"] / 3600, 3) for name, rows in histories.items()},
        "hardware": hardware(),
        "torch": torch.__version__,
        "started": times[0],
        "ended": times[1],
        "commit": commit(),
        "corpus_sha256": corpus.digest,
        "pieces": {side: corpus.splits.count(side) for side in sorted(set(corpus.splits))},
        "labels": list(corpus.labels),
        "history": histories,
    }


def write_record(path: pathlib.Path, record: dict) -> None:
    """Write ``training.json``."""
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
