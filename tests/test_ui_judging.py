"""The cards below the players: scores, nearest training music, and hearing it."""

from __future__ import annotations

import dataclasses
import types

import gradio as gr
import numpy as np
import pytest
from conftest import make_piece
from stand_ins import controls_of, made_up_bands, make_index, make_judge, studio_of, tiny_corpus

from prism.music.roll import Note, PianoRoll
from prism.service.baseline import AMTSide
from prism.service.loading import Loader, load_index, load_judge
from prism.service.piece import ShownPiece
from prism.service.studio import Studio
from prism.service.visit import Visit
from prism.similarity.neighbours import Neighbour, TrainingIndex
from prism.similarity.scorer import Score
from prism.ui.generate import Handlers
from prism.ui.judging import Judging
from prism.ui.originality import nearest_value, neighbour_piece, transposed, where
from prism.ui.scores import axis, number, scores_value

BANDS = {"imagenet": made_up_bands(), "corpus": made_up_bands()}
CONTROLS = tuple(controls_of())


@pytest.fixture(autouse=True)
def no_head_start(monkeypatch):
    """Nothing else is on its way where the baseline is asked for alone."""
    monkeypatch.setattr(AMTSide, "head_start_seconds", 0.0)


class Page:
    """One visitor's page without the page: the handlers in the order in which it runs them."""

    def __init__(self, studio: Studio) -> None:
        self.handlers, self.judging, self.visit = Handlers(studio), Judging(studio), Visit()
        self.fillers = {
            "prism": self.handlers.generate,
            "corpus": self.handlers.real,
            "amt": self.handlers.baseline,
        }

    def click(self, *controls) -> list:
        return self.judging.clicked(self.visit, *(controls or CONTROLS))

    def fill(self, *sides: str, **settings) -> None:
        for side in sides:
            list(self.fillers[side](self.visit, *controls_of(**settings)))

    def scores(self):
        return list(self.judging.scores(self.visit))[-1]

    def nearest(self) -> list:
        return list(self.judging.nearest(self.visit))

    def hear(self, side: str) -> tuple:
        return self.judging.hear(self.visit, types.SimpleNamespace(side=side))


def scored(value: dict) -> list[str]:
    """The sides that have a mark in both charts."""
    first, second = ([mark["side"] for mark in chart["marks"]] for chart in value["charts"])
    assert first == second
    return first


def score_pair(imagenet: float, corpus: float) -> list[Score]:
    words = "like two parts of one piece"
    return [Score("imagenet", imagenet, words), Score("corpus", corpus, words)]


# ---- values ----


def test_a_cosine_is_read_without_its_zero():
    assert [number(v) for v in (0.874, -0.5, -0.001, 1.0, 0.996)] == [
        ".87",
        "−.50",
        ".00",
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
    assert pictures["title"] == "ImageNet network" and trained["title"] == "Corpus network"
    assert [mark["text"] for mark in pictures["marks"]] == ["P .87", "A .50"]
    assert pictures["sentences"] == [
        "Prism: .87, like two parts of one piece.",
        "AMT: .50, like two parts of one piece.",
    ]
    assert [row["words"] for row in pictures["rows"]][::4] == [
        "two parts of one piece",
        "a piece and random notes",
    ]
    assert pictures["rows"][0]["quantiles"] == made_up_bands()["same_piece"].quantiles
    assert [tick["text"] for tick in trained["ticks"]] == ["−.5", ".0", ".5", "1.0"]
    assert pictures["description"].startswith(
        "ImageNet network: Prism .87, AMT .50. The middle half of real pairs: "
        "two parts of one piece .85 to .95; "
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
    assert [row["side"] for row in value["rows"]] == ["prism", "amt", "corpus"]
    assert prism["copy"] and prism["overlap"] == "90 %" and not real["copy"]
    assert prism["where"] == "Ada: Air, from beat 0, transposed down 2 semitones"
    assert not amt["found"] and "no training music" in amt["where"]
    assert "real and held out" in real["name"]


def test_how_far_it_is_moved_in_words():
    ends = [where(neighbour(0.5, n)).split(", ")[-1] for n in (0, 1, -12)]
    assert ends == ["not transposed", "transposed up 1 semitone", "transposed down 12 semitones"]


def test_the_neighbour_meets_the_sample_and_loses_what_leaves_the_keyboard():
    like = PianoRoll.empty(tempo=72, time_signature=(3, 4))
    piece = neighbour_piece("prism", neighbour(0.5, 1, ((60, 0), (108, 1))), like)
    assert piece.roll == PianoRoll.from_notes([Note(61, 0, 1)], tempo=72, time_signature=(3, 4))
    assert "50 % overlap with Prism" in piece.detail and "made for the tests" in piece.caption
    assert transposed(piece.roll, -1, like).notes() == [Note(60, 0, 1)]


# ---- handlers ----


def test_scores_come_one_after_the_other():
    page = Page(studio_of())
    page.click()
    page.fill("prism")
    assert page.scores() == gr.skip()
    page.fill("corpus")
    first = page.scores()
    assert scored(first) == ["prism"] and first["charts"][0]["sentences"][1] == "AMT: no score yet."
    assert page.scores() == gr.skip()
    page.fill("amt")
    both = page.scores()
    assert scored(both) == ["prism", "amt"]
    assert both["charts"][0]["sentences"][0] == first["charts"][0]["sentences"][0]


def test_the_scores_are_the_judges_own():
    page = Page(studio_of())
    page.click()
    page.fill("corpus", "prism")
    pieces = page.visit.click.pieces
    (expected,) = make_judge().scores(pieces["corpus"].roll, {"p": pieces["prism"].roll}).values()
    marks = [chart["marks"][0]["at"] for chart in page.scores()["charts"]]
    assert marks == [score.cosine for score in expected]


def test_a_new_click_takes_the_scores_away_until_its_own_pieces_are_there():
    page = Page(studio_of())
    assert page.click()[0]["charts"] == [], "there is no judge yet"
    page.fill("prism", "corpus")
    page.scores()
    scores, nearest, player, column = page.click()
    assert scored(scores) == [] and "Prism: no score yet." in scores["charts"][0]["sentences"]
    assert nearest["rows"] == [] and player["notes"] == [] and not column["visible"]
    page.fill("corpus")
    assert page.scores() == gr.skip(), "Prism's piece of the click before is stale"
    page.fill("prism")
    assert scored(page.scores()) == ["prism"]


def test_what_an_earlier_click_still_works_on_is_never_shown():
    page = Page(studio_of())
    page.click()
    page.fill("corpus")
    drawing = page.handlers.generate(page.visit, *CONTROLS)
    next(drawing)
    page.click()
    assert list(drawing) == [(gr.skip(),) * 3] and page.visit.click.pieces == {}


def test_a_score_that_comes_late_is_not_shown():
    page, judge = Page(studio_of()), make_judge()
    studio = page.judging.studio
    page.click()
    page.fill("prism", "corpus")
    studio.judge = Loader(lambda: page.click() and judge)
    assert list(page.judging.scores(page.visit))[-1] == gr.skip()
    assert page.visit.click.scores == {}


def test_a_click_with_a_mistake_loses_nothing():
    page = Page(studio_of())
    page.click()
    page.fill("prism", "corpus")
    page.scores()
    assert page.click([], *CONTROLS[1:]) == [gr.skip()] * 4
    assert page.visit.click.scores


def test_missing_networks_are_explained_and_the_neighbours_are_found(tmp_path):
    corpus = Loader(tiny_corpus)
    page = Page(studio_of(judge=lambda: load_judge(tmp_path / "nowhere", corpus)))
    page.click()
    page.fill("prism", "corpus")
    value = page.scores()
    assert value["charts"] == [] and "nowhere" in value["message"]
    assert "python train.py similarity" in value["message"]
    assert [row["side"] for row in page.nearest()[-1]["rows"]] == ["prism", "corpus"]


def test_an_unexpected_fault_stays_in_its_card():
    def broken():
        raise RuntimeError("out of tape")

    page = Page(studio_of(judge=broken, index=broken))
    page.click()
    page.fill("prism", "corpus")
    assert "There are no scores: out of tape" in page.scores()["message"]
    assert "cannot be searched: out of tape" in page.nearest()[-1]["message"]


def test_the_nearest_training_music_comes_piece_by_piece():
    page = Page(studio_of())
    page.click()
    page.fill("corpus")
    assert page.nearest() == [gr.skip()], "the real piece waits for a generated one"
    page.fill("prism")
    loading, *found = page.nearest()
    assert "Loading" in loading["hint"]
    assert [[row["side"] for row in value["rows"]] for value in found] == [
        ["prism"],
        ["prism", "corpus"],
    ]
    page.fill("amt")
    still, value = page.nearest()
    assert still == gr.skip()
    assert [row["side"] for row in value["rows"]] == ["prism", "amt", "corpus"]
    sample = page.visit.click.pieces["prism"].roll
    assert value["rows"][0]["where"] == where(make_index().nearest(sample))


def test_the_nearest_music_is_heard():
    page = Page(studio_of())
    page.click()
    page.fill("prism")
    page.nearest()
    value, piece, column = page.hear("prism")
    found = page.visit.click.neighbours["prism"]
    assert value["title"] == found.piece.title and value["notes"] and column["visible"]
    assert isinstance(piece, ShownPiece) and set(piece.files) == {"midi", "midipic", "wav"}
    assert page.hear("amt") == (gr.skip(),) * 3


def test_a_training_piece_is_found_to_be_a_copy():
    corpus = tiny_corpus()
    index = load_index(Loader(lambda: corpus))
    assert isinstance(index, TrainingIndex)
    training = corpus.select("train")[0]
    page = Page(studio_of(index=lambda: index))
    page.click()
    page.fill("prism")
    pieces = page.visit.click.pieces
    pieces["prism"] = dataclasses.replace(pieces["prism"], roll=training.window())
    row = page.nearest()[-1]["rows"][0]
    assert row["copy"] and row["overlap"] == "100 %" and training.title in row["where"]
