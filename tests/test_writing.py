"""Files that are whole or as they were, folders that can be written, one writer at a time."""

import pathlib
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, PitchClasses, make_piece

from prism.corpora import report
from prism.corpora.prepared import Corpus
from prism.corpora.sharded import Selection, load_corpus
from prism.corpora.shards import read_summaries, write_shard
from prism.drawing.rolls import save_contact_sheet
from prism.evaluation.ledger import Ledger
from prism.music import writing
from prism.music.writing import (
    WriteError,
    folder_beside,
    make_folder,
    sole_writer,
    write_atomic,
    write_table,
    write_text,
)
from prism.similarity.bands import RealPairs, measure_bands, save_bands
from prism.training.files import COLUMNS, StepLog

# Holds a folder until it is killed.
HOLDER = """
import pathlib, sys, time
from prism.music.writing import sole_writer
with sole_writer(pathlib.Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(60)
"""


def fill_disk(path: pathlib.Path, mark: str = "") -> pathlib.Path:
    """Make the next atomic write of a file fail as on a full disk."""
    partial = path.with_name(f"{path.name}{mark}.partial")
    partial.symlink_to("/dev/full")
    return partial


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "file"
    write_text(path, "one")

    def stopped(partial):
        partial.write_text("tw")
        raise OSError("disk full")

    with pytest.raises(WriteError, match="file cannot be written .disk full.; make room"):
        write_atomic(path, stopped)
    assert path.read_text() == "one" and list(tmp_path.iterdir()) == [path]
    write_text(path, "two")
    assert path.read_text() == "two" and list(tmp_path.iterdir()) == [path]


def test_a_table_by_hand(tmp_path):
    write_table(tmp_path / "t.csv", ("a", "b"), [(1, "x,y"), (2, "é")])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == 'a,b\n1,"x,y"\n2,é\n'


def corpus_of(seed: int) -> Corpus:
    pieces = tuple(make_piece(f"Ada-{i}", seed=seed + i) for i in range(3))
    return Corpus(pieces, ("train", "validation", "test"), ("Ada",))


def sharded(folder: pathlib.Path, seed: int) -> Selection:
    """A selection of one shard that lies beside `folder`."""
    shard = folder.parent / f"{seed}.shard"
    if not shard.is_file():
        write_shard(shard, corpus_of(seed).pieces, [])
    summaries, _ = read_summaries(shard, 0)
    return Selection(tuple(summaries), ("train", "validation", "test"), ("Ada",), (shard,))


def bands_of(seed: int) -> dict:
    return {"imagenet": measure_bands(PitchClasses(), RealPairs(corpus_of(seed)), 2)}


ROLLS = [make_piece("x", seed=seed).window() for seed in range(2)]
# What is written, by whom; the second time the disk is full.
WRITERS = {
    "corpus.npz": lambda folder, n: corpus_of(n).save(folder),
    "provenance.csv": lambda folder, n: corpus_of(n).save(folder),
    "corpus.index": lambda folder, n: sharded(folder, n).save(folder),
    "report.json": lambda folder, n: report.write_report(
        report.study_corpus(corpus_of(n), str(n)), folder
    ),
    "report.md": lambda folder, n: report.write_report(
        report.study_corpus(corpus_of(n), str(n)), folder
    ),
    "bands.json": lambda folder, n: save_bands(folder / "bands.json", bands_of(n)),
    "samples.png": lambda folder, n: save_contact_sheet([ROLLS[n]], ["x"], folder / "samples.png"),
    "rows.jsonl": lambda folder, n: Ledger(folder / "rows.jsonl", {"seed": 0}),
    "log.csv": lambda folder, n: StepLog(folder / "log.csv"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_loses_nothing_and_is_told_in_one_sentence(tmp_path, name):
    folder = tmp_path / "out"
    folder.mkdir()
    WRITERS[name](folder, 0)
    before = (folder / name).read_bytes()
    partial = fill_disk(folder / name)
    with pytest.raises(WriteError) as error:
        WRITERS[name](folder, 1)
    assert str(error.value) == (
        f"{folder / name} cannot be written (No space left on device); make room for it or choose "
        "another folder; what was there before is kept"
    )
    assert (folder / name).read_bytes() == before and not partial.is_symlink()
    WRITERS[name](folder, 1)


def test_a_corpus_is_still_read_after_the_disk_was_full(tmp_path):
    corpus_of(0).save(tmp_path)
    digest = load_corpus(tmp_path).digest
    fill_disk(tmp_path / "corpus.npz")
    with pytest.raises(WriteError):
        corpus_of(5).save(tmp_path)
    assert load_corpus(tmp_path).digest == digest


def test_a_shard_that_finds_no_room_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("prism.corpora.shards.os.getpid", lambda: 7)
    monkeypatch.setattr("prism.corpora.shards.os.uname", lambda: type("", (), {"nodename": "me"}))
    fill_disk(tmp_path / "x.shard", ".me-7")
    with pytest.raises(WriteError, match="x.shard cannot be written .No space left"):
        write_shard(tmp_path / "x.shard", [make_piece("x")], [])
    assert not list(tmp_path.iterdir())


def test_rows_that_find_no_room_are_told(tmp_path):
    log = StepLog(tmp_path / "log.csv")
    log.add(**dict.fromkeys(COLUMNS, 0.5))
    (tmp_path / "log.csv").unlink()
    (tmp_path / "log.csv").symlink_to("/dev/full")
    with pytest.raises(WriteError, match="log.csv cannot be written"):
        log.flush()


@pytest.mark.parametrize(
    "content", [b"", b"nonsense\n", b'{"seed": 0}\n{"run": 0\n', b"\x00\xff\n", b"[]\n"]
)
def test_a_damaged_ledger_is_named(tmp_path, content):
    (tmp_path / "rows.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match="rows.jsonl (is damaged|was begun with other)"):
        Ledger(tmp_path / "rows.jsonl", {"seed": 0})


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for path, reason in (("file", "File exists"), ("file/in/it", "Not a directory")):
        with pytest.raises(WriteError, match=f"cannot be made a folder .{reason}.; choose another"):
            make_folder(tmp_path / path)

    def read_only(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(writing.tempfile, "TemporaryFile", read_only)
    with pytest.raises(WriteError, match="cannot be written into .Read-only file system.; choose"):
        make_folder(tmp_path)


def test_a_folder_s_files_come_together_and_older_weights_go(tmp_path):
    def save(*names):
        with folder_beside(tmp_path) as folder:
            for name in names:
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(str(names))

    def there():
        return {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}

    parts = [f"dit/x-{i}-of-2.safetensors" for i in (1, 2)]
    other = tmp_path / "amt" / "own.safetensors"
    other.parent.mkdir()
    other.touch()
    save("dit/config.json", *parts, "dit/x.safetensors.index.json")
    save("dit/config.json", "dit/x.safetensors")
    expected = {"dit/config.json", "dit/x.safetensors", "amt/own.safetensors"}
    assert there() == expected
    before = (tmp_path / "dit/config.json").read_text()
    with pytest.raises(WriteError), folder_beside(tmp_path) as folder:
        (folder / "new.json").write_text("new")
        (folder / "dit").mkdir()
        (folder / "dit/config.json").write_text("new")
        raise OSError(28, "No space left on device")
    assert there() == expected and (tmp_path / "dit/config.json").read_text() == before


def test_one_writer_at_a_time_and_none_after_a_kill(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "in\n"
        with (
            pytest.raises(WriteError, match="another process is writing into .*; wait until it"),
            sole_writer(tmp_path),
        ):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with sole_writer(tmp_path):
        assert (tmp_path / writing.LOCK_FILE).is_file()
    assert not list(tmp_path.iterdir())
