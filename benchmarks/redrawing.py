"""Draw halves of real windows anew: do they fit the halves that are kept, and can a network tell?

On the test split for docs/results.md, with ``--split validation`` for docs/experiments.md.
"""

from __future__ import annotations

import functools

import numpy as np
import report
from tqdm import tqdm

from prism import ROOT
from prism.amt.pipeline import AMTPipeline
from prism.amt.together import draw_together
from prism.corpora.prepared import Corpus
from prism.evaluation.redrawing import PARTS, SYSTEMS, draw_parts, part_figures, told_apart
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
    parser.add_argument("--count", type=int, help="windows a label (default 6, quick 2)")
    parser.add_argument("--split", choices=["test", "validation"], default="test")
    options = parser.parse_args()
    count = options.count or (2 if options.quick else 6)
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    prism = PrismPipeline.from_pretrained(options.weights)
    amt = AMTPipeline.from_pretrained(options.weights / "amt")
    together = functools.partial(draw_together, amt)
    labels = corpus.labels[:: 7 if options.quick else 1]
    parts = draw_parts(prism, together, amt.composers, corpus, count, SEED, options.split, labels)
    drawn = dict(tqdm(parts, total=len(labels)))
    rows = {
        label: {p: {s: part_figures(one.rolls[p][s], p) for s in SYSTEMS} for p in PARTS}
        for label, one in drawn.items()
    }
    means = {(p, s): _mean([r[p][s] for r in rows.values()]) for p in PARTS for s in SYSTEMS}
    figures = {" ".join([*key, name]): v for key, row in means.items() for name, v in row.items()}
    effort = {"seeds": 1, "updates": 10} if options.quick else {}
    tests = {(p, s): told_apart(drawn, p, s, **effort) for p in PARTS for s in SYSTEMS}
    figures |= {" ".join([*key, "area"]): found["area"] for key, found in tests.items()}
    text = "\n\n".join(
        [
            _means(means),
            "A network that is to tell the parts from real ones of other pieces:",
            _tests(tests),
            "Key kept by label:",
            _labels(rows),
            _under(count, options.split),
        ]
    )
    path = report.RESULTS if options.split == "test" else report.EXPERIMENTS
    report.publish("redrawing", text, figures, options, path=path)


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {n: float(np.mean([row[n] for row in rows if n in row])) for n in COLUMNS}


def _means(means: dict) -> str:
    head = ["part", "system", *(name.replace("_", " ") for name in COLUMNS)]
    return table_text(
        head,
        [[*key, *(f"{row[name]:.3g}" for name in COLUMNS)] for key, row in means.items()],
    )


def _tests(tests: dict) -> str:
    head = ["part", "system", "windows", "tested", "area", "95 %", "accuracy"]
    return table_text(
        head,
        [
            [
                *(*key, str(found["windows"]), str(found["tested"]), f"{found['area']:.2f}"),
                "{:.2f} to {:.2f}".format(*found["interval"]),
                f"{found['accuracy']:.2f}",
            ]
            for key, found in tests.items()
        ],
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


def _under(count: int, split: str) -> str:
    return (
        f"Means over labels, up to {count} windows of the {split} split a label. In the network's "
        "test `windows` of each side, as many real ones of other pieces of the same labels, and "
        "`tested` of them; labels of fewer than four pieces are left out. An area of .5 is "
        f"guessing. {report.machine()}."
    )


if __name__ == "__main__":
    main()
