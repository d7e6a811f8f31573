"""The corpus study: figures worked out by hand, real files, and the one that the page shows."""

import dataclasses
import io
import json

import numpy as np
import pretty_midi
import pytest
from conftest import ROOT, make_piece

from prism.cli import corpora as command_line
from prism.corpora.facts import bar_changes, file_facts, piece_facts, polyphony
from prism.corpora.folder import FOLDER, NO_ARTIST
from prism.corpora.lakh import LAKH
from prism.corpora.prepared import Corpus
from prism.corpora.report import study_corpus, study_files
from prism.corpora.study import classes, study_of
from prism.music.midi import read_midi
from prism.music.midi_events import read_events


def file_of(pitches: list[int], metres: tuple = ((4, 4, 0.0),), tempo: float = 120.0) -> bytes:
    """A file with one half-second piano note a pitch, a flute that plays one, and a drum."""
    file = pretty_midi.PrettyMIDI(initial_tempo=tempo)
    file.time_signature_changes += [pretty_midi.TimeSignature(*metre) for metre in metres]
    for program, is_drum, notes in ((0, False, pitches), (73, False, [84]), (0, True, [38])):
        instrument = pretty_midi.Instrument(program, is_drum)
        instrument.notes += [
            pretty_midi.Note(80, pitch, i / 2, (i + 1) / 2) for i, pitch in enumerate(notes)
        ]
        file.instruments.append(instrument)
    content = io.BytesIO()
    file.write(content)
    return content.getvalue()


def chart(study, name: str) -> dict[str, int]:
    return dict(next(c.rows for c in study.charts if c.name == name))


def fact(study, name: str) -> str:
    return dict(study.facts)[name]


def melody(seed: int) -> list[int]:
    return np.random.default_rng(seed).integers(50, 80, 40).tolist()


@pytest.fixture
def lakh(tmp_path):
    """Two artists, one spelled in two ways; a second version, a broken file, a loose one."""
    files = {
        "Ada/Tune.mid": file_of(melody(1)),
        "Ada/Tune.1.mid": file_of(melody(2), ((3, 4, 0.0), (4, 4, 3.0), (3, 4, 9.0))),
        "ada/Other.mid": file_of([pitch + 3 for pitch in melody(1)]),
        "Bob/Song.mid": file_of(melody(4), tempo=90),
        "Bob/Broken.mid": file_of(melody(5))[:60],
        "loose.mid": file_of(melody(6)),
    }
    root = tmp_path / "clean_midi"
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_polyphony_counts_the_time_in_which_something_sounds():
    # Three ticks of one key, one of two, a rest of six, then three keys for two ticks.
    rows = [[0, 4, 60, 80], [3, 1, 64, 80], *([10, 2, pitch, 80] for pitch in (50, 60, 70))]
    assert polyphony(np.array(rows)) == pytest.approx((3 * 1 + 1 * 2 + 2 * 3) / 6)


@pytest.mark.parametrize(
    ("lengths", "changes"),
    [([96, 96, 96], 0), ([96, 96, 72, 72, 72, 96, 96], 2), ([96, 96, 24, 72, 96, 96], 0), ([], 0)],
)
def test_changes_of_bar_length_without_single_odd_bars(lengths, changes):
    assert bar_changes(np.cumsum([0, *lengths])) == changes


def test_classes_by_hand():
    assert classes([1, 2, 2, 3, 5, 900], (1, 2, 3, 8)) == (
        ("1", 1),
        ("2", 2),
        ("3–7", 2),
        ("8 and more", 1),
    )
    assert classes([0.5, 2.0], (0, 2, 4)) == (("0–2", 1), ("2–4", 1))
    assert classes([], (0, 2)) == ()


def test_a_file_tells_its_instruments_and_changes():
    content = file_of([60, 62, 64], ((3, 4, 0.0), (3, 4, 0.5), (6, 8, 1.0)))
    facts = file_facts(read_events(content))
    assert facts.instruments == {"Acoustic Grand Piano": 3, "Flute": 1, "Drums": 1}
    assert facts.metres == ("3/4", "6/8") and facts.tempi == 1
    piece = piece_facts(read_midi(content), facts)
    assert piece.notes == 4 and piece.span == 24 and piece.beats == 3
    # The flute sounds with the first of three piano notes.
    assert piece.polyphony == pytest.approx(4 / 3)


def test_a_study_of_files_by_hand(lakh):
    study = study_files(lakh, LAKH, processes=1)
    assert chart(study, "labels") == {"Ada": 3, "Bob": 1}
    assert chart(study, "label_sizes") == {"1": 1, "2": 0, "3": 1}
    assert chart(study, "instruments") == dict.fromkeys(
        ("Acoustic Grand Piano", "Drums", "Flute"), 4
    )
    assert chart(study, "instrument_notes")["Acoustic Grand Piano"] == 4 * 40
    assert chart(study, "tempo") == {"80–99": 1, "100–119": 0, "120–139": 3}
    assert chart(study, "metres") == {"4/4": 3, "3/4": 1}
    assert chart(study, "metre_changes") == {"0": 3, "1": 0, "2": 1}
    assert chart(study, "versions") == {"1": 2, "2": 1}
    assert sum(chart(study, "pitches").values()) == 4 * 41
    assert fact(study, "Exact copies, in any key") == "0 pieces"  # the flute stays where it is
    assert fact(study, "Near copies").startswith("2 pieces in 1 pairs")
    reasons = {file: reason for file, reason, _ in study.left_out}
    assert reasons == {"Bob/Broken.mid": "cut short", "loose.mid": NO_ARTIST}
    assert sum(chart(study, "left_out").values()) == 2


def test_the_order_of_reading_does_not_matter(lakh):
    assert study_files(lakh, LAKH, processes=1) == study_files(lakh, LAKH, processes=2)


def test_the_command_writes_figures_and_tables(lakh, tmp_path, capsys):
    out = tmp_path / "out"
    command_line.main(
        ["report", "folder", "--from", str(lakh), "--output", str(out), "--processes", "1"]
    )
    study = json.loads((out / "report.json").read_text(encoding="utf-8"))
    text = (out / "report.md").read_text(encoding="utf-8")
    assert study["name"] == FOLDER.name and "| Bob/Broken.mid | cut short |" in text
    for drawn in study["charts"]:
        section = text.split(f"## {drawn['title']}\n")[1].split("\n## ")[0]
        bars = [line.count("█") for line in section.splitlines() if line.startswith("| ")][1:]
        most = max(number for _, number in drawn["rows"])
        assert bars == [round(24 * number / most) for _, number in drawn["rows"]]
    assert "left out loose.mid: no artist folder" in capsys.readouterr().out


def test_a_prepared_corpus_says_what_it_does_not_record(corpus, tmp_path):
    corpus.save(tmp_path)
    study = study_corpus(Corpus.load(tmp_path), "mine")
    assert "instruments" not in {c.name for c in study.charts}
    assert study.notes[0].startswith("Which instruments played is not recorded")
    assert study.head[2:5] == ("train", "validation", "test")
    assert [row[:5] for row in study.labels] == [("Ada", 5, 3, 1, 1), ("Bob", 5, 3, 1, 1)]
    assert chart(study, "terms") == {"made for the tests": 10}
    assert chart(study, "kinds") == {"MusicXML": 10}


def test_versions_on_two_sides_of_the_split_are_counted():
    twins = [piece_facts(make_piece(name, seed=3)) for name in ("a", "b")]
    assert fact(study_of("x", twins, ["train", "test"]), "Near copies in two splits") == "1 pairs"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["lakh", "--output", "x"], "lakh needs --from PATH or --corpus FOLDER"),
        (["music21", "--from", "x", "--output", "y"], "--from is for MIDI files"),
        (["lakh", "--from", "x"], "--output FOLDER is needed"),
        (["lakh", "--from", "x", "--corpus", "y", "--output", "z"], "give one"),
    ],
)
def test_a_mistake_is_told(options, complaint, capsys):
    with pytest.raises(SystemExit):
        command_line.main(["report", *options])
    assert complaint in capsys.readouterr().err


def test_nothing_to_study_is_told(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit):
        command_line.main(
            ["report", "folder", "--from", str(tmp_path / "empty"), "--output", str(tmp_path)]
        )
    assert "expected at least one file with notes" in capsys.readouterr().err


def test_the_stored_study_is_of_the_bundled_corpus(bundled):
    stored = json.loads((ROOT / "assets" / "study.json").read_text(encoding="utf-8"))
    study = study_corpus(bundled, "music21")
    assert stored == json.loads(json.dumps(dataclasses.asdict(study))), "prism corpora report"
