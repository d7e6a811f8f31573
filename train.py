"""Train Prism: ``python train.py`` reproduces the bundled weights from the prepared corpus."""

from __future__ import annotations

import argparse
import pathlib

from prism.corpora.prepared import Corpus
from prism.training.loop import CHECKPOINT_SECONDS
from prism.training.recipe import PRESETS
from prism.training.run import train

_ROOT = pathlib.Path(__file__).parent


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="mini")
    parser.add_argument("--corpus", type=pathlib.Path, default=_ROOT / "assets" / "corpus")
    parser.add_argument(
        "--output", type=pathlib.Path, help="checkpoints and logs (default: runs/<preset>)"
    )
    parser.add_argument(
        "--weights", type=pathlib.Path, help="finished model (default: <output>/weights)"
    )
    parser.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=CHECKPOINT_SECONDS,
        help="time between checkpoints (default: %(default)g)",
    )
    parser.add_argument(
        "--compile", action="store_true",
        help="compile the networks first (needs a C++ compiler): about 1.2 times as fast",
    )  # fmt: skip
    options = parser.parse_args()
    output = options.output or _ROOT / "runs" / options.preset
    try:
        corpus = Corpus.load(options.corpus)
        weights = options.weights or output / "weights"
        recipe = PRESETS[options.preset]
        train(recipe, corpus, output, weights, options.checkpoint_seconds, options.compile)
    except (FileNotFoundError, ValueError) as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
