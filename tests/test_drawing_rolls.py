"""Pictures: what is on the axes, and that files are pictures."""

import numpy as np
import pytest
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure

from prism.drawing.rolls import draw_roll, note_colours, save_contact_sheet, save_png
from prism.music.roll import Note, PianoRoll

ROLL = PianoRoll.from_notes([Note(60, 0, 1, 30), Note(67, 2, 2, 120)], time_signature=(3, 4))


def notes_on(ax):
    return next(c for c in ax.collections if isinstance(c, PatchCollection))


def test_one_box_a_note_where_it_sounds():
    ax = draw_roll(ROLL, title="Two notes")
    boxes = [path.get_extents() for path in notes_on(ax).get_paths()]
    assert [(box.x0, box.x1) for box in boxes] == [(0, 1), (2, 4)]
    assert [(box.y0 + box.y1) / 2 for box in boxes] == pytest.approx([60, 67])
    assert ax.get_title() == "Two notes"


def test_a_line_at_every_bar():
    lines = [line.get_xdata()[0] for line in draw_roll(ROLL).lines]
    assert lines == list(range(0, 64, 3))


def test_given_axes_are_used_and_returned():
    given = Figure().subplots()
    assert draw_roll(ROLL, given) is given


def test_louder_is_darker():
    soft, loud = note_colours(np.array([30, 120]))
    assert (loud < soft).all()


def test_silence_can_be_drawn():
    assert len(notes_on(draw_roll(PianoRoll.empty())).get_paths()) == 0


def test_files_are_pictures(tmp_path):
    save_png(ROLL, tmp_path / "one.png", title="One")
    save_contact_sheet([ROLL, ROLL], ["a", "b"], tmp_path / "new" / "sheet.png")
    for path in (tmp_path / "one.png", tmp_path / "new" / "sheet.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
