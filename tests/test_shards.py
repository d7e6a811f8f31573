"""Shards and the corpus that is read from them."""

import json
import tracemalloc

import numpy as np
import pytest
import torch
from conftest import PitchClasses, make_piece, random_weights
from test_corpora import same
from test_corpora_folder import FAULTS, song, songs, tree

from prism.cli import corpora as command_line
from prism.cli import evaluate
from prism.corpora.dataset import (
    WindowSampler,
    another_sample,
    corpus_sample,
    label_profiles,
    prompt_sample,
)
from prism.corpora.files import LeftOut
from prism.corpora.folder import FOLDER
from prism.corpora.midi_preparation import prepare_midi
from prism.corpora.prepared import SPLITS, Corpus
from prism.corpora.report import study_corpus
from prism.corpora.scheduling import PROCESSES
from prism.corpora.sharded import Selection, ShardedCorpus, load_corpus
from prism.corpora.shards import read_piece, read_summaries, shard_name, write_shard
from prism.corpora.summaries import summarised
from prism.models.settings import GenerationSettings
from prism.music.windows import windows_of
from prism.service.bundle import open_bundle
from prism.service.loading import Loader
from prism.service.service import load_service
from prism.service.sources import CorpusSource
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.networks import ComposerNetwork, CorpusFeatures
from prism.ui.corpus import list_value


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[Corpus, ShardedCorpus]:
    """One collection, prepared in memory and in shards."""
    folder = tmp_path_factory.mktemp("both")
    files = songs("Ada", 7) | songs("Bob", 5, 20)
    files |= {"Ada/bad.mid": b"", "Bob/Song 4.1.mid": song(9)}
    root = tree(folder / "mine", files)
    cache = folder / "cache"
    selection, report = prepare_midi(root, FOLDER, cache, 1, PROCESSES, minimum_pieces=3)
    corpus = selection.corpus()
    selection, again = prepare_midi(root, FOLDER, cache, 1, PROCESSES, minimum_pieces=3)
    sharded = selection.save(folder / "out")
    assert report.skipped == again.skipped and report.skipped
    return corpus, sharded


def folder_of(sharded: ShardedCorpus):
    return sharded._index.parent


def test_a_shard_gives_its_pieces_back(tmp_path):
    bars = np.arange(0, 2400, 36, dtype=np.int32)
    jig = make_piece("one", seed=1, tempo=90.5, time_signature=(3, 8), bars=bars)
    pieces = [jig, make_piece("two é")]
    empty = make_piece("empty", notes=np.zeros((0, 4), np.int32), bars=np.zeros(0, np.int32))
    left_out = [LeftOut("bad.mid", "cut short", "by 3 bytes")]
    path = tmp_path / "x.shard"
    write_shard(path, [pieces[0], empty, pieces[1]], left_out)
    summaries, told = read_summaries(path, 7)
    assert told == left_out and [s.place for s in summaries] == [(7, 0), (7, 1), (7, 2)]
    assert all(same(read_piece(path, i), piece) for i, piece in zip((0, 2), pieces, strict=True))
    assert [s.windows for s in summaries] == [len(windows_of(pieces[0])), 0, 3]
    assert summaries[1].fault == "fewer than 16 notes or 2 bars" and not summaries[0].fault
    assert np.array_equal(summaries[0].sketch, summarised(pieces[0]).sketch)
    assert [p.name for p in tmp_path.iterdir()] == ["x.shard"]


def test_a_sharded_corpus_is_studied_like_one_in_memory(both):
    of_one, of_shards = (study_corpus(corpus, "mine") for corpus in both)
    assert of_shards.labels == of_one.labels and of_shards.head == of_one.head
    assert [c.rows for c in of_shards.charts] == [c.rows for c in of_one.charts]


def test_a_note_too_long_for_a_shard_is_left_out(tmp_path):
    notes = make_piece("x").notes.copy()
    notes[0, 1] = 40_000
    write_shard(tmp_path / "x.shard", [make_piece("x", notes=notes), make_piece("y")], [])
    summaries, left_out = read_summaries(tmp_path / "x.shard", 0)
    assert [s.identifier for s in summaries] == ["y"] and "too long" not in summaries[0].fault
    assert left_out[0].file == "x" and "longer than 32,767 ticks" in left_out[0].reason


def test_an_empty_shard(tmp_path):
    write_shard(tmp_path / "x.shard", [], [])
    assert read_summaries(tmp_path / "x.shard", 0) == ([], [])


@pytest.mark.parametrize("keep", [0, 4, 300, -10])
def test_a_damaged_shard_is_explained(tmp_path, keep):
    write_shard(tmp_path / "x.shard", [make_piece("x")], [])
    (tmp_path / "x.shard").write_bytes((tmp_path / "x.shard").read_bytes()[:keep])
    with pytest.raises(ValueError, match="x.shard is missing or damaged .* delete it"):
        read_piece(tmp_path / "x.shard", 0)


def test_shard_names_tell_files_apart():
    assert shard_name(["a", "b"]) == shard_name(["a", "b"])
    assert len({shard_name(s) for s in (["a", "b"], ["ab"], ["b", "a"], ["a"], [])}) == 5


def test_shards_hold_what_memory_holds(both):
    corpus, sharded = both
    assert sharded.labels == corpus.labels == ("Ada", "Bob")
    assert sharded.splits == list(corpus.splits) and sharded.piece_labels == corpus.piece_labels
    assert len(sharded.pieces) == len(corpus.pieces) == 13
    assert all(same(a, b) for a, b in zip(sharded.pieces, corpus.pieces, strict=True))
    for side in SPLITS:
        chosen = sharded.select(side, ["Bob"])
        names = [piece.identifier for piece in corpus.select(side, ["Bob"])]
        assert [piece.identifier for piece in chosen] == names
    assert same(sharded.pieces[-1], corpus.pieces[-1])
    with pytest.raises(IndexError):
        sharded.pieces[13]
    with pytest.raises(ValueError, match="unknown \\['Zoe'\\]"):
        sharded.select("test", ["Zoe"])


def test_training_draws_the_same_windows_in_the_same_order(both):
    corpus, sharded = both
    assert label_profiles(sharded) == label_profiles(corpus)
    here, there = WindowSampler(corpus), WindowSampler(sharded)
    assert [len(w) for w in here.windows] == [len(w) for w in there.windows]
    assert here.label_probability.tolist() == there.label_probability.tolist()
    for step in range(4):
        one, other = (sampler.batch(8, seed=3, step=step) for sampler in (here, there))
        assert torch.equal(one.rolls, other.rolls) and torch.equal(one.labels, other.labels)
        assert torch.equal(one.metre, other.metre)
    part = there.batch(8, seed=3, step=3, rows=slice(2, 5))
    assert torch.equal(part.rolls, other.rolls[2:5]) and torch.equal(part.metre, other.metre[2:5])
    assert [w.start_tick for w in there.windows[0]] == [
        there.windows[0][i].start_tick for i in range(len(there.windows[0]))
    ]
    every = [[w.start_tick for w in windows] for windows in there.windows]
    assert every == [[w.start_tick for w in windows] for windows in here.windows]


def test_held_out_music_is_compared_alike(both, tmp_path, monkeypatch):
    corpus, sharded = both
    corpus.save(tmp_path / "corpus")
    folders = {"one": tmp_path / "corpus", "shards": folder_of(sharded)}
    names = list(corpus.labels)
    monkeypatch.setattr(evaluate, "ImageNetFeatures", PitchClasses)
    bands = {}
    for kind, folder in folders.items():
        weights = tmp_path / kind / "weights"
        network = random_weights(ComposerNetwork(labels=2, width=8, feature_size=16))
        CorpusFeatures(network, names).save_pretrained(weights / "similarity")
        evaluate.main(
            ["bands", "--pairs-a-band", "3", "--corpus", str(folder), "--weights", str(weights)]
        )
        bands[kind] = json.loads((weights / "similarity" / "bands.json").read_text())
    assert bands["one"] == bands["shards"] and set(bands["one"]) == {"imagenet", "corpus"}


def test_the_page_s_service_reads_shards(both):
    corpus, sharded = both
    service = load_service(open_bundle().with_others(weights="none", corpus=folder_of(sharded)))
    found = service.corpus.get()
    assert isinstance(found, ShardedCorpus) and found.digest == sharded.digest
    assert list_value(found) == list_value(corpus)
    settings = GenerationSettings("Bob", seed=5)
    here, there = (CorpusSource(Loader(lambda c=c: c)) for c in (corpus, found))
    assert here.piece(settings).roll == there.piece(settings).roll
    one, other = (TrainingIndex(c).nearest(windows_of(corpus.pieces[0])[0].roll) for c in both)
    assert (one.piece.identifier, one.overlap) == (other.piece.identifier, other.overlap)
    sample = corpus_sample(corpus, ["Ada"], 3)
    for draw in (prompt_sample, another_sample):
        assert draw(corpus, sample, 3).roll == draw(found, sample, 3).roll


def test_memory_does_not_grow_with_the_notes(tmp_path):
    """Ten times the music: the same few pieces in memory, and an index."""
    peaks = {}
    for count in (40, 400):
        paths = [tmp_path / f"{count}-{i}.shard" for i in range(count // 20)]
        pieces = []
        for number, path in enumerate(paths):
            made = [make_piece(f"{number}/{i}", beats=400, seed=i) for i in range(20)]
            write_shard(path, made, [])
            pieces += read_summaries(path, number)[0]
        sides = ("train", "validation", "test", *["train"] * (count - 3))
        selection = Selection(tuple(pieces), sides, ("Ada",), tuple(paths))
        selection.save(tmp_path / str(count))
        peaks[count] = peak_bytes(tmp_path / str(count))
    whole = sum(piece.notes for piece in pieces) * 16
    assert peaks[400] - peaks[40] < whole / 20 and whole > 2**20


def peak_bytes(folder) -> int:
    """Of drawing twenty batches."""
    tracemalloc.start()
    sampler = WindowSampler(load_corpus(folder))
    for step in range(20):
        sampler.batch(2, seed=0, step=step)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_preparing_in_shards_from_the_command_line(tmp_path, capsys):
    files = songs("Ada", 4) | {"Ada/empty.mid": FAULTS["empty"][0]}
    root = tree(tmp_path / "mine", files)
    command_line.main(
        [
            "prepare",
            "folder",
            "--from",
            str(root),
            "--output",
            str(tmp_path / "out"),
            "--shards",
            "--cache",
            str(tmp_path / "cache"),
            "--minimum-pieces",
            "3",
            "--scheduler",
            "processes",
        ]
    )
    assert "Ada: 4 pieces" in capsys.readouterr().out
    for path in (tmp_path / "cache").iterdir():  # the output needs nothing from the cache
        path.write_bytes(b"") if path.stat().st_nlink == 1 else path.unlink()
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "corpus.index",
        "shards",
        "provenance.csv",
        "left_out.csv",
        "artists.csv",
        "duplicates.csv",
    }
    corpus = load_corpus(tmp_path / "out")
    assert isinstance(corpus, ShardedCorpus) and len(corpus.digest) == 64
    assert corpus.pieces[0].source == "mine/Ada/Song 0.mid"
    assert "empty.mid" in (tmp_path / "out" / "left_out.csv").read_text()


def test_a_folder_holds_the_corpus_written_last(tmp_path):
    write_shard(tmp_path / "a.shard", [make_piece("x")], [])
    summaries, _ = read_summaries(tmp_path / "a.shard", 0)
    selection = Selection(tuple(summaries), ("train",), ("Ada",), (tmp_path / "a.shard",))
    for _ in range(2):
        selection.save(tmp_path / "out")
        assert isinstance(load_corpus(tmp_path / "out"), ShardedCorpus)
        Corpus((make_piece("y"),), ("train",), ("Ada",)).save(tmp_path / "out")
        assert [piece.title for piece in load_corpus(tmp_path / "out").pieces] == ["y"]


def test_what_is_missing_or_damaged_is_explained(tmp_path, both):
    with pytest.raises(FileNotFoundError, match="no sharded corpus at .* --shards"):
        ShardedCorpus(tmp_path)
    with pytest.raises(FileNotFoundError, match="no prepared corpus"):
        load_corpus(tmp_path)
    shard = tmp_path / "a.shard"
    write_shard(shard, [make_piece("x")], [])
    summaries, _ = read_summaries(shard, 0)
    Selection(tuple(summaries), ("train",), ("Ada",), (shard,)).save(tmp_path / "out")
    (tmp_path / "out" / "shards" / "a.shard").unlink()
    with pytest.raises(FileNotFoundError, match="lacks 1 of 1 shards, such as a.shard; copy"):
        load_corpus(tmp_path / "out")
    (tmp_path / "out" / "corpus.index").write_bytes(json.dumps({}).encode())
    with pytest.raises(ValueError, match="damaged"):
        load_corpus(tmp_path / "out")
