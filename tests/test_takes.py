"""Takes: the same notes as their seeds, sorted by a rule; page, HTTP and command line."""

from __future__ import annotations

import dataclasses
import json
import types

import gradio as gr
import pytest
from conftest import make_pipeline
from stand_ins import SETTINGS, Page, choice_of, service_of, tiny_corpus

from prism.cli import main
from prism.models.setting_types import SettingError
from prism.models.settings import TAKES, GenerationSettings
from prism.music.midi import read_midi
from prism.music.roll import BEATS, Note, PianoRoll
from prism.service.links import query, read_query
from prism.service.takes import Take, ordered
from prism.ui.api import Api
from prism.ui.presets import Presets
from prism.ui.takes import kept

FAST = {"num_inference_steps": 2}
HIGHEST_SEED = 2**31 - 1


def roll_of(*pitches: int) -> PianoRoll:
    return PianoRoll.from_notes([Note(p, i, 1) for i, p in enumerate(pitches)])


def takes_with(**figures: list[float]) -> list[Take]:
    settings = choice_of().takes
    columns = [dict(zip(figures, row, strict=True)) for row in zip(*figures.values(), strict=True)]
    return [Take(s, roll_of(60), row) for s, row in zip(settings, columns, strict=True)]


def test_a_take_has_the_notes_of_a_later_seed():
    pipe = make_pipeline()
    expected = pipe("Ada", seed=[7, 8, 9, 10], **FAST).rolls
    assert pipe("Ada", seed=7, take=3, **FAST).rolls[0] == expected[2]
    assert pipe("Ada", seed=[7, 8], take=2, **FAST).rolls == expected[1:3]
    assert len({roll.onset.tobytes() for roll in expected}) == TAKES
    last = GenerationSettings("Ada", seed=HIGHEST_SEED, take=2)
    assert last.drawn_from(HIGHEST_SEED) == 0


def test_bars_are_redrawn_in_the_take():
    pipe = make_pipeline()
    take = pipe("Ada", seed=8, **FAST).rolls[0]
    edited = pipe("Ada", seed=7, take=2, redraw="3:5", **FAST).rolls[0]
    assert edited == pipe("Ada", seed=8, redraw="3:5", **FAST).rolls[0] != take


def test_only_prisms_piece_depends_on_the_take():
    first, *_, last = choice_of(seed=3, redraw="1:2").takes
    assert (first.take, last.take, first.redraw) == (None, TAKES, None)
    assert first.key_for("prism") != last.key_for("prism")
    assert first.key_for("corpus") == last.key_for("corpus")
    assert first.key_for("amt") == last.key_for("amt")
    melodies = [dataclasses.replace(s, amt_start="melody").key_for("amt") for s in (first, last)]
    assert melodies[0] != melodies[1]


def test_links_carry_the_take_and_say_nothing_of_the_first():
    offered = service_of().offered
    assert "take" not in query(choice_of())
    link = query(choice_of(take=3))
    assert "&take=3" in link
    pairs = [pair.split("=") for pair in link.split("&")]
    assert read_query(pairs, offered).settings.take == 3
    for wrong in (1, 5, "x"):
        with pytest.raises(SettingError, match="take: expected a whole number from 2 to 4"):
            GenerationSettings("Ada", take=wrong)


def test_the_batch_is_drawn_once_and_is_what_each_take_is_alone():
    service = service_of()
    source, settings = service.sources["prism"], choice_of(seed=3, **FAST)
    second = source.piece(settings.takes[1]).roll
    pipe, seeds = service.pipeline.get(), []
    stream = pipe.stream
    pipe.stream = lambda chosen, given=(), *others: (
        seeds.append(list(given)) or stream(chosen, given, *others)
    )
    *_, takes = service.draw_takes(settings)
    assert [take.number for take in takes] == [1, 2, 3, 4]
    assert seeds == [[3, 5, 6]] and takes[1].roll == second
    assert [t.roll for t in takes] == [source.piece(t.settings).roll for t in takes]
    assert list(service.draw_takes(settings))[-1] == takes and len(seeds) == 1


def test_each_rule_has_its_own_first():
    takes = takes_with(real=[0.1, 0.9, 0.5, 0.5], training=[0.4, 0.3, 0.2, 0.9], network=[0.0] * 4)
    orders = {
        sort: [t.number for t in ordered(takes, sort)] for sort in ("drawn", *takes[0].figures)
    }
    assert orders == {
        "drawn": [1, 2, 3, 4],
        "real": [2, 3, 4, 1],
        "training": [3, 2, 1, 4],
        "network": [1, 2, 3, 4],
    }


def test_figures_of_the_real_piece_and_of_a_training_piece():
    service, settings = service_of(), choice_of(("Ada", "Bob"), (50, 50))
    real = service.sources["corpus"].piece(settings).roll
    training = tiny_corpus().select("train")[0]
    copied = training.window()
    rolls = [real, copied, roll_of(*range(40, 40 + BEATS)), PianoRoll.empty()]
    takes = [Take(s, roll) for s, roll in zip(settings.takes, rolls, strict=True)]
    found = service.measured(takes)
    assert found[0].figures["real"] == pytest.approx(1)
    assert found[1].figures["training"] == 1 > found[2].figures["training"]
    network = service.scorer.get().networks["corpus"]
    asked = [network.composers.index(name) for name in ("Ada", "Bob")]
    sure = network.probabilities(rolls)[:, asked].sum(1).tolist()
    assert [take.figures["network"] for take in found] == pytest.approx(sure)
    assert service.measured(takes, rolls[2])[2].figures["real"] == pytest.approx(1)


def wish(number: int) -> types.SimpleNamespace:
    return types.SimpleNamespace(number=number)


def test_the_strip_draws_measures_and_lets_one_be_kept():
    page = Page(service_of())
    handlers = page.handlers.takes
    (said,) = handlers.draw(page.session)
    assert "press Generate first" in said["text"] and said["kind"] == "error"
    page.click("prism", "corpus", seed=3)
    drawing, drawn, done = handlers.draw(page.session)
    assert drawing["takes"] == [] and drawing["text"] == "Drawing 4 takes…"
    assert [take["number"] for take in drawn["takes"]] == [1, 2, 3, 4] and drawn["shown"] == 1
    assert all(take["figures"] == {} for take in drawn["takes"])
    assert set(done["takes"][0]["figures"]) == set(done["rules"]) and not done["text"]
    settings = kept(page.session, 3)
    assert settings == choice_of(seed=3, take=3)
    controls = Presets(page.service).take(page.session, wish(3))
    assert controls[2 + list(SETTINGS).index("take")] == 3

    page.begin(seed=3, take=3)
    assert handlers.begun(page.session)["shown"] == 3
    page.begin(seed=3, beats=128)
    assert handlers.begun(page.session)["shown"] == 0, "that goes on beyond a take"
    page.begin(seed=4)
    assert page.session.takes == []
    with pytest.raises(gr.Error, match="press 4 takes"):
        Presets(page.service).take(page.session, wish(3))


def test_takes_that_cannot_be_measured_stay_with_a_sentence():
    page = Page(service_of(scorer=lambda: 1 / 0))
    page.click("prism")
    *_, last = page.handlers.takes.draw(page.session)
    assert last["text"].startswith("The takes could not be measured: ")
    assert len(last["takes"]) == TAKES and last["kind"] == "error"


def test_programs_get_takes_with_their_figures():
    *_, last = Api(service_of()).takes("TRAINING", composers=["Ada"], seed=3, **FAST)
    assert last["sort"] == "least like training music" and len(last["takes"]) == TAKES
    overlaps = [take["figures"]["training"] for take in last["takes"]]
    assert overlaps == sorted(overlaps) and all(take["notes"] for take in last["takes"])
    with pytest.raises(gr.Error, match="sort: expected one of drawn, real, training, network"):
        list(Api(service_of()).takes("best", composers=["Ada"]))


def test_the_command_writes_takes_in_order(monkeypatch, tmp_path, capsys):
    service = service_of()
    monkeypatch.setattr("prism.service.service.load_service", lambda bundle: service)
    steps = ["--num-inference-steps", "2", "--seed", "3"]
    arguments = ["takes", "Ada", *steps, "--json", "--output", str(tmp_path)]
    assert main([*arguments, "--sort", "real"]) == 0
    *paths, last = capsys.readouterr().out.splitlines()
    (takes,) = json.loads(last)["takes"]
    assert [take["files"]["midi"] for take in takes] == paths
    cosines = [take["figures"]["real"] for take in takes]
    assert cosines == sorted(cosines, reverse=True)
    names = {take["take"]: path for take, path in zip(takes, paths, strict=True)}
    assert "prism-Ada-seed-3-" in names[1] and "-seed-3-take-2-" in names[2]
    second = service.sources["prism"].piece(choice_of(seed=4, **FAST)).roll
    assert [n[:3] for n in read_midi(names[2]).window().notes()] == [n[:3] for n in second.notes()]
    assert main([*arguments, "--sort", "best"]) == 2
    assert "sort: expected one of" in capsys.readouterr().err
