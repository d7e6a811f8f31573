"""Command line: ``python -m prism.corpora prepare``."""

from __future__ import annotations

import argparse
import pathlib
from collections import Counter

from prism.corpora.music21 import CorpusError
from prism.corpora.preparation import prepare


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="python -m prism.corpora", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("prepare", help="prepare music21's corpus into one file")
    command.add_argument("--output", type=pathlib.Path, default=pathlib.Path("assets/corpus"))
    command.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("runs/corpus-cache"))
    command.add_argument("--workers", type=int, default=2)
    command.add_argument(
        "--include-restricted",
        action="store_true",
        help="also read collections whose notice forbids Prism to ship them (for your own use)",
    )
    options = parser.parse_args(arguments)
    try:
        corpus, report = prepare(options.cache, options.workers, options.include_restricted)
    except CorpusError as error:
        parser.exit(1, f"{error}\n")
    corpus.save(options.output)
    print("\n".join(report.lines()))
    counts = Counter(zip((p.label for p in corpus.pieces), corpus.splits, strict=True))
    for label in corpus.labels:
        sizes = [counts[label, split] for split in ("train", "validation", "test")]
        print(f"{label}: {sum(sizes)} pieces (train, validation, test: {sizes})")


if __name__ == "__main__":
    main()
