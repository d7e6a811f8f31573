"""A corpus report: the study of a prepared corpus or of the files themselves, written down."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections import Counter
from collections.abc import Iterable, Sequence

from prism.corpora.facts import PieceFacts, file_facts, piece_facts
from prism.corpora.files import (
    LeftOut,
    MidiFile,
    artists_wrapper,
    entries,
    expected_files,
    tidy,
)
from prism.corpora.folder import Layout, named_files, read_with_events
from prism.corpora.preparation import group_versions
from prism.corpora.prepared import Corpus
from prism.corpora.scheduling import PROCESSES, Results, batches, run
from prism.corpora.sharded import ShardedCorpus
from prism.corpora.study import Chart, Study, chart_of, largest, study_of
from prism.music.progress import ProgressBar
from prism.music.roll import Piece
from prism.music.writing import make_folder, table_text, write_json, write_text

REPORT_TEXT = "report.md"
REPORT_DATA = "report.json"
_BAR_LENGTH = 24
_MERGED = "Which instruments played is not recorded: a prepared corpus is merged to one piano."
_FROM_FILES = "Study the files themselves (--from) to see it."
_GENRE_TEMPO = (
    "Scores that name no tempo were given one by their genre, at which the tempi stand in peaks."
)
_KINDS = {
    ".mxl": "MusicXML",
    ".xml": "MusicXML",
    ".abc": "ABC",
    ".krn": "Humdrum",
    ".mid": "MIDI",
    ".midi": "MIDI",
}
_DEFAULT_VELOCITY = "Without a dynamic mark in its score a piece has one velocity, 80."


def study_corpus(corpus: Corpus | ShardedCorpus, name: str) -> Study:
    """Study a prepared corpus under a name; of a sharded one, one piece is in memory at a time."""
    facts, origins = [], []
    for piece in ProgressBar(_grouped(corpus), desc=name, unit="piece", total=len(corpus.pieces)):
        facts.append(piece_facts(piece))
        origins.append((piece.source, piece.terms))
    is_midi = any(source.lower().endswith((".mid", ".midi")) for source, _ in origins)
    return study_of(
        name,
        facts,
        corpus.splits,
        origin={"corpus_sha256": corpus.digest},
        charts=_origin_charts(origins),
        notes=(_MERGED, *((_FROM_FILES,) if is_midi else (_GENRE_TEMPO, _DEFAULT_VELOCITY))),
    )


def _grouped(corpus: Corpus | ShardedCorpus) -> Iterable[Piece]:
    """All pieces with their groups' names, which ``corpus.npz`` does not hold."""
    if isinstance(corpus, ShardedCorpus):
        return corpus.pieces
    groups = group_versions(corpus.pieces)
    return (
        dataclasses.replace(piece, group=group)
        for piece, group in zip(corpus.pieces, groups, strict=True)
    )


def _origin_charts(origins: Sequence[tuple[str, str]]) -> list[Chart]:
    """What the provenance, a source and terms a piece, tells of files and terms."""
    folders = Counter(source.split("/")[0] for source, _ in origins)
    kinds = Counter(_kind(source) for source, _ in origins)
    terms = Counter(terms for _, terms in origins)
    return [
        chart_of("sources", largest(folders, "other folders")),
        chart_of("kinds", largest(kinds, "others")),
        chart_of("terms", largest(terms, "other terms")),
    ]


def _kind(source: str) -> str:
    ending = pathlib.PurePosixPath(source.rstrip('"')).suffix.lower()
    return _KINDS.get(ending, ending or "no ending")


def study_files(root: str | os.PathLike, layout: Layout, processes: int = 2) -> Study:
    """Study a tree or archive of MIDI files; only a few numbers of each are kept in memory.

    Raises CorpusError if it cannot be read, ValueError if no file has notes.
    """
    root = pathlib.Path(root)
    found: Results = []
    bar = ProgressBar(total=expected_files(root), desc=layout.name, unit="file")
    with bar:
        for results in run(batches(entries(root)), read_facts, _results, (PROCESSES, processes)):
            found += results
            bar.update(len(results))
    named, left_out = named_files(layout, artists_wrapper(found), found)
    facts = [
        dataclasses.replace(piece, identifier=path, label=name.artist, song=tidy(name.song))
        for path, name, piece in named
    ]
    if layout.merge_artists:
        labels = layout.merge_artists([piece.label for piece in facts])
        facts = [dataclasses.replace(piece, label=labels[piece.label]) for piece in facts]
    reasons = Counter(entry.reason for entry in left_out)
    return study_of(
        layout.name,
        facts,
        origin={"files": f"{len(found):,}"},
        charts=[chart_of("left_out", largest(reasons, "other reasons"))] if left_out else [],
        left_out=tuple(sorted(map(tuple, left_out))),
    )


def read_facts(entry: MidiFile) -> PieceFacts | LeftOut:
    """One file's facts, still without a name, or why it has none."""
    found = read_with_events(entry)
    if isinstance(found, LeftOut):
        return found
    piece, events = found
    return piece_facts(piece, file_facts(events))


def _results(batch: tuple, results: Results) -> Results:
    return results


def save_study(study: Study, path: pathlib.Path) -> None:
    """Write a study as JSON."""
    make_folder(path.parent)
    write_json(path, dataclasses.asdict(study))


def write_report(study: Study, folder: pathlib.Path) -> None:
    """Write ``report.md`` and ``report.json`` into a folder."""
    save_study(study, folder / REPORT_DATA)
    write_text(folder / REPORT_TEXT, report_text(study))


def report_text(study: Study) -> str:
    """The report in Markdown."""
    parts = [f"# Corpus study: {study.name}", *study.notes]
    parts.append(table_text(("figure", "value"), study.facts))
    parts += [part for chart in study.charts for part in _chart_parts(chart)]
    parts += ["## Composers and artists, one by one", table_text(study.head, study.labels)]
    if study.left_out:
        parts += ["## Files left out", table_text(("file", "reason", "in detail"), study.left_out)]
    return "\n\n".join(parts) + "\n"


def _chart_parts(chart: Chart) -> list[str]:
    """A chart as a table, with a bar of characters in each row."""
    numbers = [number for _, number in chart.rows]
    total, most = sum(numbers) or 1, max(numbers, default=0) or 1
    rows = [
        (name, f"{n:,}", f"{100 * n / total:.1f} %", "█" * round(_BAR_LENGTH * n / most))
        for name, n in chart.rows
    ]
    return [f"## {chart.title}", chart.about, table_text(("", chart.unit, "share", ""), rows)]
