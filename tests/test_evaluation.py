"""The experiment on tiny models, and its figures from rows made by hand."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import PROFILES, PitchClasses, make_piece, make_pipeline, random_weights
from test_amt_sampler import make_model
from test_scorer import BANDS

from prism.amt.pipeline import AMTPipeline
from prism.corpora.prepared import Corpus
from prism.corpora.provenance import weights_digest
from prism.drawing.figures import evaluation_figures
from prism.evaluation import studies
from prism.evaluation.experiment import experiment
from prism.evaluation.ledger import Ledger
from prism.evaluation.report import (
    answers,
    cloud_table,
    composer_table,
    cosine_table,
    figure_names,
    mixing_words,
    report,
    statistics_table,
    tolerance_table,
    two_sample_table,
    two_sample_words,
    verdict,
)
from prism.evaluation.summary import summary
from prism.evaluation.systems import DRAWN, REFERENCE, SYSTEMS, Systems, planned_runs
from prism.models.settings import SETTINGS
from prism.music.packing import unpacked_roll
from prism.music.roll import PianoRoll
from prism.music.statistics import NAMES
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.networks import ComposerNetwork, CorpusFeatures
from prism.similarity.scorer import SimilarityScorer

LABELS = list(PROFILES)

WITHOUT_STUDENT = tuple(name for name in SYSTEMS if name != "prism_teacher")


@pytest.fixture(scope="module")
def held() -> Corpus:
    """Three labels, several pieces on each side of the split."""
    sides = ("train", "train", "validation", "validation", "test", "test")
    pieces = [
        make_piece(f"{label}-{i}", label, beats=90, seed=i + 10 * k)
        for k, label in enumerate(LABELS)
        for i in range(len(sides))
    ]
    return Corpus(tuple(pieces), sides * len(LABELS), tuple(LABELS))


@pytest.fixture(scope="module")
def network() -> CorpusFeatures:
    return CorpusFeatures(
        random_weights(ComposerNetwork(labels=3, width=8, feature_size=16)), LABELS
    )


@pytest.fixture(scope="module")
def systems(held) -> Systems:
    return Systems(make_pipeline(), AMTPipeline(make_model()), held)


@pytest.fixture(scope="module")
def scorer(network) -> SimilarityScorer:
    networks = [PitchClasses("classes"), network]
    return SimilarityScorer(networks, {"classes": BANDS, "corpus": BANDS})


@pytest.fixture(scope="module")
def rows(systems, scorer, held) -> list[dict]:
    plan = planned_runs(LABELS, 6, seed=0)
    return list(experiment(systems, scorer, TrainingIndex(held), plan))


def owners(roll: PianoRoll, corpus: Corpus) -> set[str]:
    return {
        piece.identifier
        for piece in corpus.pieces
        if any(piece.window(int(bar)) == roll for bar in piece.bars)
    }


def test_every_composer_has_its_turn_and_a_longer_plan_begins_alike():
    plan = planned_runs(LABELS, 7, seed=3)
    assert [run.number for run in plan] == list(range(7))
    assert {run.composer for run in plan[:3]} == set(LABELS) == {r.composer for r in plan[3:6]}
    assert planned_runs(LABELS, 30, seed=3)[:7] == plan
    assert [run.seed for run in plan] == list(range(3_000_000, 3_000_007))
    most = SETTINGS["seed"].high
    for seed in (2147, 99_999, most):
        seeds = [run.seed for run in planned_runs(LABELS, 7, seed)]
        assert len(set(seeds)) == 7 and min(seeds) >= 0 and max(seeds) <= most
    assert not {r.seed for r in plan} & {r.seed for r in planned_runs(LABELS, 7, seed=4)}


def test_real_music_is_held_out_and_by_the_composer(systems, held):
    held_out = {
        piece.identifier
        for piece, side in zip(held.pieces, held.splits, strict=True)
        if side != "train"
    }
    # Of the baseline only its name is looked at.
    echo = SimpleNamespace(rolls=[PianoRoll.empty()])
    systems = dataclasses.replace(systems, amt=lambda *_, **__: echo)
    for run in planned_runs(LABELS, 6, seed=1):
        drawn = systems.draw(run)
        assert list(drawn) == systems.names == [n for n in WITHOUT_STUDENT if n != "amt_untold"]
        (shown,), (other,) = owners(systems.reference(run), held), owners(drawn["real"], held)
        assert shown != other and {shown, other} <= held_out
        assert shown.startswith(run.composer) and other.startswith(run.composer)
        notes = {name: roll.onset.sum() for name, roll in drawn.items()}
        assert notes["shuffled"] <= notes["real"] and notes["noise"] <= notes["real"]


def test_a_row_says_what_was_drawn(rows, systems, scorer):
    run = planned_runs(LABELS, 6, seed=0)[2]
    row = rows[2]
    assert row["composer"] == run.composer and row["systems"][REFERENCE]["cosines"]["classes"] == 1
    drawn, reference = systems.draw(run), systems.reference(run)
    expected = scorer.scores(reference, {"prism": drawn["prism"]})["prism"]
    for score in expected:
        found = row["systems"]["prism"]["cosines"][score.network]
        assert found == pytest.approx(score.cosine, abs=1e-4)
    assert row["systems"]["prism"]["statistics"]["notes"] == len(drawn["prism"].notes())
    assert 1 <= row["systems"]["amt"]["rank"] <= 3
    assert {name for name, side in row["systems"].items() if "nearest" in side} == {
        REFERENCE,
        "prism",
        "amt",
    }
    for name in {"prism", "amt"}:
        assert unpacked_roll(row["systems"][name]["roll"]) == drawn[name]
    assert json.loads(json.dumps(row)) == row


def test_a_baseline_that_can_be_told_is_drawn_untold_too(held):
    calls = []
    pipeline = AMTPipeline(make_model())

    def amt(opening, seed, composers):
        calls.append((composers, seed, opening))
        return pipeline(opening, seed=seed)

    run = planned_runs(LABELS, 1, seed=2)[0]
    told = Systems(make_pipeline(), amt, held, told=LABELS, untold=True)
    assert tuple(told.draw(run)) == WITHOUT_STUDENT
    (first, *rest), (second, *others) = calls
    assert (first, second) == ([run.composer], None) and rest == others
    assert "amt_untold" not in Systems(None, amt, held, told=LABELS).names
    assert "amt_untold" not in Systems(None, amt, held, untold=True).names


def test_an_interrupted_experiment_goes_on(tmp_path, rows):
    path = tmp_path / "new" / "rows.jsonl"
    first = Ledger(path, {"weights": "a"})
    for row in rows[:2]:
        first.add(row)
    with path.open("a") as file:
        file.write('{"run": 2, "half a li')
    again = Ledger(path, {"weights": "a"})
    assert again.rows == rows[:2]
    again.add(rows[2])
    assert Ledger(path, {"weights": "a"}).rows == rows[:3]
    with pytest.raises(ValueError, match="other weights"):
        Ledger(path, {"weights": "b"})


class Quick(Systems):
    """Draws real music for everybody; notes who is drawn together."""

    names = SYSTEMS
    groups = ()

    def draw_all(self, runs):
        type(self).groups += ([run.number for run in runs],)
        return [dict.fromkeys(SYSTEMS, self.reference(run)) for run in runs]


def test_runs_are_drawn_in_the_same_groups_however_far_it_came(held, scorer, monkeypatch):
    monkeypatch.setattr("prism.evaluation.experiment.GROUP", 2)
    plan, index = planned_runs(LABELS, 5, seed=0), TrainingIndex(held)
    systems = Quick(None, None, held)
    left = experiment(systems, scorer, index, plan, done={0, 1, 3})
    assert [row["run"] for row in left] == [2, 4]
    assert Quick.groups == ([2, 3], [4])


def test_the_baseline_draws_several_together(held):
    drawn = []

    def together(calls):
        drawn.append(calls)
        return [PianoRoll.empty(tempo=60 + call["seed"]) for call in calls]

    systems = Systems(make_pipeline(), None, held, told=LABELS[:2], untold=True, together=together)
    plan = planned_runs(LABELS, 3, seed=0)
    for run, rolls in zip(plan, systems.draw_all(plan), strict=True):
        assert tuple(rolls) == WITHOUT_STUDENT
        assert rolls["amt"].tempo == rolls["amt_untold"].tempo == 60 + run.seed
    (calls,) = drawn
    told = [run.composer if run.composer in LABELS[:2] else None for run in plan]
    assert [call["composers"] for call in calls[::2]] == [name and [name] for name in told]
    assert [call["composers"] for call in calls[1::2]] == [None] * 3


def hand_made(cosines: dict[str, list[float]]) -> list[dict]:
    """Rows of two runs with these cosines and nothing remarkable besides."""

    def side(name: str, k: int) -> dict:
        value = cosines.get(name, [1.0, 1.0])[k]
        return {
            "cosines": {"classes": value, "corpus": value},
            "features": [float(k), 1.0 - k],
            "statistics": dict.fromkeys(NAMES, 10.0 * k + (name == "amt")),
            "probability": 0.5,
            "rank": 1 + k,
            **({"nearest": value} if name in (REFERENCE, "prism", "amt") else {}),
            **({"roll": {}} if name in DRAWN else {}),
        }

    return [
        {
            "run": k,
            "composer": LABELS[k],
            "seed": k,
            "systems": {name: side(name, k) for name in (REFERENCE, *WITHOUT_STUDENT)},
        }
        for k in range(2)
    ]


def test_summary_by_hand():
    rows = hand_made(
        {
            "prism": [0.6, 0.8],
            "amt": [0.7, 0.5],
            "amt_untold": [0.4, 0.3],
            "real": [0.8, 0.95],
            "shuffled": [0.1, 0.2],
            "noise": [0.0, 0.1],
        }
    )
    found = summary(rows[::-1])
    section = found["networks"]["corpus"]
    assert section["mean"] == {
        "prism": 0.7,
        "amt": 0.6,
        "real": 0.875,
        "shuffled": 0.15,
        "noise": 0.05,
        "amt_untold": 0.35,
    }
    wins = {"prism": 1, "amt": 1, "amt_untold": 0, "real": 2, "shuffled": 0, "noise": 0}
    assert section["wins"] == wins
    assert section["of_ceiling"]["prism"] == 0.8
    assert section["cosines"]["amt"] == [0.7, 0.5]
    assert section["composers"][LABELS[1]]["prism"] == 0.8
    assert found["agreement"]["prism"]["recognised"] == 0.5
    assert found["agreement"]["prism"]["in_top_two"] == 1.0
    # Every one of AMT's statistics is 1 higher, real ones are 0 and 10: spread 5.
    assert found["statistics"]["notes"]["amt"] == {"mean": 6.0, "distance": 0.2}
    assert found["statistics"]["notes"]["real"]["distance"] == 0
    assert found["frechet"]["prism"]["value"] == pytest.approx(0, abs=1e-6)
    # Both rows lie in both balls, with one neighbour.
    assert (found["clouds"]["prism"]["coverage"], found["clouds"]["real"]["density"]) == (1, 2)
    # The same rows: 2 · the kernel of the two, less half the sum of that and of 1.
    assert found["clouds"]["prism"]["mmd2"] == pytest.approx(np.exp(-0.5) - 1, abs=1e-4)
    assert found["originality"]["reference"]["copies"] == 2
    assert found["originality"]["prism"]["quantiles"][1] == 0.7


def test_tables_quote_the_summary():
    rows = hand_made({"prism": [0.6, 0.8], "amt": [0.7, 0.5]})
    result = summary(rows) | {"composers": LABELS}
    result["networks"]["imagenet"] = result["networks"].pop("classes")
    cosines = cosine_table(result).splitlines()
    assert len(cosines) == 2 + len(WITHOUT_STUDENT)
    assert cosines[2].startswith("| Prism | 0.700 (0.600 to 0.800) | 1 (")
    notes = next(line for line in statistics_table(result).splitlines() if "| notes" in line)
    assert notes.split("|")[4].strip() == "6 (0.20)"  # AMT's, after the references' and Prism's
    (first, second) = composer_table(result).splitlines()[2:]
    assert first.startswith(f"| {LABELS[0]} | 0.600 | 0.700 |") and LABELS[1] in second


def test_a_verdict_needs_an_interval_on_one_side_of_a_half():
    section = {"mean": {"real": 0.9, "shuffled": 0.3}}
    networks = {
        "imagenet": section | {"wins": {"prism": 46}, "wins_interval": {"prism": [0.37, 0.56]}},
        "corpus": section | {"wins": {"prism": 69}, "wins_interval": {"prism": [0.59, 0.77]}},
    }
    said = verdict({"runs": 100, "networks": networks})
    assert (
        "By the picture network's features it is a draw: Prism is nearer in 46 of 100 runs" in said
    )
    assert (
        "music network's features Prism wins: Prism is nearer in 69" in said and "by 0.60" in said
    )


def test_same_samples_have_no_diversity(network):
    roll = make_piece("a").window()
    other = make_piece("b", seed=5).window()
    assert studies.guidance_figures({"Ada": [roll, roll]}, network)["diversity"] == 0
    figures = studies.guidance_figures({"Ada": [roll, other]}, network)
    assert figures["diversity"] > 0 and figures["statistics"]["notes"] > 0


def test_recognition_counts_every_test_window(held, network):
    found = studies.recognition(held, network)
    assert found["windows"] > 6 and found["composers"] == LABELS
    assert np.allclose(np.sum(found["confusion"], axis=1), 1, atol=1e-3)
    assert found["mean_recall"] == pytest.approx(np.diag(found["confusion"]).mean(), abs=1e-3)
    assert found["accuracy"] <= found["top_two"] <= 1


def test_one_composer_is_recognised_among_one(held):
    ada = [(p, s) for p, s in zip(held.pieces, held.splits, strict=True) if p.label == LABELS[0]]
    alone = Corpus(*map(tuple, zip(*ada, strict=True)), (LABELS[0],))
    network = random_weights(ComposerNetwork(labels=1, width=8, feature_size=16))
    found = studies.recognition(alone, CorpusFeatures(network, LABELS[:1]))
    assert found["accuracy"] == found["top_two"] == 1


def test_figures_show_the_result(rows, held, network):
    result = summary(rows) | {
        "runs": len(rows),
        "recognition": studies.recognition(held, network),
        "mixing": {
            "rows": [
                {
                    "weight": w,
                    "first": w,
                    "second": 1 - w,
                    "log_odds": 2 * w - 1,
                    "interval": [2 * w - 1.2, 2 * w - 0.8],
                }
                for w in (0, 0.5, 1)
            ]
        },
        "guidance": [{"guidance_scale": g, "recognised": 0.5, "diversity": 0.2} for g in (0, 2)],
        "guidance_real": {"recognised": 0.9, "diversity": 0.3},
    }
    result["networks"]["imagenet"] = result["networks"].pop("classes")
    figures = evaluation_figures(result)
    assert set(figures) == {
        "cosines",
        "wins",
        "mixing",
        "guidance",
        "originality",
        "confusion",
    }
    left, right = figures["cosines"].axes
    assert [t.get_text() for t in left.get_yticklabels()][-1] == "Prism"
    bars = figures["wins"].axes[0].patches
    assert [bar.get_height() for bar in bars[:2]] == [
        section["wins"]["prism"] for section in result["networks"].values()
    ]
    odds = figures["mixing"].axes[1].get_lines()[0]
    assert odds.get_ydata().tolist() == [-1, 0, 1]
    for name in ("mixing", "guidance", "originality"):
        figures[name].draw_without_rendering()
        (legend,) = figures[name].legends
        assert legend.get_texts()
        # Over the axes, not over the curves.
        assert legend.get_window_extent().y0 >= figures[name].axes[0].bbox.y1
    older = dict(result)
    del older["guidance"], older["mixing"]
    assert list(evaluation_figures(older)) == figure_names(older)
    assert set(figures) - set(figure_names(older)) == {"guidance", "mixing"}


def told_apart(system: str, area: float, accuracy: float, windows: int) -> dict:
    return {
        "system": system,
        "windows": windows,
        "tested": windows // 2,
        "area": area,
        "interval": [area - 0.02, area + 0.03],
        "areas": [area, area],
        "accuracy": accuracy,
    }


def test_the_two_sample_test_in_words():
    rows = [
        told_apart("prism", 0.66, 0.634, 1089),
        told_apart("real", 0.52, 0.51, 1089),
        told_apart("prism", 0.7, 0.7, 390),
        told_apart("amt", 0.8, 0.74, 390),
    ]
    said = two_sample_words({"two_sample": rows})
    assert (
        "right in 63 of 100 (area under the curve 0.66, 95 %: 0.64 to 0.69; 1,089 windows of each)"
        in said
    )
    assert "real music from other real music in 51 of 100." in said
    lines = two_sample_table({"two_sample": rows}).splitlines()
    assert lines[3].startswith(
        "| other real music | 0.52 (0.50 to 0.55) | 0.52, 0.52 | 51 of 100 |"
    )
    assert "390" in lines[5]
    assert two_sample_words({}) == two_sample_table({}) == ""
    assert two_sample_words({"two_sample": rows[:1]}) == ""


def test_the_two_answers_by_hand():
    section = {"wins": {"prism": 46}, "wins_interval": {"prism": [0.37, 0.56]}}
    lost = {"wins": {"prism": 20}, "wins_interval": {"prism": [0.13, 0.29]}}
    result = {"runs": 100, "networks": {"imagenet": section, "corpus": lost}}
    nearer = (
        "Of 100 runs Prism is nearer to the real piece than AMT in 46 by the picture network "
        "(a draw) and in 20 by the music network (AMT wins)."
    )
    assert answers(result) == nearer
    # Of two rows of a system the one whose windows are as many as the others'.
    told = [("prism", 0.53, 900), ("prism", 0.6, 390), ("amt", 0.7, 390)]
    rows = [told_apart(system, 0.5, accuracy, windows) for system, accuracy, windows in told]
    assert answers(result | {"two_sample": rows}) == (
        "A network that tries to tell generated from real music is right in 60 of 100 for Prism "
        f"and 70 of 100 for AMT; guessing is right in 50. {nearer}"
    )


def test_new_sections_in_tables():
    row = {
        "tolerance": 0.1,
        "mean": {"reference": 0.5, "prism": 0.4, "real": 0.52},
        "within": {"prism": 1, "real": 2},
        "outside": {"prism": [LABELS[1]], "real": []},
    }
    section = {"labels": 2, "windows": {}, "statistics": {"top_steps": row}}
    line = tolerance_table({"tolerance": section}).splitlines()[2]
    cells = "top steps | 10 % | 1 of 2 | 2 of 2 | 0.5 | 0.4 | 0.52"
    assert line == f"| {cells} | {LABELS[1]} |"
    clouds = {"prism": {"mmd2": 0.0123, "p": 0.001, "density": 0.8, "coverage": 0.75}}
    line = cloud_table({"clouds": clouds}).splitlines()[2]
    assert line == "| Prism | 12.30 | 0.001 | 0.80 | 0.75 |"
    found = {"rising": 95, "pairs": 105, "interval": [0.83, 0.95], "rank_correlation": 0.8}
    said = mixing_words({"mixing": found, "mixing_real": found | {"rising": 100}})
    assert "rise with the slider in 95 of 105 pairs (95 %: 0.83 to 0.95" in said
    assert "in 100 (rank" in said
    assert tolerance_table({}) == cloud_table({}) == mixing_words({}) == ""


def test_a_report_is_whole_with_and_without_the_new_sections(rows):
    older = summary(rows) | {"runs": 6, "seed": 0, "hardware": "a machine", "composers": LABELS}
    older["networks"]["imagenet"] = older["networks"].pop("classes")
    newer = older | {"two_sample": [told_apart(s, 0.6, 0.6, 9) for s in ("prism", "real")]}
    del older["clouds"]
    assert report(older).startswith("By the") and "MMD" not in report(older)
    assert report(newer).startswith("A network that tries") and "MMD" in report(newer)
    for text in (report(older), report(newer)):
        assert "| Prism |" in text and "6 runs, seed 0" in text


def test_weights_have_one_digest(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"one")
    before = weights_digest([tmp_path])
    assert before == weights_digest([tmp_path])
    (tmp_path / "a.safetensors").write_bytes(b"two")
    assert weights_digest([tmp_path]) != before
    with pytest.raises(FileNotFoundError, match="no weights"):
        weights_digest([tmp_path / "missing"])
