"""The page without a browser: every event through its API, with a tiny model."""

from __future__ import annotations

import concurrent.futures
import gc
import pathlib
import sys
import types
import wave

import gradio as gr
import numpy as np
import pytest
import stand_ins
from conftest import PROFILES, make_piece, make_pipeline
from gradio_client import Client
from gradio_client.exceptions import AppError
from stand_ins import (
    KNOWN,
    LABELS,
    Page,
    StandInAMT,
    choice_of,
    controls_of,
    make_scorer,
    make_wishful,
    served,
    service_of,
    settled,
)

from prism.amt.pipeline import PartialSample
from prism.corpora.prepared import Corpus
from prism.music.midi import read_midi
from prism.music.roll import Note, PianoRoll
from prism.music.windows import Window
from prism.service.loading import Loader, load_pipeline
from prism.service.piece import ShownPiece
from prism.service.session import Session
from prism.service.sources import AMTPrompt, RecentResults
from prism.ui.generate import Handlers
from prism.ui.page import build_ui
from prism.ui.player import PianoRollPlayer, with_file


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with served() as address:
        yield Client(address, verbose=False, download_files=tmp_path_factory.mktemp("files"))


def generate(client: Client, **settings) -> list[dict]:
    """All that comes of one request, from the first notes on."""
    job = client.submit(**{"composers": ["Ada"], **settings}, api_name="/generate")
    job.result(timeout=60)
    return [piece for piece in job.outputs() if piece["notes"]]


def wav_loudness(path: str) -> float:
    with wave.open(path) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    return float(np.sqrt(np.mean(samples**2)))


def test_only_the_documented_endpoints_are_public(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {
        "/composers",
        "/generate",
        "/continued",
        "/notation",
        "/takes",
        "/corpus",
        "/amt",
        "/compare",
        "/score",
        "/describe",
        "/experiment",
    }


def test_generate_shows_previews_then_the_pipelines_own_roll(client):
    updates = generate(client, composers=["Ada", "Bob"], weights=[70, 30], seed=5)
    value = updates[-1]
    expected = make_pipeline()(
        ["Ada", "Bob"], [0.7, 0.3], guidance_scale=2.0, num_inference_steps=8, seed=5
    ).rolls[0]
    assert [tuple(note) for note in value["notes"]] == expected.notes()
    assert (value["tempo"], value["beats"]) == (expected.tempo, 64)
    assert len(updates) >= 2 and not updates[0]["done"] and value["done"]
    assert "Ada 70 % + Bob 30 %" in value["detail"] and "seed 5" in value["detail"]


def test_downloads_are_the_roll_as_midi_and_sound(client):
    value = generate(client, seed=6)[-1]
    files = value["files"]
    assert pathlib.Path(files["midi"]).name == "prism-Ada-seed-6.mid"
    piece = read_midi(files["midi"])
    assert piece.window().onset.sum() == len(value["notes"])
    assert wav_loudness(files["wav"]) > 0.005


def test_a_repeat_comes_from_the_recent_results(client):
    first = generate(client, seed=7)
    again = generate(client, seed=7)
    assert len(again) == 1
    assert again[0]["notes"] == first[-1]["notes"]


def test_tempo_is_the_visitors_or_the_musics_own(client):
    assert generate(client, seed=8, tempo=150)[-1]["tempo"] == 150
    assert generate(client, seed=8, tempo=0)[-1]["tempo"] == PROFILES["Ada"]["tempo"]
    assert client.predict(["Bob"], tempo=150, api_name="/corpus")["tempo"] == 150


def test_corpus_shows_a_held_out_piece_with_its_terms(client):
    value = client.predict(["Bob"], seed=3, api_name="/corpus")
    assert value["title"] == "Bob-test"
    assert "Bob-test.xml" in value["caption"] and "made for the tests" in value["caption"]
    assert value["notes"] and wav_loudness(value["files"]["wav"]) > 0.005


def test_amt_writes_with_sound(client):
    value = client.predict(["Bob"], seed=3, amt_start="melody", api_name="/amt")
    assert value["title"] == "AMT" and value["kind"] == "Generated · baseline"
    assert len(value["notes"]) == 8 and wav_loudness(value["files"]["wav"]) > 0.005


def test_score_compares_the_pieces_that_the_other_endpoints_give(client):
    scores = client.predict(["Bob"], seed=3, amt_start="nothing", api_name="/score")
    prism, real = (
        PianoRoll.from_notes([Note(*note) for note in value["notes"]])
        for value in (
            generate(client, composers=["Bob"], seed=3)[-1],
            client.predict(["Bob"], seed=3, api_name="/corpus"),
        )
    )
    (expected,) = make_scorer().scores(real, {"prism": prism}).values()
    assert [(s["network"], s["words"]) for s in scores["prism"]] == [
        (score.network, score.words) for score in expected
    ]
    assert [s["cosine"] for s in scores["prism"]] == pytest.approx([s.cosine for s in expected])
    assert len(scores["amt"]) == 2


def test_two_visitors_at_once_each_get_their_own(client):
    seeds = range(20, 26)
    with concurrent.futures.ThreadPoolExecutor(len(seeds)) as pool:
        values = list(pool.map(lambda seed: generate(client, seed=seed)[-1], seeds))
    pipeline = make_pipeline()
    for seed, value in zip(seeds, values, strict=True):
        expected = pipeline("Ada", seed=seed).rolls[0].notes()
        assert [tuple(note) for note in value["notes"]] == expected


BAD_CHOICES = [
    ({"composers": []}, "composers: expected 1 to 4 labels, each once, got"),
    ({"composers": ["Ada", "Bob", "Cleo", "Dee", "Eve"]}, "composers: expected 1 to 4 labels"),
    ({"composers": ["Zoe"]}, "composers: expected some of Ada, Bob, Cleo, got 'Zoe'"),
    ({"composers": ["Ada", "Bob"], "weights": [0, 0]}, "weights: expected at least one above 0"),
    ({"composers": ["Ada", "Bob"], "weights": [-1, 50]}, "a number from 0 to 100, got -1"),
    ({"guidance_scale": 8.5}, "guidance_scale: expected a number from 0 to 8, got 8.5"),
    ({"guidance_scale": None}, "guidance_scale: .*got nothing"),
    ({"num_inference_steps": 0}, "num_inference_steps: expected a whole number from 1 to 200"),
    ({"num_inference_steps": 1000}, "num_inference_steps: .*got 1000"),
    ({"seed": 1.5}, "seed: expected a whole number from 0 to 2147483647, got 1.5"),
    ({"seed": -1}, "seed: .*got -1"),
    ({"seed": None}, "seed: .*got nothing"),
    ({"seed": "one"}, "seed: .*got 'one'"),
    ({"tempo": 10}, "tempo: expected a number from 20 to 400, got 10"),
]


@pytest.mark.parametrize(("settings", "message"), BAD_CHOICES)
def test_bad_input_is_explained_and_the_app_goes_on(client, settings, message):
    with pytest.raises(AppError, match=message):
        generate(client, **settings)
    assert generate(client, seed=7)[-1]["notes"]


def test_an_error_is_also_in_the_status_line():
    handlers = Handlers(service_of())
    updates = []
    with pytest.raises(gr.Error):
        for update in handlers.begin(Session(), *controls_of([])):
            updates.append(update)
    link, status, *kept = updates[-1]
    kept.append(link)
    assert status["kind"] == "error" and "No composer is chosen: choose 1 to 4" in status["text"]
    assert all(part == gr.skip() for part in kept)


def test_files_are_told_apart_by_their_seeds_however_long_the_labels(monkeypatch):
    monkeypatch.setattr(stand_ins, "LABELS", ("A" * 70, "B" * 70))
    choice = choice_of(["A" * 70, "B" * 70], [50, 50], seed=123456)
    service = service_of()
    prism, amt = service.sources["prism"], service.sources["amt"]
    roll = PianoRoll.from_notes([Note(60, 0, 1)])
    grown = PartialSample(1, 1.0, True, lambda count: roll)
    made = prism.shown(choice, roll), amt._piece(choice, StandInAMT(), AMTPrompt("told"), grown)
    assert [piece.name[-15:] for piece in made] == ["AAA-seed-123456", "ing-seed-123456"]


def test_a_corpus_is_called_by_its_own_name():
    piece = make_piece("x", source="clean_midi/Ada/Song.mid")
    source = service_of().sources["corpus"]
    shown = source._piece(choice_of(), Window(piece, 0))
    assert shown.caption.startswith("From the corpus clean_midi (Ada/Song.mid), not used in train")
    other = source._piece(choice_of(), Window(make_piece("y", source="bach/bwv1.6.mxl"), 0))
    assert other.caption.startswith("From music21's corpus (bach/bwv1.6.mxl), not used in train")


def test_equal_weights_are_one_choice():
    first, second = (choice_of(["Ada", "Bob"], [w, w, 0, 0]) for w in (1, 50))
    assert first == second and hash(first) == hash(second)


def test_a_composer_with_weight_0_is_left_out():
    choice = choice_of(["Ada", "Bob"], [0, 50])
    assert (choice.composers, choice.composer_weights, choice.mix) == (("Bob",), (1.0,), "Bob")


WISHES = {
    "metre": "3/4",
    "key": "A minor",
    "density": "sparse",
    "register": "low",
    "character": "soft",
    "repetition": "some",
    "collection": "Dances",
}


def test_what_is_asked_for_is_drawn_and_written_down():
    page = Page(service_of(pipeline=make_wishful))
    value, piece, _ = page.click("prism", **WISHES)
    asked = {name: WISHES[name] for name in KNOWN}
    expected = make_wishful()("Ada", seed=1, time_signature=(3, 4), **asked).rolls[0]
    assert piece.roll == expected
    words = (
        "asked for character soft, collection Dances, density sparse, key A minor, register low, "
        "repetition some"
    )
    assert value["detail"].endswith(f" · 3/4 at 80 · {words}")
    wished = {f"{name}: {value}" for name, value in asked.items()}
    lines = wished | {"time_signature: 3/4", "structure_scale: 0.35"}
    assert lines < set(piece.lines)
    other = page.click("prism", **(WISHES | {"key": "A major"}))
    assert other[1].roll != piece.roll
    free = page.click("prism", **WISHES, structure_scale=4)
    assert free[1].roll != piece.roll


def test_what_is_asked_for_decides_only_what_prism_draws():
    wishful = choice_of(**WISHES)
    for name in service_of().sources:
        same = wishful.key_for(name) == choice_of().key_for(name)
        assert same == (name != "prism")
    melody = {"amt_start": "melody"}
    assert choice_of(**WISHES, **melody).key_for("amt") != choice_of(**melody).key_for("amt")
    assert choice_of(key=None, metre=None) == choice_of()


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"metre": "5/7"}, "metre: expected a time signature such as 4/4, .*, got '5/7'"),
        ({"key": "H minor"}, "key: expected one like C major or B minor, got 'H minor'"),
        ({"density": ["x"]}, "density: expected one of sparse, medium, dense, got"),
    ],
)
def test_a_wish_that_does_not_exist_is_explained(wish, message):
    with pytest.raises(ValueError, match=message):
        choice_of(**wish)


def test_a_wish_that_the_model_does_not_know_is_explained():
    with pytest.raises(ValueError, match="key: expected nothing, as this model cannot be asked"):
        service_of().settings(composers=["Ada"], key="A minor")


def test_missing_weights_are_explained_and_the_corpus_still_plays(tmp_path):
    handlers = Handlers(service_of(pipeline=lambda: load_pipeline(tmp_path / "nowhere")))
    choices, status, *_ = handlers.welcome()
    assert choices["choices"] == list(LABELS)
    assert status["kind"] == "error" and "nowhere" in status["text"]
    assert "prism train" in status["text"]
    page = Page(handlers.service)
    page.begin()
    with pytest.raises(gr.Error, match="nowhere"):
        page.fill("prism")
    value, piece = page.fill("corpus")
    assert value["notes"] and "wav" in piece.files


def test_truncated_weights_are_explained(tmp_path):
    make_pipeline().save_pretrained(tmp_path)
    path = next((tmp_path / "dit").glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:1000])
    _, status, *_ = Handlers(service_of(pipeline=lambda: load_pipeline(tmp_path))).welcome()
    assert status["kind"] == "error" and str(tmp_path) in status["text"]


def test_weights_put_in_place_later_are_found(tmp_path):
    loader = Loader(lambda: load_pipeline(tmp_path))
    with pytest.raises(ValueError, match="no Prism weights"):
        loader.get()
    assert not loader.ready
    make_pipeline().save_pretrained(tmp_path)
    assert loader.get().composers == list(LABELS)
    assert loader.ready


def test_a_missing_corpus_is_explained_and_prism_still_draws(tmp_path):
    page = Page(service_of(corpus=lambda: Corpus.load(tmp_path)))
    value, piece = page.click("corpus")
    assert piece is None and "prism corpora prepare" in value["message"]
    assert page.fill("prism")[0]["notes"]


def test_a_missing_soundfont_leaves_the_roll_and_says_so(monkeypatch):
    monkeypatch.setenv("PRISM_SOUNDFONT", "nowhere.sf2")
    page, drawn = Page(service_of()), []
    pipeline = page.service.pipeline.get()
    stream = pipeline.stream
    monkeypatch.setattr(pipeline, "stream", lambda *a: drawn.append(a) or stream(*a))
    value, *_ = page.click("prism")
    assert value["notes"] and "midi" in value["downloads"] and "wav" not in value["downloads"]
    assert "nowhere.sf2" in value["message"] and "PRISM_SOUNDFONT" in value["message"]
    monkeypatch.delenv("PRISM_SOUNDFONT")
    value, *_ = page.click("prism")
    assert "wav" in value["downloads"] and not value["message"]
    assert len(drawn) == 1, "only the sound was missing"


def test_between_the_tabs_there_are_tabs_alone():
    page = build_ui(service_of())
    rows = [block for block in page.blocks.values() if isinstance(block, gr.Tabs)]
    # Gradio counts whatever stands there, and would show a tab in another's place.
    assert len(rows) == 2
    assert all(isinstance(tab, gr.Tab) for row in rows for tab in row.children)


def test_a_click_sends_four_events():
    page = build_ui(service_of())
    events = page.config["dependencies"]
    (button,) = (
        c["id"] for c in page.config["components"] if c["props"].get("value") == "Generate"
    )
    (click,) = (e for e in events if [button, "click"] in [list(t) for t in e["targets"]])
    sent, waiting = [], [click]
    while waiting:
        event = waiting.pop()
        sent += [event] if event["backend_fn"] else []
        waiting += [e for e in events if e["trigger_after"] == event["id"]]
    assert len(sent) == 4
    reading = [e for e in sent if len(e["inputs"]) > 1]
    assert len(reading) == 1, "the controls are sent once"


def test_stop_ends_what_began_before_it_and_what_begins_after():
    page = Page(service_of(amt=lambda: StandInAMT(50, 0.05)))
    page.begin(seed=11)
    running = page.filling("amt")
    next(running)
    assert page.handlers.stop(page.session)["text"] == "Stopped."
    for rest in (list(running), list(page.filling("prism"))):
        assert rest[-1][0]["message"] == "Stopped before it was done." and rest[-1][1] is None
        assert not rest[-1][0].get("busy")
        assert not any("Done" in str(update) for update in rest)
    assert page.generation.pieces == {}
    # The real piece is only looked up: there is nothing to stop.
    assert "wav" in page.fill("corpus")[1].files and not page.fill("corpus")[0]["message"]
    assert page.click("corpus")[0]["notes"]


def stopped_at(page, step, seed):
    """What Prism's player is told last if Stop is pressed at a step."""
    page.begin(seed=seed)
    drawing = page.filling("prism")
    while f"step {step} of 16" not in str(next(drawing)):
        pass
    page.handlers.stop(page.session)
    return list(drawing)[-1]


def test_a_roll_that_was_complete_when_stopped_gets_its_sound():
    page = Page(service_of())
    value, piece, _ = stopped_at(page, 16, seed=12)
    assert "wav" in piece.files and not value["message"]
    assert page.generation.pieces == {"prism": piece}


def test_the_last_word_of_a_drawing_that_was_stopped_is_that_it_was():
    value, piece, said = stopped_at(Page(service_of()), 1, seed=14)
    assert said["text"] == "Stopped." and value["message"] and piece is None


def test_what_was_stopped_keeps_the_notes_that_were_there():
    page = Page(service_of(amt=lambda: StandInAMT(1000, 0.01)))
    page.begin(seed=13)
    writing = page.filling("amt")
    while not (shown := next(writing)[0].get("notes")):
        pass
    page.handlers.stop(page.session)
    value, piece = list(writing)[-1]
    assert value["notes"] == shown and value["message"] and piece is None


def test_finished_pieces_stay_when_another_source_is_stopped():
    page = Page(service_of(amt=lambda: StandInAMT(1000, 0.01)))
    page.click("prism", "corpus")
    writing = page.filling("amt")
    next(writing)
    page.handlers.stop(page.session)
    assert list(writing)[-1][0]["message"] == "Stopped before it was done."
    assert set(page.generation.pieces) == {"prism", "corpus"}
    scores, nearest, history = settled(page.cards.compare(page.session))
    assert history["entries"] and len(scores["charts"][0]["marks"]) == 1
    assert [row["source"] for row in nearest["rows"]] == ["prism", "corpus"]
    # No player is an input or an output of the server's part.
    stop = next(f for f in build_ui(service_of()).fns.values() if f.name == "stop")
    assert not any(isinstance(c, PianoRollPlayer) for c in (*stop.inputs, *stop.outputs))


def asking(kind: str) -> types.SimpleNamespace:
    return types.SimpleNamespace(kind=kind)


def test_the_picture_is_drawn_when_asked_for():
    _, piece, _ = Page(service_of()).click("prism")
    assert "png" not in piece.files
    files = with_file(piece, asking("png"))["downloads"]
    assert pathlib.Path(files["png"]["path"]).read_bytes().startswith(b"\x89PNG")
    assert with_file(None, asking("png")) == gr.skip()


def test_written_music_is_made_when_asked_for_or_a_sentence_says_what_is_missing(monkeypatch):
    _, piece, _ = Page(service_of()).click("prism")
    files = with_file(piece, asking("musicxml"))["downloads"]
    assert pathlib.Path(files["musicxml"]["path"]).name == f"{piece.name}.musicxml"
    monkeypatch.setitem(sys.modules, "verovio", None)
    shown = with_file(piece, asking("score"))
    assert shown["message"].endswith("install it with: pip install verovio")
    assert set(shown["downloads"]) == {"midi", "midipic", "wav", "musicxml"} and not shown["busy"]
    monkeypatch.undo()
    picture = with_file(piece, asking("score"))["downloads"]["score"]["path"]
    assert pathlib.Path(picture).read_text().startswith("<svg")


def test_composers_that_the_mixer_has_not_heard_of_yet_get_the_usual_weight():
    page = Page(service_of())
    composers, mix, *others = controls_of(["Ada", "Bob"], [20, 80])
    page.begin(["Bob", "Cleo"], mix, *others)
    assert page.generation.settings.mixer == (("Bob", 80), ("Cleo", 50))


def test_recent_results_are_bounded_and_forget_the_unused():
    recent = RecentResults(size=2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def test_files_go_when_nobody_refers_to_the_piece():
    roll = PianoRoll.from_notes([Note(60, 0, 1)])
    piece = ShownPiece("Generated", "A/B", "detail", "", "../a b", roll).render()
    path = piece.files["midi"]
    assert path.name == "a-b.mid" and path.is_file()
    del piece
    gc.collect()
    assert not path.parent.exists()


def test_a_shared_pieces_files_can_be_read_while_its_picture_is_drawn():
    piece = ShownPiece("Generated", "A", "", "", "a", PianoRoll.from_notes([Note(60, 0, 1)]))
    kinds = []
    for kind in piece.render().files:
        piece.draw()
        kinds.append(kind)
    assert kinds == ["midi", "midipic", "wav"] and "png" in piece.files
