"""What was asked for against what is measured."""

import types

from prism.evaluation.report import steering_table
from prism.evaluation.steering import steering
from prism.music import Note, PianoRoll


class Obedient:
    """Plays as dense as it is asked to, sparse otherwise; knows two composers and no metre."""

    composers = ("Ada", "Bob")
    attributes = {"density": ("sparse", "medium", "dense")}

    def __init__(self) -> None:
        self.calls = []

    def __call__(self, composer, seed, attributes=None, time_signature=None):
        wish = (attributes or {}).get("density", "sparse")
        self.calls.append((composer, seed, wish))
        # Bob cannot play dense.
        a_beat = {"sparse": 1, "medium": 2, "dense": 2 if composer == "Bob" else 4}[wish]
        notes = [Note(60, k / a_beat, 0.25) for k in range(64 * a_beat)]
        return types.SimpleNamespace(rolls=[PianoRoll.from_notes(notes, 256)])


def test_shares_by_hand(corpus):
    model = Obedient()
    rows = {row["value"]: row for row in steering(model, corpus, samples=4, seed=10)}
    assert [rows[v]["has_it"] for v in ("sparse", "medium", "dense")] == [1.0, 1.0, 0.5]
    assert [rows[v]["unasked"] for v in ("sparse", "medium", "dense")] == [1.0, 0.0, 0.0]
    low, high = rows["dense"]["interval"]
    assert 0 < low < 0.5 < high < 1
    # The same composers and seeds for every value, and for the rolls nothing is asked of.
    assert {call[:2] for call in model.calls} == {
        ("Ada", 10), ("Bob", 11), ("Ada", 12), ("Bob", 13)
    }  # fmt: skip
    table = steering_table({"steering": list(rows.values())})
    assert table.splitlines()[2] == "| density | 0.83 (0.50 dense) | 0.33 | 1.00 | 12 |"


def test_a_model_without_attributes_is_asked_for_metres_alone(corpus):
    model = Obedient()
    model.attributes = {}
    rows = list(steering(model, corpus, samples=2, seed=0))
    assert {row["attribute"] for row in rows} == {"metre"}


class Dancer:
    """Stresses each bar of whatever metre is asked for, of common time otherwise."""

    composers, attributes = ("Ada",), {}

    def __call__(self, composer, seed, time_signature=(4, 4)):
        beats = time_signature[0]
        notes = [Note(60, k, 0.25 if k % beats else 1) for k in range(64)]
        return types.SimpleNamespace(rolls=[PianoRoll.from_notes(notes, 256)])


def test_the_metre_is_heard_in_where_long_notes_fall(corpus):
    three, four = steering(Dancer(), corpus, samples=2, seed=0)
    assert (three["value"], four["value"]) == ("3 beats a bar", "4 beats a bar")
    assert (three["has_it"], four["has_it"]) == (1.0, 1.0)
    assert (three["unasked"], four["unasked"]) == (0.0, 1.0)
    # There is no test piece in three beats a bar.
    assert three["real"] is None and 0 <= four["real"] <= 1
