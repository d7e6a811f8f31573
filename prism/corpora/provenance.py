"""When, where and from which files a result came, so that it is never shown beside another's."""

from __future__ import annotations

import datetime
import functools
import hashlib
import os
import pathlib
import platform
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from prism.corpora.prepared import Corpus

MODELS = {
    "prism": ("autoencoder", "dit"),
    "student": ("student",),
    "amt": ("amt",),
    "similarity": ("similarity",),
}
DIGEST_LENGTH = 12


def fingerprint(weights: pathlib.Path, corpus: Corpus, seed: int) -> dict[str, Any]:
    """Digests of the corpus and of each model's weights, and the seed.

    Raises FileNotFoundError if a model has no weights; a student need not be there.
    """
    needed = {n: f for n, f in MODELS.items() if n != "student" or (weights / n).is_dir()}
    return {
        "corpus_sha256": corpus.digest,
        "weights_sha256": {
            name: weights_digest([weights / folder for folder in folders])
            for name, folders in needed.items()
        },
        "experiment_seed": seed,
    }


def weights_digest(folders: Sequence[pathlib.Path]) -> str:
    """SHA-256 over the safetensors files of a model's folders, in the order of their names.

    Raises FileNotFoundError if a folder holds none.
    """
    digest = hashlib.sha256()
    for folder in folders:
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise FileNotFoundError(f"no weights (*.safetensors) in {folder}")
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()


# Read once, and not before somebody asks: the files are large.
@functools.lru_cache(maxsize=8)
def files_digest(folders: tuple[pathlib.Path, ...]) -> str:
    """`weights_digest` of folders; empty where there are no weights."""
    try:
        return weights_digest(folders)
    except OSError:
        return ""


def checkpoint(*networks: object) -> str:
    """The first digits of the `weights_digest` of the folders that diffusers models came from.

    Those of ``assets/evaluation.json`` begin alike if the stored experiment was made with them.
    Empty for networks that did not come from a folder of safetensors files.
    """
    folders = [getattr(network, "config", {}).get("_name_or_path") for network in networks]
    if not folders or not all(folders):
        return ""
    return files_digest(tuple(map(pathlib.Path, folders)))[:DIGEST_LENGTH]


def utc(seconds: float | None = None) -> str:
    """A time (now by default) in UTC, to the second, from seconds since 1970."""
    seconds = time.time() if seconds is None else seconds
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def hardware() -> str:
    """The processor, or the GPU where there is one, and the number of threads."""
    import torch  # not needed by a command that only looks for weights

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
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
