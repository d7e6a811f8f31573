"""The prepared corpus: format, split, versions, and music21's own files."""

import csv
import dataclasses
import hashlib
from collections import Counter, defaultdict

import numpy as np
import pytest
from conftest import ROOT, make_piece

from prism.corpora import music21, preparation
from prism.corpora.files import CorpusError
from prism.corpora.prepared import Corpus
from prism.music.roll import KEYS, LOWEST_PITCH


def same(a, b) -> bool:
    fields = ("identifier", "title", "label", "source", "terms", "tempo", "time_signature")
    return (
        all(getattr(a, f) == getattr(b, f) for f in fields)
        and np.array_equal(a.notes, b.notes)
        and np.array_equal(a.bars, b.bars)
    )


def test_save_and_load(corpus, tmp_path):
    corpus.save(tmp_path)
    loaded = Corpus.load(tmp_path)
    assert loaded.splits == corpus.splits and loaded.labels == corpus.labels
    assert all(same(a, b) for a, b in zip(loaded.pieces, corpus.pieces, strict=True))


def test_same_pieces_same_bytes(corpus, tmp_path):
    digests = []
    for name in ("a", "b"):
        corpus.save(tmp_path / name)
        content = (tmp_path / name / "corpus.npz").read_bytes()
        digests.append(hashlib.sha256(content).hexdigest())
    assert digests[0] == digests[1] == Corpus.load(tmp_path / "a").digest


def test_the_provenance_table_says_where_the_sources_lie(corpus, tmp_path):
    for folder, file in (("", "Ada-0.xml"), ("scores/old", "scores/old/Ada-0.xml")):
        corpus.save(tmp_path, sources=folder)
        with (tmp_path / "provenance.csv").open(encoding="utf-8") as table:
            assert next(csv.DictReader(table))["file"] == file


def test_a_missing_corpus_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="prism corpora prepare"):
        Corpus.load(tmp_path)


@pytest.mark.parametrize("keep", [0, 10, 2000])
def test_a_damaged_corpus_is_explained(corpus, tmp_path, keep):
    corpus.save(tmp_path)
    path = tmp_path / "corpus.npz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="damaged"):
        Corpus.load(tmp_path)


def test_select(corpus):
    assert [p.identifier for p in corpus.select("test", ["Bob"])] == ["Bob-4"]
    assert len(corpus.select("train")) == 6
    with pytest.raises(ValueError, match="split: expected one of train, validation, test"):
        corpus.select("dev")
    with pytest.raises(ValueError, match="unknown \\['Zoe'\\]"):
        corpus.select("test", ["Zoe"])


def test_filters_name_their_reasons():
    short = make_piece("short", beats=8, seed=1)
    forbidden = make_piece("forbidden", terms="left out: embedded notice “x”", seed=2)
    twins = [make_piece("one", seed=3), make_piece("two", seed=3)]
    report = preparation.Report()
    corpus = preparation.assemble([short, forbidden, *twins], report, minimum_pieces=1)
    assert [p.identifier for p in corpus.pieces] == ["one"]
    assert {item.file: item.reason for item in report.skipped} == {
        "short": "fewer than 16 notes or 2 bars",
        "forbidden": "embedded notice forbids redistribution or commercial use",
        "two": "same notes as another piece",
    }


def test_small_labels_are_left_out_and_reported():
    pieces = [make_piece(f"a{i}", "Ada", seed=i) for i in range(9)]
    pieces += [make_piece("b0", "Bob", seed=50)]
    report = preparation.Report()
    corpus = preparation.assemble(pieces, report)
    assert corpus.labels == ("Ada",) and report.labels == [("Bob", 1)]


def test_versions_share_a_group():
    tune = make_piece("x", seed=1)
    higher = tune.notes + np.array([0, 0, 3, 0], np.int32)
    pieces = [
        make_piece("x", seed=1),
        make_piece("y", seed=2),
        make_piece("z", notes=higher),  # the same tune three semitones up
        make_piece("v", seed=4, title="The Wild Rover", source="a.abc"),
        make_piece("w", seed=5, title="Wild Rover, The -- Reel", source="b.abc"),
    ]
    assert preparation.group_versions(pieces) == ["x", "y", "x", "v", "v"]


def test_split_keeps_groups_whole_and_holds_a_tenth_out():
    labels = ["Ada"] * 100 + ["Bob"] * 9
    groups = [f"g{i // 2}" for i in range(100)] + [f"b{i}" for i in range(9)]
    sides = preparation.split_groups(labels, groups, ["Ada", "Bob"])
    by_group = defaultdict(set)
    for group, side in zip(groups, sides, strict=True):
        by_group[group].add(side)
    assert all(len(side) == 1 for side in by_group.values())
    assert Counter(sides[:100]) == {"train": 80, "validation": 10, "test": 10}
    assert Counter(sides[100:]) == {"train": 7, "validation": 1, "test": 1}
    assert sides == preparation.split_groups(labels, groups, ["Ada", "Bob"])


def test_bundled_corpus_is_large_enough_for_every_label(bundled):
    counts = defaultdict(Counter)
    for piece, side in zip(bundled.pieces, bundled.splits, strict=True):
        counts[piece.label][side] += 1
    assert len(bundled.labels) >= 10
    for label in bundled.labels:
        assert sum(counts[label].values()) >= preparation.MINIMUM_PIECES
        assert all(counts[label][side] for side in ("train", "validation", "test"))


def test_bundled_pieces_are_well_formed(bundled):
    for piece in bundled.pieces:
        start, duration, pitch, velocity = piece.notes.T
        assert (np.diff(start) >= 0).all() and (np.diff(piece.bars) > 0).all()
        assert (duration > 0).all() and ((velocity >= 1) & (velocity <= 127)).all()
        assert ((pitch >= LOWEST_PITCH) & (pitch < LOWEST_PITCH + KEYS)).all()


def test_no_held_out_piece_is_a_version_of_a_training_piece(bundled):
    groups = preparation.group_versions(bundled.pieces)
    sides = defaultdict(set)
    for group, side in zip(groups, bundled.splits, strict=True):
        sides[group].add(side)
    assert all(len(side) == 1 for side in sides.values())


def test_nothing_restricted_is_bundled(bundled):
    restricted = {c.label for c in music21.COLLECTIONS if c.restricted}
    assert restricted and not restricted & set(bundled.labels)
    assert not any(piece.terms.startswith("left out") for piece in bundled.pieces)


def test_provenance_lists_every_bundled_piece(bundled):
    with (ROOT / "assets" / "corpus" / "provenance.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["piece"] for row in rows] == [piece.identifier for piece in bundled.pieces]
    assert [row["split"] for row in rows] == list(bundled.splits)
    assert all(row["terms"] and row["file"] for row in rows)


def read(name: str):
    collections = [
        c
        for c in music21.COLLECTIONS
        if music21.corpus_root() / name in c.files(music21.corpus_root())
    ]
    return list(music21.read_file(music21.corpus_root() / name, collections[0]))


def test_a_chorale_with_a_pick_up():
    (piece,) = read("bach/bwv1.6.mxl")
    assert piece.label == "Bach" and piece.time_signature == (4, 4)
    assert piece.bars[:3].tolist() == [24, 120, 216]  # a pick-up of one beat, then bars of four
    assert piece.notes[0, 0] == 0


def test_repeats_are_written_out():
    (piece,) = read("ryansMammoth/42dHighlandRegimentStrathspey.abc")
    assert piece.ticks > 100 * 24  # printed length is 96 beats, played length 128


def test_repeat_signs_that_make_no_sense_are_passed_over(bundled):
    (piece,) = read("ryansMammoth/CrabsInTheSkilletJig.abc")
    assert piece.ticks == 80.5 * 24  # as printed; by its nested signs it would have 335.5 beats
    tune = next(p for p in bundled.pieces if p.identifier == "airdsAirs/book1.abc#102")
    assert tune.ticks // 24 == 160  # and this one 32,736


def test_metres_are_no_pick_up_bars(bundled):
    shortest = min(bundled.pieces, key=lambda p: p.time_signature[0] / p.time_signature[1])
    assert shortest.time_signature == (3, 8)
    assert max(piece.time_signature[1] for piece in bundled.pieces) <= 16


def test_the_bundle_holds_what_the_reader_reads(bundled):
    (piece,) = read("bach/bwv1.6.mxl")
    stored = next(p for p in bundled.pieces if p.identifier == piece.identifier)
    assert same(piece.with_title("Chorale, BWV 1.6"), stored)
    assert stored.source_title == piece.title == "bwv1.6"


def test_preparing_again_reads_the_cache_and_gives_the_same_bytes(tmp_path, monkeypatch):
    chorales = dataclasses.replace(music21.COLLECTIONS[0], pattern="bach/bwv1[0-2].*.mxl")
    monkeypatch.setattr(music21, "COLLECTIONS", (chorales,))
    options = {"minimum_pieces": 3, "scheduler": "processes"}
    first, _ = preparation.prepare(tmp_path / "cache", processes=1, **options)
    parsed = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    second, report = preparation.prepare(tmp_path / "cache", processes=2, **options)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()} == parsed
    assert len(first.pieces) >= 3 and not report.skipped
    assert first.pieces[0].title == "Meine Seel' erhebt den Herren, BWV 10.7"
    for name, corpus in (("a", first), ("b", second)):
        corpus.save(tmp_path / name)
    contents = [(tmp_path / name / "corpus.npz").read_bytes() for name in ("a", "b")]
    assert contents[0] == contents[1]


def test_a_broken_score_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken.mxl").write_bytes(b"not a score")
    monkeypatch.setattr(music21, "corpus_root", lambda: tmp_path)
    with pytest.raises(CorpusError, match="broken.mxl"):
        list(music21.read_file(tmp_path / "broken.mxl", music21.COLLECTIONS[0]))


@pytest.mark.parametrize(
    "notice, forbidden",
    [
        ("", False),
        ("Public Domain (Encoding by MSAC: CC0)", False),
        ("CC BY-SA 4.0", False),
        ("All Rights Reserved", True),
        ("For non-commercial use", True),
        ("UT ORPHEUS EDIZIONI 2003", True),
    ],
)
def test_notices(notice, forbidden):
    assert music21.is_forbidden(notice) is forbidden
