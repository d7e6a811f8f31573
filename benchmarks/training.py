"""Measure training: samples a second, the share of the machine's matrix products' peak, waiting.

Trains a preset's transformer on the bundled corpus for a few steps through the training loop, all
that a step does included, and sets the products it needs (three times the forward pass's, counted
by torch) against the fastest product of two large square matrices in the same precision.
"""

from __future__ import annotations

import csv
import dataclasses
import pathlib
import statistics
import tempfile
import time

import report
import torch

from prism import ROOT

_UNMEASURED = 3


def product_peak(dtype: torch.dtype, device: torch.device) -> float:
    """FLOP/s of the fastest of several products of two square matrices."""
    size = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / min(_seconds(lambda: a @ b, device) for _ in range(10))


def _seconds(work, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def trained_rows(options, folder: pathlib.Path) -> tuple[list[dict], int, torch.device]:
    """The log's rows of the measured steps, the batch size, and where it was trained."""
    from prism.corpora.prepared import Corpus
    from prism.training.batches import RunConfig
    from prism.training.loop import Trainer
    from prism.training.plan import fitting
    from prism.training.presets import PRESETS
    from prism.training.stages import AutoencoderStage, DiTStage

    recipe = PRESETS[options.preset]
    steps = _UNMEASURED + (8 if options.quick else 40)
    recipe = dataclasses.replace(
        recipe, dit=dataclasses.replace(recipe.dit, steps=steps, evaluate_every=10 * steps)
    )
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    stage = DiTStage(recipe, corpus, AutoencoderStage(recipe, corpus).network, folder)
    stage.evaluate = lambda *_: {}
    config = RunConfig(
        workers=options.workers, accumulation=fitting(recipe), compiled=options.compile
    )
    trainer = Trainer(stage, folder, config)
    stage.autoencoder.to(trainer.accelerator.device)
    trainer.run()
    with (folder / "dit.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[_UNMEASURED:]
    return rows, recipe.dit.batch_size, trainer.accelerator.device


def main() -> None:
    """Measure and report."""
    from prism.training.plan import costs
    from prism.training.presets import PRESETS

    parser = report.parser(__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="mini")
    parser.add_argument("--workers", type=int, help="as of prism train")
    parser.add_argument("--compile", action="store_true", help="as of prism train")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows, batch_size, device = trained_rows(options, pathlib.Path(folder))
    seconds = [float(row["seconds"]) for row in rows]
    waited = sum(float(row["wait_seconds"]) for row in rows)
    # Not the median: a step with an estimate takes longer than one without.
    rate = batch_size / statistics.mean(seconds)
    mixed = PRESETS[options.preset].dit.precision == "bfloat16"
    peak = product_peak(torch.bfloat16 if mixed else torch.float32, device)
    flops = costs(PRESETS[options.preset])["dit"].training_flops
    figures = {
        "preset": options.preset,
        "samples_per_second": round(rate, 2),
        "matmul_peak_share": round(rate * flops / peak, 4),
        "matmul_peak_tflops": round(peak / 1e12, 3),
        "data_wait_share": round(waited / sum(seconds), 4),
    }
    text = (
        f"Training {options.preset} takes {rate:,.1f} samples a second, "
        f"{figures['matmul_peak_share']:.0%} of the {figures['matmul_peak_tflops']} TFLOP/s of "
        f"large matrix products; {figures['data_wait_share']:.1%} of the time goes by waiting for "
        f"data. Mean of {len(rows)} steps on {report.machine()}."
    )
    report.publish("training", text, figures, options)


if __name__ == "__main__":
    main()
