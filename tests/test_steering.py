"""What was asked for against what is measured."""

import dataclasses
import types

import numpy as np
import torch

from prism.evaluation.report import steering_table
from prism.evaluation.steering import questions, steering
from prism.music.roll import Note, PianoRoll


class Obedient:
    """Plays as dense as it is asked to, sparse otherwise; knows two composers and no metre."""

    composers = ("Ada", "Bob")
    attributes = {"density": ("sparse", "medium", "dense")}

    def __init__(self) -> None:
        self.calls = []

    def __call__(self, composer, seed, density="sparse", time_signature=None):
        wish = density
        self.calls.append((composer, seed, wish))
        # Bob cannot play dense.
        a_beat = {"sparse": 1, "medium": 2, "dense": 2 if composer == "Bob" else 4}[wish]
        notes = [Note(60, k / a_beat, 0.25) for k in range(64 * a_beat)]
        return types.SimpleNamespace(rolls=[PianoRoll.from_notes(notes, 256)])


class Tuner:
    """Hears Ada in low music and Bob in high music."""

    composers = ["Ada", "Bob"]

    def probabilities(self, rolls):
        high = [float(np.mean([n.pitch for n in roll.notes()]) > 60) for roll in rolls]
        return torch.tensor([[1 - share, share] for share in high])


def steered(model, corpus, **options):
    asked = questions(model, Tuner(), corpus)
    return list(steering(model, asked, corpus, **options))


def test_shares_by_hand(corpus):
    model = Obedient()
    rows = {row["value"]: row for row in steered(model, corpus, samples=4, seed=10)}
    assert [rows[v]["has_it"] for v in ("sparse", "medium", "dense")] == [1.0, 1.0, 0.5]
    assert [rows[v]["unasked"] for v in ("sparse", "medium", "dense")] == [1.0, 0.0, 0.0]
    low, high = rows["dense"]["interval"]
    assert 0 < low < 0.5 < high < 1
    # The same composers and seeds for every value, and for the rolls nothing is asked of.
    assert {call[:2] for call in model.calls} == {
        ("Ada", 10),
        ("Bob", 11),
        ("Ada", 12),
        ("Bob", 13),
    }
    table = steering_table({"steering": list(rows.values())})
    assert table.splitlines()[2] == "| density | 0.83 (0.50 dense) | 0.33 | 1.00 | 12 |"


def test_a_model_without_attributes_is_asked_for_metres_alone(corpus):
    model = Obedient()
    model.attributes = {}
    rows = steered(model, corpus, samples=2, seed=0)
    assert {row["attribute"] for row in rows} == {"metre"}


class Dancer:
    """Stresses each bar of whatever metre is asked for, of common time otherwise."""

    composers, attributes = ("Ada",), {}

    def __call__(self, composer, seed, time_signature=(4, 4)):
        beats = time_signature[0]
        notes = [Note(60, k, 0.25 if k % beats else 1) for k in range(64)]
        return types.SimpleNamespace(rolls=[PianoRoll.from_notes(notes, 256)])


def test_the_metre_is_heard_in_where_long_notes_fall(corpus):
    three, four = steered(Dancer(), corpus, samples=2, seed=0)
    assert (three["value"], four["value"]) == ("3 beats a bar", "4 beats a bar")
    assert (three["has_it"], four["has_it"]) == (1.0, 1.0)
    assert (three["unasked"], four["unasked"]) == (0.0, 1.0)
    # There is no test piece in three beats a bar.
    assert three["real"] is None and 0 <= four["real"] <= 1


class Collector:
    """Plays low for the Ballads and high for the Dances; ignores who is named."""

    composers = ("Ada", "Bob")
    attributes = {"collection": ("Ballads", "Dances")}

    def __call__(self, composer, seed, collection=None, time_signature=None, guidance_scale=2.0):
        assert guidance_scale == 0 or collection is None
        pitch = {None: 70, "Ballads": 40, "Dances": 70}[collection]
        return types.SimpleNamespace(rolls=[PianoRoll.from_notes([Note(pitch, 0, 1)], 256)])


def test_a_collection_is_heard_by_its_composers(corpus):
    folders = {"Ada": "Ballads", "Bob": "Dances"}
    pieces = tuple(
        dataclasses.replace(p, source=f"m/{p.label}/{folders[p.label]}/x.mid")
        for p in corpus.pieces
    )
    corpus = dataclasses.replace(corpus, pieces=pieces)
    rows = steered(Collector(), corpus, samples=2, seed=0)
    found = {row["value"]: row for row in rows if row["attribute"] == "collection"}
    assert [found[v]["has_it"] for v in ("Ballads", "Dances")] == [1.0, 1.0]
    assert [found[v]["unasked"] for v in ("Ballads", "Dances")] == [0.0, 1.0]
    # Real pieces lie lower than 60 on the whole or not, whoever wrote them.
    assert found["Ballads"]["real"] + found["Dances"]["real"] == 1.0
