"""The stored experiment belongs to the bundled weights, and holds what it should."""

import json

import numpy as np
import pytest
from conftest import ROOT

from prism.corpora.prepared import Corpus
from prism.corpora.provenance import fingerprint
from prism.evaluation.systems import SYSTEMS, planned_runs
from prism.similarity.bands import KIND_WORDS, load_bands


@pytest.fixture(scope="module")
def stored() -> dict:
    return json.loads((ROOT / "assets" / "evaluation.json").read_text(encoding="utf-8"))


def test_it_was_made_with_the_bundled_weights_and_corpus(stored):
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    origin = fingerprint(ROOT / "weights", corpus, stored["seed"])
    assert {name: stored[name] for name in origin} == origin


def test_it_is_whole(stored):
    assert stored["runs"] >= 100 and set(stored["networks"]) == {"imagenet", "corpus"}
    for section in stored["networks"].values():
        for figure in ("mean", "interval", "wins"):
            # The baseline of an older result could not be told the composer.
            assert set(section[figure]) | {"amt_untold"} == set(SYSTEMS)
        for side, (low, high) in section["interval"].items():
            assert len(section["cosines"][side]) == stored["runs"]
            assert low <= section["mean"][side] <= high
            assert section["mean"][side] == pytest.approx(
                np.mean(section["cosines"][side]), abs=1e-3
            )
    plan = planned_runs(stored["composers"], stored["runs"], stored["seed"])
    assert {run.composer for run in plan} == set(stored["networks"]["corpus"]["composers"])


def test_real_music_is_the_ceiling_and_noise_the_floor(stored):
    mean = stored["networks"]["corpus"]["mean"]
    assert mean["real"] > mean["shuffled"] and mean["real"] > mean["noise"]
    assert stored["recognition"]["accuracy"] > 0.5


def test_bands_are_ordered_as_their_names_say(stored):
    for kinds in load_bands(ROOT / "weights" / "similarity" / "bands.json").values():
        assert list(kinds) == list(KIND_WORDS) and all(b.count >= 100 for b in kinds.values())
        means = [kinds[k].mean for k in ("same_piece", "same_composer", "other_composer", "noise")]
        assert means == sorted(means, reverse=True)
