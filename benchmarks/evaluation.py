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
from prism.evaluation.report import report as report_text
from prism.evaluation.report import two_sample_words, verdict
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
    for row in result.get("two_sample", ()):
        name = f"{row['system']}_{row['windows']}_windows"
        figures[f"two_sample_area_{name}"] = row["area"]
    for side, row in result.get("clouds", {}).items():
        figures |= {f"{side}_{name}": value for name, value in row.items()}
    for name, row in result.get("tolerance", {}).get("statistics", {}).items():
        figures[f"labels_within_{name}"] = row["within"]["prism"]
    figures["mixtures_rising"] = result["mixing"]["share"]
    figures["corpus_network_accuracy"] = result["recognition"]["accuracy"]
    return figures


def main() -> None:
    """Print the stored result, or a quick one."""
    options = report.parser(__doc__).parse_args()
    result = json.loads((ROOT / "assets" / "evaluation.json").read_text(encoding="utf-8"))
    if options.quick:
        result = quick_result(options.weights, result)
    short = " ".join(filter(None, (two_sample_words(result), verdict(result))))
    report.publish("evaluation", report_text(result), figures_of(result), options, short=short)


if __name__ == "__main__":
    main()
