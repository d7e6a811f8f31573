"""What fills in the controls, and the results of one visit, without a browser."""

from __future__ import annotations

import random
import types
import urllib.parse

import gradio as gr
import pytest
from stand_ins import LABELS, OFFERED, SETTINGS, StandInAMT, choice_of, controls_of, studio_of

import prism.ui.history
from prism.music.roll import Note, PianoRoll
from prism.service.baseline import AMTSide
from prism.service.examples import EXAMPLES, StoredExample, packed, unpacked
from prism.service.links import query, read_query
from prism.service.loading import Loader
from prism.service.piece import ShownPiece
from prism.service.studio import Studio
from prism.service.visit import Click, Visit
from prism.similarity.scorer import Score
from prism.ui.filling import SURPRISING_GUIDANCE, Filling, changed_weights
from prism.ui.generate import Handlers
from prism.ui.history import History, history_value, remembered

SETTINGS_CHANGED = {
    "guidance_scale": 3.5,
    "seed": 9,
    "num_inference_steps": 24,
    "tempo": 90,
    "amt_start": "nothing",
}
ROLL = PianoRoll.from_notes([Note(60, 0, 1), Note(64, 1, 0.5)])


@pytest.fixture(autouse=True)
def no_head_start(monkeypatch):
    monkeypatch.setattr(AMTSide, "head_start_seconds", 0.0)


def shown(title: str = "Prism") -> ShownPiece:
    return ShownPiece("Generated", title, "detail", "caption", "name", ROLL)


def finished(seed: int, own=None, **settings) -> Click:
    """A click of which Prism's side is there."""
    return Click(choice_of(seed=seed, **settings), own, pieces={"prism": shown()})


def event(**data) -> types.SimpleNamespace:
    return types.SimpleNamespace(**data)


# ---- the list ----


def test_results_are_listed_from_the_latest_on():
    history = History()
    assert history_value(history)["entries"] == []
    for seed in (5, 6):
        assert history.note(finished(seed))
    value = history_value(history)
    assert [(e["number"], e["detail"]) for e in value["entries"]] == [
        (2, "guidance 2 · seed 6"),
        (1, "guidance 2 · seed 5"),
    ]
    assert value["shown"] == 2 and value["entries"][0]["title"] == "Ada"
    # Pitch, start and end in frames.
    assert value["entries"][0]["notes"] == [60, 0, 4, 64, 4, 6]


def test_what_was_asked_for_is_listed():
    history = History()
    history.note(finished(5, metre="3/4", key="A minor", density="sparse"))
    (entry,) = history_value(history)["entries"]
    expected = "guidance 2 · seed 5 · 3/4 · asked for density sparse, key A minor"
    assert entry["detail"] == expected


def test_nothing_is_listed_before_prism_is_done():
    history = History()
    assert not history.note(Click())
    assert not history.note(Click(choice_of(), pieces={"corpus": shown()}))
    assert history.entries == []


def test_the_same_choice_is_one_result_and_becomes_the_one_shown():
    history = History()
    for seed in (5, 6):
        history.note(finished(seed))
    assert history.note(finished(5)) and len(history.entries) == 2 and history.shown == 1
    assert not history.note(finished(5))


def test_another_piece_to_compare_with_is_another_result():
    history = History()
    own = types.SimpleNamespace(key="mine", piece=types.SimpleNamespace(title="<b>mine</b>"))
    history.note(finished(5))
    history.note(finished(5, own))
    assert [e["beside"] for e in history_value(history)["entries"]] == ["beside <b>mine</b>", ""]


def test_the_oldest_goes_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(prism.ui.history, "MOST_ENTRIES", 2)
    history = History()
    for seed in (5, 6, 7):
        history.note(finished(seed))
    assert [e.number for e in history.entries] == [2, 3]
    assert history.entry(1) is None and history.entry(3).choice.seed == 7


def test_what_comes_later_is_added():
    history, click = History(), finished(5)
    history.note(click)
    click.pieces["amt"] = shown("AMT")
    click.scores = {
        "prism": [Score("imagenet", 0.5, ""), Score("corpus", 0.87, "")],
        "amt": [Score("imagenet", 0.6, ""), Score("corpus", -0.1, "")],
    }
    assert history.note(click)
    assert history_value(history)["entries"][0]["scores"] == "Prism .87 · AMT −.10"
    assert set(history.entry(1).pieces) == {"prism", "amt"}


def test_pieces_are_kept_without_their_files():
    history, click = History(), finished(5)
    click.pieces["prism"].render()
    history.note(click)
    kept = history.entry(1).pieces["prism"]
    assert kept.files == {} and kept.roll == ROLL and kept.title == "Prism"


def test_the_page_hears_of_news_alone():
    visit = Visit()
    visit.begin(choice_of())
    assert remembered(visit) == gr.skip()
    visit.click.pieces["prism"] = shown()
    assert remembered(visit)["entries"] and remembered(visit) == gr.skip()


# ---- going back ----


def run(handlers: Handlers, visit: Visit, choice) -> dict[str, ShownPiece]:
    """A click from beginning to end."""
    visit.begin(choice)
    controls = controls_of(choice.composers, seed=choice.seed, amt_start=choice.amt_start)
    for handler in (handlers.generate, handlers.real, handlers.baseline):
        list(handler(visit, *controls))
    remembered(visit)
    return visit.click.pieces


def test_a_result_comes_back_though_nobody_can_make_it_again(monkeypatch):
    studio, visit = studio_of(), Visit()
    handlers = Handlers(studio)
    choice = choice_of(seed=31, amt_start="melody")
    first = run(handlers, visit, choice)
    monkeypatch.setattr(studio._recent, "get", lambda key: None)
    for side in studio.sides.values():
        monkeypatch.setattr(side, "stages", None)
    again = run(handlers, visit, choice)
    assert {name: piece.roll for name, piece in again.items()} == {
        name: piece.roll for name, piece in first.items()
    }
    assert all("wav" in piece.files for piece in again.values())


def test_recalling_fills_in_every_control():
    visit = Visit()
    wishes = {"metre": "3/4", "key": "A minor", "character": "soft"}
    choice = choice_of(["Cleo", "Ada"], [30, 10], **SETTINGS_CHANGED, **wishes)
    visit.history.note(Click(choice, pieces={"prism": shown()}))
    visit.own = "something chosen since"
    composers, mixer, *others = Filling(studio_of()).recall(visit, event(number=1))
    assert composers["value"] == mixer == ["Cleo", "Ada"] and visit.own is None
    assert [(s["visible"], s.get("value")) for s in others[:2]] == [(True, 30), (True, 10)]
    assert others[4:] == [*(SETTINGS | SETTINGS_CHANGED | wishes).values()]


def test_what_is_no_longer_kept_is_told():
    with pytest.raises(gr.Error, match="no longer kept: choose one of those"):
        Filling(studio_of()).recall(Visit(), event(number=1))


def test_a_choice_and_its_link_ask_for_the_same():
    choice = choice_of(["Cleo", "Ada"], [30, 0], **SETTINGS_CHANGED, metre="6/8", register="high")
    again = read_query(dict(urllib.parse.parse_qsl(query(choice))), OFFERED).settings
    assert again == choice and query(again) == query(choice)


def test_weights_that_were_filled_in_stay():
    assert all(o == gr.skip() for o in changed_weights(["Ada", "Bob"], ["Ada", "Bob"], 1, 2, 3, 4))
    names, *sliders = changed_weights(["Bob", "Ada"], ["Ada", "Bob"], 1, 2, 3, 4)
    assert names == ["Bob", "Ada"] and [s.get("value") for s in sliders[:2]] == [2, 1]


# ---- surprise ----


def test_a_surprise_is_a_good_choice_and_leaves_the_rest_alone():
    studio = studio_of()
    filling, seen = Filling(studio, random.Random(0)), set()
    low, high = SURPRISING_GUIDANCE
    for _ in range(200):
        composers, _, *weights = filling.surprise()
        weights, (guidance, seed, *kept) = weights[:4], weights[4:]
        names = composers["value"]
        values = [w.get("value") for w in weights[: len(names)]]
        mix = {"composers": names, "weights": values}
        choice = studio.choice(**mix, guidance_scale=guidance, seed=seed)
        assert low <= choice.guidance_scale <= high and 0 <= choice.seed < 100_000
        assert kept == [gr.skip()] * (len(SETTINGS) - 2)
        seen.add(tuple(sorted(names)))
    assert len(seen) == len(LABELS) + 3  # each alone and each pair


def test_without_composers_there_is_no_surprise_but_a_reason():
    def missing():
        raise ValueError("no Prism weights in x; put them there")

    with pytest.raises(gr.Error, match="no Prism weights in x"):
        Filling(studio_of(pipeline=missing, corpus=missing)).surprise()


# ---- examples ----


def shown_examples(studio) -> list[str]:
    buttons = zip(EXAMPLES, Filling(studio).examples(), strict=True)
    return [name for name, update in buttons if update["visible"]]


def test_examples_are_shown_whose_composers_there_are(monkeypatch):
    assert shown_examples(studio_of()) == []
    studio = studio_of()
    monkeypatch.setattr(Studio, "composers", ["Bach", "Haydn", "Irish reels"])
    names = shown_examples(studio)
    assert names == ["A Bach chorale", "Haydn meets Irish reels"]
    composers, *others = Filling(studio).example(names[1])
    wanted = EXAMPLES[names[1]]
    assert composers["value"] == list(wanted.composers)
    # None of them asks for anything else.
    assert others[5:] == [*(SETTINGS | {"seed": wanted.seed}).values()]


def test_a_stored_piece_is_the_piece():
    piece = studio_of().sides["prism"]
    *_, last = piece.stages(choice_of(seed=3))
    made = last.piece()
    again = unpacked(packed(made))
    assert again == made and again.lines == made.lines


def test_a_stored_example_answers_without_the_models():
    choice, stored = choice_of(seed=8), shown().render()
    studio = studio_of(pipeline=None, amt=lambda: StandInAMT(2))
    studio.examples = Loader(lambda: (StoredExample(choice, {"prism": stored}),))
    assert studio._stored(studio.sides["prism"], choice) is None  # still loading
    studio.examples.get()
    (progress,) = studio.fill("prism", choice)
    assert progress.done and progress.piece is stored
    *_, last = studio.fill("amt", choice)
    assert last.piece.roll != ROLL
