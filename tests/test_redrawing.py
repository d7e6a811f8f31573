"""The study of drawn beats beside kept ones."""

import numpy as np
import pytest
from conftest import make_pipeline
from test_amt_sampler import SHORT, TOLD, make_model
from test_known import begun, inside

from prism.amt.pipeline import AMTPipeline
from prism.evaluation.redrawing import (
    PARTS,
    SYSTEMS,
    DrawnParts,
    _chosen,
    draw_parts,
    key_kept,
    part_figures,
    told_apart,
)
from prism.music.roll import Note, PianoRoll, Piece
from prism.music.windows import Window

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
    assert list(drawn) == ["Ada", "Bob"] and list(drawn["Ada"].rolls) == list(PARTS)
    assert [c["composers"] for c in calls] == [["Ada"]] * 4 + [None] * 4
    for rolls, pieces, others in drawn.values():
        assert not set(pieces) & {window.piece.identifier for window in others}
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


def test_a_network_tells_a_part_of_other_music_and_not_what_is_kept():
    """Long notes in the second half of real windows, short ones in the first of all."""

    def window(name: str, length: float, seed: int) -> Window:
        moves = np.random.default_rng(seed).integers(50, 80, 256).tolist()
        short = [(i / 4, 0.25) for i in range(128)]
        drawn = [(32 + i * length, length) for i in range(round(32 / length))]
        rows = [(t * 24, d * 24, moves[i], 80) for i, (t, d) in enumerate(short + drawn)]
        notes = np.array(rows).astype(np.int32)
        return Window(Piece(name, name, "Ada", "", "", notes, np.arange(0, 1536, 96)), 0)

    def drawn(length: float) -> dict[str, DrawnParts]:
        others = [window(f"real {i}", 4, i) for i in range(12)]
        own = [window(f"own {i}", length, 20 + i) for i in range(12)]
        rolls = {"continued": {"prism": [one.roll for one in own]}}
        return {"Ada": DrawnParts(rolls, [one.piece.identifier for one in own], others)}

    alike, apart = (
        told_apart(drawn(length), "continued", "prism", seeds=1, updates=60) for length in (4, 0.5)
    )
    assert apart["area"] > 0.9 > alike["area"] and alike["windows"] == 12


def test_windows_are_of_other_pieces_than_those_they_are_compared_with(corpus):
    found = corpus.windows("train", "Ada")
    chosen, others = _chosen(found, 3)
    pieces = [{window.piece.identifier for window in side} for side in (chosen, others)]
    assert not pieces[0] & pieces[1]
    assert len(chosen) <= 3 and len(others) <= 3
