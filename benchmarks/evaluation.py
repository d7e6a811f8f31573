"""Put the stored experiment (assets/evaluation.json) into words and tables for docs/results.md.

``--quick`` draws a few runs anew instead; ``prism evaluate`` repeats the whole of it.
"""

from __future__ import annotations

import json
import pathlib

import report

from prism import ROOT
from prism.amt.pipeline import AMTPipeline
from prism.corpora.prepared import Corpus
from prism.evaluation.experiment import experiment
from prism.evaluation.report import (
    cosine_table,
    note,
    statistics_table,
    steering_table,
    system_table,
    verdict,
)
from prism.evaluation.summary import summary
from prism.evaluation.systems import Systems, planned_runs
from prism.models.pipeline import PrismPipeline
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.scorer import SimilarityScorer

QUICK_RUNS = 4
QUICK_SEED = 1


def quick_result(weights: pathlib.Path, stored: dict) -> dict:
    """A few runs drawn anew, with the stored studies beside them."""
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    prism = PrismPipeline.from_pretrained(weights)
    amt = AMTPipeline.from_pretrained(weights / "amt")
    systems = Systems(prism, amt, corpus, amt.composers)
    scorer = SimilarityScorer.from_pretrained(weights / "similarity", prism.composers)
    plan = planned_runs(prism.composers, QUICK_RUNS, QUICK_SEED)
    rows = list(experiment(systems, scorer, TrainingIndex(corpus), plan))
    return stored | {"runs": QUICK_RUNS, "seed": QUICK_SEED} | summary(rows)


def figures_of(result: dict) -> dict[str, float]:
    """Named figures for ``--json``."""
    figures: dict[str, float] = {"runs": result["runs"]}
    for network, section in result["networks"].items():
        for side in ("prism", "amt", "real"):
            figures[f"{network}_{side}_mean"] = section["mean"][side]
        figures[f"{network}_prism_wins"] = section["wins"]["prism"]
        figures[f"{network}_prism_of_ceiling"] = section["of_ceiling"]["prism"]
    for side in ("prism", "amt", "real"):
        figures[f"{side}_recognised"] = result["agreement"][side]["recognised"]
    even = next(row for row in result["mixing"] if row["weight"] == 0.5)
    figures["mixed_both_in_top_two"] = even["both_in_top_two"]
    figures["corpus_network_accuracy"] = result["recognition"]["accuracy"]
    return figures


def main() -> None:
    """Print the stored result, or a quick one."""
    options = report.parser(__doc__).parse_args()
    result = json.loads((ROOT / "assets" / "evaluation.json").read_text(encoding="utf-8"))
    if options.quick:
        result = quick_result(options.weights, result)
    parts = (verdict, cosine_table, system_table, statistics_table, steering_table, note)
    text = "\n\n".join(filter(None, (part(result) for part in parts)))
    report.publish("evaluation", text, figures_of(result), options, short=verdict(result))


if __name__ == "__main__":
    main()
