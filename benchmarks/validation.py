"""Measure settings of the sampler on the validation split, where choices are made.

Each variant is given as ``NAME=VALUE`` pairs joined by commas, arguments of
`prism.models.pipeline.PrismPipeline.__call__`; an empty one stands for the defaults. The first row
is what other validation windows of the same label measure like.
"""

from __future__ import annotations

import pathlib

import numpy as np
import report
import torch
import torch.nn.functional as F
from tqdm import tqdm

from prism import ROOT
from prism.corpora.dataset import windows_by_label
from prism.corpora.prepared import Corpus
from prism.models.pipeline import PrismPipeline
from prism.music.roll import PianoRoll
from prism.music.statistics import mean_description
from prism.music.writing import table_text
from prism.similarity.scorer import SimilarityScorer

REFERENCES = 12
COLUMNS = (
    "imagenet",
    "corpus",
    "recognised",
    "repeated_bars",
    "bar_similarity_lag_1",
    "bar_similarity_lag_4",
    "bar_similarity_lag_8",
    "bar_similarity_lag_16",
    "scale_consistency",
    "pitch_class_entropy",
    "note_length",
    "empty_frames",
    "one_frame_notes",
    "polyphony",
    "notes",
    "top_steps",
    "top_reversals",
    "bottom_steps",
    "bar_pitch_spread",
)


class Measure:
    """Sets rolls of every label beside validation windows of the same label.

    Parameters
    ----------
    corpus : Corpus
        Prepared corpus.
    scorer : SimilarityScorer
        Both feature networks.
    labels : list of str
        Those to be measured.
    """

    def __init__(self, corpus: Corpus, scorer: SimilarityScorer, labels: list[str]) -> None:
        windows = windows_by_label(corpus, "validation")
        # References and the real rolls lie between each other and are never the same.
        chosen = {label: spread(windows[label], 2 * REFERENCES) for label in labels}
        self.real = {label: rolls[1::2] for label, rolls in chosen.items()}
        self._scorer = scorer
        self._features = {label: scorer.features(rolls[::2]) for label, rolls in chosen.items()}

    def __call__(self, rolls: dict[str, list[PianoRoll]]) -> dict[str, float]:
        """Means over labels of everything in `COLUMNS`."""
        rows = [self._row(label, drawn) for label, drawn in rolls.items()]
        return {
            name: round(float(np.mean([row[name] for row in rows if name in row])), 4)
            for name in COLUMNS
        }

    def _row(self, label: str, rolls: list[PianoRoll]) -> dict[str, float]:
        network = self._scorer.networks["corpus"]
        index = network.composers.index(label)
        hits = network.probabilities(rolls).argmax(1) == index
        features = self._scorer.features(rolls)
        cosines = {
            name: float(_cosines(features[name], self._features[label][name]).mean())
            for name in features
        }
        return mean_description(rolls) | cosines | {"recognised": float(hits.float().mean())}


def _cosines(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.normalize(a) @ F.normalize(b).T


def spread(windows, count: int) -> list[PianoRoll]:
    """Up to `count` rolls, evenly over the windows."""
    places = np.linspace(0, len(windows) - 1, min(count, len(windows))).astype(int)
    return [windows[i].roll for i in places]


def drawn(
    pipe: PrismPipeline, labels: list[str], count: int, **settings
) -> dict[str, list[PianoRoll]]:
    """`count` rolls a label, every label from seeds of its own."""
    return {
        label: pipe(label, seed=range(1000 + 100 * i, 1000 + 100 * i + count), **settings).rolls
        for i, label in enumerate(labels)
    }


def parsed(variant: str) -> dict[str, float]:
    """``"a=1,b=.5"`` → ``{"a": 1, "b": 0.5}``."""
    pairs = (pair.split("=", 1) for pair in variant.split(",") if pair)
    return {name: int(text) if text.isdigit() else float(text) for name, text in pairs}


def variant_table(rows: dict[str, dict[str, float]]) -> str:
    """Markdown, one row a variant."""
    head = ["variant", *(name.replace("_", " ") for name in COLUMNS)]
    lines = [
        [variant or "defaults", *(f"{row[name]:.3g}" for name in COLUMNS)]
        for variant, row in rows.items()
    ]
    return table_text(head, lines)


def main() -> None:
    """Measure every variant."""
    parser = report.parser(__doc__)
    parser.add_argument("variants", nargs="*", default=[""], help="such as guidance_scale=1.5")
    parser.add_argument(
        "--similarity",
        type=pathlib.Path,
        default=ROOT / "weights" / "similarity",
        help="the networks that measure, the same for all weights",
    )
    parser.add_argument("--count", type=int, help="samples a label (default 6, quick 1)")
    options = parser.parse_args()
    count = options.count or (1 if options.quick else 6)
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    pipe = PrismPipeline.from_pretrained(options.weights)
    scorer = SimilarityScorer.from_pretrained(options.similarity, pipe.composers)
    labels = pipe.composers[:: 4 if options.quick else 1]
    measure = Measure(corpus, scorer, labels)
    rows = {"real": measure(measure.real)}
    for variant in tqdm(options.variants, desc="variants"):
        rows[variant] = measure(drawn(pipe, labels, count, **parsed(variant)))
    figures = {f"{name} {key}".strip(): v for name, row in rows.items() for key, v in row.items()}
    report.publish("validation", variant_table(rows), figures, options)


if __name__ == "__main__":
    main()
