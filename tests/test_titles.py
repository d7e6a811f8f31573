"""The titles that are shown: worked out by hand from what music21's files say."""

import csv
import dataclasses
import json
import re

import pytest
from conftest import ROOT, make_piece

from prism.cli.corpora import main
from prism.corpora import titles
from prism.corpora.prepared import Corpus, write_titles
from prism.corpora.titles import display_title, named
from prism.service.loading import Loader
from prism.service.make_examples import SHIPPED_EXAMPLES, retitle
from prism.service.sources import CorpusSource

BUNDLED = ROOT / "assets" / "corpus"
QUARTET = "String Quartet"

# Piece, what its file says, what is shown.
TABLE = [
    ("bach/bwv33.6.mxl", "bwv33.6", "Allein zu dir, Herr Jesu Christ, BWV 33.6"),
    ("bach/bwv2.6.mxl", "bwv2.6", "Ach Gott, vom Himmel sieh' darein, BWV 2.6"),
    ("bach/bwv269.mxl", "bwv269", "Aus meines Herzens Grunde, BWV 269"),
    ("bach/bwv436.mxl", "bwv436", "Wie schön leuchtet der Morgenstern, BWV 436"),
    ("bach/bwv347.mxl", "bwv347", "Ich dank' dir, lieber Herre, BWV 347"),
    ("bach/bwv112.5-sc.mxl", "bwv112.5-sc", "Der Herr ist mein getreuer Hirt, BWV 112.5-sc"),
    ("bach/bwv66.6.mxl", "bwv66.6", "Chorale, BWV 66.6"),
    ("bach/bwv120.8-a.mxl", "bwv120.8-a", "Chorale, BWV 120.8-a"),
    ("bach/bwv846.mxl", "bwv846", "Prelude in C major, BWV 846"),
    ("haydn/opus1no1/movement1.mxl", "opus1no1/movement1", f"{QUARTET} Op. 1 No. 1, 1st movement"),
    ("mozart/k155/movement2.mxl", "Quartet No.2", f"{QUARTET} K. 155, 2nd movement"),
    ("mozart/k156/movement4.mxl", "156", f"{QUARTET} K. 156, 4th movement"),
    (
        "mozart/k545/movement1_exposition.mxl",
        "k545/movement1_exposition",
        "Piano Sonata K. 545, 1st movement (exposition)",
    ),
    ("beethoven/opus132.mxl", "String Quartet No15 Op 132", f"{QUARTET} Op. 132"),
    ("beethoven/opus18no3.mxl", "String Quartet Op18 No3", f"{QUARTET} Op. 18 No. 3"),
    (
        "beethoven/opus18no1/movement2.mxl",
        "op18_no1_mvmnt2_all",
        f"{QUARTET} Op. 18 No. 1, 2nd movement",
    ),
    (
        "beethoven/opus133.mxl",
        "String Quartet Op. 133 (Große Fuge)",
        f"{QUARTET} Op. 133 (Große Fuge)",
    ),
    ("monteverdi/madrigal.3.10.mxl", ".lV.L\"'!UCl'l.v .J.u,.:;l';'V", "Madrigal, Book 3 No. 10"),
    ("monteverdi/madrigal.3.1_old.mxl", "CANTO", "Madrigal, Book 3 No. 1 (older encoding)"),
    (
        "monteverdi/madrigal.3.12.mxl",
        "3.12: Perfidissimo Volto",
        "Perfidissimo Volto, Madrigal, Book 3 No. 12",
    ),
    ("trecento/Fava_Dicant_nunc_iudei.xml", "Dicant nunc Judei", "Dicant nunc Judei"),
    (
        "trecento/PMFC_04-Si dolce non sono.xml",
        "1 (151). Sì dolce non sonò",
        "Sì dolce non sonò, PMFC 4",
    ),
    (
        "trecento/PMFC_06_Giovanni-07_In_Sulla_Ripa.xml",
        "PMFC_06_Giovanni-07_In_Sulla_Ripa",
        "In Sulla Ripa, PMFC 6 Giovanni no. 7",
    ),
    ("trecento/PMFC_12_10b-Credo PMFC12.10b.xml", "10b. CREDO", "Credo, PMFC 12 no. 10b"),
    (
        "trecento/PMFC_24_21-O proles hispanie.xml",
        "Padu... serenans",
        "O proles hispanie, PMFC 24 no. 21",
    ),
    ("ryansMammoth/BlodgettsReel.abc", "BLODGETT'S -- REEL", "Blodgett's Reel"),
    ("ryansMammoth/GreenSleevesJig.abc", "GREEN SLEEVES -- JIG.", "Green Sleeves, Jig"),
    ("ryansMammoth/LeatherTheWigJig.abc", "LEATHER THE WIG- JIG", "Leather the Wig, Jig"),
    ("ryansMammoth/PothougeJig.abc", "POTHOUGE - JIG", "Pothouge, Jig"),
    ("ryansMammoth/MrsHogansGooseJig.abc", "Mrs Hogan's Goose -- jig", "Mrs Hogan's Goose, Jig"),
    ("ryansMammoth/BlackwaterReel.abc", "Blackwat:er -- Reel", "Blackwater, Reel"),
    ("ryansMammoth/BeebesHornpipe.abc", "T:Beebe's -- Hornpipe", "Beebe's Hornpipe"),
    ("ryansMammoth/CampMeetingJigNo2.abc", "CAMP-MEETING -- JIG No.2.", "Camp-Meeting, Jig No. 2"),
    ("ryansMammoth/CheeseItReel.abc", '"CHEESE IT!" -- REEL.', '"Cheese It!" Reel'),
    (
        "ryansMammoth/WalkAroundHeyDaddy.abc",
        'WALK AROUND. -- "HEY, DADDY."',
        'Walk Around: "Hey, Daddy"',
    ),
    ("ryansMammoth/ColMcBainsReel.abc", "COL. McBAIN'S -- REEL.", "Col. McBain's Reel"),
    ("ryansMammoth/HaveADrinkWithMe.abc", "VAUGHAN's FAVORITE -- JIG.", "Vaughan's Favorite, Jig"),
    ("ryansMammoth/HOnTheWabashJig.abc", "H -- ' on the Wabash -- Jig", "H— on the Wabash, Jig"),
    (
        "ryansMammoth/OldMotherGooseSlipjig.abc",
        "Old Mother Goose -- SlipJig",
        "Old Mother Goose, Slip Jig",
    ),
    ("miscFolk/northumbrianminstrelsyopus.abc#41", "Dol-Li-A", "Dol-Li-A"),
    ("airdsAirs/book1.abc#1", "The Ranting Highlandman.", "The Ranting Highlandman"),
    ("airdsAirs/book1.abc#137", "2d. Quick Step. 42d. Regt.", "2d Quick Step. 42d Regt"),
    ("airdsAirs/book3.abc#28", r"La Nov\'ell\'e Hol\'endoise.", "La Novéllé Holéndoise"),
    ("airdsAirs/book4.abc#27", "Col: Wemys's Reel", "Col: Wemys's Reel"),
    ("airdsAirs/book5.abc#55", "My Nannie, O,", "My Nannie, O"),
    ("airdsAirs/book6.abc#43", "Perth=Shire Hunt.", "Perth-Shire Hunt"),
    ("oneills1850/0051-0100.abc#28", "McLEAN'S LAMENTATION", "McLean's Lamentation"),
    ("oneills1850/0051-0100.abc#19", "O'CAROLAN'S LAMENT", "O'Carolan's Lament"),
    ("oneills1850/0301-0350.abc#1", "I'M MARRIED ONE YEAR TODAY", "I'm Married One Year Today"),
    ("oneills1850/0301-0350.abc#17", "A MAID WITHOUT A GOWN", "A Maid Without a Gown"),
    ("oneills1850/0201-0300.abc#61", "the Boy of My Heart", "The Boy of My Heart"),
]


@pytest.mark.parametrize("identifier, written, shown", TABLE)
def test_by_hand(identifier, written, shown):
    assert display_title(identifier, written) == shown


@pytest.mark.parametrize("written", ["", "  ", "...", "\\J.D. 'J..J..-"])
def test_what_nobody_can_read_is_called_untitled(written):
    name = "oneills1850/0101-0200.abc#23"
    assert display_title(name, written) == f"Untitled, {name}"


@pytest.fixture(scope="module")
def bundled() -> Corpus:
    return Corpus.load(BUNDLED)


def test_every_title_that_is_shipped_can_be_read(bundled):
    shown = [piece.title for piece in bundled.pieces]
    assert not [title for title in shown if title.isupper() or not title or title != title.strip()]
    assert not [title for title in shown if " -- " in title or re.search(r"[.,][\")]*$", title)]
    assert not [title for title in shown if re.search(r"\.mxl|_|\\|\bbwv|Untitled", title)]
    marks = {title: len(re.findall(r"[^\w\s'’,.-]", title)) for title in shown}
    assert max(marks.values()) <= 3, max(marks, key=marks.get)  # two quotation marks and one more


def test_the_table_is_true_of_the_pieces_that_are_shipped(bundled):
    pieces = {piece.identifier: piece for piece in bundled.pieces}
    for identifier, written, shown in TABLE:
        piece = pieces[identifier]
        assert (piece.source_title or piece.title, piece.title) == (written, shown)
    chorales = [piece.title for piece in bundled.pieces if piece.identifier.startswith("bach/bwv")]
    assert sum(title.startswith("Chorale,") for title in chorales) == 54 and len(chorales) == 407


def test_the_titles_that_are_shipped_are_those_that_preparation_makes(bundled):
    assert [p.title for p in named(bundled).pieces] == [p.title for p in bundled.pieces]


def of(title: str, **fields) -> Corpus:
    piece = make_piece("airdsAirs/a.abc#1", title=title, source="airdsAirs/a.abc", **fields)
    return Corpus((piece,), ("train",), ("Ada",))


def test_other_titles_make_no_other_corpus(tmp_path):
    corpus = of("THE MILL.")
    for name, pieces in (("plain", corpus), ("named", named(corpus))):
        pieces.save(tmp_path / name)
    plain, shown = (Corpus.load(tmp_path / name) for name in ("plain", "named"))
    assert plain.digest == shown.digest
    assert [c.pieces[0].title for c in (plain, shown)] == ["THE MILL.", "The Mill"]
    assert shown.pieces[0].source_title == "THE MILL." and not plain.pieces[0].source_title
    shown.save(tmp_path / "again")
    assert Corpus.load(tmp_path / "again").digest == shown.digest


def test_a_corpus_without_its_table_has_its_files_titles(tmp_path):
    named(of("THE MILL.")).save(tmp_path)
    (tmp_path / "provenance.csv").unlink()
    assert Corpus.load(tmp_path).pieces[0].title == "THE MILL."


def test_a_command_renews_the_titles_alone(tmp_path, capsys, monkeypatch):
    of("THE MILL.").save(tmp_path, sources="music21/corpus")
    notes = (tmp_path / "corpus.npz").read_bytes()
    main(["titles", "--corpus", str(tmp_path)])
    assert capsys.readouterr().out.endswith("provenance.csv: 1 titles changed\n")
    with (tmp_path / "provenance.csv").open(encoding="utf-8") as table:
        (row,) = csv.DictReader(table)
    assert row["title"] == "The Mill" and row["file"] == "music21/corpus/airdsAirs/a.abc"
    assert (tmp_path / "corpus.npz").read_bytes() == notes
    monkeypatch.setitem(titles._BY_HAND, "airdsAirs/a.abc#1", "The Old Mill")
    main(["titles", "--corpus", str(tmp_path)])
    piece = Corpus.load(tmp_path).pieces[0]
    assert (piece.title, piece.source_title) == ("The Old Mill", "THE MILL.")


def test_midi_files_keep_their_names(tmp_path, capsys):
    Corpus((make_piece("Ada/A.mid", source="Ada/A.mid"),), ("train",), ("Ada",)).save(tmp_path)
    with pytest.raises(SystemExit):
        main(["titles", "--corpus", str(tmp_path)])
    assert "MIDI files, which keep their names" in capsys.readouterr().err


def test_stored_examples_are_renamed_without_being_made_anew(bundled):
    stored = json.loads((ROOT / "assets" / "examples.json").read_text(encoding="utf-8"))
    example = next(e for e in stored["examples"] if e["name"] == "A Bach chorale")
    wanted = json.loads(json.dumps(example))
    example["pieces"]["corpus"]["title"] = "bwv414"
    amt = example["pieces"]["amt"]
    now = "Gott des Himmels und der Erden, BWV 248.53-5"
    assert f"opening of {now} (not played)" in amt["detail"]
    amt["detail"] = amt["detail"].replace(now, "bwv248.53-5")
    settings = SHIPPED_EXAMPLES[example["name"]]
    retitle(example, settings, CorpusSource(Loader(lambda: bundled)))
    assert example == wanted and set(SHIPPED_EXAMPLES) == {e["name"] for e in stored["examples"]}
    assert wanted["pieces"]["corpus"]["title"] == "Uns ist ein Kindlein heut' gebor'n, BWV 414"


def test_a_table_of_other_pieces_is_passed_over(tmp_path):
    of("THE MILL.").save(tmp_path)
    other = dataclasses.replace(make_piece("x"), title="Another")
    write_titles(tmp_path, [other])
    assert Corpus.load(tmp_path).pieces[0].title == "THE MILL."
