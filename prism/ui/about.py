"""The tab About the models: how the weights came to be, from the records that lie beside them."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from itertools import chain, pairwise
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

_INTRODUCTION = """## About the models
All of this is read from the records that training wrote next to the weights. The losses are on the
validation split, pieces that were not trained on. Train them again with `python train.py`, `prism
train amt` and `prism train similarity`."""

_NETWORKS = {
    "autoencoder": "beat autoencoder",
    "dit": "diffusion transformer",
    "collection": "its collections",
    "amt": "AMT-mini",
    "without_embeddings": "of these without embeddings",
    "similarity": "music network",
}
# Folder under the weights, title, networks in it: the last is the one whose loss is shown.
_MODELS = (
    ("", "Prism", ("autoencoder", "dit")),
    ("amt", "AMT-mini, the baseline", ("amt",)),
    ("similarity", "The music network, which scores", ("similarity",)),
)


class About:
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

    def charts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Every model in short, and all the rest, as far as there are records."""
        try:
            weights = self._weights.get()
        except (ValueError, OSError) as error:
            none = text("There are no weights", fault_words(error))
            return charts(none), charts(*self._tried())
        short, rest = zip(*(self._model(weights, *model) for model in _MODELS), strict=True)
        return charts(*chain(*short)), charts(*chain(*rest), *self._tried())

    def _model(
        self, weights: pathlib.Path, folder: str, title: str, networks: tuple[str, ...]
    ) -> tuple[list[Block], list[Block]]:
        path = weights / folder / "training.json"
        if not path.is_file():
            missing = f"{path.relative_to(weights)} is missing"
            return [text(title, f"No record of its training: {missing}.")], []
        record, card = _json(path), path.with_name("README.md")
        summary, words = card_facts(card.read_text(encoding="utf-8") if card.is_file() else "")
        curves = [
            c for stage, history in record["history"].items() for c in _curves(stage, history)
        ]
        loss = next((c for c in curves if c["stage"] == networks[-1]), text(title))
        about = f"{summary} {_size(record, networks)} {loss['about']}"
        samples = _samples(path.with_name("samples.json"))
        digest = record["corpus_sha256"]
        corpus = ("Corpus (SHA-256)", f"{digest} ({self._whose(digest)})")
        found = [_weights_digest(weights, network) for network in networks]
        return [loss | {"title": title, "about": about}, *samples], [
            text(title),
            facts("The training", [*_facts(record), corpus, *found]),
            *(curve for curve in curves if curve is not loss),
            _settings(record["recipe"]),
            facts("The model card, in short", words or [("README.md", "is missing")], narrow=True),
        ]

    def _whose(self, digest: str) -> str:
        try:
            same = self._corpus.get().digest == digest
        except (ValueError, OSError):
            return "there is no corpus to compare it with"
        return "the corpus of this page" if same else "not the corpus of this page"

    def _tried(self) -> Iterator[Block]:
        if not self._experiments.is_file():
            return
        head, rows = markdown_table(self._experiments.read_text(encoding="utf-8"))
        about = "A row for every training run, including those that led nowhere."
        yield table("What was tried", head, rows, about, long=True)


def _json(path: pathlib.Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _size(record: dict[str, Any], networks: tuple[str, ...]) -> str:
    parameters = sum(record["parameters"][name] for name in networks) / 1e6
    minutes = 60 * sum(record["hours"].values())
    return f"{parameters:.1f} million weights, trained for {minutes:.1f} minutes."


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
    """The charts whose figures the history has; the loss is the first."""
    for chart in _json(CURVES).get(stage, ()):
        series = {
            name: [(row["step"], row[figure]) for row in history]
            for name, figure in chart["figures"].items()
            if all(figure in row for row in history)
        }
        if series and history:
            drawn = lines(chart["title"], series, "training steps", chart["about"])
            yield drawn | {"stage": stage}


def _samples(path: pathlib.Path) -> list[Block]:
    if not path.is_file():
        return []
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
    return [rolls("Samples while it learned", shown, about)]


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


def card_facts(card: str) -> tuple[str, list[tuple[str, str]]]:
    """A model card in plain text: its first paragraph, and (name, words) of those that begin bold.

    Examples
    --------
    >>> card_facts("# Card\\n\\nDraws `rolls`\\nof music.\\n\\n**Use.** Call `it`.\\n")
    ('Draws rolls of music.', [('Use', 'Call it.')])
    """
    plain = [" ".join(part.replace("`", "").split()) for part in re.split(r"\n\s*\n", card)]
    bold = (re.fullmatch(r"\*\*(.+?)\.?\*\* (.+)", part) for part in plain)
    first = next((part for title, part in pairwise(plain) if "# " in title), "")
    return first, [(found[1], found[2]) for found in bold if found]


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


def about_tab(about: About) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    with gr.Tab("About the models") as tab:
        gr.Markdown(_INTRODUCTION, elem_classes="prism-prose")
        with gr.Column(elem_classes="prism-below"):
            short = Charts(None)
            with gr.Accordion("All settings", open=False):
                rest = Charts(None)
    tab.select(about.charts, None, [short, rest], **QUIET)
