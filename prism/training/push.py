"""Publish weights on the Hugging Face Hub: the networks, a model card and the training record."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence

from huggingface_hub import HfApi

# HTTPError is that of the library that the installed version asks the Hub with.
from huggingface_hub.errors import HfHubHTTPError, HTTPError

from prism.music.writing import write_text
from prism.training.files import RECORD_FILE

CARD_FILE = "README.md"
# What a folder of weights holds: any of these is enough.
_SETTINGS = ("prism.json", "original.json", "config.json")


def push(weights: pathlib.Path, repo: str, private: bool = False) -> str:
    """Upload a folder of weights, as training leaves it; a repository that is missing is made.

    The Hub is asked for with ``HF_TOKEN``, or as ``hf auth login`` left it. Without a ``README.md``
    the folder gets a card made of its record. Returned is the repository's address.

    Raises
    ------
    ValueError
        If the folder holds no finished model, or the Hub cannot be reached or refuses it.
    """
    missing = [] if any((weights / name).is_file() for name in _SETTINGS) else [_SETTINGS[0]]
    if not (weights / RECORD_FILE).is_file():
        missing.append(RECORD_FILE)
    if missing:
        raise ValueError(
            f"--weights: expected a finished model, but {weights} has no {' and no '.join(missing)}"
            "; train one with prism train, or name another folder"
        )
    try:
        record = json.loads((weights / RECORD_FILE).read_text(encoding="utf-8"))
        text, steps = card(record), sum(record["steps"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"--weights: {weights / RECORD_FILE} is damaged; train again to have it written"
        ) from error
    if not (weights / CARD_FILE).is_file():
        write_text(weights / CARD_FILE, text)
    return publish(weights, repo, private, f"{record['model']}, {steps:,} steps")


def publish(
    folder: pathlib.Path,
    repo: str,
    private: bool,
    message: str,
    ignored: Sequence[str] = ("*.partial*",),
) -> str:
    """Upload a folder but for files of `ignored` patterns; see `push`."""
    api = HfApi()
    try:
        address = api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=address.repo_id,
            folder_path=folder,
            commit_message=message,
            ignore_patterns=list(ignored),
        )
    except (HTTPError, HfHubHTTPError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"--repo: {repo} could not be published ({reason}); check the name, the network and "
            "HF_TOKEN, and push again"
        ) from error
    return str(address)


def card(record: dict) -> str:
    """A model card from a ``training.json``, Markdown with the Hub's header."""
    sizes = ", ".join(f"{name} {size:,}" for name, size in record["parameters"].items())
    steps = ", ".join(f"{name} {count:,}" for name, count in record["steps"].items())
    hours = sum(record["hours"].values())
    losses = [
        f"{name}: {key.replace('_', ' ')} {value:.4g}"
        for name, rows in record["history"].items()
        for key, value in (rows[-1] if rows else {}).items()
        if key.endswith("loss")
    ]
    return f"""---
license: mit
tags:
  - music
  - diffusion
---

# {record["model"]}

Trained by `prism train`. Parameters: {sizes}. Steps: {steps}; {hours:.2f} hours on
{record["hardware"]}, {record["started"]} to {record["ended"]}.

Labels: {", ".join(record["labels"])}.

Last evaluation: {"; ".join(losses) or "none yet"}.

All settings, the corpus's digest and every evaluation are in `{RECORD_FILE}`. Where this is a model
of Prism's page, `PRISM_WEIGHTS` set to this repository's name loads it.
"""
