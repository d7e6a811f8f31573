"""Train in slices of a few minutes: on a machine with a large GPU that is lent for a while.

Each call goes on where the last one stopped and leaves weights in files small enough to carry.
Nothing is fetched: the corpus lies beside the program. The checkpoint stays in the output folder.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Sequence

from prism.training.execution import Execution

SHARD_SIZE = "15MB"
_ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> None:
    """``python train.py kit --minutes 9``."""
    from prism.corpora.sharded import load_corpus
    from prism.training.plan import fitting
    from prism.training.presets import chosen, printed, run_of

    started = time.monotonic()
    parser = argparse.ArgumentParser(prog="train.py kit", description=__doc__)
    parser.add_argument("--preset", default="base", help="as of train.py (default: base)")
    parser.add_argument(
        "--minutes",
        type=float,
        default=9.0,
        help="after which it stops, a minute or so before the machine does (default: %(default)g)",
    )
    parser.add_argument("--corpus", type=pathlib.Path, default=_ROOT / "assets" / "corpus")
    parser.add_argument("--output", type=pathlib.Path, help="default: runs/kit-<preset>")
    parser.add_argument("--weights", type=pathlib.Path, help="default: <output>/weights")
    options = parser.parse_args(arguments)
    recipe = chosen("prism", options.preset)
    output = options.output or _ROOT / "runs" / f"kit-{options.preset}"
    execution = Execution(
        accumulation=fitting(recipe),
        deadline=started + 60 * options.minutes,
        shard_size=SHARD_SIZE,
    )
    print(printed(recipe, execution, preset=options.preset))
    run_of(recipe)(
        recipe,
        load_corpus(options.corpus),
        output,
        options.weights or output / "weights",
        execution,
    )
