"""Train Prism: ``prism train`` reproduces the bundled weights from the prepared corpus.

``prism train amt`` trains the baseline, the Anticipatory Music Transformer, on the same pieces;
``prism train similarity`` the network that tells composers apart. ``--plan PRESET`` says what a run
would need; ``--minutes N`` trains in slices; ``prism train push`` publishes weights on the Hugging
Face Hub. Several GPUs: ``accelerate launch train.py …``, which takes the same arguments.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import sys
import time
from collections.abc import Sequence

from prism import ASSETS, ROOT
from prism.cli.files import make_folder
from prism.corpora.provenance import DIGEST_LENGTH
from prism.corpora.sharded import load_corpus
from prism.drawing.rolls import save_contact_sheet
from prism.training.batches import RunConfig
from prism.training.plan import fitting, report
from prism.training.presets import MODELS, chosen
from prism.training.push import push
from prism.training.recipe import AnyRecipe, OriginalRecipe, with_rate
from prism.training.run import Unfinished, train

# As accelerate's launcher sets them.
_PROCESS = int(os.environ.get("RANK", "0"))
_PROCESSES = int(os.environ.get("WORLD_SIZE", "1"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prism train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=MODELS, nargs="?", default="prism")
    parser.add_argument(
        "--preset",
        default="mini",
        help="mini (as bundled), laptop, base, large, original or smoke (seconds)",
    )
    parser.add_argument("--plan", metavar="PRESET", help="print what a run would need, and stop")
    parser.add_argument("--corpus", type=pathlib.Path, default=ASSETS / "corpus")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        help="checkpoints and logs (default: runs/<preset>-<corpus>, or "
        "runs/<model>-<preset>-<corpus>, where <corpus> begins the SHA-256 of its file)",
    )
    parser.add_argument(
        "--weights", type=pathlib.Path, help="finished model (default: <output>/weights)"
    )
    _add_run_options(parser)
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    """How a recipe is carried out, and what may be changed of it."""
    parser.add_argument(
        "--max-shard-size",
        default=RunConfig.max_shard_size,
        help="largest file of the weights, such as 15MB (default: %(default)s)",
    )
    parser.add_argument("--learning-rate", type=float, help="instead of the preset's")
    parser.add_argument(
        "--autoencoder", help="of the original's route: a folder, or a repository on the Hub"
    )
    parser.add_argument(
        "--accumulation",
        type=int,
        metavar="N",
        help="work through each batch in N parts, to save memory (default: what fits the GPU)",
    )
    parser.add_argument("--workers", type=int, help="processes that draw batches ahead")
    parser.add_argument("--minutes", type=float, help="stop after that long; run again to go on")
    parser.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=RunConfig.checkpoint_seconds,
        help="time between checkpoints (default: %(default)g)",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the networks first (needs a C++ compiler): about 1.2 times as fast",
    )


def _push_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prism train push",
        description="Publish weights on the Hugging Face Hub, with a model card and the training "
        "record.",
    )
    parser.add_argument("--repo", required=True, metavar="OWNER/NAME", help="on the Hub")
    parser.add_argument(
        "--weights", type=pathlib.Path, default=pathlib.Path("weights"), help="what to publish"
    )
    parser.add_argument("--private", action="store_true", help="if it has to be made first")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train, or publish; after a mistake a line and exit status 1."""
    started = time.monotonic()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    pushes = arguments[:1] == ["push"]
    parser = _push_parser() if pushes else _parser()
    options = parser.parse_args(arguments[1:] if pushes else arguments)
    try:
        if pushes:
            print(push(options.weights, options.repo, options.private))
        else:
            _train(options, started)
    except Unfinished as unfinished:
        print(unfinished)
    except (OSError, ValueError) as error:
        parser.exit(1, f"{error}\n")


def _train(options: argparse.Namespace, started: float) -> None:
    recipe = _recipe(options)
    if options.plan:
        print(report(recipe))
        return
    corpus = load_corpus(options.corpus)
    output = options.output or default_output(options.model, options.preset, corpus.digest)
    weights = options.weights or output / "weights"
    make_folder(output)
    make_folder(weights, "--weights")
    config = RunConfig(
        checkpoint_seconds=options.checkpoint_seconds,
        compiled=options.compile,
        accumulation=options.accumulation or fitting(recipe, _PROCESSES),
        workers=options.workers,
        deadline=None if options.minutes is None else started + 60 * options.minutes,
        max_shard_size=options.max_shard_size,
        draw_samples=save_contact_sheet,
    )
    if _PROCESS == 0:
        names = {"model": options.model, "preset": options.preset, "output": str(output)}
        print(printed(recipe, config, **names, corpus_sha256=corpus.digest))
    train(recipe, corpus, output, weights, config)


def default_output(model: str, preset: str, digest: str) -> pathlib.Path:
    """Where a run of a preset on the corpus of a digest goes: a folder of its own."""
    names = [*([] if model == "prism" else [model]), preset, digest[:DIGEST_LENGTH]]
    return ROOT / "runs" / "-".join(names)


def _recipe(options: argparse.Namespace) -> AnyRecipe:
    """The preset's, with what the command line changes."""
    recipe = chosen(options.model, options.plan or options.preset)
    if options.learning_rate is not None:
        recipe = with_rate(recipe, options.learning_rate)
    if options.autoencoder is not None:
        if not isinstance(recipe, OriginalRecipe):
            raise ValueError("--autoencoder: only the original's presets take one")
        recipe = dataclasses.replace(recipe, autoencoder=options.autoencoder)
    return recipe


def printed(recipe: AnyRecipe, config: RunConfig, **others: str) -> str:
    """Every setting of a run as JSON."""
    run = dataclasses.asdict(config)
    del run["deadline"], run["draw_samples"]
    settings = {**others, "recipe": dataclasses.asdict(recipe), "run": run}
    return json.dumps(settings, indent=1, ensure_ascii=False)
