"""Repeat the experiment.

``prism evaluate`` writes ``assets/evaluation.json`` and figures;
``prism evaluate bands`` measures the bands on which the page shows a cosine.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
from typing import Any

from prism import ROOT
from prism.amt.pipeline import AMTPipeline
from prism.amt.together import draw_together
from prism.cli.files import make_folder
from prism.corpora.prepared import Corpus
from prism.corpora.provenance import commit, fingerprint, hardware, utc
from prism.corpora.sharded import ShardedCorpus, load_corpus
from prism.drawing.figures import save_evaluation_figures
from prism.evaluation.experiment import experiment
from prism.evaluation.ledger import Ledger, Row
from prism.evaluation.material import draw_samples, real_side, run_side, sample_side
from prism.evaluation.mixing import mixed_pairs, mixing, real_mixing
from prism.evaluation.processes import in_processes, usual_processes
from prism.evaluation.report import two_sample_words, verdict
from prism.evaluation.steering import questions, steering
from prism.evaluation.studies import GUIDANCE_SCALES, guidance, real_figures, recognition
from prism.evaluation.summary import summary
from prism.evaluation.systems import DRAWN, Systems, planned_runs
from prism.evaluation.tolerance import interval_section, tolerance_section
from prism.evaluation.two_sample import SEEDS, UPDATES, Side, can_be_told, two_sample_test
from prism.models.pipeline import PrismPipeline
from prism.models.settings import SETTINGS
from prism.music.progress import ProgressBar
from prism.music.writing import sole_writer, write_json
from prism.service.bundle import Bundle, open_bundle
from prism.similarity.bands import RealPairs, measure_bands, save_bands
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.networks import CorpusFeatures, ImageNetFeatures
from prism.similarity.scorer import BANDS_FILE, SimilarityScorer

# Of each number its default, what --quick takes instead to see that everything works, and its help.
_NUMBERS = {
    "runs": (400, 2, "in which the systems are compared"),
    "drawn": (75, 2, "samples a label of Prism, for the two-sample test and labels' statistics"),
    "fresh": (SEEDS, 1, "networks a two-sample test trains, a seed each"),
    "updates": (UPDATES, 20, "by which each of them is trained, at least"),
    "pairs": (105, 1, "pairs of composers mixed, at most all there are"),
    "mixed": (2, 1, "samples a pair at each weight"),
    "samples": (4, 0, "samples a composer at each guidance scale"),
    "steered": (15, 0, "samples for each value of an attribute"),
}


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    options = command_parser().parse_args(arguments)
    try:
        run(options)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{error}") from error


def run(options: argparse.Namespace) -> None:
    """Run what options of `command_parser` ask for; raises OSError and ValueError."""
    options.seed = SETTINGS["seed"].check(options.seed)
    bundle = open_bundle(options.bundle)
    options.weights = options.weights or pathlib.Path(bundle.weights)
    options.corpus = options.corpus or bundle.corpus
    if options.task == "bands":
        _measure_bands(options)
    else:
        _run(options, bundle)


def command_parser() -> argparse.ArgumentParser:
    """All options."""
    parser = argparse.ArgumentParser(
        prog="prism evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=("experiment", "bands"), nargs="?", default="experiment")
    seed = SETTINGS["seed"]
    for name, (default, _, words) in _NUMBERS.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=words)
    parser.add_argument("--seed", default=seed.default, help=seed.expected)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="tiny numbers of all, within a minute; with 0 a study is left out",
    )
    parser.add_argument(
        "--processes", type=int, help="how many share the work (default: 2, 1 with a GPU)"
    )
    parser.add_argument("--bundle", metavar="FOLDER", help="as prism build leaves it")
    parser.add_argument("--weights", type=pathlib.Path, help="default: the bundle's")
    parser.add_argument("--corpus", type=pathlib.Path, help="default: the bundle's")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        help="rows, samples and figures; an experiment that was stopped goes on from there "
        "(default: runs/evaluation, or run/evaluation in --bundle)",
    )
    parser.add_argument(
        "--result",
        type=pathlib.Path,
        help="default: the bundle's evaluation.json; with --quick, evaluation.json in --output",
    )
    parser.add_argument("--pairs-a-band", type=int, default=400, help="real pairs of each kind")
    return parser


def _measure_bands(options: argparse.Namespace) -> None:
    corpus = load_corpus(options.corpus)
    folder = options.weights / "similarity"
    networks = [ImageNetFeatures(), CorpusFeatures.from_pretrained(folder, list(corpus.labels))]
    make_folder(folder, "--weights")
    pairs = RealPairs(corpus)
    bands = {
        network.name: measure_bands(network, pairs, options.pairs_a_band, options.seed)
        for network in networks
    }
    save_bands(folder / BANDS_FILE, bands)


def _run(options: argparse.Namespace, bundle: Bundle) -> None:
    if options.quick:
        vars(options).update({name: quick for name, (_, quick, _) in _NUMBERS.items()})
    runs = ROOT / "runs" if bundle.is_shipped else bundle.folder / "run"
    options.output = options.output or runs / "evaluation"
    usual = options.output / "evaluation.json" if options.quick else bundle.path("evaluation")
    options.result = options.result or usual
    options.processes = options.processes or usual_processes()
    _check_counts(options)
    make_folder(options.output)
    make_folder(options.result.parent, "--result")
    with sole_writer(options.output):
        _evaluate(options)


def _check_counts(options: argparse.Namespace) -> None:
    if options.runs < 2:
        raise ValueError(f"--runs: expected 2 or more, got {options.runs}")
    if options.drawn == 1 or options.drawn < 0:
        # One of a label can be trained with or tested with, not both.
        raise ValueError(f"--drawn: expected 2 or more, or 0 for none, got {options.drawn}")
    for name in ("fresh", "mixed", "processes"):
        if getattr(options, name) < 1:
            raise ValueError(f"--{name}: expected 1 or more, got {getattr(options, name)}")


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
    together = functools.partial(draw_together, amt)
    systems = Systems(prism, amt, corpus, amt.composers, untold=True, together=together)
    rows = _rows(options, systems, scorer, origin)
    samples, kept = (_ledger(options, name, origin) for name in ("samples", "studies"))
    result = {
        "runs": options.runs,
        "seed": options.seed,
        "composers": prism.composers,
        **origin,
        "hardware": hardware(),
        "commit": commit(),
        "measured": utc(),
        **_comparisons(options, prism, corpus, rows, samples, kept),
        **summary(rows),
        **_studies(options, prism, scorer.networks["corpus"], corpus, kept),
    }
    write_json(options.result, result)
    save_evaluation_figures(result, options.output)
    print(f"{two_sample_words(result)} {verdict(result)}".strip(), options.result, sep="\n")


def _ledger(options: argparse.Namespace, name: str, origin: dict[str, Any]) -> Ledger:
    return Ledger(options.output / f"{name}-{options.seed}.jsonl", origin)


def _rows(
    options: argparse.Namespace,
    systems: Systems,
    scorer: SimilarityScorer,
    origin: dict[str, Any],
) -> list[Row]:
    """The experiment's runs, those that are not there made now."""
    ledger = _ledger(options, "runs", origin | {"systems": systems.names})
    plan = planned_runs(systems.prism.composers, options.runs, options.seed)
    done, processes = {row["run"] for row in ledger.rows}, options.processes
    left = sum(run.number not in done for run in plan)
    if left:
        rows = experiment(systems, scorer, TrainingIndex(systems.corpus), plan, done, processes)
        for row in ProgressBar(rows, desc="runs", total=len(plan), initial=len(plan) - left):
            ledger.add(row)
    rows = [row for row in ledger.rows if row["run"] < options.runs]
    return sorted(rows, key=lambda row: row["run"])


def _comparisons(
    options: argparse.Namespace,
    prism: PrismPipeline,
    corpus: Corpus | ShardedCorpus,
    rows: list[Row],
    samples: Ledger,
    kept: Ledger,
) -> dict[str, Any]:
    """What needs many samples a label: can a network tell them, are their statistics near."""
    count = options.drawn
    if not count:
        return {}
    # Far from those of the runs.
    first = (options.seed * 1_000_000 + 500_000) % (SETTINGS["seed"].high - count)
    with ProgressBar(desc="samples", total=count * len(prism.composers)) as bar:
        for new in draw_samples(prism, samples, count, first, processes=options.processes):
            bar.update(new)
    real = real_side(corpus, count, options.seed)
    sides = {
        "prism": sample_side(samples, count, first),
        "real": real_side(corpus, count, options.seed, ("train",)),
    }
    # The baseline takes too long for as many; Prism and real music once more beside it.
    few = options.runs // len(prism.composers)
    if few > 1:
        drawn = [name for name in DRAWN if name in rows[0]["systems"]]
        sides |= {f"{name} {few}": run_side(rows, name) for name in drawn}
        sides[f"real {few}"] = real_side(corpus, few, options.seed, ("train",))
    many = {name: sides[name] for name in ("prism", "real")}
    return {
        "two_sample": _told_apart(
            options, real, {n: side for n, side in sides.items() if can_be_told(real, side)}, kept
        ),
        "tolerance": kept.once(f"tolerance {count}", lambda: tolerance_section(real, many)),
        "intervals": kept.once(f"intervals {count}", lambda: interval_section(real, many)),
    }


def _told_apart(
    options: argparse.Namespace, real: Side, sides: dict[str, Side], kept: Ledger
) -> list[Row]:
    """A two-sample test for each of some sides."""
    trained = f"{options.fresh} seeds, {options.updates} updates"
    numbers = f"of {options.runs} and {options.drawn}, {trained}"
    names = {name: f"two-sample {name} {numbers}" for name in sides}

    def test(name: str) -> Row:
        return {"system": name.split()[0]} | two_sample_test(
            real, sides[name], options.fresh, options.updates
        )

    left = [name for name in sides if not kept.has(names[name])]
    made = in_processes(test, left, options.processes)
    bar = ProgressBar(sides, "two-sample test")
    return [kept.once(names[name], lambda: next(made)) for name in bar]


def _studies(
    options: argparse.Namespace,
    prism: PrismPipeline,
    network: CorpusFeatures,
    corpus: Corpus | ShardedCorpus,
    kept: Ledger,
) -> dict[str, Any]:
    """What the settings do; a study of no samples is left out."""
    seed, found = options.seed, {"recognition": recognition(corpus, network)}
    if options.pairs:
        pairs, count = mixed_pairs(prism.composers, options.pairs, seed), options.mixed
        name = f"mixing {len(pairs)} of {count}"
        draw_mixtures = functools.partial(
            mixing, prism, network, pairs, count, seed, options.processes
        )
        found["mixing"] = kept.once(name, draw_mixtures)
        found["mixing_real"] = real_mixing(corpus, network, pairs, count, seed)
    if options.samples:
        scales = guidance(prism, network, options.samples, seed)
        bar = ProgressBar(scales, "guidance", len(GUIDANCE_SCALES))
        found["guidance"] = kept.once(f"guidance {options.samples}", lambda: list(bar))
        found["guidance_real"] = real_figures(corpus, network, options.samples, seed)
    if options.steered:
        asked = questions(prism, network, corpus)
        steered = steering(prism, asked, corpus, options.steered, seed)
        bar = ProgressBar(steered, "steering", len(asked))
        found["steering"] = kept.once(f"steering {options.steered}", lambda: list(bar))
    return found
