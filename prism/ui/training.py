"""The Train tab: how the weights came to be, from the records that lie beside them."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from prism import ASSETS
from prism.service.log import fault_words
from prism.ui.charts import Block, Charts, charts, facts, lines, rolls, table, text
from prism.ui.element import QUIET

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.service.loading import Loader

EXPERIMENTS = ASSETS.parent / "docs" / "experiments.md"
# For each stage its charts: title, what it says, and the figures of an evaluation by their names.
CURVES = ASSETS / "page" / "training-curves.json"

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
# Folder under the weights, title, networks in it.
_MODELS = (
    ("", "Prism", ("autoencoder", "dit")),
    ("amt", "AMT-mini, the baseline", ("amt",)),
    ("similarity", "The composer network, which scores", ("similarity",)),
)


class Training:
    """What the tab shows.

    Parameters
    ----------
    weights : Loader of Path
        Folder of the weights, which may have to be fetched first.
    corpus : Loader of Corpus
        The page's music, to compare its digest.
    experiments : Path or None
        What was tried: Markdown with a table in it.
    """

    def __init__(
        self,
        weights: Loader[pathlib.Path],
        corpus: Loader[Corpus],
        experiments: pathlib.Path | None = EXPERIMENTS,
    ) -> None:
        self._weights = weights
        self._corpus = corpus
        self._experiments = experiments

    def charts(self) -> dict[str, Any]:
        """All records, as far as they are there."""
        try:
            weights = self._weights.get()
        except (ValueError, OSError) as error:
            return charts(text("There are no weights", fault_words(error)), *self._tried())
        blocks = [block for model in _MODELS for block in self._model(weights, *model)]
        return charts(*blocks, *self._tried())

    def _model(
        self, weights: pathlib.Path, folder: str, title: str, networks: tuple[str, ...]
    ) -> Iterator[Block]:
        path = weights / folder / "training.json"
        if not path.is_file():
            missing = f"{path.relative_to(weights)} is missing"
            yield text(title, f"No record of its training: {missing}.")
            return
        record = _json(path)
        digest = record["corpus_sha256"]
        corpus = ("Corpus (SHA-256)", f"{digest} ({self._whose(digest)})")
        found = [_weights_digest(weights, network) for network in networks]
        yield text(title)
        yield facts("The training", [*_facts(record), corpus, *found])
        for stage, history in record["history"].items():
            yield from _curves(stage, history)
        if not folder:
            yield _samples(weights / "samples.json")
        yield _settings(record["recipe"])
        card = path.with_name("README.md")
        if card.is_file():
            words = card_facts(card.read_text(encoding="utf-8"))
            yield facts("The model card, in short", words, narrow=True)

    def _whose(self, digest: str) -> str:
        try:
            same = self._corpus.get().digest == digest
        except (ValueError, OSError):
            return "there is no corpus to compare it with"
        return "the corpus of this page" if same else "not the corpus of this page"

    def _tried(self) -> Iterator[Block]:
        if self._experiments is None or not self._experiments.is_file():
            return
        head, rows = markdown_table(self._experiments.read_text(encoding="utf-8"))
        about = "A row for every training run, including those that led nowhere."
        yield table("What was tried", head, rows, about, long=True)


def _json(path: pathlib.Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _weights_digest(weights: pathlib.Path, network: str) -> tuple[str, str]:
    from prism.corpora.provenance import files_digest

    digest = files_digest((weights / network,)) or f"there are no weights in {network}"
    return f"Weights, {_NETWORKS[network]} (SHA-256)", digest


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
    for chart in _json(CURVES).get(stage, ()):
        series = {
            name: [(row["step"], row[figure]) for row in history]
            for name, figure in chart["figures"].items()
            if all(figure in row for row in history)
        }
        if series and history:
            yield lines(chart["title"], series, "training steps", chart["about"])


def _samples(path: pathlib.Path) -> Block:
    if not path.is_file():
        return rolls("Samples while it learned", [], _NO_SAMPLES)
    shown = [
        {
            "caption": f"After {sample['step']:,} steps: {sample['composer']}, "
            f"{len(sample['notes'])} notes",
            "beats": sample["beats"],
            "notes": sample["notes"],
        }
        for sample in _json(path)
    ]
    about = "Drawn at each evaluation from the same noise: time to the right, pitch upwards."
    return rolls("Samples while it learned", shown, about)


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
    tab.select(training.charts, None, record, **QUIET)
