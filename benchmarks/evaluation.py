"""Put the stored experiment (assets/evaluation.json) into words and tables for README.md.

``--quick`` draws a few runs anew instead; ``python -m prism.evaluation`` repeats the whole of it.
"""

from __future__ import annotations

import json
import pathlib
import tempfile

import report

ROOT = report.ROOT

from prism.evaluation.__main__ import main as evaluate  # noqa: E402
from prism.evaluation.report import (  # noqa: E402
    cosine_table,
    note,
    side_table,
    statistics_table,
    verdict,
)

QUICK_RUNS = 4


def quick_result(weights: pathlib.Path) -> dict:
    """A few runs, written nowhere else."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "result.json"
        evaluate([
            "--runs", str(QUICK_RUNS), "--pairs", "2", "--samples", "2", "--weights", str(weights),
            "--output", folder, "--result", str(path),
        ])  # fmt: skip
        return json.loads(path.read_text(encoding="utf-8"))


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
    stored = ROOT / "assets" / "evaluation.json"
    if options.quick:
        result = quick_result(options.weights)
    else:
        result = json.loads(stored.read_text(encoding="utf-8"))
    parts = (verdict, cosine_table, side_table, statistics_table, note)
    text = "\n\n".join(part(result) for part in parts)
    report.publish("evaluation", text, figures_of(result), options)


if __name__ == "__main__":
    main()
