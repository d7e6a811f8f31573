"""The Corpus tab without a browser: which music is shown, and what is said of it."""

from __future__ import annotations

import json
import types

import gradio as gr
import numpy as np
import pytest
from conftest import ROOT, make_piece
from stand_ins import bundle_of, service_of, tiny_corpus

from prism.corpora.prepared import Corpus
from prism.music.midi import read_midi
from prism.service.session import Newest
from prism.ui.corpus import Library, bar_range, bar_tick, list_value, provenance, shown_piece

# A pick-up of one beat before bars of three; the last bass note is held until beat 32.
PICK_UP = make_piece(
    "Ada-pick-up",
    beats=31,
    bars=np.arange(24, 31 * 24, 72, dtype=np.int32),
    time_signature=(3, 4),
)


def library(corpus=tiny_corpus, **settings) -> Library:
    return Library(service_of(corpus=corpus, **settings))


def texts(charts: dict) -> str:
    return json.dumps(charts, ensure_ascii=False)


def test_the_list_holds_every_piece_in_the_corpus_s_order():
    bob = make_piece("Bob-1", "Bob", tempo=99.99999999999999)
    corpus = Corpus((PICK_UP, bob), ("test", "train"), ("Ada", "Bob"))
    value = list_value(corpus)
    rows = json.loads(value["pieces"])
    assert rows[0] == ["Ada-pick-up", 0, 2, 10, 32, "3/4", 100.0, "Ada-pick-up", 0]
    assert rows[1] == ["Bob-1", 1, 0, 25, 100, "4/4", 100.0, "Bob-1", 0]
    assert value["labels"] == ["Ada", "Bob"] and value["terms"] == ["made for the tests"]
    assert value["splits"][2] == "held out (test)"


def test_bars_and_their_pick_up():
    assert bar_range(PICK_UP) == (0, 10)
    assert [bar_tick(PICK_UP, bar) for bar in (0, 1, 2)] == [-48, 24, 96]
    whole = make_piece("x")
    assert bar_range(whole) == (1, 25) and bar_tick(whole, 3) == 2 * 96


def test_a_piece_is_shown_from_a_bar_to_its_end():
    shown = shown_piece(PICK_UP, "train", 3)
    # The pick-up and two bars of three are left out.
    assert shown.roll.beats == 32 - 1 - 6
    assert shown.roll == PICK_UP.window(24 + 2 * 72, frames=25 * 4)
    assert "from bar 3 of 10 · 3/4" in shown.detail and "learned from it" in shown.caption
    opening = shown_piece(PICK_UP, "test", 0)
    first = opening.roll.notes()[0]
    assert first.start == 2 and opening.roll.beats == 32 + 2
    assert "from the pick-up" in opening.detail and "No network learned" in opening.caption
    assert shown_piece(make_piece("x"), "test", 1).roll.beats == 64
    assert shown_piece(make_piece("x"), "test", 25).roll.beats == 4


def test_a_choice_shows_notes_then_sound_and_says_where_they_come_from():
    updates = list(library().choose(Newest(), types.SimpleNamespace(piece=4, when=1)))
    player, piece, line, place, bar, about, column = updates[-1]
    assert [update[0]["busy"] for update in updates] == [True, False]
    assert player["title"] == "Bob-validation" and place == 4 and column["visible"]
    assert player["kind"] == "Real · held out (validation)"
    assert read_midi(piece.files["midi"]).window().arrays()[0].size == len(player["notes"])
    assert (bar["minimum"], bar["maximum"], bar["value"]) == (1, 25, 1)
    rows = dict(about["blocks"][0]["rows"])
    assert rows["Terms"] == "made for the tests" and rows["Length"] == "25 bars, 100 beats, 1:00"
    assert line["text"] == "Ready. Press play."


def test_the_words_of_the_file_stand_in_the_details():
    piece = make_piece("a.abc#1", title="THE MILL.")
    assert "Title in the file" not in texts(provenance(piece, "train"))
    rows = dict(provenance(piece.with_title("The Mill"), "train")["rows"])
    assert rows["Title in the file"] == "THE MILL."


def test_the_newest_choice_wins_over_an_older_one_and_over_a_bar_of_it():
    tab, chosen = library(), Newest()
    first, second, late = (
        tab.choose(chosen, types.SimpleNamespace(piece=piece, when=when))
        for piece, when in ((0, 1), (4, 3), (0, 2))
    )
    assert next(first)[3] == 0
    bar = tab.move(chosen, 0, 2)
    assert "from bar 2" in next(bar)[0]["detail"]
    assert next(second)[3] == 4
    for older, outputs in ((first, 7), (bar, 3), (late, 7)):
        assert list(older) == [(gr.skip(),) * outputs]
    assert [update[0]["title"] for update in second] == ["Bob-validation"]


def test_another_bar_is_other_music():
    tab = library()
    (first, *_), (second, *_) = (list(tab.move(Newest(), 0, bar))[-1] for bar in (1, 2))
    assert first["notes"] != second["notes"] and "from bar 2 of 25" in second["detail"]


@pytest.mark.parametrize("bar", [0, 26, 1.5, None, "x"])
def test_a_bar_that_is_not_there_is_answered_in_words(bar):
    ((player, _, line),) = library().move(Newest(), 0, bar)
    assert line["kind"] == "error" and "expected a whole number from 1 to 25" in line["text"]
    assert "notes" not in player


def test_a_missing_corpus_is_told_and_tried_again():
    def missing():
        raise FileNotFoundError("no prepared corpus at assets/corpus")

    *_, line, opened = library(missing).open(False)
    assert line["text"] == "There is no corpus: no prepared corpus at assets/corpus" and not opened


def test_the_study_is_shown_with_its_numbers():
    stored = json.loads((ROOT / "assets" / "study.json").read_text(encoding="utf-8"))
    tab = library(lambda: Corpus.load(ROOT / "assets" / "corpus"))
    blocks = {block["title"]: block for block in tab.study()["blocks"]}
    for chart in stored["charts"]:
        assert blocks[chart["title"]]["rows"] == chart["rows"]
    assert "does not belong" not in texts(tab.study())
    pitches = blocks["Pitches"]
    assert pitches["kind"] == "columns" and pitches["named"] == [f"C{n}" for n in range(1, 9)]


def test_a_study_of_another_corpus_or_none_is_told(tmp_path):
    other = bundle_of(tmp_path, study={"origin": {"corpus_sha256": "f" * 64}})
    said = texts(library(bundle=other).study())
    assert "study.json is not shown: it does not belong to the corpus of this page" in said
    assert "SHA-256 ffffffffffff" in said
    other.path("study").unlink()
    said = texts(library(bundle=other).study())
    assert "study.json is missing; make it with: prism build" in said
