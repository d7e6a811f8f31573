"""What fills in the controls, and the results of one visit, without a browser."""

from __future__ import annotations

import pickle
import random
import types
import urllib.parse

import gradio as gr
import pytest
from stand_ins import LABELS, OFFERED, SETTINGS, Page, StandInAMT, choice_of, service_of

import prism.service.session
from prism.music.roll import Note, PianoRoll
from prism.service.cards import history_value
from prism.service.examples import packed, unpacked
from prism.service.links import query, read_query
from prism.service.loading import Loader
from prism.service.piece import ShownPiece
from prism.service.service import Service
from prism.service.session import Generation, History, Session
from prism.similarity.scorer import Score
from prism.ui.cards import Cards
from prism.ui.presets import SURPRISING_GUIDANCE, Presets

SETTINGS_CHANGED = {
    "guidance_scale": 3.5,
    "seed": 9,
    "num_inference_steps": 24,
    "tempo": 90,
    "amt_start": "nothing",
}
ROLL = PianoRoll.from_notes([Note(60, 0, 1), Note(64, 1, 0.5)])


def shown(title: str = "Prism") -> ShownPiece:
    return ShownPiece("Generated", title, "detail", "caption", "name", ROLL)


def finished(seed: int, own=None, **settings) -> Generation:
    """A click of which Prism's side is there."""
    return Generation(choice_of(seed=seed, **settings), own, pieces={"prism": shown()})


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
    assert not history.note(Generation())
    assert not history.note(Generation(choice_of(), pieces={"corpus": shown()}))
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
    monkeypatch.setattr(prism.service.session, "MOST_ENTRIES", 2)
    history = History()
    for seed in (5, 6, 7):
        history.note(finished(seed))
    assert [e.number for e in history.entries] == [2, 3]
    assert history.entry(1) is None and history.entry(3).settings.seed == 7


def test_what_comes_later_is_added():
    history, click = History(), finished(5)
    history.note(click)
    click.pieces["amt"] = shown("AMT")
    click.scores = {
        "prism": [Score("imagenet", 0.5, ""), Score("corpus", 0.87, "")],
        "amt": [Score("imagenet", 0.6, ""), Score("corpus", -0.1, "")],
    }
    assert history.note(click)
    assert history_value(history)["entries"][0]["scores"] == "Prism 0.87 · AMT −0.10"
    assert [history.entry(1).piece(n) is None for n in ("prism", "amt", "corpus")] == [0, 0, 1]


def test_pieces_are_kept_without_their_files():
    history, click = History(), finished(5)
    click.pieces["prism"].render()
    history.note(click)
    entry = history.entry(1)
    kept = entry.piece("prism")
    assert kept.files == {} and kept.roll == ROLL and kept.title == "Prism"
    # Its notes alone: a dense roll takes 67 KB.
    assert len(pickle.dumps(entry)) < 4000


def test_the_page_hears_of_news_alone():
    cards, session = Cards(service_of()), Session()
    history, generation = session.history, session.begin(choice_of())
    assert cards.remembered(history, generation) == gr.skip()
    generation.pieces["prism"] = shown()
    assert cards.remembered(history, generation)["entries"]
    assert cards.remembered(history, generation) == gr.skip()


def test_a_late_run_of_an_earlier_click_leaves_the_news_to_the_latest():
    cards, session = Cards(service_of()), Session()
    late = session.begin(choice_of(seed=1))
    comparing = cards.compare(session)
    next(comparing)
    latest = session.begin(choice_of(seed=2))
    late.pieces["prism"] = latest.pieces["prism"] = shown()
    assert all(update[-1] == gr.skip() for update in comparing)
    assert cards.remembered(session.history, latest)["shown"] == 1


# ---- going back ----


def test_a_result_comes_back_though_nobody_can_make_it_again(monkeypatch):
    page = Page(service_of())
    page.click(seed=31, amt_start="melody")
    first = page.generation.pieces
    list(page.cards.compare(page.session))
    monkeypatch.setattr(page.service._recent, "get", lambda key: None)
    for source in page.service.sources.values():
        monkeypatch.setattr(source, "stages", None)
    page.click(seed=31, amt_start="melody")
    again = page.generation.pieces
    assert {name: piece.roll for name, piece in again.items()} == {
        name: piece.roll for name, piece in first.items()
    }
    assert all("wav" in piece.files for piece in again.values())


def test_recalling_fills_in_every_control():
    visit = Session()
    wishes = {"metre": "3/4", "key": "A minor", "character": "soft"}
    choice = choice_of(["Cleo", "Ada"], [30, 10], **SETTINGS_CHANGED, **wishes)
    visit.history.note(Generation(choice, pieces={"prism": shown()}))
    visit.own = "something chosen since"
    composers, mixer, *others = Presets(service_of()).recall(visit, event(number=1))
    assert composers["value"] == mixer["composers"] == ["Cleo", "Ada"] and visit.own is None
    assert mixer["weights"] == [30, 10]
    assert others == [*(SETTINGS | SETTINGS_CHANGED | wishes).values()]


def test_what_is_no_longer_kept_is_told():
    with pytest.raises(gr.Error, match="no longer kept: choose one of those"):
        Presets(service_of()).recall(Session(), event(number=1))


def test_a_choice_and_its_link_ask_for_the_same():
    choice = choice_of(["Cleo", "Ada"], [30, 0], **SETTINGS_CHANGED, metre="6/8", register="high")
    again = read_query(urllib.parse.parse_qsl(query(choice)), OFFERED).settings
    assert again == choice and query(again) == query(choice)


# ---- surprise ----


def test_a_surprise_is_a_good_choice_and_leaves_the_rest_alone():
    service = service_of()
    presets, seen = Presets(service, random.Random(0)), set()
    low, high = SURPRISING_GUIDANCE
    for _ in range(200):
        composers, mixer, guidance, seed, *kept = presets.surprise()
        names = composers["value"]
        assert mixer["composers"] == names and mixer["known"] == list(LABELS)
        mix = {"composers": names, "weights": mixer["weights"]}
        choice = service.settings(**mix, guidance_scale=guidance, seed=seed)
        assert low <= choice.guidance_scale <= high and 0 <= choice.seed < 100_000
        # The first take; nothing is kept or redrawn.
        assert [value for value in kept if value != gr.skip()] == [0, "", ""]
        assert kept[list(SETTINGS).index("redraw") - 2] == "" and len(kept) == len(SETTINGS) - 2
        seen.add(tuple(sorted(names)))
    assert len(seen) == len(LABELS) + 3  # each alone and each pair


def test_without_composers_there_is_no_surprise_but_a_reason():
    def missing():
        raise ValueError("no Prism weights in x; put them there")

    with pytest.raises(gr.Error, match="no Prism weights in x"):
        Presets(service_of(pipeline=missing, corpus=missing)).surprise()


# ---- examples ----


def shown_examples(service) -> list[str]:
    buttons = zip(service.stored.examples, Presets(service).examples(), strict=True)
    return [example.name for example, update in buttons if update["visible"]]


def test_examples_are_shown_whose_composers_there_are(monkeypatch):
    assert shown_examples(service_of()) == []
    service = service_of()
    monkeypatch.setattr(Service, "composers", ["Bach", "Haydn", "Irish reels"])
    names = shown_examples(service)
    assert names == ["A Bach chorale", "Haydn meets Irish reels"]
    composers, mix, *others = Presets(service).example(names[1])
    wanted = service.stored.examples[2].settings
    assert composers["value"] == mix["composers"] == list(wanted.composers)
    # None of them asks for anything else.
    usual = {"seed": wanted.seed, "num_inference_steps": wanted.num_inference_steps}
    assert others == [*(SETTINGS | usual).values()]


def test_a_stored_piece_is_the_piece():
    made = service_of().sources["prism"].piece(choice_of(seed=3))
    again = unpacked(packed(made), "prism")
    assert again == made and again.lines == made.lines


def test_a_stored_example_answers_without_the_models():
    choice, stored = choice_of(seed=8), shown().render()
    service = service_of(pipeline=None, amt=lambda: StandInAMT(2))
    service.examples = Loader(lambda: {choice.key_for("prism"): stored})
    with pytest.raises(TypeError):  # the examples are still loading, and there is no model
        list(service.fill("prism", choice))
    service.examples.get()
    (progress,) = service.fill("prism", choice)
    assert progress.done and progress.piece is stored
    *_, last = service.fill("amt", choice)
    assert last.piece.roll != ROLL
