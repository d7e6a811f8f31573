"""What a result was made with, so that it is never shown beside something else."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

from prism.corpora.prepared import Corpus

MODELS = {
    "prism": ("autoencoder", "dit"),
    "amt": ("amt",),
    "similarity": ("similarity",),
}


def origin_of(weights: pathlib.Path, corpus: Corpus, seed: int) -> dict[str, Any]:
    """Digests of the corpus and of each model's weights, and the seed.

    Raises
    ------
    FileNotFoundError
        If a model's weights are missing.
    """
    return {
        "corpus_sha256": corpus.digest,
        "weights_sha256": {
            name: weights_digest([weights / folder for folder in folders])
            for name, folders in MODELS.items()
        },
        "experiment_seed": seed,
    }


def weights_digest(folders: Sequence[pathlib.Path]) -> str:
    """SHA-256 over the safetensors files of a model's folders, in the order of their names."""
    digest = hashlib.sha256()
    for folder in folders:
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise FileNotFoundError(f"no weights (*.safetensors) in {folder}")
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()
