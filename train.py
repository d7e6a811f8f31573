"""Train Prism: ``python train.py`` reproduces the bundled weights from the prepared corpus.

``python train.py amt`` trains the baseline, the Anticipatory Music Transformer, on the same pieces;
``python train.py similarity`` the network that tells composers apart. ``--plan PRESET`` says what a
run would need. ``python train.py push`` publishes weights on the Hugging Face Hub, ``python
train.py kit`` trains in slices of a few minutes. Several GPUs: ``accelerate launch train.py …``.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import sys
import time

from prism.corpora.sharded import load_corpus
from prism.training import kit, plan, push
from prism.training.execution import CHECKPOINT_SECONDS, Execution
from prism.training.presets import MODELS, AnyRecipe, chosen, printed, run_of, with_rate
from prism.training.run import Unfinished

_ROOT = pathlib.Path(__file__).parent
# As accelerate's launcher sets them.
_PROCESS = int(os.environ.get("RANK", "0"))
_PROCESSES = int(os.environ.get("WORLD_SIZE", "1"))
_PROGRAMS = {"push": push.main, "kit": kit.main}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=MODELS, nargs="?", default="prism")
    parser.add_argument(
        "--preset",
        default="mini",
        help="mini (as bundled), base, large, original or smoke (seconds)",
    )
    parser.add_argument("--plan", metavar="PRESET", help="print what a run would need, and stop")
    parser.add_argument("--corpus", type=pathlib.Path, default=_ROOT / "assets" / "corpus")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        help="checkpoints and logs (default: runs/<preset>, or runs/<model>-<preset>)",
    )
    parser.add_argument(
        "--weights", type=pathlib.Path, help="finished model (default: <output>/weights)"
    )
    parser.add_argument("--learning-rate", type=float, help="instead of the preset's")
    parser.add_argument(
        "--autoencoder", help="of the original's route: a folder, or a repository on the Hub"
    )
    parser.add_argument(
        "--accumulation",
        type=int,
        metavar="N",
        help="work through each batch in N parts, to save memory (default: the preset's)",
    )
    parser.add_argument("--workers", type=int, help="processes that draw batches ahead")
    parser.add_argument("--minutes", type=float, help="stop after that long; run again to go on")
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
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and train."""
    started = time.monotonic()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    try:
        if arguments and arguments[0] in _PROGRAMS:
            _PROGRAMS[arguments[0]](arguments[1:])
        else:
            _train(parser.parse_args(arguments), started)
    except Unfinished as unfinished:
        print(unfinished)
    except (OSError, ValueError) as error:
        parser.exit(1, f"{error}\n")


def _train(options: argparse.Namespace, started: float) -> None:
    if options.plan:
        print(plan.report(_recipe(options, options.plan)))
        return
    recipe = _recipe(options, options.preset)
    prefix = "" if options.model == "prism" else f"{options.model}-"
    output = options.output or _ROOT / "runs" / f"{prefix}{options.preset}"
    execution = _execution(options, recipe, started)
    corpus = load_corpus(options.corpus)
    if _PROCESS == 0:
        print(printed(recipe, execution, model=options.model, preset=options.preset))
    weights = options.weights or output / "weights"
    run_of(recipe)(recipe, corpus, output, weights, execution)


def _recipe(options: argparse.Namespace, preset: str) -> AnyRecipe:
    """The preset's, with what the command line changes."""
    recipe = chosen(options.model, preset)
    if options.learning_rate is not None:
        recipe = with_rate(recipe, options.learning_rate)
    if options.autoencoder is not None:
        if not hasattr(recipe, "epochs"):
            raise ValueError("--autoencoder: only the original's presets take one")
        recipe = dataclasses.replace(recipe, autoencoder=options.autoencoder)
    return recipe


def _execution(options: argparse.Namespace, recipe: AnyRecipe, started: float) -> Execution:
    accumulation = options.accumulation or plan.fitting(recipe, _PROCESSES)
    deadline = None if options.minutes is None else started + 60 * options.minutes
    return Execution(
        options.checkpoint_seconds, options.compile, accumulation, options.workers, deadline
    )


if __name__ == "__main__":
    main()
