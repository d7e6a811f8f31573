"""Train Prism: ``python train.py`` reproduces the bundled weights from the prepared corpus.

``python train.py amt`` trains the baseline, the Anticipatory Music Transformer, on the same pieces;
``python train.py similarity`` the network that tells composers apart.
"""

from __future__ import annotations

import argparse
import pathlib

from prism.corpora.prepared import Corpus
from prism.training.loop import CHECKPOINT_SECONDS
from prism.training.recipe import AMT_PRESETS, PRESETS, SIMILARITY_PRESETS
from prism.training.run import train, train_amt, train_similarity

_ROOT = pathlib.Path(__file__).parent
_MODELS = {
    "prism": (train, PRESETS),
    "amt": (train_amt, AMT_PRESETS),
    "similarity": (train_similarity, SIMILARITY_PRESETS),
}


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(
        prog="train.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=_MODELS, nargs="?", default="prism")
    parser.add_argument("--preset", default="mini", help="mini (as bundled) or smoke (seconds)")
    parser.add_argument("--corpus", type=pathlib.Path, default=_ROOT / "assets" / "corpus")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        help="checkpoints and logs (default: runs/<preset>, or runs/<model>-<preset>)",
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
        "--compile",
        action="store_true",
        help="compile the networks first (needs a C++ compiler): about 1.2 times as fast",
    )
    options = parser.parse_args(arguments)
    run, presets = _MODELS[options.model]
    if options.preset not in presets:
        parser.error(f"--preset: expected one of {', '.join(presets)}; got {options.preset!r}")
    prefix = "" if options.model == "prism" else f"{options.model}-"
    output = options.output or _ROOT / "runs" / f"{prefix}{options.preset}"
    weights = options.weights or output / "weights"
    try:
        corpus = Corpus.load(options.corpus)
        recipe = presets[options.preset]
        run(recipe, corpus, output, weights, options.checkpoint_seconds, options.compile)
    except (FileNotFoundError, ValueError) as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
