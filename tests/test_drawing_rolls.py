"""Pictures: what is on the axes, and that files are pictures."""

import warnings

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from prism import ASSETS
from prism.drawing.fonts import drawable
from prism.drawing.rolls import (
    SOURCE_COLOURS,
    draw_roll,
    note_colours,
    save_contact_sheet,
    save_png,
)
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


def test_a_source_has_its_colour_of_the_page():
    page = (ASSETS / "page" / "colours.css").read_text(encoding="utf-8")
    for source, colour in SOURCE_COLOURS.items():
        assert f"--prism-{source}: {colour};" in page
        (loudest,) = note_colours(np.array([127]), source)
        assert to_hex(loudest) == colour
    faces = notes_on(draw_roll(ROLL, source="amt")).get_facecolors()
    assert faces[:, :3] == pytest.approx(note_colours(np.array([30, 120]), "amt"))


def test_silence_can_be_drawn():
    assert len(notes_on(draw_roll(PianoRoll.empty())).get_paths()) == 0


def test_files_are_pictures(tmp_path):
    save_png(ROLL, tmp_path / "one.png", title="One")
    save_contact_sheet([ROLL, ROLL], ["a", "b"], tmp_path / "new" / "sheet.png")
    for path in (tmp_path / "one.png", tmp_path / "new" / "sheet.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def box_font(path, characters: str):
    """A font of black boxes, called as its file."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 500), (500, 500), (500, 0)):
        pen.lineTo(point)
    pen.closePath()
    names = [".notdef", *(f"u{ord(c):x}" for c in characters)]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(c): f"u{ord(c):x}" for c in characters})
    font.setupGlyf(dict.fromkeys(names, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(names, (600, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return path


@pytest.fixture
def japanese(tmp_path, monkeypatch):
    """A system with two small fonts besides its own."""
    known = font_manager.fontManager.ttflist
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(known))
    for name, characters in (("Tiny Sans", "夜歌"), ("Tiny", "夜の𠮷")):
        font_manager.fontManager.addfont(box_font(tmp_path / f"{name}.ttf", characters))
    drawable.cache_clear()
    yield
    drawable.cache_clear()


TITLES = {
    "夜の歌.mid · from bar 1": "夜の歌.mid · from bar 1",
    "Dvořák Ω\n(𠮷)": "Dvořák Ω\n(𠮷)",
    "\U000f0000 \U000f0000\U000f0001 x": "… x",  # in no font
}


@pytest.mark.parametrize("title", TITLES)
def test_installed_fonts_have_what_the_default_lacks(japanese, tmp_path, title):
    text, families = drawable(title)
    assert text == TITLES[title]
    if "の" in title:
        assert families == ["sans-serif", "Tiny Sans", "Tiny"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of glyphs that are missing
        save_png(ROLL, tmp_path / "one.png", title=title)
        assert draw_roll(ROLL, title=title).get_title() == text


def test_what_no_font_has_is_left_out(monkeypatch, tmp_path):
    bundled = [f for f in font_manager.fontManager.ttflist if "mpl-data" in f.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", bundled)
    drawable.cache_clear()
    shown = {"夜の 歌.mid": "….mid", "क्\u200dष x": "… x", "Ωж é": "Ωж é", "": "", "夜": "…"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for title, text in shown.items():
            assert drawable(title) == (text, ["sans-serif"])
            save_png(ROLL, tmp_path / "one.png", title=title)
    drawable.cache_clear()
