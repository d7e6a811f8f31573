"""Draw samples of every label and set their statistics beside held-out real windows'.

The baseline's samples continue the opening of a held-out piece; the opening is not counted.
"""

from __future__ import annotations

import numpy as np
import report
import torch
from tqdm import tqdm

from prism import ROOT
from prism.amt.pipeline import AMTPipeline
from prism.amt.prompt import prompt_roll
from prism.corpora.dataset import corpus_sample, prompt_sample
from prism.corpora.prepared import Corpus
from prism.drawing.rolls import save_contact_sheet
from prism.models.autoencoder import orphan_share
from prism.models.pipeline import PrismPipeline
from prism.models.settings import GenerationSettings
from prism.music.roll import PianoRoll
from prism.music.statistics import mean_description
from prism.music.windows import windows_of
from prism.music.writing import table_text
from prism.similarity.bands import HELD_OUT
from prism.similarity.neighbours import COPY_OVERLAP, TrainingIndex

# So many rolls of a group are compared with all training music, which takes a while.
SEARCHED = 6
COLUMNS = {
    "notes": "{:.0f}",
    "polyphony": "{:.2f}",
    "on_beat": "{:.2f}",
    "scale_consistency": "{:.2f}",
    "pitch_class_entropy": "{:.2f}",
    "empty_frames": "{:.3f}",
    "one_frame_notes": "{:.2f}",
    "repeated_bars": "{:.2f}",
    "orphan_sustain": "{:.3f}",
    "nearest": "{:.2f}",
    "copies": "{:.2f}",
}


class Measure:
    """Describes groups of rolls, among them how near the training music they come."""

    def __init__(self, corpus: Corpus) -> None:
        self.index = TrainingIndex(corpus)

    def __call__(self, rolls: list[PianoRoll], orphans: float) -> dict[str, float]:
        """Means over `rolls`; `orphans` is passed through."""
        nearest = np.array([self.index.nearest(roll).overlap for roll in rolls[:SEARCHED]])
        return mean_description(rolls) | {
            "orphan_sustain": orphans,
            "nearest": float(nearest.mean()),
            "copies": float((nearest >= COPY_OVERLAP).mean()),
        }


def real_rolls(corpus: Corpus, label: str, count: int) -> list[PianoRoll]:
    """Held-out windows (validation and test) spread evenly over the label's pieces."""
    pieces = [p for split in HELD_OUT for p in corpus.select(split, [label])]
    windows = [window for piece in pieces for window in windows_of(piece)]
    chosen = np.linspace(0, len(windows) - 1, min(count, len(windows))).astype(int)
    return [windows[i].roll for i in chosen]


def baseline_rolls(amt: AMTPipeline, corpus: Corpus, label: str, count: int) -> list[PianoRoll]:
    """Continuations of held-out openings, one a seed, as on the page."""
    told = [label] if label in amt.composers else None
    rolls = []
    for seed in range(count):
        prompt = prompt_roll(prompt_sample(corpus, corpus_sample(corpus, [label], seed), seed))
        rolls += amt(prompt, seed=seed, composers=told).rolls
    return rolls


def label_table(rows: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown, one row a label; each cell is real / Prism / AMT."""
    head = ["label", *(name.replace("_", " ") for name in COLUMNS)]
    lines = []
    for label, sides in rows.items():
        cells = (
            " / ".join(form.format(side[name]) for side in sides.values())
            for name, form in COLUMNS.items()
        )
        lines.append([label, *cells])
    return table_text(head, lines)


def summary(rows: dict[str, dict[str, dict[str, float]]]) -> dict[str, float]:
    """Over labels: mean relative difference from real, and how many lie within 15 %.

    Prism's figures have no prefix, the baseline's begin with ``amt_``.
    """
    figures: dict[str, float] = {"labels": len(rows)}
    sides = list(next(iter(rows.values())))
    for side in sides[1:]:
        prefix = "" if side == "prism" else f"{side}_"
        for name in ("notes", "polyphony", "on_beat", "scale_consistency", "pitch_class_entropy"):
            ratio = np.array([row[side][name] / row["real"][name] for row in rows.values()])
            figures[f"{prefix}{name}_mean_difference"] = float(np.abs(ratio - 1).mean())
            within = int((np.abs(ratio - 1) <= 0.15).sum())
            figures[f"{prefix}{name}_labels_within_15_percent"] = within
    for name in ("one_frame_notes", "orphan_sustain", "empty_frames", "nearest", "copies"):
        for side in sides:
            figures[f"{name}_{side}"] = float(np.mean([row[side][name] for row in rows.values()]))
    return figures


def baseline(options) -> AMTPipeline | None:
    """The baseline, if its weights are there."""
    folder = options.weights / "amt"
    return AMTPipeline.from_pretrained(folder) if folder.is_dir() else None


def main() -> None:
    """Measure every label."""
    parser = report.parser(__doc__)
    parser.add_argument("--count", type=int, help="samples a label (default 50, quick 1)")
    parser.add_argument("--amt-count", type=int, help="baseline samples (default 6, quick 1)")
    parser.add_argument("--guidance-scale", type=float, default=GenerationSettings.guidance_scale)
    parser.add_argument("--steps", type=int, default=GenerationSettings.num_inference_steps)
    parser.add_argument("--sheet", help="also draw one sample a label into this PNG file")
    options = parser.parse_args()
    count = options.count or (1 if options.quick else 50)
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    pipe = PrismPipeline.from_pretrained(options.weights)
    measure = Measure(corpus)
    amt, amt_count = baseline(options), options.amt_count or (1 if options.quick else 6)
    rows, shown = {}, []
    labels = pipe.composers[:: 3 if options.quick else 1]
    for label in tqdm(labels, desc="labels"):
        output = pipe(
            label,
            guidance_scale=options.guidance_scale,
            num_inference_steps=options.steps,
            seed=range(count),
        )
        with torch.inference_mode():
            orphans = orphan_share(pipe.autoencoder.decode(output.latents))
        real = real_rolls(corpus, label, count)
        rows[label] = {"real": measure(real, 0.0), "prism": measure(output.rolls, orphans)}
        shown.append(output.rolls[0])
        if amt:
            drawn = baseline_rolls(amt, corpus, label, amt_count)
            rows[label]["amt"] = measure(drawn, 0.0)
            shown.append(drawn[0])
    if options.sheet:
        suffixes = ("", ", AMT")[: len(shown) // len(labels)]
        titles = [label + suffix for label in labels for suffix in suffixes]
        save_contact_sheet(shown, titles, options.sheet)
    note = (
        f"Mean over {count} samples a label at guidance {options.guidance_scale:g}, "
        f"{options.steps} steps, seeds 0 to {count - 1}, and as many held-out windows (fewer where "
        f"there are fewer); each cell is real / Prism{f' / AMT ({amt_count})' if amt else ''}. "
        "`nearest` is the note overlap (F1) with the most similar training music at any beat and "
        f"in any transposition (first {SEARCHED} of each); `copies` is the share of those with "
        f"{COPY_OVERLAP:g} or more; `orphan sustain` is counted before mending."
    )
    report.publish("samples", f"{label_table(rows)}\n\n{note}", summary(rows), options)


if __name__ == "__main__":
    main()
