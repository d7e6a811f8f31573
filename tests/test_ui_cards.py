"""The cards below the players: scores, nearest training music, and hearing it."""

from __future__ import annotations

import dataclasses
import time
import types

import gradio as gr
import numpy as np
import pytest
from conftest import make_piece
from stand_ins import Page, made_up_bands, make_index, make_scorer, service_of, settled, tiny_corpus

from prism.music.roll import Note, PianoRoll
from prism.service.cards import (
    axis,
    nearest_value,
    neighbour_piece,
    number,
    scores_value,
    where,
)
from prism.service.loading import Loader, load_index, load_scorer
from prism.service.piece import ShownPiece
from prism.similarity.neighbours import Neighbour, TrainingIndex
from prism.similarity.scorer import Score

BANDS = {"imagenet": made_up_bands(), "corpus": made_up_bands()}


def scores(page: Page):
    """What the card of the scores shows."""
    return settled([(value,) for value in page.cards.scores(page.generation)] or [(gr.skip(),)])[0]


def nearest(page: Page) -> list:
    """All that the card of the nearest music shows, one after the other."""
    return list(page.cards.nearest(page.generation))


def hear(page: Page, source: str) -> tuple:
    event = types.SimpleNamespace(source=source, when=time.perf_counter())
    return settled(page.cards.hear(page.session, event))


def scored(value: dict) -> list[str]:
    """The sources that have a mark in both charts."""
    first, second = ([mark["source"] for mark in chart["marks"]] for chart in value["charts"])
    assert first == second
    return first


def score_pair(imagenet: float, corpus: float) -> list[Score]:
    words = "like two parts of one piece"
    return [Score("imagenet", imagenet, words), Score("corpus", corpus, words)]


# ---- values ----


def test_a_cosine_has_two_digits_and_no_negative_zero():
    assert [number(v) for v in (0.874, -0.5, -0.001, 1.0, 0.996)] == [
        "0.87",
        "−0.50",
        "0.00",
        "1.00",
        "1.00",
    ]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.52, 0.99], [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ([0.95, 0.97], [0.95, 0.96, 0.97]),
        ([-1, 1], [-1, -0.5, 0, 0.5, 1]),
        ([0.7, 0.7], [0.7, 0.71]),
    ],
)
def test_an_axis_has_round_ends(values, ticks):
    assert axis(values) == ticks


def test_an_axis_encloses_everything_with_few_ticks():
    rng = np.random.default_rng(0)
    for low, high in np.sort(rng.uniform(-1, 1, (200, 2))):
        ticks = axis([low, high])
        assert -1 <= ticks[0] <= low + 1e-9 and high - 1e-9 <= ticks[-1] <= 1 and len(ticks) <= 7


def test_a_chart_by_hand():
    value = scores_value({"prism": score_pair(0.874, 0.2), "amt": score_pair(0.5, -0.05)}, BANDS)
    pictures, trained = value["charts"]
    assert pictures["title"] == "Picture network (ImageNet)"
    assert trained["title"] == "Music network (this corpus)"
    assert [mark["text"] for mark in pictures["marks"]] == ["Prism 0.87", "AMT 0.50"]
    assert pictures["sentences"] == [
        "Prism: 0.87, like two parts of one piece.",
        "AMT: 0.50, like two parts of one piece.",
    ]
    assert [row["words"] for row in pictures["rows"]][::4] == [
        "two parts of one piece",
        "a piece and random notes",
    ]
    assert pictures["rows"][0]["quantiles"] == made_up_bands()["same_piece"].quantiles
    assert [tick["text"] for tick in trained["ticks"]] == ["−0.5", "0.0", "0.5", "1.0"]
    assert pictures["description"].startswith(
        "Picture network (ImageNet): Prism 0.87, AMT 0.50. The middle half of real pairs: "
        "two parts of one piece 0.85 to 0.95; "
    )


def test_the_summary_says_which_is_nearer_only_if_both_networks_do():
    said = [
        scores_value({"prism": score_pair(*prism), "amt": score_pair(*amt)}, BANDS)["summary"]
        for prism, amt in (
            ((0.9, 0.9), (0.8, 0.8)),
            ((0.8, 0.8), (0.9, 0.9)),
            ((0.9, 0.8), (0.8, 0.9)),
            ((0.9, 0.801), (0.8, 0.799)),
        )
    ]
    assert said[0].startswith("Both networks find Prism's piece more like")
    assert said[1].startswith("Both networks find AMT's piece more like")
    assert said[2] == said[3] and said[2].startswith("The two networks do not both prefer")
    assert all("not how good the music is" in sentence for sentence in said)


def neighbour(overlap: float, semitones: int = -2, notes=((60, 0),)) -> Neighbour:
    rows = np.array([[24 * beat, 24, pitch, 80] for pitch, beat in notes], np.int32)
    return Neighbour(make_piece("Air", "Ada", notes=rows), 0, semitones, overlap)


def test_a_copy_is_called_one():
    value = nearest_value({"corpus": neighbour(0.3), "prism": neighbour(0.9), "amt": neighbour(0)})
    prism, amt, real = value["rows"]
    assert [row["source"] for row in value["rows"]] == ["prism", "amt", "corpus"]
    assert prism["copy"] and prism["overlap"] == "90 %" and not real["copy"]
    assert prism["where"] == "Ada: Air, from beat 0, transposed down 2 semitones"
    assert not amt["found"] and "no training music" in amt["where"]
    assert real["name"] == "The real piece (never used in training)"


def test_how_far_it_is_moved_in_words():
    ends = [where(neighbour(0.5, n)).split(", ")[-1] for n in (0, 1, -12)]
    assert ends == ["not transposed", "transposed up 1 semitone", "transposed down 12 semitones"]


def test_the_neighbour_meets_the_sample_and_loses_what_leaves_the_keyboard():
    like = PianoRoll.empty(tempo=72, time_signature=(3, 4))
    piece = neighbour_piece("prism", neighbour(0.5, 1, ((60, 0), (108, 1))), like)
    assert piece.roll == PianoRoll.from_notes([Note(61, 0, 1)], tempo=72, time_signature=(3, 4))
    assert "50 % overlap with Prism" in piece.detail and "made for the tests" in piece.caption
    assert piece.roll.transposed(-1).notes() == [Note(60, 0, 1)]


# ---- handlers ----


def test_scores_come_one_after_the_other():
    page = Page(service_of())
    page.begin()
    page.fill("prism")
    assert scores(page) == gr.skip()
    page.fill("corpus")
    first = scores(page)
    assert scored(first) == ["prism"] and first["charts"][0]["sentences"][1] == "AMT: no score yet."
    assert scores(page) == gr.skip()
    page.fill("amt")
    both = scores(page)
    assert scored(both) == ["prism", "amt"]
    assert both["charts"][0]["sentences"][0] == first["charts"][0]["sentences"][0]


def test_the_scores_are_the_scorers_own():
    page = Page(service_of())
    page.begin()
    page.fill("corpus", "prism")
    pieces = page.generation.pieces
    (expected,) = make_scorer().scores(pieces["corpus"].roll, {"p": pieces["prism"].roll}).values()
    marks = [chart["marks"][0]["at"] for chart in scores(page)["charts"]]
    assert marks == [score.cosine for score in expected]


def test_a_new_click_takes_the_scores_away_until_its_own_pieces_are_there():
    page = Page(service_of())
    assert page.begin()[2]["charts"] == [], "there is no scorer yet"
    page.fill("prism", "corpus")
    scores(page)
    *_, scoring, near, player, column, _, _ = page.begin()
    assert scored(scoring) == [] and "Prism: no score yet." in scoring["charts"][0]["sentences"]
    assert near["rows"] == [] and player["notes"] == [] and not column["visible"]
    page.fill("corpus")
    assert scores(page) == gr.skip(), "Prism's piece of the click before is stale"
    page.fill("prism")
    assert scored(scores(page)) == ["prism"]


def test_what_an_earlier_click_still_works_on_is_never_shown():
    page = Page(service_of())
    page.begin()
    page.fill("corpus")
    drawing = page.filling("prism")
    next(drawing)
    page.begin()
    assert list(drawing)[-1] == (gr.skip(),) * 3 and page.generation.pieces == {}


def test_a_score_that_comes_late_is_not_shown():
    page, scorer = Page(service_of()), make_scorer()
    page.begin()
    page.fill("prism", "corpus")
    page.service.scorer = Loader(lambda: page.begin() and scorer)
    loading, *found = page.cards.scores(page.generation)
    assert "Loading" in loading["hint"] and found == []
    assert page.generation.scores == {}


def test_a_click_with_a_mistake_loses_nothing():
    page = Page(service_of())
    page.begin()
    page.fill("prism", "corpus")
    scores(page)
    before = page.generation
    with pytest.raises(gr.Error, match="No composer is chosen: choose 1 to 4"):
        page.begin(composers=[])
    assert page.generation is before and before.scores


def test_missing_networks_are_explained_and_the_neighbours_are_found(tmp_path):
    corpus = Loader(tiny_corpus)
    page = Page(service_of(scorer=lambda: load_scorer(tmp_path / "nowhere", corpus)))
    page.begin()
    page.fill("prism", "corpus")
    value = scores(page)
    assert value["charts"] == [] and "nowhere" in value["message"]
    assert "prism train similarity" in value["message"]
    assert [row["source"] for row in nearest(page)[-1]["rows"]] == ["prism", "corpus"]


def test_an_unexpected_fault_stays_in_its_card():
    def broken():
        raise RuntimeError("out of tape")

    page = Page(service_of(scorer=broken, index=broken))
    page.begin()
    page.fill("prism", "corpus")
    assert "There are no scores: out of tape" in scores(page)["message"]
    assert "cannot be searched: out of tape" in nearest(page)[-1]["message"]


def test_the_nearest_training_music_comes_piece_by_piece():
    page = Page(service_of())
    page.begin()
    page.fill("corpus")
    assert nearest(page) == [], "the real piece waits for a generated one"
    page.fill("prism")
    loading, *found = nearest(page)
    assert "Loading" in loading["hint"]
    assert [[row["source"] for row in value["rows"]] for value in found] == [
        ["prism"],
        ["prism", "corpus"],
    ]
    page.fill("amt")
    (value,) = nearest(page)
    assert [row["source"] for row in value["rows"]] == ["prism", "amt", "corpus"]
    sample = page.generation.pieces["prism"].roll
    assert value["rows"][0]["where"] == where(make_index().nearest(sample))


def test_the_nearest_music_is_heard():
    page = Page(service_of())
    page.begin()
    page.fill("prism")
    nearest(page)
    value, piece, column = hear(page, "prism")
    found = page.generation.neighbours["prism"]
    assert value["title"] == found.piece.title and value["notes"] and column["visible"]
    assert isinstance(piece, ShownPiece) and set(piece.files) == {"midi", "midipic", "wav"}
    assert hear(page, "amt") == (gr.skip(),) * 3


def test_a_training_piece_is_found_to_be_a_copy():
    corpus = tiny_corpus()
    index = load_index(Loader(lambda: corpus))
    assert isinstance(index, TrainingIndex)
    training = corpus.select("train")[0]
    page = Page(service_of(index=lambda: index))
    page.begin()
    page.fill("prism")
    pieces = page.generation.pieces
    pieces["prism"] = dataclasses.replace(pieces["prism"], roll=training.window())
    row = nearest(page)[-1]["rows"][0]
    assert row["copy"] and row["overlap"] == "100 %" and training.title in row["where"]


def test_a_fill_ends_with_what_there_is_to_say_of_its_piece():
    page = Page(service_of())
    page.click("corpus")
    fill = page.handlers.compared(page.handlers.prism, 6)
    player, _, _, scores, nearest, history = settled(fill(page.session))
    assert player["notes"] and scored(scores) == ["prism"]
    assert [row["source"] for row in nearest["rows"]] == ["prism", "corpus"]
    assert len(history["entries"]) == 1
    late = fill(page.session)
    next(late)
    page.begin(seed=2)
    assert all(update == gr.skip() for updates in late for update in updates)


def test_two_visitors_cards_do_not_wait_for_each_other():
    service = service_of()
    one, other = Page(service), Page(service)
    for page in (one, other):
        page.click("prism", "corpus")
    comparing = one.cards.compare(one.session)
    next(comparing)
    assert settled(other.cards.compare(other.session))[0]["charts"]
    comparing.close()
