"""OpenScore's scores: what their paths say, and a made-up song read through music21."""

from __future__ import annotations

import functools
import http.server
import tarfile
import threading
import zipfile

import pytest
from conftest import ROOT

from prism.cli import corpora as command_line
from prism.corpora import openscore
from prism.corpora.collections import collection_of
from prism.corpora.fetching import PinnedArchive, digest_of
from prism.corpora.openscore import parse_path, read_openscore, score_files, surnames
from prism.corpora.prepared import Corpus
from prism.music.metadata import corpus_words

DATA = ROOT.parent / "shared" / "data"
ARCHIVES = {name: DATA / f"openscore-{name}-mxl.tar.xz" for name in ("lieder", "string-quartets")}

CONTAINER = """<?xml version="1.0"?><container><rootfiles>
<rootfile full-path="score.xml"/></rootfiles></container>"""
MEASURES = 24


def song(first: int) -> str:
    """A voice in quarter notes over a piano's held octave, 4/4, at 72 quarters a minute."""
    parts = {"P1": [60 + (first + (first + 1) * step) % 12 for step in range(4)], "P2": [36, 48]}
    written = []
    for part, pitches in parts.items():
        measures = []
        for number in range(1, MEASURES + 1):
            begin = (
                "<attributes><divisions>1</divisions><time><beats>4</beats>"
                "<beat-type>4</beat-type></time></attributes>"
                '<direction><sound tempo="72"/><direction-type><metronome><beat-unit>quarter'
                "</beat-unit><per-minute>72</per-minute></metronome></direction-type></direction>"
            )
            notes = [
                note(pitch + number % 3, 4 if part == "P2" else 1, part == "P2" and place)
                for place, pitch in enumerate(pitches)
            ]
            inside = begin * (number == 1) + "".join(notes)
            measures.append(f'<measure number="{number}">{inside}</measure>')
        written.append(f'<part id="{part}">{"".join(measures)}</part>')
    names = "".join(f'<score-part id="{p}"><part-name>{p}</part-name></score-part>' for p in parts)
    return (
        f'<?xml version="1.0"?><score-partwise version="3.1"><part-list>{names}</part-list>'
        f"{''.join(written)}</score-partwise>"
    )


def note(pitch: int, length: int, above: object) -> str:
    step, alter = "CCDDEFFGGAAB"[pitch % 12], int(pitch % 12 in (1, 3, 6, 8, 10))
    return (
        f"<note>{'<chord/>' if above else ''}<pitch><step>{step}</step><alter>{alter}</alter>"
        f"<octave>{pitch // 12 - 1}</octave></pitch><duration>{length}</duration></note>"
    )


def write_mxl(path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("score.xml", text)


@pytest.mark.parametrize(
    ("path", "composer", "title", "source"),
    [
        (
            "Lieder-main/scores/Schubert,_Franz/Winterreise,_D.911/01_Gute_Nacht/lc5001.mxl",
            "Schubert, Franz",
            "Gute Nacht, from Winterreise, D.911",
            "OpenScore Lieder/Schubert,_Franz/Winterreise,_D.911/lc5001.mxl",
        ),
        (
            "Lieder-bca12/scores/Arne,_Thomas/_/Rule,_Britannia!/lc29.mxl",
            "Arne, Thomas",
            "Rule, Britannia!",
            "OpenScore Lieder/Arne,_Thomas/lc29.mxl",
        ),
        (
            "StringQuartets-main/scores/Bartók,_Béla/String_Quartet_No.1,_Op.7/sq72.mxl",
            "Bartók, Béla",
            "String Quartet No.1, Op.7",
            "OpenScore String Quartets/Bartók,_Béla/sq72.mxl",
        ),
    ],
)
def test_a_path_says_composer_title_and_source(path, composer, title, source):
    said = parse_path(path)
    assert (said.composer, said.title, said.source) == (composer, title, source)
    assert parse_path(path.replace(".mxl", ".mscx")) is None


def test_who_shares_a_surname_gets_an_initial():
    names = ["Schumann, Robert", "Schumann, Clara", "Hensel, Fanny", "Anonymous"]
    assert surnames(names) == {
        "Schumann, Robert": "R. Schumann",
        "Schumann, Clara": "C. Schumann",
        "Hensel, Fanny": "Hensel",
        "Anonymous": "Anonymous",
    }


def test_voice_and_piano_are_one_piece(tmp_path):
    write_mxl(tmp_path / "scores/Wolf,_Hugo/Lieder,_Op.1/2_Ein_Lied/lc7.mxl", song(0))
    (entry,) = score_files(tmp_path)
    (piece,) = read_openscore(entry)
    assert (piece.title, piece.label) == ("Ein Lied, from Lieder, Op.1", "Wolf, Hugo")
    assert piece.tempo == 72 and piece.time_signature == (4, 4) and len(piece.bars) == MEASURES
    # The first bar: pitches a semitone up, the octave held below.
    first = [tuple(row[:3]) for row in piece.notes if row[0] < 96]
    held, sung = [(0, 96, 37), (0, 96, 49)], [(24 * n, 24, 61 + n) for n in range(4)]
    assert first == [*held, *sung]
    assert collection_of(piece) == "Lieder,_Op.1"
    assert corpus_words(piece.source) == (
        "the corpus OpenScore Lieder (Wolf,_Hugo/Lieder,_Op.1/lc7.mxl)"
    )


def test_a_folder_with_archives_is_prepared(tmp_path, capsys):
    for place, composer in enumerate(("Wolf,_Hugo", "Schumann,_Clara")):
        for number in range(4):
            path = f"Lieder-main/scores/{composer}/_/Song_{number}/lc{place}{number}.mxl"
            write_mxl(tmp_path / "tree" / path, song(4 * place + number))
    broken = tmp_path / "tree/Lieder-main/scores/Wolf,_Hugo/_/Broken/lc99.mxl"
    broken.parent.mkdir()
    broken.write_bytes(b"no score")
    (tmp_path / "home").mkdir()
    with tarfile.open(tmp_path / "home" / "lieder.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "tree" / "Lieder-main", "Lieder-main")
    command_line.main(
        ["prepare", "openscore", "--from", str(tmp_path / "home"), "--minimum-pieces", "3"]
        + ["--output", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
        + ["--scheduler", "processes"]
    )
    corpus = Corpus.load(tmp_path / "out")
    assert corpus.labels == ("Schumann", "Wolf") and len(corpus.pieces) == 8
    assert {piece.terms for piece in corpus.pieces} == {"CC0 1.0, OpenScore"}
    assert "left out 1: music21 could not parse the file" in capsys.readouterr().out


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and counts what it is asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        """A file."""
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_) -> None:
        """Say nothing."""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A stand-in for the archives' home; its folder, and what it was asked for."""
    folder = tmp_path / "served"
    for place, composer in enumerate(("Wolf,_Hugo", "Schumann,_Clara")):
        for number in range(3):
            path = f"scores/{composer}/_/Song_{number}/lc{place}{number}.mxl"
            write_mxl(folder / "Lieder-abc" / path, song(4 * place + number))
    with zipfile.ZipFile(folder / "abc.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.mxl")):
            archive.write(file, file.relative_to(folder))
        archive.writestr("Lieder-abc/README.md", "no score")
    handler = type("Home", (Quiet,), {"asked": []})
    served = functools.partial(handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pin = PinnedArchive(
        "Lieder",
        f"http://127.0.0.1:{server.server_port}/abc.zip",
        digest_of(folder / "abc.zip", lambda path: path.endswith(".mxl")),
    )
    monkeypatch.setattr(openscore, "ARCHIVES", (pin,))
    yield folder, handler.asked
    server.shutdown()
    server.server_close()


def prepared(tmp_path) -> None:
    """Run the command that fetches."""
    command_line.main(
        ["prepare", "openscore", "--minimum-pieces", "3", "--output", str(tmp_path / "out")]
        + ["--cache", str(tmp_path / "cache"), "--scheduler", "processes"]
    )


def test_without_a_folder_the_scores_are_fetched_once(home, tmp_path):
    for _ in range(2):
        prepared(tmp_path)
    assert home[1] == ["/abc.zip"]
    assert len(Corpus.load(tmp_path / "out").pieces) == 6


def test_the_same_scores_packed_otherwise_are_the_same(home, tmp_path):
    with tarfile.open(tmp_path / "again.tar.xz", "w:xz") as archive:
        archive.add(home[0] / "Lieder-abc", "Lieder-main")
    (pin,) = openscore.ARCHIVES
    assert digest_of(tmp_path / "again.tar.xz", lambda p: p.endswith(".mxl")) == pin.digest


@pytest.mark.parametrize(
    ("fault", "said"),
    [("other", "is not what was expected (SHA"), ("broken", "no whole archive"), ("none", "404")],
)
def test_what_is_not_what_was_pinned_is_told_and_thrown_away(home, tmp_path, capsys, fault, said):
    served = home[0] / "abc.zip"
    if fault == "other":
        with zipfile.ZipFile(served, "a") as archive:
            archive.writestr("Lieder-abc/scores/Wolf,_Hugo/_/Another/lc99.mxl", "another")
    elif fault == "broken":
        served.write_bytes(served.read_bytes()[:2000])
    else:
        served.unlink()
    with pytest.raises(SystemExit):
        prepared(tmp_path)
    told = capsys.readouterr().err
    assert said in told and "--from" in told
    assert not list((tmp_path / "cache" / "archives").iterdir())


def test_a_folder_without_scores_is_told(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command_line.main(
            ["prepare", "openscore", "--from", str(tmp_path), "--output", str(tmp_path / "out")]
        )
    assert "holds no scores of OpenScore" in capsys.readouterr().err


@pytest.mark.skipif(not ARCHIVES["lieder"].is_file(), reason="needs shared/data")
def test_the_genuine_archives_are_read_as_they_lie_there():
    for path, pin in zip(ARCHIVES.values(), openscore.ARCHIVES, strict=True):
        assert digest_of(path, lambda name: parse_path(name) is not None) == pin.digest
    lieder, quartets = (list(score_files(path)) for path in ARCHIVES.values())
    assert (len(lieder), len(quartets)) == (1460, 122)
    said = [parse_path(entry.path) for entry in (*lieder, *quartets)]
    assert len({one.source for one in said}) == 1582
    labels = surnames(one.composer for one in said)
    assert {"Schubert", "Brahms", "R. Schumann", "C. Schumann", "Hensel", "Haydn"} <= set(
        labels.values()
    )
