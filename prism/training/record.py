"""training.json: what a run was, so that a reader can judge and repeat it."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
import platform
import subprocess
import time

import torch

from prism.corpora.prepared import Corpus
from prism.training.recipe import AMTRecipe, Recipe, SimilarityRecipe


def utc(seconds: float | None = None) -> str:
    """A time (now by default) in UTC, to the second, from seconds since 1970."""
    seconds = time.time() if seconds is None else seconds
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def hardware() -> str:
    """The processor, or the GPU where there is one, and the number of threads."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, no GPU"


def commit() -> str:
    """The git commit of the working tree, with ``+`` if it has changes; empty outside git."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            capture_output=True, text=True, check=True, timeout=10,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""


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
