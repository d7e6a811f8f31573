"""The tab About the models: how the weights came to be, from the records that lie beside them."""

from __future__ import annotations

import functools
import json
import pathlib
import re
from collections.abc import Iterator
from itertools import chain, dropwhile, pairwise, takewhile
from typing import TYPE_CHECKING, Any

import gradio as gr

from prism import ASSETS
from prism.corpora.provenance import files_digest
from prism.service.log import fault_words
from prism.ui.charts import Block, Charts, charts, facts, lines, rolls, table, text
from prism.ui.element import QUIET

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.service.loading import Loader
    from prism.service.service import Service

EXPERIMENTS = ASSETS.parent / "docs" / "experiments.md"
# For each stage its charts: title, what it says, and the figures of an evaluation by their names.
CURVES = ASSETS / "page" / "training-curves.json"

_INTRODUCTION = """## About the models
All of this is read from the records that training wrote next to the weights. The losses are on the
validation split, pieces that were not trained on. {again}"""
_TRAINED_BY_HAND = (
    "Train them again with `prism train`, and `prism train student`, `amt` or `similarity`."
)
_BUILT = "They were made with `prism build`, which makes a page of other music too."

# Folder under the weights, title, networks in it: of the last one a curve is shown.
MODELS = (
    ("", "Prism", ("autoencoder", "dit")),
    ("student", "Prism's student, which draws in 8 steps", ("student",)),
    ("amt", "AMT-mini, the baseline", ("amt",)),
    ("similarity", "The music network, which scores", ("similarity",)),
)


def about(
    weights: Loader[pathlib.Path],
    corpus: Loader[Corpus],
    experiments: pathlib.Path | None = EXPERIMENTS,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every model in short, and all the rest, as charts of what is there.

    Parameters
    ----------
    weights : Loader of Path
        Folder of the weights, which may have to be fetched first.
    corpus : Loader of Corpus
        The page's music, to compare its digest.
    experiments : Path or None
        What was tried: Markdown with a table in it.
    """
    try:
        folder = weights.get()
    except (ValueError, OSError) as error:
        models = [([text("There are no weights", fault_words(error))], [])]
    else:
        models = [_model(folder, corpus, *model) for model in MODELS]
    short, rest = (chain(*blocks) for blocks in zip(*models, strict=True))
    return charts(*short), charts(*rest, *_tried(experiments))


def _model(
    weights: pathlib.Path,
    corpus: Loader[Corpus],
    folder: str,
    title: str,
    networks: tuple[str, ...],
) -> tuple[list[Block], list[Block]]:
    """(the model in short, all the rest); nothing of a model that is not there."""
    path = weights / folder / "training.json"
    if not path.parent.is_dir():
        return [], []
    if not path.is_file():
        missing = f"{path.relative_to(weights)} is missing"
        return [text(title, f"No record of its training: {missing}.")], []
    record, card = _json(path), path.with_name("README.md")
    summary, words = card_facts(card.read_text(encoding="utf-8") if card.is_file() else "")
    history = record.pop("history")
    curves = [curve for stage, rows in history.items() for curve in _curves(stage, rows)]
    loss = next((c for c in curves if c["stage"] == networks[-1]), text(title))
    short = {"title": title, "about": f"{summary} {_size(record, networks)} {loss['about']}"}
    digests = {
        "corpus_sha256": f"{record['corpus_sha256']} ({_whose(record['corpus_sha256'], corpus)})",
        "weights_sha256": {
            network: files_digest((weights / network,)) or f"there are no weights in {network}"
            for network in networks
        },
    }
    return [loss | short, *_samples(path.with_name("samples.json"))], [
        text(title),
        *(curve for curve in curves if curve is not loss),
        facts("The training", _settings(record | digests)),
        facts("The model card, in short", words or [("README.md", "is missing")]),
    ]


def _whose(digest: str, corpus: Loader[Corpus]) -> str:
    try:
        same = corpus.get().digest == digest
    except (ValueError, OSError):
        return "there is no corpus to compare it with"
    return "the corpus of this page" if same else "not the corpus of this page"


def _tried(experiments: pathlib.Path | None) -> list[Block]:
    if experiments is None or not experiments.is_file():
        return []
    head, rows = markdown_table(experiments.read_text(encoding="utf-8"))
    about = "A row for every training run, including those that led nowhere."
    return [table("What was tried", head, rows, about, long=True)]


def _json(path: pathlib.Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _size(record: dict[str, Any], networks: tuple[str, ...]) -> str:
    parameters = sum(record["parameters"][name] for name in networks) / 1e6
    minutes = 60 * sum(record["hours"].values())
    return f"{parameters:.1f} million weights, trained for {minutes:.1f} minutes."


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


def _settings(record: dict[str, Any], group: str = "") -> Iterator[tuple[str, str]]:
    """What a record holds, as (name, value); the name of its group stands before a name."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _settings(value, f"{group}{name}: ")
        else:
            many = map(str, value if isinstance(value, list) else [value])
            yield f"{group}{name}".replace("_", " "), ", ".join(many)


def card_facts(card: str) -> tuple[str, list[tuple[str, str]]]:
    """A model card in plain text: its first paragraph, and (name, words) of those that begin bold.

    Examples
    --------
    >>> card_facts("# Card\\n\\nDraws `rolls`\\nof music.\\n\\n**Use.** Call `it`.\\n")
    ('Draws rolls of music.', [('Use', 'Call it.')])
    """
    plain = [" ".join(part.replace("`", "").split()) for part in re.split(r"\n\s*\n", card)]
    bold = (re.fullmatch(r"\*\*(.+?)\.?\*\* (.+)", part) for part in plain)
    first = next((part for title, part in pairwise(plain) if title.startswith("# ")), "")
    return first, [(found[1], found[2]) for found in bold if found]


def markdown_table(page: str) -> tuple[list[str], list[list[str]]]:
    """The first table of a Markdown page: its head, and its rows.

    Examples
    --------
    >>> markdown_table("# Runs\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n")
    (['a', 'b'], [['1', '2']])
    """
    below = dropwhile(lambda line: not line.startswith("|"), page.splitlines())
    rows = [
        [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]
        for line in takewhile(lambda line: line.startswith("|"), below)
    ]
    return (rows[0], rows[2:]) if rows else ([], [])


def about_tab(service: Service) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    with gr.Tab("About the models") as tab:
        again = _TRAINED_BY_HAND if service.bundle.is_shipped else _BUILT
        gr.Markdown(_INTRODUCTION.format(again=again), elem_classes="prism-prose")
        with gr.Column(elem_classes="prism-below"):
            short = Charts(None)
            with gr.Accordion("All settings", open=False):
                rest = Charts(None)
    # What was tried was tried for the shipped bundle.
    tried = EXPERIMENTS if service.bundle.is_shipped else None
    shown = functools.partial(about, service.weights, service.corpus, tried)
    tab.select(shown, None, [short, rest], **QUIET)
