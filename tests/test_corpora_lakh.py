"""Lakh clean_midi: names, versions and artists, by hand and at full scale where the list is."""

import csv
import lzma
import re
from collections import Counter, defaultdict

import pytest
from conftest import ROOT
from test_corpora_folder import prepared, song, tree

from prism.corpora import midi_preparation
from prism.corpora.lakh import LAKH, artist_key, merge_artists, parse_lakh
from prism.corpora.prepared import SPLITS

DATA = ROOT.parent / "shared" / "data" / "lakh-clean-sample"
LIST = DATA / "clean_midi_file_list.txt.xz"
SAMPLE = DATA / "clean_midi"
needs_list = pytest.mark.skipif(not LIST.is_file(), reason="needs shared/data")
needs_sample = pytest.mark.skipif(not SAMPLE.is_dir(), reason="needs shared/data")


@pytest.mark.parametrize(
    "path, artist, title",
    [
        ("ABBA/Dancing Queen.mid", "ABBA", "Dancing Queen"),
        ("ABBA/Dancing Queen.12.mid", "ABBA", "Dancing Queen"),
        ("clean_midi/ABBA/Dancing Queen.1.MID", "ABBA", "Dancing Queen"),
        ("./ABBA/Dancing Queen.mid", "ABBA", "Dancing Queen"),
        ("Dvorak/Waltz Op.54 Nr.7.mid", "Dvorak", "Waltz Op.54 Nr.7"),
        ("Dvorak/Waltz Op.54 Nr.7.2.mid", "Dvorak", "Waltz Op.54 Nr.7"),
        ("Prince/1999.mid", "Prince", "1999"),
        ("Prince/.1.mid", "Prince", ".1"),
        ('"Ellington/Take the ""A"" Train.mid"', "Ellington", 'Take the "A" Train'),
        ('"Ellington/Take the ""A"" Train.3.mid"', "Ellington", 'Take the "A" Train'),
        ('"""Weird Al"" Yankovic/Eat It.mid"', '"Weird Al" Yankovic', "Eat It"),
    ],
)
def test_names(path, artist, title):
    assert parse_lakh(path)[:2] == (artist, title)


@pytest.mark.parametrize(
    "one, other",
    [
        ("Phil Collins/Sussudio.mid", "Collins Phil/Sussudio.4.mid"),
        ("The Beatles/Let It Be.mid", "beatles/Let it be!.mid"),
        ("Mamas & Papas/Creeque Alley.mid", "The Mamas and Papas/Creeque Alley.1.mid"),
    ],
)
def test_versions_are_one_song(one, other):
    assert parse_lakh(one).song == parse_lakh(other).song


@pytest.mark.parametrize(
    "one, other",
    [
        ("ABBA/Waterloo.mid", "ABBA/Fernando.mid"),
        ("ABBA/Angel.mid", "Madonna/Angel.mid"),
        ("Dvorak/Waltz Nr.7.mid", "Dvorak/Waltz Nr.8.mid"),
        ("Zoo/日本.mid", "Zoo/東京.mid"),
        ("Zoo/!!!.mid", "Zoo/???.mid"),
    ],
)
def test_different_songs(one, other):
    assert parse_lakh(one).song != parse_lakh(other).song


@pytest.mark.parametrize(
    "spellings",
    [
        ["Phil Collins", "Collins Phil", "Collins, Phil", "COLLINS PHIL", "collins  phil."],
        ["The Beatles", "Beatles", "Beatles, The", "BEATLES The"],
        ["Morton Jelly Roll", "Jelly Roll Morton"],
        ["Céline Dion", "Celine Dion", "Ce\u0301line Dion"],
        ["The Lovin' Spoonful", "Lovin Spoonful"],
    ],
)
def test_spellings_of_one_artist(spellings):
    assert len(set(map(artist_key, spellings))) == 1


@pytest.mark.parametrize(
    "one, other",
    [
        ("Brown", "James Brown"),
        ("Bennett", "Tony Bennett"),
        ("The The", "Them"),
        ("Ann and Bob", "Bob and Ann"),
        ("Queen", "Queens"),
        ("!!!", "???"),
    ],
)
def test_different_artists(one, other):
    assert artist_key(one) != artist_key(other)


def test_the_label_is_the_best_spelling():
    counts = {
        "Collins Phil": 3,
        "Phil Collins": 1,
        "Gaye,Marvin": 5,
        "Marvin Gaye": 1,
        "TURNER TINA": 9,
        "Tina Turner": 2,
        "ABBA": 4,
    }
    labels = merge_artists(Counter(counts).elements())
    assert labels == {
        "Collins Phil": "Collins Phil",
        "Phil Collins": "Collins Phil",
        "Gaye,Marvin": "Marvin Gaye",
        "Marvin Gaye": "Marvin Gaye",
        "TURNER TINA": "Tina Turner",
        "Tina Turner": "Tina Turner",
        "ABBA": "ABBA",
    }


def made_tree(root):
    """Ten songs of one artist under two spellings, the first five in three versions."""
    files = {}
    for i in range(10):
        files[f"{('Collins Phil', 'Phil Collins')[i % 2]}/Song {i}.mid"] = song(i)
        for version in (1, 10) if i < 5 else ():
            files[f"Phil Collins/Song {i}.{version}.mid"] = song(100 * version + i)
    return tree(root / "clean_midi", files)


def test_one_version_a_song(tmp_path):
    corpus, report = prepared(made_tree(tmp_path), tmp_path, LAKH)
    assert corpus.labels == ("Phil Collins",) and len(corpus.pieces) == 10
    assert not any(re.search(r"\.\d+\.mid$", p.identifier) for p in corpus.pieces)
    assert Counter(item.reason for item in report.skipped) == {midi_preparation.ANOTHER_VERSION: 10}
    assert report.artists == {"Phil Collins": {"Collins Phil": 5, "Phil Collins": 15}}
    report.save(tmp_path)
    with (tmp_path / "artists.csv").open(encoding="utf-8") as file:
        assert [row["files"] for row in csv.DictReader(file)] == ["5", "15"]


def test_kept_versions_stay_on_one_side(tmp_path):
    corpus, report = prepared(made_tree(tmp_path), tmp_path, LAKH, keep_versions=True)
    assert len(corpus.pieces) == 20 and not report.skipped
    sides = defaultdict(set)
    for piece, side in zip(corpus.pieces, corpus.splits, strict=True):
        sides[piece.title].add(side)
    assert len(sides) == 10 and all(len(side) == 1 for side in sides.values())
    assert set.union(*sides.values()) == set(SPLITS)


def test_a_broken_first_version_gives_way_to_the_next(tmp_path):
    root = made_tree(tmp_path)
    (root / "Collins Phil" / "Song 0.mid").write_bytes(b"")
    corpus, _ = prepared(root, tmp_path, LAKH)
    assert "Phil Collins/Song 0.1.mid" in {piece.identifier for piece in corpus.pieces}
    assert len(corpus.pieces) == 10


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    """Index, artist, title, MD5 and path of every file."""
    with lzma.open(LIST, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def field(text: str) -> str:
    """A field of the list without its quoting, on one space."""
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = text[1:-1].replace('""', '"')
    return " ".join(text.split())


@needs_list
def test_every_name_of_the_whole_collection(rows):
    """The list's own artist and title columns, which the parser does not see, say the same."""
    wrong = []
    for _, artist, title, _, path in rows:
        name = parse_lakh(path)
        # File names were cut to 255 bytes.
        same = field(title) == name.title or len(name.title) > 200
        if field(artist) != name.artist or not same:
            wrong.append(path)
    assert len(rows) == 17_252 and wrong == []


@needs_list
def test_artists_of_the_whole_collection(rows):
    artists = [parse_lakh(path).artist for *_, path in rows]
    labels = merge_artists(artists)
    assert labels["Phil Collins"] == labels["Collins Phil"]
    assert labels["Drifters"] == "The Drifters" and labels["Gaye,Marvin"] == "Marvin Gaye"
    assert len(labels) == 2197 and len(set(labels.values())) == 2123
    assert len({parse_lakh(path).song for *_, path in rows}) == 10_092
    assert Counter(labels[artist] for artist in artists)["The Beatles"] == 783


@needs_sample
def test_the_sample_is_read(tmp_path):
    corpus, report = prepared(SAMPLE, tmp_path, LAKH, minimum_pieces=3)
    assert len(corpus.pieces) + len(report.skipped) == 120
    reasons = Counter(item.reason for item in report.skipped)
    assert reasons["a silence of more than 64 beats"] == 1
    assert reasons[midi_preparation.ANOTHER_VERSION] == 2
    assert "The Beatles" in corpus.labels and len(corpus.labels) == 6
    assert not any(side not in SPLITS for side in corpus.splits)
