"""Words to settings: phrases as visitors type them, with what they should set by hand."""

from __future__ import annotations

import json

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from prism.models.setting_types import Offered
from prism.models.settings import SETTINGS, GenerationSettings
from prism.music.attributes import ATTRIBUTES
from prism.service.describe import describe

IRISH = ["Irish airs", "Irish jigs", "Irish reels", "Irish hornpipes and marches"]
CLASSICS = ["Haydn", "Mozart", "Beethoven"]
COLLECTIONS = ("Aird's Airs", "Chorales", "Madrigals", "String quartets")


def bundled() -> Offered:
    """The labels and attributes of the shipped model, without loading it."""
    known = json.loads((ROOT / "weights" / "prism.json").read_text(encoding="utf-8"))
    values = {name: attribute.values for name, attribute in ATTRIBUTES.items()}
    return Offered(list(known["labels"]), values | {"collection": COLLECTIONS})


OFFERED = bundled()
PLAIN = Offered(OFFERED.composers, {})


def by(*composers: str, weights=None, **others) -> dict:
    """Composers with weights, 50 each without, and other settings."""
    mix = {"composers": [*composers], "weights": weights or [50] * len(composers)}
    return mix | others


# What is said, what it sets, and what could not be used.
PHRASES = [
    # Several settings at once.
    (
        "a soft, sparse waltz in A minor, like Bach with a little Irish reel",
        by(
            *("Bach", "Irish reels"),
            weights=[80, 20],
            **{"metre": "3/4", "key": "A minor", "density": "sparse", "character": "soft"},
        ),
    ),
    (
        "Something calm and low by Haydn, andante, 3/4, guidance 3, seed 7",
        by("Haydn", character="soft", register="low", tempo=84, metre="3/4")
        | {"guidance_scale": 3, "seed": 7},
    ),
    (
        "Mozart in B flat major, 96 bpm, 32 steps",
        by("Mozart", key="B♭ major", tempo=96) | {"num_inference_steps": 32},
    ),
    (
        "a dramatic march on the organ",
        by("Irish hornpipes and marches", metre="4/4", character="dramatic", instrument="organ"),
    ),
    ("", {}),
    ("please play me something nice", {}),
    # Composers, their shares, and groups of them.
    ("Bach", by("Bach")),
    ("bach's music", by("Bach")),
    ("J. S. Bach", by("Bach")),
    ("Johann Sebastian Bach", by("Bach")),
    ("Bach and Mozart", by("Bach", "Mozart")),
    ("half Bach, half Mozart", by("Bach", "Mozart", weights=[50, 50])),
    ("70 % Bach and Haydn", by("Bach", "Haydn", weights=[70, 30])),
    ("Bach 70%, Mozart 30%", by("Bach", "Mozart", weights=[70, 30])),
    ("Bach -70%, Mozart -30%", by("Bach", "Mozart", weights=[70, 30])),
    ("mostly Bach with a touch of Monteverdi", by("Bach", "Monteverdi", weights=[75, 20])),
    ("mainly Haydn, Mozart", by("Haydn", "Mozart", weights=[75, 25])),
    ("Mozart with some Beethoven", by("Mozart", "Beethoven", weights=[60, 40])),
    ("a hint of O'Carolan in Bach", by("O'Carolan", "Bach", weights=[20, 80])),
    ("two thirds Haydn and one third Mozart", by("Haydn", "Mozart", weights=[67, 33])),
    ("equal parts Bach, Mozart and Haydn", by("Bach", "Mozart", "Haydn")),
    ("mostly Bach", by("Bach", weights=[75])),
    ("Irish", by(*IRISH)),
    ("Irish but no reels", by(*(label for label in IRISH if label != "Irish reels"))),
    ("Bach with a touch of jig", by("Bach", "Irish jigs", weights=[80, 20])),
    ("Viennese classics", by(*CLASSICS)),
    ("Viennese classics without Mozart", by("Haydn", "Beethoven")),
    ("American fiddle tunes", by("American fiddle tunes")),
    ("Northumbrian", by("Northumbrian tunes")),
    ("medieval", by("Trecento")),
    # Dances and kinds of pieces; what they suggest gives way.
    ("a waltz", {"metre": "3/4"}),
    ("a jig", by("Irish jigs", metre="6/8")),
    ("slip jig", by("Irish jigs", metre="9/8")),
    ("a reel", by("Irish reels", metre="2/2")),
    ("hornpipe", by("Irish hornpipes and marches", metre="2/2")),
    ("polka", by("American fiddle tunes", metre="2/4")),
    ("a minuet", by("Haydn", "Mozart", metre="3/4")),
    ("a minuet by Beethoven", by("Beethoven", metre="3/4")),
    ("a Scottish jig", by("Scottish airs", metre="6/8")),
    ("a jig in 9/8", by("Irish jigs", metre="9/8")),
    ("Strathspey", by("Scottish airs", metre="4/4")),
    ("a chorale", by("Bach", collection="Chorales")),
    ("a string quartet by Haydn", by("Haydn", collection="String quartets")),
    ("a lullaby", {"character": "soft", "tempo": 66}),
    ("a fast lullaby", {"character": "soft", "tempo": 144}),
    # Metre.
    ("in three four time", {"metre": "3/4"}),
    ("six-eight", {"metre": "6/8"}),
    ("alla breve", {"metre": "2/2"}),
    ("12/8", {"metre": "12/8"}),
    # Keys in English, German, French, Italian, Spanish.
    ("in C", {"key": "C major"}),
    ("in A", {"key": "A major"}),
    ("in a hurry", {}, "hurry"),
    ("key of F sharp minor", {"key": "F♯ minor"}),
    ("E♭ major", {"key": "E♭ major"}),
    ("Bb major", {"key": "B♭ major"}),
    ("F#m", {"key": "F♯ minor"}),
    ("in minor", {"key": "A minor"}),
    ("in a major key", {"key": "C major"}),
    ("a-Moll", {"key": "A minor"}),
    ("H-Dur", {"key": "B major"}),
    ("B-Dur", {"key": "B♭ major"}),
    ("Cis-Dur", {"key": "D♭ major"}),
    ("es-Moll", {"key": "E♭ minor"}),
    ("As-Dur", {"key": "A♭ major"}),
    ("la mineur", {"key": "A minor"}),
    ("en ut majeur", {"key": "C major"}),
    ("si bémol majeur", {"key": "B♭ major"}),
    ("fa dièse mineur", {"key": "F♯ minor"}),
    ("la minore", {"key": "A minor"}),
    ("mi bemolle maggiore", {"key": "E♭ major"}),
    ("do mayor", {"key": "C major"}),
    ("re menor", {"key": "D minor"}),
    ("sad", {"key": "A minor"}),
    ("a sad tune in C major", {"key": "C major"}, "sad"),
    # Tempo.
    ("fast", {"tempo": 144}),
    ("very fast", {"tempo": 176}),
    ("adagio", {"tempo": 66}),
    ("allegro ma non troppo", {"tempo": 112}),
    ("presto", {"tempo": 176}),
    ("tempo of 72", {"tempo": 72}),
    ("at 120", {"tempo": 120}),
    ("slow, then fast", {"tempo": 144}, "slow"),
    # The other attributes, with their own words and with others.
    ("low register and few notes", {"register": "low", "density": "sparse"}),
    ("bright and busy", {"register": "high", "density": "dense"}),
    ("medium density", {"density": "medium"}),
    ("moderate character, moderate tempo", {"character": "moderate", "tempo": 100}),
    ("very repetitive", {"repetition": "much"}),
    ("little repetition", {"repetition": "little"}),
    ("no repetition", {"repetition": "none"}),
    ("structure scale 0.5", {"structure_scale": 0.5}),
    ("exaggerated, on a harpsichord", {"guidance_scale": 5, "instrument": "harpsichord"}),
    ("music box", {"instrument": "music box"}),
    ("violins", {"instrument": "strings"}),
    ("AMT accompanies", {"amt_start": "melody"}),
    # Forms: by their letters and by their names.
    ("in AABA form", {"form": "AABA"}),
    ("form ABA", {"form": "ABA"}),
    ("AABB, by Bach", by("Bach", form="AABB")),
    ("aaba", {"form": "AABA"}),
    ("the form is aab", {"form": "AAB"}),
    ("in AB form, in A-B", {"form": "AB", "key": "A major"}, "B"),
    ("structure: ABACABA", {"form": "ABACABA"}),
    ("AA'BA form", {"form": "AABA"}),
    ("A-B-A, a-Moll", {"form": "ABA", "key": "A minor"}),
    ("A A B A", {"form": "AABA"}),
    ("in form A B A, by Bach", by("Bach", form="ABA")),
    ("a piece of form A B A C A in A", {"form": "ABACA", "key": "A major"}),
    ("in A, B minor", {"key": "B minor"}, "in A"),
    ("128 beats of Bach", by("Bach", beats=128)),
    ("100 beats long, 90 beats per minute", {"beats": 100, "tempo": 90}),
    ("a rondo", {"form": "ABACA"}),
    ("a rondo in AABA form", {"form": "AABA"}, "rondo"),
    ("ternary", {"form": "ABA"}),
    ("da capo", {"form": "ABA"}),
    ("binary form", {"form": "AABB"}),
    ("fast, with verse and chorus", {"form": "ABAB", "tempo": 144}),
    ("a minuet and trio by Bach", by("Bach", metre="3/4", form="ABA")),
    ("strong form", {"structure_scale": 1}),
    ("form 0.5", {"structure_scale": 0.5}),
    # What is no form, however near it looks.
    ("like Abba", {}, "Abba"),
    ("ABBA in form ABBA", {"form": "ABBA"}, "ABBA"),
    ("Bach in bad form", by("Bach"), "bad"),
    ("B-A-C-H", by("Bach")),
    ("AB", {}, "AB"),
    ("CABA form", {}, "CABA"),
    (f"form {'AAB' * 22}", {}, f"form {'AAB' * 22}"),
    # Negation.
    ("not AABA", {}, "not AABA"),
    ("no rondo", {}, "no rondo"),
    ("not in AABA form but ABA", {"form": "ABA"}),
    ("ABA, not AABA", {"form": "ABA"}),
    ("AABA, not in AABA form", {"form": "AABA"}, "not in AABA form"),
    ("not a waltz, in 4/4", {"metre": "4/4"}),
    ("not fast", {"tempo": 100}),
    ("not too slow", {"tempo": 100}),
    ("slow, not fast", {"tempo": 66}),
    ("no minor", {"key": "C major"}),
    ("not dense or low", {"density": "medium", "register": "middle"}),
    ("not fast and soft", {"tempo": 100, "character": "soft"}),
    ("not fast, dense", {"tempo": 100, "density": "dense"}),
    ("not a waltz", {}, "not a waltz"),
    ("no piano", {}, "no piano"),
    ("without Bach", {}, "without Bach"),
    ("not medium density", {}, "not medium density"),
    # Typing errors.
    ("wlatz by Bahc and Hadyn", by("Bach", "Haydn", metre="3/4")),
    ("Mozat in a minr", by("Mozart", key="A minor")),
    ("Bethoven, alegro", by("Beethoven", tempo=132)),
    ("irsh reels", by("Irish reels")),
    ("sprase and dramtic", {"density": "sparse", "character": "dramatic"}),
    ("in fomr AABA", {"form": "AABA"}),
    ("a rodno", {"form": "ABACA"}),
    ("ternery form", {"form": "ABA"}),
    ("on harpsicord", {"instrument": "harpsichord"}),
    # What Prism has not learned or does not have.
    ("East Asian bells", {}, "East Asian bells"),
    ("a jazz trumpet", {}, "jazz trumpet"),
    ("like Chopin", by("Beethoven"), "Chopin"),
    ("mostly Chopin, some Bach", by("Beethoven", "Bach", weights=[75, 40]), "mostly Chopin"),
    ("Schubert", by("Beethoven"), "Schubert"),
    ("Brahms and Vivaldi", by("Beethoven", "Bach"), "Brahms", "Vivaldi"),
    ("Händel", by("Bach"), "Händel"),
    ("a Debussy waltz", by("Irish airs", metre="3/4"), "Debussy"),
    ("Scott Joplin", by("American fiddle tunes"), "Scott Joplin"),
    ("a purple waltz", {"metre": "3/4"}, "purple"),
    ("D dorian", {}, "D dorian"),
    ("tempo 500", {}, "tempo 500"),
    ("seed -1, guidance −2", {}, "seed -1", "guidance −2"),
    ("in 5/7", {}, "5/7"),
    ("¹A ½ ٣", {}, "¹A ½ ٣"),
    (
        "Bach, Mozart, Haydn, Beethoven and Trecento",
        by("Bach", "Mozart", "Haydn", "Beethoven"),
        "Trecento",
    ),
]


@pytest.mark.parametrize(("phrase", "expected", "unused"), [(p, e, u) for p, e, *u in PHRASES])
def test_a_phrase_sets(phrase, expected, unused):
    found = describe(phrase, OFFERED)
    assert found.settings == expected
    assert [one.words for one in found.unused] == unused
    # Everything that is set comes from words that were said.
    assert {one.setting for one in found.understood} == set(expected) - {"weights"}
    assert all(part in phrase for one in found.understood for part in one.words.split(", "))


def test_chips_name_the_setting_and_the_words():
    found = describe("a waltz, mostly Bach with some Mozart, seed 7", OFFERED)
    told = [(str(one), one.words) for one in found.understood]
    assert told == [
        ("metre 3/4", "waltz"),
        ("Bach 65 %", "mostly Bach"),
        ("Mozart 35 %", "some Mozart"),
        ("seed 7", "seed 7"),
    ]
    (form,) = describe("in AABA form", OFFERED).understood
    assert (str(form), form.words) == ("form AABA", "AABA form")
    assert [str(one) for one in describe("like Bach", OFFERED).understood] == ["Bach"]


REASONS = {
    "East Asian bells": "“East Asian bells” (Prism has no such sound)",
    "Chopin": "“Chopin” (Prism has not learned Chopin; Beethoven is the nearest that it has)",
    "tempo 500": "“tempo 500” (expected a number from 20 to 400)",
    "Abba": "“Abba” (Prism has learned no such style)",
    "AAB" * 22: f"“{'AAB' * 22}” (expected up to 64 letters from A to P such as AABA)",
    "purple": "“purple” (Prism knows no such words)",
    "no piano": "“no piano” (say which you want instead)",
}


@pytest.mark.parametrize(("phrase", "told"), REASONS.items())
def test_what_is_not_used_is_told_by_name_with_the_reason(phrase, told):
    assert [str(one) for one in describe(phrase, OFFERED).unused] == [told]


def test_the_vocabulary_is_the_models():
    other = Offered(["Ada Lovelace", "Grace Hopper", "Grace Kelly"], {"key": ("C major",)})
    assert describe("mostly ada, and a bit of Grace Hoper", other).settings == by(
        "Ada Lovelace", "Grace Hopper", weights=[75, 20]
    )
    assert describe("Grace", other).settings == by("Grace Hopper", "Grace Kelly")
    # A jig is 6/8 there too, but there are no Irish jigs.
    assert describe("a jig in C", other).settings == {"metre": "6/8", "key": "C major"}
    (lacking,) = describe("sparse", other).unused
    assert "nothing, as this model cannot be asked for that" in lacking.reason
    (unlearned,) = describe("Chopin", other).unused
    assert unlearned.reason == "Prism has not learned Chopin"
    assert describe("a rondo", other._replace(form=False)).unused[0].reason == lacking.reason
    assert describe("baroque", other).unused[0].words == "baroque"


def test_a_learned_composer_needs_no_nearest():
    found = describe("Chopin", Offered(["Chopin", "Beethoven"], {}))
    assert found.settings == by("Chopin") and not found.unused


def test_every_word_of_the_model_is_understood():
    for label in OFFERED.composers:
        assert describe(f"like {label}", OFFERED).settings == by(label)
    for name, values in OFFERED.attributes.items():
        for value in values:
            said = value if name in ("key", "collection") else f"{value} {name}"
            assert describe(said, OFFERED).settings[name] == value


WORDS = " ".join(phrase for phrase, *_ in PHRASES).split()


@given(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join) | st.text(max_size=40))
@settings(deadline=None, max_examples=200)
def test_whatever_is_said_the_settings_are_valid(phrase):
    for offered in (OFFERED, PLAIN):
        found = describe(phrase, offered)
        GenerationSettings.read({"composers": ["Bach"]} | found.settings, offered)
        assert len(found.settings.get("composers", ())) <= SETTINGS["composers"].most
