"""The Train tab without a browser: records as they lie beside weights, bundled and new."""

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
from prism.ui.training import Training, card_facts, markdown_table

WEIGHTS = ROOT / "weights"


def blocks_of(training: Training) -> list[dict]:
    return training.charts()["blocks"]


def bundled() -> Training:
    corpus = Loader(lambda: Corpus.load(ROOT / "assets" / "corpus"))
    return Training(Loader(lambda: WEIGHTS), corpus)


def test_the_bundled_weights_show_every_loss_that_was_recorded():
    blocks = blocks_of(bundled())
    curves = {
        tuple(map(tuple, series["points"]))
        for block in blocks
        if block["kind"] == "lines"
        for series in block["series"]
    }
    for folder in ("", "amt", "similarity"):
        record = json.loads((WEIGHTS / folder / "training.json").read_text(encoding="utf-8"))
        for history in record["history"].values():
            losses = [name for name in history[0] if name.endswith("loss")]
            for name in losses:
                assert tuple((row["step"], row[name]) for row in history) in curves


def test_digests_say_whether_the_corpus_is_the_page_s():
    rows = [row for b in blocks_of(bundled()) if b["title"] == "The training" for row in b["rows"]]
    whose = [value.split("(")[1] for name, value in rows if name == "Corpus (SHA-256)"]
    assert whose == ["the corpus of this page)"] * 3
    assert weights_digest([WEIGHTS / "dit"]) in [value for _, value in rows]


def test_what_was_tried_is_the_whole_table():
    table = blocks_of(bundled())[-1]
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
    training = Training(Loader(lambda: weights), Loader(lambda: corpus), tmp_path / "none.md")
    blocks = blocks_of(training)
    shown = next(block for block in blocks if block["kind"] == "rolls")
    assert [roll["notes"] for roll in shown["rolls"]] == [s["notes"] for s in samples]
    said = [block["about"] for block in blocks if block["kind"] == "text"]
    assert "amt/training.json is missing" in said[1]


def test_weights_without_samples_say_so(tmp_path):
    (tmp_path / "training.json").write_bytes((WEIGHTS / "training.json").read_bytes())
    nothing = Loader(lambda: Corpus((), (), ()))
    blocks = blocks_of(Training(Loader(lambda: tmp_path), nothing))
    shown = next(block for block in blocks if block["kind"] == "rolls")
    assert not shown["rolls"] and "before samples were kept" in shown["about"]
    rows = dict(next(block for block in blocks if block["title"] == "The training")["rows"])
    assert rows["Corpus (SHA-256)"].endswith("(not the corpus of this page)")
    assert "no weights in dit" in rows["Weights, diffusion transformer (SHA-256)"]


def test_weights_that_cannot_be_had_are_told():
    def missing():
        raise OSError("no weights at nowhere")

    blocks = blocks_of(Training(Loader(missing), Loader(missing)))
    assert blocks[0]["about"] == "no weights at nowhere" and blocks[-1]["title"] == "What was tried"


def test_reading_markdown_by_hand():
    card = "# Card\n\n**Use.** Call `it`.\n\n**Trained on** old\nmusic.\n"
    assert card_facts(card) == [("Use", "Call it."), ("Trained on", "old music.")]
    assert markdown_table("# Runs\n\n| a | b |\n|---|---|\n| 1 | `2` |\n") == (
        ["a", "b"],
        [["1", "2"]],
    )
    assert markdown_table("no table") == ([], [])
