"""Repeat the experiment.

``prism evaluate`` writes ``assets/evaluation.json`` and figures;
``prism evaluate bands`` measures the bands on which the page shows a cosine.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

from tqdm import tqdm

from prism import ASSETS, ROOT
from prism.amt.pipeline import AMTPipeline
from prism.cli.files import make_folder
from prism.corpora.prepared import Corpus
from prism.corpora.provenance import commit, fingerprint, hardware, utc
from prism.corpora.sharded import ShardedCorpus, load_corpus
from prism.drawing.figures import save_evaluation_figures
from prism.evaluation.experiment import Ledger, experiment
from prism.evaluation.steering import questions, steering
from prism.evaluation.studies import (
    GUIDANCE_SCALES,
    MIX_WEIGHTS,
    guidance,
    mixed_pairs,
    mixing,
    real_figures,
    real_mixing,
    recognition,
)
from prism.evaluation.summary import summary
from prism.evaluation.systems import Systems, planned_runs
from prism.models.pipeline import PrismPipeline
from prism.models.settings import SETTINGS
from prism.music.writing import sole_writer, write_text
from prism.similarity.bands import RealPairs, measure_bands, save_bands
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.networks import CorpusFeatures, ImageNetFeatures
from prism.similarity.scorer import BANDS_FILE, SimilarityScorer

_PAIRS_A_BAND = 400


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    options = _parser().parse_args(arguments)
    try:
        options.seed = SETTINGS["seed"].check(options.seed)
        if options.task == "bands":
            _measure_bands(options)
        else:
            _run(options)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prism evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=("experiment", "bands"), nargs="?", default="experiment")
    seed = SETTINGS["seed"]
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", default=seed.default, help=seed.expected)
    parser.add_argument(
        "--pairs", type=int, default=100, help="pairs of composers mixed at each weight"
    )
    parser.add_argument(
        "--samples", type=int, default=4, help="samples a composer at each guidance scale"
    )
    parser.add_argument(
        "--steered", type=int, default=15, help="samples for each value of an attribute"
    )
    parser.add_argument("--weights", type=pathlib.Path, default=ROOT / "weights")
    parser.add_argument("--corpus", type=pathlib.Path, default=ASSETS / "corpus")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=ROOT / "runs" / "evaluation",
        help="rows and figures; an experiment that was stopped goes on from there",
    )
    parser.add_argument("--result", type=pathlib.Path, default=ASSETS / "evaluation.json")
    return parser


def _measure_bands(options: argparse.Namespace) -> None:
    corpus = load_corpus(options.corpus)
    folder = options.weights / "similarity"
    networks = [ImageNetFeatures(), CorpusFeatures.from_pretrained(folder, list(corpus.labels))]
    make_folder(folder, "--weights")
    pairs = RealPairs(corpus)
    bands = {
        network.name: measure_bands(network, pairs, _PAIRS_A_BAND, options.seed)
        for network in tqdm(networks, desc="bands")
    }
    save_bands(folder / BANDS_FILE, bands)


def _run(options: argparse.Namespace) -> None:
    if options.runs < 2:
        raise ValueError(f"--runs: expected 2 or more, got {options.runs}")
    make_folder(options.output)
    make_folder(options.result.parent, "--result")
    with sole_writer(options.output):
        _evaluate(options)


def _evaluate(options: argparse.Namespace) -> None:
    corpus = load_corpus(options.corpus)
    prism = PrismPipeline.from_pretrained(options.weights)
    if len(prism.composers) < 2:
        raise ValueError(
            "--weights: expected a model of 2 or more composers, whom the experiment tells apart; "
            f"that in {options.weights} knows 1: {prism.composers[0]}"
        )
    amt = AMTPipeline.from_pretrained(options.weights / "amt")
    scorer = SimilarityScorer.from_pretrained(options.weights / "similarity", prism.composers)
    origin = fingerprint(options.weights, corpus, options.seed)
    ledger = Ledger(options.output / f"runs-{options.seed}.jsonl", origin)
    plan = planned_runs(prism.composers, options.runs, options.seed)
    left = ledger.missing(plan)
    if left:
        systems = Systems(prism, amt, corpus, amt.composers)
        rows = experiment(systems, scorer, TrainingIndex(corpus), left)
        for row in tqdm(rows, desc="runs", total=len(plan), initial=len(plan) - len(left)):
            ledger.add(row)
    rows = [row for row in ledger.rows if row["run"] < options.runs]
    result = {
        "runs": options.runs,
        "seed": options.seed,
        "composers": prism.composers,
        **origin,
        "hardware": hardware(),
        "commit": commit(),
        "measured": utc(),
        **summary(rows),
        **_studies(options, prism, scorer.networks["corpus"], corpus),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False)
    write_text(options.result, text + "\n")
    save_evaluation_figures(result, options.output)


def _studies(
    options: argparse.Namespace,
    prism: PrismPipeline,
    network: CorpusFeatures,
    corpus: Corpus | ShardedCorpus,
) -> dict[str, Any]:
    pairs = mixed_pairs(prism.composers, options.pairs, options.seed)
    mixed = mixing(prism, network, pairs, options.seed)
    scales = guidance(prism, network, options.samples, options.seed)
    asked = questions(prism, network, corpus)
    steered = steering(prism, asked, corpus, options.steered, options.seed)
    return {
        "recognition": recognition(corpus, network),
        "mixing": list(tqdm(mixed, "mixing", len(MIX_WEIGHTS))),
        "mixing_real": real_mixing(corpus, network, pairs, options.seed),
        "guidance": list(tqdm(scales, "guidance", len(GUIDANCE_SCALES))),
        "guidance_real": real_figures(corpus, network, options.samples, options.seed),
        "steering": list(tqdm(steered, "steering", len(asked))),
    }
