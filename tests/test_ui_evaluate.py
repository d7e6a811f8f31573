"""The Evaluate tab: what is stored is shown, what runs live is counted and can be cancelled."""

from __future__ import annotations

import json

import pytest
from conftest import ROOT
from stand_ins import LABELS, bundle_of, service_of
from test_amt_sampler import make_model

from prism.amt.pipeline import AMTPipeline
from prism.evaluation.report import sections
from prism.evaluation.systems import Run
from prism.service.bundle import Bundle
from prism.similarity.scorer import Score
from prism.ui.evaluate import Evaluation, live_table, wins


def evaluation_of(bundle: Bundle | None = None) -> Evaluation:
    return Evaluation(service_of(amt=lambda: AMTPipeline(make_model()), bundle=bundle))


def scored(number: int, prism: float, amt: float, real: float) -> tuple[Run, dict]:
    sources = {"prism": prism, "amt": amt, "real": real}
    scores = {
        source: [Score("imagenet", value, ""), Score("corpus", value / 2, "")]
        for source, value in sources.items()
    }
    return Run(number, "Ada", number), scores


def test_a_live_table_by_hand():
    lines = live_table([scored(0, 0.5, 0.4, 0.8), scored(1, 0.7, 0.2, 1.0)]).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0][:3] == ["run", "composer", "Prism, picture network"]
    assert cells[2] == ["1", "Ada", "0.500", "0.400", "0.800", "0.250", "0.200", "0.400"]
    assert cells[4][1:5] == ["**mean**", "**0.600**", "**0.300**", "**0.900**"]
    assert len({len(row) for row in cells}) == 1


def test_a_live_experiment_runs_and_repeats():
    evaluation = evaluation_of()
    updates = list(evaluation.live(3, 3))
    line, table = updates[-1]
    assert line == {"kind": "calm", "text": "Done: 3 runs."}
    assert len(table.splitlines()) == 2 + 3 + 1
    assert {row.split("|")[2].strip() for row in table.splitlines()[2:5]} == set(LABELS)
    shares = [line["share"] for line, _ in updates if "share" in line]
    assert shares == [0, 1 / 3, 2 / 3]
    grown = [len(table.splitlines()) for _, table in updates]
    assert grown == sorted(grown) and grown[0] == 2
    assert list(evaluation.live(3, 3))[-1] == (line, table)


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (21, 0), (5.5, 0), (None, 0), (5, -1)])
def test_a_bad_number_is_answered_in_words(count, seed):
    ((line, _),) = evaluation_of().live(count, seed)
    assert line["kind"] == "error" and "expected a whole number" in line["text"]


def test_a_missing_model_is_told():
    def missing():
        raise ValueError("no weights at weights/amt")

    evaluation = Evaluation(service_of(amt=missing))
    line, _ = list(evaluation.live(5, 0))[-1]
    assert line == {"kind": "error", "text": "no weights at weights/amt"}


def test_the_tab_says_so_if_nothing_is_stored(tmp_path):
    evaluation = evaluation_of(bundle_of(tmp_path))
    assert evaluation.result is None
    assert "evaluation.json is missing; make it with: prism build" in evaluation.answers()


def test_the_experiment_of_other_weights_is_not_shown(tmp_path):
    stored = {"corpus_sha256": "c" * 64, "weights_sha256": {"prism": "a" * 64, "amt": "b" * 64}}
    parts = {"corpus": "c" * 64, "prism": "a" * 64, "amt": "d" * 64}
    evaluation = evaluation_of(bundle_of(tmp_path, parts=parts, evaluation=stored))
    assert evaluation.result is None
    assert "does not belong to the baseline's weights of this page" in evaluation.answers()
    assert "SHA-256 dddddddddddd…), but to another (SHA-256 bbbbbbbbbbbb…)" in evaluation.answers()


def test_a_result_with_the_two_sample_test_is_answered_with_it_and_another_without(tmp_path):
    result = json.loads((ROOT / "assets" / "evaluation.json").read_text(encoding="utf-8"))
    row = {"windows": 9, "area": 0.66, "interval": [0.63, 0.69], "areas": [0.66], "accuracy": 0.63}
    right = {"prism": 0.56, "amt": 0.734, "real": 0.51}
    result["two_sample"] = [row | {"system": who, "accuracy": x} for who, x in right.items()]
    del result["guidance"]
    parts = {"corpus": result["corpus_sha256"], **result["weights_sha256"]}
    evaluation = evaluation_of(bundle_of(tmp_path, parts=parts, evaluation=result))
    assert "right in 56 of 100 for Prism and 73 of 100 for AMT" in evaluation.answers()
    assert len(evaluation.plots) == 5
    told, *nearer = wins(result)["blocks"]
    assert told["rows"] == [
        ["Prism", 56, "prism"],
        ["AMT", 73, "amt"],
        ["another real piece", 51, "corpus"],
    ]
    assert [block["unit"] for block in nearer] == [f"of {result['runs']} runs"] * 2
    del result["two_sample"]
    assert wins(result)["blocks"] == nearer


def test_the_stored_experiment_is_shown():
    evaluation = evaluation_of()
    text = "".join(sections(evaluation.result).values())
    stored = json.loads((ROOT / "assets" / "evaluation.json").read_text(encoding="utf-8"))
    for section in stored["networks"].values():
        assert f"{section['mean']['prism']:.3f}" in text
    assert len(evaluation.plots) == 6 and evaluation.plots is evaluation.plots
