"""Draw halves of real validation windows anew: how well do they fit the halves that are kept?"""

from __future__ import annotations

import functools

import numpy as np
import report
from tqdm import tqdm

from prism import ROOT
from prism.amt.pipeline import AMTPipeline
from prism.amt.together import draw_together
from prism.corpora.prepared import Corpus
from prism.evaluation.redrawing import PARTS, SYSTEMS, draw_parts, part_figures
from prism.models.pipeline import PrismPipeline
from prism.music.writing import table_text

SEED = 500
COLUMNS = (
    "key_kept",
    "one_frame_at_seams",
    "one_frame_notes",
    "repeated_bars",
    "scale_consistency",
    "notes",
    "note_length",
    "polyphony",
    "top_steps",
    "top_reversals",
    "empty_frames",
)


def main() -> None:
    """Measure every label, then the means over labels."""
    parser = report.parser(__doc__)
    parser.add_argument("--count", type=int, help="windows a label (default 6, quick 1)")
    options = parser.parse_args()
    count = options.count or (1 if options.quick else 6)
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    prism = PrismPipeline.from_pretrained(options.weights)
    amt = AMTPipeline.from_pretrained(options.weights / "amt")
    together = functools.partial(draw_together, amt)
    drawn = draw_parts(prism, together, amt.composers, corpus, count, SEED)
    rows = {
        label: {p: {s: part_figures(rolls[p][s], p) for s in SYSTEMS} for p in PARTS}
        for label, rolls in tqdm(drawn, total=len(corpus.labels))
    }
    means = {(p, s): _mean([r[p][s] for r in rows.values()]) for p in PARTS for s in SYSTEMS}
    figures = {" ".join([*key, name]): v for key, row in means.items() for name, v in row.items()}
    text = f"{_means(means)}\n\nKey kept by label:\n\n{_labels(rows)}\n\n{_under(count)}"
    report.publish("redrawing", text, figures, options, path=report.EXPERIMENTS)


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {n: float(np.mean([row[n] for row in rows if n in row])) for n in COLUMNS}


def _means(means: dict) -> str:
    head = ["part", "system", *(name.replace("_", " ") for name in COLUMNS)]
    return table_text(
        head,
        [[*key, *(f"{row[name]:.3g}" for name in COLUMNS)] for key, row in means.items()],
    )


def _labels(rows: dict) -> str:
    pairs = [(part, system) for part in PARTS for system in SYSTEMS]
    head = ["label", *(f"{part}, {system}" for part, system in pairs)]
    return table_text(
        head,
        [
            [label, *(f"{row[p][s]['key_kept']:.2f}" for p, s in pairs)]
            for label, row in rows.items()
        ],
    )


def _under(count: int) -> str:
    return f"Means over labels, up to {count} validation windows a label; {report.machine()}."


if __name__ == "__main__":
    main()
