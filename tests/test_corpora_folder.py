"""MIDI files of any tree or archive: names, faults, limits, policies, duplicates, the split."""

import csv
import os
import struct
import tarfile
import unicodedata
import zipfile
from collections import defaultdict

import numpy as np
import pytest
from conftest import make_piece

from prism.cli import corpora as command_line
from prism.corpora import duplicates, folder, midi_preparation, pop909, shards
from prism.corpora import files as midi_files
from prism.corpora.dataset import windows_by_label
from prism.corpora.files import CorpusError, LeftOut
from prism.corpora.midi_preparation import MidiReport, prepare_midi
from prism.corpora.prepared import SPLITS, Corpus
from prism.corpora.scheduling import PROCESSES
from prism.corpora.sharded import Selection
from prism.corpora.summaries import summarised
from prism.music.midi import write_midi
from prism.music.roll import Piece

END = b"\x00\xff\x2f\x00"


def song(seed: int, semitones: int = 0, velocity: int | None = None) -> bytes:
    """A 100-beat melody over a bass; the same seed gives the same tune."""
    notes = make_piece("x", seed=seed).notes + np.array([0, 0, semitones, 0], np.int32)
    if velocity:
        notes[:, 3] = velocity
    return write_midi(make_piece("x", notes=notes).window(frames=400))


def midi(events: bytes, division: int = 96, kind: int = 0) -> bytes:
    """A file of one track with these events."""
    track = events + END
    return struct.pack(">4sIHHH4sI", b"MThd", 6, kind, 1, division, b"MTrk", len(track)) + track


def delta(ticks: int) -> bytes:
    """A variable-length quantity."""
    digits = [ticks & 127]
    while ticks := ticks >> 7:
        digits.append(ticks & 127 | 128)
    return bytes(reversed(digits))


def struck(pitch: int, wait: int = 0, length: int = 96) -> bytes:
    return delta(wait) + bytes((0x90, pitch, 80)) + delta(length) + bytes((0x80, pitch, 0))


def tree(root, files: dict[str, bytes]):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def songs(artist: str, count: int, seed: int = 0) -> dict[str, bytes]:
    return {f"{artist}/Song {i}.mid": song(seed + i) for i in range(count)}


def prepared(root, tmp_path, layout=folder.FOLDER, **policy) -> tuple[Corpus, MidiReport]:
    cache = tmp_path / "cache"
    selection, report = prepare_midi(root, layout, cache, 1, PROCESSES, **policy)
    return selection.corpus(), report


def selected(pieces: list[Piece], **policy) -> tuple[Selection, MidiReport]:
    report = MidiReport()
    return midi_preparation.select(list(map(summarised, pieces)), report, **policy), report


def skipped(report: MidiReport) -> list[tuple[str, str]]:
    """What was left out, and why."""
    return [(item.file, item.reason) for item in report.skipped]


FAULTS = {
    "empty": (b"", "an empty file"),
    "truncated": (song(1)[:-30], "cut short"),
    "header only": (song(1)[:10], "cut short"),
    "wrong header": (b"RIFF" + song(1)[4:], "not a MIDI header Prism reads"),
    "text": (b"this is no MIDI file at all", "not a MIDI header Prism reads"),
    "type two": (midi(struck(60), kind=2), "not a MIDI header Prism reads"),
    "no division": (midi(struck(60), division=0), "not a MIDI header Prism reads"),
    "zero tempo": (
        midi(b"\x00\xff\x51\x03\x00\x00\x00" + struck(60) * 100),
        "a tempo of 0 microseconds a beat",
    ),
    "absurd tempo": (
        midi(b"\x00\xff\x51\x03\x00\x00\x01" + struck(60) * 100),
        "a tempo outside 10 to 1000",
    ),
    "ten hours": (midi(struck(60) + struck(60, wait=96 * 72_000)), "more than 4000 beats"),
    "an hour": (midi(struck(60) + struck(60, wait=96 * 4_100)), "more than 4000 beats"),
    "100,000 notes": (
        midi(b"".join(struck(30 + i % 60, length=1) for i in range(100_000))),
        "more than 50000 notes",
    ),
    "long note": (midi(struck(60, length=96 * 1_400)), "a note or rest of more than 1365 beats"),
    "long rest": (midi(struck(60, wait=96 * 1_400)), "a note or rest of more than 1365 beats"),
    "drums": (midi(b"\x00\x99\x24\x50\x60\x89\x24\x00"), "no notes but drums"),
    "large": (bytes(midi_files.MAX_FILE_BYTES + 1), f"more than {2**20} bytes"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault):
    content, reason = FAULTS[fault]
    result = folder.read_content(content)
    assert isinstance(result, LeftOut) and result.reason == reason


@pytest.mark.parametrize("wait", [b"\xff\xff\xff\xff\x7f", b"\x8f\xff\xff\xff\x7f", b"\xff" * 9])
def test_negative_and_endless_deltas_are_left_out(wait):
    result = folder.read_content(midi(struck(60) * 40 + wait + struck(62)[1:]))
    assert isinstance(result, LeftOut) and result.reason


def test_any_damage_is_read_or_left_out():
    rng = np.random.default_rng(0)
    good = np.frombuffer(song(1), np.uint8)
    results = []
    for _ in range(200):
        damaged = good.copy()
        places = rng.integers(14, len(good), 4)
        damaged[places] = rng.integers(0, 256, 4)
        results.append(folder.read_content(damaged.tobytes()))
    assert {type(result) for result in results} == {tuple, LeftOut}


def test_limits_let_an_ordinary_file_through():
    assert np.array_equal(
        folder.read_content(song(1))[0].notes[:, 2], make_piece("x", seed=1).notes[:, 2]
    )


@pytest.mark.parametrize(
    "path, artist, title",
    [
        ("Ada/Waltz.mid", "Ada", "Waltz"),
        ("Ada/1840/Book 2/Waltz.MIDI", "Ada", "Waltz"),
        ("./Ada/Waltz No. 2.Mid", "Ada", "Waltz No. 2"),
        ("Zoe\u0308/a\nb.mid", "Zoë", "a b"),
        ("Bad\udcff/x.mid", "Bad\ufffd", "x"),
    ],
)
def test_names(path, artist, title):
    assert folder.parse_name(path)[:2] == (artist, title)


@pytest.mark.parametrize("path", ["Waltz.mid", "../Waltz.mid", " /Waltz.mid"])
def test_no_artist(path):
    assert folder.parse_name(path) is None


def test_a_tree_becomes_pieces(tmp_path):
    files = songs("Ada", 3) | {"Ada/deep/er/Last.MIDI": song(7), "Ada/notes.txt": b"no"}
    corpus, report = prepared(tree(tmp_path / "mine", files), tmp_path, minimum_pieces=3)
    assert [p.title for p in corpus.pieces] == ["Song 0", "Song 1", "Song 2", "Last"]
    assert corpus.labels == ("Ada",) and set(corpus.splits) == set(SPLITS)
    assert {p.terms for p in corpus.pieces} == {"unknown: supplied by the user"}
    assert corpus.pieces[0].source == "mine/Ada/Song 0.mid"
    assert np.array_equal(corpus.pieces[3].notes[:, 2], make_piece("x", seed=7).notes[:, 2])
    assert not report.skipped


def archived(root, path):
    """The same tree as `path`, which says by its ending as what."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(root.rglob("*")):
                archive.write(file, file.relative_to(root))
    else:
        with tarfile.open(path, f"w:{path.suffix[1:]}") as archive:
            for file in sorted(root.iterdir(), reverse=True):
                archive.add(file, file.name)
    return path


@pytest.mark.parametrize("name", ["mine.zip", "mine.tar.gz", "mine.tar.xz"])
def test_an_archive_gives_what_its_tree_gives(tmp_path, name, monkeypatch):
    files = songs("Ada", 3) | songs("Bob", 4, 20) | {"Bob/bad.mid": b"", "Bob/dir.mid/x.txt": b""}
    root = tree(tmp_path / "mine", files)
    packed = archived(root, tmp_path / name)
    before = set(tmp_path.rglob("*"))
    found = [prepared(path, tmp_path, minimum_pieces=3) for path in (root, packed)]
    (first, first_report), (second, second_report) = found
    assert [p.identifier for p in first.pieces] == [p.identifier for p in second.pieces]
    assert first.splits == second.splits
    assert (
        sorted(skipped(first_report))
        == sorted(skipped(second_report))
        == [
            ("Bob/bad.mid", "an empty file"),
            ("Bob/dir.mid", "a folder or link, not a file"),
        ]
    )
    new = set(tmp_path.rglob("*")) - before - set((tmp_path / "cache").rglob("*"))
    assert new == {tmp_path / "cache"}


def test_a_folder_around_the_artists_is_no_artist_and_told(tmp_path):
    files = songs("Ada", 3) | {"Ada/bad.mid": b""}
    root = tree(tmp_path / "all", {f"music/{k}": v for k, v in files.items()})
    packed = archived(root, tmp_path / "all.zip")
    for path in (packed, root):
        corpus, report = prepared(path, tmp_path, minimum_pieces=3)
        assert corpus.labels == ("Ada",) and skipped(report) == [("Ada/bad.mid", "an empty file")]
        assert corpus.pieces[0].source.endswith("/Ada/Song 0.mid")
        assert report.lines()[0] == "around all artists, and so none of them: music/"
    _, report = prepared(root / "music", tmp_path, minimum_pieces=3)
    assert not any("around" in line for line in report.lines())


@pytest.mark.parametrize(
    "paths, wrapper",
    [
        (["a/m/b/c.mid", "a/m/d/e/f.mid"], "a/m/"),
        (["a/b/c.mid", "a/c.mid"], ""),
        (["a/b/c.mid", "b/b/c.mid"], ""),
        (["a/b/c.mid", "a/d/e.mid", "loose.mid"], "a/"),
        (["a/b/c.mid", "a/d/e.mid", "a/loose.mid"], "a/"),
        (["a/m/b/c.mid", "a/m/d/e.mid", "a/loose.mid"], "a/m/"),
        (["a/b/c.mid", "a/d/e.mid", "a/1.mid", "a/2.mid"], ""),  # a singer with two albums
        (["a/c.mid", "loose.mid"], ""),
        (["loose.mid"], ""),
        ([], ""),
    ],
)
def test_folders_around_the_artists(paths, wrapper):
    ignored = {"a/c.mid": midi_files.NO_FILE, "__MACOSX/a/._c.mid": midi_files.HIDDEN}
    files = [(path, None) for path in paths]
    files += [(path, LeftOut(path, reason)) for path, reason in ignored.items()]
    assert midi_files.artists_wrapper(files) == wrapper


BESIDE = ("__MACOSX/._Song.mid", "._Song 0.mid", ".Trashes/x.mid", "Ada/.git/x.mid")


@pytest.mark.parametrize("name", ["mine", "mine.zip", "mine.tar"])
def test_what_a_system_put_beside_the_music_is_named_and_not_read(tmp_path, name):
    files = songs("music/Ada", 3) | songs("music/Bob", 3, 20) | songs("music/.38 Special", 3, 40)
    files |= {f"music/{path}": song(60) for path in BESIDE}
    files |= {"music/Ada/.1.mid": song(70), "music/... More.mid": song(80), "demo.mid": song(90)}
    root = tree(tmp_path / "mine", files)
    packed = root / "music" if name == "mine" else archived(root, tmp_path / name)
    corpus, report = prepared(packed, tmp_path, minimum_pieces=3)
    assert corpus.labels == (".38 Special", "Ada", "Bob")
    assert "Ada/.1.mid" in {piece.identifier for piece in corpus.pieces}
    expected = {(path, midi_files.HIDDEN) for path in BESIDE}
    expected.add(("... More.mid", folder.NO_ARTIST))
    if name != "mine":
        expected.add(("demo.mid", folder.NO_ARTIST))
    assert set(skipped(report)) == expected
    assert "left out 4: hidden, or put there by the system" in report.lines()


def zip_of(path, names: list[bytes], windows: bool = False):
    """An archive whose members' names are these bytes, in no stated encoding."""
    with zipfile.ZipFile(path, "w") as archive:
        for i, name in enumerate(names):
            # The writer takes no bytes: names of the same length are put in afterwards.
            info = zipfile.ZipInfo(chr(65 + i) * len(name))
            info.create_system = 0 if windows else 3
            archive.writestr(info, song(i))
    content = path.read_bytes()
    for i, name in enumerate(names):
        content = content.replace(bytes([65 + i]) * len(name), name)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "encoding, names",
    [
        ("cp932", ["ソナタ/表.mid", "ドラゴンクエスト/序曲.mid", "嵐/夜.mid", "Queen/BGM集.mid"]),
        ("cp437", ["Béla Bartók/Für Kinder.mid", "Édith Piaf/Él.mid", "Noël/Köln.mid"]),
        ("utf-8", ["Dvořák/Humoreska.mid", "久石譲/Summer.mid", "Queen/Één.mid"]),  # a Mac's
        ("utf-8", ["Dvořák/Humoreska.mid", "Ada/x.mid"]),
    ],
)
def test_names_of_a_zip_are_decoded(tmp_path, encoding, names):
    packed = zip_of(tmp_path / "mine.zip", [name.encode(encoding) for name in names])
    found = list(midi_files.entries(packed))
    # A name of the Mac's is composed when it is taken apart.
    assert sorted(entry.path for entry in found) == sorted(names)
    labels = {folder.parse_name(entry.path).artist for entry in found}
    assert labels == {unicodedata.normalize("NFC", name.split("/")[0]) for name in names}
    assert all(entry.read().startswith(b"MThd") for entry in found)


@pytest.mark.parametrize("name", ["mine", "mine.tar.gz"])
def test_names_of_a_tree_that_are_not_utf_8_are_decoded(tmp_path, name):
    raw = {"嵐/夜.mid".encode("cp932"): song(1), "ソ.mid".encode("cp932"): song(3)}
    raw |= {"Bartók/Für dich.mid".encode("latin-1"): song(2)}
    root = tree(tmp_path / "mine", {os.fsdecode(path): data for path, data in raw.items()})
    packed = root if name == "mine" else archived(root, tmp_path / name)
    found = {entry.path: entry.read() for entry in midi_files.entries(packed)}
    expected = {"嵐/夜.mid": song(1), "Bartók/Für dich.mid": song(2), "ソ.mid": song(3)}
    assert found == expected


def test_backslashes_between_folders(tmp_path):
    paths = ["music\\Ada\\x.mid", "music\\Bob\\x.mid", "AC\\DC/x.mid"]
    for name, windows, last in (("a", False, "AC\\DC/x.mid"), ("b", True, "AC/DC/x.mid")):
        packed = zip_of(tmp_path / f"{name}.zip", [path.encode() for path in paths], windows)
        found = [entry.path for entry in midi_files.entries(packed)]
        assert found == [last, "music/Ada/x.mid", "music/Bob/x.mid"]
        assert midi_files.expected_files(packed) == 3
    root = tree(tmp_path / "mine", dict.fromkeys(paths, song(1)))
    for packed in (root, archived(root, tmp_path / "c.tar")):
        found = sorted(entry.path for entry in midi_files.entries(packed))
        assert found == ["AC\\DC/x.mid", "music/Ada/x.mid", "music/Bob/x.mid"]


def test_a_member_that_inflates_without_end_is_read_no_further_than_the_limit(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Ada/Bomb.mid", bytes(20 * 2**20))
    (content,) = [entry.read() for entry in midi_files.entries(tmp_path / "bomb.zip")]
    assert len(content) == midi_files.MAX_FILE_BYTES + 1


def test_pipes_broken_links_and_damaged_members_are_left_out(tmp_path):
    root = tree(tmp_path / "mine", {"Ada/Song.mid": song(1)})
    os.mkfifo(root / "Ada" / "pipe.mid")
    (root / "Ada" / "broken.mid").symlink_to(root / "nowhere")
    left_out = [e.file for e in midi_files.entries(root) if isinstance(e, LeftOut)]
    assert left_out == ["Ada/broken.mid", "Ada/pipe.mid"]
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.writestr("Ada/Song.mid", song(1))
    content = bytearray((tmp_path / "mine.zip").read_bytes())
    content[200] ^= 255
    (tmp_path / "mine.zip").write_bytes(content)
    (result,) = [midi_files.load(entry) for entry in midi_files.entries(tmp_path / "mine.zip")]
    assert result[:2] == ("Ada/Song.mid", "the file could not be opened")


@pytest.mark.parametrize("name", ["none", "text.zip", "cut.tar.gz"])
def test_a_root_that_cannot_be_read_is_explained(tmp_path, name):
    (tmp_path / "text.zip").write_bytes(b"no archive")
    packed = archived(tree(tmp_path / "mine", songs("Ada", 3)), tmp_path / "all.tar.gz")
    (tmp_path / "cut.tar.gz").write_bytes(packed.read_bytes()[:-900])
    with pytest.raises(CorpusError, match=name):
        list(map(midi_files.load, midi_files.entries(tmp_path / name)))


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(midi_files, "MAX_FILES", 2)
    with pytest.raises(CorpusError, match="more than 2 MIDI files"):
        list(midi_files.entries(tree(tmp_path / "mine", songs("Ada", 3))))


def test_minimum_and_top(tmp_path):
    files = songs("Ada", 6) | songs("Bob", 5, 20) | songs("Cleo", 4, 40) | songs("Dan", 2, 60)
    root = tree(tmp_path / "mine", files)
    assert prepared(root, tmp_path, minimum_pieces=3)[0].labels == ("Ada", "Bob", "Cleo")
    corpus, report = prepared(root, tmp_path, minimum_pieces=3, top=2)
    assert corpus.labels == ("Ada", "Bob") and report.labels == [("Cleo", 4), ("Dan", 2)]
    assert len(report.skipped) == 6
    with pytest.raises(CorpusError, match="no label has enough"):
        prepared(root, tmp_path, minimum_pieces=9)
    with pytest.raises(ValueError, match="top: expected at least 1, got 0"):
        prepared(root, tmp_path, top=0)
    with pytest.raises(ValueError, match="minimum_pieces: expected at least 3, .*; got 2"):
        prepared(root, tmp_path, minimum_pieces=2)


def test_a_label_without_a_side_of_the_split_is_left_out():
    pieces = [make_piece(f"Ada/{i}", seed=i, group=f"a{i}") for i in range(4)]
    pieces += [make_piece(f"Bob/{i}", "Bob", seed=20 + i, group="one song") for i in range(4)]
    corpus, report = selected(pieces, minimum_pieces=3, keep_versions=True)
    assert corpus.labels == ("Ada",) and report.labels == [("Bob", 4)]


def test_versions_of_a_song_stay_with_the_copy_that_was_left_out():
    tune = make_piece("x", seed=1).notes
    pieces = [
        make_piece("one", notes=tune, group="One"),
        make_piece("copy", notes=tune, group="Two"),
        make_piece("version", seed=2, group="Two"),
        *(make_piece(f"other {i}", seed=10 + i, group=f"other {i}") for i in range(3)),
    ]
    corpus, report = selected(pieces, minimum_pieces=3)
    groups = {piece.identifier: piece.group for piece in corpus.pieces}
    assert skipped(report) == [("copy", "same notes as another piece")]
    assert groups["version"] == groups["one"] and len(set(groups.values())) == 4


def varied(notes: np.ndarray) -> np.ndarray:
    """The same tune without its bass's last fifth, and with other note lengths."""
    kept = (notes[:, 2] >= 60) | (notes[:, 0] < 0.8 * notes[-1, 0])
    return notes[kept] - np.array([0, 3, 0, 0], np.int32)


def test_duplicates_by_content():
    first = make_piece("first", seed=1)
    higher = make_piece("higher", notes=first.notes + np.array([0, -2, 5, 10], np.int32))
    near = make_piece("near", notes=varied(first.notes))
    other = make_piece("other", seed=2)
    assert duplicates.content_key(first) == duplicates.content_key(higher)
    assert len({duplicates.content_key(p) for p in (first, near, other)}) == 3
    sketches = [duplicates.sketch(piece) for piece in (first, other, near)]
    assert duplicates.similar_pairs(sketches) == [(0, 2)]


def test_near_copies_share_a_group_and_are_reported():
    pieces = [make_piece(f"{i}", seed=i, group=f"song {i}") for i in range(4)]
    pieces.append(make_piece("near", notes=varied(pieces[2].notes), group="another name"))
    corpus, report = selected(pieces, minimum_pieces=3)
    assert [piece.group for piece in corpus.pieces] == ["0", "1", "2", "3", "2"]
    assert [(group, p.identifier) for group, p, _ in report.duplicates] == [
        ("2", "2"),
        ("2", "near"),
    ]
    assert report.duplicates[0][2] == report.duplicates[1][2]


def test_short_and_monotonous_pieces_are_no_duplicates():
    notes = make_piece("x").notes
    hammered = [make_piece(str(i), notes=notes[: 20 + i]) for i in range(2)]
    for piece in hammered:
        piece.notes[:, 2] = 60
    assert len(duplicates.sketch(hammered[0])) <= 2
    assert len(duplicates.sketch(make_piece("x", notes=notes[:5]))) == 0


def test_duplicates_are_reported_and_stay_on_one_side(tmp_path):
    files = songs("Ada", 20) | songs("Bob", 20, 40)
    files |= {f"Bob/Copy {i}.mid": song(i, semitones=2) for i in range(20)}
    files["Bob/Twin.mid"] = song(3)
    corpus, report = prepared(tree(tmp_path / "mine", files), tmp_path)
    sides = defaultdict(set)
    for group, _, side in report.duplicates:
        sides[group].add(side)
    assert len(report.duplicates) == 40 and len(sides) == 20
    assert all(len(side) == 1 for side in sides.values())
    assert set.union(*sides.values()) >= {"train", "test"}
    assert skipped(report) == [("Bob/Twin.mid", "same notes as another piece")]
    assert len(corpus.pieces) == 60


def test_preparing_again_reads_the_shards_and_gives_the_same_bytes(tmp_path):
    root = tree(tmp_path / "mine", songs("Ada", 5) | {"Ada/bad.mid": b"MThd"})
    first, _ = prepared(root, tmp_path, minimum_pieces=3)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    second, report = prepared(root, tmp_path, minimum_pieces=3)
    assert {path.suffix for path in kept} == {shards.SUFFIX}
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()} == kept
    assert skipped(report) == [("Ada/bad.mid", "cut short")]
    for name, corpus in (("a", first), ("b", second)):
        corpus.save(tmp_path / name)
    assert (tmp_path / "a/corpus.npz").read_bytes() == (tmp_path / "b/corpus.npz").read_bytes()


def test_a_file_that_changed_is_read_again(tmp_path):
    root = tree(tmp_path / "mine", songs("Ada", 4))
    prepared(root, tmp_path, minimum_pieces=3)
    tree(root, {"Ada/Song 2.mid": song(9), "Ada/Song 3.mid": b""})
    corpus, report = prepared(root, tmp_path, minimum_pieces=3)
    notes = {piece.title: piece.notes for piece in corpus.pieces}
    assert np.array_equal(notes["Song 2"], folder.read_content(song(9))[0].notes)
    assert skipped(report) == [("Ada/Song 3.mid", "an empty file")]


def test_a_compressed_archive_is_read_once(tmp_path, monkeypatch):
    packed = archived(tree(tmp_path / "mine", songs("Ada", 4)), tmp_path / "mine.tar.gz")
    opened = []
    whole = tarfile.open
    monkeypatch.setattr(midi_files.tarfile, "open", lambda *a: opened.append(a) or whole(*a))
    prepared(packed, tmp_path, minimum_pieces=3)
    assert len(opened) == 2  # to see that it is one, and to read it


def test_the_command_writes_a_corpus_that_training_reads(tmp_path, capsys):
    files = songs("Ada", 4) | {f"Ada/{name}.mid": data for name, (data, _) in FAULTS.items()}
    root = tree(tmp_path / "mine", files | {"loose.mid": song(9)})
    command_line.main(
        [
            "prepare",
            "folder",
            "--from",
            str(root),
            "--output",
            str(tmp_path / "out"),
            "--cache",
            str(tmp_path / "cache"),
            "--minimum-pieces",
            "3",
            "--processes",
            "1",
            "--scheduler",
            "processes",
        ]
    )
    corpus = Corpus.load(tmp_path / "out")
    assert all(windows_by_label(corpus, side)["Ada"] for side in SPLITS)
    with (tmp_path / "out" / "left_out.csv").open(encoding="utf-8") as file:
        table = {row["file"]: row["reason"] for row in csv.DictReader(file)}
    expected = {f"Ada/{name}.mid": reason for name, (_, reason) in FAULTS.items()}
    assert table == expected | {"loose.mid": "no artist folder above the file"}
    with (tmp_path / "out" / "provenance.csv").open(encoding="utf-8") as file:
        assert next(csv.DictReader(file))["file"] == "mine/Ada/Song 0.mid"
    assert "Ada: 4 pieces" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        ["folder"],
        ["folder", "--from", "x"],
        ["music21", "--top", "2"],
        ["--processes", "0"],
        ["lakh", "--from", "x", "--output", "y", "--include-restricted"],
        ["music21", "--shards"],
    ],
)
def test_the_command_refuses_what_makes_no_sense(options, capsys):
    with pytest.raises(SystemExit) as exit:
        command_line.main(["prepare", *options])
    assert exit.value.code == 2 and "error:" in capsys.readouterr().err


def test_pop909_names():
    assert pop909.parse_pop909("POP909/017/017.mid") == ("POP909", "017", "017")
    version = pop909.parse_pop909("POP909-Dataset/POP909/017/versions/017-v2.mid")
    assert version == ("POP909", "017-v2", "017")
    assert pop909.parse_pop909("POP909/readme.mid") is None


def test_pop909_takes_one_version_a_song(tmp_path):
    files = {f"POP909/{i:03d}/{i:03d}.mid": song(i) for i in range(4)}
    files["POP909/002/versions/002-v1.mid"] = song(50)
    root = tree(tmp_path / "mine", files)
    corpus, report = prepared(root, tmp_path, pop909.POP909, minimum_pieces=3)
    assert corpus.labels == ("POP909",) and len(corpus.pieces) == 4
    assert skipped(report) == [("002/versions/002-v1.mid", midi_preparation.ANOTHER_VERSION)]


def annotated(first: float, beats: int, bar: int, first_downbeat: int) -> bytes:
    """An annotation at tempo 120: a beat every half second."""
    return "".join(
        f"{first + b / 2} {float(b % 2 == 0)} {float((b - first_downbeat) % bar == 0)}\n"
        for b in range(beats)
    ).encode()


def late_waltz() -> bytes:
    """Quarter notes that begin 0.08 beats behind the file's beats, which are in 1/4."""
    return midi(
        b"\x00\xff\x58\x04\x01\x02\x18\x08"
        + struck(60, wait=4838, length=240)
        + struck(62, wait=240, length=240) * 40,
        480,
    )


@pytest.mark.parametrize("name", ["", "all.tar.gz", "all.zip"])
def test_pop909_takes_beats_and_bars_from_the_annotation(tmp_path, name):
    # The first note, at beat 10.08, lies on the annotation's third beat and first downbeat.
    files = {"POP909/001/001.mid": late_waltz()}
    files["POP909/001/beat_midi.txt"] = annotated(4.04, 46, bar=3, first_downbeat=2)
    root = tree(tmp_path / "mine", files)
    packed = archived(root, tmp_path / name) if name else root
    (entry,) = midi_files.entries(packed, pop909.POP909.companion)
    piece = folder.read_entry(entry, pop909.on_annotated_beats)
    assert piece.time_signature == (3, 4) and piece.notes[:3, 0].tolist() == [240, 264, 288]
    assert piece.bars[:3].tolist() == [240, 312, 384]
    plain = folder.read_entry(entry)
    assert plain.time_signature == (1, 4) and plain.notes[0, 0] == 242


@pytest.mark.parametrize("annotation", [b"", b"1 2\n3 4", b"a b c", b"1 0 0\n2 0 0", b"\xff"])
def test_an_annotation_that_makes_no_sense_is_a_reason(annotation):
    entry = midi_files.MidiFile("x", late_waltz, companion=lambda: annotation)
    result = folder.read_entry(entry, pop909.on_annotated_beats)
    assert result.reason == "its companion could not be read" and result.detail
