"""``prism corpora``: ``prepare``, ``titles``, ``report`` and ``profiles``."""

from __future__ import annotations

import argparse
import json
import pathlib
from collections import Counter

from prism.cli.files import make_folder
from prism.corpora.files import MIDI_NAME
from prism.corpora.midi_preparation import LAYOUTS, prepare_midi
from prism.corpora.openscore import prepare_openscore
from prism.corpora.preparation import MINIMUM_PIECES, Report, prepare
from prism.corpora.prepared import PROVENANCE_FILE, SPLITS, Corpus, write_titles
from prism.corpora.report import save_study, study_corpus, study_files, write_report
from prism.corpora.scheduling import LOCAL, PROCESSES
from prism.corpora.sharded import ShardedCorpus, load_corpus
from prism.corpora.titles import named
from prism.music.writing import sole_writer, write_text

SCORES = ("music21", "openscore")  # read through music21; all else is MIDI files
_BUNDLED = pathlib.Path("assets/corpus")
_BUNDLED_STUDY = pathlib.Path("assets/study.json")


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = command_parser()
    options = parser.parse_args(arguments)
    if options.processes < 1:
        options.error(f"--processes: expected at least 1, got {options.processes}")
    options.check(options)
    try:
        options.run(options)
    except (OSError, ValueError) as error:
        parser.exit(1, f"{error}\n")


def command_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="prism corpora", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_prepare(commands.add_parser("prepare", help="prepare a collection into one file"))
    _add_titles(
        commands.add_parser("titles", help="make music21's titles anew, of a prepared corpus")
    )
    _add_report(commands.add_parser("report", help="study a collection: figures and tables"))
    _add_profiles(commands.add_parser("profiles", help="count a model's metres and tempi anew"))
    return parser


def _add_common_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", choices=[*SCORES, *LAYOUTS], default="music21")
    command.add_argument(
        "--from",
        dest="root",
        type=pathlib.Path,
        help="folder, .zip or .tar.gz of MIDI files, or of openscore's archives, which are fetched "
        "otherwise",
    )
    command.add_argument("--processes", "--workers", type=int, default=2)
    command.set_defaults(error=command.error)


def _add_prepare(command: argparse.ArgumentParser) -> None:
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
    command.set_defaults(check=_check_prepare, run=_prepare)


def _add_titles(command: argparse.ArgumentParser) -> None:
    command.add_argument("--corpus", type=pathlib.Path, default=_BUNDLED)
    command.set_defaults(processes=1, check=lambda options: None, run=_titles)


def _add_report(command: argparse.ArgumentParser) -> None:
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
    command.set_defaults(check=_check_report, run=_report)


def _add_profiles(command: argparse.ArgumentParser) -> None:
    command.add_argument("--corpus", type=pathlib.Path, default=_BUNDLED)
    command.add_argument("--weights", type=pathlib.Path, default=pathlib.Path("weights"))
    command.set_defaults(processes=1, check=lambda options: None, run=_profiles)


def _check_prepare(options: argparse.Namespace) -> None:
    if options.name == "music21":
        if options.root or options.top or options.keep_versions:
            options.error("--from, --top and --keep-versions are for MIDI files, not for music21")
        if options.shards:
            options.error("--shards is for MIDI files, not for music21")
        return
    if options.name == "openscore" and (options.top or options.keep_versions or options.shards):
        options.error("--top, --keep-versions and --shards are for MIDI files, not for openscore")
    # Without this rule a user's own files would overwrite the bundled corpus.
    if not options.output:
        options.error(f"{options.name} needs --output FOLDER")
    if not options.root and options.name not in SCORES:
        options.error(f"{options.name} needs --from PATH")
    if options.include_restricted:
        options.error("--include-restricted is for music21 only")


def _check_report(options: argparse.Namespace) -> None:
    if options.root and options.corpus:
        options.error("--from is for MIDI files and --corpus for a prepared corpus: give one")
    if options.name in SCORES and options.root:
        options.error(f"--from is for MIDI files, not for {options.name}: use --corpus")
    if options.name != "music21" and not (options.root or options.corpus):
        options.error(f"{options.name} needs --from PATH or --corpus FOLDER")
    if not options.output and (options.root or options.corpus):
        options.error("--output FOLDER is needed, except for music21 as it is shipped")


def _prepare(options: argparse.Namespace) -> None:
    output = options.output or _BUNDLED
    make_folder(output)
    make_folder(options.cache, "--cache")
    with sole_writer(output):
        corpus, report = prepared(options, output)
    print("\n".join(report.lines()))
    counts = Counter(zip(corpus.piece_labels, corpus.splits, strict=True))
    for label in corpus.labels:
        sizes = [counts[label, split] for split in SPLITS]
        print(f"{label}: {sum(sizes)} pieces ({', '.join(SPLITS)}: {sizes})")


def prepared(
    options: argparse.Namespace, output: pathlib.Path
) -> tuple[Corpus | ShardedCorpus, Report]:
    """The corpus that was written, and the report on it."""
    reading = options.cache, options.processes
    if options.name == "music21":
        restricted, least = options.include_restricted, options.minimum_pieces
        corpus, report = prepare(*reading, restricted, least, options.scheduler)
        corpus.save(output, sources="music21/corpus")
    elif options.name == "openscore":
        least, scheduler = options.minimum_pieces, options.scheduler
        corpus, report = prepare_openscore(options.root, *reading, least, scheduler)
        corpus.save(output)
    else:
        selection, report = prepare_midi(
            options.root,
            LAYOUTS[options.name],
            *reading,
            options.scheduler,
            options.minimum_pieces,
            options.top,
            options.keep_versions,
        )
        if options.shards:
            corpus = selection.save(output)
        else:
            corpus = selection.corpus()
            corpus.save(output)
        report.save(output)
    return corpus, report


def _titles(options: argparse.Namespace) -> None:
    """Write the titles that are shown into the provenance table; no score is read."""
    old = Corpus.load(options.corpus)
    if any(MIDI_NAME.search(piece.source) for piece in old.pieces):
        raise ValueError(f"{options.corpus} is of MIDI files, which keep their names as titles")
    new = named(old)
    with sole_writer(options.corpus):
        write_titles(options.corpus, new.pieces)
    changed = sum(a.title != b.title for a, b in zip(old.pieces, new.pieces, strict=True))
    print(f"{options.corpus / PROVENANCE_FILE}: {changed} titles changed")


def _profiles(options: argparse.Namespace) -> None:
    """Write the metres and tempi of a model's labels into its ``prism.json``; the rest stays."""
    from prism.corpora.dataset import label_profiles
    from prism.models.pipeline import SETTINGS_FILE

    path = options.weights / SETTINGS_FILE
    settings = json.loads(path.read_text(encoding="utf-8"))
    stored = settings["labels"]
    corpus = load_corpus(options.corpus)
    if missing := sorted(set(stored) - set(corpus.labels)):
        raise ValueError(
            f"{options.corpus} lacks {', '.join(missing)}, which {path} has: expected the corpus "
            "that the model was trained on; name it with --corpus"
        )
    found = label_profiles(corpus)
    for label, profile in stored.items():
        order = [row[:2] for row in profile["time_signatures"]]
        # Where rows keep their places, most seeds draw the metre that they drew before.
        rows = found[label]["time_signatures"]
        rows.sort(key=lambda row, order=order: [*order, row[:2]].index(row[:2]))
    settings["labels"] = {label: stored[label] | found[label] for label in stored}
    write_text(path, json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
    changed = [label for label in stored if stored[label] != settings["labels"][label]]
    print(f"{path}: {len(changed)} of {len(stored)} labels changed: {', '.join(changed)}")


def _report(options: argparse.Namespace) -> None:
    make_folder(options.output or _BUNDLED_STUDY.parent)
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
