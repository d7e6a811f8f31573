"""Put other bundles beside the shipped one in a table for docs/results.md.

``python benchmarks/bundles.py runs/mine … --write``; each was made by ``prism build``.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from typing import Any

import report

from prism.corpora.prepared import Corpus
from prism.corpora.sharded import ShardedCorpus, load_corpus
from prism.service.bundle import Bundle, open_bundle

_NETWORKS = {"imagenet": "picture network", "corpus": "music network"}


def rows_of(bundle: Bundle) -> dict[str, str]:
    """What a bundle holds, how long it was trained, and what its experiment found."""
    corpus, result = load_corpus(bundle.corpus), bundle.document("evaluation")
    found = {
        "music": _music(corpus),
        "Prism's training": _steps(bundle.record("prism")),
        "the baseline's training": _steps(bundle.record("amt")),
        "runs": str(result["runs"]),
    }
    for network, name in _NETWORKS.items():
        section = result["networks"][network]
        mean, wins = section["mean"], section["wins"]["prism"]
        low, high = section["wins_interval"]["prism"]
        found[f"{name}: Prism nearer than AMT"] = (
            f"{wins} of {result['runs']} ({low:.2f} to {high:.2f})"
        )
        found[f"{name}: cosine of Prism, AMT, another real piece"] = ", ".join(
            f"{mean[system]:.2f}" for system in ("prism", "amt", "real")
        )
    agreement = result["agreement"]
    found["composer recognised in Prism's, AMT's, real music"] = ", ".join(
        f"{agreement[system]['recognised']:.2f}" for system in ("prism", "amt", "reference")
    )
    recognition = result["recognition"]
    found["held-out passages recognised (by chance)"] = (
        f"{recognition['accuracy']:.2f} of {recognition['windows']:,} "
        f"({1 / len(recognition['composers']):.2f})"
    )
    areas = [row["area"] for row in result["two_sample"] if row["system"] == "prism"]
    found["Prism's told from real music, area under the curve"] = f"{areas[0]:.2f}"
    return found


def _music(corpus: Corpus | ShardedCorpus) -> str:
    counts = Counter(corpus.piece_labels).values()
    return (
        f"{len(corpus.pieces):,} pieces, {len(corpus.labels)} labels "
        f"(median {statistics.median(counts):g}, least {min(counts)})"
    )


def _steps(record: Mapping[str, Any]) -> str:
    """Steps, and where they began."""
    *_, stage = record["steps"]  # the last is what the run is about
    start = ", from the shipped weights on" if record["recipe"].get("start") else ""
    return f"{record['steps'][stage]:,} × {record['recipe'][stage]['batch_size']}{start}"


def table(columns: Mapping[str, Mapping[str, str]]) -> str:
    """A row a figure, a column a bundle."""
    names = list(columns)
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for row in columns[names[0]]:
        lines.append(f"| {row} | {' | '.join(columns[name][row] for name in names)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table; each bundle's experiment is read, none is run."""
    parser = report.parser(__doc__)
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE")
    options = parser.parse_args()
    bundles = [open_bundle(), *map(open_bundle, options.bundles)]
    columns = {bundle.manifest.name: rows_of(bundle) for bundle in bundles}
    report.publish("bundles", table(columns), columns, options)


if __name__ == "__main__":
    main()
