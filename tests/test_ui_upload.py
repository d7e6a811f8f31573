"""A visitor's own file: how it is read, and how it takes the corpus piece's place."""

from __future__ import annotations

import base64
import errno
import gc
import time
import types
import unicodedata
import warnings

import gradio as gr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import Page, service_of, settled
from test_midi import END_OF_TRACK, TICKS, chunk, delta, midi, note_off, note_on, signature, tempo

import prism.service.piece
import prism.service.upload
from prism.music.midi import read_midi
from prism.music.roll import Note
from prism.service.upload import UploadError, read_upload, tidy
from prism.ui.player import piece_value

MARKUP = "<img src=x onerror=alert(1)>"


def named(text: bytes) -> bytes:
    """A track's name."""
    return b"\x00\xff\x03" + delta(len(text)) + text


def quarters(count: int, pitch: int = 60, channel: int = 0) -> bytes:
    return count * (note_on(0, pitch, 80, channel) + note_off(TICKS, pitch, channel))


def read(data: bytes, name: str = "my song.mid"):
    return read_upload(name, base64.b64encode(data).decode())


# ---- reading ----


def test_a_file_is_read_with_its_name_and_tracks():
    own = read(midi(named(MARKUP.encode()) + quarters(80), named(b"") + quarters(8)), MARKUP)
    piece = own.shown()
    assert piece.title == MARKUP and f"tracks “{MARKUP}”." in piece.caption
    assert piece.kind == "Yours" and piece.name == "yours-img-src-x-onerror-alert-1-bar-1"
    assert piece.roll.notes()[:2] == [Note(60, 0, 1), Note(60, 1, 1)]
    assert piece.roll.beats == 64 and "silent" not in piece.detail
    # Pieces may be drawn and written, whatever they are called.
    assert set(piece.render().draw().files) >= {"midi", "wav", "png"}


def test_a_name_that_matplotlib_would_read_as_formula_is_drawn():
    piece = read(midi(quarters(4)), r"$\nonsense{$.mid").shown().draw()
    assert piece.files["png"].is_file()


@pytest.mark.parametrize("name", ["𠮷" * 60, "हिन्दी" * 13, "x" * 300, "e\u0301" * 80])
def test_a_piece_of_any_name_gets_its_files(name):
    piece = read(midi(quarters(4)), f"{name}.mid").shown().render()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of glyphs that are missing
        files = piece.draw().files
    assert set(files) == {"midi", "wav", "png", "midipic"}
    assert all(path.is_file() and len(path.name.encode()) <= 200 for path in files.values())
    expected = unicodedata.normalize("NFC", name)[:20]
    assert files["midi"].name.startswith(f"yours-{expected}")


@pytest.mark.parametrize(
    ("raw", "tracks"),
    [
        ("ピアノ".encode("cp932"), ("ピアノ",)),
        ("ﾋﾟｱﾉ 1".encode("cp932"), ("ﾋﾟｱﾉ 1",)),
        ("Flöte".encode("latin-1"), ("Flöte",)),
        ("L’été".encode("cp1252"), ("L’été",)),
        ("Dvor\u030ca\u0301k".encode(), ("Dvořák",)),
        ("Рояль".encode("cp1251"), ()),
        (b"Violin \x81", ()),
        (b"\0\0", ()),
    ],
)
def test_track_names_are_read_or_hidden(raw, tracks):
    assert read(midi(named(raw) + quarters(4))).tracks == tracks


WRONG = [
    (b"", "cannot be used: the file is empty"),
    (b"%PDF-1.7", "cannot be used: this is not a MIDI file"),
    (midi(quarters(4))[:-9], "lacks its last 9 bytes; expected a whole file"),
    (midi(quarters(4), kind=2), "type 2; expected 0 or 1"),
    (midi(quarters(4), division=0xE728), "not SMPTE frames"),
    (midi(b"\0\x3c\x40"), "the events in track 1 make no sense"),
    (midi(b""), "there is no note in it; expected at least one"),
    (midi(quarters(4, channel=9)), "it has drums alone; expected notes of pitch"),
    (midi(quarters(4, pitch=10)), "outside the piano's 88 keys; expected MIDI pitches 21 to 108"),
    (midi(note_on(0, 60) + note_off(4001 * TICKS, 60)), "4,001 beats long; expected at most 4,000"),
    (midi(quarters(1)) + bytes(2**19), "it has 512 KB; expected at most 512 KB"),
    (b"M" * 2**21, "it has 2,048 KB; expected at most 512 KB"),
]


def test_what_is_not_base64_is_told_what_to_do():
    with pytest.raises(UploadError, match="a.mid cannot be used: .*expected a file in base64"):
        read_upload("a.mid", "!!!!")


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_each_way_to_be_wrong_has_its_message(data, message):
    with pytest.raises(UploadError) as caught:
        read(data, "<b>x</b>.mid")
    assert message in str(caught.value) and str(caught.value).startswith("<b>x</b>.mid cannot")
    assert str(caught.value).endswith(".") and "MIDI data" not in str(caught.value)


def test_too_many_notes(monkeypatch):
    monkeypatch.setattr(prism.service.upload, "MAX_NOTES", 3)
    with pytest.raises(UploadError, match="it has 4 notes; expected at most 3"):
        read(midi(quarters(4)))


@pytest.mark.parametrize("content", [None, 7, "é", "abc", ["x"]])
def test_what_the_page_never_sends_is_told(content):
    with pytest.raises(UploadError):
        read_upload(None, content)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\tc\0.mid", "a b c .mid"),
        ("\u202egnp.dim", "gnp.dim"),
        ("\ud800x", "x"),
        (None, ""),
        ("x" * 200, "x" * 79 + "…"),
        ("Dvořák – 夜.mid", "Dvořák – 夜.mid"),
        ("Dvor\u030ca\u0301k.mid", "Dvořák.mid"),
        ("क्\u200dष.mid", "क्\u200dष.mid"),
    ],
)
def test_a_strangers_text_becomes_one_short_line(text, line):
    assert tidy(text) == line


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_damaged_file_is_told_or_shown(data):
    content = bytearray(midi(tempo(0, 500_000) + signature(0, 3, 2), named(b"x") + quarters(9)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        own = read(bytes(content))
    except UploadError:
        return
    piece = own.shown()
    assert piece.roll.onset.any() and 20 <= piece.roll.tempo <= 400


# ---- where it begins ----


def test_it_begins_with_the_bar_of_the_first_note():
    own = read(midi(signature(0, 3, 2) + note_on(7 * TICKS, 60) + note_off(TICKS, 60)))
    assert (own.bar, len(own.bars)) == (3, 3)
    assert own.shown().roll.notes() == [Note(60, 1, 1)]
    assert "from bar 3 of 3" in own.shown().detail and "silent after beat 2" in own.shown().detail


def test_another_bar_can_be_chosen():
    own = read(midi(quarters(4) + quarters(4, 62) + note_on(400 * TICKS, 64) + note_off(1, 64)))
    assert own.at(2).shown().roll.notes()[0] == Note(62, 0, 1) and own.bar == 1
    assert own.at(2.0).key == own.at(2).key != own.key
    for bar, message in (
        (0, "expected a whole number from 1 to 103, got 0"),
        (104, "got 104"),
        (1.5, "got 1.5"),
        (None, "got nothing"),
        ("x" * 999, "got 'x+…"),
        (True, "got True"),
        (float("nan"), "got nan"),
        (5, "From bar 5 on there are 64 beats with"),
    ):
        with pytest.raises(UploadError, match=message):
            own.at(bar)


@pytest.mark.parametrize(
    ("conductor", "events", "expected"),
    [
        # a pick-up belongs to no bar
        (signature(0, 1, 2) + signature(TICKS, 3, 2), quarters(9), (1, [24, 96, 168])),
        # a single note within a pick-up
        (signature(0, 1, 2) + signature(TICKS, 3, 2), quarters(1), (1, [0])),
        # bars longer than the window
        (
            signature(0, 255, 0),
            note_on(200 * TICKS, 60) + note_off(TICKS, 60),
            (1, [4800]),
        ),
    ],
)
def test_odd_bars(conductor, events, expected):
    own = read(midi(conductor, events))
    assert (own.bar, own.bars.tolist()) == expected and own.shown().roll.onset.any()


def test_a_window_has_its_own_metre_and_tempo():
    # 4/4 at 60, and from beat 8 on 3/4 at 140.
    slow = signature(0, 4, 2) + tempo(0, 1_000_000)
    fast = signature(8 * TICKS, 3, 2) + tempo(0, round(60_000_000 / 140))
    own = read(midi(slow + fast, quarters(96)))
    late = own.at(5).shown()
    assert "3/4 at 140" in late.detail and round(late.roll.seconds, 1) == 27.4
    first = own.shown()
    assert first.detail.endswith("3/4 at 120, the mean of 60 to 140") and first.roll.seconds == 32
    assert piece_value(first)["bars"][:5] == [0, 4, 8, 11, 14]
    saved = read_midi(first.render().files["midi"])
    assert saved.bars[:5].tolist() == [0, 96, 192, 264, 336] and saved.time_signature == (3, 4)
    assert own.at(5).shown(90).detail.endswith("3/4 at 90")


def test_an_extreme_tempo_is_not_played():
    slow, fast = (read(midi(tempo(0, mspq) + quarters(4))) for mspq in (2**24 - 1, 1))
    assert (slow.shown().roll.tempo, fast.shown().roll.tempo) == (20, 400)
    assert slow.shown(90).roll.tempo == 90


def test_a_large_file_is_read_in_time():
    """No timing: what would be slow by its number of events is refused or small."""
    many = b"".join(chunk(END_OF_TRACK) for _ in range(40_000))
    header = chunk(b"\0\1" + (40_000).to_bytes(2, "big") + b"\0\x60", b"MThd")
    with pytest.raises(UploadError, match="no note in it"):
        read(header + many)


# ---- on the page ----


def choose(page: Page, data: bytes, name: str = "mine.mid") -> tuple:
    """Choose a file; (panel, player, piece)."""
    content = base64.b64encode(data).decode()
    return settled(page.handlers.chosen(page.session, event(label=name, content=content)))[:3]


def moved(page: Page, bar: int) -> tuple:
    return settled(page.handlers.moved(page.session, event(bar=bar)))[:3]


def scores(page: Page):
    return settled([(value,) for value in page.cards.scores(page.generation)] or [(gr.skip(),)])[0]


def event(when: float | None = None, **data) -> types.SimpleNamespace:
    """What the page says, made now or at a time that is given."""
    return types.SimpleNamespace(when=time.perf_counter() if when is None else when, **data)


@pytest.fixture(scope="module")
def service():
    return service_of()


MINE = midi(named(MARKUP.encode()) + quarters(40, 61))


def test_it_takes_the_corpus_pieces_place_at_once_and_at_the_next_click(service):
    page = Page(service)
    page.click("prism", "corpus")
    before = scores(page)
    panel, player, piece = choose(page, MINE)
    assert (panel["name"], panel["bars"], panel["message"]) == ("mine.mid", 10, "")
    assert player["title"] == "mine.mid" and player["kind"] == "Yours" and "wav" in piece.files
    after = scores(page)
    assert after["against"] == "your piece" and before["against"] == "the real piece"
    roll = page.generation.pieces["prism"].roll
    expected = service.scorer.get().scores(piece.roll, {"prism": roll})["prism"]
    assert page.generation.scores["prism"] == expected
    page.click("prism", "corpus", seed=2)
    assert page.generation.pieces["corpus"].title == "mine.mid"
    list(page.cards.nearest(page.generation))
    assert set(page.generation.neighbours) == {"prism"}


def test_nobody_else_gets_to_see_it(service):
    page, other = Page(service), Page(service)
    choose(page, MINE)
    page.click("prism", "corpus", seed=3)
    other.click("prism", "corpus", seed=3)
    assert page.generation.pieces["corpus"].title == "mine.mid"
    assert other.generation.pieces["corpus"].title == "Ada-test"
    link, *_ = page.begin(seed=3)
    assert "mine" not in link["query"]


def test_a_wrong_file_changes_nothing(service):
    page = Page(service)
    choose(page, MINE)
    page.click("prism", "corpus")
    before = scores(page)
    panel, player, piece = choose(page, b"nonsense", "other.mid")
    after = page.cards.replaced(page.generation)[0]
    assert after == before | {"told": after["told"]}
    assert panel["name"] == "mine.mid" and panel["message"].startswith("other.mid cannot be used")
    assert player == piece == gr.skip() and page.session.own.piece.title == "mine.mid"


def test_the_bar_can_be_moved(service):
    page = Page(service)
    assert moved(page, 2)[0] == gr.skip()
    choose(page, MINE)
    panel, player, _ = moved(page, 3)
    assert panel["bar"] == 3 and "from bar 3 of 10" in player["detail"]
    panel, player, _ = moved(page, 99)
    assert panel["bar"] == 3 and "got 99" in panel["message"] and player == gr.skip()


def test_a_complaint_stays_although_the_sound_of_another_bar_comes_later(service):
    page = Page(service)
    choose(page, MINE)
    on_its_way = page.handlers.moved(page.session, event(bar=3))
    begun = next(on_its_way)
    choose(page, b"nonsense", "other.mid")
    assert begun[0]["bar"] == 3
    assert [panel for panel, *_ in on_its_way] == [gr.skip()]


def test_files_that_cannot_be_written_are_told_and_the_log_has_no_name(
    service, monkeypatch, caplog
):
    def full(roll, path, *others):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    page = Page(service)
    monkeypatch.setattr(prism.service.piece, "save_midi", full)
    panel, player, piece = choose(page, MINE, "secret.mid")
    assert panel["name"] == "secret.mid" and piece is None and not player.get("busy")
    expected = "There is no music here: No space left on device: yours-secret-mid-bar-1.mid"
    assert player["message"] == expected
    assert caplog.messages[0].startswith("corpus: OSError: No space left on device in ")
    assert "secret" not in caplog.text


def mine(when: float, count: int, name: str) -> types.SimpleNamespace:
    content = base64.b64encode(midi(quarters(count))).decode()
    return event(when, label=name, content=content)


def test_the_newest_file_wins_whichever_is_read_first(service):
    page = Page(service)
    page.click("prism", "corpus")
    first, second = (
        page.handlers.chosen(page.session, mine(when, 40, f"{when}.mid")) for when in (1, 2)
    )
    shown = next(second)
    assert shown[0]["name"] == shown[1]["title"] == "2.mid"
    assert list(first) == [(gr.skip(),) * 5]
    assert settled(second)[2].title == page.generation.pieces["corpus"].title == "2.mid"


def test_the_first_file_ends_when_a_second_comes_while_its_sound_is_made(service):
    page = Page(service)
    page.click("prism", "corpus")
    first, second = (
        page.handlers.chosen(page.session, mine(when, 40, f"{when}.mid")) for when in (1, 2)
    )
    assert next(first)[0]["name"] == "1.mid"
    assert settled(second)[2].title == "2.mid"
    assert list(first) == [(gr.skip(),) * 5]
    assert page.session.own.piece.title == page.generation.pieces["corpus"].title == "2.mid"


def test_the_newest_bar_wins_and_an_older_one_is_not_of_a_newer_file(service):
    page, moved_to = Page(service), lambda when, bar: event(when, bar=bar)
    settled(page.handlers.chosen(page.session, mine(1, 40, "1.mid")))
    third = page.handlers.moved(page.session, moved_to(3, 5))
    assert next(third)[0]["bar"] == 5
    assert list(page.handlers.moved(page.session, moved_to(2, 4))) == [(gr.skip(),) * 5]
    assert "from bar 5 of 10" in settled(third)[1]["detail"]
    settled(page.handlers.chosen(page.session, mine(5, 80, "5.mid")))
    assert list(page.handlers.moved(page.session, moved_to(4, 7))) == [(gr.skip(),) * 5]
    assert page.session.own.bar == 1


def test_a_file_that_was_removed_does_not_come_back(service):
    page = Page(service)
    assert settled(page.handlers.removed(page.session, event(2)))[0]["name"] == ""
    assert list(page.handlers.chosen(page.session, mine(1, 40, "1.mid"))) == [(gr.skip(),) * 5]
    assert page.session.own is None


def test_a_second_file_that_cannot_be_used_does_not_stop_the_first(service):
    page = Page(service)
    first = page.handlers.chosen(page.session, mine(1, 40, "1.mid"))
    next(first)
    wrong = event(2, label="2.mid", content="")
    assert (
        "2.mid cannot be used" in settled(page.handlers.chosen(page.session, wrong))[0]["message"]
    )
    assert settled(first)[2].title == "1.mid"


def test_removing_it_brings_the_corpus_back_and_its_files_go(service):
    page = Page(service)
    page.click("prism", "corpus")
    _, _, piece = choose(page, MINE)
    path = piece.files["wav"]
    first, *_, last = page.handlers.removed(page.session, event())
    assert not first[0]["name"] and last[1]["title"] == "Ada-test"
    assert page.generation.pieces["corpus"].title == "Ada-test" and page.session.own is None
    assert scores(page)["against"] == "the real piece"
    del piece, first, last
    gc.collect()
    assert not path.exists()


def test_removing_it_after_stop_brings_the_corpus_back_as_well(service):
    page = Page(service)
    page.click("prism", "corpus")
    choose(page, MINE)
    page.handlers.stop(page.session)
    *_, last = page.handlers.removed(page.session, event())
    assert last[1]["title"] == "Ada-test" and "wav" in last[2].files
    assert page.generation.pieces["corpus"] is last[2]


def test_what_was_on_its_way_does_not_come_in_between(service):
    page = Page(service)
    page.begin(seed=4)
    on_its_way = page.filling("corpus")
    next(on_its_way)
    choose(page, MINE)
    assert all(part == gr.skip() for part in list(on_its_way)[-1])
    assert page.generation.pieces["corpus"].title == "mine.mid"


def test_scores_of_the_piece_before_are_not_kept(service):
    page = Page(service)
    page.click("prism", "corpus", seed=5)
    scorer, run = service.scorer.get(), service.models.run

    def run_and_choose(*call, **settings):
        found = run(*call, **settings)
        choose(page, MINE)
        return found

    service.models.run = run_and_choose
    try:
        assert scores(page) == gr.skip()
    finally:
        service.models.run = run
    assert page.generation.scores == {}
    scores(page)
    corpus, prism = (page.generation.pieces[side].roll for side in ("corpus", "prism"))
    assert page.generation.scores == scorer.scores(corpus, {"prism": prism})
    assert np.array_equal(corpus.onset, page.session.own.shown().roll.onset)
