"""The Train tab: how the weights came to be, from the records that lie beside them."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from prism import ASSETS
from prism.ui.charts import Block, Charts, charts, facts, lines, rolls, table, text

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.service.loading import Loader

EXPERIMENTS = ASSETS.parent / "docs" / "experiments.md"
_SAMPLES_FILE = "samples.json"

_INTRODUCTION = """## How the weights came to be
Everything here is read from the records that training wrote next to the weights. Each network was
measured on the validation split, pieces that it did not learn from. Train them again with `python
train.py`, `prism train amt` and `prism train similarity`."""

_NO_SAMPLES = (
    "There are none to show: these weights were trained before samples were kept. What remains are "
    "the curves above, of eight samples drawn at every evaluation. The next training writes the "
    "notes of one of them, always from the same noise, beside the weights."
)


_NETWORKS = {
    "autoencoder": "beat autoencoder",
    "dit": "diffusion transformer",
    "collection": "its collections",
    "amt": "AMT-mini",
    "without_embeddings": "of these without embeddings",
    "similarity": "composer network",
}


class _Model(NamedTuple):
    """A record to show: its folder under the weights, its title, the networks in it."""

    folder: str
    title: str
    networks: tuple[str, ...]


class _Curves(NamedTuple):
    """A chart of a stage's evaluations: its title, what it says, its figures by their names."""

    title: str
    about: str
    figures: dict[str, str]


_MODELS = (
    _Model("", "Prism", ("autoencoder", "dit")),
    _Model("amt", "AMT-mini, the baseline", ("amt",)),
    _Model("similarity", "The composer network, which scores", ("similarity",)),
)
_CURVES = {
    "autoencoder": (
        _Curves(
            "Beat autoencoder: loss",
            "Reconstruction error of beats, without and with noise.",
            {"clean": "clean_loss", "noisy": "noisy_loss"},
        ),
        _Curves(
            "Beat autoencoder: what is reconstructed",
            "Onsets (F1) and beats without any error.",
            {
                "onsets": "clean_onset_f1",
                "onsets, noisy": "noisy_onset_f1",
                "whole beats": "clean_exact_beats",
                "whole beats, noisy": "noisy_exact_beats",
            },
        ),
    ),
    "dit": (
        _Curves(
            "Diffusion transformer: loss",
            "Mean squared error of the predicted flow: given the composer, also key, density and "
            "the other attributes, or its own first estimate.",
            {
                "validation": "validation_loss",
                "attributes given": "informed_validation_loss",
                "own estimate given": "guessed_validation_loss",
            },
        ),
        _Curves(
            "Its samples: shares",
            "Means of eight samples drawn at each evaluation.",
            {
                "notes in one scale": "scale_consistency",
                "notes on a beat": "on_beat",
                "notes of one frame": "one_frame_notes",
                "silent frames": "empty_frames",
            },
        ),
        _Curves(
            "Its samples: density",
            "Simultaneous notes, and note lengths in beats.",
            {"polyphony": "polyphony", "note length": "note_length"},
        ),
    ),
    "collection": (
        _Curves(
            "Collections, trained last: loss",
            "Of the transformer given the composer and all attributes, or the composer alone.",
            {
                "all given": "informed_validation_loss",
                "composer alone": "validation_loss",
                "own estimate given": "guessed_validation_loss",
            },
        ),
    ),
    "amt": (
        _Curves(
            "AMT-mini: loss",
            "Nats per token, with and without a given melody.",
            {"free": "free_validation_loss", "melody given": "melody_validation_loss"},
        ),
        _Curves(
            "AMT-mini: loss by kind of token",
            "Nats per token: time, duration and note.",
            {"time": "time_loss", "duration": "duration_loss", "note": "note_loss"},
        ),
    ),
    "similarity": (
        _Curves(
            "Composer network: loss",
            "Cross-entropy; overconfidence raises it.",
            {"validation": "validation_loss"},
        ),
        _Curves(
            "Composer network: accuracy",
            "Every composer has the same weight.",
            {
                "composer found": "validation_accuracy",
                "among its two likeliest": "validation_top_two",
                "nonsense recognised": "nonsense_recognised",
            },
        ),
    ),
}


class Training:
    """What the tab shows.

    Parameters
    ----------
    weights : Loader of Path
        Folder of the weights, which may have to be fetched first.
    corpus : Loader of Corpus
        The page's music, to compare its digest.
    experiments : Path
        What was tried: Markdown with a table in it.
    """

    def __init__(
        self,
        weights: Loader[pathlib.Path],
        corpus: Loader[Corpus],
        experiments: pathlib.Path = EXPERIMENTS,
    ) -> None:
        self._weights = weights
        self._corpus = corpus
        self._experiments = experiments

    def charts(self) -> dict[str, Any]:
        """All records, as far as they are there."""
        try:
            weights = self._weights.get()
        except (ValueError, OSError) as error:
            return charts(text("There are no weights", str(error)), *self._tried())
        blocks = [block for model in _MODELS for block in self._model(weights, model)]
        return charts(*blocks, *self._tried())

    def _model(self, weights: pathlib.Path, model: _Model) -> Iterator[Block]:
        folder = weights / model.folder
        path = folder / "training.json"
        if not path.is_file():
            missing = f"{path.relative_to(weights)} is missing"
            yield text(model.title, f"No record of its training: {missing}.")
            return
        record = json.loads(path.read_text(encoding="utf-8"))
        yield text(model.title)
        yield facts("The training", [*_facts(record), *self._digests(record, weights, model)])
        for stage, history in record["history"].items():
            yield from _curves(stage, history)
        if not model.folder:
            yield self._samples(folder / _SAMPLES_FILE)
        yield _settings(record["recipe"])
        card = folder / "README.md"
        if card.is_file():
            words = card_facts(card.read_text(encoding="utf-8"))
            yield facts("The model card, in short", words, narrow=True)

    def _digests(
        self, record: dict[str, Any], weights: pathlib.Path, model: _Model
    ) -> Iterator[tuple[str, str]]:
        from prism.corpora.provenance import files_digest

        digest = record["corpus_sha256"]
        yield "Corpus (SHA-256)", f"{digest} ({self._whose(digest)})"
        for network in model.networks:
            found = files_digest((weights / network,)) or f"there are no weights in {network}"
            yield f"Weights, {_NETWORKS[network]} (SHA-256)", found

    def _whose(self, digest: str) -> str:
        try:
            same = self._corpus.get().digest == digest
        except (ValueError, OSError):
            return "there is no corpus to compare it with"
        return "the corpus of this page" if same else "not the corpus of this page"

    def _samples(self, path: pathlib.Path) -> Block:
        if not path.is_file():
            return rolls("Samples while it learned", [], _NO_SAMPLES)
        samples = json.loads(path.read_text(encoding="utf-8"))
        about = "Drawn at each evaluation from the same noise: time to the right, pitch upwards."
        return rolls("Samples while it learned", map(_sample, samples), about)

    def _tried(self) -> Iterator[Block]:
        if not self._experiments.is_file():
            return
        head, rows = markdown_table(self._experiments.read_text(encoding="utf-8"))
        about = "A row for every training run, including those that led nowhere."
        yield table("What was tried", head, rows, about, long=True)


def _facts(record: dict[str, Any]) -> list[tuple[str, str]]:
    """What was trained, on what, for how long."""
    minutes = {name: round(60 * hours) for name, hours in record["hours"].items()}
    pieces = {split: record["pieces"].get(split, 0) for split in ("train", "validation", "test")}
    names = {
        "windows_seen": "Windows of 64 beats seen",
        "sequences_seen": "Sequences seen",
        "epochs": "Epochs",
    }
    seen = [(title, f"{record[key]:,}") for key, title in names.items() if key in record]
    return [
        ("Model", record["model"]),
        ("Weights", _each(record["parameters"])),
        ("Steps", _each(record["steps"])),
        *seen,
        ("Minutes", _each(minutes)),
        ("Machine", record["hardware"]),
        ("Software", f"torch {record['torch']}, commit {record['commit'] or 'unknown'}"),
        ("Began and ended", f"{_moment(record['started'])} to {_moment(record['ended'])}"),
        ("Pieces", _each(pieces)),
    ]


def _each(numbers: dict[str, int]) -> str:
    return ", ".join(f"{_NETWORKS.get(name, name)} {n:,}" for name, n in numbers.items())


def _moment(text: str) -> str:
    return text.replace("T", " ").replace("+00:00", " UTC")


def _curves(stage: str, history: list[dict[str, float]]) -> Iterator[Block]:
    """The charts whose figures the history has."""
    for curves in _CURVES.get(stage, ()):
        series = {
            name: [(row["step"], row[figure]) for row in history]
            for name, figure in curves.figures.items()
            if all(figure in row for row in history)
        }
        if series and history:
            yield lines(curves.title, series, "training steps", curves.about)


def _settings(recipe: dict[str, Any]) -> Block:
    """A recipe: settings of the whole, and of each stage."""
    rows = []
    for name, value in recipe.items():
        stage = value.items() if isinstance(value, dict) else [("", value)]
        rows += [
            (f"{name}: {key}" if key else name, f"{v:g}" if isinstance(v, float) else str(v))
            for key, v in stage
        ]
    return table("The settings", ("setting", "value"), rows, narrow=True)


def _sample(sample: dict[str, Any]) -> dict[str, Any]:
    caption = f"After {sample['step']:,} steps: {sample['composer']}, {len(sample['notes'])} notes"
    return {"caption": caption, "beats": sample["beats"], "notes": sample["notes"]}


def card_facts(card: str) -> list[tuple[str, str]]:
    """The paragraphs of a model card that begin in bold, as (name, plain text).

    Examples
    --------
    >>> card_facts("# Card\\n\\n**Use.** Call `it`.\\n\\n**Trained on** old\\nmusic.")
    [('Use', 'Call it.'), ('Trained on', 'old music.')]
    """
    found = re.findall(r"^\*\*(.+?)\.?\*\*\s+(.+?)(?=\n\s*\n|\Z)", card, re.M | re.S)
    return [(name, " ".join(words.replace("`", "").split())) for name, words in found]


def markdown_table(page: str) -> tuple[list[str], list[list[str]]]:
    """The first table of a Markdown page: its head, and its rows.

    Examples
    --------
    >>> markdown_table("# Runs\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n")
    (['a', 'b'], [['1', '2']])
    """
    rows = [
        [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("|")
    ]
    return (rows[0], rows[2:]) if rows else ([], [])


def training_tab(training: Training) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    with gr.Tab("Train") as tab:
        gr.Markdown(_INTRODUCTION, elem_classes="prism-prose")
        with gr.Column(elem_classes="prism-below"):
            record = Charts(None)
    tab.select(training.charts, None, record, api_visibility="private", show_progress="hidden")
