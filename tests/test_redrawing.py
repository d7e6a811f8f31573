"""The study of drawn beats beside kept ones."""

import numpy as np
import pytest
from conftest import make_pipeline
from test_amt_sampler import SHORT, TOLD, make_model
from test_known import begun, inside

from prism.amt.pipeline import AMTPipeline
from prism.evaluation.redrawing import PARTS, SYSTEMS, draw_parts, key_kept, part_figures
from prism.music.roll import Note, PianoRoll

SECOND_HALF = np.arange(256) >= 128


def test_key_kept_by_hand():
    def kept(*notes):
        return key_kept(PianoRoll.from_notes([Note(*note) for note in notes]), SECOND_HALF)

    assert kept((60, 0, 1), (72, 40, 3)) == pytest.approx(1)  # an octave away
    assert kept((60, 0, 1), (61, 40, 1)) == 0
    # C for three beats and G for four, then C for one: 3 / 5.
    assert kept((60, 0, 3), (67, 4, 4), (48, 40, 1)) == pytest.approx(0.6)
    assert kept((60, 0, 1)) == 0


def test_figures_of_a_part_by_hand():
    """Before the seam at beat 32 a note of one frame, after it one of two; elsewhere others."""
    notes = [(60, 31.75, 0.25), (62, 32, 0.5), (64, 33, 0.25), (65, 5, 0.25)]
    figures = part_figures([PianoRoll.from_notes([Note(*note) for note in notes])], "continued")
    assert figures["one_frame_at_seams"] == 0.5
    assert (figures["notes"], figures["one_frame_notes"]) == (2, 0.5)
    assert "one_frame_at_seams" not in part_figures([PianoRoll.empty()], "redrawn")


def test_every_system_draws_the_parts_of_the_same_windows(corpus):
    prism, amt = make_pipeline(), AMTPipeline(make_model(**TOLD, **SHORT))
    calls = []

    def together(some):
        calls.extend(some)
        return [amt(**call).rolls[0] for call in some]

    drawn = dict(draw_parts(prism, together, ["Ada"], corpus, 2, 5))
    assert list(drawn) == ["Ada", "Bob"] and list(drawn["Ada"]) == list(PARTS)
    assert [c["composers"] for c in calls] == [["Ada"]] * 4 + [None] * 4
    for rolls in drawn.values():
        for part, (first, last) in PARTS.items():
            assert list(rolls[part]) == list(SYSTEMS)
            kept = np.ones(64, bool)
            kept[first:last] = False
            for name in ("prism", "amt", "apart"):
                for real, roll in zip(rolls[part]["real"], rolls[part][name], strict=True):
                    assert inside(real, kept) <= inside(roll, kept)
                    assert begun(roll, kept) == begun(real, kept)
                    assert begun(roll, ~kept) != begun(real, ~kept)
            assert set(part_figures(rolls[part]["prism"], part)) > {"key_kept", "notes"}
