"""What was asked for against what is measured."""

import types

from prism.evaluation.report import steering_table
from prism.evaluation.steering import steering
from prism.music import Note, PianoRoll


class Obedient:
    """Plays as dense as it is asked to, sparse otherwise; knows two composers."""

    composers = ("Ada", "Bob")
    attributes = {"density": ("sparse", "medium", "dense")}

    def __init__(self) -> None:
        self.calls = []

    def __call__(self, composer, seed, attributes=None):
        wish = (attributes or {}).get("density", "sparse")
        self.calls.append((composer, seed, wish))
        # Bob cannot play dense.
        a_beat = {"sparse": 1, "medium": 2, "dense": 2 if composer == "Bob" else 4}[wish]
        notes = [Note(60, k / a_beat, 0.25) for k in range(64 * a_beat)]
        return types.SimpleNamespace(rolls=[PianoRoll.from_notes(notes, 256)])


def test_shares_by_hand():
    model = Obedient()
    rows = {row["value"]: row for row in steering(model, samples=4, seed=10)}
    assert [rows[v]["has_it"] for v in ("sparse", "medium", "dense")] == [1.0, 1.0, 0.5]
    assert [rows[v]["unasked"] for v in ("sparse", "medium", "dense")] == [1.0, 0.0, 0.0]
    low, high = rows["dense"]["interval"]
    assert 0 < low < 0.5 < high < 1
    # The same composers and seeds for every value, and for the rolls nothing is asked of.
    assert {call[:2] for call in model.calls} == {
        ("Ada", 10), ("Bob", 11), ("Ada", 12), ("Bob", 13)
    }  # fmt: skip
    table = steering_table({"steering": list(rows.values())})
    assert table.splitlines()[2:] == ["| density | 0.83 (0.50 dense) | 0.33 | 12 |"]


def test_a_model_without_attributes_has_nothing_to_show():
    model = Obedient()
    model.attributes = {}
    assert list(steering(model, samples=2, seed=0)) == []
