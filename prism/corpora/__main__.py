"""Command line: ``python -m prism.corpora prepare``."""

from __future__ import annotations

import argparse
import pathlib
from collections import Counter

from prism.corpora.midi_preparation import LAYOUTS, MidiReport, Policy, prepare_midi
from prism.corpora.music21 import CorpusError
from prism.corpora.preparation import MINIMUM_PIECES, Report, prepare
from prism.corpora.prepared import Corpus

_BUNDLED = pathlib.Path("assets/corpus")


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="python -m prism.corpora", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("prepare", help="prepare a collection into one file")
    _add_options(command)
    options = parser.parse_args(arguments)
    _check(command, options)
    try:
        corpus, report = _prepared(options)
        corpus.save(options.output or _BUNDLED)
    except (CorpusError, ValueError) as error:
        parser.exit(1, f"{error}\n")
    if isinstance(report, MidiReport):
        report.save(options.output)
    _print_summary(corpus, report)


def _add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", choices=["music21", *LAYOUTS], default="music21")
    command.add_argument(
        "--from", dest="root", type=pathlib.Path, help="folder, .zip or .tar.gz of MIDI files"
    )
    command.add_argument("--output", type=pathlib.Path, help=f"default for music21: {_BUNDLED}")
    command.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("runs/corpus-cache"))
    command.add_argument("--processes", "--workers", type=int, default=2)
    command.add_argument("--minimum-pieces", type=int, default=MINIMUM_PIECES, metavar="N")
    command.add_argument("--top", type=int, metavar="N", help="only the N largest labels")
    command.add_argument(
        "--keep-versions", action="store_true", help="every version of a song, not only one"
    )
    command.add_argument(
        "--include-restricted",
        action="store_true",
        help="also read collections whose notice forbids Prism to ship them (for your own use)",
    )


def _check(command: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.processes < 1:
        command.error(f"--processes: expected at least 1, got {options.processes}")
    # Without this rule a user's own files would overwrite the bundled corpus.
    if options.name != "music21" and not (options.root and options.output):
        command.error(f"{options.name} needs --from PATH and --output FOLDER")
    if options.name == "music21" and (options.root or options.top or options.keep_versions):
        command.error("--from, --top and --keep-versions are for MIDI files, not for music21")
    if options.name != "music21" and options.include_restricted:
        command.error("--include-restricted is for music21 only")


def _prepared(options: argparse.Namespace) -> tuple[Corpus, Report]:
    if options.name == "music21":
        return prepare(
            options.cache, options.processes, options.include_restricted, options.minimum_pieces
        )
    policy = Policy(options.minimum_pieces, options.top, options.keep_versions)
    layout = LAYOUTS[options.name]
    return prepare_midi(options.root, layout, options.cache, options.processes, policy)


def _print_summary(corpus: Corpus, report: Report) -> None:
    print("\n".join(report.lines()))
    counts = Counter(zip((p.label for p in corpus.pieces), corpus.splits, strict=True))
    for label in corpus.labels:
        sizes = [counts[label, split] for split in ("train", "validation", "test")]
        print(f"{label}: {sum(sizes)} pieces (train, validation, test: {sizes})")


if __name__ == "__main__":
    main()
