"""What a build says: before it, what it will take; after it, what there is; and the card."""

from __future__ import annotations

import pathlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prism.cli.build_state import BuildStage, BuildState, duration
from prism.corpora.preparation import Report
from prism.corpora.prepared import SPLITS
from prism.corpora.sharded import load_corpus
from prism.music.writing import write_text
from prism.service.bundle import NETWORKS, Bundle, open_bundle
from prism.training.plan import costs
from prism.training.recipe import AnyRecipe

# Weights, running average and AdamW's two numbers, in two checkpoints.
_BYTES_A_WEIGHT = 2 * 16
_MOST_ARTISTS = 30
LEFT_OUT_FILE = "left_out.txt"


def plan_lines(
    stages: Sequence[BuildStage], recipes: Mapping[str, AnyRecipe], machine: str
) -> Iterator[str]:
    """What the stages will take on this machine."""
    yield f"On {machine}, roughly:"
    for stage in stages:
        yield f"  {duration(stage.seconds):>8}  {stage.title}"
    yield f"  {duration(sum(stage.seconds for stage in stages)):>8}  in all"
    weights = sum(cost.size for recipe in recipes.values() for cost in costs(recipe).values())
    yield f"Disk, beside the music: about {weights * _BYTES_A_WEIGHT / 1e9:.1f} GB while it trains."


def summary_lines(folder: pathlib.Path, work: pathlib.Path, state: BuildState) -> Iterator[str]:
    """What there is, what was left out, how well it was learnt, and how to see it."""
    bundle, corpus = open_bundle(folder), load_corpus(folder / "corpus")
    yield f"{folder}: {len(corpus.pieces):,} pieces of {len(corpus.labels):,} artists"
    counts = Counter(zip(corpus.piece_labels, corpus.splits, strict=True))
    sizes = {label: [counts[label, split] for split in SPLITS] for label in corpus.labels}
    largest = sorted(sizes, key=lambda label: (-sum(sizes[label]), label))
    for label in largest[:_MOST_ARTISTS]:
        yield f"  {label}: {sum(sizes[label])} ({', '.join(SPLITS)}: {sizes[label]})"
    if len(largest) > _MOST_ARTISTS:
        yield f"  and {len(largest) - _MOST_ARTISTS} more"
    yield from (work / LEFT_OUT_FILE).read_text(encoding="utf-8").splitlines()
    yield from learnt_lines(bundle)
    if len(corpus.labels) == 1:
        yield (
            f"There is one artist alone, {corpus.labels[0]}: mixing, recognition and the "
            "experiment need two; add a second artist's folder and build into another folder"
        )
    yield f"Took {duration(sum(state.done.values()))}. See it: prism app {folder}"


def left_out_lines(report: Report) -> Iterator[str]:
    """How many files were left out for each reason, and which artists."""
    yield from report.reasons()
    for label, count in sorted(report.labels, key=lambda row: (-row[1], row[0]))[:_MOST_ARTISTS]:
        yield f"left out {label}: {count} usable piece{'s are' if count != 1 else ' is'} too few"
    if len(report.labels) > _MOST_ARTISTS:
        yield f"and {len(report.labels) - _MOST_ARTISTS} artists with fewer"


def learnt_lines(bundle: Bundle) -> Iterator[str]:
    """Validation losses, and how often the artist was recognised."""
    for network, (_, title) in NETWORKS.items():
        record = bundle.record(network)
        last = _last_evaluation(record)
        losses = [value for key, value in last.items() if key.endswith("validation_loss")]
        if losses:
            yield f"{title[0].upper()}{title[1:]}: validation loss {losses[0]:.3f}"
        labels = record.get("labels", ())
        if network == "similarity" and "validation_accuracy" in last and len(labels) > 1:
            chance = 1 / len(labels)
            yield (
                f"Of held-out passages {last['validation_accuracy']:.0%} are recognised as their "
                f"artist's (by chance {chance:.0%})"
            )


def _last_evaluation(record: Mapping[str, Any]) -> dict[str, float]:
    """The last figures of a run's main stage."""
    histories = [rows for rows in record.get("history", {}).values() if rows]
    return histories[-1][-1] if histories else {}


def write_card(bundle: Bundle, labels: Sequence[str]) -> None:
    """Write the bundle's ``README.md``, a card as the Hub shows it."""
    manifest = bundle.manifest
    terms = "".join(f"- {term}\n" for term in manifest.terms)
    learnt = "".join(f"- {line}\n" for line in learnt_lines(bundle))
    text = f"""---
tags:
  - music
  - piano
  - midi
  - diffusion
---

# {manifest.name}: a bundle of Prism

A diffusion transformer that draws 64 beats of piano music in the manner of {", ".join(labels)},
trained on {manifest.music}, with the baseline and the networks that it is compared by.

See and hear it with Prism: `prism app OWNER/NAME`, this repository's name.

## Terms of the pieces

The bundle holds the notes of the pieces it was trained on (`corpus/`). They are used under:

{terms}
## What was learnt

{learnt}"""
    write_text(bundle.folder / "README.md", text)
