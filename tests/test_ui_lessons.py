"""The lessons without a browser: what each shows, and what it says when something is wrong."""

from __future__ import annotations

import types

import gradio as gr
import pytest
from conftest import make_pipeline
from stand_ins import LABELS, bundle_of, make_scorer, service_of, tiny_corpus

from prism.corpora.dataset import corpus_sample
from prism.models.hub import WeightsError
from prism.service.lesson_views import (
    SCALES,
    Column,
    Meter,
    Picture,
    View,
    measured_mixtures,
    meters_of,
)
from prism.service.lessons import encode
from prism.service.session import Newest
from prism.similarity.scorer import Score
from prism.ui.lessons import LESSONS, LessonRunner

NOISE, STEPS, GUIDANCE, MIXING, NUMBERS, RACE, SCORES = LESSONS
INPUTS = {
    NOISE: ("Ada", 1),
    STEPS: ("Ada", 1),
    GUIDANCE: ("Ada", 1),
    MIXING: ("Ada", "Bob", 1),
    NUMBERS: ("Ada", 1, 9, 0.0),
    RACE: ("Ada", 1),
    SCORES: ("Ada", 1),
}


@pytest.fixture(scope="module")
def service():
    return service_of()


def last_view(lesson, service, *controls) -> View:
    *_, view = lesson.views(service, *controls)
    return view


def rolls_of(view: View, column: int = 0) -> list:
    return [picture.roll for picture in view.columns[column].pictures]


def test_forward_starts_with_the_piece_and_keeps_less_and_less(service):
    view = last_view(NOISE, service, "Ada", 1)
    assert len(view.stops) == 21
    assert (view.stops[0], view.stops[7]) == (
        "t = 0.00: 100 % music, 0 % noise",
        "t = 0.35: 65 % music, 35 % noise",
    )
    assert "Ada-test" in view.columns[0].pictures[0].words
    assert len(rolls_of(view)) == 21


def test_reverse_ends_with_the_pipelines_roll_on_both_sides(service):
    view = last_view(STEPS, service, "Bob", 5)
    expected = make_pipeline()("Bob", guidance_scale=2.0, seed=5).rolls[0]
    assert rolls_of(view)[-1] == rolls_of(view, 1)[-1] == expected
    # The film that plays by itself: a tenth of a second a step at full speed.
    assert view.seconds == pytest.approx([k / 10 for k in range(17)])
    assert view.stops[-1] == "step 16 of 16, t = 0.00" and len(view.stops) == 17


def test_each_guidance_scale_is_the_pipelines_own_call(service):
    views = list(GUIDANCE.views(service, "Ada", 3))
    assert [len(view.columns) for view in views] == [1, 2, 3, 4, 5]
    pipeline = make_pipeline()
    network = make_scorer().networks["corpus"]
    for scale, column in zip(SCALES, views[-1].columns, strict=True):
        (picture,) = column.pictures
        assert picture.roll == pipeline("Ada", guidance_scale=scale, seed=3).rolls[0]
        share = float(network.probabilities([picture.roll])[0, 0])
        assert picture.meters[0].share == pytest.approx(share, abs=1e-6)
        assert picture.title == f"Guidance {scale:g}"


def test_a_mixture_ends_with_either_composer_alone(service):
    view = last_view(MIXING, service, "Ada", "Cleo", 2)
    first, *_, last = rolls_of(view)
    pipeline = make_pipeline()
    assert first == pipeline("Ada", seed=2).rolls[0] and last == pipeline("Cleo", seed=2).rolls[0]
    assert rolls_of(view)[1] == pipeline(["Ada", "Cleo"], [0.75, 0.25], seed=2).rolls[0]
    assert view.stops == [
        "Ada",
        "Ada 75 % + Cleo 25 %",
        "Ada 50 % + Cleo 50 %",
        "Ada 25 % + Cleo 75 %",
        "Cleo",
    ]
    assert [m.name for m in view.columns[0].pictures[2].meters] == [
        "Sounds like Ada",
        "Sounds like Cleo",
    ]


def test_the_mixing_lesson_quotes_what_was_measured(tmp_path):
    assert "{measured}" not in MIXING.text(service_of())
    assert measured_mixtures(service_of(bundle=bundle_of(tmp_path))) == ""
    found = {"rising": 9, "pairs": 10, "interval": [0.6, 1], "rank_correlation": 0.8}
    service = service_of(bundle=bundle_of(tmp_path, evaluation={"mixing": found}))
    assert "rise with the slider in 9 of 10 pairs" in measured_mixtures(service)


def test_changed_numbers_are_kept_until_another_beat_is_chosen(service):
    view = last_view(NUMBERS, service, *INPUTS[NUMBERS])
    value = view.numbers
    real = corpus_sample(tiny_corpus(), ["Ada"], 1).roll
    assert value["numbers"] == value["own"] == encode(make_pipeline(), real)[8].tolist()
    assert (rolls_of(view)[0].frames, view.columns[0].pictures[0].mark) == (48, (4.0, 5.0))
    moved = value | {"numbers": [3.0] * 8}
    after = last_view(NUMBERS, service, *INPUTS[NUMBERS], moved)
    assert rolls_of(after)[0] == rolls_of(view)[0] and rolls_of(after, 1) != rolls_of(view, 1)
    assert after.numbers is None
    other = last_view(NUMBERS, service, "Ada", 1, 10, 0.0, moved).numbers
    assert other["key"] == ["Ada", 1, 10] and other["numbers"] == other["own"]


def test_the_film_shows_both_at_their_own_pace(service):
    view = last_view(RACE, service, "Ada", 1)
    prism, amt = view.columns
    assert view.seconds == sorted(view.seconds) and view.seconds[0] == 0
    assert len(view.stops) == len(view.seconds) == len(prism.at) == len(amt.shown)
    assert (amt.shown[0], amt.shown[-1]) == (0, 8)
    assert (prism.shown[0], prism.shown[-1], prism.at[-1]) == (0, None, 15)
    expected = make_pipeline()("Ada", guidance_scale=2.0, seed=1).rolls[0]
    assert rolls_of(view)[-1] == expected
    assert "step 16 of 16; note 8 of 8" in view.stops[-1]


def test_the_same_roll_scores_one_and_a_transposition_by_hand(service):
    view = last_view(SCORES, service, "Ada", 1)
    pictures = {column.pictures[0].title: column.pictures[0] for column in view.columns}
    assert len(pictures) == 8
    for name in ("The same roll", "An octave higher"):  # the stand-in counts pitch classes
        assert pictures[name].meters[0].text.startswith("1.00, like two parts of one piece")
    assert pictures["A semitone higher"].meters[0].share < 1
    assert pictures["The same roll"].meters[1].share == pytest.approx(1)


def test_a_negative_cosine_is_an_empty_meter():
    bands = make_scorer().bands
    name = "Music network (this corpus)"
    (meter,) = meters_of([Score("corpus", -0.5, "like nothing")], bands)
    assert meter == Meter(name, "−0.50, like nothing", 0.0, pytest.approx((0.65, 0.75)))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_runs_once_by_itself_and_fills_all_it_should(service, lesson):
    runner = LessonRunner(lesson, service)
    updates = list(runner.opened(None, *INPUTS[lesson]))
    outputs = 4 if lesson is NUMBERS else 3
    assert {len(update) for update in updates} == {outputs}
    line, rolls, view, *_ = next(u for u in reversed(updates) if isinstance(u[2], View))
    assert line["kind"] == "calm" and rolls == view.value()
    (again,) = runner.opened(view, *INPUTS[lesson])
    assert again == tuple(gr.skip() for _ in range(outputs))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_without_a_choice_the_first_composers_are_taken(service, lesson):
    blank = [None if value in LABELS else value for value in INPUTS[lesson]]
    updates = list(LessonRunner(lesson, service).run(*blank))
    assert updates[-1][0].get("kind", "calm") == "calm"


@pytest.mark.parametrize(
    ("lesson", "controls", "message"),
    [
        (NOISE, ("Zoe", 1), "not learned Zoe: choose one of Ada, Bob, Cleo, then press Show"),
        (STEPS, ("Ada", 1.5), "Seed: expected a whole number .*, got 1.5"),
        (GUIDANCE, ("Ada", None), "Seed: .*got nothing"),
        (MIXING, ("Ada", "Ada", 1), "Both composers are Ada, and should be two"),
        (NUMBERS, ("Ada", 1, 65, 0), "Beat: .*from 1 to 64, got 65"),
        (NUMBERS, ("Ada", 1, 9, 2), "Noise σ: .*from 0 to 1"),
        (SCORES, ("Ada", -1), "Piece: .*got -1"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_lost(service, lesson, controls, message):
    import re

    *_, (line, *others) = LessonRunner(lesson, service).run(*controls)
    assert line["kind"] == "error" and re.search(message, line["text"])
    assert others == [gr.skip()] * len(others)


@pytest.mark.parametrize(
    ("lesson", "missing"),
    [(NOISE, "pipeline"), (NOISE, "corpus"), (GUIDANCE, "scorer"), (RACE, "amt")],
)
def test_missing_files_are_told_in_the_lesson(lesson, missing):
    def load():
        raise WeightsError("no such weights; restore the folder")

    *_, (line, *_) = LessonRunner(lesson, service_of(**{missing: load})).run(*INPUTS[lesson])
    assert line == {"kind": "error", "text": "no such weights; restore the folder"}


def test_any_roll_can_be_heard(service):
    runner = LessonRunner(STEPS, service)
    view = last_view(STEPS, service, "Ada", 1)
    event, heard = types.SimpleNamespace(column=1, picture=8, when=2), Newest()
    ((value, piece, column),) = runner.hear(view, heard, event)
    assert piece.roll == rolls_of(view, 1)[8] and piece.files["wav"].stat().st_size > 1000
    assert value["title"] == "Clean estimate, step 8" and column["visible"]
    older = types.SimpleNamespace(column=0, picture=3, when=1)
    for nothing in (runner.hear(None, heard, event), runner.hear(view, heard, older)):
        assert list(nothing) == [(gr.skip(),) * 3]


def test_a_view_says_what_the_browser_needs():
    from prism.music.roll import Note, PianoRoll

    roll = PianoRoll.from_notes([Note(60, 0, 1), Note(64, 1, 2, 90)], frames=32)
    picture = Picture("A", roll, meters=(Meter("m", "1 %", 0.01),))
    value = View([Column([picture], at=[0, 0], shown=[0, 2])], ["a", "b"], "t", 1).value()
    assert value["columns"][0]["pictures"][0] == {
        "title": "A",
        "words": "",
        "beats": 8.0,
        "bar": 4.0,
        "bars": [0.0, 4.0],
        "mark": None,
        "notes": [(60, 0.0, 1.0, 80), (64, 1.0, 2.0, 90)],
        "meters": [{"name": "m", "text": "1 %", "share": 0.01, "band": None}],
    }
    assert (value["stops"], value["start"], value["seconds"]) == (["a", "b"], 1, None)
