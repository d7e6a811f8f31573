"""``prism corpora prepare`` and ``prism corpora report``."""

from __future__ import annotations

import argparse
import pathlib
from collections import Counter

from prism.corpora.files import CorpusError
from prism.corpora.midi_preparation import LAYOUTS, MidiReport, prepare_midi
from prism.corpora.preparation import MINIMUM_PIECES, Report, prepare
from prism.corpora.prepared import Corpus
from prism.corpora.report import save_study, study_corpus, study_files, write_report
from prism.corpora.scheduling import LOCAL, PROCESSES
from prism.corpora.sharded import ShardedCorpus, load_corpus

_BUNDLED = pathlib.Path("assets/corpus")
_BUNDLED_STUDY = pathlib.Path("assets/study.json")


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="prism corpora", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    prepare_command = commands.add_parser("prepare", help="prepare a collection into one file")
    report_command = commands.add_parser("report", help="study a collection: figures and tables")
    _add_prepare_options(prepare_command)
    _add_report_options(report_command)
    options = parser.parse_args(arguments)
    try:
        if options.command == "prepare":
            _check(prepare_command, options)
            _prepare(options)
        else:
            _check_report(report_command, options)
            _report(options)
    except (CorpusError, FileNotFoundError, ValueError) as error:
        parser.exit(1, f"{error}\n")


def _add_common_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", choices=["music21", *LAYOUTS], default="music21")
    command.add_argument(
        "--from", dest="root", type=pathlib.Path, help="folder, .zip or .tar.gz of MIDI files"
    )
    command.add_argument("--processes", "--workers", type=int, default=2)


def _add_report_options(command: argparse.ArgumentParser) -> None:
    _add_common_options(command)
    command.add_argument(
        "--corpus", type=pathlib.Path, help=f"a prepared corpus; for music21 {_BUNDLED} by default"
    )
    command.add_argument(
        "--output",
        type=pathlib.Path,
        help=f"folder for report.md, report.json and figures; without it, for music21, only "
        f"{_BUNDLED_STUDY} is written, which the page shows",
    )


def _add_prepare_options(command: argparse.ArgumentParser) -> None:
    _add_common_options(command)
    command.add_argument("--output", type=pathlib.Path, help=f"default for music21: {_BUNDLED}")
    command.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("runs/corpus-cache"))
    command.add_argument("--minimum-pieces", type=int, default=MINIMUM_PIECES, metavar="N")
    command.add_argument("--top", type=int, metavar="N", help="only the N largest labels")
    command.add_argument(
        "--keep-versions", action="store_true", help="every version of a song, not only one"
    )
    command.add_argument(
        "--scheduler",
        default=LOCAL,
        metavar="WHERE",
        help=f"{LOCAL} (a Dask cluster of --processes on this machine, the default), {PROCESSES} "
        "(without Dask), or a Dask scheduler's address, tcp://HOST:PORT",
    )
    command.add_argument(
        "--shards",
        action="store_true",
        help="leave the notes in shards, from which training reads: for collections of any size",
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
    if options.name == "music21" and options.shards:
        command.error("--shards is for MIDI files, not for music21")
    if options.name != "music21" and options.include_restricted:
        command.error("--include-restricted is for music21 only")


def _prepare(options: argparse.Namespace) -> None:
    if options.name == "music21":
        corpus, report = prepare(
            options.cache,
            options.processes,
            options.include_restricted,
            options.minimum_pieces,
            options.scheduler,
        )
        corpus.save(options.output or _BUNDLED, sources="music21/corpus")
    else:
        corpus, report = _prepare_midi(options)
        report.save(options.output)
    _print_summary(corpus, report)


def _prepare_midi(options: argparse.Namespace) -> tuple[Corpus | ShardedCorpus, MidiReport]:
    selection, report = prepare_midi(
        options.root,
        LAYOUTS[options.name],
        options.cache,
        options.processes,
        options.scheduler,
        options.minimum_pieces,
        options.top,
        options.keep_versions,
    )
    if options.shards:
        return selection.save(options.output), report
    corpus = selection.corpus()
    corpus.save(options.output)
    return corpus, report


def _check_report(command: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.processes < 1:
        command.error(f"--processes: expected at least 1, got {options.processes}")
    if options.root and options.corpus:
        command.error("--from is for MIDI files and --corpus for a prepared corpus: give one")
    if options.name == "music21" and options.root:
        command.error("--from is for MIDI files, not for music21: use --corpus or neither")
    if options.name != "music21" and not (options.root or options.corpus):
        command.error(f"{options.name} needs --from PATH or --corpus FOLDER")
    if not options.output and (options.root or options.corpus):
        command.error("--output FOLDER is needed, except for music21 as it is shipped")


def _report(options: argparse.Namespace) -> None:
    if options.root:
        study = study_files(options.root, LAYOUTS[options.name], options.processes)
    else:
        study = study_corpus(load_corpus(options.corpus or _BUNDLED), options.name)
    if options.output:
        write_report(study, options.output)
    else:
        save_study(study, _BUNDLED_STUDY)
    print("\n".join(f"{name}: {value}" for name, value in study.facts))
    for file, reason, detail in study.left_out:
        print(f"left out {file}: {reason}" + (f" ({detail})" if detail else ""))


def _print_summary(corpus: Corpus | ShardedCorpus, report: Report) -> None:
    print("\n".join(report.lines()))
    counts = Counter(zip(corpus.piece_labels, corpus.splits, strict=True))
    for label in corpus.labels:
        sizes = [counts[label, split] for split in ("train", "validation", "test")]
        print(f"{label}: {sum(sizes)} pieces (train, validation, test: {sizes})")
