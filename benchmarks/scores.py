"""Time a comparison as the page makes it: two rolls against a third, by two networks.

The alternative measured beside it compares one pair at a time, as two separate requests would.
"""

from __future__ import annotations

import report

from prism import ROOT
from prism.corpora.dataset import corpus_sample
from prism.corpora.prepared import Corpus
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.scorer import SimilarityScorer


def main() -> None:
    """Measure and report."""
    options = report.parser(__doc__).parse_args()
    count = 5 if options.quick else 40
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    scorer = SimilarityScorer.from_pretrained(options.weights / "similarity", list(corpus.labels))
    index = TrainingIndex(corpus)
    rolls = [
        corpus_sample(corpus, [corpus.labels[k % len(corpus.labels)]], k).roll
        for k in range(count + 2)
    ]

    def together(k: int) -> None:
        scorer.scores(rolls[k], {"a": rolls[k + 1], "b": rolls[k + 2]})

    def apart(k: int) -> None:
        scorer.scores(rolls[k], {"a": rolls[k + 1]})
        scorer.scores(rolls[k], {"b": rolls[k + 2]})

    figures = {
        "scores_p50_seconds": round(report.seconds(together, count), 3),
        "apart_p50_seconds": round(report.seconds(apart, count), 3),
        "nearest_p50_seconds": round(report.seconds(lambda k: index.nearest(rolls[k]), count), 3),
    }
    figures["speedup"] = round(figures["apart_p50_seconds"] / figures["scores_p50_seconds"], 2)
    text = (
        f"All four cosines of a click take {figures['scores_p50_seconds']} s "
        f"({figures['apart_p50_seconds']} s pair by pair: {figures['speedup']} times as fast), the "
        f"search for the nearest training music {figures['nearest_p50_seconds']} s: median of "
        f"{count}, on {report.machine()}."
    )
    report.publish("scores", text, figures, options)


if __name__ == "__main__":
    main()
