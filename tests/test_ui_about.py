"""The tab About the models without a browser: records beside weights, bundled and new."""

from __future__ import annotations

import dataclasses
import json

from conftest import ROOT
from test_training import TINY

from prism.corpora.prepared import Corpus
from prism.corpora.provenance import weights_digest
from prism.service.loading import Loader
from prism.training import run, stages
from prism.training.recipe import StageRecipe
from prism.ui.about import about, card_facts, markdown_table

WEIGHTS = ROOT / "weights"


def blocks_of(*loaders, **settings) -> tuple[list[dict], list[dict]]:
    """What is seen, and what is folded."""
    short, rest = about(*loaders, **settings)
    return short["blocks"], rest["blocks"]


def bundled() -> tuple[list[dict], list[dict]]:
    corpus = Loader(lambda: Corpus.load(ROOT / "assets" / "corpus"))
    return blocks_of(Loader(lambda: WEIGHTS), corpus)


def trainings(blocks: list[dict]) -> list[dict[str, str]]:
    return [dict(block["rows"]) for block in blocks if block["title"] == "The training"]


def test_the_bundled_weights_show_every_loss_that_was_recorded():
    short, rest = bundled()
    curves = {
        tuple(map(tuple, series["points"]))
        for block in (*short, *rest)
        if block["kind"] == "lines"
        for series in block["series"]
    }
    for folder in ("", "amt", "similarity"):
        record = json.loads((WEIGHTS / folder / "training.json").read_text(encoding="utf-8"))
        for history in record["history"].values():
            losses = [name for name in history[0] if name.endswith("loss")]
            for name in losses:
                assert tuple((row["step"], row[name]) for row in history) in curves


def test_a_model_is_a_paragraph_over_its_loss():
    prism, student, amt, music = (block for block in bundled()[0] if block["kind"] != "rolls")
    assert prism["title"] == "Prism" and prism["description"].startswith("Diffusion transformer: l")
    assert "etworks that draw 64-beat piano rolls in the manner of" in prism["about"]
    assert student["description"].startswith("Student: likeness")
    assert amt["description"].startswith("AMT-mini: loss")
    assert music["description"].startswith("Music network: loss")
    assert ": cross-entropy" in music["about"] and " million weights, trained for" in music["about"]


def test_no_setting_of_a_record_is_lost():
    rows, *_ = trainings(bundled()[1])
    record = json.loads((WEIGHTS / "training.json").read_text(encoding="utf-8"))
    rate = record["recipe"]["dit"]["learning_rate"]
    assert rows["recipe: dit: learning rate"] == str(rate)
    assert rows["labels"] == ", ".join(record["labels"])
    assert rows["hardware"] == record["hardware"]
    assert not any(name.startswith("history") for name in rows)


def test_digests_say_whether_the_corpus_is_the_page_s():
    rows = trainings(bundled()[1])
    whose = [training["corpus sha256"].split("(")[1] for training in rows]
    assert whose == ["the corpus of this page)"] * 4
    assert rows[0]["weights sha256: dit"] == weights_digest([WEIGHTS / "dit"])


def test_what_was_tried_is_the_whole_table():
    table = bundled()[1][-1]
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    dates = [line for line in page.splitlines() if line.startswith("| 20")]
    assert len(table["rows"]) == len(dates) >= 8
    assert {len(row) for row in table["rows"]} == {len(table["head"])}


def test_a_training_keeps_a_sample_an_evaluation_and_the_tab_shows_them(
    corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(stages, "VALIDATION_WINDOWS", 8)
    short = StageRecipe(steps=2, batch_size=2, learning_rate=1e-3, evaluate_every=1)
    recipe = dataclasses.replace(TINY, autoencoder=short, dit=short)
    weights = tmp_path / "weights"
    pipe = run.train(recipe, corpus, tmp_path / "run", weights)
    samples = json.loads((weights / "samples.json").read_text(encoding="utf-8"))
    made = [(sample["step"], sample["composer"], sample["seed"]) for sample in samples]
    assert made == [(1, "Ada", 0), (2, "Ada", 0)]
    # The finished network is the last evaluation's.
    last = pipe("Ada", seed=0).rolls[0]
    assert samples[-1]["notes"] == [list(note) for note in last.notes()]
    (weights / "amt").mkdir()
    short, rest = blocks_of(
        Loader(lambda: weights), Loader(lambda: corpus), experiments=tmp_path / "none.md"
    )
    (shown,) = (block for block in short if block["kind"] == "rolls")
    assert [roll["notes"] for roll in shown["rolls"]] == [s["notes"] for s in samples]
    said = [block["about"] for block in short if block["kind"] == "text"]
    assert "amt/training.json is missing" in said[0]
    assert "What was tried" not in [block["title"] for block in rest]


def test_weights_without_samples_card_or_losses(tmp_path):
    record = json.loads((WEIGHTS / "training.json").read_text(encoding="utf-8"))
    (tmp_path / "training.json").write_text(json.dumps(record | {"history": {}}))
    nothing = Loader(lambda: Corpus((), (), ()))
    short, rest = blocks_of(Loader(lambda: tmp_path), nothing)
    assert [block["kind"] for block in short] == ["text"]
    assert "million weights" in short[0]["about"]
    (rows,) = trainings(rest)
    assert rows["corpus sha256"].endswith("(not the corpus of this page)")
    assert rows["weights sha256: dit"] == "there are no weights in dit"
    (card,) = (block for block in rest if block["title"] == "The model card, in short")
    assert card["rows"] == [["README.md", "is missing"]]


def test_weights_that_cannot_be_had_are_told():
    def missing():
        raise OSError("no weights at nowhere")

    (none,), (tried,) = blocks_of(Loader(missing), Loader(missing))
    assert none["about"] == "no weights at nowhere" and tried["title"] == "What was tried"


def test_reading_markdown_by_hand():
    card = "---\nlicense: mit\n---\n\n# Card\n\nDraws\n`rolls`.\n\n**Use.** Call `it`.\n\n"
    found = [("Use", "Call it."), ("Trained on", "old music.")]
    assert card_facts(f"{card}**Trained on** old\nmusic.\n") == ("Draws rolls.", found)
    assert card_facts("") == ("", [])
    another = "\n| c |\n|---|\n| 3 |\n"
    assert markdown_table(f"# Runs\n\n| a | b |\n|---|---|\n| 1 | `2` |\n{another}") == (
        ["a", "b"],
        [["1", "2"]],
    )
    assert markdown_table("no table") == ([], [])
